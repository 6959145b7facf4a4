"""The sandbox's schema says nothing that Shopify's published one does not say."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    is_specified_scalar_type,
    parse,
    print_ast,
    validate,
    validate_schema,
)

from integrations.sandbox.shopify import schema
from integrations.sandbox.shopify.connections import CONNECTIONS
from integrations.sandbox.shopify.fields import FIELDS
from integrations.sandbox.shopify.mutations import MUTATIONS
from integrations.sandbox.shopify.schema import admin_schema

PLATFORMS = Path(__file__).resolve().parents[3] / "shared" / "platforms"
OFFICIAL = PLATFORMS / "shopify-admin-2026-10.graphql"
OPERATIONS = PLATFORMS / "shopify-operations.graphql"
OURS = {name: kind for name, kind in admin_schema().type_map.items() if not name.startswith("__") and not is_specified_scalar_type(kind)}
NOT_SERVED = {"SetMetafields", "SegmentFilters"}  # operations that the sandbox does not offer

official_needed = pytest.mark.skipif(not OFFICIAL.exists(), reason=f"Shopify's published schema is not at {OFFICIAL}")


@cache
def official() -> GraphQLSchema:
    return build_schema(OFFICIAL.read_text(encoding="utf-8"), assume_valid=True)


def default_of(value: Any) -> str | None:
    node = value.ast_node.default_value
    return None if node is None else print_ast(node)


@official_needed
@pytest.mark.parametrize("name", sorted(OURS))
def test_every_type_is_part_of_the_official_one(name: str) -> None:
    ours: Any = OURS[name]
    theirs: Any = official().type_map.get(name)
    assert theirs is not None, f"{name} is not in the official schema"
    assert type(ours) is type(theirs)
    if isinstance(ours, GraphQLEnumType):
        for value in ours.values:
            assert value in theirs.values, value
            assert theirs.values[value].deprecation_reason is None, value
    if isinstance(ours, GraphQLInputObjectType):
        for key, entry in ours.fields.items():
            assert str(entry.type) == str(theirs.fields[key].type), key
            assert default_of(entry) == default_of(theirs.fields[key]), key
            assert theirs.fields[key].deprecation_reason is None, key
        required = {key for key, entry in theirs.fields.items() if str(entry.type).endswith("!") and default_of(entry) is None}
        assert required <= set(ours.fields)
    if isinstance(ours, (GraphQLObjectType, GraphQLInterfaceType)):
        assert {i.name for i in ours.interfaces} <= {i.name for i in theirs.interfaces}
        for key, entry in ours.fields.items():
            known = theirs.fields.get(key)
            assert known is not None, key
            assert str(entry.type) == str(known.type), key
            assert known.deprecation_reason is None, key
            for arg, given in entry.args.items():
                assert str(given.type) == str(known.args[arg].type), (key, arg)
                assert default_of(given) == default_of(known.args[arg]), (key, arg)
                assert known.args[arg].deprecation_reason is None, (key, arg)
            required_args = {arg for arg, given in known.args.items() if str(given.type).endswith("!") and default_of(given) is None}
            assert required_args <= set(entry.args), key


def test_the_schema_is_a_valid_one_by_itself() -> None:
    text = Path(schema.__file__).with_name("schema.graphql").read_text(encoding="utf-8")
    assert validate_schema(build_schema(text)) == []


@pytest.mark.skipif(not OPERATIONS.exists(), reason=f"the project's operations are not at {OPERATIONS}")
def test_the_operations_that_the_project_needs_are_valid_here() -> None:
    document = parse(OPERATIONS.read_text(encoding="utf-8"))
    for operation in document.definitions:
        name = operation.name.value  # type: ignore[attr-defined]
        if name not in NOT_SERVED:
            assert validate(admin_schema(), parse(print_ast(operation))) == [], name


def test_every_field_of_the_schema_has_a_resolver() -> None:
    plain = {"QueryRoot", "Mutation", "PageInfo", "AppInstallation", "App", "AccessScope", "Count", "ApiVersion"}
    dicts = {"StagedMediaUploadTarget", "StagedUploadParameter", "UserError", "BulkOperationUserError", "BulkMutationUserError"}
    for name, kind in OURS.items():
        if not isinstance(kind, GraphQLObjectType) or name in plain | dicts or name.endswith(("Payload", "Connection", "Edge")):
            continue
        for field in kind.fields:
            served = field in FIELDS.get(name, {}) or (name, field) in CONNECTIONS
            assert served, f"{name}.{field}"
    assert set(OURS["Mutation"].fields) == set(MUTATIONS)  # type: ignore[attr-defined]
