"""Rules over a whole snapshot: loaded once, each rule one statement, the members given back in order of their ids."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

import duckdb
from django.conf import settings
from ibis.expr import types as ir

from integrations.models import Shop
from integrations.money import exponent
from segsync.evaluate.columnar import compile as compiler
from segsync.evaluate.columnar import files
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.columnar.conditions import Unanswered
from segsync.evaluate.columnar.layout import quoted
from segsync.evaluate.columnar.reading import load
from segsync.evaluate.columnar.stage import database
from segsync.evaluate.models import Snapshot
from segsync.rules import windows
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment

K = TypeVar("K")
PAGE = 10_000


@dataclass(frozen=True)
class Plan(Generic[K]):
    """Rules ready to run, and those that only the interpreter answers."""

    expressions: Mapping[K, ir.Table]
    unanswered: tuple[K, ...]


def plan(rules: Mapping[K, Asked], moment: Moment, decimals: int, context: ShopContext) -> Plan[K]:
    """Say every rule that this evaluator answers as an expression; the others are named, never guessed at."""
    expressions: dict[K, ir.Table] = {}
    unanswered: list[K] = []
    for key, rule in rules.items():
        try:
            expressions[key] = compiler.compile_rule(rule, moment, decimals, context)
        except Unanswered:
            unanswered.append(key)
    return Plan(expressions, tuple(unanswered))


class Run(Generic[K]):
    """A loaded snapshot and the rules that can be asked of it."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, statements: Mapping[K, str], unanswered: tuple[K, ...]) -> None:
        self._connection = connection
        self._statements = statements
        self.unanswered = unanswered

    @property
    def answered(self) -> tuple[K, ...]:
        """The rules that `members` answers."""
        return tuple(self._statements)

    def members(self, key: K) -> Iterator[int]:
        """The ids of the rule's members in rising order. Raises KeyError for a rule that is not answered."""
        cursor = self._connection.cursor()
        cursor.execute(f"{self._statements[key]} ORDER BY id")
        while rows := cursor.fetchmany(PAGE):
            for (id_,) in rows:
                yield id_

    def size(self, key: K) -> int:
        """How many members the rule has. Raises KeyError for a rule that is not answered."""
        return int(self._connection.cursor().execute(f"SELECT count(*) FROM ({self._statements[key]})").fetchall()[0][0])

    def keep(self, key: K, name: str) -> int:
        """Put the rule's members into a table of that name, replacing it; a number that tells two sets of members apart."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {self._statements[key]}")
        told = self._connection.execute(f"SELECT coalesce(sum(hash(id) % 1000003), 0) + count(*) FROM {quoted(name)}").fetchall()
        return int(told[0][0])

    def versions(self, ids: Sequence[int]) -> dict[int, int]:
        """The version of the facts that each of these customers was judged by; who is not in the snapshot is left out."""
        found = self._connection.cursor().execute("SELECT id, facts_version FROM customers WHERE id IN (SELECT unnest(?::BIGINT[]))", [list(ids)])
        return dict(found.fetchall())


@contextmanager
def tables(shop: Shop, snapshot: Snapshot, columns: Mapping[str, Collection[str]]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database of these columns, by table, of the snapshot's people. Raises duckdb.Error for damaged files."""
    parent = files.folder(shop.pk)
    with database(settings.SEGSYNC_MEMORY_LIMIT, files.spill()) as connection:
        load(connection, parent / snapshot.base, parent / snapshot.delta if snapshot.delta else None, columns)
        yield connection


@contextmanager
def opened(shop: Shop, snapshot: Snapshot, rules: Mapping[K, Asked], moment: Moment, context: ShopContext) -> Iterator[Run[K]]:
    """The rules over the snapshot's people at that moment. Only what they read is loaded; raises duckdb.Error for damaged files."""
    parent = files.folder(shop.pk)
    base, delta = parent / snapshot.base, parent / snapshot.delta if snapshot.delta else None
    with (
        database(settings.SEGSYNC_MEMORY_LIMIT, files.spill()) as connection,
        over(connection, base, delta, rules, moment, exponent(shop.currency), context) as run,
    ):
        yield run


@contextmanager
def over(
    connection: duckdb.DuckDBPyConnection, base: Path, delta: Path | None, rules: Mapping[K, Asked], moment: Moment, decimals: int, context: ShopContext
) -> Iterator[Run[K]]:
    """The rules over the people in these folders. The statements are written while the database loads."""
    planned = plan(rules, moment, decimals, context)
    wanted = compiler.columns(planned.expressions.values())
    wanted.setdefault("customers", set()).update(("id", "facts_version"))
    kinds = _kinds(rules.values(), wanted)
    failure: list[duckdb.Error] = []

    def loading() -> None:
        try:
            load(connection, base, delta, wanted, kinds)
        except duckdb.Error as error:
            failure.append(error)

    thread = threading.Thread(target=loading, name="snapshot")
    thread.start()
    try:
        statements = {key: compiler.sql(expression) for key, expression in planned.expressions.items()}
    finally:
        thread.join()
    if failure:
        raise failure[0]
    yield Run(connection, statements, planned.unanswered)


def _kinds(rules: Iterable[Asked], columns: Mapping[str, Collection[str]]) -> frozenset[str] | None:
    """The activities that these rules ask about; None for all, where the engagement score, which reads days, weighs what a shop names."""
    if "day" in columns.get("activities", ()):
        return None
    return frozenset[str]().union(*(windows.survey(asked.rule).activity_kinds for asked in rules))
