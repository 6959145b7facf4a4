"""Says at the end how much was compared."""

from __future__ import annotations

from typing import Any

from tests.properties.comparison import TALLY


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
