"""One customer and one rule, told whole."""

from __future__ import annotations

from segsync.rules.check import check_rule
from segsync.rules.cuts import compute_context
from segsync.rules.explain import explain_customer
from segsync.rules.moments import Moment
from segsync.rules.ranks import keys
from tests.rules.people import LONDON, NOW, REGULAR, STRANGER

MOMENT = Moment(NOW, LONDON)


def test_an_outsider_is_told_what_is_missing_and_until_when() -> None:
    rule = check_rule("orders_placed MATCHES (amount >= 50, date >= -30d, count >= 2) AND customer_tags CONTAINS 'vip'").rule
    assert explain_customer(rule, REGULAR, MOMENT).lines() == (
        "Customers who placed at least 2 orders in the last 30 days (amount is at least 50) and whose tags include ‘vip’.",
        "Does not belong.",
        "no   orders_placed MATCHES (amount >= 50, date >= -30d, count >= 2): #1077 on 2026-11-12, 172.00",
        "yes  customer_tags CONTAINS 'vip': tags: VIP, Wholesale",
        "To enter: 1 more order of at least 50.00 before 13 December.",
    )


def test_a_member_is_told_when_time_alone_ends_it() -> None:
    rule = check_rule("last_order_date >= -63d AND amount_spent IN TOP 50%").rule
    context = compute_context([REGULAR, STRANGER], MOMENT, ranks=keys(rule))
    told = explain_customer(rule, REGULAR, MOMENT, context)
    assert told.matched
    assert told.missing == ()
    assert told.lines()[2:] == (
        "yes  last_order_date >= -63d: last order: 2026-11-12 12:00",
        "yes  amount_spent IN TOP 50%: total spent: 600.00; cut in force: 600.00",
        "By time alone: leaves on 15 January 2027 unless they order.",
    )
