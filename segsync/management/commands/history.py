"""`manage.py history`: who entered and left a segment, when, and because of what; or who moved from segment to segment."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.models import Shop
from segsync import clock
from segsync.evaluate.history import Move, causes, flows, moves
from segsync.evaluate.models import SegmentSize
from segsync.management.instants import day
from segsync.management.segments import segment_named
from segsync.management.shops import shop_named
from segsync.rules.models import Segment

BATCH = 2_000


class Command(BaseCommand):
    """Days are the shop's local days; `--until` is included."""

    help = "Print who entered or left a segment between two days and why, how large it was, or who moved from segment to segment."
    requires_system_checks: list[str] = []  # connecting to platforms is not its business

    def add_arguments(self, parser: CommandParser) -> None:
        """Which shop, which segment, which days, and in which form."""
        parser.add_argument("--shop", required=True, metavar="DOMAIN")
        parser.add_argument("--segment", metavar="HANDLE", help="without it: flows between all segments")
        parser.add_argument("--since", metavar="DAY", help="the first local day, YYYY-MM-DD; default: 30 days ago")
        parser.add_argument("--until", metavar="DAY", help="the last local day; default: today")
        parser.add_argument("--show", choices=["moves", "causes", "sizes"], default="moves", help="of one segment: its moves, how many by cause, or its sizes")
        parser.add_argument("--format", choices=["csv", "json"], default="csv")

    def handle(self, *_: Any, shop: str, segment: str | None, since: str | None, until: str | None, show: str, format: str, **__: Any) -> None:
        """Print while reading; raises CommandError for a shop, segment or day that cannot be read."""
        target = shop_named(shop)
        today = clock.now().astimezone(target.tz).date()
        last = day(until) if until else today
        first = day(since) if since else last - timedelta(days=30)
        if first > last:
            raise CommandError(f"--since {first} is after --until {last}; give the earlier day first.")
        if segment is None:
            if show != "moves":
                raise CommandError(f"--show {show} is of one segment: give --segment HANDLE.")
            self._print(format, ("from", "to", "customers"), self._flows(target, first, last))
        elif show == "sizes":
            self._print(format, ("day", "members", "entered", "left"), _sizes(segment_named(target, segment), first, last))
        elif show == "causes":
            counted = causes(segment_named(target, segment), _start(target, first), _start(target, last + timedelta(days=1)))
            self._print(format, ("way", "cause", "moves"), ((way, cause, n) for (way, cause), n in sorted(counted.items())))
        else:
            found = moves(segment_named(target, segment), _start(target, first), _start(target, last + timedelta(days=1)))
            self._print(format, ("at", "customer_id", "way", "cause", "version", "evidence"), _told(target, found))

    def _flows(self, shop: Shop, first: date, last: date) -> Iterator[tuple[object, ...]]:
        handles = dict(Segment.objects.filter(shop=shop).values_list("pk", "handle"))
        for flow in flows(shop, _start(shop, first), _start(shop, last + timedelta(days=1))):
            yield handles[flow.source], handles[flow.destination], flow.people

    def _print(self, form: str, header: tuple[str, ...], rows: Iterator[tuple[object, ...]]) -> None:
        if form == "csv":
            writer = csv.writer(self.stdout, lineterminator="\n")
            writer.writerow(header)
            while batch := list(islice(rows, BATCH)):
                writer.writerows(batch)
            return
        told = (json.dumps(dict(zip(header, row, strict=True)), ensure_ascii=False) for row in rows)
        self.stdout.write("[", ending="")
        for place, one in enumerate(told):
            self.stdout.write(f"{',' if place else ''}\n  {one}", ending="")
        self.stdout.write("\n]")


def _start(shop: Shop, first: date) -> datetime:
    return datetime.combine(first, time.min, tzinfo=shop.tz)


def _sizes(segment: Segment, first: date, last: date) -> Iterator[tuple[object, ...]]:
    for size in SegmentSize.objects.filter(segment=segment, day__range=(first, last)).order_by("day"):
        yield size.day.isoformat(), size.members, size.entered, size.left


def _told(shop: Shop, found: Iterator[Move]) -> Iterator[tuple[object, ...]]:
    for move in found:
        evidence = "; ".join(": ".join((clause, ", ".join(lines))) if lines else clause for clause, *lines in move.evidence)
        yield move.at.astimezone(shop.tz).isoformat(), move.customer_id, move.way, move.cause, move.version, evidence
