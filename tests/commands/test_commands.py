"""What a person gets who types a command: the thing asked for, or one sentence that says what to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from integrations import vault
from integrations.models import Credential
from segsync.demo.surroundings import FolderInUse, fresh_folder
from tests.config.commands import manage, said_in_a_sentence
from tests.integrations.accounts import make_connection


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def demo(*arguments: str) -> list[str]:
    return ["demo", "--once", "--port", "0", "--sandbox-port", "0", *arguments]


class TestDemo:
    @pytest.mark.parametrize("name", ["--port", "--sandbox-port"])
    def test_a_taken_port_is_told_before_anything_starts(self, tmp_path: Path, taken: int, name: str) -> None:
        done = manage(tmp_path, *demo(name, str(taken)))
        said_in_a_sentence(done, f"Port {taken} is in use", f"choose another with {name}")
        assert done.stdout == ""
        assert not (tmp_path / "demo").exists()

    @pytest.mark.parametrize("port", ["65536", "-1", "http"])
    def test_what_is_no_port_is_told(self, tmp_path: Path, port: str) -> None:
        said_in_a_sentence(manage(tmp_path, *demo(f"--port={port}")), f"'{port}' is no port")

    def test_a_data_file_that_is_not_there_is_told(self, tmp_path: Path) -> None:
        done = manage(tmp_path, *demo("--data", "missing.parquet"))
        said_in_a_sentence(done, "There is no file at missing.parquet", "Parquet")
        assert done.stdout == ""

    def test_a_data_file_that_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        file = tmp_path / "orders.parquet"
        file.write_bytes(b"PAR1" + bytes(200) + b"PAR1")
        done = manage(tmp_path, *demo("--data", str(file)))
        said_in_a_sentence(done, "The sandbox process did not start", str(file))

    def test_a_broker_that_does_not_answer_is_told_without_its_password(self, tmp_path: Path) -> None:
        done = manage(tmp_path, *demo("--broker", "redis://:canary@127.0.0.1:1/0"))
        said_in_a_sentence(done, "The message broker at redis://", "does not answer", "leave --broker out")
        assert "canary" not in done.stdout + done.stderr

    def test_what_is_no_broker_is_told(self, tmp_path: Path) -> None:
        said_in_a_sentence(manage(tmp_path, *demo("--broker", "pigeon")), "--broker", "redis://")

    def test_a_database_that_does_not_answer_is_told_without_its_password(self, tmp_path: Path) -> None:
        done = manage(tmp_path, *demo("--database", "postgres://demo:canary@127.0.0.1:1/demo"))
        said_in_a_sentence(done, "The database cannot be used", "--database")
        assert "canary" not in done.stdout + done.stderr

    def test_an_outcome_that_cannot_be_written_is_told_before_the_work(self, tmp_path: Path) -> None:
        said_in_a_sentence(manage(tmp_path, *demo("--json", str(tmp_path / "nowhere" / "out.json"))), "There is no folder", "nowhere")

    def test_a_second_demo_does_not_wipe_the_folder_of_the_first(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEGSYNC_VAR_DIR", str(tmp_path))
        folder = fresh_folder()
        (folder / "demo.sqlite3").touch()
        said_in_a_sentence(manage(tmp_path, *demo()), "Another demo is running", "end it first, or set SEGSYNC_VAR_DIR")
        with pytest.raises(FolderInUse):
            fresh_folder()
        assert (folder / "demo.sqlite3").exists()

    def test_what_an_earlier_demo_left_goes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SEGSYNC_VAR_DIR", str(tmp_path))
        (tmp_path / "demo").mkdir()
        (tmp_path / "demo" / "demo.sqlite3").touch()
        assert [path.name for path in fresh_folder().iterdir()] == ["logs"]

    def test_it_needs_no_variable_and_minds_none_of_yours(self, tmp_path: Path) -> None:
        done = manage(tmp_path, *demo("--customers", "0"), DEBUG="0", CELERY_BROKER_URL="redis://127.0.0.1:1/0", SECRET_KEY="")
        said_in_a_sentence(done, "at least 1 customer")


class TestRun:
    def test_a_taken_port_is_told(self, taken: int) -> None:
        with pytest.raises(CommandError, match=f"Port {taken} is in use: .* choose another with --port"):
            call_command("run", port=taken)

    def test_a_taken_port_ends_the_command_before_the_database_is_made(self, tmp_path: Path, taken: int) -> None:
        said_in_a_sentence(manage(tmp_path, "run", "--port", str(taken), DEBUG="1"), f"Port {taken} is in use")
        assert not (tmp_path / "segsync.sqlite3").exists()


class TestKeys:
    def test_a_new_key_is_printed_alone_and_works(self, tmp_path: Path) -> None:
        made = [manage(tmp_path, "make_key") for _ in range(2)]
        for done in made:
            assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
            key = Fernet(done.stdout.strip())
            assert key.decrypt(key.encrypt(b"token")) == b"token"
        assert made[0].stdout != made[1].stdout

    @pytest.mark.django_db
    def test_rotation_tells_how_many_it_encrypted_anew(self, settings: Settings) -> None:
        settings.SEGSYNC_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        make_connection("amber.myshopify.com")
        make_connection("birch.myshopify.com")
        newest = Fernet.generate_key().decode()
        settings.SEGSYNC_ENCRYPTION_KEYS = [newest, *settings.SEGSYNC_ENCRYPTION_KEYS]
        told = StringIO()
        call_command("rotate_keys", stdout=told)
        assert told.getvalue().startswith("2 connections' tokens are now encrypted with the newest key")
        settings.SEGSYNC_ENCRYPTION_KEYS = [newest]
        assert {vault.decrypt(row.access_token) for row in Credential.objects.all()} == {"access-first"}

    @pytest.mark.django_db
    def test_rotation_without_the_old_key_says_what_is_missing_and_changes_nothing(self, settings: Settings) -> None:
        settings.SEGSYNC_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        make_connection()
        before = bytes(Credential.objects.get().access_token)
        settings.SEGSYNC_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
        with pytest.raises(CommandError, match="put the key it was written with back"):
            call_command("rotate_keys")
        assert bytes(Credential.objects.get().access_token) == before
