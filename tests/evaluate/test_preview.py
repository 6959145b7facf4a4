"""What saving a rule would do, worked out by hand on small shops; both evaluators must say the same."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from integrations.models import Shop
from segsync.evaluate import measure, overlap
from segsync.evaluate.models import Membership
from segsync.evaluate.preview import Person, Preview, preview
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from segsync.rules.parse import parse_rule
from segsync.store.models import Customer
from tests.evaluate.test_judge import segment, whole
from tests.factories import NOON, customer, order, tell


@pytest.fixture(autouse=True, params=["interpreter", "columnar"])
def evaluator(request: pytest.FixtureRequest, var: Path, settings: Settings) -> str:
    """Small shops are judged one by one, large ones by columns."""
    settings.SEGSYNC_COLUMNAR_FROM = 0 if request.param == "columnar" else 20_000
    return str(request.param)


@pytest.fixture
def six(shop: Shop) -> Shop:
    """Six customers: 1 to 6 orders, of whom the even ones carry the tag vip and spent 100.00 for each order, the others 10.00."""
    people = (
        customer(str(n), f"person{n}@example.com", orders=n, spent=n * (10_000 if n % 2 == 0 else 1_000), tags=("vip",) if n % 2 == 0 else ())
        for n in range(1, 7)
    )
    tell(shop, "shopify", *people, order("a", "1", NOON - timedelta(days=300)), order("b", "2"))
    return shop


def look(shop: Shop, rule: str, of: Segment | None = None) -> Preview:
    return preview(shop, parse_rule(rule), NOON, of)


def names(people: tuple[Person, ...]) -> list[str]:
    return [person.known_as.removesuffix("@example.com") for person in people]


def test_a_changed_rule_says_who_enters_who_leaves_and_who_stays(six: Shop, evaluator: str) -> None:
    some = segment(six, "number_of_orders <= 4")
    whole(six)
    found = look(six, "number_of_orders >= 3", some)
    assert (found.before, found.total, found.customers, found.engine) == (4, 4, 6, evaluator)
    assert (len(found.entering), len(found.leaving), found.unchanged) == (2, 2, 2)
    assert (names(found.arrivals), names(found.departures)) == (["person5", "person6"], ["person1", "person2"])
    assert (found.share, found.leaving_share, found.large) == (Fraction(2, 3), Fraction(1, 2), True)


def test_nobody_is_moved(six: Shop) -> None:
    some = segment(six, "number_of_orders <= 4")
    whole(six)
    before = list(Membership.objects.order_by("pk").values())
    look(six, "number_of_orders >= 3", some)
    assert list(Membership.objects.order_by("pk").values()) == before
    assert some.versions.count() == 1


def test_what_it_says_is_what_saving_then_does(six: Shop) -> None:
    some = segment(six, "number_of_orders <= 4")
    whole(six)
    rule = "number_of_orders BETWEEN 2 AND 5 AND NOT (customer_tags CONTAINS 'vip' AND amount_spent < 300)"
    found = look(six, rule, some)
    change_rule(some, rule, author=None, reason="", now=NOON)
    whole(six, NOON + timedelta(minutes=1), cause="rule")
    stays = Membership.objects.filter(segment=some)
    assert set(found.entering) == set(stays.filter(version__number=2).values_list("customer_id", flat=True))
    assert set(found.leaving) == set(stays.filter(left_version__number=2).values_list("customer_id", flat=True))
    assert (len(found.entering), len(found.leaving)) == (1, 2)


def test_a_new_segment_lets_everybody_in_whom_it_names(six: Shop) -> None:
    found = look(six, "number_of_orders >= 6")
    assert (found.before, len(found.entering), len(found.leaving), found.unchanged) == (0, 1, 0, 0)
    assert not found.large


def test_only_the_conditions_that_decide_are_given_as_reasons(six: Shop) -> None:
    some = segment(six, "number_of_orders <= 2")
    whole(six)
    found = look(six, "number_of_orders >= 1 AND amount_spent >= 200", some)
    gone = found.departures[0]
    assert [(reason.clause, reason.holds, reason.evidence) for reason in gone.reasons] == [("amount_spent >= 200", False, ("total spent: 10.00",))]
    assert [reason.holds for reason in found.arrivals[0].reasons] == [True, True]


def test_parts_are_measured_alone_and_one_after_the_other(six: Shop) -> None:
    found = look(six, "number_of_orders >= 2 AND (amount_spent > 300 OR customer_tags CONTAINS 'vip') AND number_of_orders < 6")
    assert found.joint == "AND"
    assert [(size.depth, size.alone, size.after) for size in found.sizes] == [(0, 5, 5), (0, 3, 3), (1, 2, None), (1, 3, None), (0, 5, 2)]
    assert found.sizes[1].text == "amount_spent > 300 OR customer_tags CONTAINS 'vip'"
    assert found.total == 2


def test_alternatives_are_measured_as_they_come_together(six: Shop) -> None:
    found = look(six, "number_of_orders = 1 OR number_of_orders = 3 OR customer_tags CONTAINS 'vip'")
    assert found.joint == "OR"
    assert [(size.alone, size.after) for size in found.sizes] == [(1, 1), (1, 2), (3, 5)]


def test_a_rule_of_one_condition_has_one_size(six: Shop) -> None:
    found = look(six, "NOT (number_of_orders >= 3 OR amount_spent > 150)")
    assert (found.joint, [(size.depth, size.alone, size.after) for size in found.sizes]) == ("", [(0, 1, 1), (1, 4, None), (1, 3, None)])


def test_overlap_is_told_with_the_likest_first_and_near_duplicates_are_named(six: Shop) -> None:
    mine = segment(six, "number_of_orders >= 2", "mine")
    segment(six, "customer_tags CONTAINS 'vip'", "vips")
    segment(six, "number_of_orders > 1", "double")
    segment(six, "number_of_orders = 1", "once")
    paused = segment(six, "number_of_orders > 2", "paused")
    whole(six)
    Segment.objects.filter(pk=paused.pk).update(state=Segment.State.PAUSED)
    found = look(six, "number_of_orders >= 2", mine)
    assert [(lap.name, lap.size, lap.shared, lap.alike) for lap in found.overlaps] == [("Double", 5, 5, 1), ("Vips", 3, 3, Fraction(3, 5))]
    assert (found.overlaps[1].of_rule, found.overlaps[1].of_other) == (Fraction(3, 5), 1)
    assert [said for said in found.cautions if "Double" in said] == [
        "Nearly the same people as in the segment Double: 5 are in both. One of the two may be enough."
    ]


def test_only_the_five_likest_segments_are_told(six: Shop) -> None:
    for number in range(7):
        segment(six, f"number_of_orders >= {number}", f"from-{number}")
    whole(six)
    assert len(look(six, "number_of_orders >= 3").overlaps) == 5


def test_empty_tiny_and_whole_segments_are_pointed_out(six: Shop) -> None:
    assert "Nobody is named by this rule now." in look(six, "number_of_orders > 99").cautions
    assert "Only 1 person is named by this rule now." in look(six, "number_of_orders > 5").cautions
    assert "Every customer is named by this rule." in look(six, "number_of_orders > 0").cautions


def test_ranks_are_worked_out_now_and_taken_from_the_last_evaluation_of_the_day(six: Shop) -> None:
    found = look(six, "amount_spent IN TOP 2")
    assert (found.total, found.cuts_from, found.cuts_at) == (2, "now", NOON)
    best = segment(six, "amount_spent IN TOP 2")
    whole(six)
    found = preview(six, parse_rule("amount_spent IN TOP 2"), NOON + timedelta(hours=3), best)
    assert (found.total, found.cuts_from, found.cuts_at) == (2, "in force", NOON)
    assert preview(six, parse_rule("amount_spent IN TOP 2"), NOON + timedelta(days=1), best).cuts_from == "now"
    assert look(six, "number_of_orders > 1").cuts_from == ""


def test_a_rule_about_segments_is_answered_one_by_one(six: Shop) -> None:
    segment(six, "number_of_orders >= 3", "loyal")
    whole(six)
    found = look(six, "segments CONTAINS 'loyal' AND customer_tags CONTAINS 'vip'")
    assert (found.total, [size.alone for size in found.sizes]) == (2, [4, 3])


def test_an_empty_shop_has_nobody(shop: Shop) -> None:
    found = look(shop, "number_of_orders >= 3")
    assert (found.customers, found.total, found.share) == (0, 0, 0)


def test_people_merged_into_others_are_not_counted(six: Shop) -> None:
    tell(six, "hubspot", customer("77", "person1@example.com", "person2@example.com"))
    assert Customer.objects.filter(merged_into__isnull=False).exists()
    assert look(six, "number_of_orders >= 0").customers == 5


def test_another_shops_people_are_never_counted(six: Shop) -> None:
    other = Shop.objects.create(domain="other.myshopify.com", currency="GBP")
    tell(other, "shopify", customer("1", "person9@example.com", orders=9))
    segment(other, "number_of_orders >= 1", "theirs")
    whole(other)
    found = look(six, "number_of_orders >= 1")
    assert (found.total, found.overlaps) == (6, ())


def test_whoever_changed_since_the_snapshot_is_counted_as_they_are_now(six: Shop) -> None:
    some = segment(six, "number_of_orders >= 5")
    whole(six)
    later = NOON + timedelta(minutes=5)
    tell(six, "shopify", customer("1", orders=7, version=later), customer("8", orders=8, version=later), now=later)
    found = preview(six, parse_rule("number_of_orders >= 5"), later + timedelta(minutes=1), some)
    assert (found.customers, found.total, len(found.entering)) == (7, 4, 2)


def test_someone_who_waits_is_told_when_not_everybody_could_be_looked_at(six: Shop, evaluator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    some = segment(six, "number_of_orders >= 1")
    whole(six)
    monkeypatch.setattr(measure, "PATIENCE", 0.0)
    monkeypatch.setattr(measure, "BATCH", 2)
    found = look(six, "number_of_orders >= 2", some)
    if evaluator == "interpreter":
        assert (found.cut_short, found.customers, found.before, len(found.leaving)) == (True, 2, 2, 1)
        assert (found.cautions, found.overlaps) == ((), ())
    else:
        assert (found.cut_short, found.customers) == (False, 6)


def test_of_a_part_of_the_shop_nothing_is_said_about_everybody(six: Shop, evaluator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(six, "number_of_orders <= 2", "few")
    whole(six)
    monkeypatch.setattr(measure, "PATIENCE", 0.0)
    monkeypatch.setattr(measure, "BATCH", 2)
    for rule in ("number_of_orders > 0", "number_of_orders = 1", "number_of_orders > 5"):
        found = look(six, rule)
        assert (found.cut_short, bool(found.cautions)) == ((True, False) if evaluator == "interpreter" else (False, True))
        assert (found.overlaps == ()) is (found.cut_short or rule.endswith("> 5"))


def test_a_segment_whose_last_member_leaves_meanwhile_is_still_compared(six: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(six, "number_of_orders = 6", "six")
    whole(six)
    shared = overlap._shared

    def left_meanwhile(*asked: Any) -> dict[int, int]:
        counts = shared(*asked)
        Membership.objects.update(until=NOON)
        return counts

    monkeypatch.setattr(overlap, "_shared", left_meanwhile)
    assert [(lap.name, lap.size, lap.shared) for lap in look(six, "number_of_orders >= 5").overlaps] == [("Six", 1, 1)]


def test_a_rule_of_very_many_parts_is_measured_in_part(six: Shop) -> None:
    found = look(six, " OR ".join(f"number_of_orders = {n}" for n in range(1, 60)))
    assert (len(found.sizes), found.total) == (measure.MOST_PARTS, 6)
    assert [size.after for size in found.sizes[:7]] == [1, 2, 3, 4, 5, 6, 6]


def test_many_people_overlap_as_few_do(six: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    segment(six, "customer_tags CONTAINS 'vip'", "vips")
    segment(six, "number_of_orders > 99", "nobody")
    whole(six)
    few = look(six, "number_of_orders >= 2").overlaps
    monkeypatch.setattr(overlap, "BY_NAME", 1)
    assert look(six, "number_of_orders >= 2").overlaps == few
    assert [(lap.name, lap.shared) for lap in few] == [("Vips", 3)]
