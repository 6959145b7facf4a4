"""Rows on their way into DuckDB: written down in chunks, read in by DuckDB itself, so that memory stays bounded."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO

import duckdb
import orjson

from segsync.evaluate.columnar.layout import INSTANT, NUMBER, PROFILE, TABLES, create, quoted
from segsync.evaluate.columnar.metrics import METRICS_OF_EVERYBODY
from segsync.evaluate.columnar.rows import Flattener
from segsync.rules.facts import CustomerFacts

CHUNK = 200_000
# People become customers once what follows from their rows is known.
STAGED: Mapping[str, Mapping[str, str]] = {"people": PROFILE, **{name: columns for name, columns in TABLES.items() if name != "customers"}}


@contextmanager
def database(memory_limit: str, spill: Path, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB of this process alone, in memory up to `memory_limit` and beyond it in `spill`, which is emptied afterwards."""
    spill.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=spill) as folder:
        config: dict[str, str | bool | int | float | list[str]] = {"memory_limit": memory_limit, "temp_directory": folder}
        if threads:
            config["threads"] = threads
        connection = duckdb.connect(config=config)
        try:
            yield connection
        finally:
            connection.close()


class Stage:
    """Tables of the layout being filled with people in any order. Leave its `with` block before reading them."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, flattener: Flattener, spill: Path, chunk: int = CHUNK) -> None:
        """Rows wait in a folder of `spill`, which is removed at the end."""
        self._connection = connection
        self._flattener = flattener
        self._chunk = chunk
        self._waiting: dict[str, int] = defaultdict(int)
        self._files: dict[str, IO[bytes]] = {}
        spill.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix="stage-", dir=spill)

    def __enter__(self) -> Stage:
        for name, columns in STAGED.items():
            self._connection.execute(create(name, columns))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                for name in list(self._files):
                    self._read_in(name)
                self._connection.execute(f"CREATE TABLE customers AS {METRICS_OF_EVERYBODY}")
                self._connection.execute("DROP TABLE people")
        finally:
            for file in self._files.values():
                file.close()
            self._folder.cleanup()

    def add(self, id_: int, version: int, facts: CustomerFacts | None) -> None:
        """One more person; None for somebody who is in no segment any more."""
        for table, row in self._flattener.rows(id_, version, facts):
            name = "people" if table == "customers" else table
            file = self._files.get(name)
            if file is None:
                file = self._files[name] = open(Path(self._folder.name) / f"{name}.json", "wb")  # noqa: SIM115 (closed when read in)
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            self._waiting[name] += 1
            if self._waiting[name] >= self._chunk:
                self._read_in(name)

    def _read_in(self, name: str) -> None:
        file = self._files.pop(name)
        file.close()
        self._waiting[name] = 0
        columns = STAGED[name]
        told = {column: NUMBER if kind == INSTANT else kind for column, kind in columns.items()}
        values = ", ".join(f"make_timestamp({quoted(column)})" if kind == INSTANT else quoted(column) for column, kind in columns.items())
        self._connection.execute(
            f"INSERT INTO {quoted(name)} SELECT {values} FROM read_json(?, format = 'newline_delimited', columns = {_struct(told)})",
            [file.name],
        )
        Path(file.name).unlink()


def _struct(columns: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{quoted(name)}: '{kind}'" for name, kind in columns.items()) + "}"
