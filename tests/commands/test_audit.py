"""`manage.py audit`: what is over there, read back now."""

from __future__ import annotations

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from integrations.models import Shop
from segsync.push.models import Audit
from tests.line import Line, line, sandbox

__all__ = ["line", "sandbox"]


@pytest.fixture
def told(line: Line) -> Line:
    line.pull()
    line.segment()
    line.decide()
    line.push()
    line.wait(61)
    line.untag(101, "segsync:buyers")
    return line


def audit(line: Line, *options: str) -> str:
    out = StringIO()
    call_command("audit", "--shop", line.domain, *options, stdout=out)
    return out.getvalue()


def test_it_puts_right_what_it_finds_and_prints_it(told: Line, tmp_path: Path) -> None:
    file = tmp_path / "found.csv"
    assert "tag segsync:buyers: 3 right, 1 missing, 1 repaired" in audit(told, "--csv", str(file))
    (row,) = csv.DictReader(file.open(encoding="utf-8"))
    assert (row["finding"], row["record"], row["person"], row["done"]) == ("missing", "101", "a…@example.test", "put back")
    told.push()
    assert 101 in told.tagged()


def test_a_report_puts_nothing_right(told: Line) -> None:
    (found,) = json.loads(audit(told, "--report-only", "--json"))
    assert (found["status"], found["repairs"], found["drift"]) == ("done", False, 0.25)
    assert (found["targets"][0]["missing"], found["targets"][0]["repaired"]) == (1, 0)
    assert told.push() == 0


def test_an_audit_without_a_result_is_a_failure(told: Line) -> None:
    told.allow("read_customers", given=False)
    told.allow("write_customers", given=False)
    with pytest.raises(CommandError, match="ended without a result: Shopify denies access"):
        audit(told)
    assert Audit.objects.get().status == Audit.Status.FAILED


def test_a_shop_without_connections_is_told_to_connect_one(shop: Shop) -> None:
    with pytest.raises(CommandError, match="connect one first"):
        call_command("audit", "--shop", shop.domain)
    with pytest.raises(CommandError, match="There is no shop"):
        call_command("audit", "--shop", "nowhere.myshopify.com")
