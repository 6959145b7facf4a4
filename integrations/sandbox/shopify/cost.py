"""What a request costs and whether the app can pay for it (shopify.dev, "GraphQL Admin API rate limits").

Objects cost 1, scalars and enums 0, mutations 10. A connection is only said to be "sized by first and last"; two answers
measured in 2025 and 2026 (a product's variants(first: 250) with one object each: 25; orders(first: 250) with
lineItems(first: 250): 431) both fit 2 + 11 x the cost of a node for 250, hence 2 + 2 ln(n) x node here. Actual cost applies the same
to what came back.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_leaf_type,
)
from graphql.execution.values import VariableValues, get_argument_values

from integrations.sandbox.clock import SandboxClock

SINGLE_QUERY_LIMIT = 1000
MUTATION_COST = 10
RESTORE_RATES = {"standard": 100, "advanced": 200, "plus": 1000, "enterprise": 2000}  # points per second, by plan
BUCKET_SECONDS = 20
DOCS = "https://shopify.dev/docs/api/usage/rate-limits"


class Bucket:
    """The points of one app in one store, restored by the sandbox's clock."""

    def __init__(self, plan: str, clock: SandboxClock) -> None:
        self.restore_rate = RESTORE_RATES.get(plan, RESTORE_RATES["standard"])
        self.maximum = self.restore_rate * BUCKET_SECONDS
        self._clock = clock
        self._available = float(self.maximum)
        self._at = clock.now()
        self._lock = threading.Lock()

    def admit(self, requested: int) -> bool:
        """Take `requested` points if there are as many; give back what was not used with `refund`."""
        with self._lock:
            self._restore()
            if self._available < requested:
                return False
            self._available -= requested
            return True

    def refund(self, points: float) -> None:
        """Give back the difference between requested and actual cost."""
        with self._lock:
            self._restore()
            self._available = min(float(self.maximum), self._available + points)

    def drain(self, left: float = 0.0) -> None:
        """Leave only `left` points: for tests and for people who want to see throttling."""
        with self._lock:
            self._restore()
            self._available = min(self._available, left)

    def status(self) -> dict[str, float]:
        """`throttleStatus` as the API gives it."""
        with self._lock:
            self._restore()
            return {
                "maximumAvailable": float(self.maximum),
                "currentlyAvailable": int(self._available),
                "restoreRate": float(self.restore_rate),
            }

    def _restore(self) -> None:
        now = self._clock.now()
        passed = max(0.0, (now - self._at).total_seconds())
        self._at = now
        self._available = min(float(self.maximum), self._available + passed * self.restore_rate)


def factor(count: int) -> float:
    """How many times a node's cost counts when `count` nodes are asked for."""
    return 0 if count <= 0 else float(max(1, math.floor(2 * math.log(count))))


