"""Both evaluators over the same people, and who they disagree about."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from segsync.evaluate.columnar.compile import Asked, compile_rule, sql
from segsync.evaluate.columnar.rows import Flattener
from segsync.evaluate.columnar.stage import Stage, database
from segsync.rules import interpret, tree
from segsync.rules.context import ShopContext
from segsync.rules.facts import CustomerFacts
from segsync.rules.format import format_rule
from segsync.rules.moments import Moment

EXPONENT = 2


@dataclass
class Tally:
    """What was compared so far in this run."""

    cases: int = 0
    judgements: int = 0
    members: int = 0


TALLY = Tally()


@contextmanager
def loaded(people: Sequence[CustomerFacts], moment: Moment) -> Iterator[duckdb.DuckDBPyConnection]:
    """The people in the columnar tables, numbered from 1."""
    with tempfile.TemporaryDirectory() as folder, database("1GB", Path(folder), threads=1) as connection:
        with Stage(connection, Flattener(moment.tz)) as stage:
            for number, facts in enumerate(people, 1):
                stage.add(number, 1, facts)
        yield connection


def disagreements(rules: Sequence[tree.Rule], people: Sequence[CustomerFacts], moment: Moment) -> list[str]:
    """One line for each rule about which the evaluators disagree."""
    found: list[str] = []
    with loaded(people, moment) as connection:
        for rule in rules:
            judged = interpret.compile_rule(rule, moment)
            inside = {number for number, facts in enumerate(people, 1) if judged(facts)}
            columnar = {id_ for (id_,) in connection.execute(sql(compile_rule(Asked(rule), moment, EXPONENT, ShopContext()))).fetchall()}
            TALLY.cases += 1
            TALLY.judgements += len(people)
            TALLY.members += len(inside)
            if inside != columnar:
                found.append(f"{format_rule(rule)}\n  at {moment.now} in {moment.tz}: interpreter {sorted(inside)}, columnar {sorted(columnar)}")
    return found
