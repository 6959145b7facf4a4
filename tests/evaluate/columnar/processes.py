"""What several processes do with one snapshot: `python -m tests.evaluate.columnar.processes make|hang|publish|read` on the database of DATABASE_URL."""

from __future__ import annotations

import json
import sys
import time
from datetime import timedelta
from typing import Any

import django

django.setup()

from integrations.models import Shop  # noqa: E402  # once Django is set up, this and all below
from segsync.evaluate.columnar import engine, snapshot  # noqa: E402
from segsync.evaluate.columnar.compile import Asked  # noqa: E402
from segsync.evaluate.models import Snapshot  # noqa: E402
from segsync.rules.check import check_rule  # noqa: E402
from segsync.rules.context import ShopContext  # noqa: E402
from segsync.rules.moments import Moment  # noqa: E402
from tests.factories import NOON, customer, order, tell  # noqa: E402

RULE = check_rule("orders_placed MATCHES (count >= 2)").rule
PEOPLE = 300
PAIR = 2


def say(**told: Any) -> None:
    print(json.dumps(told), flush=True)


def shop() -> Shop:
    return Shop.objects.get(domain="corner-shop.myshopify.com")


def make() -> None:
    made = Shop.objects.create(domain="corner-shop.myshopify.com", timezone="Europe/London", currency="GBP", status=Shop.Status.INSTALLED)
    tell(made, "shopify", *(customer(str(n)) for n in range(PEOPLE)), *(order(f"first{n}", str(n)) for n in range(PEOPLE)))
    publish(1)


def publish(times: int) -> None:
    """Each time two more people order for a second time, in one page."""
    for _ in range(times):
        seen = snapshot.in_force(shop())
        begin = (seen.generation if seen else 0) * PAIR
        tell(shop(), "shopify", *(order(f"second{n}", str(n)) for n in range(begin, begin + PAIR)), now=NOON + timedelta(minutes=1))
        say(generation=snapshot.refresh(shop(), NOON + timedelta(minutes=2)).generation)


def hang() -> None:
    """Write all files of the next generation and stop before they are published."""

    def stop(*_: Any, **__: Any) -> None:
        say(written=True)
        time.sleep(600)

    setattr(snapshot, "_publish", stop)  # noqa: B010  # the place to be killed at
    publish(1)


def read(seconds: float) -> None:
    """Ask who belongs again and again; says every different answer, and the longest that one took."""
    end, slowest, seen, times = time.monotonic() + seconds, 0.0, set(), 0
    while time.monotonic() < end:
        started = time.monotonic()
        current = Snapshot.objects.get(shop=shop())
        with engine.opened(shop(), current, {1: Asked(RULE)}, Moment(NOON, shop().tz), ShopContext()) as run:
            seen.add((current.generation, len(list(run.members(1)))))
        slowest, times = max(slowest, time.monotonic() - started), times + 1
    say(seen=sorted(seen), slowest=slowest, times=times)


if __name__ == "__main__":
    {"make": make, "hang": hang, "publish": lambda: publish(int(sys.argv[2])), "read": lambda: read(float(sys.argv[2]))}[sys.argv[1]]()
