"""Text to tree. Older Shopify spellings are read and come out as today's."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from lark import Lark
from lark.exceptions import UnexpectedInput

from segsync.rules import tree
from segsync.rules.build import Builder
from segsync.rules.errors import RuleError
from segsync.rules.lexer import RuleLexer
from segsync.rules.scan import MAX_DEPTH, Scanned, place, scan
from segsync.rules.syntax import syntax_error


@functools.cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(grammar, parser="lalr", lexer=RuleLexer, maybe_placeholders=True, transformer=Builder())


@functools.lru_cache(maxsize=1024)  # trees never change, and the rules in force are read over and over
def parse_rule(text: str) -> tree.Rule:
    """The tree of a rule, or RuleError at the first thing that is not one. Names are not looked up: `check.check_rule` does that.

    Any text answers within 100 ms: length, nesting and number of conditions are looked at before parsing.
    """
    scanned = scan(text)
    try:
        root: tree.Node = _parser().parse(scanned.text)  # type: ignore[assignment]  # the transformer's start rule gives a Node
    except UnexpectedInput as error:
        raise syntax_error(error, scanned) from None
    if tree.depth(root) > MAX_DEPTH:
        last = max(tree.clauses(root), key=lambda clause: clause.span.start)
        raise RuleError(f"groups are nested more than {MAX_DEPTH} deep; flatten the rule.", *place(scanned.text, last.span.start))
    return _with_comments(root, scanned)


def _with_comments(root: tree.Node, scanned: Scanned) -> tree.Rule:
    """Give each comment to the condition whose line it ends, else to the next condition, else to the rule's tail."""
    every = list(tree.clauses(root))
    before: dict[int, list[str]] = defaultdict(list)
    after: dict[int, str] = {}
    tail: list[str] = []
    ends = [clause.span.end for clause in every]
    for comment in scanned.comments:
        index = bisect_right(ends, comment.start)
        if index and every[index - 1].span.end_line == comment.line:
            after[every[index - 1].span.start] = comment.text
        elif index < len(every):
            # Before this condition or inside it: either way it goes above it.
            before[every[index].span.start].append(comment.text)
        else:
            tail.append(comment.text)

    def dressed(node: tree.Node) -> tree.Node:
        match node:
            case tree.Clause():
                start = node.span.start
                return replace(node, before=tuple(before[start]), after=after.get(start)) if start in before or start in after else node
            case tree.Not():
                return tree.Not(dressed(node.item))
            case _:
                return replace(node, items=tuple(dressed(item) for item in node.items))

    return tree.Rule(dressed(root) if scanned.comments else root, tuple(tail))
