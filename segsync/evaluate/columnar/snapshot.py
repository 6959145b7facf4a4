"""A shop's snapshot: brought up to date from the record database, published by its row, read by anybody without waiting.

Only people whose facts changed since are read again. Their versions are read before their facts: facts that change in between look
older than they are, so whoever compares versions leaves those people to the next look and never takes old news for new.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import duckdb
import structlog
from django.conf import settings
from django.db import IntegrityError, transaction

from integrations.models import Shop
from segsync.evaluate.columnar import files, layout
from segsync.evaluate.columnar.differences import differences
from segsync.evaluate.columnar.reading import facts_of
from segsync.evaluate.columnar.rows import Flattener
from segsync.evaluate.columnar.stage import Stage, database
from segsync.evaluate.facts import ALL_KINDS, FactsReader
from segsync.evaluate.models import Snapshot
from segsync.store.models import Customer
from segsync.store.upsert import chunks
from segsync.uncollected import uncollected

log = structlog.get_logger(__name__)
BATCH = 1_000
# The version of somebody who is not in the shop any more: no customer's facts have it.
GONE = 0
# A delta above this share of the base becomes part of a new base.
FOLD_ABOVE = 10
Beat = Callable[[], None]


def nothing() -> None:
    """For a caller without a lease to keep."""


def refresh(shop: Shop, now: datetime, beat: Beat = nothing) -> Snapshot:
    """The shop's snapshot with everything stored before `now`. `beat` is called between batches and may raise to stop.

    A missing, damaged or outdated snapshot is written anew. Killed at any point, the one in force stays in force.
    """
    current = in_force(shop)
    written: Snapshot | None = None
    if current is not None:
        try:
            written = _catch_up(shop, current, now, beat)
        except duckdb.Error as error:
            log.warning("snapshot.damaged", shop__id=shop.pk, generation=current.generation, error=type(error).__name__)
    return written or _rebuild(shop, now, beat)


def in_force(shop: Shop) -> Snapshot | None:
    """The snapshot whose files can be read, or None when there is none, or one that must be written anew."""
    found = Snapshot.objects.filter(shop=shop, layout=layout.VERSION, timezone=shop.timezone).first()
    return found if found is not None and files.whole(files.folder(shop.pk), found.checks) else None


def _rebuild(shop: Shop, now: datetime, beat: Beat) -> Snapshot:
    parent = files.folder(shop.pk)
    flattener = Flattener(shop.tz)
    with database(settings.SEGSYNC_MEMORY_LIMIT, files.spill()) as connection:
        with Stage(connection, flattener, files.spill()) as stage:
            _fill(stage, shop, _pages(shop), beat)
        base = files.write(connection, parent, "base")
        count = _one(connection, "SELECT count(*) FROM customers")
    old = Snapshot.objects.filter(shop=shop).first()
    return _publish(shop, old, flattener, now, base=base, base_customers=count)


def _catch_up(shop: Shop, current: Snapshot, now: datetime, beat: Beat) -> Snapshot | None:
    parent = files.folder(shop.pk)
    delta = parent / current.delta if current.delta else None
    flattener = Flattener(shop.tz, current.next_goods, current.next_topics)
    with database(settings.SEGSYNC_MEMORY_LIMIT, files.spill()) as connection:
        known = facts_of(parent / current.base, delta, "customers", ("id", "facts_version"))
        changed, gone = differences(shop, connection, f"SELECT * FROM ({known}) WHERE facts_version <> {GONE}", beat)
        if not changed and not gone:
            Snapshot.objects.filter(pk=current.pk, generation=current.generation).update(as_of=now)
            current.as_of = now
            return current
        with Stage(connection, flattener, files.spill()) as stage:
            _fill(stage, shop, (tuple(ids) for ids in chunks(changed, BATCH)), beat)
            for id_ in gone:
                stage.add(id_, GONE, None)
        name = files.write(connection, parent, "delta", under=delta)
        count = _one(connection, f"SELECT count(*) FROM {_written(parent / name, 'customers')}")
    if count * FOLD_ABOVE <= current.base_customers:
        return _publish(shop, current, flattener, now, base=current.base, delta=name, base_customers=current.base_customers, delta_customers=count)
    return _fold(shop, current, flattener, now, parent / name)


def _fold(shop: Shop, current: Snapshot, flattener: Flattener, now: datetime, delta: Path) -> Snapshot:
    """A new base of the old one and a delta. Who is gone is forgotten, and things that got several numbers get one."""
    parent = files.folder(shop.pk)
    with database(settings.SEGSYNC_MEMORY_LIMIT, files.spill()) as connection:
        for table in layout.TABLES:
            connection.execute(f"CREATE VIEW {layout.quoted(table)} AS SELECT * FROM read_parquet({files.text(delta / files.file_name(table))})")
        queries = {table: files.facts(table, parent / current.base) for table in layout.TABLES}
        queries["customers"] = f"SELECT * FROM ({queries['customers']}) WHERE facts_version <> {GONE}"
        for table, users in layout.DICTIONARIES.items():
            alike = ", ".join(layout.quoted(column) for column in layout.TABLES[table] if column != "key")
            connection.execute(
                f"CREATE TABLE renumbered_{table} AS SELECT key, kept FROM "
                f"(SELECT key, min(key) OVER (PARTITION BY {alike}) AS kept FROM ({queries[table]})) WHERE key <> kept"
            )
            for user, column in users:
                pointer = f"coalesce(r.kept, f.{column})::{layout.TABLES[user][column]} AS {column}"
                queries[user] = f"SELECT f.* REPLACE ({pointer}) FROM ({queries[user]}) f LEFT JOIN renumbered_{table} r ON r.key = f.{column}"
        base = files.put(connection, parent, "base", queries)
        total = _one(connection, f"SELECT count(*) FROM {_written(parent / base, 'customers')}")
        flattener.goods.next = _one(connection, f"SELECT coalesce(max(key) + 1, 0) FROM {_written(parent / base, 'goods')}")
        flattener.topics.next = _one(connection, f"SELECT coalesce(max(key) + 1, 0) FROM {_written(parent / base, 'topics')}")
    shutil.rmtree(delta, ignore_errors=True)  # it never was in force
    return _publish(shop, current, flattener, now, base=base, base_customers=total)


def _publish(
    shop: Shop, old: Snapshot | None, flattener: Flattener, now: datetime, *, base: str, base_customers: int, delta: str = "", delta_customers: int = 0
) -> Snapshot:
    """Put these files in force, unless somebody else published since `old` was read: then theirs stay, and are given back."""
    parent = files.folder(shop.pk)
    names = (base, delta)
    fields = {
        "generation": old.generation + 1 if old else 1,
        "layout": layout.VERSION,
        "timezone": shop.timezone,
        "base": base,
        "delta": delta,
        "checks": files.checks(parent, names, old.checks if old else {}),
        "base_customers": base_customers,
        "delta_customers": delta_customers,
        "next_goods": flattener.goods.next,
        "next_topics": flattener.topics.next,
        "as_of": now,
    }
    if old is None:
        try:
            with transaction.atomic():
                Snapshot.objects.create(shop=shop, **fields)
        except IntegrityError:
            log.info("snapshot.overtaken", shop__id=shop.pk)
    else:
        files.mark_unused(parent, {old.base, old.delta} - set(names), now)
        if not Snapshot.objects.filter(pk=old.pk, generation=old.generation).update(**fields):
            log.info("snapshot.overtaken", shop__id=shop.pk)
    current = Snapshot.objects.get(shop=shop)
    files.sweep(parent, (current.base, current.delta), now)
    log.info("snapshot.published", shop__id=shop.pk, generation=current.generation, customers=current.base_customers, changed=current.delta_customers)
    return current


def _fill(stage: Stage, shop: Shop, pages: Iterator[tuple[int, ...]], beat: Beat) -> None:
    reader = FactsReader(shop, ALL_KINDS - {"segments"})  # memberships are not facts: a run reads them
    for ids in pages:
        beat()
        people = Customer.objects.filter(shop=shop, pk__in=ids).order_by("pk").values_list("pk", "facts_version", "merged_into_id")
        versions = {id_: (version, merged is None) for id_, version, merged in people}
        with uncollected():
            facts = reader.read([id_ for id_, (_, living) in versions.items() if living])
            for id_, (version, _) in versions.items():
                stage.add(id_, version, facts.pop(id_, None))


def _pages(shop: Shop) -> Iterator[tuple[int, ...]]:
    last = 0
    while ids := tuple(Customer.objects.filter(shop=shop, pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield ids
        last = ids[-1]


def _written(folder: Path, table: str) -> str:
    return f"read_parquet({files.text(folder / files.file_name(table))})"


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])
