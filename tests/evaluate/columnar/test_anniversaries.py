"""Anniversaries over columns come round on the days that the definition names: all days around the end of February, every operator."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import duckdb
import ibis
import pytest

from segsync.evaluate.columnar import anniversaries as by_columns
from segsync.evaluate.columnar.anniversaries import anniversary
from segsync.evaluate.columnar.compile import sql
from segsync.rules import anniversaries as by_definition
from segsync.rules import tree
from segsync.rules.anniversaries import anniversary_predicate
from segsync.rules.moments import Moment

EPOCH = date(1970, 1, 1)
NOW = Moment(datetime(2025, 2, 28, 12, tzinfo=UTC), ZoneInfo("UTC"))
EDGES = [date(year, 2, 27) + timedelta(days=days) for year in (2023, 2024, 2025, 2028) for days in range(4)]


def all_tests() -> Iterator[tree.Test]:
    days = [tree.Day(day) for day in EDGES]
    for operator in ("=", "!=", ">", ">=", "<", "<="):
        yield from (tree.Test("anniversary", operator, (day,)) for day in days)
    for negated in (False, True):
        yield from (tree.Test("anniversary", "BETWEEN", pair, negated) for pair in product(days[::3], days[::2]))
        yield tree.Test("anniversary", "IN", tuple(days[:3]), negated)


def differing() -> list[tree.Test]:
    """The tests that let in other days by columns than by the definition."""
    born = ibis.table({"day": "int32"}, name="born")
    found = []
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE born (day INTEGER)")
        connection.executemany("INSERT INTO born VALUES (?)", [[None], *([(day - EPOCH).days] for day in EDGES)])
        for test in all_tests():
            statement = sql(born.filter(anniversary(test, NOW, born.day)))
            inside = {EPOCH + timedelta(days=day) for (day,) in connection.execute(statement).fetchall()}
            holds = anniversary_predicate(test, NOW)
            assert not holds(None)
            if inside != {day for day in EDGES if holds(datetime(day.year, day.month, day.day, tzinfo=UTC))}:
                found.append(test)
    return found


def test_columns_and_the_definition_agree() -> None:
    assert differing() == []


def test_a_mistake_in_either_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    real = by_definition.anniversary_in
    with monkeypatch.context() as patch:
        patch.setattr(by_definition, "anniversary_in", lambda day, year: day if day.year == year else real(day, year))
        assert differing()
    with monkeypatch.context() as patch:
        patch.setattr(by_columns, "_in_year", lambda place, _year: place)
        assert differing()
