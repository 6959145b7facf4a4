"""Direct GraphQL requests: parsed, validated, priced, admitted, executed (shopify.dev, "GraphQL Admin API reference")."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import DocumentNode, FieldNode, GraphQLError, OperationDefinitionNode, execute_sync, get_operation_ast, parse, validate
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.cost import SINGLE_QUERY_LIMIT, Pricing, cost_extension, throttled, too_expensive
from integrations.sandbox.shopify.resolve import resolve, type_of
from integrations.sandbox.shopify.schema import admin_schema

INPUT_LIMIT = 250  # items in any array argument: shopify.dev, "Shopify API limits"
_NAMED = re.compile(r"\b(?:query|mutation)\s+(\w+)")
_FIRST = re.compile(r"\{\s*(?:\w+\s*:\s*)?(\w+)")
_UNKNOWN_FIELD = re.compile(r"Cannot query field '(\w+)' on type '(\w+)'")


@dataclass(frozen=True, slots=True)
class Checked:
    """A document that was parsed and validated; `errors` empty when it may run."""

    document: DocumentNode | None
    errors: tuple[dict[str, Any], ...]


@lru_cache(maxsize=512)
def check(text: str) -> Checked:
    """Parse and validate a document, remembering the last 512."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return Checked(None, (dict(error.formatted),))
    errors = tuple(_worded(error) for error in validate(admin_schema(), document))
    return Checked(document, errors)


def operation_name(body: Mapping[str, Any]) -> str:
    """What the call log calls a request: its operation's name, or its first field."""
    text = str(body.get("query") or "")
    found = _NAMED.search(text) or _FIRST.search(text)
    return str(body.get("operationName") or (found[1] if found else "graphql"))


def run(access: Access, body: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
    """(answer, whether it was throttled). All answers are HTTP 200; the caller holds the world's lock."""
    text = body.get("query")
    if not isinstance(text, str) or not text.strip():
        return {"errors": [{"message": "No query string was present"}]}, False
    checked = check(text)
    if checked.document is None or checked.errors:
        return {"errors": list(checked.errors)}, False
    operation = get_operation_ast(checked.document, body.get("operationName"))
    if operation is None:
        return {"errors": [{"message": "An operation name is required"}]}, False
    given = body.get("variables") or {}
    if not isinstance(given, dict):
        return {"errors": [{"message": "Variables must be an object"}]}, False
    variables, errors = _variables(operation, given)
    if errors:
        return {"errors": errors}, False
    try:
        pricing = Pricing(admin_schema(), checked.document, operation, variables)
        requested = pricing.requested()
        oversized = _oversized(operation, variables)
    except GraphQLError as error:
        return {"errors": [dict(error.formatted)]}, False
    if requested > SINGLE_QUERY_LIMIT:
        return too_expensive(requested), False
    if oversized:
        return {"errors": oversized}, False
    bucket = access.shop.bucket
    if not bucket.admit(requested):
        return throttled(requested, bucket), True
    result = execute_sync(
        admin_schema(),
        checked.document,
        context_value=access,
        variable_values=given,
        operation_name=operation.name.value if operation.name else None,
        field_resolver=resolve,
        type_resolver=type_of,
    )
    actual = pricing.actual(result.data) if result.data is not None else min(requested, 1)
    bucket.refund(requested - actual)
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [dict(error.formatted) for error in result.errors]
    answer["extensions"] = cost_extension(requested, actual, bucket)
    if access.warnings:
        answer["extensions"]["search"] = access.warnings
    return answer, False


def _variables(operation: OperationDefinitionNode, given: dict[str, Any]) -> tuple[VariableValues | None, list[dict[str, Any]]]:
    values = get_variable_values(admin_schema(), operation.variable_definitions or (), given)
    if isinstance(values, list):
        return None, [dict(error.formatted) | {"extensions": {"code": "INVALID_VARIABLE"}} for error in values]
    return values, []


def _oversized(operation: OperationDefinitionNode, variables: VariableValues | None) -> list[dict[str, Any]]:
    root = admin_schema().get_root_type(operation.operation)
    errors = []
    for node in operation.selection_set.selections:
        if root is None or not isinstance(node, FieldNode) or node.name.value not in root.fields:
            continue
        key = node.alias.value if node.alias else node.name.value
        for name, value in get_argument_values(root.fields[node.name.value], node, variables).items():
            if isinstance(value, list) and len(value) > INPUT_LIMIT:
                message = f"The input array size of {len(value)} is greater than the maximum allowed of {INPUT_LIMIT}."
                errors.append({"message": message, "path": [key, name], "extensions": {"code": "MAX_INPUT_SIZE_EXCEEDED"}})
    return errors


def _worded(error: GraphQLError) -> dict[str, Any]:
    formatted: dict[str, Any] = dict(error.formatted)
    unknown = _UNKNOWN_FIELD.match(error.message)
    if unknown:
        formatted["message"] = f"Field '{unknown[1]}' doesn't exist on type '{unknown[2]}'"
        formatted["extensions"] = {"code": "undefinedField", "typeName": unknown[2], "fieldName": unknown[1]}
    return formatted
