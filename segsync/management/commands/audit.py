"""`manage.py audit`: what a shop's platforms hold, read back now and compared with the ledger."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import registry
from integrations.models import Connection, Shop
from segsync import clock
from segsync.management.shops import shop_named
from segsync.push.audit import ask, run
from segsync.push.models import Audit
from segsync.push.report import findings_csv, totals

LOOK = 1.0  # seconds between two looks at an audit that waits, or that a worker does
KINDS = ("right", "missing", "extra", "deleted", "limit", "renamed", "gone", "foreign", "respected", "waiting", "repaired")


class Command(BaseCommand):
    """Audit every connected account of a shop and print what was found."""

    help = "Read back everything that was written for a shop, compare it with the ledger and print what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        """Which shop, whether to repair, and in which form."""
        parser.add_argument("--shop", required=True, metavar="DOMAIN")
        parser.add_argument("--report-only", action="store_true", help="put nothing right, whatever the shop's settings say")
        parser.add_argument("--csv", metavar="FILE", help="write every finding into this file")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *_: Any, shop: str, report_only: bool, csv: str | None, json: bool, **__: Any) -> None:
        """Audit to the end; raises CommandError for an unknown shop, one without connections, and an audit that ends without a result."""
        where = shop_named(shop)
        found = [self._audit(connection, report_only) for connection in _connections(where)]
        if not found:
            raise CommandError(f"{where.domain} has no connected account that keeps marks; connect one first.")
        if csv:
            _write(Path(csv), found)
        self._print(found, as_json=json)
        if failed := [audit for audit in found if audit.status == Audit.Status.FAILED]:
            raise CommandError(" ".join(f"The audit of {audit.connection} ended without a result: {audit.problem}" for audit in failed))

    def _audit(self, connection: Connection, report_only: bool) -> Audit:
        audit = ask(connection, clock.now(), only_report=report_only)
        if report_only and audit.status == Audit.Status.RUNNING and audit.repairs:
            raise CommandError(f"An audit of {connection} that repairs is under way; ask again when it has ended.")
        while not run(audit.pk, clock.now):
            audit.refresh_from_db()
            if audit.finished_at is not None:  # a worker was faster
                break
            if not Connection.objects.filter(pk=connection.pk, status=Connection.Status.CONNECTED).exists():
                raise CommandError(f"{connection} is not connected any more; the audit goes on once it is.")
            if audit.problem:
                self.stderr.write(f"{connection}: {audit.problem} Trying again.")
            time.sleep(LOOK if audit.problem or audit.lease_token else 0)
        audit.refresh_from_db()
        return audit

    def _print(self, audits: list[Audit], *, as_json: bool) -> None:
        told = [totals(audit) for audit in audits]
        if as_json:
            self.stdout.write(json.dumps(told, indent=2, ensure_ascii=False))
            return
        for audit in told:
            mode = "puts right what it finds" if audit["repairs"] else "report only"
            self.stdout.write(f"{audit['connection']}: {audit['status']}, {mode}; {audit['drift']:.2%} of the marks had drifted.")
            for row in audit["targets"]:
                numbers = ", ".join(f"{row[kind]:,} {kind}" for kind in KINDS if row[kind])
                self.stdout.write(f"  {row['kind']} {row['name']}: {numbers or 'nobody'}{'; ' if row['problem'] else ''}{row['problem']}")


def _connections(shop: Shop) -> list[Connection]:
    there = Connection.objects.filter(shop=shop, status=Connection.Status.CONNECTED, channel__isnull=False).order_by("vendor")
    return [one for one in there.select_related("shop") if registry.connector(one.vendor).mark is not None]


def _write(path: Path, audits: list[Audit]) -> None:
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            for place, audit in enumerate(audits):
                lines = findings_csv(audit)
                header = next(lines)
                file.write("" if place else header)
                file.writelines(lines)
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}.") from error
