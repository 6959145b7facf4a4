"""The whole evaluation measured beside the same rules written by hand: same files, same process, loading included in both."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from segsync.bench import generate
from segsync.bench.workload import COLUMNS, MOMENT, Question, workload
from segsync.evaluate.columnar import compile as compiler
from segsync.evaluate.columnar import engine, statements
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.columnar.reading import load
from segsync.evaluate.columnar.stage import database
from segsync.rules.check import check_rule
from segsync.rules.context import ShopContext

EXPONENT = 2
CONTEXT = ShopContext()


@dataclass(frozen=True, slots=True)
class Measured:
    """What a benchmark of the whole evaluation found. Times in seconds, memory in bytes; a ratio is the evaluator's by the other's.

    Times of the processor tell more than the clock on a machine that has other work.
    """

    customers: int
    orders: int
    activities: int
    rules: int
    evaluator_seconds: float
    by_hand_seconds: float
    ratio: float
    evaluator_cpu_seconds: float
    by_hand_cpu_seconds: float
    cpu_ratio: float
    compile_seconds: float
    load_seconds: float
    peak_memory: int
    differing_rules: tuple[str, ...]

    def told(self) -> dict[str, object]:
        """As plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Run:
    """One run: by the clock, by the processor, and, for each rule, a number that tells two sets of members apart."""

    seconds: float
    processor: float
    loading: float
    members: dict[int, int]


def measure(parent: Path, customers: int, orders: int, activities: int, rules: int, memory_limit: str, repeat: int = 2) -> Measured:
    """Make the facts unless they are there, run everything `repeat` times in turn, and take the fastest of each."""
    base = generate.shop(parent, customers, orders, activities, memory_limit)
    questions = workload(rules)
    started = time.perf_counter()
    checked = {place: Asked(check_rule(question.rule).rule) for place, question in enumerate(questions)}
    for asked in checked.values():
        compiler.sql(compiler.compile_rule(asked, MOMENT, EXPONENT, CONTEXT))
    compiling = time.perf_counter() - started
    ours: list[_Run] = []
    theirs: list[_Run] = []
    peak = 0
    for _ in range(repeat):
        ours.append(_evaluator(base, parent, questions, memory_limit))
        peak = peak or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        theirs.append(_by_hand(base, parent, questions, memory_limit))
    evaluator, by_hand = min(ours, key=lambda run: run.seconds), min(theirs, key=lambda run: run.seconds)
    processor, by_hand_processor = min(run.processor for run in ours), min(run.processor for run in theirs)
    found, expected = evaluator.members, by_hand.members
    return Measured(
        customers=customers,
        orders=orders,
        activities=activities,
        rules=rules,
        evaluator_seconds=round(evaluator.seconds, 3),
        by_hand_seconds=round(by_hand.seconds, 3),
        ratio=round(evaluator.seconds / by_hand.seconds, 3),
        evaluator_cpu_seconds=round(processor, 3),
        by_hand_cpu_seconds=round(by_hand_processor, 3),
        cpu_ratio=round(processor / by_hand_processor, 3),
        compile_seconds=round(compiling, 3),
        load_seconds=round(evaluator.loading, 3),
        peak_memory=peak,
        differing_rules=tuple(questions[place].rule for place in found if found[place] != expected[place]),
    )


def _evaluator(base: Path, spill: Path, questions: list[Question], memory_limit: str) -> _Run:
    statements.forget()  # each run writes its own
    started, processor = time.perf_counter(), time.process_time()
    rules = {place: Asked(check_rule(question.rule).rule) for place, question in enumerate(questions)}
    with database(memory_limit, spill / "spill") as connection, engine.over(connection, base, None, rules, MOMENT, EXPONENT, CONTEXT) as run:
        loaded = time.perf_counter() - started
        members = {place: run.keep(place, "members") for place in rules}
        return _Run(time.perf_counter() - started, time.process_time() - processor, loaded, members)


def _by_hand(base: Path, spill: Path, questions: list[Question], memory_limit: str) -> _Run:
    started, processor = time.perf_counter(), time.process_time()
    with database(memory_limit, spill / "spill") as connection:
        load(connection, base, None, COLUMNS)
        loaded = time.perf_counter() - started
        members: dict[int, int] = {}
        for place, question in enumerate(questions):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE members AS {question.sql}")
            members[place] = int(connection.execute("SELECT coalesce(sum(hash(id) % 1000003), 0) + count(*) FROM members").fetchall()[0][0])
        return _Run(time.perf_counter() - started, time.process_time() - processor, loaded, members)
