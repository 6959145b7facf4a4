"""Fresh and exact: whatever happens to a shop, in whatever order, at rest its memberships are those of everybody judged anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django.fixtures import Settings

from segsync.evaluate import due
from segsync.store import upsert
from tests.properties.machine import AnyOrder, Difference
from tests.properties.test_evaluators_agree import CASES

RUNS = max(30, CASES // 10)
PLAIN = settings(max_examples=RUNS, stateful_step_count=16, deadline=None, database=None, suppress_health_check=list(HealthCheck))
SEARCH = settings(PLAIN, max_examples=60, derandomize=True, phases=(Phase.generate,), report_multiple_bugs=False)


@pytest.fixture(autouse=True)
def files(settings: Settings, tmp_path: Path) -> None:
    """Snapshots go where the test says."""
    settings.VAR_DIR = tmp_path


@pytest.mark.usefixtures("db")
def test_memberships_are_those_of_everybody_judged_anew() -> None:
    run_state_machine_as_test(AnyOrder, settings=PLAIN)  # type: ignore[no-untyped-call]


def nobody_is_marked(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(upsert, "mark_changed", lambda *_: None)


def hours_are_not_watched(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(due, "sweep", lambda *_: 0)


def midnight_never_comes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(due, "next_midnight_turn", lambda *_: datetime(2100, 1, 1, tzinfo=UTC))


@pytest.mark.usefixtures("db")
@pytest.mark.parametrize("mistake", [nobody_is_marked, hours_are_not_watched, midnight_never_comes])
def test_a_mistake_is_caught(mistake: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    mistake(monkeypatch)
    with pytest.raises(Difference):
        run_state_machine_as_test(AnyOrder, settings=SEARCH)  # type: ignore[no-untyped-call]
