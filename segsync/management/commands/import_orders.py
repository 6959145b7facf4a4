"""`manage.py import_orders`: history for a shop out of the Shopify admin's order export."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.models import Shop
from integrations.records import Order
from integrations.shopify.order_csv import ExportedOrder, NotAnOrderExport, SkippedRows, read_orders
from segsync import clock
from segsync.evaluate.due import make_schedule
from segsync.evaluate.judge import ask_whole
from segsync.evaluate.models import Cause, Schedule
from segsync.heartbeat import TTL, kept
from segsync.leases import Lease, claim
from segsync.management.shops import shop_named
from segsync.store.identity import normal_email
from segsync.store.importing import store_history
from segsync.store.models import Profile
from segsync.store.orders import IMPORTED

PAGE_ROWS = 2_000
PROGRESS_ROWS = 10_000
REASONS_SHOWN = 20


@dataclass(slots=True)
class Account:
    """What became of the rows of a file."""

    orders: int = 0
    lines: int = 0
    guests: int = 0
    stored: int = 0
    skipped_orders: int = 0
    skipped_rows: int = 0
    reasons: list[SkippedRows] = field(default_factory=list)
    first: datetime | None = None
    last: datetime | None = None

    @property
    def rows(self) -> int:
        """Rows looked at so far, without the header."""
        return self.lines + self.skipped_rows

    def count(self, order: Order) -> None:
        """One more order."""
        self.orders += 1
        self.lines += len(order.lines or ())
        self.guests += not normal_email(order.email)
        self.first = min(self.first or order.placed_at, order.placed_at)
        self.last = max(self.last or order.placed_at, order.placed_at)

    def skip(self, rows: SkippedRows) -> None:
        """Rows left out; the first reasons are kept."""
        self.skipped_orders += 1
        self.skipped_rows += rows.rows
        if len(self.reasons) < REASONS_SHOWN:
            self.reasons.append(rows)


class Command(BaseCommand):
    """Read an order export into a shop. Reading the same file again changes nothing; a newer export brings what is newer."""

    help = "Read the CSV that the Shopify admin writes (Orders > Export) into a shop."
    requires_system_checks: list[str] = []  # connecting to platforms is not its business

    def add_arguments(self, parser: CommandParser) -> None:
        """Which shop, which file."""
        parser.add_argument("file", metavar="FILE.csv", type=Path)
        parser.add_argument("--shop", required=True, metavar="DOMAIN", help="a shop that is installed, or made with: manage.py shop add")
        parser.add_argument("--dry-run", action="store_true", help="read and check the whole file, store nothing")

    def handle(self, *_: Any, file: Path, shop: str, dry_run: bool, **__: Any) -> None:
        """Store page by page, so that what was read before an end from outside stays; raises CommandError for a file that is no order export."""
        target = shop_named(shop)
        people_before = _people(target)
        account, began = Account(), time.monotonic()
        try:
            with file.open(encoding="utf-8", errors="surrogateescape", newline="") as lines, nullcontext(_unheld) if dry_run else _held(target) as hold:
                self._read(target, lines, account, dry_run, hold)
        except OSError as error:
            raise CommandError(f"{file} cannot be read ({error.strerror}); give the path of a CSV file.") from error
        except NotAnOrderExport as error:
            raise CommandError(str(error)) from error
        self._tell(target, account, _people(target) - people_before, time.monotonic() - began, dry_run)

    def _read(self, shop: Shop, lines: Any, account: Account, dry_run: bool, hold: Callable[[], None]) -> None:
        page: list[ExportedOrder] = []
        rows, next_word = 0, PROGRESS_ROWS
        for told in read_orders(lines, shop.currency):
            if isinstance(told, SkippedRows):
                account.skip(told)
            else:
                account.count(told.order)
                page.append(told)
                rows += told.rows
            if rows >= PAGE_ROWS:
                hold()
                account.stored += 0 if dry_run else _store(shop, page)
                page, rows = [], 0
            if account.rows >= next_word:
                self.stdout.write(f"{account.rows:,} rows, {account.orders:,} orders …")
                self.stdout.flush()
                next_word = account.rows - account.rows % PROGRESS_ROWS + PROGRESS_ROWS
        hold()
        account.stored += 0 if dry_run else _store(shop, page)

    def _tell(self, shop: Shop, account: Account, new_people: int, seconds: float, dry_run: bool) -> None:
        out = self.stdout.write
        out(f"{'Would read' if dry_run else 'Read'} {account.orders:,} orders with {account.lines:,} lines into {shop.domain} in {seconds:.1f} s.")
        if account.first and account.last:
            out(f"Placed from {account.first.astimezone(shop.tz):%Y-%m-%d %H:%M} to {account.last.astimezone(shop.tz):%Y-%m-%d %H:%M} ({shop.timezone}).")
        if account.guests:
            out(f"{account.guests:,} orders have no e-mail address and so no customer.")
        if not dry_run:
            out(f"{account.stored:,} orders were new or newer than what was known; {new_people:,} customers were new.")
        if account.skipped_orders:
            out(f"{account.skipped_rows:,} rows were left out ({account.skipped_orders:,} orders):")
            for each in account.reasons:
                out(f"  row {each.row:,}: {each.reason}")
            if account.skipped_orders > len(account.reasons):
                out(f"  and {account.skipped_orders - len(account.reasons):,} more.")


@contextmanager
def _held(shop: Shop) -> Iterator[Callable[[], None]]:
    """Nobody evaluates the shop by half a file, and afterwards it is evaluated whole; what is yielded must be called before each page.

    An evaluation that is running just now is not waited for: the shop is taken as soon as it has ended, and the evaluation that follows
    puts right what that one saw.
    """
    schedule = make_schedule(shop, clock.now())
    lease: Lease | None = None

    def hold() -> None:
        nonlocal lease
        if lease is not None and lease.renew(now=clock.now(), ttl=TTL):
            return
        lease = claim(Schedule, schedule.pk, now=clock.now(), ttl=TTL)
        if lease is not None:
            keeping.enter_context(kept(lease, clock.now))

    with ExitStack() as keeping:
        try:
            yield hold
        finally:
            ask_whole(shop, Cause.IMPORT, clock.now())
            if lease is not None:
                lease.release()


def _unheld() -> None:
    """There is nothing to hold: nothing is stored."""


def _store(shop: Shop, page: list[ExportedOrder]) -> int:
    """One page; orders with Shopify's id are its own, so that what Shopify tells later replaces them."""
    by_source: dict[str, list[Order]] = {"shopify": [], IMPORTED: []}
    for told in page:
        by_source["shopify" if told.has_id else IMPORTED].append(told.order)
    return sum(store_history(shop.pk, source, orders, clock.now()) for source, orders in by_source.items() if orders)


def _people(shop: Shop) -> int:
    return Profile.objects.filter(shop=shop, source=IMPORTED).count()
