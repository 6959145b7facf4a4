"""The preview of a rule measured on a made-up shop: as somebody who presses the button waits for it.

The shop's facts lie in its snapshot alone; people, addresses, segments and memberships are rows, in a database of its own that is thrown away.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles

import duckdb
from django.conf import settings

from integrations.models import Shop
from segsync.bench import generate
from segsync.bench.stored import scratch_database
from segsync.bench.workload import workload
from segsync.evaluate.columnar import files, layout
from segsync.evaluate.models import Cause, Membership, Snapshot
from segsync.evaluate.preview import preview
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.rules.parse import parse_rule
from segsync.store.models import Customer, Identity

CHUNK = 10_000
EVERY = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29)  # the other segments: each holds every so-manieth person


@dataclass(frozen=True, slots=True)
class Measured:
    """How long previews of different rules took, in seconds by the clock and of the processor.

    Times of the processor tell more than the clock on a machine that has other work.
    """

    customers: int
    orders: int
    activities: int
    previews: int
    p50: float
    p95: float
    cpu_p50: float
    cpu_p95: float
    slowest: float
    slowest_rule: str

    def told(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


def measure(parent: Path, customers: int, orders: int, activities: int, previews: int, memory_limit: str) -> Measured:
    """Preview different rules as changes of one segment, `previews` times in all; a first one warms up and does not count."""
    base = generate.shop(parent, customers, orders, activities, memory_limit)
    took: list[tuple[float, float, str]] = []
    with scratch_database():
        segment = _shop(base, customers)
        for place, question in enumerate(workload(previews + 1)):
            rule = parse_rule(question.rule)
            started, processor = time.perf_counter(), time.process_time()
            preview(segment.shop, rule, generate.NOW, segment)
            if place:
                took.append((time.perf_counter() - started, time.process_time() - processor, question.rule))
    p50, p95 = _middle([seconds for seconds, _, _ in took])
    cpu_p50, cpu_p95 = _middle([seconds for _, seconds, _ in took])
    slowest, _, slowest_rule = max(took)
    return Measured(customers, orders, activities, len(took), p50, p95, cpu_p50, cpu_p95, round(slowest, 3), slowest_rule)


def _middle(seconds: list[float]) -> tuple[float, float]:
    """The times within which a half, and 19 of 20, were done."""
    steps = quantiles(seconds, n=20, method="inclusive") if len(seconds) > 1 else seconds * 19
    return round(steps[9], 3), round(steps[18], 3)


def _shop(base: Path, customers: int) -> Segment:
    """A segment of half the people of a shop with that snapshot."""
    shop = Shop.objects.create(domain="bench.example", timezone=str(generate.TZ), currency="GBP")
    _people(shop, customers)
    _snapshot(shop, base, files.folder(shop.pk))
    return _segments(shop, customers)


def _people(shop: Shop, customers: int) -> None:
    earlier = generate.NOW.replace(year=generate.NOW.year - 1)
    for start in range(1, customers + 1, CHUNK):
        ids = range(start, min(start + CHUNK, customers + 1))
        Customer.objects.bulk_create([Customer(pk=id_, shop=shop, changed_at=earlier, created_at=earlier, judged_version=1) for id_ in ids])
        Identity.objects.bulk_create([Identity(shop=shop, customer_id=id_, kind=Identity.EMAIL, value=f"person{id_}@example.com") for id_ in ids])


def _segments(shop: Shop, customers: int) -> Segment:
    made = []
    for every in EVERY:
        rule = f"number_of_orders >= {every}"
        segment = create_segment(shop, handle=f"every-{every}", name=f"Every {every}", description="", rule=rule, author=None, now=generate.NOW)
        stays = (
            Membership(shop=shop, segment=segment, customer_id=id_, since=generate.NOW, version_id=segment.version_id or 0, cause=Cause.IMPORT)
            for id_ in range(1, customers + 1, every)
        )
        Membership.objects.bulk_create(stays, batch_size=CHUNK)
        made.append(segment)
    return made[0]


def _snapshot(shop: Shop, base: Path, folder: Path) -> None:
    """The made-up facts as the shop's snapshot."""
    with duckdb.connect(config={"memory_limit": settings.SEGSYNC_MEMORY_LIMIT}) as connection:
        for table in layout.TABLES:
            source = files.text(base / files.file_name(table))
            connection.execute(f"CREATE VIEW {layout.quoted(table)} AS SELECT * FROM read_parquet({source})")
        name = files.write(connection, folder, "base")
        count = connection.execute("SELECT count(*) FROM customers").fetchall()[0][0]
    Snapshot.objects.create(
        shop=shop,
        generation=1,
        layout=layout.VERSION,
        timezone=shop.timezone,
        base=name,
        checks=files.checks(folder, (name,), {}),
        base_customers=count,
        next_goods=generate.GOODS,
        next_topics=generate.CAMPAIGNS * len(generate.KINDS),
        as_of=generate.NOW,
    )
