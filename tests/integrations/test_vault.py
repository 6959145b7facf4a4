"""Tokens at rest: what the vault promises."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from pytest_django import Settings

from integrations import vault
from integrations.errors import Misconfigured
from integrations.models import Connection, Credential
from tests.integrations.accounts import NOW


def new_key() -> str:
    return Fernet.generate_key().decode()


def test_what_is_encrypted_can_be_read_and_does_not_show_the_token() -> None:
    sealed = vault.encrypt("shpat_secret")
    assert b"shpat" not in sealed
    assert vault.decrypt(sealed) == "shpat_secret"
    assert vault.decrypt(memoryview(sealed)) == "shpat_secret"  # PostgreSQL hands binary columns back like this


def test_an_older_key_still_opens_and_the_newest_one_seals(settings: Settings) -> None:
    old, new = new_key(), new_key()
    settings.SEGSYNC_ENCRYPTION_KEYS = [old]
    sealed = vault.encrypt("token")
    settings.SEGSYNC_ENCRYPTION_KEYS = [new, old]
    assert vault.decrypt(sealed) == "token"
    assert Fernet(new).decrypt(vault.encrypt("token")) == b"token"


def test_fault_50_a_key_rotated_away_is_told_and_nothing_is_overwritten(connection: Connection, settings: Settings) -> None:
    before = bytes(Credential.objects.get().access_token)
    settings.SEGSYNC_ENCRYPTION_KEYS = [new_key()]
    with pytest.raises(Misconfigured, match="put the key it was written with back"):
        vault.decrypt(before)
    with pytest.raises(Misconfigured):
        vault.rotate_all(NOW)
    assert bytes(Credential.objects.get().access_token) == before


def test_rotation_leaves_every_token_readable_with_the_newest_key_alone(connection: Connection, settings: Settings) -> None:
    newest = new_key()
    settings.SEGSYNC_ENCRYPTION_KEYS = [newest, *settings.SEGSYNC_ENCRYPTION_KEYS]
    assert vault.rotate_all(NOW) == 1
    settings.SEGSYNC_ENCRYPTION_KEYS = [newest]
    row = Credential.objects.get()
    assert (vault.decrypt(row.access_token), vault.decrypt(row.refresh_token or b"")) == ("access-first", "refresh-first")
    assert row.version == 1  # the same tokens: a refresh under way must not lose against a rotation


def test_without_a_key_nothing_is_stored_outside_debug(settings: Settings) -> None:
    settings.SEGSYNC_ENCRYPTION_KEYS = []
    with pytest.raises(Misconfigured, match="make_key"):
        vault.encrypt("token")


def test_in_debug_one_key_is_made_once_and_kept_for_its_owner_only(settings: Settings, tmp_path: Path) -> None:
    settings.SEGSYNC_ENCRYPTION_KEYS, settings.DEBUG, settings.VAR_DIR = [], True, tmp_path
    sealed = vault.encrypt("token")
    assert vault.decrypt(sealed) == "token"
    assert [path.name for path in tmp_path.iterdir()] == ["encryption.key"]
    assert stat.S_IMODE((tmp_path / "encryption.key").stat().st_mode) == 0o600
