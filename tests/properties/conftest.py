"""Says at the end how much was compared."""

from __future__ import annotations

from typing import Any

from tests.properties.comparison import TALLY
from tests.properties.machine import MACHINES


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if TALLY.cases:
        terminalreporter.write_line(
            f"Evaluators compared on {TALLY.cases:,} cases (rule, history, instant, time zone): "
            f"{TALLY.judgements:,} judgements, {TALLY.members:,} of them members."
        )
        left = sum(TALLY.unanswered.values())
        terminalreporter.write_line(
            f"Left to the interpreter: {left:,} cases ({', '.join(f'{name} {times}' for name, times in sorted(TALLY.unanswered.items()))})."
        )
    if MACHINES.runs:
        terminalreporter.write_line(
            f"Shops to which anything happened in any order: {MACHINES.runs:,} runs, {MACHINES.steps:,} things that happened, "
            f"{MACHINES.deaths:,} processes that died, {MACHINES.rests:,} times compared at rest."
        )
