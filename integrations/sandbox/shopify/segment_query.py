"""Shopify's segment query language, read into a tree (shopify.dev, "Segment query language reference", 2026-10 syntax).

The older `function(parameter: value) = true` is read as well, as the platform still does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

CLAUSE_LIMIT = 10
ATTRIBUTES = frozenset(
    {
        "abandoned_checkout_date", "amount_spent", "companies", "created_by_app_id", "customer_account_status", "customer_added_date",
        "customer_cities", "customer_countries", "customer_email_domain", "customer_language", "customer_regions", "customer_tags",
        "email_subscription_status", "first_order_date", "last_order_date", "number_of_orders", "predicted_spend_tier", "product_subscription_status",
        "rfm_group", "sms_subscription_status",
    }
)  # fmt: skip
FUNCTIONS = frozenset(
    {
        "products_purchased", "orders_placed", "shopify_email.bounced", "shopify_email.clicked", "shopify_email.delivered",
        "shopify_email.marked_as_spam", "shopify_email.opened", "shopify_email.unsubscribed", "storefront.product_viewed",
        "storefront.collection_viewed", "store_credit_accounts", "customer_within_distance", "anniversary",
    }
)  # fmt: skip
_TOKEN = re.compile(
    r"""(?P<string>'(?:[^'\\]|\\.)*')|(?P<date>\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d)?)|(?P<offset>[+-]\d+[dwmy])|(?P<number>-?\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][\w.]*)|(?P<sign><=|>=|!=|=|<|>|\(|\)|,|:)|(?P<blank>\s+)|(?P<other>.)""",
    re.VERBOSE,
)
_COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")


class QueryError(ValueError):
    """A query that is not in the language; the message names line and column as Shopify's does."""


