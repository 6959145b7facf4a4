"""The ready segments: each can be read, judged and said, and tells people apart."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from segsync.rules import ranks
from segsync.rules.check import check_rule
from segsync.rules.context import ShopContext
from segsync.rules.cuts import compute_context
from segsync.rules.english import explain_rule
from segsync.rules.facts import ActivityFacts, CheckoutFacts, CustomerFacts, RefundFacts
from segsync.rules.forecast import forecast
from segsync.rules.format import format_rule
from segsync.rules.interpret import compile_rule, judge
from segsync.rules.moments import Moment
from segsync.rules.near import near_miss
from segsync.rules.templates import GROUPS, Template, offered, templates
from segsync.rules.vocabulary import PropertyDefinition, Vocabulary
from tests.rules.people import BOOTS, LONDON, MUG, NOW, REGULAR, STRANGER, ago, opened, order

STAGES = ("subscriber", "lead", "marketingqualifiedlead", "customer")
SHOP = Vocabulary({"hubspot.lifecyclestage": PropertyDefinition("hubspot.lifecyclestage", "enumeration", STAGES)})
TEMPLATES = templates("Shoes")
MOMENT = Moment(NOW, LONDON)


def _bought(id_: str, *days: float, amount: int = 6000, **more: object) -> CustomerFacts:
    line = replace(BOOTS, amount_minor=amount, discounted=False, tags=())
    orders = tuple(order(ago(days=day), amount, line, number=n) for n, day in enumerate(days))
    total = sum(one.amount_minor for one in orders)
    return CustomerFacts(id_, orders=orders, order_count=len(orders), amount_spent_minor=total, **more)  # type: ignore[arg-type]


def _seeker(id_: str, **line: object) -> CustomerFacts:
    bought = replace(MUG, **line)  # type: ignore[arg-type]
    return CustomerFacts(
        id_,
        order_count=2,
        orders=(order(ago(days=9), 1200, bought, discounted=bought.discounted), order(ago(days=400), 1200, bought, number=2, discounted=bought.discounted)),
    )


def _event(kind: str, **length: float) -> ActivityFacts:
    return ActivityFacts(kind, ago(**length))


NPS = {rating: (ActivityFacts("surveys.answered", ago(days=3), survey="NPS", rating=rating),) for rating in (2, 10)}
CARTS = tuple(CheckoutFacts(f"c{n}", ago(hours=4 + 24 * n), None, 15000) for n in range(3))
READER = tuple(_event(kind, days=day) for kind in ("emails.opened", "emails.clicked") for day in range(1, 14))
PEOPLE = [
    REGULAR,
    STRANGER,
    _bought("new", 5),
    _bought("older", 40),
    _bought("keen", 80, 60, 40, 20, 1, amount=16000),
    _bought("platinum", 800, *range(30, 44), amount=9000),
    _bought("gold", 500, *range(100, 107), amount=9000),
    _bought("silver", 200, 150, 100, 50, email_subscription="SUBSCRIBED"),
    _bought("slipping", *range(20, 300, 10), amount=7000),
    _bought("late", 60, 50, 40, 30, 20),
    _bought("gone", 900, 890, 880),
    _bought("missed", 300, 200, amount=40000),
    _bought("returning", 400, activities=(_event("storefront.page_viewed", days=2), opened(ago(days=3)))),
    _bought("anniversary", 729, 3),
    _bought("unhappy", 30, activities=NPS[2]),
    _bought("happy", 40, 39, activities=NPS[10]),
    _bought("clicked", 3, activities=(_event("emails.clicked", days=4),)),
    _seeker("price", discounted=True),
    _seeker("quality", tags=("premium",)),
    _seeker("convenience", tags=("bundle",)),
    _seeker("status", tags=("designer",)),
    _seeker("novelty", tags=("new",)),
    CustomerFacts("many", orders=(order(ago(days=9), 1, *(replace(MUG, product_id=str(n)) for n in range(6))),)),
    CustomerFacts("refunded", order_count=2, orders=(order(ago(days=9), 0, gross_minor=9000, refunded_minor=9000, refunds=(RefundFacts(ago(days=8), 9000),)),)),
    CustomerFacts("visitor", activities=tuple(_event("storefront.page_viewed", days=day) for day in range(6))),
    CustomerFacts("carts", checkouts=CARTS),
    CustomerFacts("reader", activities=READER),
    CustomerFacts("asleep", email_subscription="SUBSCRIBED", activities=tuple(_event("emails.sent", days=day) for day in range(5, 60, 5))),
    replace(_bought("lead", 50), properties={"hubspot.lifecyclestage": "lead"}),
    *(CustomerFacts(f"bucket-{n}") for n in range(30)),
]


def test_there_are_more_than_forty_in_every_group() -> None:
    assert len(TEMPLATES) >= 40
    assert {template.group for template in TEMPLATES} == set(GROUPS)
    assert len({template.handle for template in TEMPLATES}) == len(TEMPLATES) == len({template.name for template in TEMPLATES})


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.handle)
def test_a_template_can_be_read_judged_and_said(template: Template) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", template.handle)
    assert template.meaning.endswith(".")
    assert template.action.endswith(".")
    rule = check_rule(template.rule, SHOP).rule
    assert check_rule(format_rule(rule), SHOP).rule == rule
    assert explain_rule(rule, SHOP).startswith("Customers ")
    context = _context(template)
    holds = compile_rule(rule, MOMENT, context, SHOP, template.handle)
    inside = [person for person in PEOPLE if holds(person)]
    # It lets somebody in, and not everybody.
    assert 0 < len(inside) < len(PEOPLE), template.rule
    for person in PEOPLE[:12]:
        verdict = judge(rule, person, MOMENT, context, SHOP, template.handle)
        assert verdict.matched is holds(person)
        assert all(clause.evidence for clause in verdict.clauses)
        assert bool(near_miss(rule, person, MOMENT, context, SHOP, template.handle)) is not verdict.matched


@pytest.mark.parametrize("template", TEMPLATES[::6], ids=lambda template: template.handle)
def test_a_forecast_of_a_template_comes_true(template: Template) -> None:
    rule, context = check_rule(template.rule, SHOP).rule, _context(template)
    for person in PEOPLE[:6]:
        told = forecast(rule, person, MOMENT, context, SHOP, template.handle)
        if told is not None:
            before = compile_rule(rule, Moment(told.at - timedelta(microseconds=1), LONDON), context, SHOP, template.handle)
            after = compile_rule(rule, Moment(told.at, LONDON), context, SHOP, template.handle)
            assert (before(person), after(person)) == (not told.enters, told.enters)


def _context(template: Template) -> ShopContext:
    return compute_context(PEOPLE, MOMENT, ranks=ranks.keys(check_rule(template.rule, SHOP).rule), vocabulary=SHOP)


def _needs(handle: str) -> list[list[str]]:
    return [sorted(each) for each in next(template.needs for template in TEMPLATES if template.handle == handle)]


def test_a_template_is_offered_only_where_its_data_exist() -> None:
    assert _needs("opened-not-bought") == [["emails.opened"], ["orders"]]
    assert _needs("category-fans") == [["lines"], ["orders"]]
    assert _needs("promoters") == [["hubspot.hs_feedback_last_nps_rating", "surveys.answered"]]
    assert _needs("crm-leads-that-bought") == [["hubspot.lifecyclestage"], ["orders"]]
    by_handle = {template.handle: template for template in TEMPLATES}
    shop_only = frozenset({"orders", "lines", "checkouts"})
    assert offered(by_handle["category-fans"], shop_only)
    assert offered(by_handle["hold-out"], frozenset())
    assert not offered(by_handle["promoters"], shop_only)
    assert not offered(by_handle["engaged-readers"], shop_only)
    assert offered(by_handle["engaged-readers"], shop_only | {"emails.opened"})
    portal = Vocabulary({"hubspot.lifecyclestage": PropertyDefinition("hubspot.lifecyclestage", "string")})
    assert not offered(by_handle["crm-leads-that-bought"], shop_only)
    assert offered(by_handle["crm-leads-that-bought"], shop_only, portal)


def test_templates_about_a_category_wait_for_one() -> None:
    handles = {template.handle for template in templates(None)}
    assert "category-fans" not in handles
    assert len(handles) >= 40
