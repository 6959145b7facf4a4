"""What an audit found, for people and for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from io import StringIO
from typing import Any

from segsync.push.models import Audit, AuditedTarget, Finding
from segsync.store.masking import known_as

HEADER = ("found_at", "platform", "place", "name", "finding", "record", "person", "done", "detail")
BATCH = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a cell that begins so is carried out by spreadsheets


def totals(audit: Audit) -> dict[str, Any]:
    """The audit in numbers, place by place, as JSON can hold it."""
    rows = list(audit.targets.select_related("target"))
    return {
        "audit": audit.pk,
        "connection": str(audit.connection),
        "status": audit.status,
        "problem": audit.problem,
        "repairs": audit.repairs,
        "started_at": audit.started_at.isoformat() if audit.started_at else None,
        "finished_at": audit.finished_at.isoformat() if audit.finished_at else None,
        "drift": share(rows),
        "targets": [{"kind": row.target.kind, "name": row.target.name, "problem": row.problem, "drift": share([row])} | counts(row) for row in rows],
    }


def counts(row: AuditedTarget) -> dict[str, int]:
    """How many of each kind an audit counted in one place."""
    kinds = ("right", *Finding.Kind.values, "respected", "waiting", "repaired")
    return {kind: getattr(row, kind) for kind in kinds}


def share(rows: Sequence[AuditedTarget]) -> float:
    """Which part of the marks compared was not as the ledger says, from 0 to 1."""
    members = sum(row.members for row in rows)
    return round(sum(row.drift for row in rows) / members, 6) if members else 0.0


def findings_csv(audit: Audit) -> Iterator[str]:
    """Every finding that was kept as a line of CSV, after a header; addresses are masked."""
    yield _line(HEADER)
    last = 0
    rows = Finding.objects.filter(audit=audit).select_related("target__connection", "profile").order_by("pk")
    while some := list(rows.filter(pk__gt=last)[:BATCH]):
        names = known_as(audit.shop_id, [one.profile.customer_id for one in some if one.profile])
        for one in some:
            place, person = one.target, names.get(one.profile.customer_id, "") if one.profile else ""
            told = (one.found_at.isoformat(), place.connection.vendor, place.get_kind_display(), place.name, one.kind, one.external_id, person)
            yield _line((*told, one.get_done_display(), one.detail))
        last = some[-1].pk


def _line(cells: Sequence[str]) -> str:
    written = StringIO()
    csv.writer(written, lineterminator="\n").writerow([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in cells])
    return written.getvalue()
