"""`manage.py bench`: how fast it is on this machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from json import dumps
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from segsync.bench import apply, incremental, preview
from segsync.bench import push as pushing
from segsync.bench.evaluate import Measured, measure
from segsync.management import fresh

_FRESH = ("events", "exits", "store")
_COUNTS = (*_FRESH, "customers", "orders", "activities", "rules", "repeat", "changed", "previews", "changes")
# What was measured as plain values, and in words.
Told = tuple[dict[str, object], str]


class Command(BaseCommand):
    """Measures on made-up facts, which are kept under VAR_DIR/bench for the next time."""

    help = "Measure how fast SegSync is here, on made-up facts. `bench evaluate`: all rules over all customers, beside the same rules in hand-written SQL."

    def add_arguments(self, parser: CommandParser) -> None:
        """What to measure, and how large."""
        kinds = parser.add_subparsers(dest="what", required=True)
        evaluate = kinds.add_parser("evaluate", help="all rules over all customers")
        evaluate.add_argument("--customers", type=int, default=100_000)
        evaluate.add_argument("--orders", type=int, default=1_000_000)
        evaluate.add_argument("--activities", type=int, default=2_000_000)
        evaluate.add_argument("--rules", type=int, default=50)
        evaluate.add_argument("--repeat", type=int, default=2, help="how often; the fastest counts")
        evaluate.add_argument("--json", action="store_true", help="print JSON alone")
        whole = kinds.add_parser("apply", help="everybody judged by columns and moved, on the database of DATABASE_URL")
        whole.add_argument("--customers", type=int, default=100_000)
        whole.add_argument("--orders", type=int, default=1_000_000)
        whole.add_argument("--activities", type=int, default=2_000_000)
        whole.add_argument("--rules", type=int, default=20)
        whole.add_argument("--json", action="store_true", help="print JSON alone")
        look = kinds.add_parser("preview", help="previews of different rules, one after the other")
        look.add_argument("--customers", type=int, default=100_000)
        look.add_argument("--orders", type=int, default=1_000_000)
        look.add_argument("--activities", type=int, default=2_000_000)
        look.add_argument("--previews", type=int, default=50, help="how many")
        look.add_argument("--json", action="store_true", help="print JSON alone")
        changed = kinds.add_parser("incremental", help="changed customers judged one by one, on the database of DATABASE_URL")
        changed.add_argument("--customers", type=int, default=10_000)
        changed.add_argument("--changed", type=int, default=5_000, help="how many of them get an order in each round")
        changed.add_argument("--rules", type=int, default=50)
        changed.add_argument("--repeat", type=int, default=3, help="how many rounds; the fastest counts")
        changed.add_argument("--json", action="store_true", help="print JSON alone")
        telling = kinds.add_parser("push", help="changes told to the sandbox's platforms at their real limits, time made up")
        telling.add_argument("--changes", type=int, default=50_000, help="in each of three ways: Shopify directly, Shopify in bulk, HubSpot")
        telling.add_argument("--json", action="store_true", help="print JSON alone")
        fresh.add_arguments(
            kinds.add_parser("fresh", help="from a webhook to the tag call, and out of hour windows; with DATABASE_URL's server and CELERY_BROKER_URL")
        )

    def handle(self, *args: Any, what: str, json: bool, **options: Any) -> None:
        """Measure and print."""
        for name, value in options.items():
            if name in _COUNTS and value < 1:
                raise CommandError(f"--{name} must be 1 or more.")
        if what == "fresh":
            self._fresh(json, **{name: options[name] for name in (*_FRESH, "port", "sandbox_port")})
            return
        measures: dict[str, Callable[..., Told]] = {
            "evaluate": self._evaluate,
            "incremental": self._incremental,
            "preview": self._preview,
            "apply": self._apply,
            "push": self._push,
        }
        told = measures[what](**{name: options[name] for name in _COUNTS if name in options})
        self.stdout.write(dumps(told[0]) if json else told[1])

    def _fresh(self, json: bool, *, events: int, exits: int, store: int, port: int, sandbox_port: int) -> None:
        """Exit code 1 when an event never arrived."""
        if not fresh.is_within():
            if code := fresh.apart(events, exits, store, json=json):
                sys.exit(code)
            return
        found = fresh.within(events, exits, store, port, sandbox_port, self.stderr)
        self.stdout.write(dumps(found.told()) if json else fresh.sentences(found))
        if found.missed:
            raise CommandError(f"{found.missed} events never arrived.")

    def _incremental(self, *, customers: int, changed: int, rules: int, repeat: int) -> Told:
        if changed > customers:
            raise CommandError("--changed must be at most --customers.")
        found = incremental.measure(customers, changed, rules, repeat)
        return found.told(), (
            f"{found.changed:,} changed customers of {found.customers:,}, {found.rules} rules, {found.database}: {found.seconds:.2f} s,"
            f" {found.per_second:,.0f} customers/s in one process,"
            f" {found.moved:,} moves; {found.processor_seconds:.2f} s of the processor, of which reading the facts alone takes {found.reading_share:.0%}"
        )

    def _apply(self, *, customers: int, orders: int, activities: int, rules: int) -> Told:
        found = apply.measure(Path(settings.VAR_DIR) / "bench", customers, orders, activities, rules, settings.SEGSYNC_MEMORY_LIMIT)
        return found.told(), (
            f"{found.customers:,} customers, {found.orders:,} orders and {found.activities:,} activities, {found.database}:\n"
            f"  first time     {found.first_seconds:8.2f} s for {found.rules} rules, {found.first_moves:,} memberships written\n"
            f"  a day later    {found.midnight_seconds:8.2f} s for the {found.midnight_rules} rules that time can move, {found.midnight_moves:,} moves\n"
            f"  peak memory    {found.peak_memory / 1e9:8.2f} GB"
        )

    def _push(self, *, changes: int) -> Told:
        found = pushing.measure(changes)
        lines = [
            f"  {one.way:<16} {one.seconds:10,.1f} s, the limits force {one.floor:10,.1f} s: {one.ratio or 'no'} times;"
            f" {one.calls:,} calls, {one.calls_per_thousand} for 1,000 changes, {one.throttled} of them throttled"
            for one in found
        ]
        return {"ways": [one.told() for one in found]}, "\n".join([f"{changes:,} changes in each way, waits made up, work by the processor's seconds:", *lines])

    def _preview(self, *, customers: int, orders: int, activities: int, previews: int) -> Told:
        seen = preview.measure(Path(settings.VAR_DIR) / "bench", customers, orders, activities, previews, settings.SEGSYNC_MEMORY_LIMIT)
        return seen.told(), (
            f"{seen.previews} previews over {seen.customers:,} customers, {seen.orders:,} orders and {seen.activities:,} activities:\n"
            f"  half within    {seen.p50:8.2f} s, {seen.cpu_p50:.2f} s of the processor\n"
            f"  19 of 20       {seen.p95:8.2f} s, {seen.cpu_p95:.2f} s of the processor\n"
            f"  slowest        {seen.slowest:8.2f} s ({seen.slowest_rule})"
        )

    def _evaluate(self, *, customers: int, orders: int, activities: int, rules: int, repeat: int) -> Told:
        found = measure(Path(settings.VAR_DIR) / "bench", customers, orders, activities, rules, settings.SEGSYNC_MEMORY_LIMIT, repeat)
        if found.differing_rules:
            raise CommandError(f"{len(found.differing_rules)} rules give other people than the statements written by hand: {found.differing_rules[0]}")
        return found.told(), _sentences(found)


def _sentences(found: Measured) -> str:
    return (
        f"{found.rules} rules over {found.customers:,} customers, {found.orders:,} orders and {found.activities:,} activities:\n"
        f"  evaluator      {found.evaluator_seconds:8.2f} s, loading {found.load_seconds:.2f} s and compiling {found.compile_seconds:.2f} s included\n"
        f"  SQL by hand    {found.by_hand_seconds:8.2f} s, loading included\n"
        f"  ratio          {found.ratio:8.2f} by the clock, {found.cpu_ratio:.2f} by the processor"
        f" ({found.evaluator_cpu_seconds:.2f} s and {found.by_hand_cpu_seconds:.2f} s)\n"
        f"  peak memory    {found.peak_memory / 1e9:8.2f} GB"
    )
