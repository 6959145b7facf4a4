"""The cuts of a shop worked out by the database over everybody at once; what `segsync.rules.cuts` says, over columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import duckdb
import ibis
from ibis.expr import types as ir

from segsync.evaluate.columnar.attributes import Summary, today
from segsync.evaluate.columnar.compile import columns, sql
from segsync.evaluate.columnar.conditions import Ratio, Scaled, known
from segsync.evaluate.columnar.layout import table
from segsync.evaluate.columnar.values import value_of
from segsync.rules.context import RankKey, RfmCuts, ShopContext
from segsync.rules.cuts import nearest_rank, rank_cuts, score_cuts
from segsync.rules.derive import median
from segsync.rules.moments import Moment
from segsync.rules.predicates import Terms
from segsync.rules.settings import DerivedSettings
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

_GAPS = """
    SELECT gap, count(*) FROM (SELECT day - lag(day) OVER (PARTITION BY customer ORDER BY day) AS gap FROM orders) WHERE gap > 0 GROUP BY gap
"""
_USED = "SELECT used, count(*) FROM (SELECT count(*) AS used FROM orders WHERE day > ? GROUP BY customer) GROUP BY used"
_RFM = """
    CREATE OR REPLACE TEMP TABLE rfm AS
    SELECT max(day)::BIGINT - ? AS recency, count(*) AS frequency, sum(amount)::BIGINT AS monetary FROM orders WHERE day > ? GROUP BY customer
"""
# Before any order.
_EVER = -(2**30)


def needed(names: Collection[str], moment: Moment, vocabulary: Vocabulary = NO_VOCABULARY) -> dict[str, set[str]]:
    """The columns that the cuts take when these attributes are ranked, by table."""
    wanted = columns(list(_queries(names, Terms(moment, 2, vocabulary=vocabulary)).values()))
    wanted.setdefault("orders", set()).update(("customer", "day", "amount"))
    wanted.setdefault("customers", set()).update(("id", "living"))
    return wanted


def compute(
    connection: duckdb.DuckDBPyConnection, moment: Moment, settings: DerivedSettings, keys: Collection[RankKey], vocabulary: Vocabulary = NO_VOCABULARY
) -> ShopContext:
    """The context of the shop whose tables the connection holds, with a cut for each rank asked."""
    terms = Terms(moment, 2, ShopContext(settings, computed_at=moment.now), vocabulary)
    day = today(terms)
    used = _counts(connection, _USED, [day - settings.usage_days])
    connection.execute(_RFM, [day, _EVER if settings.rfm_days is None else day - settings.rfm_days])
    scores = {name: _counts(connection, f"SELECT {name}, count(*) FROM rfm GROUP BY 1") for name in ("recency", "frequency", "monetary")}
    low, high = settings.usage_percentiles
    context = replace(
        terms.context,
        typical_gap=median(_counts(connection, _GAPS)),
        usage=(nearest_rank(used, low), nearest_rank(used, high)) if used else None,
        rfm=_rfm(scores) if scores["recency"] else None,
    )
    queries = _queries({key.name for key in keys}, replace(terms, context=context))
    values = {name: Counter(dict(_values(connection, sql(query)))) for name, query in queries.items()}
    for name in values:
        read = value_of(name, vocabulary)
        if isinstance(read, Summary) and read.empty is not None:
            everybody = connection.execute("SELECT count(*) FROM customers WHERE living").fetchall()[0][0]
            values[name][read.empty] += everybody - values[name].total()
    return replace(context, ranks=rank_cuts(keys, values))


def _queries(names: Collection[str], terms: Terms) -> dict[str, ir.Table]:
    """For each attribute, how many customers have each of its values; a fraction as two columns."""
    return {name: _query(name, terms) for name in names}


def _query(name: str, terms: Terms) -> Any:
    read = value_of(name, terms.vocabulary)
    if isinstance(read, Summary):
        people = read.people(terms)
        value = read.value(people, terms)
    else:
        customers = table("customers")
        people = customers.filter(customers.living)
        value = read(people, terms)
    match value:
        case Ratio():
            parts = {"above": value.above, "below": value.below}
        case Scaled():
            parts = {"above": value.value, "below": ibis.literal(value.scale)}
        case _:
            parts = {"value": value}
    told = people.filter(known(value)).select(**parts)
    return told.group_by(list(parts)).aggregate(times=told.count())


def _values(connection: duckdb.DuckDBPyConnection, query: str) -> Iterator[tuple[Any, int]]:
    found: Counter[Any] = Counter()
    for *parts, times in connection.execute(query).fetchall():
        found[_value(parts)] += times
    yield from found.items()


def _value(parts: list[Any]) -> Any:
    if len(parts) == 2:
        return Fraction(int(parts[0]), int(parts[1]))
    return parts[0].replace(tzinfo=UTC) if isinstance(parts[0], datetime) else int(parts[0])


def _counts(connection: duckdb.DuckDBPyConnection, query: str, values: list[int] | None = None) -> Counter[int]:
    return Counter({int(value): int(times) for value, times in connection.execute(query, values or []).fetchall()})


def _rfm(scores: Mapping[str, Counter[int]]) -> RfmCuts:
    newest_last = score_cuts(scores["recency"])
    days = (-newest_last[0], -newest_last[1], -newest_last[2], -newest_last[3])
    return RfmCuts(days, score_cuts(scores["frequency"]), score_cuts(scores["monetary"]))
