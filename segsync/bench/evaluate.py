"""The whole evaluation measured beside the same rules written by hand: same files, same process, loading included in both."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from segsync.bench import generate
from segsync.bench.workload import COLUMNS, MOMENT, Question, workload
from segsync.evaluate.columnar import compile as compiler
from segsync.evaluate.columnar import engine
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.columnar.reading import load
from segsync.evaluate.columnar.stage import database
from segsync.rules.check import check_rule
from segsync.rules.context import ShopContext

EXPONENT = 2
CONTEXT = ShopContext()


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark of the whole evaluation found. Times in seconds, memory in bytes; `ratio` is evaluator by hand."""

    customers: int
    orders: int
    activities: int
    rules: int
    evaluator_seconds: float
    by_hand_seconds: float
    ratio: float
    compile_seconds: float
    load_seconds: float
    peak_memory: int
    members: int
    differing_rules: tuple[str, ...]
    unanswered_rules: tuple[str, ...]

    def told(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


def measure(parent: Path, customers: int, orders: int, activities: int, rules: int, memory_limit: str, repeat: int = 2) -> Measured:
    """Make the facts unless they are there, run everything `repeat` times in turn, and take the fastest of each."""
    base = generate.shop(parent, customers, orders, activities, memory_limit)
    questions = workload(rules)
    started = time.perf_counter()
    checked = {place: Asked(check_rule(question.rule).rule) for place, question in enumerate(questions)}
    planned = engine.plan(checked, MOMENT, EXPONENT, CONTEXT)
    for expression in planned.expressions.values():
        compiler.sql(expression)
    compiling = time.perf_counter() - started
    ours: list[tuple[float, float, dict[int, int]]] = []
    theirs: list[tuple[float, dict[int, int]]] = []
    peak = 0
    for _ in range(repeat):
        ours.append(_evaluator(base, parent, questions, memory_limit))
        peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        theirs.append(_by_hand(base, parent, questions, memory_limit))
    evaluator, loading, found = min(ours, key=lambda run: run[0])
    by_hand, expected = min(theirs, key=lambda run: run[0])
    return Measured(
        customers=customers,
        orders=orders,
        activities=activities,
        rules=rules,
        evaluator_seconds=round(evaluator, 3),
        by_hand_seconds=round(by_hand, 3),
        ratio=round(evaluator / by_hand, 3),
        compile_seconds=round(compiling, 3),
        load_seconds=round(loading, 3),
        peak_memory=peak,
        members=sum(size for size in found.values() if size >= 0),
        differing_rules=tuple(questions[place].rule for place in found if found[place] != expected[place]),
        unanswered_rules=tuple(questions[place].rule for place in planned.unanswered),
    )


def _evaluator(base: Path, spill: Path, questions: list[Question], memory_limit: str) -> tuple[float, float, dict[int, int]]:
    started = time.perf_counter()
    rules = {place: Asked(check_rule(question.rule).rule) for place, question in enumerate(questions)}
    with database(memory_limit, spill / "spill") as connection, engine.over(connection, base, None, rules, MOMENT, EXPONENT, CONTEXT) as run:
        loaded = time.perf_counter() - started
        sums = {place: run.keep(place, "members") for place in run.answered}
        return time.perf_counter() - started, loaded, sums


def _by_hand(base: Path, spill: Path, questions: list[Question], memory_limit: str) -> tuple[float, dict[int, int]]:
    started = time.perf_counter()
    with database(memory_limit, spill / "spill") as connection:
        load(connection, base, None, COLUMNS)
        sums: dict[int, int] = {}
        for place, question in enumerate(questions):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE members AS {question.sql}")
            sums[place] = int(connection.execute("SELECT coalesce(sum(hash(id) % 1000003), 0) + count(*) FROM members").fetchall()[0][0])
        return time.perf_counter() - started, sums
