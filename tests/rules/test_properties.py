"""HubSpot properties and Shopify metafields, each by its own type, and anniversaries."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segsync.rules.check import check_rule
from segsync.rules.derive import anniversary_in
from segsync.rules.english import explain_rule
from segsync.rules.errors import RuleError
from segsync.rules.facts import CustomerFacts
from segsync.rules.interpret import judge, matches
from segsync.rules.moments import Moment
from segsync.rules.vocabulary import PropertyDefinition, Vocabulary
from segsync.rules.windows import survey
from tests.rules.people import LONDON, NEW_YORK, NOW, REGULAR, order, utc

DEFINITIONS = (
    PropertyDefinition("hubspot.lifecyclestage", "enumeration", ("lead", "customer"), label="lifecycle stage"),
    PropertyDefinition("hubspot.interests", "enumeration", ("Hiking", "Tea"), multiple=True),
    PropertyDefinition("hubspot.hubspot_owner_id", "enumeration"),
    PropertyDefinition("hubspot.hubspotscore", "number"),
    PropertyDefinition("hubspot.is_member", "bool"),
    PropertyDefinition("hubspot.city", "string"),
    PropertyDefinition("hubspot.renewal_day", "date"),
    PropertyDefinition("hubspot.last_call", "datetime"),
    PropertyDefinition("metafields.facts.birth_date", "date"),
)
SHOP = Vocabulary({definition.name: definition for definition in DEFINITIONS})
CONTACT = CustomerFacts(
    "1",
    orders=(order(utc("2024-11-22T10:00")),),
    properties={
        "hubspot.lifecyclestage": "customer",
        "hubspot.interests": "Hiking; Tea",
        "hubspot.hubspot_owner_id": "77",
        "hubspot.hubspotscore": "12.50",
        "hubspot.is_member": "true",
        "hubspot.city": "London",
        "hubspot.renewal_day": "2026-11-22",
        "hubspot.last_call": "1795262400000",  # 2026-11-21T12:00Z
        "metafields.facts.birth_date": "1988-02-29",
    },
)
TRUE = """
hubspot.lifecyclestage = 'customer' AND hubspot.lifecyclestage != 'lead'
hubspot.interests CONTAINS 'Tea' AND hubspot.interests CONTAINS 'Hiking'
hubspot.hubspot_owner_id = '77' AND hubspot.hubspot_owner_id STARTS WITH '7'
hubspot.hubspotscore = 12.5 AND hubspot.hubspotscore BETWEEN 12.5 AND 13
hubspot.is_member = true AND hubspot.is_member != false
hubspot.city = 'london' AND hubspot.city CONTAINS 'LON' AND hubspot.city IS NOT NULL
hubspot.renewal_day = today AND hubspot.renewal_day > yesterday AND hubspot.renewal_day <= 2026-11-22
hubspot.last_call = yesterday AND hubspot.last_call >= -24h AND hubspot.last_call < -23h
anniversary('metafields.facts.birth_date') = 2027-02-28 AND anniversary('metafields.facts.birth_date') = 2028-02-29
anniversary('metafields.facts.birth_date') BETWEEN today AND +98d
NOT (anniversary('metafields.facts.birth_date') BETWEEN today AND +97d)
anniversary('metafields.facts.birth_date') < today AND anniversary('metafields.facts.birth_date') != today
anniversary('hubspot.last_call') = 2027-11-21 AND anniversary('hubspot.last_call') != yesterday
anniversary('first_order_date') = today AND anniversary('first_order_date') BETWEEN 2020-01-01 AND 2026-11-22
NOT (anniversary('first_order_date') BETWEEN 2020-01-01 AND 2024-12-31)
anniversary('first_order_date') BETWEEN 2020-01-01 AND 2040-01-01
NOT (anniversary('abandoned_checkout_date') = today) AND NOT (anniversary('abandoned_checkout_date') != today)
"""


@pytest.mark.parametrize("rule", TRUE.strip().splitlines())
@pytest.mark.parametrize("tz", [LONDON, NEW_YORK])
def test_a_property_is_read_by_its_type(rule: str, tz: object) -> None:
    checked = check_rule(rule, SHOP)
    assert matches(checked.rule, CONTACT, Moment(NOW, tz), vocabulary=SHOP)  # type: ignore[arg-type]


def test_a_value_that_is_none_of_its_type_is_missing() -> None:
    odd = CustomerFacts("1", properties={"hubspot.hubspotscore": "12,5", "hubspot.is_member": "maybe", "hubspot.renewal_day": "soon", "hubspot.city": ""})
    for name in ("hubspotscore", "is_member", "renewal_day", "city", "last_call", "interests"):
        assert matches(check_rule(f"hubspot.{name} IS NULL", SHOP).rule, odd, Moment(NOW, LONDON), vocabulary=SHOP)


REFUSED = [
    ("hubspot.lifecyclestag = 'lead'", "is not a property of the connected portal.", "hubspot.lifecyclestage"),
    ("hubspot.lifecyclestage = 'custome'", "is not a value of `hubspot.lifecyclestage`", "'customer'"),
    ("hubspot.interests CONTAINS 'Teas'", "is not a value", "'Tea'"),
    ("hubspot.hubspotscore = 'a'", "a number such as 1.5", None),
    ("hubspot.is_member > true", "does not take >", None),
    ("hubspot.city IN TOP 10%", "has no TOP", None),
    ("anniversary('hubspot.city') = today", "has no anniversary", None),
]


@pytest.mark.parametrize(("text", "part", "suggestion"), REFUSED)
def test_a_property_takes_only_what_fits_its_definition(text: str, part: str, suggestion: str | None) -> None:
    with pytest.raises(RuleError) as caught:
        check_rule(text, SHOP)
    assert part in str(caught.value)
    assert caught.value.suggestion == suggestion


def test_a_rule_about_properties_says_so_and_reads_well() -> None:
    rule = check_rule("hubspot.lifecyclestage = 'lead' AND anniversary('first_order_date') BETWEEN today AND +7d", SHOP).rule
    found = survey(rule, SHOP)
    assert found.needs == {"properties", "orders"}
    assert found.day_valued
    assert explain_rule(rule, SHOP) == "Customers whose lifecycle stage is lead and whose anniversary of first order is between today and 7 days from now."
    verdict = judge(rule, CONTACT, Moment(NOW, LONDON), vocabulary=SHOP)
    assert [clause.evidence for clause in verdict.clauses] == [("lifecycle stage: customer",), ("first order: 2024-11-22 10:00",)]
    assert judge(rule, REGULAR, Moment(NOW, LONDON), vocabulary=SHOP).clauses[0].evidence == ("lifecycle stage: not known",)


DAYS = st.dates(date(2015, 1, 1), date(2030, 12, 31)) | st.sampled_from((date(2016, 2, 29), date(2020, 2, 29), date(2026, 11, 22)))


@settings(max_examples=80, deadline=None)
@given(DAYS, DAYS, st.integers(0, 800))
def test_an_anniversary_in_a_range_is_one_on_some_day_of_it(born: date, first: date, days: int) -> None:
    last = first + timedelta(days=days)
    person = CustomerFacts("1", added_at=datetime.combine(born, time(12), tzinfo=UTC))
    moment = Moment(NOW, LONDON)
    within = matches(check_rule(f"anniversary('customer_added_date') BETWEEN {first} AND {last}").rule, person, moment)
    on = [anniversary_in(born, day.year) == day for day in (first + timedelta(days=n) for n in range(days + 1))]
    assert within is any(on)


def test_a_shops_vocabulary_is_kept_as_json() -> None:
    assert Vocabulary.from_json(json.loads(json.dumps(SHOP.to_json()))) == SHOP
    with pytest.raises(ValueError, match="`shape` is not a type of property"):
        Vocabulary.from_json([{"name": "hubspot.x", "type": "shape"}])


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "253402300799999"])
def test_an_instant_at_the_end_of_the_calendar_is_none_and_stops_nobody(text: str) -> None:
    vocabulary = Vocabulary({"hubspot.seen": PropertyDefinition("hubspot.seen", "datetime")})
    facts = CustomerFacts("1", properties={"hubspot.seen": text})
    for zone in ("Pacific/Kiritimati", "America/New_York"):
        moment = Moment(datetime(2026, 3, 28, 23, tzinfo=UTC), ZoneInfo(zone))
        for rule in ("anniversary('hubspot.seen') = today", "hubspot.seen > -1d", "NOT (hubspot.seen IS NULL)"):
            assert not matches(check_rule(rule, vocabulary).rule, facts, moment, vocabulary=vocabulary), rule
