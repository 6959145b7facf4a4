"""Segments that ask about segments."""

from __future__ import annotations

import pytest

from segsync.rules.check import check_rule
from segsync.rules.dependencies import CycleError, order
from segsync.rules.errors import RuleError
from segsync.rules.facts import CustomerFacts
from segsync.rules.parse import parse_rule
from segsync.rules.vocabulary import Vocabulary
from segsync.rules.windows import survey
from tests.rules.people import holds


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


def test_a_long_chain_is_ordered() -> None:
    rules = {f"s{n}": parse_rule(f"segments CONTAINS 's{n + 1}'") for n in range(3_000)}
    assert order(rules)[0] == "s2999"


def test_membership_is_asked_by_handle() -> None:
    vip = CustomerFacts("1", segments=("vip", "repeat-buyers"))
    assert holds("segments CONTAINS 'vip' AND segments NOT CONTAINS 'lapsed'", vip)
    assert not holds("segments CONTAINS 'VIP' OR segments IS NULL", vip)
    assert holds("segments IS NULL AND segments NOT CONTAINS 'vip'", CustomerFacts("2"))
    found = survey(check_rule("segments CONTAINS 'vip' OR segments CONTAINS 'b'").rule)
    assert found.handles == {"vip", "b"}
    assert found.needs == {"segments"}


def test_an_unknown_handle_is_an_error_where_the_shops_are_known() -> None:
    shop = Vocabulary(handles=frozenset({"vip", "repeat-buyers"}))
    check_rule("segments CONTAINS 'vip'", shop)
    with pytest.raises(RuleError, match="'repeat-buyer' is not the handle of a segment") as caught:
        check_rule("segments CONTAINS 'repeat-buyer'", shop)
    assert caught.value.suggestion == "'repeat-buyers'"
