"""A wrong or missing variable: everything that is wrong at once, in words that say what to set."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from config.environment import Environment
from tests.config.commands import OURS, manage, said_in_a_sentence

PRODUCTION = {
    "SECRET_KEY": "a-long-random-text-" * 3,
    "SEGSYNC_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "segsync.example.com",
    "PUBLIC_URL": "https://segsync.example.com",
    "SHOPIFY_CLIENT_ID": "id",
    "SHOPIFY_CLIENT_SECRETS": "secret",
    "HUBSPOT_CLIENT_ID": "id",
    "HUBSPOT_CLIENT_SECRET": "secret",
}
GARBLED = {
    "DEBUG": ("perhaps", "DEBUG: give 1 or 0."),
    "BEHIND_PROXY": ("x", "BEHIND_PROXY: give 1 or 0."),
    "LOG_LEVEL": ("loud", "LOG_LEVEL: 'loud' is no level: choose DEBUG, INFO, WARNING, ERROR or CRITICAL."),
    "PUBLIC_URL": ("segsync.example.com", "PUBLIC_URL: 'segsync.example.com' is not an address: it must begin with https://"),
    "HUBSPOT_API_URL": ("https://", "HUBSPOT_API_URL: 'https://' is not an address"),
    "HUBSPOT_APP_URL": ("https://x:99999", "HUBSPOT_APP_URL: 'https://x:99999' is not an address"),
    "SHOPIFY_SHOP_URL": ("https://shop", "SHOPIFY_SHOP_URL: it must hold {shop}, where the shop's domain goes."),
    "DATABASE_URL": ("postgres://me:canary@db:port/x", "DATABASE_URL: give postgres://user:password@host:5432/name"),
    "CELERY_BROKER_URL": ("carrier://pigeon:canary@sky", "CELERY_BROKER_URL: begin it with one of redis://"),
    "SEGSYNC_ENCRYPTION_KEYS": ("canary", "SEGSYNC_ENCRYPTION_KEYS: key 1 is not a Fernet key"),
    "SEGSYNC_VAR_DIR": ("/proc/nowhere", "SEGSYNC_VAR_DIR: '/proc/nowhere' cannot be written"),
}


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """None of ours is set, but for a folder to write into."""
    for name in (*OURS, *PRODUCTION, *GARBLED):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEGSYNC_VAR_DIR", str(tmp_path))
    monkeypatch.setattr("config.environment.ROOT", tmp_path)  # a developer's own .env has no say here
    return monkeypatch


def trouble() -> str:
    with pytest.raises(ImproperlyConfigured) as caught:
        Environment()
    return str(caught.value)


def test_outside_debug_everything_missing_is_told_at_once(variables: pytest.MonkeyPatch) -> None:
    told = trouble()
    assert told.startswith("SegSync cannot start; set these variables (see .env.example):")
    for name in ("SECRET_KEY: missing", "SEGSYNC_ENCRYPTION_KEYS: missing", "ALLOWED_HOSTS: missing"):
        assert name in told
    assert "make_key" in told


def test_in_debug_nothing_needs_to_be_set(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    variables.setenv("DEBUG", "1")
    env = Environment()
    assert env.database["ENGINE"] == "django.db.backends.sqlite3"
    assert env.var_dir == tmp_path
    assert env.broker_url == ""


def test_a_production_that_is_set_up_starts(variables: pytest.MonkeyPatch) -> None:
    for name, value in PRODUCTION.items():
        variables.setenv(name, value)
    assert Environment().debug is False


@pytest.mark.parametrize("name", GARBLED)
def test_a_garbled_variable_is_told_once_and_with_what_to_give(variables: pytest.MonkeyPatch, name: str) -> None:
    for known, value in PRODUCTION.items():
        variables.setenv(known, value)
    value, said = GARBLED[name]
    variables.setenv(name, value)
    told = trouble()
    assert said in told
    assert len(told.splitlines()) == 2
    assert "canary" not in told  # a wrong key or address may be a right one with a slip: it is not shown


def test_all_garbled_variables_are_told_together(variables: pytest.MonkeyPatch) -> None:
    for name, (value, _) in GARBLED.items():
        variables.setenv(name, value)
    told = trouble().splitlines()
    for name in (*GARBLED, "SECRET_KEY", "ALLOWED_HOSTS"):
        assert len([line for line in told if line.startswith(f"  - {name}: ")]) == 1, name


def test_one_bad_key_among_good_ones_is_told_by_its_place(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("DEBUG", "1")
    variables.setenv("SEGSYNC_ENCRYPTION_KEYS", f"{Fernet.generate_key().decode()},nonsense")
    assert "key 2 is not a Fernet key" in trouble()


def test_a_dot_env_file_is_read_and_the_environment_outranks_it(variables: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("DEBUG=1\nLOG_LEVEL=warning\nPUBLIC_URL=https://from-file.example.com/\n")
    variables.setenv("LOG_LEVEL", "error")
    env = Environment()
    for name in ("DEBUG", "PUBLIC_URL"):
        variables.delenv(name, raising=False)  # reading the file sets them for this process
    assert (env.debug, env.log_level, env.public_url) == (True, "ERROR", "https://from-file.example.com/")


@pytest.mark.parametrize("command", ["check", "migrate", "run", "rotate_keys"])
def test_a_command_in_a_wrong_environment_ends_with_the_list_and_no_traceback(tmp_path: Path, command: str) -> None:
    done = manage(tmp_path, command, PUBLIC_URL="nowhere", DEBUG="0")
    said_in_a_sentence(done, "PUBLIC_URL", "is not an address")
    said_in_a_sentence(done, "SECRET_KEY: missing")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["static"]


def test_a_right_production_passes_its_check(tmp_path: Path) -> None:
    done: subprocess.CompletedProcess[str] = manage(tmp_path, "check", **PRODUCTION)
    assert done.returncode == 0, done.stderr
