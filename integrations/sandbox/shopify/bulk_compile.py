"""Bulk selections compiled once into plain Python readers: executing a million nodes through a GraphQL executor takes minutes.

The readers come from the same field table as direct requests, so both give the same values.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLList,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    get_nullable_type,
    is_abstract_type,
    is_leaf_type,
)
from graphql.execution.values import get_argument_values

from integrations.sandbox.shopify.access import Access
from integrations.sandbox.shopify.connections import CONNECTIONS, Connection, listed
from integrations.sandbox.shopify.fields import FIELDS
from integrations.sandbox.shopify.readers import Inline
from integrations.sandbox.shopify.schema import admin_schema

Build = Callable[[Any], dict[str, Any]]
Row = dict[str, Any]
Reach = Callable[[Any], Any] | None


class Source:
    """Python source of readers, put together from expressions and turned into functions once.

    Nothing of it comes from the client but response keys, which are GraphQL names and quoted.
    """

    def __init__(self) -> None:
        self.names: dict[str, Any] = {}
        self._serial = itertools.count()

    def fresh(self, prefix: str) -> str:
        """A name not used yet."""
        return f"{prefix}{next(self._serial)}"

    def call(self, read: Callable[[Any], Any], argument: str) -> str:
        """The expression of `read` applied to `argument`."""
        if isinstance(read, Inline):
            self.names.update(read.names)
            return read.text.format(argument)
        name = self.fresh("read")
        self.names[name] = read
        return f"{name}({argument})"

    def function(self, expression: str, argument: str) -> Callable[[Any], Any]:
        """A function of `argument` that returns the value of `expression`."""
        made: Callable[[Any], Any] = eval(f"lambda {argument}: {expression}", dict(self.names))  # noqa: S307 see the class
        return made


@dataclass(slots=True)
class Plan:
    """How to list and print one connection: `reach` leads from the parent's object to the one that has the connection."""

    connection: Connection
    args: dict[str, Any]
    build: Build
    children: list[Plan]
    reach: Reach = None

    def objects(self, access: Access, source: Any) -> list[Any]:
        """The objects this connection lists for `source`; page size arguments do not count in bulk."""
        if self.reach is not None:
            source = self.reach(source)
            if source is None:
                return []
        return listed(self.connection, access, source, self.args)[0]

    def child_rows(self, access: Access, source: Any, parent_id: str) -> list[Row]:
        """The rows of this connection below one parent, each followed by its own children."""
        plain = self.reach is None and not self.connection.sorts and not self.args
        objects = self.connection.items(access, source) if plain else self.objects(access, source)
        rows = [self.build(o) for o in objects]
        for row in rows:
            row["__parentId"] = parent_id
        if not self.children:
            return rows
        found: list[Row] = []
        for o, row in zip(objects, rows, strict=True):
            found.append(row)
            for child in self.children:
                found += child.child_rows(access, o, row["id"])
        return found


