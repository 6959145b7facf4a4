"""Who changed since a snapshot, found by comparing blocks of customers: only those in a block that differs are looked at one by one.

Both databases sum up their blocks by themselves. Versions only grow, so with the same people the sums differ when anybody changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
from django.db.models import BigIntegerField, Count, F, QuerySet, Sum
from django.db.models.functions import Cast

from integrations.models import Shop
from segsync.store.models import Customer

BLOCK = 200
# Ids are weighed by their remainder, so that one person cannot make up for another.
_REMAINDER = 65_521
# Blocks looked into at once.
TOGETHER = 50
Mark = tuple[int, ...]


def differences(shop: Shop, connection: duckdb.DuckDBPyConnection, known: str, beat: Callable[[], None]) -> tuple[list[int], list[int]]:
    """Whose facts are of another version than `known` (a query for id and facts_version) says, and who is in it but not in the shop.

    Both in rising order. `beat` is called now and then and may raise to stop.
    """
    beat()
    connection.execute(f"CREATE OR REPLACE TEMP TABLE known AS {known}")
    there, here = _marks_of_shop(shop), _marks_of_known(connection)
    beat()
    changed: list[int] = []
    gone: list[int] = []
    differing = sorted(block for block in there.keys() | here.keys() if there.get(block) != here.get(block))
    for start in range(0, len(differing), TOGETHER):
        beat()
        blocks = differing[start : start + TOGETHER]
        stored = dict(_people(shop).filter(block__in=blocks).values_list("pk", "facts_version"))
        kept = dict(connection.execute(f"SELECT id, facts_version FROM known WHERE id // {BLOCK} IN ({', '.join(map(str, blocks))})").fetchall())
        changed.extend(id_ for id_, version in stored.items() if kept.get(id_) != version)
        gone.extend(id_ for id_ in kept if id_ not in stored)
    return sorted(changed), sorted(gone)


def _people(shop: Shop) -> QuerySet[Any]:
    return Customer.objects.filter(shop=shop).annotate(block=(F("pk") - F("pk") % BLOCK) / BLOCK)


def _marks_of_shop(shop: Shop) -> dict[int, Mark]:
    weight = Cast(F("pk") % _REMAINDER, BigIntegerField())
    sums = {"count": Count("pk"), "versions": Sum("facts_version"), "ids": Sum(weight * weight), "mixed": Sum(weight * F("facts_version"))}
    marks = _people(shop).order_by().values("block").annotate(**sums).values_list("block", *sums)
    return {int(block): tuple(map(int, rest)) for block, *rest in marks}


def _marks_of_known(connection: duckdb.DuckDBPyConnection) -> dict[int, Mark]:
    weight = f"(id % {_REMAINDER})"
    query = f"SELECT id // {BLOCK}, count(*), sum(facts_version), sum({weight} * {weight}), sum({weight} * facts_version) FROM known GROUP BY 1"
    return {int(block): tuple(map(int, rest)) for block, *rest in connection.execute(query).fetchall()}
