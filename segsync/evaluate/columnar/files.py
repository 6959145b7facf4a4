"""Folders of Parquet files: written under another name first, and taken away when nobody can be reading them."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
from django.conf import settings

from segsync.evaluate.columnar.layout import TABLES, owner, quoted

# How long files that are not in force any more are left for readers who began before.
KEEP = timedelta(hours=1)


def folder(shop_id: int) -> Path:
    """Where a shop's snapshots are."""
    return Path(settings.VAR_DIR) / "snapshots" / str(shop_id)


def spill() -> Path:
    """Where an evaluation puts what does not fit in memory."""
    return Path(settings.VAR_DIR) / "spill"


def text(path: Path | str) -> str:
    """A path as an SQL literal."""
    return "'" + str(path).replace("'", "''") + "'"


def write(connection: duckdb.DuckDBPyConnection, parent: Path, name: str, under: Path | None = None) -> str:
    """Write the connection's tables as a new folder of `parent` and return its name.

    With `under`, the rows of that older folder come along, except those of people whom the connection's tables hold.
    """
    unfinished = parent / f".{name}-{secrets.token_hex(6)}"
    unfinished.mkdir(parents=True)
    for table, columns in TABLES.items():
        names = ", ".join(quoted(column) for column in columns)
        query = f"SELECT {names} FROM {quoted(table)}"
        if under is not None:
            whose = owner(table)
            others = f" WHERE {whose} NOT IN (SELECT id FROM customers)" if whose else ""
            query += f" UNION ALL SELECT {names} FROM read_parquet({text(under / file_name(table))}){others}"
        connection.execute(f"COPY ({query}) TO {text(unfinished / file_name(table))} (FORMAT parquet, ROW_GROUP_SIZE 122880)")
    finished = parent / unfinished.name.removeprefix(".")
    unfinished.rename(finished)
    return finished.name


def file_name(table: str) -> str:
    """The file of a table in a snapshot's folder."""
    return f"{table}.parquet"


def sizes(parent: Path, names: Iterable[str]) -> dict[str, int]:
    """The bytes of every file in these folders, by folder and name."""
    return {f"{name}/{file.name}": file.stat().st_size for name in names if name for file in sorted((parent / name).iterdir())}


def whole(parent: Path, told: Mapping[str, int]) -> bool:
    """Whether every file is there with the size it had when it was written."""
    try:
        return all((parent / name).stat().st_size == size for name, size in told.items())
    except OSError:
        return False


def mark_unused(parent: Path, names: Iterable[str], now: datetime) -> None:
    """Begin the time after which these folders may go."""
    for name in names:
        if name and (parent / name).exists():
            os.utime(parent / name, (now.timestamp(), now.timestamp()))


def sweep(parent: Path, in_force: Iterable[str], now: datetime) -> None:
    """Remove what has not been in force for a while, the leavings of killed writers included."""
    if not parent.exists():
        return
    for found in parent.iterdir():
        if found.name not in set(in_force) and found.stat().st_mtime < (now - KEEP).timestamp():
            shutil.rmtree(found, ignore_errors=True)
