"""`manage.py bench`: how fast it is on this machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from segsync.bench import preview
from segsync.bench.evaluate import Measured, measure


class Command(BaseCommand):
    """Measures on made-up facts, which are kept under VAR_DIR/bench for the next time."""

    help = (
        "Measure how fast SegSync is here, on made-up facts. `bench evaluate`: all rules over all customers, beside the same rules in "
        "hand-written SQL. `bench preview`: what somebody waits for who looks at a rule before saving it."
    )

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
        look = kinds.add_parser("preview", help="previews of different rules, one after the other")
        look.add_argument("--customers", type=int, default=100_000)
        look.add_argument("--orders", type=int, default=1_000_000)
        look.add_argument("--activities", type=int, default=2_000_000)
        look.add_argument("--previews", type=int, default=50, help="how many")
        look.add_argument("--json", action="store_true", help="print JSON alone")

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        """Measure and print."""
        if what == "preview":
            self._preview(**options)
        else:
            self._evaluate(**options)

    def _preview(self, customers: int, orders: int, activities: int, previews: int, **options: Any) -> None:
        for name, number in (("customers", customers), ("orders", orders), ("activities", activities), ("previews", previews)):
            if number < 1:
                raise CommandError(f"--{name} must be 1 or more.")
        seen = preview.measure(Path(settings.VAR_DIR) / "bench", customers, orders, activities, previews, settings.SEGSYNC_MEMORY_LIMIT)
        text = (
            f"{seen.previews} previews over {seen.customers:,} customers, {seen.orders:,} orders and {seen.activities:,} activities:\n"
            f"  half within    {seen.p50:8.2f} s, {seen.cpu_p50:.2f} s of the processor\n"
            f"  19 of 20       {seen.p95:8.2f} s, {seen.cpu_p95:.2f} s of the processor\n"
            f"  slowest        {seen.slowest:8.2f} s ({seen.slowest_rule})"
        )
        self.stdout.write(json.dumps(seen.told()) if options["json"] else text)

    def _evaluate(self, **options: Any) -> None:
        for name in ("customers", "orders", "activities", "rules", "repeat"):
            if options[name] < 1:
                raise CommandError(f"--{name} must be 1 or more.")
        found = measure(
            Path(settings.VAR_DIR) / "bench",
            options["customers"],
            options["orders"],
            options["activities"],
            options["rules"],
            settings.SEGSYNC_MEMORY_LIMIT,
            options["repeat"],
        )
        self.stdout.write(json.dumps(found.told()) if options["json"] else _sentences(found))
        if found.differing_rules:
            raise CommandError(f"{len(found.differing_rules)} rules give other people than the statements written by hand: {found.differing_rules[0]}")


def _sentences(found: Measured) -> str:
    return (
        f"{found.rules} rules over {found.customers:,} customers, {found.orders:,} orders and {found.activities:,} activities:\n"
        f"  evaluator      {found.evaluator_seconds:8.2f} s, loading {found.load_seconds:.2f} s and compiling {found.compile_seconds:.2f} s included\n"
        f"  SQL by hand    {found.by_hand_seconds:8.2f} s, loading included\n"
        f"  ratio          {found.ratio:8.2f} by the clock, {found.cpu_ratio:.2f} by the processor"
        f" ({found.evaluator_cpu_seconds:.2f} s and {found.by_hand_cpu_seconds:.2f} s)\n"
        f"  peak memory    {found.peak_memory / 1e9:8.2f} GB"
    )
