"""Many rows through one prepared statement: for the kinds of facts that come by the million.

Django's `bulk_create` compiles every value of every row; measured on order lines, that takes four fifths of the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, models


def upsert_rows(model: type[models.Model], columns: Sequence[str], unique: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert `rows` (values of the fields `columns`, in that order); where `unique` is taken already, the row there gets the new values.

    Values must be what the database takes as it is: text, numbers, booleans, or instants put through `instant`.
    """
    quote = connection.ops.quote_name
    names = {field.name: quote(str(field.column)) for field in model._meta.concrete_fields}
    news = [f"{names[name]} = EXCLUDED.{names[name]}" for name in columns if name not in unique]
    statement = (
        f"INSERT INTO {quote(model._meta.db_table)} ({', '.join(names[name] for name in columns)})"  # noqa: S608 (names come from our models)
        f" VALUES ({', '.join(['%s'] * len(columns))})"
        f" ON CONFLICT ({', '.join(names[name] for name in unique)}) DO UPDATE SET {', '.join(news)}"
    )
    values = list(rows)
    if values:
        with connection.cursor() as cursor:
            cursor.executemany(statement, values)


def insert_rows(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert `rows` (values of the fields `columns`, in that order). Values as `upsert_rows` takes them; raises IntegrityError.

    PostgreSQL copies them in, which spares it a statement for each row.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    names = {field.name: quote(str(field.column)) for field in model._meta.concrete_fields}
    into = f"{quote(model._meta.db_table)} ({', '.join(names[name] for name in columns)})"
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.executemany(f"INSERT INTO {into} VALUES ({', '.join(['%s'] * len(columns))})", rows)  # noqa: S608 (names come from our models)
            return
        with connection.wrap_database_errors, cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def update_rows(model: type[models.Model], columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Give each row of `rows` (its primary key, then the values of the fields `columns`, in that order) its own values.

    Django's `bulk_update` writes one CASE for every value; measured on memberships, that takes ten times as long.
    """
    if not rows:
        return
    quote = connection.ops.quote_name
    by_name = {field.name: field for field in model._meta.concrete_fields}
    fields = [by_name[name] for name in columns]
    assignments = ", ".join(f"{quote(str(field.column))} = %s" for field in fields)
    statement = f"UPDATE {quote(model._meta.db_table)} SET {assignments} WHERE {quote(str(model._meta.pk.column))} = %s"  # noqa: S608 (names come from our models)
    values = [[*(field.get_db_prep_save(value, connection) for field, value in zip(fields, row[1:], strict=True)), row[0]] for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(statement, values)


def instant(value: Any) -> Any:
    """A datetime in the form this database takes."""
    return connection.ops.adapt_datetimefield_value(value)
