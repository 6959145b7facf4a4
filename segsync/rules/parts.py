"""A rule taken apart: what stands at its top, what lies in its groups, and which conditions decide an answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from segsync.rules import tree
from segsync.rules.format import format_node

Joint = Literal["AND", "OR", ""]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a rule in the order of its text. `depth` is 0 for what stands at the top, 1 for what lies in a group there, and so on."""

    place: int
    node: tree.Node
    depth: int

    @property
    def text(self) -> str:
        """The part on one line, in canonical form."""
        return format_node(self.node)


def joint(rule: tree.Rule) -> Joint:
    """What joins the parts at the top; "" for a rule of one part."""
    match rule.root:
        case tree.And():
            return "AND"
        case tree.Or():
            return "OR"
        case _:
            return ""


def parts(rule: tree.Rule) -> tuple[Part, ...]:
    """Every part, each group before what lies in it. What a plain NOT says of one condition is one part."""
    top = rule.root.items if isinstance(rule.root, tree.And | tree.Or) else (rule.root,)
    return tuple(Part(place, node, depth) for place, (node, depth) in enumerate(pair for item in top for pair in _walk(item, 0)))


def first(rule: tree.Rule, number: int) -> tree.Rule:
    """The rule that the first `number` parts at the top make, joined as they are."""
    root = rule.root
    if not isinstance(root, tree.And | tree.Or) or number >= len(root.items):
        return tree.Rule(root)
    return tree.Rule(root.items[0] if number == 1 else type(root)(root.items[:number]))


def deciding(node: tree.Node, truths: Mapping[int, bool]) -> list[tree.Clause]:
    """The conditions that make the answer what it is, in the order of the text.

    `truths` says, by the identity of each condition (`id`), whether it holds. Of an AND that fails only what fails is named, of an
    OR that holds only what holds.
    """
    match node:
        case tree.Clause():
            return [node]
        case tree.Not():
            return deciding(node.item, truths)
        case tree.And():
            holds = all(_holds(item, truths) for item in node.items)
            return [clause for item in node.items if holds or not _holds(item, truths) for clause in deciding(item, truths)]
        case tree.Or():
            holds = any(_holds(item, truths) for item in node.items)
            return [clause for item in node.items if not holds or _holds(item, truths) for clause in deciding(item, truths)]


def _holds(node: tree.Node, truths: Mapping[int, bool]) -> bool:
    match node:
        case tree.Clause():
            return truths[id(node)]
        case tree.Not():
            return not _holds(node.item, truths)
        case tree.And():
            return all(_holds(item, truths) for item in node.items)
        case tree.Or():
            return any(_holds(item, truths) for item in node.items)


def _walk(node: tree.Node, depth: int) -> Iterator[tuple[tree.Node, int]]:
    yield node, depth
    inner = node
    while isinstance(inner, tree.Not):
        inner = inner.item
    if isinstance(inner, tree.And | tree.Or):
        for item in inner.items:
            yield from _walk(item, depth + 1)