@dataclass(frozen=True, slots=True)
class Value:
    """A literal: `kind` is string, number, date, offset or word (`today`, `true`)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """One test of an attribute or parameter: operator `=`, …, `BETWEEN`, `CONTAINS`, `IS NULL`, `IN`, the last three with NOT too."""

    name: str
    operator: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Matches:
    """A function clause; `wanted` False for NOT MATCHES."""

    function: str
    conditions: tuple[Condition, ...]
    wanted: bool


@dataclass(frozen=True, slots=True)
class Group:
    """Clauses joined by AND or OR, or one turned round by NOT."""

    how: Literal["AND", "OR", "NOT"]
    parts: tuple[Node, ...]


Node = Condition | Matches | Group


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def check(query: str) -> None:
    """Raise QueryError when `query` is not in the language."""
    read(query)


def read(query: str) -> Node:
    """The tree of a query; raises QueryError."""
    reader = _Reader(query)
    tree = reader.alternatives()
    reader.end()
    if reader.clauses > CLAUSE_LIMIT:
        raise QueryError(f"Query has {reader.clauses} clauses; the limit is {CLAUSE_LIMIT}.")
    return tree


class _Reader:
    def __init__(self, query: str) -> None:
        self.query = query
        self.tokens = [_Token(m.lastgroup or "other", m.group(), m.start()) for m in _TOKEN.finditer(query) if m.lastgroup != "blank"]
        self.at = 0
        self.clauses = 0

    def _fail(self, token: _Token | None, what: str) -> QueryError:
        place = token.at if token else len(self.query)
        line = self.query.count("\n", 0, place) + 1
        column = place - (self.query.rfind("\n", 0, place) + 1)
        return QueryError(f"Query Line {line} Column {column}: '{token.text if token else 'end of query'}' {what}.")

    def _peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _next(self) -> _Token:
        token = self._peek()
        if token is None:
            raise self._fail(None, "is unexpected")
        self.at += 1
        return token

    def _take(self, *texts: str) -> str | None:
        token = self._peek()
        if token is not None and token.kind in ("word", "sign") and token.text.upper() in texts:
            self.at += 1
            return token.text.upper()
        return None

    def _expect(self, text: str) -> None:
        if self._take(text) is None:
            raise self._fail(self._peek(), "is unexpected")

    def end(self) -> None:
        if self._peek() is not None:
            raise self._fail(self._peek(), "is unexpected")

    def alternatives(self) -> Node:
        parts = [self.all_of()]
        while self._take("OR"):
            parts.append(self.all_of())
        return parts[0] if len(parts) == 1 else Group("OR", tuple(parts))

    def all_of(self) -> Node:
        parts = [self.single()]
        while self._take("AND"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else Group("AND", tuple(parts))

    def single(self) -> Node:
        if self._take("NOT"):
            return Group("NOT", (self.single(),))
        if self._take("("):
            inner = self.alternatives()
            self._expect(")")
            return inner
        return self.clause()

    def clause(self) -> Node:
        token = self._next()
        self.clauses += 1
        if token.kind != "word":
            raise self._fail(token, "is unexpected")
        name = token.text.lower().replace("storefront_event.", "storefront.")
        if name in FUNCTIONS:
            return self._function(name)
        if name not in ATTRIBUTES:
            raise self._fail(token, "filter cannot be found")
        return self._condition(name, lists=False)

    def _function(self, name: str) -> Node:
        if name == "anniversary":
            self._expect("(")
            while self._take(")") is None:
                self._next()
            return self._condition(name, lists=False)
        negated = self._take("NOT") is not None
        if self._take("MATCHES"):
            self._expect("(")
            return Matches(name, self._parameters(legacy=False), not negated)
        if negated:
            raise self._fail(self._peek(), "is unexpected")
        self._expect("(")
        conditions = self._parameters(legacy=True)
        sign = self._take("=", "!=")
        truth = self._take("TRUE", "FALSE")
        if sign is None or truth is None:
            raise self._fail(self._peek(), "is unexpected")
        return Matches(name, conditions, (sign == "=") == (truth == "TRUE"))

    def _parameters(self, *, legacy: bool) -> tuple[Condition, ...]:
        found: list[Condition] = []
        while self._take(")") is None:
            if found:
                self._expect(",")
            token = self._next()
            if token.kind != "word":
                raise self._fail(token, "is unexpected")
            if legacy:
                self._expect(":")
                found.append(_modern(token.text.lower(), self._values() if self._take("(") else (self._value(),)))
            else:
                found.append(self._condition(token.text.lower(), lists=True))
        return tuple(found)

    def _condition(self, name: str, *, lists: bool) -> Condition:
        sign = self._take(*_COMPARISONS)
        if sign:
            return Condition(name, sign, (self._value(),))
        if self._take("BETWEEN"):
            low = self._value()
            self._expect("AND")
            return Condition(name, "BETWEEN", (low, self._value()))
        if self._take("IS"):
            negated = self._take("NOT")
            self._expect("NULL")
            return Condition(name, "IS NOT NULL" if negated else "IS NULL")
        prefix = "NOT " if self._take("NOT") else ""
        if self._take("CONTAINS"):
            return Condition(name, prefix + "CONTAINS", (self._value(),))
        if lists and self._take("IN"):
            self._expect("(")
            return Condition(name, prefix + "IN", self._values())
        raise self._fail(self._peek(), "is unexpected")

    def _values(self) -> tuple[Value, ...]:
        found = [self._value()]
        while self._take(")") is None:
            self._expect(",")
            found.append(self._value())
        return tuple(found)

    def _value(self) -> Value:
        token = self._next()
        if token.kind == "string":
            return Value("string", re.sub(r"\\(.)", r"\1", token.text[1:-1]))
        if token.kind in ("number", "date", "offset", "word"):
            return Value(token.kind, token.text)
        raise self._fail(token, "is unexpected")


def _modern(name: str, values: tuple[Value, ...]) -> Condition:
    """A parameter of the older syntax in terms of the newer: `count_at_least: 5` is `count >= 5`, a list is IN."""
    for suffix, sign in (("_at_least", ">="), ("_at_most", "<=")):
        if name.endswith(suffix):
            return Condition(name.removesuffix(suffix), sign, values)
    return Condition(name, "=" if len(values) == 1 else "IN", values)
