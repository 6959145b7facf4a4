"""`manage.py history` prints who came and went, and why."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from integrations.models import Shop
from segsync.evaluate import sizes
from segsync.store.models import Profile
from tests.evaluate.test_judge import incremental, segment, whole
from tests.factories import NOON, customer, tell

LATER = NOON + timedelta(days=2)


@pytest.fixture
def told(shop: Shop) -> int:
    """One customer who is new at noon and loyal two days later."""
    segment(shop, "number_of_orders = 1", "new")
    segment(shop, "number_of_orders >= 2", "loyal")
    tell(shop, "shopify", customer("1", orders=1))
    whole(shop)
    tell(shop, "shopify", customer("1", orders=2, version=LATER), now=LATER)
    incremental(shop, LATER)
    sizes.keep(shop, None, LATER + timedelta(days=1))
    return Profile.objects.get().customer_id


def printed(shop: Shop, *arguments: str) -> str:
    out = io.StringIO()
    call_command("history", "--shop", shop.domain, "--since", "2026-09-01", "--until", "2026-09-30", *arguments, stdout=out)
    return out.getvalue()


def test_every_move_with_its_cause_and_evidence(shop: Shop, told: int) -> None:
    rows = list(csv.DictReader(io.StringIO(printed(shop, "--segment", "new"))))
    assert [(row["at"], row["customer_id"], row["way"], row["cause"], row["version"]) for row in rows] == [
        ("2026-09-15T13:00:00+01:00", str(told), "entered", "import", "1"),
        ("2026-09-17T13:00:00+01:00", str(told), "left", "profile", "1"),
    ]
    assert rows[1]["evidence"] == "number_of_orders = 1: number of orders: 2"


def test_flows_causes_and_sizes(shop: Shop, told: int) -> None:
    assert json.loads(printed(shop, "--format", "json")) == [{"from": "new", "to": "loyal", "customers": 1}]
    assert json.loads(printed(shop, "--segment", "new", "--show", "causes", "--format", "json")) == [
        {"way": "entered", "cause": "import", "moves": 1},
        {"way": "left", "cause": "profile", "moves": 1},
    ]
    assert printed(shop, "--segment", "loyal", "--show", "sizes") == "day,members,entered,left\n2026-09-17,1,1,0\n"


@pytest.mark.parametrize(
    ("arguments", "told_of"),
    [
        (("--segment", "nothing"), "it has loyal, new"),
        (("--show", "sizes"), "give --segment HANDLE"),
        (("--segment", "new", "--since", "2026-10-01"), "after --until"),
        (("--segment", "new", "--since", "soon"), "YYYY-MM-DD"),
    ],
)
def test_what_cannot_be_answered_is_said(shop: Shop, told: int, arguments: tuple[str, ...], told_of: str) -> None:
    with pytest.raises(CommandError, match=told_of):
        printed(shop, *arguments)
