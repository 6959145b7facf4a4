"""Both evaluators over the same people, and who they disagree about."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from segsync.evaluate.columnar import cuts
from segsync.evaluate.columnar.compile import Asked, compile_rule, sql
from segsync.evaluate.columnar.layout import MEMBERSHIPS, create
from segsync.evaluate.columnar.rows import Flattener
from segsync.evaluate.columnar.stage import Stage, database
from segsync.rules import interpret, ranks, tree
from segsync.rules.context import RankKey
from segsync.rules.cuts import compute_context
from segsync.rules.facts import CustomerFacts
from segsync.rules.format import format_rule
from segsync.rules.moments import Moment
from segsync.rules.settings import DerivedSettings
from tests.properties.histories import VOCABULARY

EXPONENT = 2
SALT = "some-segment"
DEFAULTS = DerivedSettings(salt="corner-shop")


@dataclass
class Tally:
    """What was compared so far in this run."""

    cases: int = 0
    judgements: int = 0
    members: int = 0
    asked: Counter[str] = field(default_factory=Counter)


TALLY = Tally()


@contextmanager
def loaded(people: Sequence[CustomerFacts], moment: Moment) -> Iterator[duckdb.DuckDBPyConnection]:
    """The people in the columnar tables, numbered from 1."""
    with tempfile.TemporaryDirectory() as folder, database("1GB", Path(folder), threads=1) as connection:
        with Stage(connection, Flattener(moment.tz), Path(folder)) as stage:
            for number, facts in enumerate(people, 1):
                stage.add(number, 1, facts)
        connection.execute(create("memberships", MEMBERSHIPS))
        if stays := [(number, handle) for number, facts in enumerate(people, 1) for handle in facts.segments]:
            connection.executemany("INSERT INTO memberships VALUES (?, ?)", stays)
        yield connection


def disagreements(rules: Sequence[tree.Rule], people: Sequence[CustomerFacts], moment: Moment, shop: DerivedSettings = DEFAULTS) -> list[str]:
    """One line for each rule about which the evaluators disagree, by the cuts of these people."""
    found: list[str] = []
    context = compute_context(people, moment, shop, frozenset[RankKey]().union(*(ranks.keys(rule) for rule in rules)), VOCABULARY)
    with loaded(people, moment) as connection:
        by_columns = cuts.compute(connection, moment, shop, context.ranks, VOCABULARY)
        if by_columns != context:
            found.append(f"cuts at {moment.now} in {moment.tz}: {context} by the definition, {by_columns} by columns")
        for rule in rules:
            statement = sql(compile_rule(Asked(rule, SALT), moment, EXPONENT, context, VOCABULARY))
            judged = interpret.compile_rule(rule, moment, context, VOCABULARY, SALT)
            inside = {number for number, facts in enumerate(people, 1) if judged(facts)}
            columnar = {id_ for (id_,) in connection.execute(statement).fetchall()}
            TALLY.cases += 1
            TALLY.judgements += len(people)
            TALLY.members += len(inside)
            TALLY.asked.update({name for clause in tree.clauses(rule.root) for name in _names(clause.body)})
            if inside != columnar:
                found.append(f"{format_rule(rule)}\n  at {moment.now} in {moment.tz}: interpreter {sorted(inside)}, columnar {sorted(columnar)}")
    return found


def _names(body: tree.Body) -> tuple[str, ...]:
    """The attributes and activities that a condition reads."""
    match body:
        case tree.Sequence():
            return body.first.name, body.then.name
        case tree.Anniversary():
            return (f"anniversary of {body.field_name}",)
        case _:
            return (body.name,)
