"""A rule taken apart, and its wordings compared."""

from __future__ import annotations

import time

import pytest
from hypothesis import given

from segsync.rules import tree
from segsync.rules.format import format_rule
from segsync.rules.parse import parse_rule
from segsync.rules.parts import deciding, first, joint, parts
from segsync.rules.rewording import rewording
from tests.rules.trees import RULES

GROUPED = "number_of_orders >= 2 AND (amount_spent > 5 OR NOT (customer_tags CONTAINS 'vip')) AND customer_language = 'en'"


def test_groups_come_before_what_lies_in_them() -> None:
    assert [(part.depth, part.text) for part in parts(parse_rule(GROUPED))] == [
        (0, "number_of_orders >= 2"),
        (0, "amount_spent > 5 OR NOT (customer_tags CONTAINS 'vip')"),
        (1, "amount_spent > 5"),
        (1, "NOT (customer_tags CONTAINS 'vip')"),
        (0, "customer_language = 'en'"),
    ]


def test_a_rule_of_one_condition_is_one_part() -> None:
    rule = parse_rule("NOT (number_of_orders >= 2)  -- few")
    assert (joint(rule), [part.text for part in parts(rule)]) == ("", ["NOT (number_of_orders >= 2)"])


@pytest.mark.parametrize(("number", "text"), [(1, "number_of_orders >= 2"), (2, GROUPED.rpartition(" AND ")[0]), (3, GROUPED), (9, GROUPED)])
def test_the_first_parts_are_joined_as_they_were(number: int, text: str) -> None:
    assert first(parse_rule(GROUPED), number) == parse_rule(text)


@given(RULES)
def test_what_stands_at_the_top_makes_up_the_rule(rule: tree.Rule) -> None:
    found = parts(rule)
    assert [part.place for part in found] == list(range(len(found)))
    assert first(rule, len([part for part in found if part.depth == 0])).root == rule.root


def decided(text: str, *holding: int) -> list[int]:
    """The places of the conditions that decide, when those at `holding` hold."""
    root = parse_rule(text).root
    every = list(tree.clauses(root))
    found = deciding(root, {id(clause): place in holding for place, clause in enumerate(every)})
    return [next(place for place, clause in enumerate(every) if clause is one) for one in found]


A, B, C = "number_of_orders >= 2", "amount_spent > 5", "customer_language = 'en'"


@pytest.mark.parametrize(
    ("text", "holding", "deciding_places"),
    [
        (f"{A} AND {B} AND {C}", (0, 1, 2), [0, 1, 2]),
        (f"{A} AND {B} AND {C}", (0,), [1, 2]),
        (f"{A} OR {B}", (1,), [1]),
        (f"{A} OR {B}", (), [0, 1]),
        (f"{A} AND NOT ({B} OR {C})", (0, 1), [1]),
        (f"{A} AND NOT ({B} OR {C})", (0,), [0, 1, 2]),
    ],
)
def test_only_conditions_that_decide_are_named(text: str, holding: tuple[int, ...], deciding_places: list[int]) -> None:
    assert decided(text, *holding) == deciding_places


def shown(old: str, new: str) -> str:
    marks = {"same": "{}", "gone": "[-{}-]", "new": "[+{}+]"}
    return "".join(marks[piece.kind].format(piece.text) for piece in rewording(old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("number_of_orders >= 2", "number_of_orders >= 3", "number_of_orders >= [-2-][+3+]"),
        ("last_order_date >= -30d", "last_order_date >= -90d", "last_order_date >= [--30d-][+-90d+]"),
        ("customer_tags CONTAINS 'a b'", "customer_tags CONTAINS 'a c'", "customer_tags CONTAINS [-'a b'-][+'a c'+]"),
        (A, f"{A} AND {B}", f"{A}[+ AND {B}+]"),
        (A, A, A),
        ("a IN ('x', 'y', 'z')", "a IN ('x', 'z')", "a IN ('x', [-'y', -]'z')"),
        ("a IN ('x')", "a IN ('x', 'z')", "a IN ('x'[+, 'z'+])"),
        ("a = 1 AND b = 2 AND c = 3", "a = 4 AND b = 2 AND c = 5", "a = [-1-][+4+] AND b = 2 AND c = [-3-][+5+]"),
    ],
)
def test_a_rewording_is_told_word_by_word(old: str, new: str, told: str) -> None:
    assert shown(old, new) == told


@given(RULES, RULES)
def test_pieces_make_up_both_wordings(old: tree.Rule, new: tree.Rule) -> None:
    before, after = format_rule(old), format_rule(new)
    pieces = rewording(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == after


def listed(first: int, values: int) -> str:
    return f"customer_id IN ({', '.join(str(number) for number in range(first, first + values))})"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (listed(1_000, 250), listed(90_000, 250)),
        (listed(1_000, 5_000), listed(90_000, 5_000)),
        (" AND ".join(f"customer_id = {n}" for n in range(75)), " AND ".join(f"customer_id = {n}" for n in range(900, 975))),
        ("x " + "a " * 310, "y " + " ".join(f"a {n}" for n in range(155))),
    ],
    ids=["lists", "long lists", "alternatives", "one word over and over"],
)
def test_wordings_that_differ_in_very_much_are_compared_at_once(old: str, new: str) -> None:
    began = time.process_time()
    pieces = rewording(old, new)
    assert time.process_time() - began < 0.25
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == old
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == new
