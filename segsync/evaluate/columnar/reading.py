"""Reading a snapshot: the base without the people in the delta, and the delta."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import duckdb

from segsync.evaluate.columnar import files
from segsync.evaluate.columnar.layout import TABLES, create, owner, quoted


def facts_of(base: Path, delta: Path | None, table: str, columns: Collection[str]) -> str:
    """The query for some columns of a table of the layout; a name that the layout does not know raises KeyError."""
    names = ", ".join(quoted(column) for column in columns if TABLES[table][column])
    query = f"SELECT {names} FROM read_parquet({files.text(base / files.file_name(table))})"
    if delta is None:
        return query
    whose = owner(table)
    others = f" WHERE {whose} NOT IN (SELECT id FROM read_parquet({files.text(delta / files.file_name('customers'))}))" if whose else ""
    return f"{query}{others} UNION ALL SELECT {names} FROM read_parquet({files.text(delta / files.file_name(table))})"


def load(
    connection: duckdb.DuckDBPyConnection,
    base: Path,
    delta: Path | None,
    columns: Mapping[str, Collection[str]],
    kinds: Collection[str] | None = None,
    properties: Collection[str] | None = None,
) -> None:
    """Make tables of these columns, by table, in the connection; a table of no columns is made with the one that says whose a row is.

    With `kinds`, activities of other kinds are left out; with `properties`, properties of other names.
    """
    connection.execute("SET preserve_insertion_order = false")
    for table, wanted in columns.items():
        names = sorted(wanted) or [owner(table) or "key"]
        connection.execute(create(table, {name: TABLES[table][name] for name in names}))
        query = facts_of(base, delta, table, names)
        if table == "activities" and kinds is not None and "topic" in names:
            topics = _keys(connection, facts_of(base, delta, "topics", ("key", "kind")), kinds)
            query = f"SELECT * FROM ({query}) WHERE topic IN ({', '.join(map(str, topics)) or 'NULL'})"
        if table == "properties" and properties is not None and "name" in names:
            query = f"SELECT * FROM ({query}) WHERE name IN ({', '.join(map(files.text, sorted(properties))) or 'NULL'})"
        connection.execute(f"INSERT INTO {quoted(table)} {query}")


def _keys(connection: duckdb.DuckDBPyConnection, topics: str, kinds: Collection[str]) -> list[int]:
    return [key for (key,) in connection.execute(f"SELECT key FROM ({topics}) WHERE kind IN (SELECT unnest(?::VARCHAR[]))", [list(kinds)]).fetchall()]
