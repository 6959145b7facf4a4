"""Segments that ask about segments."""

from __future__ import annotations

import pytest

from segsync.rules.check import check_rule
from segsync.rules.dependencies import CycleError, circles, order, refuse_circle
from segsync.rules.errors import RuleError
from segsync.rules.facts import CustomerFacts
from segsync.rules.interpret import matches
from segsync.rules.moments import Moment
from segsync.rules.parse import parse_rule
from segsync.rules.tree import Rule
from segsync.rules.vocabulary import Vocabulary
from segsync.rules.windows import survey
from tests.rules.people import LONDON, NOW, holds

MOMENT = Moment(NOW, LONDON)


def _order(**rules: str) -> list[str]:
    return order({handle.replace("_", "-"): parse_rule(rule) for handle, rule in rules.items()})


def test_a_segment_comes_after_those_that_it_asks_about() -> None:
    assert _order(a="segments CONTAINS 'b' AND number_of_orders > 1", b="segments NOT CONTAINS 'c'", c="number_of_orders > 3") == ["c", "b", "a"]
    assert _order(x="amount_spent > 1", y="amount_spent > 2") == ["x", "y"]
    assert _order(x="segments CONTAINS 'elsewhere'") == ["x"]


def test_a_circle_is_refused_and_named() -> None:
    with pytest.raises(CycleError, match="b → c → b depend on each other") as caught:
        _order(a="segments CONTAINS 'b'", b="NOT (segments CONTAINS 'c')", c="segments CONTAINS 'a-b' OR segments CONTAINS 'b'")
    assert caught.value.path == ("b", "c", "b")
    with pytest.raises(CycleError, match="own → own"):
        _order(own="segments CONTAINS 'own'")


def _rules(**rules: str) -> dict[str, Rule]:
    return {handle: parse_rule(rule) for handle, rule in rules.items()}


def test_a_segment_that_asks_about_any_comes_after_all_others() -> None:
    assert _order(rest="segments IS NULL", a="segments CONTAINS 'b'", b="amount_spent > 1") == ["b", "a", "rest"]
    assert _order(rest="segments IS NOT NULL AND segments CONTAINS 'a'", a="amount_spent > 1", b="amount_spent > 2") == ["a", "b", "rest"]


def test_two_that_ask_about_any_and_one_that_is_asked_back_are_circles() -> None:
    with pytest.raises(CycleError, match="rest → others → rest"):
        _order(rest="segments IS NULL", others="segments IS NOT NULL")
    with pytest.raises(CycleError, match="rest → a → rest"):
        _order(rest="segments IS NULL", a="NOT (segments CONTAINS 'rest')")
    with pytest.raises(CycleError, match="rest → rest"):
        _order(rest="segments IS NULL OR segments CONTAINS 'rest'")


def test_only_those_on_a_circle_are_named_each_by_its_shortest_way_around() -> None:
    found = circles(_rules(a="segments CONTAINS 'b'", b="segments CONTAINS 'c'", c="segments CONTAINS 'b' OR segments CONTAINS 'd'", d="amount_spent > 1"))
    assert {handle: error.path for handle, error in found.items()} == {"b": ("b", "c", "b"), "c": ("c", "b", "c")}
    assert circles(_rules(own="segments CONTAINS 'own'"))["own"].path == ("own", "own")
    three = circles(_rules(x="segments CONTAINS 'y'", y="segments CONTAINS 'z'", z="segments CONTAINS 'x'"))
    assert three["y"].path == ("y", "z", "x", "y")


def test_a_circle_elsewhere_does_not_keep_a_rule_from_being_saved() -> None:
    rules = _rules(a="segments CONTAINS 'b'", b="segments CONTAINS 'c'", c="segments CONTAINS 'b'")
    refuse_circle(rules, "a")
    with pytest.raises(CycleError, match="c → b → c"):
        refuse_circle(rules, "c")


def test_a_long_chain_is_ordered() -> None:
    rules = {f"s{n}": parse_rule(f"segments CONTAINS 's{n + 1}'") for n in range(3_000)}
    assert order(rules)[0] == "s2999"


def test_membership_is_asked_by_handle() -> None:
    vip = CustomerFacts("1", segments=("vip", "repeat-buyers"))
    assert holds("segments CONTAINS 'vip' AND segments NOT CONTAINS 'lapsed'", vip)
    assert not holds("segments CONTAINS 'VIP' OR segments IS NULL", vip)
    assert holds("segments IS NULL AND segments NOT CONTAINS 'vip'", CustomerFacts("2"))
    found = survey(check_rule("segments CONTAINS 'vip' OR segments CONTAINS 'b'").rule)
    assert (found.handles, found.every_segment) == ({"vip", "b"}, False)
    assert found.needs == {"segments"}
    assert survey(check_rule("segments IS NOT NULL").rule).every_segment


def test_a_segment_does_not_count_itself_among_the_segments_of_its_members() -> None:
    member = CustomerFacts("1", segments=("rest",))
    alone = check_rule("segments IS NULL").rule
    assert matches(alone, member, MOMENT, salt="rest")
    assert not matches(alone, member, MOMENT, salt="late")
    assert not matches(alone, CustomerFacts("1", segments=("rest", "vip")), MOMENT, salt="rest")


def test_an_unknown_handle_is_an_error_where_the_shops_are_known() -> None:
    shop = Vocabulary(handles=frozenset({"vip", "repeat-buyers"}))
    check_rule("segments CONTAINS 'vip'", shop)
    with pytest.raises(RuleError, match="'repeat-buyer' is not the handle of a segment") as caught:
        check_rule("segments CONTAINS 'repeat-buyer'", shop)
    assert caught.value.suggestion == "'repeat-buyers'"
