"""A statement is kept for as long as it means the same, and no longer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from segsync.evaluate.columnar.compile import Asked, compile_rule, sql
from segsync.evaluate.columnar.statements import statement
from segsync.rules.check import check_rule
from segsync.rules.context import ShopContext
from segsync.rules.errors import RuleError
from segsync.rules.moments import Moment
from segsync.rules.vocabulary import NO_VOCABULARY, PropertyDefinition, Vocabulary

LONDON = ZoneInfo("Europe/London")
NOON = Moment(datetime(2026, 6, 15, 12, tzinfo=UTC), LONDON)
CONTEXT = ShopContext(typical_gap=Fraction(10))


def kept(rule: str, moment: Moment = NOON, context: ShopContext = CONTEXT, vocabulary: Vocabulary = NO_VOCABULARY, handle: str = "some") -> object:
    asked = Asked(check_rule(rule, vocabulary).rule, handle)
    found = statement(asked, moment, 2, context, vocabulary)
    assert found.sql == sql(compile_rule(asked, moment, 2, context, vocabulary))
    return found


@pytest.mark.parametrize("rule", ["orders_placed MATCHES (date >= -30d, count >= 2)", "journey_stage = 'LAPSED'", "sample_bucket < 90"])
def test_a_rule_of_days_is_written_once_a_day(rule: str) -> None:
    first = kept(rule)
    assert kept(rule, Moment(NOON.now + timedelta(hours=3), LONDON)) is first
    for moment in (Moment(NOON.now + timedelta(days=1), LONDON), Moment(NOON.now, ZoneInfo("Asia/Tokyo"))):
        assert kept(rule, moment) is not first
    assert kept(rule, context=replace(CONTEXT, typical_gap=Fraction(9))) is not first
    assert kept(rule, handle="other") is not first


@pytest.mark.parametrize(
    "rule", ["checkouts_abandoned MATCHES (date >= -24h)", "last_order_date < now", "emails.opened MATCHES () THEN orders_placed NOT MATCHES () WITHIN 3d"]
)
def test_a_rule_of_hours_is_written_for_its_instant(rule: str) -> None:
    assert kept(rule) is kept(rule)
    assert kept(rule, Moment(NOON.now + timedelta(minutes=1), LONDON)) is not kept(rule)


def test_a_property_of_another_type_is_read_anew() -> None:
    as_text, as_words = (Vocabulary({"hubspot.stage": PropertyDefinition("hubspot.stage", kind, ("lead",))}) for kind in ("string", "enumeration"))
    assert kept("hubspot.stage = 'lead'", vocabulary=as_text) is not kept("hubspot.stage = 'lead'", vocabulary=as_words)


def test_a_property_that_a_rule_does_not_read_is_nothing_to_it() -> None:
    """A portal defines hundreds of properties with thousands of values; a statement is kept with those that it reads."""
    stage = PropertyDefinition("hubspot.stage", "string")
    others = {f"hubspot.p{number}": PropertyDefinition(f"hubspot.p{number}", "enumeration", ("a", "b")) for number in range(300)}
    alone, among = Vocabulary({"hubspot.stage": stage}), Vocabulary({"hubspot.stage": stage, **others}, frozenset({"some"}))
    assert kept("hubspot.stage = 'lead'", vocabulary=alone) is kept("hubspot.stage = 'lead'", vocabulary=among)


def test_a_kept_statement_is_refused_once_its_data_is_withheld_or_its_segment_gone() -> None:
    rule, known = "companies IS NULL AND segments CONTAINS 'loyal'", Vocabulary(handles=frozenset({"loyal"}))
    kept(rule, vocabulary=known)
    asked = Asked(check_rule(rule).rule, "some")
    for later in (replace(known, withheld={"companies": "a store with companies"}), replace(known, handles=frozenset({"loyal-2"}))):
        with pytest.raises(RuleError):
            statement(asked, NOON, 2, CONTEXT, later)
