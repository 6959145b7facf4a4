"""Names with a reader are compared before their data arrives, and the end says how much was compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from segsync.rules import catalogue
from tests.properties.comparison import TALLY
from tests.properties.machine import MACHINES


@pytest.fixture(autouse=True, scope="package")
def _data_for_every_name() -> Iterator[None]:
    """Both evaluators answer what facts can hold, whether or not a source fills it in yet."""
    with pytest.MonkeyPatch.context() as patch:
        for name, attribute in catalogue.ATTRIBUTES.items():
            if attribute.read is not None:
                patch.setitem(catalogue.ATTRIBUTES, name, replace(attribute, awaits=""))  # type: ignore[index]  # a Mapping to everybody else
        for name, activity in catalogue.ACTIVITIES.items():
            if activity.rows is not None:
                parameters = {key: replace(each, awaits="") for key, each in activity.parameters.items()}
                patch.setitem(catalogue.ACTIVITIES, name, replace(activity, awaits="", parameters=parameters))  # type: ignore[index]  # as above
        yield


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if TALLY.cases:
        terminalreporter.write_line(
            f"Evaluators compared on {TALLY.cases:,} cases (rule, history, instant, time zone): {TALLY.judgements:,} judgements, "
            f"{TALLY.members:,} of them members; {len(TALLY.asked)} attributes, properties, activities and anniversaries asked."
        )
    if MACHINES.runs:
        terminalreporter.write_line(
            f"Shops to which anything happened in any order: {MACHINES.runs:,} runs, {MACHINES.steps:,} things that happened, "
            f"{MACHINES.deaths:,} processes that died, {MACHINES.rests:,} times compared at rest."
        )
