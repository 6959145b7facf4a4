"""The benchmark of previews leaves nothing behind."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.config.commands import manage

SIZE = ("--customers", "300", "--orders", "2000", "--activities", "3000", "--previews", "12", "--json")


def test_previews_are_measured_by_columns_and_neither_the_database_nor_a_shops_files_are_touched(tmp_path: Path) -> None:
    database, var = tmp_path / "a.sqlite3", tmp_path / "var"
    with sqlite3.connect(database) as kept:
        kept.execute("CREATE TABLE kept (id)")
    (var / "snapshots" / "1").mkdir(parents=True)
    (var / "snapshots" / "1" / "of-a-shop").touch()
    done = manage(var, "bench", "preview", *SIZE, DEBUG="1", DATABASE_URL=f"sqlite:///{database}", SEGSYNC_COLUMNAR_FROM="1")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["customers"], told["previews"]) == (300, 12)
    assert 0 < told["p50"] <= told["p95"] <= told["slowest"]
    with sqlite3.connect(database) as left:
        assert left.execute("SELECT name FROM sqlite_master").fetchall() == [("kept",)]
    assert [path.name for path in (var / "snapshots" / "1").iterdir()] == ["of-a-shop"]
    assert {path.name for path in var.iterdir() if path.is_dir()} - {"static"} == {"bench", "snapshots"}


def test_a_size_that_means_nothing_is_refused() -> None:
    with pytest.raises(CommandError, match="--previews must be 1 or more"):
        call_command("bench", "preview", "--previews", "0")
