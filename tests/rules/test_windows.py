"""What a rule says of time and of the facts that it reads."""

from __future__ import annotations

from datetime import timedelta

import pytest

from segsync.rules.check import check_rule
from segsync.rules.windows import HourWindow, activity_kinds, hour_windows, is_day_valued, needs


def _window(kind: str, **length: float) -> HourWindow:
    return HourWindow(timedelta(**length), frozenset({kind}))  # type: ignore[arg-type]


WINDOWS = [
    ("number_of_orders = 1", set()),
    ("last_order_date >= -30d", set()),
    ("last_order_date > 2026-01-31T16:00:00", set()),
    ("checkouts_abandoned MATCHES (date >= -24h, recovered = false)", {_window("checkouts", hours=24)}),
    ("last_order_date BETWEEN -90min AND now", {_window("orders", minutes=90), _window("orders")}),
    ("customer_added_date > -2h OR NOT (abandoned_checkout_date < +1h)", {_window("profile", hours=2), _window("checkouts", hours=-1)}),
    ("products_purchased MATCHES (date > -60min) AND orders_placed MATCHES (date > -1h)", {_window("orders", hours=1)}),
    ("emails.opened NOT MATCHES (date IN (-3h, today))", {_window("activities", hours=3)}),
]


@pytest.mark.parametrize(("rule", "windows"), WINDOWS)
def test_hour_windows(rule: str, windows: set[HourWindow]) -> None:
    assert hour_windows(check_rule(rule).rule) == windows
    assert check_rule(rule).hour_windows == windows


DAYS = [
    ("number_of_orders = 1", False),
    ("last_order_date > 2026-01-31", False),
    ("last_order_date > -24h", False),
    ("last_order_date <= now", False),
    ("last_order_date = today", True),
    ("last_order_date >= -30d", True),
    ("customer_tags CONTAINS 'x' OR orders_placed NOT MATCHES (date BETWEEN 2026-01-01 AND yesterday)", True),
    ("days_since_last_order > 3", True),
]


@pytest.mark.parametrize(("rule", "answer"), DAYS)
def test_whether_midnight_alone_can_change_the_answer(rule: str, answer: bool) -> None:
    assert is_day_valued(check_rule(rule).rule) is answer


NEEDS = [
    ("customer_tags CONTAINS 'x'", {"profile"}),
    ("number_of_orders > 2", {"profile", "orders"}),
    ("last_order_date > -3d", {"orders"}),
    ("orders_placed MATCHES ()", {"orders"}),
    ("products_purchased MATCHES (count > 2)", {"orders", "lines"}),
    ("top_category = 'Shoes'", {"orders", "lines"}),
    ("orders_refunded MATCHES ()", {"orders", "refunds"}),
    ("checkouts_abandoned MATCHES (amount > 5)", {"checkouts"}),
    ("checkouts_abandoned MATCHES (vendor = 'x')", {"checkouts", "checkout_lines"}),
    ("emails.opened NOT MATCHES () AND customer_language = 'fr'", {"activities", "profile"}),
]


@pytest.mark.parametrize(("rule", "kinds"), NEEDS)
def test_which_facts_a_rule_reads(rule: str, kinds: set[str]) -> None:
    assert needs(check_rule(rule).rule) == kinds


def test_which_activities_a_rule_reads() -> None:
    rule = check_rule("emails.opened MATCHES () AND orders_placed MATCHES () OR storefront.page_viewed MATCHES ()").rule
    assert activity_kinds(rule) == {"emails.opened", "storefront.page_viewed"}
