"""Canonical text: stable, with every comment, and read back as the same tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from segsync.rules import tree
from segsync.rules.english import explain_rule
from segsync.rules.format import format_rule
from segsync.rules.parse import parse_rule
from tests.rules.trees import RULES

FORMATTED = [
    ("number_of_orders>=1", "number_of_orders >= 1"),
    ("a = 1 and b is not null or not c in ( 'x' , 'y' )", "(a = 1 AND b IS NOT NULL) OR NOT (c IN ('x', 'y'))"),
    ("((a = 1))", "a = 1"),
    ("(a = 1 OR b = 2) AND c = 3", "(a = 1 OR b = 2) AND c = 3"),
    ("a = 1 AND (b = 2 AND c = 3)", "a = 1 AND (b = 2 AND c = 3)"),
    ("a between -12M and TODAY and b = 1", "a BETWEEN -12m AND today AND b = 1"),
    ("a >= 30_days_ago AND b < 12_months_ago", "a >= -30d AND b < -12m"),
    ("a = 'it\\'s' AND b = 'x\\\\' AND c = '\\d'", "a = 'it\\'s' AND b = 'x\\\\' AND c = '\\\\d'"),
    ("a = 49.90 AND b = +5 AND c = -3.50", "a = 49.90 AND b = 5 AND c = -3.50"),
    ("a not in top 10 %", "a NOT IN TOP 10%"),
    ("a matches() then b not matches( date>-3d ) within 24H", "a MATCHES () THEN b NOT MATCHES (date > -3d) WITHIN 24h"),
    ("f(tag: 'x') = true", "f MATCHES (tag = 'x')"),
    ("f(id: (1, 2)) = false", "f NOT MATCHES (id IN (1, 2))"),
    ("f() != true OR f() != false", "f NOT MATCHES () OR f MATCHES ()"),
    ("f(count_at_least: 5, x_at_most: 2) = true", "f MATCHES (count >= 5, x <= 2)"),
    ("storefront_event.product_viewed(id: 1) = true", "storefront.product_viewed MATCHES (id = 1)"),
    ("storefront_event.product_viewed MATCHES (id = 1)", "storefront.product_viewed MATCHES (id = 1)"),
    (
        "customer_within_distance(coordinates: (45.42, -75.69), distance_mi: 6.2) = true",
        "customer_within_distance MATCHES (coordinates = '45.42,-75.69', distance_mi = 6.2)",
    ),
    ("anniversary(date: 'm.x') BETWEEN today AND +30d", "anniversary('m.x') BETWEEN today AND +30d"),
    ("a = 1 -- why", "a = 1  -- why"),
    ("-- top\na = 1 AND b = 2", "-- top\na = 1\nAND b = 2"),
    ("a = 1 -- first\nand b = 2 -- second\n-- end", "a = 1  -- first\nAND b = 2  -- second\n-- end"),
    ("a = 1\n-- about b\nAND b = 2", "a = 1\n-- about b\nAND b = 2"),
    ("a = 1 AND ( -- group\n b = 2 OR c = 3)", "a = 1  -- group\nAND (b = 2 OR c = 3)"),
    ("a = 1 AND (b = 2 -- two\n OR c = 3)", "a = 1\nAND (\n  b = 2  -- two\n  OR c = 3\n)"),
    ("f MATCHES (-- inside\n date > -3d)", "-- inside\nf MATCHES (date > -3d)"),
    ("NOT (a = 1 -- why\n)", "NOT (a = 1)  -- why"),
    ("a = 1\r\nAND b = '--x' --\r\n", "a = 1 AND b = '--x'  --"),
    ("a\u00a0= 1", "a = 1"),
]


@pytest.mark.parametrize(("text", "canonical"), FORMATTED)
def test_the_canonical_text(text: str, canonical: str) -> None:
    assert format_rule(parse_rule(text)) == canonical
    assert format_rule(parse_rule(canonical)) == canonical


def test_a_wide_rule_is_broken_at_its_connectives() -> None:
    groups = [f"(number_of_orders = {n} OR amount_spent > {n})" for n in range(1, 5)]
    assert format_rule(parse_rule(" AND ".join(groups))).splitlines() == [groups[0], *(f"AND {group}" for group in groups[1:])]


def test_a_group_too_wide_for_a_line_is_broken_and_indented() -> None:
    names = [f"customer_tags CONTAINS '{letter * 20}'" for letter in "abcd"]
    text = format_rule(parse_rule(f"number_of_orders = 1 AND NOT ({' OR '.join(names)})"))
    assert text.splitlines() == ["number_of_orders = 1", "AND NOT (", f"  {names[0]}", *(f"  OR {name}" for name in names[1:]), ")"]


def test_places_are_kept_and_do_not_count() -> None:
    rule = parse_rule("a = 1\n  AND b = 'x'")
    second = list(tree.clauses(rule.root))[1]
    assert (second.span.line, second.span.column) == (2, 7)
    assert parse_rule("a = 1 AND b = 'x'") == rule


@settings(max_examples=500, deadline=None)
@given(RULES)
def test_any_rule_reads_back_as_itself(rule: tree.Rule) -> None:
    text = format_rule(rule)
    again = parse_rule(text)
    assert again == rule
    assert format_rule(again) == text
    assert explain_rule(rule).startswith("Customers ")
