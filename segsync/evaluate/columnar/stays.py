"""Who is in which segment, for rules that ask about segments: as the record database has it, until a run tells otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import islice

import duckdb

from integrations.models import Shop
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.columnar.layout import MEMBERSHIPS, create
from segsync.evaluate.models import Membership
from segsync.rules import tree, windows

PAGE = 20_000


def of(shop: Shop, rules: Iterable[Asked], at: datetime | None = None) -> Callable[[duckdb.DuckDBPyConnection], None]:
    """Fills the table of memberships of a connection that holds the shop's customers: the stays that these rules can ask about, open now or at `at`."""
    handles = asked_about(asked.rule for asked in rules)

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        connection.execute(create("memberships", MEMBERSHIPS))
        rows = _stays(shop, handles, at)
        while page := list(islice(rows, PAGE)):
            owners, segments = [owner for owner, _ in page], [segment for _, segment in page]
            connection.execute("INSERT INTO memberships SELECT unnest(?::BIGINT[]), unnest(?::VARCHAR[])", [owners, segments])
        connection.execute("DELETE FROM memberships WHERE customer NOT IN (SELECT id FROM customers WHERE living)")

    return fill


def replace(connection: duckdb.DuckDBPyConnection, handle: str, members: str) -> None:
    """The segment holds those now whom the statement names. A connection without the table of memberships raises duckdb.Error."""
    connection.execute(f"CREATE OR REPLACE TEMP TABLE told AS {members}")
    connection.execute("DELETE FROM memberships WHERE segment = ?", [handle])
    connection.execute("INSERT INTO memberships SELECT id, ? FROM told", [handle])


def asked_about(rules: Iterable[tree.Rule]) -> set[str] | None:
    """The handles of the segments that these rules name; None for all, where one asks whether somebody is in any."""
    named: set[str] = set()
    for rule in rules:
        if windows.asks_every_segment(rule):
            return None
        named.update(windows.handles(rule))
    return named


def _stays(shop: Shop, handles: set[str] | None, at: datetime | None) -> Iterator[tuple[int, str]]:
    stays = Membership.objects.filter(shop=shop)
    if handles is not None:
        stays = stays.filter(segment__handle__in=handles)
    stays = stays.filter(until__isnull=True) if at is None else stays.filter(since__lte=at).exclude(until__lte=at)
    yield from stays.order_by("pk").values_list("customer_id", "segment__handle").iterator(chunk_size=PAGE)
