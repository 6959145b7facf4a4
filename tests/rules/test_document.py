"""The JSON form of rules."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from segsync.rules import tree
from segsync.rules.document import DocumentError, from_json, to_json
from segsync.rules.format import format_rule
from segsync.rules.parse import parse_rule
from tests.rules.trees import RULES


@settings(max_examples=300, deadline=None)
@given(RULES)
def test_any_rule_comes_back_from_its_document(rule: tree.Rule) -> None:
    assert from_json(json.loads(json.dumps(to_json(rule)))) == rule


def test_a_document_says_what_the_rule_says() -> None:
    rule = parse_rule("-- why\nnumber_of_orders >= 2 AND NOT (amount_spent IN TOP 10%)")
    assert to_json(rule) == {
        "version": 1,
        "root": {
            "type": "and",
            "items": [
                {
                    "type": "clause",
                    "body": {"type": "test", "name": "number_of_orders", "operator": ">=", "values": [{"type": "number", "value": "2"}], "negated": False},
                    "before": ["why"],
                    "after": None,
                },
                {
                    "type": "not",
                    "item": {
                        "type": "clause",
                        "body": {"type": "rank", "name": "amount_spent", "end": "TOP", "size": "10", "percent": True, "negated": False},
                        "before": [],
                        "after": None,
                    },
                },
            ],
        },
        "tail": [],
    }


DOCUMENT = to_json(parse_rule("orders_placed MATCHES (date >= -30d) AND (a = 'x' OR e MATCHES () THEN f MATCHES () WITHIN 1d OR a = 2026-01-31)"))
CHANGES: list[tuple[list[Any], Any, str, str]] = [
    (["version"], 2, "version", "must be 1"),
    (["root", "type"], "xor", "root.type", "clause, not, and, or"),
    (["root", "items"], [], "root.items", "2 to 200"),
    (["root", "colour"], 1, "root.colour", "is not known here"),
    (["root", "items", 0, "body", "negated"], 1, "root.items[0].body.negated", "true or false"),
    (["root", "items", 0, "body", "name"], "a b", "root.items[0].body.name", "must be a name"),
    (["root", "items", 0, "body", "name"], "and.x", "root.items[0].body.name", "must be a name"),
    (["root", "items", 0, "body", "parameters", 0, "values", 0, "amount"], 10**9, "root.items[0].body.parameters[0].values[0].amount", "9,999,999"),
    (["root", "items", 0, "body", "parameters", 0, "values"], [], "root.items[0].body.parameters[0].values", "must be a list of 1."),
    (["root", "items", 1, "items", 0, "body", "values", 0, "value"], "x\ny", "root.items[1].items[0].body.values[0].value", "on one line"),
    (["root", "items", 1, "items", 0, "body", "values", 0, "value"], "\u202e", "root.items[1].items[0].body.values[0].value", "cannot be seen"),
    (["root", "items", 1, "items", 0, "body", "values", 0], {"type": "number", "value": "1e308"}, "root.items[1].items[0].body.values[0].value", "a number"),
    (["root", "items", 1, "items", 0, "body", "negated"], True, "root.items[1].items[0].body.negated", "takes no NOT"),
    (["root", "items", 1, "items", 1, "body", "first", "negated"], True, "root.items[1].items[1].body.first.negated", "after THEN"),
    (["root", "items", 1, "items", 2, "body", "values", 0, "value"], "2026-02-30", "root.items[1].items[2].body.values[0].value", "that exists"),
]


@pytest.mark.parametrize(("keys", "value", "path", "part"), CHANGES)
def test_a_mistake_is_named_by_its_path(keys: list[Any], value: Any, path: str, part: str) -> None:
    document: Any = copy.deepcopy(DOCUMENT)
    place = document
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    with pytest.raises(DocumentError) as caught:
        from_json(document)
    assert caught.value.path == path
    assert part in caught.value.message


def test_a_missing_part_and_a_deep_document_are_refused() -> None:
    with pytest.raises(DocumentError, match=r"document\.tail: is missing"):
        from_json({"version": 1, "root": {}})
    deep: Any = DOCUMENT["root"]
    for _ in range(5_000):
        deep = {"type": "not", "item": deep}
    with pytest.raises(DocumentError, match="20 deep"):
        from_json({"version": 1, "root": deep, "tail": []})


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(("and", "clause", "test", "text", "="))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(("version", "type", "root", "tail", "items", "body", "values")), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_any_json_is_a_rule_or_a_document_error(data: Any) -> None:
    with contextlib.suppress(DocumentError):
        rule = from_json(data)
        assert parse_rule(format_rule(rule)) == rule
