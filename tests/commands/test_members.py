"""`manage.py members`."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from integrations.models import Shop
from segsync import clock
from segsync.evaluate.members import members
from segsync.evaluate.models import Membership
from segsync.rules.check import check_rule
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from segsync.store.models import Customer, Identity
from tests.factories import NOON, customer, order, tell

DAY = timedelta(days=1)
REPEAT = "orders_placed MATCHES (date >= -30d, count >= 2)"


@pytest.fixture(autouse=True)
def _people(shop: Shop) -> None:
    """Ann orders twice in summer, Ben twice now, a guest of a till has no address."""
    tell(shop, "shopify", customer("1", "ann@example.com"), customer("2", "Ben@Example.com", "ben@work.example"), customer("3"))
    tell(shop, "shopify", *(order(f"1{n}", "1", placed_at=NOON - (60 + n) * DAY) for n in (1, 2)))
    now = clock.now()
    tell(shop, "shopify", *(order(f"2{n}", "2", placed_at=now - n * DAY) for n in (1, 2)), *(order(f"3{n}", "3", placed_at=now - n * DAY) for n in (1, 2)))


def said(shop: Shop, *words: str) -> str:
    out = io.StringIO()
    call_command("members", "--shop", shop.domain, *words, stdout=out)
    return out.getvalue()


def listed(shop: Shop, *words: str) -> list[str]:
    return [row["email"] for row in csv.DictReader(io.StringIO(said(shop, *words)))]


def test_csv_begins_with_the_number_and_the_first_address(shop: Shop) -> None:
    ben = Identity.objects.get(kind="email", value="ben@example.com").customer_id
    till = Identity.objects.get(kind="shopify", value="3").customer_id
    assert said(shop, "--rule", REPEAT) == f"customer_id,email\n{ben},ben@example.com\n{till},\n"


def test_json_and_count_name_the_same_people(shop: Shop) -> None:
    told = json.loads(said(shop, "--rule", REPEAT, "--format", "json"))
    assert [row["email"] for row in told] == ["ben@example.com", None]
    assert said(shop, "--rule", REPEAT, "--format", "count") == "2\n"
    assert json.loads(said(shop, "--rule", "number_of_orders = 77", "--format", "json")) == []


def test_an_instant_that_has_passed_is_judged_by_what_was_so_then(shop: Shop) -> None:
    assert listed(shop, "--rule", REPEAT, "--at", (NOON - 50 * DAY).isoformat()) == ["ann@example.com"]
    assert listed(shop, "--rule", "number_of_orders >= 2", "--at", "2026-07-16T23:00") == ["ann@example.com"]
    assert listed(shop, "--rule", "number_of_orders >= 2", "--at", "2026-07-16") == []


def test_an_instant_to_come_is_judged_by_what_is_known_now(shop: Shop) -> None:
    assert listed(shop, "--rule", REPEAT, "--at", (clock.now() + 60 * DAY).isoformat()) == []


def test_a_segment_is_judged_by_its_rule_in_force(shop: Shop) -> None:
    create_segment(shop, handle="repeat", name="Repeat", description="", rule=REPEAT, author=None, now=NOON)
    assert listed(shop, "--segment", "repeat") == listed(shop, "--rule", REPEAT)


def test_who_was_in_a_segment_on_a_day_comes_from_its_history(shop: Shop) -> None:
    segment = create_segment(shop, handle="repeat", name="Repeat", description="", rule=REPEAT, author=None, now=NOON)
    ann = Identity.objects.get(value="ann@example.com").customer_id
    # London is an hour ahead of UTC: the stay ends half an hour into 21 August there.
    stay(segment, ann, datetime(2026, 8, 10, 12, tzinfo=NOON.tzinfo), datetime(2026, 8, 20, 23, 30, tzinfo=NOON.tzinfo))
    assert [bool(listed(shop, "--segment", "repeat", "--on", day)) for day in ("2026-08-09", "2026-08-10", "2026-08-20", "2026-08-21")] == [
        False,
        True,
        True,
        False,
    ]


def stay(segment: Segment, customer_id: int, since: datetime, until: datetime) -> None:
    Membership.objects.create(
        shop=segment.shop, segment=segment, customer_id=customer_id, since=since, until=until, version_id=segment.version_id or 0, cause="order"
    )


def test_people_merged_into_others_are_not_named(shop: Shop) -> None:
    tell(shop, "shopify", customer("1", "ann@example.com", "ben@example.com", version=NOON + DAY))
    assert Customer.objects.filter(merged_into__isnull=False).count() == 1
    assert said(shop, "--rule", "orders_placed MATCHES (count >= 4)", "--format", "count") == "1\n"


def test_a_rule_never_names_people_of_another_shop(shop: Shop) -> None:
    other = Shop.objects.create(domain="other.myshopify.com")
    assert said(other, "--rule", "NOT (number_of_orders = 77)", "--format", "count") == "0\n"
    create_segment(shop, handle="repeat", name="Repeat", description="", rule=REPEAT, author=None, now=NOON)
    with pytest.raises(CommandError, match="has no segment 'repeat'; it has none yet"):
        said(other, "--segment", "repeat")


def test_members_come_a_batch_at_a_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    rule, moment = check_rule("NOT (number_of_orders = 77)").rule, Moment(clock.now(), shop.tz)
    whole = list(members(shop, rule, moment))
    monkeypatch.setattr("segsync.evaluate.members.BATCH", 1)
    assert list(members(shop, rule, moment)) == whole
    assert len(whole) == 3


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--rule", "number_of_order >= 2"), r"Did you mean `number_of_orders`\?\n  number_of_order >= 2\n  \^"),
        (("--rule", ""), "the rule is empty"),
        (("--segment", "repeat"), "has no segment 'repeat'"),
        (("--segment", ""), "has no segment ''"),
        (("--segment", "a\x00\udcff"), "has no segment"),
        (("--rule", REPEAT, "--at", "yesterday"), "'yesterday' is not an instant"),
        (("--rule", REPEAT, "--at", "0001-01-01"), "is not an instant"),
        (("--rule", REPEAT, "--at", "9999-12-31T23:59:59-12:00"), "is not an instant"),
        (("--rule", REPEAT, "--on", "2026-08-10"), "give --segment HANDLE"),
        (("--segment", "repeat", "--rule", REPEAT), "not allowed with"),
        (("--rule", REPEAT, "--evaluator", "oracle"), "invalid choice"),
        ((), "is required"),
    ],
)
def test_what_cannot_be_answered_is_refused_in_a_sentence(shop: Shop, words: tuple[str, ...], part: str) -> None:
    with pytest.raises(CommandError, match=part):
        said(shop, *words)


def test_a_day_of_history_must_be_a_day(shop: Shop) -> None:
    create_segment(shop, handle="repeat", name="Repeat", description="", rule=REPEAT, author=None, now=NOON)
    with pytest.raises(CommandError, match="not a day in the calendar"):
        said(shop, "--segment", "repeat", "--on", "2026-02-30")


def test_an_evaluator_that_is_not_there_is_named(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("segsync.evaluate.members.EVALUATORS", {})
    with pytest.raises(CommandError, match="no interpreter evaluator in this version"):
        said(shop, "--rule", REPEAT)


@pytest.mark.parametrize("rule", [REPEAT, "usage_rate = 'LIGHT'", "average_order_value IN TOP 50%", "journey_stage != 'PROSPECT' AND rfm_frequency >= 1"])
def test_both_evaluators_name_the_same_people_cuts_and_ranks_included(shop: Shop, rule: str) -> None:
    interpreted = listed(shop, "--rule", rule)
    assert interpreted
    assert listed(shop, "--rule", rule, "--evaluator", "columnar") == interpreted


@pytest.mark.parametrize("at", [NOON - 62 * DAY, NOON - 61 * DAY, NOON - 50 * DAY, NOON])
@pytest.mark.parametrize(
    "rule", [REPEAT, "number_of_orders >= 1", "amount_spent IN TOP 1", "NOT (usage_rate = 'NON_USER')", "segments CONTAINS 'summer'", "segments IS NULL"]
)
def test_both_evaluators_name_the_same_people_at_an_instant_that_has_passed(shop: Shop, rule: str, at: datetime) -> None:
    segment = create_segment(shop, handle="summer", name="Summer", description="", rule=REPEAT, author=None, now=NOON)
    ann = Identity.objects.get(value="ann@example.com").customer_id
    stay(segment, ann, NOON - 61 * DAY, NOON - 40 * DAY)
    words = ("--rule", rule, "--at", at.isoformat())
    assert listed(shop, *words, "--evaluator", "columnar") == listed(shop, *words)


def test_what_was_so_in_the_past_leaves_no_file_behind(shop: Shop, settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR = tmp_path
    assert listed(shop, "--rule", REPEAT, "--at", (NOON - 50 * DAY).isoformat(), "--evaluator", "columnar") == ["ann@example.com"]
    assert [found for found in tmp_path.rglob("*") if found.is_file() or found.parent.name == "spill"] == []
