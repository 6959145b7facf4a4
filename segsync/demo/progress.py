"""Watching one shop being worked on: a line of progress, and waiting until nothing is left to do."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.core.management.base import OutputWrapper
from django.db.models import F, Sum

from integrations.models import Shop
from segsync import clock, pipeline
from segsync.diff.models import LedgerEntry
from segsync.evaluate.models import Membership
from segsync.pull.models import Run, Stream
from segsync.push.models import Channel
from segsync.store.models import Customer


class TookTooLong(RuntimeError):
    """The pipeline did not come to rest in time; says what is left."""


def describe(shop: Shop) -> str:
    """One line: what has been pulled, judged and told so far."""
    records = Run.objects.filter(shop=shop).aggregate(Sum("records"))["records__sum"] or 0
    left = Stream.objects.filter(shop=shop, pulled_until__isnull=True).values_list("name", flat=True)
    people = Customer.objects.filter(shop=shop, merged_into__isnull=True)
    unjudged = people.filter(facts_version__gt=F("judged_version")).count()
    entries = LedgerEntry.objects.filter(shop=shop)
    waiting = entries.filter(generation__gt=F("acked_generation"), parked_at__isnull=True).count()
    parts = [f"pulled {records:,} records" + (f" (still {', '.join(left)})" if left else ""), f"people {people.count():,}"]
    if not left:
        parts.append(f"memberships {Membership.objects.filter(shop=shop, until__isnull=True).count():,}" + (f" ({unjudged:,} to judge)" if unjudged else ""))
        parts.append(f"marks told {entries.count() - waiting:,} of {entries.count():,}")
    return ", ".join(parts)


def problems(shop: Shop) -> list[str]:
    """What the service says is wrong now, one sentence each."""
    streams = Stream.objects.filter(shop=shop).exclude(problem="").values_list("name", "problem")
    channels = Channel.objects.filter(shop=shop).exclude(problem="").values_list("connection__vendor", "problem")
    return [f"{name}: {problem}" for name, problem in (*streams, *channels)]


def wait_until_settled(shop: Shop, out: OutputWrapper, tend: Callable[[], list[str]], seconds: float, step: Callable[[], None] = lambda: None) -> float:
    """Wait until nothing is left to pull, judge or tell, twice in a row; returns the seconds it took.

    Prints progress every second or so. Raises TookTooLong after `seconds` with what is left.
    """
    began = time.monotonic()
    calm = 0
    last = ""
    told = began - 10
    while calm < 2:
        for news in tend():
            out.write(f"  ! {news}")
        step()
        calm = calm + 1 if pipeline.settled(shop, clock.now()) else 0
        line = describe(shop)
        if line != last and time.monotonic() - told >= 1:
            out.write(f"  {time.monotonic() - began:5.0f} s  {line}")
            out.flush()
            last, told = line, time.monotonic()
        if time.monotonic() - began > seconds:
            raise TookTooLong(f"Not done after {seconds:.0f} seconds: {line}. " + " ".join(problems(shop)))
        time.sleep(0.5)
    return time.monotonic() - began
