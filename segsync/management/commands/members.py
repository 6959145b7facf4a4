"""`manage.py members`: who a rule or a segment names."""

from __future__ import annotations

import csv
import json
import os
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime, time
from itertools import islice
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.models import Shop
from segsync import clock
from segsync.evaluate.members import NoSuchEvaluator, end_of_day, members, members_on
from segsync.management.instants import day, instant
from segsync.management.rule_text import judgeable
from segsync.management.shops import can_be_asked, shop_named
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from segsync.store.models import Identity

BATCH = 2_000


class Command(BaseCommand):
    """Print the customers whom a rule names, at the present or as of an instant; or who was in a segment on a day."""

    help = "Print who a rule, or a segment of the shop, names."
    requires_system_checks: list[str] = []  # connecting to platforms is not its business

    def add_arguments(self, parser: CommandParser) -> None:
        """Which shop, which rule, when, and in which form."""
        parser.add_argument("--shop", required=True, metavar="DOMAIN")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--rule", metavar="TEXT", help="a rule in SegSync's language")
        what.add_argument("--segment", metavar="HANDLE", help="a segment of the shop, by the rule in force")
        when = parser.add_mutually_exclusive_group()
        when.add_argument("--at", metavar="INSTANT", help="judge as of then (ISO 8601; without an offset, the shop's own time); default: now")
        when.add_argument("--on", metavar="DAY", help="with --segment: who was in it at the end of that local day, by its history")
        parser.add_argument("--evaluator", choices=["interpreter", "columnar"], default="interpreter")
        parser.add_argument("--format", choices=["csv", "json", "count"], default="csv")

    def handle(self, *_: Any, shop: str, evaluator: str, format: str, **options: Any) -> None:
        """Print while reading; raises CommandError for a rule, segment, shop or instant that cannot be read."""
        target = shop_named(shop)
        segment = _segment(target, options["segment"]) if options["segment"] is not None else None
        if options["on"] is not None:
            found = self._on(target, segment, options["on"])
        else:
            rule = judgeable(options["rule"] if segment is None else segment.rule, target).rule
            now = clock.now()
            at = instant(options["at"], target.tz) if options["at"] is not None else now
            try:
                found = members(target, rule, Moment(at, target.tz), evaluator, rewind=at < now, salt=segment.handle if segment else "")
            except NoSuchEvaluator as error:
                raise CommandError(str(error)) from error
        try:
            self._print(target, found, format)
            self.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # whoever reads has seen enough

    def _on(self, shop: Shop, segment: Segment | None, text: str) -> Iterator[int]:
        if segment is None:
            raise CommandError("--on asks a segment's history: give --segment HANDLE, or --at INSTANT to judge a rule as of then.")
        noon = datetime.combine(day(text), time(12), tzinfo=shop.tz)
        return members_on(segment, min(end_of_day(Moment(noon, shop.tz)), clock.now()))

    def _print(self, shop: Shop, found: Iterator[int], form: str) -> None:
        if form == "count":
            self.stdout.write(str(sum(1 for _ in found)))
            return
        people = _with_emails(shop, found)
        if form == "csv":
            writer = csv.writer(self.stdout, lineterminator="\n")
            writer.writerow(["customer_id", "email"])
            writer.writerows(people)
            return
        self.stdout.write("[", ending="")
        for place, (id_, email) in enumerate(people):
            self.stdout.write(f"{',' if place else ''}\n  {json.dumps({'customer_id': id_, 'email': email or None}, ensure_ascii=False)}", ending="")
        self.stdout.write("\n]")


def _segment(shop: Shop, handle: str) -> Segment:
    segment = Segment.objects.filter(shop=shop, handle=handle).select_related("version").first() if can_be_asked(handle) else None
    if segment is not None and segment.rule:
        return segment
    known = list(Segment.objects.filter(shop=shop).order_by("handle").values_list("handle", flat=True)[:20])
    raise CommandError(f"{shop.domain} has no segment '{handle[:80]}'; it has {', '.join(known) if known else 'none yet'}.")


def _with_emails(shop: Shop, ids: Iterable[int]) -> Iterator[tuple[int, str]]:
    """Each customer with the first address they were known by, "" for somebody without."""
    rest = iter(ids)
    while batch := list(islice(rest, BATCH)):
        rows = Identity.objects.filter(shop=shop, customer_id__in=batch, kind=Identity.EMAIL).order_by("-pk").values_list("customer_id", "value")
        emails = dict(rows)  # the oldest comes last and stays
        yield from ((id_, emails.get(id_, "")) for id_ in batch)