@dataclass(slots=True)
class Compiler:
    """Compiles selections of one document for one access; variables are not known in bulk queries."""

    access: Access
    document: DocumentNode
    _fragments: dict[str, FragmentDefinitionNode] = field(init=False)

    def __post_init__(self) -> None:
        self._fragments = {d.name.value: d for d in self.document.definitions if isinstance(d, FragmentDefinitionNode)}

    def plans(self) -> list[Plan]:
        """The outermost connections of the document's query."""
        operation = next(d for d in self.document.definitions if isinstance(d, OperationDefinitionNode))
        root = admin_schema().query_type
        found: list[Plan] = []
        self._display(Source(), "o", operation.selection_set, root, found, None)
        return found

    def payload(self, node: FieldNode, payload_type: Any) -> Build:
        """Prints a mutation's payload (a dict) as that field selects it."""
        return self._builder(node.selection_set, get_named_type(payload_type), [], None)

    def _fields(self, selection: SelectionSetNode | None, kind: Any) -> Iterator[FieldNode]:
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield node
                continue
            if isinstance(node, FragmentSpreadNode):
                fragment: FragmentDefinitionNode | InlineFragmentNode = self._fragments[node.name.value]
            elif isinstance(node, InlineFragmentNode):
                fragment = node
            condition = fragment.type_condition.name.value if fragment.type_condition else kind.name
            if condition == kind.name or condition in {i.name for i in getattr(kind, "interfaces", ())}:
                yield from self._fields(fragment.selection_set, kind)

    def _builder(self, selection: SelectionSetNode | None, kind: Any, plans: list[Plan], reach: Reach) -> Build:
        source = Source()
        return source.function(self._display(source, "o", selection, kind, plans, reach), "o")

    def _display(self, source: Source, at: str, selection: SelectionSetNode | None, kind: Any, plans: list[Plan], reach: Reach) -> str:
        """The dict display that prints the object named `at`; connections met on the way become `plans`."""
        entries: dict[str, str] = {}
        for node in self._fields(selection, kind):
            key = node.alias.value if node.alias else node.name.value
            if node.name.value == "__typename":
                entries[key] = repr(kind.name)
                continue
            definition = kind.fields[node.name.value]
            inner = get_named_type(definition.type)
            args = get_argument_values(definition, node) if definition.args else {}
            if inner.name.endswith("Connection"):
                plans.append(self._plan(node, kind, inner, args, reach))
            elif kind.name != "QueryRoot":  # only connections make rows
                read = self._reader(kind, node.name.value, args)
                value = source.call(read, at)
                entries[key] = value if is_leaf_type(inner) else self._object(source, value, node, definition.type, plans, _join(reach, read))
        return "{" + ", ".join(f"{key!r}: {value}" for key, value in entries.items()) + "}"

    def _object(self, source: Source, value: str, node: FieldNode, field_type: Any, plans: list[Plan], reach: Reach) -> str:
        kind = get_named_type(field_type)
        is_list = isinstance(get_nullable_type(field_type), GraphQLList)
        inner = source.fresh("o")
        by_type = source.call(self._by_type(node), inner) if is_abstract_type(kind) else None
        shown = by_type or self._display(source, inner, node.selection_set, kind, plans, reach)
        if is_list:
            return f"[{shown} for {inner} in {value}]"
        return f"(None if ({inner} := {value}) is None else {shown})"

    def _by_type(self, node: FieldNode) -> Callable[[Any], Any]:
        from integrations.sandbox.shopify.resolve import type_of

        known: dict[str, Build] = {}

        def show(o: Any) -> Any:
            name = type_of(o)
            if name not in known:
                known[name] = self._builder(node.selection_set, admin_schema().get_type(name), [], None)
            return known[name](o)

        return show

    def _reader(self, kind: GraphQLObjectType, name: str, args: dict[str, Any]) -> Callable[[Any], Any]:
        table = FIELDS.get(kind.name)
        if table is None:  # payloads and user errors are dicts
            return lambda o: o.get(name)
        return table[name](self.access, args)

    def _plan(self, node: FieldNode, kind: Any, connection_type: Any, args: dict[str, Any], reach: Reach) -> Plan:
        children: list[Plan] = []
        edge_type = get_named_type(connection_type.fields["edges"].type)
        edges = [e for e in self._fields(node.selection_set, connection_type) if e.name.value == "edges"]
        nodes = [n for e in edges for n in self._fields(e.selection_set, edge_type) if n.name.value == "node"]
        selections = tuple(s for n in nodes if n.selection_set for s in n.selection_set.selections)
        build = self._builder(SelectionSetNode(selections=selections), get_named_type(edge_type.fields["node"].type), children, None)
        kept = {name: value for name, value in args.items() if name == "query" or (name == "reverse" and value)}
        return Plan(CONNECTIONS[kind.name, node.name.value], kept, build, children, reach)


def _join(outer: Reach, inner: Callable[[Any], Any]) -> Callable[[Any], Any]:
    if outer is None:
        return inner
    return lambda o: None if (value := outer(o)) is None else inner(value)


def rows_of(plan: Plan, access: Access, objects: Iterable[Any], *, grouped: bool, offset: int) -> tuple[list[Row], int]:
    """(rows, how many of them are outermost) for a slice of a root connection.

    Children come after their parent. Unless grouped, those of every fourth parent come only after the whole slice, since
    Shopify promises no more than "somewhere after".
    """
    rows: list[Row] = []
    late: list[Row] = []
    roots = 0
    for index, o in enumerate(objects, start=offset):
        row = plan.build(o)
        rows.append(row)
        roots += 1
        for child in plan.children:
            (rows if grouped or index % 4 != 3 else late).extend(child.child_rows(access, o, row["id"]))
    rows.extend(late)
    return rows, roots