@dataclass(slots=True)
class Pricing:
    """Prices one operation of a document with its variables."""

    schema: GraphQLSchema
    document: DocumentNode
    operation: OperationDefinitionNode
    variables: VariableValues | None

    def requested(self) -> int:
        """The cost by what is asked for."""
        return math.ceil(self._root(None))

    def actual(self, data: Mapping[str, Any] | None) -> int:
        """The cost by what came back; never more than what was requested."""
        return min(self.requested(), math.ceil(self._root(data))) if data is not None else 0

    def _root(self, data: Mapping[str, Any] | None) -> float:
        root = self.schema.get_root_type(self.operation.operation)
        if root is None:
            return 0
        if self.operation.operation.value == "mutation":
            return MUTATION_COST * sum(1 for _ in self._fields(self.operation.selection_set))
        return self._selection(self.operation.selection_set, root, data)

    def _fields(self, selection: SelectionSetNode | None) -> Iterator[FieldNode]:
        fragments = {d.name.value: d for d in self.document.definitions if isinstance(d, FragmentDefinitionNode)}
        for node in selection.selections if selection else ():
            if isinstance(node, FieldNode):
                yield node
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set)
            elif isinstance(node, FragmentSpreadNode):
                yield from self._fields(fragments[node.name.value].selection_set)

    def _selection(self, selection: SelectionSetNode | None, parent: Any, data: Any) -> float:
        cost = 0.0
        for node in selection.selections if selection else ():
            if isinstance(node, InlineFragmentNode) and node.type_condition is not None:
                cost += self._selection(node.selection_set, self.schema.type_map[node.type_condition.name.value], data)
            else:
                cost += sum(self._field(field, parent, data) for field in self._fields(SelectionSetNode(selections=(node,))))
        return cost

    def _field(self, node: FieldNode, parent: Any, data: Any) -> float:
        definition = getattr(parent, "fields", {}).get(node.name.value)
        if definition is None:  # __typename, or a field of one implementation of an interface
            definition = next(
                (t.fields[node.name.value] for t in self.schema.type_map.values() if isinstance(t, GraphQLObjectType) and node.name.value in t.fields),
                None,
            )
        if definition is None or node.selection_set is None:
            return 0
        kind = get_named_type(definition.type)
        if is_leaf_type(kind):
            return 0
        key = node.alias.value if node.alias else node.name.value
        value = None
        if data is not None:
            value = data.get(key) if isinstance(data, Mapping) else None
            if value is None:
                return 0
        if kind.name.endswith("Connection"):
            return self._connection(node, definition, kind, value)
        if isinstance(value, list):
            return sum(1 + self._selection(node.selection_set, kind, item) for item in value if item is not None)
        args = get_argument_values(definition, node, self.variables) if definition.args else {}
        count = len(args["ids"]) if value is None and isinstance(args.get("ids"), list) else 1
        return count * (1 + self._selection(node.selection_set, kind, value))

    def _connection(self, node: FieldNode, definition: Any, kind: Any, value: Any) -> float:
        args = get_argument_values(definition, node, self.variables)
        cost = 2.0
        for child in self._fields(node.selection_set):
            name = child.name.value
            if name not in ("edges", "nodes"):
                continue
            inner = self._nodes(child, kind)
            key = child.alias.value if child.alias else name
            if value is None:
                cost += factor(args.get("first") or args.get("last") or 0) * (1 + sum(self._selection(s, t, None) for s, t, _ in inner))
                continue
            rows = value.get(key) or []
            if rows:
                total = sum(1 + sum(self._selection(s, t, row.get(k) if k else row) for s, t, k in inner) for row in rows)
                cost += factor(len(rows)) * total / len(rows)
        return cost

    def _nodes(self, child: FieldNode, kind: Any) -> list[tuple[SelectionSetNode | None, Any, str | None]]:
        """(selection, type, key in a row) of the nodes below `edges` or `nodes`."""
        row_type = get_named_type(kind.fields[child.name.value].type)
        if child.name.value == "nodes":
            return [(child.selection_set, row_type, None)]
        found: list[tuple[SelectionSetNode | None, Any, str | None]] = []
        for node in self._fields(child.selection_set):
            if node.name.value == "node":
                key = node.alias.value if node.alias else "node"
                found.append((node.selection_set, get_named_type(row_type.fields["node"].type), key))
        return found


def cost_extension(requested: int, actual: int | None, bucket: Bucket) -> dict[str, Any]:
    """`extensions.cost` of an answer."""
    return {"cost": {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": bucket.status()}}


def throttled(requested: int, bucket: Bucket) -> dict[str, Any]:
    """The body, sent with HTTP 200, when the bucket holds too little."""
    error = {"message": "Throttled", "extensions": {"code": "THROTTLED", "documentation": DOCS}}
    return {"errors": [error], "extensions": cost_extension(requested, None, bucket)}


def too_expensive(requested: int) -> dict[str, Any]:
    """The body, sent with HTTP 200 and without a cost extension, for a query that no bucket admits."""
    message = f"Query cost is {requested}, which exceeds the single query max cost limit ({SINGLE_QUERY_LIMIT}). See {DOCS}."
    extensions = {"code": "MAX_COST_EXCEEDED", "cost": requested, "maxCost": SINGLE_QUERY_LIMIT, "documentation": DOCS}
    return {"errors": [{"message": message, "extensions": extensions}]}
