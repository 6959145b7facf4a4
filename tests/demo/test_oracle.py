"""Who must be in each starter segment, and who is one person: on facts small enough to work out by hand."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from segsync.demo import oracle
from tests.demo.exports import Facts, days

BOOTS, VASE = "Apparel > Shoes > Boots", "Home > Vases"


def tagged(found: oracle.Expected, handle: str) -> set[int]:
    return set(found.segments[handle].customers)


def test_first_time_buyers_start_with_the_first_instant_of_the_local_day_30_days_ago(facts: Facts, judged: Any) -> None:
    # 25 October 2026 began in London at 23:00 UTC the evening before: the clocks went back only later that night.
    for number, at in enumerate(("2026-10-24T22:59:59.999999Z", "2026-10-24T23:00:00Z", "2026-10-25T12:00:00Z", "2026-11-24T15:29:00Z"), 1):
        facts.customer(number, orders=1)
        facts.order(number, at)
    assert tagged(judged(), "first-time-buyers") == {2, 3, 4}
    assert tagged(judged("America/New_York"), "first-time-buyers") == {3, 4}


def test_a_second_order_makes_a_repeat_buyer(facts: Facts, judged: Any) -> None:
    for number, orders in ((1, 1), (2, 2), (3, 3)):
        facts.customer(number, orders=orders)
        facts.order(number, days(2))
    found = judged()
    assert tagged(found, "first-time-buyers") == {1}
    assert tagged(found, "repeat-buyers") == {2, 3}


def test_champions_need_five_orders_in_a_year_one_of_them_lately_and_500_in_all(facts: Facts, judged: Any) -> None:
    cases = {
        1: ((1, 50, 100, 200, 365.6), 50_000),  # the fifth 365 local days ago, in the first hour of that day
        2: ((1, 50, 100, 200, 365.7), 50_000),  # the fifth on the day before
        3: ((1, 50, 100, 200, 300), 49_999),
        4: ((60.6, 70, 100, 200, 300), 50_000),
        5: ((60.7, 70, 100, 200, 300), 50_000),  # 61 local days ago
        6: ((1, 50, 100, 200), 90_000),
    }
    for number, (ages, spent) in cases.items():
        facts.customer(number, orders=9, spent=spent)
        for age in ages:
            facts.order(number, days(age))
    assert tagged(judged(), "champions") == {1, 4}


def test_amounts_are_in_the_currency_whatever_its_decimals(facts: Facts, judged: Any) -> None:
    facts.customer(1, orders=5, spent=500)
    facts.product(8, BOOTS)
    for _ in range(5):
        facts.order(1, days(3), lines=((8, 60),))
    pounds, yen = judged(), judged(currency_exponent=0)
    assert tagged(pounds, "champions") == tagged(pounds, "big-spenders-in-category") == set()
    assert tagged(yen, "champions") == tagged(yen, "big-spenders-in-category") == {1}


def test_at_risk_is_from_180_to_91_local_days_ago_and_lapsed_is_before(facts: Facts, judged: Any) -> None:
    # In London 28 May began at 23:00 UTC the evening before, and 26 August (90 days ago) as well.
    times = ("2026-05-27T22:59:59Z", "2026-05-27T23:00:00Z", "2026-07-01T09:00:00Z", "2026-08-25T22:59:59Z", "2026-08-25T23:00:00Z")
    for number, at in enumerate(times, 1):
        facts.customer(number, orders=3)
        facts.order(number, "2024-01-01T00:00:00Z")
        facts.order(number, at)
    facts.customer(6, orders=2)
    facts.order(6, times[2])
    found = judged()
    assert tagged(found, "at-risk") == {2, 3, 4}
    assert tagged(found, "lapsed") == {1}


def test_nobody_without_a_counted_order_has_lapsed(facts: Facts, judged: Any) -> None:
    facts.customer(1, orders=3)
    facts.customer(2, orders=3)
    facts.customer(3, orders=3)
    facts.order(1, days(300), test=True)
    facts.order(2, days(300), cancelled_at=days(299))
    facts.order(3, days(300), financial_status="VOIDED")
    assert tagged(judged(), "lapsed") == set()
    facts.order(3, days(300), financial_status="REFUNDED")
    assert tagged(judged(), "lapsed") == {3}


def test_a_cart_counts_as_abandoned_for_24_hours_to_the_instant(facts: Facts, judged: Any) -> None:
    for number in range(1, 6):
        facts.customer(number)
    facts.checkout(1, "2026-11-23T15:30:00Z")
    facts.checkout(2, "2026-11-23T15:29:59.999999Z")
    facts.checkout(3, days(0.5), completed=days(0.1))
    facts.checkout(4, days(0.5))
    facts.checkout(4, days(0.4))
    facts.checkout(None, days(0.5))
    found = judged()
    assert tagged(found, "abandoned-cart-24h") == {1, 4}
    assert found.segments["abandoned-cart-24h"].persons == 2


def test_opens_count_for_the_person_whatever_the_spelling_of_the_address(facts: Facts, judged: Any) -> None:
    facts.contact(11, "Ann@Example.com ", "ann.old@example.com; ANN@work.example.com")
    facts.opened("ann@example.com", days(1))
    facts.opened("ann.old@EXAMPLE.com", days(2))
    facts.opened(" ann@work.example.com", "2026-10-24T23:00:00Z")
    facts.contact(12, "ben@example.com")
    facts.opened("ben@example.com", days(1), days(2), "2026-10-24T22:59:59Z")
    facts.opened("stranger@example.com", days(1), days(2), days(3))
    segment = judged().segments["email-engaged-non-buyers"]
    assert (segment.persons, segment.contacts, segment.customers) == (1, {11}, set())


def test_bots_and_clicks_are_no_opens(facts: Facts, judged: Any) -> None:
    for number, email in ((11, "a@example.com"), (12, "b@example.com"), (13, "c@example.com")):
        facts.contact(number, email)
        facts.opened(email, days(1), days(2))
    facts.opened("a@example.com", days(3), filtered=True)
    facts.opened("b@example.com", days(3), type="CLICK")
    facts.opened("c@example.com", days(3))
    assert judged().segments["email-engaged-non-buyers"].contacts == {13}


def test_an_open_told_twice_is_one_and_the_same_id_at_another_time_is_another(facts: Facts, judged: Any) -> None:
    facts.contact(11, "a@example.com")
    facts.opened("a@example.com", days(1), days(2), days(2), days(2), id="told-again")
    facts.contact(12, "b@example.com")
    facts.opened("b@example.com", days(1), days(2), days(3), id="used-again")
    assert judged().segments["email-engaged-non-buyers"].contacts == {12}


def test_one_order_by_the_stores_own_count_ends_being_a_non_buyer(facts: Facts, judged: Any) -> None:
    for number, email, orders in ((1, "a@example.com", 1), (2, "b@example.com", 0)):
        facts.customer(number, email, orders=orders)
        facts.opened(email, days(1), days(2), days(3))
    facts.order(2, days(9), test=True)
    assert tagged(judged(), "email-engaged-non-buyers") == {2}


def test_big_spenders_are_judged_by_every_level_of_the_category_over_twelve_months(facts: Facts, judged: Any) -> None:
    facts.product(8, BOOTS)
    facts.product(9, VASE)
    facts.product(10, "")
    facts.customer(1)
    facts.order(1, "2025-11-24T00:00:00Z", lines=((8, 20_000), (9, 90_000)))
    facts.order(1, days(3), lines=((8, 10_000),))
    facts.customer(2)
    facts.order(2, "2025-11-23T23:59:59Z", lines=((8, 20_000),))
    facts.order(2, days(3), lines=((8, 10_000),))
    facts.customer(3)
    facts.order(3, days(3), lines=((8, 29_999), (10, 50_000), (None, 50_000)))
    facts.order(3, days(2), lines=((8, 50_000),), cancelled_at=days(1))
    for category in ("Boots", "shoes", "Apparel", "apparel > shoes > boots"):
        assert tagged(judged(category=category), "big-spenders-in-category") == {1}, category
    assert tagged(judged(category="Boot"), "big-spenders-in-category") == set()


def test_twelve_months_before_29_february_is_28_february() -> None:
    limits = oracle.bounds(datetime(2028, 2, 29, 12, tzinfo=UTC), "Europe/London")
    assert limits["begin_12m"] == datetime(2027, 2, 28, tzinfo=UTC)
    assert limits["begin_365d"] == datetime(2027, 3, 1, tzinfo=UTC)


def test_a_day_whose_midnight_is_skipped_begins_when_the_clocks_go_forward() -> None:
    limits = oracle.bounds(datetime(2026, 10, 6, 12, tzinfo=UTC), "America/Santiago")
    assert limits["begin_30d"] == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert limits["hours_24"] == datetime(2026, 10, 5, 12, tzinfo=UTC)


def test_the_category_is_the_last_level_that_sold_most_in_counted_orders_guests_included(facts: Facts, judged: Any) -> None:
    facts.product(8, BOOTS)
    facts.product(9, VASE)
    facts.product(10, "Garden > Vases")
    facts.customer(1)
    facts.order(1, days(3), lines=((8, 500), (None, 9_000)))
    facts.order(None, days(800), lines=((9, 300),))
    facts.order(1, days(3), lines=((10, 200),))
    assert judged().category == "Boots"  # a tie: the first in the alphabet
    facts.order(None, days(3), lines=((8, 100),), test=True)
    facts.order(None, days(3), lines=((10, 1),))
    assert judged().category == "Vases"


def test_without_any_category_that_segment_is_left_out(facts: Facts, judged: Any) -> None:
    facts.customer(1)
    facts.order(1, days(3), lines=((None, 9_000),))
    found = judged()
    assert found.category is None
    assert list(found.segments) == [handle for handle in oracle.SEGMENTS if handle != "big-spenders-in-category"]


def test_records_that_share_an_address_are_one_person_with_one_sum_of_orders(facts: Facts, judged: Any) -> None:
    facts.customer(1, "ann@example.com", orders=1)
    facts.customer(2, "ann@work.example.com", orders=1)
    facts.contact(11, " ANN@example.com", "other@example.com;Ann@Work.example.com ")
    facts.contact(12, "Other@example.com")
    facts.customer(3, "ben@example.com", orders=1)
    segment = judged().segments["repeat-buyers"]
    assert (segment.persons, segment.customers, segment.contacts, segment.without_contact) == (1, {1, 2}, {11, 12}, set())


def test_a_long_chain_of_shared_addresses_is_one_person(facts: Facts, judged: Any) -> None:
    for number in range(1, 40):
        facts.contact(number, f"{number}@example.com", f"{(number * 7) % 40}@example.com;{number + 1}@example.com")
    facts.customer(1, "40@EXAMPLE.com", orders=2)
    segment = judged().segments["repeat-buyers"]
    assert (segment.persons, segment.contacts) == (1, set(range(1, 40)))


def test_archived_contacts_neither_bind_nor_are_listed(facts: Facts, judged: Any) -> None:
    facts.customer(1, "ann@example.com", orders=1)
    facts.customer(2, "ann@work.example.com", orders=2)
    facts.contact(11, "ann@example.com", "ann@work.example.com", archived=True)
    segment = judged().segments["repeat-buyers"]
    assert (segment.customers, segment.contacts, segment.without_contact) == ({2}, set(), {2})


def test_people_without_an_address_are_tagged_and_never_listed(facts: Facts, judged: Any) -> None:
    facts.customer(1, None, orders=2)
    facts.customer(2, "  ", orders=2)
    facts.customer(3, "", orders=2)
    facts.contact(11, None)
    facts.contact(12, "")
    segment = judged().segments["repeat-buyers"]
    assert (segment.persons, segment.customers, segment.contacts, segment.without_contact) == (3, {1, 2, 3}, set(), set())


def test_the_check_imports_nothing_of_what_it_checks() -> None:
    nodes = list(ast.walk(ast.parse(Path(oracle.__file__).read_text(encoding="utf-8"))))
    imported = {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    assert "duckdb" in imported
    assert not {name.partition(".")[0] for name in imported if name} & {"segsync", "integrations", "config", "django"}
