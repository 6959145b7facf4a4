"""What README and the pages beside it say is so: rules parse, commands, variables, packages, scopes and links exist."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from argparse import _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from integrations.hubspot import oauth as hubspot_oauth
from integrations.hubspot.pull import CONTACTS, EMAIL_EVENTS
from integrations.registry import connectors
from integrations.shopify.pull import STREAMS
from segsync.rules import catalogue
from segsync.rules.check import check_rule
from segsync.rules.errors import RuleError
from segsync.rules.starters import starters

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
SHOPIFY_PAGE = (ROOT / "docs/connect-shopify.md").read_text(encoding="utf-8")
HUBSPOT_PAGE = (ROOT / "docs/connect-hubspot.md").read_text(encoding="utf-8")


def blocks(text: str, kind: str) -> list[str]:
    """The contents of the fenced blocks whose opening line is exactly ```kind."""
    return re.findall(rf"^```{re.escape(kind)}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def rules(kind: str) -> list[str]:
    """The rules of README's blocks of one kind; an empty line parts them."""
    return [rule.strip() for block in blocks(README, kind) for rule in block.split("\n\n")]


def section(heading: str) -> str:
    """README from one heading up to the next heading of any rank."""
    _, found, rest = README.partition(f"\n{heading}\n")
    assert found, f"README has no heading {heading!r}"
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def named(text: str) -> set[str]:
    """Every word in `backticks`."""
    return set(re.findall(r"`([^`\n]+)`", text))


