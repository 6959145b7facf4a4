"""Everything the project says to Shopify is said in Shopify's own schema, and nothing is said outside `queries/`."""

from __future__ import annotations

import ast
import re
from itertools import combinations
from pathlib import Path

import pytest
from graphql import GraphQLError, GraphQLSchema, NoDeprecatedCustomRule, OperationDefinitionNode, build_schema, parse, specified_rules, validate

from integrations.shopify import documents

ROOT = Path(__file__).resolve().parents[2]
OFFICIAL = ROOT.parent / "shared/platforms/shopify-admin-2026-10.graphql"
SANDBOX = ROOT / "integrations/sandbox/shopify/schema.graphql"
NAMES = sorted(path.stem for path in documents.FOLDER.glob("*.graphql"))
TAGS = {"id": "gid://shopify/Customer/1", "tags": ["a"]}
BATCHES = {
    "one call": [("add_tags", TAGS)],
    "fifty calls of both kinds": [("add_tags", TAGS), ("remove_tags", TAGS)] * 25,
}


def problems(schema: GraphQLSchema, text: str) -> list[GraphQLError]:
    return validate(schema, parse(text), [*specified_rules, NoDeprecatedCustomRule])


def choices(name: str) -> list[frozenset[str]]:
    """Every choice among the document's optional parts."""
    parts = sorted(documents.optional(name))
    return [frozenset(chosen) for size in range(len(parts) + 1) for chosen in combinations(parts, size)]


@pytest.fixture(scope="module", params=["official", "sandbox"])
def schema(request: pytest.FixtureRequest) -> GraphQLSchema:
    path = OFFICIAL if request.param == "official" else SANDBOX
    if not path.exists():
        pytest.skip(f"{path.name} is not beside this checkout")
    return build_schema(path.read_text(encoding="utf-8"), assume_valid=True)


@pytest.mark.parametrize("name", NAMES)
def test_every_document_is_valid_and_uses_nothing_deprecated(schema: GraphQLSchema, name: str) -> None:
    for parts in choices(name):
        assert problems(schema, documents.text(name, parts)) == []


@pytest.mark.parametrize("calls", BATCHES.values(), ids=BATCHES)
def test_a_batch_of_documents_is_valid_too(schema: GraphQLSchema, calls: list[tuple[str, dict[str, object]]]) -> None:
    text, variables = documents.batch(calls)
    assert problems(schema, text) == []
    assert len(variables) == 2 * len(calls)


def test_a_misspelt_or_deprecated_field_is_found(schema: GraphQLSchema) -> None:
    assert problems(schema, "query Wrong { shop { nmae } }")
    if schema.get_type("CustomerSmsMarketingConsentState"):
        assert problems(schema, 'query Old { customer(id: "gid://shopify/Customer/1") { email } }')


@pytest.mark.parametrize("name", NAMES)
def test_each_file_holds_exactly_one_operation(name: str) -> None:
    definitions = parse(documents.text(name)).definitions
    assert [type(each) for each in definitions] == [OperationDefinitionNode]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("bulk_") and name != "bulk_operation"])
def test_bulk_queries_keep_to_what_shopify_takes_as_one(name: str) -> None:
    """shopify.dev, "Perform bulk operations": no variables, edges and nodes only, an id beside every nested connection, at most five."""
    for parts in choices(name):
        keeps_to_bulk(documents.text(name, parts))


def keeps_to_bulk(text: str) -> None:
    assert len(text.encode()) <= 65_535
    assert "$" not in text
    assert "pageInfo" not in text
    assert not re.search(r"\bnodes\b", text)
    assert 1 <= text.count("edges") <= 5
    assert all(re.match(r"node\s*\{\s*id\b", text[found.start() :]) for found in re.finditer(r"\bnode\b", text))


def test_what_may_be_withheld_is_asked_for_by_name_only() -> None:
    assert documents.optional("orders_page") == documents.optional("bulk_orders") == {"locations"}
    assert documents.optional("customers_page") == documents.optional("bulk_customers") == {"companies"}
    assert "retailLocation" not in documents.text("bulk_orders")
    assert "retailLocation { id }" in documents.text("bulk_orders", frozenset({"locations"}))


def test_no_graphql_is_written_outside_the_queries_folder() -> None:
    operation = re.compile(r"\b(mutation|query|subscription)\b\s*\w*\s*(\([^)]*\$[^)]*\))?\s*\{\s*\w")
    files = [path for path in sorted((ROOT / "integrations").rglob("*.py")) if "sandbox" not in path.parts]
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and operation.search(node.value)
    ]
    assert found == []
