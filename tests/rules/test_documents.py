"""Every example of the language's definition and of Shopify's own editor, read in place."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from segsync.rules import catalogue, ranks
from segsync.rules.check import check_rule
from segsync.rules.cuts import compute_context
from segsync.rules.english import explain_rule
from segsync.rules.errors import RuleError
from segsync.rules.format import format_rule
from segsync.rules.interpret import matches
from segsync.rules.moments import Moment
from segsync.rules.parse import parse_rule
from segsync.rules.vocabulary import PropertyDefinition, Vocabulary
from tests.rules.people import LONDON, NOW, REGULAR, STRANGER

SHARED = Path(__file__).resolve().parents[3] / "shared"
DEFINITION = SHARED / "RULE_LANGUAGE.md"
SHOPIFY = SHARED / "platforms" / "shopify.md"
SHOPIFY_JSON = SHARED / "platforms" / "shopify-segment-language.json"
pytestmark = pytest.mark.skipif(not SHOPIFY_JSON.exists(), reason="the definition stands beside the checkout, not in it")


def _definition_examples() -> list[str]:
    block = DEFINITION.read_text(encoding="utf-8").split("## 7. Examples")[1].split("```")[1]
    return [line for line in block.strip().splitlines() if line]


def _shopify_examples() -> list[str]:
    section = SHOPIFY.read_text(encoding="utf-8").split("## 6. Segment query language")[1].split("\n## ")[0]
    block = section.split("Exact examples (docs):")[1].split("```")[1]
    found: list[str] = []
    for line in block.strip().splitlines():
        rule = line.split(" -- ")[0].removeprefix("legacy: ")
        found += re.split(r"\s{3,}| \| ", rule.strip())
    found += re.findall(r"`([a-z_]+ [>=]+ [^`]+)`;", section)
    return [rule for rule in found if rule]


def _json_examples() -> list[str]:
    language = json.loads(SHOPIFY_JSON.read_text(encoding="utf-8"))
    return [*language["examples"], *language["legacy_examples"], *language["default_segments"].values()]


def _every() -> list[str]:
    return [*_definition_examples(), *_shopify_examples(), *_json_examples()] if SHOPIFY_JSON.exists() else []


# What the examples take for granted: a portal's lifecycle stage and a metafield for the birthday.
SHOP = Vocabulary(
    {
        "hubspot.lifecyclestage": PropertyDefinition("hubspot.lifecyclestage", "enumeration", ("lead", "customer")),
        "metafields.facts.birth_date": PropertyDefinition("metafields.facts.birth_date", "date"),
    }
)


def _refusal(text: str) -> str | None:
    try:
        check_rule(text, SHOP)
    except RuleError as error:
        return str(error)
    return None


@pytest.mark.parametrize("text", _every())
def test_an_example_parses_formats_stably_and_is_answered_or_refused_by_name(text: str) -> None:
    rule = parse_rule(text)
    canonical = format_rule(rule)
    assert parse_rule(canonical) == rule
    assert format_rule(parse_rule(canonical)) == canonical
    assert explain_rule(rule).startswith("Customers ")
    if refusal := _refusal(text):
        assert "has no data yet" in refusal or "does not share this data with apps" in refusal
    else:
        for person in (REGULAR, STRANGER):
            moment = Moment(NOW, LONDON)
            context = compute_context([REGULAR, STRANGER], moment, ranks=ranks.keys(rule), vocabulary=SHOP)
            assert matches(rule, person, moment, context, SHOP) in (True, False)


def test_the_examples_were_found() -> None:
    assert len(_definition_examples()) == 9
    assert len(_shopify_examples()) >= 22
    refused = [refusal for text in _every() if (refusal := _refusal(text))]
    # Only what Shopify keeps to itself, and what the storefront pixel will tell.
    awaited = [refusal for refusal in refused if "does not share this data with apps" not in refusal]
    assert all("the storefront pixel" in refusal for refusal in awaited), awaited
    assert len(_every()) - len(refused) >= 40


def test_every_name_of_the_definition_is_in_the_catalogue() -> None:
    text = DEFINITION.read_text(encoding="utf-8")
    attributes = text.split("## 3. Attributes")[1].split("### Definitions")[0]
    activities = text.split("## 4. Activities")[1].split("Every attribute and activity")[0]
    for table, known in ((attributes, catalogue.attribute), (activities, catalogue.activity)):
        for row in table.splitlines():
            cell = row.split("|")[1] if row.startswith("|") else ""
            for name in re.findall(r"[a-z][a-z0-9_.]*[a-z0-9_]+", re.sub(r"<[^>]*>|\.\*", ".x", cell)):
                if name in ("attribute", "activity") or name.startswith("shopify_email"):
                    continue
                assert known(name), name


def test_every_parameter_of_an_answered_activity_is_known() -> None:
    text = DEFINITION.read_text(encoding="utf-8").split("## 4. Activities")[1]
    for row in text.splitlines():
        cells = [cell.strip() for cell in row.split("|")]
        if len(cells) < 5 or cells[1] == "activity":
            continue
        for name in re.findall(r"[a-z]+[a-z_.]+[a-z]", cells[1]):
            activity = catalogue.activity(name)
            if activity is None or activity.rows is None:
                continue
            for parameter in re.findall(r"[a-z_]+", re.sub(r"\([^)]*\)", "", f"{cells[2]}, {cells[3]}")):
                assert parameter in activity.parameters, f"{name}: {parameter}"
