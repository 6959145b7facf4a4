"""The sandbox's part of Shopify's Admin GraphQL schema, read once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from graphql import GraphQLSchema, build_schema

VERSIONS = ("2026-10", "2026-07")  # the Admin API versions that answer; the fields in schema.graphql are the same in both
LATEST = VERSIONS[0]


@cache
def admin_schema() -> GraphQLSchema:
    """The schema; not validated, since Shopify's own breaks a rule about deprecated interface fields."""
    return build_schema(Path(__file__).with_name("schema.graphql").read_text(encoding="utf-8"), assume_valid=True)
