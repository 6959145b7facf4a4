"""The segments that a new shop begins with."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from segsync.rules.check import check_rule
from segsync.rules.english import explain_rule
from segsync.rules.facts import CheckoutFacts, CustomerFacts
from segsync.rules.format import format_rule
from segsync.rules.starters import starters
from tests.rules.people import BOOTS, REGULAR, STRANGER, ago, holds, opened, order

RULES = {starter.handle: starter.rule for starter in starters("Apparel & Accessories > Shoes")}


def test_there_are_eight_and_each_is_a_canonical_rule_with_words() -> None:
    assert len(RULES) == 8
    for starter in starters("Shoes"):
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", starter.handle)
        assert starter.name
        assert starter.description.endswith(".")
        rule = check_rule(starter.rule).rule
        assert check_rule(format_rule(rule)).rule == rule
        assert explain_rule(rule)


@pytest.mark.parametrize("category", [None, "", "  ", "a\x00b", "two\nlines", "x" * 30_000])
def test_the_category_starter_is_left_out_when_no_rule_can_name_the_category(category: str | None) -> None:
    assert "big-spenders-in-category" not in {starter.handle for starter in starters(category)}
    assert len(starters(category)) == 7


@pytest.mark.parametrize("category", ["Men's", "a\\", "') OR number_of_orders >= 0 --", "{top_category}", "靴"])
def test_a_category_never_leaves_its_quotes(category: str) -> None:
    rule = next(starter.rule for starter in starters(category) if starter.handle == "big-spenders-in-category")
    buyer = CustomerFacts("1", orders=(order(ago(days=3), 40000, replace(BOOTS, category=category, amount_minor=40000)),))
    assert holds(rule, buyer)
    assert not holds(rule, REGULAR)


def _bought(*days: float, amount: int = 20000) -> CustomerFacts:
    orders = tuple(order(ago(days=day), amount, replace(BOOTS, amount_minor=amount), number=n) for n, day in enumerate(days))
    return CustomerFacts("1", orders=orders)


MEMBERS = [
    ("first-time-buyers", _bought(30), _bought(31)),
    ("first-time-buyers", _bought(3), _bought(3, 2)),
    ("repeat-buyers", _bought(900, 2), _bought(2)),
    ("champions", _bought(300, 200, 100, 90, 60), _bought(300, 200, 100, 90, 61)),
    ("champions", _bought(5, 4, 3, 2, 1, amount=10000), _bought(5, 4, 3, 2, 1, amount=9999)),
    ("at-risk", _bought(300, 200, 91), _bought(300, 200, 90)),
    ("at-risk", _bought(300, 200, 180), _bought(300, 200, 181)),
    ("lapsed", _bought(181), _bought(180)),
    (
        "abandoned-cart-24h",
        CustomerFacts("1", checkouts=(CheckoutFacts("c", ago(hours=24)),)),
        CustomerFacts("1", checkouts=(CheckoutFacts("c", ago(hours=24, seconds=1)),)),
    ),
    (
        "abandoned-cart-24h",
        CustomerFacts("1", checkouts=(CheckoutFacts("c", ago(hours=2)),)),
        CustomerFacts("1", checkouts=(CheckoutFacts("c", ago(hours=2), ago(hours=1)),)),
    ),
    (
        "email-engaged-non-buyers",
        CustomerFacts("1", activities=tuple(opened(ago(days=day)) for day in (1, 2, 30))),
        CustomerFacts("1", activities=tuple(opened(ago(days=day)) for day in (1, 2, 31))),
    ),
    ("big-spenders-in-category", _bought(300, amount=30000), _bought(300, amount=29999)),
    ("big-spenders-in-category", _bought(3, 2), _bought(400, 2)),
]


@pytest.mark.parametrize(("handle", "member", "outsider"), MEMBERS)
def test_who_is_in_and_who_is_just_outside(handle: str, member: CustomerFacts, outsider: CustomerFacts) -> None:
    rule = RULES[handle].replace("Apparel & Accessories > Shoes", "Shoes")
    assert holds(rule, member)
    assert not holds(rule, outsider)
    assert not holds(rule, STRANGER)
