"""Folders of Parquet files: written under another name first, and taken away when nobody can be reading them."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path

import duckdb
from django.conf import settings

from segsync.evaluate.columnar.layout import DICTIONARIES, TABLES, owner, quoted

# How long files that are not in force any more are left for readers who began before.
KEEP = timedelta(hours=1)
# Longer than an evaluation lasts: what lies in the spill folder for that long belongs to a process that was killed.
KEEP_SPILLED = timedelta(days=1)
READERS = 4


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
    return put(connection, parent, name, {table: facts(table, under) for table in TABLES})


def facts(table: str, under: Path | None) -> str:
    """The query for the connection's rows of a table, and those of an older folder that they do not replace."""
    names = ", ".join(quoted(column) for column in TABLES[table])
    query = f"SELECT {names} FROM {quoted(table)}"
    if under is None:
        return query
    whose = owner(table)
    others = f" WHERE {whose} NOT IN (SELECT id FROM customers)" if whose else ""
    return f"{query} UNION ALL SELECT {names} FROM read_parquet({text(under / file_name(table))}){others}"


def put(connection: duckdb.DuckDBPyConnection, parent: Path, name: str, queries: Mapping[str, str]) -> str:
    """Write what these queries give, by table, as a new folder of `parent` and return its name. Dictionaries keep only what is used."""
    unfinished = parent / f".{name}-{secrets.token_hex(6)}"
    unfinished.mkdir(parents=True)
    for table in sorted(queries, key=lambda table: table in DICTIONARIES):
        query = queries[table]
        if users := DICTIONARIES.get(table):
            used = " UNION ALL ".join(f"SELECT {quoted(column)} FROM read_parquet({text(unfinished / file_name(user))})" for user, column in users)
            query = f"SELECT * FROM ({query}) WHERE key IN ({used})"
        connection.execute(f"COPY ({query}) TO {text(unfinished / file_name(table))} (FORMAT parquet, ROW_GROUP_SIZE 122880)")
    finished = parent / unfinished.name.removeprefix(".")
    unfinished.rename(finished)
    return finished.name


def file_name(table: str) -> str:
    """The file of a table in a snapshot's folder."""
    return f"{table}.parquet"


def checks(parent: Path, names: Iterable[str], known: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """The bytes and the CRC-32 of every file in these folders, by folder and name; those `known` are not read again."""
    found = {f"{name}/{file.name}": file for name in names if name for file in sorted((parent / name).iterdir())}
    return {name: known.get(name) or [file.stat().st_size, _checksum(file)] for name, file in found.items()}


def whole(parent: Path, told: Mapping[str, list[int]], *, anew: bool = False) -> bool:
    """Whether every file is there as it was written, to the last bit.

    Files are read side by side, and by a process only once unless they change or `anew` says so.
    """
    if anew:
        _known_checksum.cache_clear()
    try:
        there = {name: (parent / name).stat() for name in told}
        if any(there[name].st_size != size for name, (size, _) in told.items()):
            return False
        with ThreadPoolExecutor(max_workers=READERS) as readers:
            sums = readers.map(lambda name: _known_checksum(parent / name, there[name].st_ino, there[name].st_mtime_ns), told)
            return all(found == expected for found, (_, expected) in zip(sums, told.values(), strict=True))
    except OSError:
        return False


@lru_cache(maxsize=1024)
def _known_checksum(path: Path, _inode: int, _changed: int) -> int:
    return _checksum(path)


def _checksum(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found = zlib.crc32(piece, found)
    return found


def mark_unused(parent: Path, names: Iterable[str], now: datetime) -> None:
    """Begin the time after which these folders may go."""
    for name in names:
        if name and (parent / name).exists():
            os.utime(parent / name, (now.timestamp(), now.timestamp()))


def sweep(parent: Path, in_force: Iterable[str], now: datetime) -> None:
    """Remove what has not been in force for a while, and the leavings of killed processes."""
    kept = set(in_force)
    _remove([found for found in _entries(parent) if found.name not in kept], (now - KEEP).timestamp())
    _remove(_entries(spill()), (now - KEEP_SPILLED).timestamp())


def _entries(parent: Path) -> list[Path]:
    return list(parent.iterdir()) if parent.exists() else []


def _remove(found: Iterable[Path], before: float) -> None:
    for path in found:
        with contextlib.suppress(FileNotFoundError):  # somebody else sweeps too
            if path.stat().st_mtime < before:
                shutil.rmtree(path, ignore_errors=True)
