"""The reference page and the catalogue that it is made from."""

from __future__ import annotations

from pathlib import Path

import pytest

from segsync.rules import catalogue
from segsync.rules.english import explain_rule
from segsync.rules.entries import Entry
from segsync.rules.parse import parse_rule
from segsync.rules.reference import reference

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rules-reference.md"


def test_the_page_is_what_the_catalogue_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: make reference"


@pytest.mark.parametrize("entry", [*catalogue.ATTRIBUTES.values(), *(p for a in catalogue.ACTIVITIES.values() for p in a.parameters.values())])
def test_every_entry_is_named_explained_and_readable(entry: Entry) -> None:
    assert entry.label
    assert entry.help.endswith(".")
    assert entry.awaits or getattr(entry, "unshared", "") or getattr(entry, "read", None)


def test_every_name_stands_on_the_page_and_reads_in_a_sentence() -> None:
    page = reference()
    for name in catalogue.ATTRIBUTES:
        assert f"`{name}`" in page
        assert explain_rule(parse_rule(f"{name} IS NOT NULL")).startswith("Customers who")
    for name, activity in catalogue.ACTIVITIES.items():
        assert name in page
        assert activity.did in explain_rule(parse_rule(f"{name} MATCHES ()"))
