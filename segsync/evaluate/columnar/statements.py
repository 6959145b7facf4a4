"""Statements kept for the next time: writing one takes milliseconds, and the same rules are asked again and again on one day.

A statement depends on the day and not on the instant, unless the rule has hours or minutes in it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from ibis.expr import types as ir

from segsync.evaluate.columnar import compile as compiler
from segsync.evaluate.columnar.compile import Asked
from segsync.rules import tree, windows
from segsync.rules.check import check_tree
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment
from segsync.rules.vocabulary import Vocabulary

KEPT = 2_000
_kept: OrderedDict[Any, Statement] = OrderedDict()


class Statement:
    """One rule as a statement for DuckDB, written when it is first asked for, and the columns that it reads, by table."""

    def __init__(self, expression: ir.Table) -> None:
        self.columns = compiler.columns([expression])
        self._expression: ir.Table | None = expression
        self._sql = ""

    @property
    def sql(self) -> str:
        """The statement."""
        expression = self._expression  # of its own: several threads may ask at once
        if expression is not None:
            self._sql = compiler.sql(expression)
            self._expression = None
        return self._sql


def statement(asked: Asked, moment: Moment, exponent: int, context: ShopContext, vocabulary: Vocabulary) -> Statement:
    """The rule's statement for that moment and shop. Raises RuleError as `compile_rule` does, whether the statement is kept or not."""
    check_tree(asked.rule, vocabulary)  # handles and what is withheld decide nothing else, so they are no part of the key
    read = frozenset((name, vocabulary.properties[name]) for name in tree.attribute_names(asked.rule) if name in vocabulary.properties)
    now = moment.now if windows.survey(asked.rule, vocabulary).hour_windows else None
    cuts = (context.settings, context.typical_gap, context.usage, context.rfm, frozenset(context.ranks.items()))
    key = (asked, exponent, moment.tz.key, moment.today, now, cuts, read)
    found = _kept.get(key)
    if found is None:
        found = _kept[key] = Statement(compiler.compile_rule(asked, moment, exponent, context, vocabulary))
        if len(_kept) > KEPT:
            _kept.popitem(last=False)
    return found


def forget() -> None:
    """Keep none: for who measures what writing them costs."""
    _kept.clear()