def code(text: str) -> Iterator[str]:
    """Every line of a fenced block and every piece in backticks."""
    for block in re.findall(r"^```[^\n]*\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE))


def rows(text: str) -> list[list[str]]:
    """The rows of Markdown tables, each as its cells."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def packages() -> dict[str, str]:
    """Direct dependencies with their pinned versions, as the requirement files name them."""
    run = (ROOT / "requirements.txt").read_text(encoding="utf-8").partition("# What those bring along.")[0]
    lines = (run + (ROOT / "requirements-dev.txt").read_text(encoding="utf-8")).splitlines()
    return dict(line.split("==") for line in lines if re.match(r"[A-Za-z]", line))


def variables() -> set[str]:
    """Every variable that config/environment.py reads."""
    tree = ast.parse((ROOT / "config/environment.py").read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    reads = [call for call in calls if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name) and call.func.value.id == "env"]
    first = [call.args[0].value for call in reads if call.args and isinstance(call.args[0], ast.Constant)]
    return {str(name) for name in first}


@pytest.mark.parametrize("rule", rules("segsync"))
def test_a_rule_shown_checks(rule: str) -> None:
    check_rule(rule)


@pytest.mark.parametrize("rule", rules("segsync refused"))
def test_a_rule_shown_as_refused_is_refused_because_its_data_is_not_there(rule: str) -> None:
    with pytest.raises(RuleError, match="no data yet"):
        check_rule(rule)


def test_the_starters_are_shown_as_they_are() -> None:
    shown = {re.sub(r"^--.*\n", "", rule) for rule in rules("segsync")}
    assert {starter.rule for starter in starters("Shoes")} <= shown
    assert {starter.name for starter in starters("Shoes")} <= {rule.partition("\n")[0].removeprefix("-- ") for rule in rules("segsync")}


def test_names_that_are_answered_and_names_that_are_not_are_told_apart() -> None:
    answered = {name for name, entry in catalogue.ATTRIBUTES.items() if entry.read and not entry.awaits}
    answered |= {name for name, entry in catalogue.ACTIVITIES.items() if entry.rows and not entry.awaits}
    waiting = (set(catalogue.ATTRIBUTES) | set(catalogue.ACTIVITIES)) - answered
    today, later = named(section("### What rules can ask today")), named(section("### Not available yet"))
    assert answered <= today
    assert waiting <= later
    assert not waiting & today
    assert not answered & later


def test_the_environment_was_read() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "SHOPIFY_CLIENT_ID"} <= variables()


def test_every_variable_is_explained_and_no_other() -> None:
    in_example = re.findall(r"^#?([A-Z][A-Z_]+)=", EXAMPLE, re.MULTILINE)
    in_readme = {cells[0].strip("`") for cells in rows(section("### Environment"))[2:]}
    assert sorted(in_example) == sorted(variables())
    assert in_readme == variables()


def test_every_direct_dependency_is_explained_with_its_version_and_no_other() -> None:
    assert len(packages()) > 20
    assert {cells[0]: cells[1] for cells in rows(section("## Dependencies"))[2:]} == packages()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([\w-]+):", MAKEFILE, re.MULTILINE))
    asked = {target for piece in code(page.read_text(encoding="utf-8")) for target in re.findall(r"\bmake ([a-z][\w-]*)", piece)}
    assert asked <= targets


@pytest.mark.parametrize("page", [*PAGES, ROOT / ".env.example"], ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path) -> None:
    pieces = EXAMPLE.splitlines() if page.name == ".env.example" else list(code(page.read_text(encoding="utf-8")))
    for piece in pieces:
        for name, rest in re.findall(r"manage\.py (\w+)([^#|]*)", piece):
            assert name in get_commands(), piece
            assert set(re.findall(r"(--[\w-]+)", rest)) <= options(name), piece
        if piece.startswith("make demo"):
            assert set(re.findall(r"(--[\w-]+)", piece)) <= options("demo"), piece
            assert set(re.findall(r"\b([A-Z]+)=", piece)) <= set(re.findall(r"\$\((?:if \$\()?([A-Z]+)", MAKEFILE)), piece


def options(command: str) -> set[str]:
    """The long options that a manage.py command and its verbs take."""
    app = get_commands()[command]
    parser = load_command_class(app if isinstance(app, str) else app.__module__, command).create_parser("manage.py", command)
    verbs = [verb for action in parser._actions if isinstance(action, _SubParsersAction) for verb in action.choices.values()]
    return {option for each in (parser, *verbs) for action in each._actions for option in action.option_strings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_project_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, fragment = target.partition("#")
        if urlsplit(target).scheme:
            continue
        assert not path or (page.parent / path).exists(), target
        if fragment and not path:
            assert fragment in {heading.lower().replace(" ", "-") for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}, target


def test_addresses_given_to_the_platforms_are_answered() -> None:
    given = re.findall(r"(?:\{PUBLIC_URL\}|https://segsync\.example\.com)(/[\w/]*)", README + SHOPIFY_PAGE + HUBSPOT_PAGE)
    assert {"/shopify/install", "/shopify/callback", "/hubspot/callback", "/webhooks/shopify", "/webhooks/hubspot"} <= set(given)
    for path in given:
        resolve(path)


def test_the_shopify_app_is_set_up_for_what_is_asked_and_heeded() -> None:
    config = tomllib.loads(blocks(SHOPIFY_PAGE, "toml")[0])
    switched = {"read_all_orders", "read_locations"}
    scopes = set(settings.SHOPIFY_SCOPES) - switched
    assert set(config["access_scopes"]["scopes"].split(",")) == scopes
    assert {cells[0].strip("`") for cells in rows(SHOPIFY_PAGE)[2:]} == scopes | switched
    assert scopes <= named(README)
    assert config["webhooks"]["api_version"] == settings.SHOPIFY_API_VERSION
    topics = config["webhooks"]["subscriptions"][0]["topics"]
    connector = connectors["shopify"]
    heeded = connector.farewells.union(connector.wakes, *(spec.hints | spec.partings for spec in STREAMS))
    assert sorted(topics) == sorted(heeded)


def test_the_hubspot_app_is_set_up_for_what_is_asked_and_heeded() -> None:
    auth, webhooks = (json.loads(block) for block in blocks(HUBSPOT_PAGE, "json"))
    assert tuple(auth["auth"]["requiredScopes"]) == hubspot_oauth.REQUIRED
    assert tuple(auth["auth"]["optionalScopes"]) == hubspot_oauth.OPTIONAL
    scopes = {*hubspot_oauth.REQUIRED, *hubspot_oauth.OPTIONAL}
    assert scopes <= named(HUBSPOT_PAGE)
    assert scopes <= named(README)
    subscribed: Any = webhooks["config"]["subscriptions"].values()
    types = {one["subscriptionType"] for group in subscribed for one in group}
    assert types <= CONTACTS.hints | EMAIL_EVENTS.hints
    assert settings.HUBSPOT_API_VERSION in HUBSPOT_PAGE


def test_decisions_are_numbered_without_a_gap_and_begin_with_their_number() -> None:
    records = sorted((ROOT / "docs/decisions").glob("*.md"))
    assert [record.name[:4] for record in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    for record in records:
        text = record.read_text(encoding="utf-8")
        assert text.startswith(f"# {record.name[:4]} ")
        assert all(f"**{part}.**" in text for part in ("Decision", "Why", "Price", "Where")), record.name


def test_every_figure_is_filled_in() -> None:
    assert re.findall(r"@@\w*@@", README) == []
