"""Which queries a bulk operation takes (shopify.dev, "Perform bulk operations: queries", Operation restrictions)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLList,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    parse,
    validate,
)

from integrations.sandbox.shopify.schema import admin_schema

TEXT_LIMIT = 65_535  # bytes
CONNECTION_LIMIT = 5
DEPTH_LIMIT = 2  # connections below the outermost one


@dataclass(slots=True)
class Survey:
    """What was found in a bulk query: fields selected at the top, and every breach of the rules."""

    fragments: dict[str, FragmentDefinitionNode]
    connections: int = 0
    depth: int = 0
    by_nodes: list[str] = field(default_factory=list)
    without_id: list[str] = field(default_factory=list)
    in_list: bool = False
    top_node: bool = False
    types: set[tuple[str, str]] = field(default_factory=set)  # (field name, name of the type it returns)

    def fields(self, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
        """The fields of a selection, fragments opened."""
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self.fields(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                yield from self.fields(self.fragments[node.name.value].selection_set)

    def visit(self, selection: SelectionSetNode | None, parent: Any, depth: int, in_list: bool, holder: tuple[str, bool] | None) -> None:
        """Walk one selection; `holder` is the connection whose nodes we are in and whether they select `id`."""
        for node in self.fields(selection):
            definition = getattr(parent, "fields", {}).get(node.name.value)
            if definition is None:
                continue
            kind = get_named_type(definition.type)
            self.types.add((node.name.value, kind.name))
            if not kind.name.endswith("Connection"):
                listed = in_list or isinstance(get_nullable_type(definition.type), GraphQLList)
                self.visit(node.selection_set, kind, depth, listed, holder)
                continue
            self.connections += 1
            self.depth = max(self.depth, depth)
            self.in_list = self.in_list or in_list
            if holder is not None and not holder[1] and holder[0] not in self.without_id:
                self.without_id.append(holder[0])
            for child in self.fields(node.selection_set):
                if child.name.value == "nodes" and node.name.value not in self.by_nodes:
                    self.by_nodes.append(node.name.value)
                if child.name.value != "edges":
                    continue
                for inner in self.fields(child.selection_set):
                    if inner.name.value == "node":
                        node_type = get_named_type(get_named_type(kind.fields["edges"].type).fields["node"].type)
                        has_id = any(f.name.value == "id" and f.alias is None for f in self.fields(inner.selection_set))
                        self.visit(inner.selection_set, node_type, depth + 1, False, (node.name.value, has_id))


def check_query(text: str) -> tuple[DocumentNode | None, Survey | None, list[str]]:
    """(document, survey, messages); messages empty when the query may run in bulk."""
    if len(text.encode()) > TEXT_LIMIT:
        return None, None, [f"Query is too long (maximum is {TEXT_LIMIT} bytes)"]
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, None, ["Invalid bulk query: " + error.message.replace("Syntax Error: ", "syntax error, ")]
    operations = [d for d in document.definitions if isinstance(d, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation.value != "query":
        return None, None, ["Invalid operation type. Only `query` operations are supported."]
    operation = operations[0]
    if operation.variable_definitions:
        return None, None, ["Bulk queries cannot contain variables; write the values into the query."]
    invalid = validate(admin_schema(), document)
    if invalid:
        return None, None, [f"Invalid bulk query: {error.message}" for error in invalid]
    survey = Survey({d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)})
    root = admin_schema().query_type
    survey.top_node = any(f.name.value in ("node", "nodes") for f in survey.fields(operation.selection_set))
    survey.visit(operation.selection_set, root, 0, False, None)
    return document, survey, _messages(survey)


def _messages(survey: Survey) -> list[str]:
    found = []
    if survey.by_nodes:
        quoted = ", ".join(f"'{name}'" for name in survey.by_nodes)
        found.append(
            "All connection fields in a bulk query must select their contents using 'edges' > 'node', e.g: 'products { edges { node {'. "
            f"Selecting via 'nodes' is not supported. Invalid connection fields: {quoted}."
        )
    if survey.top_node:
        found.append("Bulk queries cannot contain a top level `node` field.")
    if survey.depth > DEPTH_LIMIT:
        found.append(f"Bulk queries cannot contain connections with a nesting depth greater than {DEPTH_LIMIT}.")
    if survey.connections > CONNECTION_LIMIT:
        found.append(f"Bulk queries cannot contain more than {CONNECTION_LIMIT} connections.")
    if survey.without_id:
        names = ", ".join(survey.without_id)
        found.append(
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be of 'ID' return type. "
            f"Connection fields without 'id': {names}."
        )
    if survey.in_list:
        found.append("Queries that contain a connection field within a list field are not currently supported.")
    if survey.connections == 0 and (not found or survey.top_node):
        found.append("Bulk queries must contain at least one connection.")
    return found
