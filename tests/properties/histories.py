"""Generated customers: few distinct values, so that rules meet them and ties are common; anything that may be missing sometimes is."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from segsync.rules.attributes import RFM_GROUPS, SUBSCRIPTION
from segsync.rules.catalogue import ACTIVITIES
from segsync.rules.facts import ActivityFacts, CheckoutFacts, CustomerFacts, LineFacts, OrderFacts, RefundFacts
from segsync.rules.moments import Moment
from segsync.rules.vocabulary import PropertyDefinition, Vocabulary
from tests.properties.moments import timestamps

# Texts that fold to one another, quotes, wildcards of LIKE, a text that looks like SQL.
WORDS = ("Shoes", "SHOES", "boots", "straße", "STRASSE", "it's", "100%", "a_b", "'; DROP TABLE customers; --", "İ", "\\", "")
CATEGORIES = ("Apparel > Shoes > Boots", "Shoes", "apparel > shoes", "Home > Mugs", "Mugs >", "")
COUNTRIES = ("GB", "CA", "DE")
IDS = ("1", "2", "30")
AMOUNTS = (0, 1, 999, 1000, 1001, 3333, 5000, 5001, 10**9)
COUNTS = (0, 1, 2, 3, 5)
KINDS = tuple(name for name, entry in ACTIVITIES.items() if entry.rows and "activities" in entry.needs)
REGIONS = ("GB-ENG", "CA-ON", "CA-QC")
CITIES = ("GB-ENG-Leeds", "CA-ON-NorthBay", "SG-Singapore")
HANDLES = ("loyal", "late", "vip")
NPS_PROPERTY = "hubspot.hs_feedback_last_nps_rating"
STAGES = ("lead", "customer", "Lead")
VOCABULARY = Vocabulary(
    {
        definition.name: definition
        for definition in (
            PropertyDefinition("hubspot.score", "number"),
            PropertyDefinition(NPS_PROPERTY, "number"),
            PropertyDefinition("hubspot.birthday", "date"),
            PropertyDefinition("hubspot.seen", "datetime"),
            PropertyDefinition("hubspot.agreed", "bool"),
            PropertyDefinition("hubspot.lifecyclestage", "enumeration", STAGES),
            PropertyDefinition("hubspot.owner", "enumeration"),
            PropertyDefinition("hubspot.colours", "enumeration", ("red", "blue"), multiple=True),
            PropertyDefinition("metafields.facts.note", "string"),
            PropertyDefinition("metafields.facts.size", "number"),
        )
    }
)
# What a platform may send where a number, a day, an instant, a flag, a word or several of them should be.
TEXTS = (
    *("7", "07", "10", "11", "-0.5", "+3.000000001", "999999999999999999.999999999", "1e3", " 7 ", "٣", "NaN", "1,5", "16.67", "0", "1000"),
    *("2024-02-29", "2025-02-28", "2026-03-29", "2011-12-30", "2026-03-29T00:30:00+02:00", "2026-10-25T23:59:59.999999Z", "1772236800000", "2026-13-01"),
    *("0001-01-01", "9999-12-31", "2026-3-1", "20260329", "-1"),
    *("true", "FALSE", " True", "yes", "lead", "Lead", "customer", "red", "red;blue", " blue ; ", ";", "RED"),
    *WORDS,
)


def maybe(values: Any) -> st.SearchStrategy[Any]:
    """One of the values, or nothing."""
    return st.sampled_from((None, *values))


def few(values: Any) -> st.SearchStrategy[tuple[Any, ...]]:
    """None to two of the values."""
    return st.lists(st.sampled_from(values), max_size=2).map(tuple)


LINES = st.builds(
    LineFacts,
    product_id=maybe(IDS),
    variant_id=maybe(IDS),
    sku=maybe(WORDS),
    title=maybe(WORDS),
    product_type=maybe(WORDS),
    vendor=maybe(WORDS),
    tags=few(WORDS),
    collections=few(WORDS),
    category=maybe(CATEGORIES),
    price_minor=maybe(AMOUNTS),
    discounted=st.booleans(),
    quantity=st.sampled_from(COUNTS),
    amount_minor=st.sampled_from(AMOUNTS),
)
# A few lines made once, so that the same product is bought again and again.
SHELF = st.lists(LINES, min_size=4, max_size=4)


def customers(moment: Moment) -> st.SearchStrategy[list[CustomerFacts]]:
    """The people of a shop at that moment."""
    return SHELF.flatmap(lambda shelf: st.lists(_customer(moment, shelf), min_size=6, max_size=12))


def _customer(moment: Moment, shelf: list[LineFacts]) -> st.SearchStrategy[CustomerFacts]:
    at, lines = timestamps(moment), st.lists(st.sampled_from(shelf), max_size=2).map(tuple)
    refund = st.builds(RefundFacts, at, st.sampled_from(AMOUNTS))
    orders = st.builds(
        OrderFacts,
        id=st.sampled_from(("o1", "o2", "o3", "o4", "o5")),
        placed_at=at,
        number=maybe((1001, 1002)),
        counted=st.sampled_from((True, True, True, False)),
        amount_minor=st.sampled_from(AMOUNTS),
        gross_minor=st.sampled_from(AMOUNTS),
        refunded_minor=st.sampled_from(AMOUNTS),
        item_count=st.sampled_from(COUNTS),
        channel=maybe(WORDS),
        discount_codes=few(WORDS),
        discounted=st.booleans(),
        country=maybe(COUNTRIES),
        location_id=maybe(IDS),
        app_id=maybe(IDS),
        shipping=maybe(("Express", "SAME DAY", "post", "")),
        tags=few(WORDS),
        lines=lines,
        refunds=st.lists(refund, max_size=2).map(tuple),
    )
    recovered = st.one_of(st.none(), at)
    checkouts = st.builds(CheckoutFacts, st.sampled_from(IDS), at, recovered, maybe(AMOUNTS), lines)
    acts = st.builds(
        ActivityFacts,
        kind=st.sampled_from(KINDS),
        at=at,
        campaign=maybe(WORDS),
        campaign_id=maybe(IDS),
        url=maybe(WORDS),
        id=maybe(IDS),
        title=maybe(WORDS),
        form=maybe(WORDS),
        page=maybe(WORDS),
        survey=maybe(("NPS", "CSAT")),
        rating=maybe((0, 6, 7, 9, 10)),
        sentiment=maybe(WORDS),
        network=maybe(WORDS),
        query=maybe(WORDS),
        product=st.sampled_from((None, *shelf)),
    )
    answers = st.builds(ActivityFacts, kind=st.just("surveys.answered"), at=at, survey=maybe(("NPS", "NPS", "CSAT")), rating=maybe((0, 6, 7, 9, 10)))
    return st.builds(
        CustomerFacts,
        customer_id=st.sampled_from(IDS),
        emails=few(("Ann@Example.com", "bo@straße.test", "nobody", "x@EXAMPLE.com")),
        added_at=st.one_of(st.none(), at),
        order_count=maybe(COUNTS),
        amount_spent_minor=maybe(AMOUNTS),
        tags=few(WORDS),
        countries=few(COUNTRIES),
        regions=few(REGIONS),
        cities=few(CITIES),
        companies=few(IDS),
        language=maybe(("en", "de")),
        account_status=maybe(("ENABLED", "INVITED")),
        email_subscription=maybe(SUBSCRIPTION),
        sms_subscription=maybe(("SUBSCRIBED",)),
        product_subscription=maybe(("PAUSED",)),
        rfm_group=maybe(RFM_GROUPS),
        predicted_spend_tier=maybe(("HIGH", "LOW")),
        orders=st.lists(orders, max_size=5).map(tuple),
        checkouts=st.lists(checkouts, max_size=2).map(tuple),
        activities=st.lists(st.one_of(acts, answers), max_size=5).map(tuple),
        properties=st.dictionaries(st.sampled_from(tuple(VOCABULARY.properties)), st.one_of(st.sampled_from(TEXTS), at.map(_written)), max_size=5),
        segments=st.lists(st.sampled_from(HANDLES), max_size=2, unique=True).map(tuple),
    )


def _written(at: datetime) -> str:
    """An instant as a platform writes it: with its zone, in milliseconds, or as the day in UTC."""
    return (at.isoformat(), str(int(at.timestamp() * 1000)), at.date().isoformat())[at.microsecond % 3]
