"""Rules over a whole snapshot: loaded once, each rule one statement, the members given back in order of their ids."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import duckdb
from django.conf import settings

from integrations.models import Shop
from integrations.money import exponent
from segsync.evaluate.columnar import files, stays
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.columnar.layout import quoted
from segsync.evaluate.columnar.reading import load
from segsync.evaluate.columnar.stage import database
from segsync.evaluate.columnar.statements import statement
from segsync.evaluate.models import Snapshot
from segsync.rules import tree, windows
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

K = TypeVar("K")
PAGE = 10_000
# Fills the table of memberships of a connection whose customers are loaded.
Stays = Callable[[duckdb.DuckDBPyConnection], None]


class Run(Generic[K]):
    """Loaded facts and the rules that can be asked of them. What `tell` was told is what rules asked later see."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, statements: Mapping[K, str], handles: Mapping[K, str]) -> None:
        self._connection = connection
        self._statements = statements
        self._handles = handles

    def members(self, key: K) -> Iterator[int]:
        """The ids of the rule's members in rising order. Raises KeyError for a rule that the run does not know."""
        cursor = self._connection.cursor()
        cursor.execute(f"{self._statements[key]} ORDER BY id")
        while rows := cursor.fetchmany(PAGE):
            for (id_,) in rows:
                yield id_

    def size(self, key: K) -> int:
        """How many members the rule has. Raises KeyError for a rule that the run does not know."""
        return int(self._connection.cursor().execute(f"SELECT count(*) FROM ({self._statements[key]})").fetchall()[0][0])

    def keep(self, key: K, name: str) -> int:
        """Put the rule's members into a table of that name, replacing it; a number that tells two sets of members apart."""
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {quoted(name)} AS {self._statements[key]}")
        told = self._connection.execute(f"SELECT coalesce(sum(hash(id) % 1000003), 0) + count(*) FROM {quoted(name)}").fetchall()
        return int(told[0][0])

    def tell(self, key: K) -> None:
        """Let the rules that are asked later know who is in the rule's segment by now."""
        if handle := self._handles.get(key):
            stays.replace(self._connection, handle, self._statements[key])

    @property
    def rows(self) -> int:
        """How many rows are loaded."""
        return int(self._connection.cursor().execute("SELECT coalesce(sum(estimated_size), 0) FROM duckdb_tables()").fetchall()[0][0])

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
def opened(
    shop: Shop, snapshot: Snapshot, rules: Mapping[K, Asked], moment: Moment, context: ShopContext, vocabulary: Vocabulary = NO_VOCABULARY
) -> Iterator[Run[K]]:
    """The rules over the snapshot's people at that moment. Only what they read is loaded; raises duckdb.Error for damaged files.

    Memberships are the present ones. Raises RuleError for a rule that `check_tree` refuses.
    """
    parent = files.folder(shop.pk)
    base, delta = parent / snapshot.base, parent / snapshot.delta if snapshot.delta else None
    with (
        database(settings.SEGSYNC_MEMORY_LIMIT, files.spill()) as connection,
        over(connection, base, delta, rules, moment, exponent(shop.currency), context, vocabulary, stays.of(shop, rules.values())) as run,
    ):
        yield run


@contextmanager
def over(
    connection: duckdb.DuckDBPyConnection,
    base: Path,
    delta: Path | None,
    rules: Mapping[K, Asked],
    moment: Moment,
    decimals: int,
    context: ShopContext,
    vocabulary: Vocabulary = NO_VOCABULARY,
    memberships: Stays | None = None,
) -> Iterator[Run[K]]:
    """The rules over the people in these folders. The statements are written while the database loads."""
    names = frozenset[str]().union(*(tree.attribute_names(asked.rule) for asked in rules.values()))
    written = {key: statement(asked, moment, decimals, context, vocabulary) for key, asked in rules.items()}
    wanted: dict[str, set[str]] = {}
    for each in written.values():
        for table, columns in each.columns.items():
            wanted.setdefault(table, set()).update(columns)
    asks_segments = wanted.pop("memberships", None) is not None
    wanted.setdefault("customers", set()).update(("id", "facts_version", *(["living"] if asks_segments else [])))
    failure: list[duckdb.Error] = []

    def loading() -> None:
        try:
            load(connection, base, delta, wanted, _kinds(rules.values(), wanted, vocabulary), names)
        except duckdb.Error as error:
            failure.append(error)

    thread = threading.Thread(target=loading, name="snapshot")
    thread.start()
    try:
        statements = {key: each.sql for key, each in written.items()}
    finally:
        thread.join()
    if failure:
        raise failure[0]
    yield _run(connection, statements, rules, memberships if asks_segments else None)


def staged(
    connection: duckdb.DuckDBPyConnection,
    rules: Mapping[K, Asked],
    moment: Moment,
    decimals: int,
    context: ShopContext,
    vocabulary: Vocabulary = NO_VOCABULARY,
    memberships: Stays | None = None,
) -> Run[K]:
    """The rules over the people whose rows are in the connection already, in every table of the layout."""
    statements = {key: statement(asked, moment, decimals, context, vocabulary).sql for key, asked in rules.items()}
    return _run(connection, statements, rules, memberships)


def _run(connection: duckdb.DuckDBPyConnection, statements: Mapping[K, str], rules: Mapping[K, Asked], memberships: Stays | None) -> Run[K]:
    if memberships is None:
        return Run(connection, statements, {})
    memberships(connection)
    asked_about = stays.asked_about(asked.rule for asked in rules.values())
    return Run(connection, statements, {key: asked.handle for key, asked in rules.items() if asked_about is None or asked.handle in asked_about})


def _kinds(rules: Iterable[Asked], columns: Mapping[str, Collection[str]], vocabulary: Vocabulary) -> frozenset[str] | None:
    """The activities that these rules ask about; None for all, where the engagement score, which reads days, weighs what a shop names."""
    if "day" in columns.get("activities", ()):
        return None
    return frozenset[str]().union(*(windows.survey(asked.rule, vocabulary).activity_kinds for asked in rules))
