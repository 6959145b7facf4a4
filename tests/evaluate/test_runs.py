"""A whole evaluation says how far it is, gives way to a newer rule, and leaves nothing half done behind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from pytest_django.fixtures import Settings

from integrations.models import Shop
from segsync.evaluate import judge, runs
from segsync.evaluate.models import WholeRun
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from tests.evaluate.test_judge import at, hold, inside, segment, whole
from tests.factories import NOON, customer, tell


def nth(call: int, act: Callable[[], object]) -> Callable[[], datetime]:
    """A clock that does something when it is asked for the so-manieth time."""
    calls = iter(range(1, 1_000))

    def clock() -> datetime:
        if next(calls) == call:
            act()
        return NOON

    return clock


@pytest.fixture
def some(shop: Shop) -> Segment:
    tell(shop, "shopify", *(customer(str(n), orders=n) for n in range(1, 5)))
    return segment(shop, "number_of_orders >= 3")


def edit(some: Segment, rule: str) -> Callable[[], object]:
    return lambda: change_rule(some, rule, author=None, reason="", now=NOON)


@pytest.mark.parametrize("columnar_from", [0, 20_000])
def test_a_rule_saved_meanwhile_replaces_the_run_and_the_next_judges_by_it(
    shop: Shop, some: Segment, columnar_from: int, settings: Settings, tmp_path: Path
) -> None:
    settings.SEGSYNC_COLUMNAR_FROM, settings.VAR_DIR = columnar_from, tmp_path
    lease = hold(shop)
    with pytest.raises(judge.Replaced):
        judge.judge_everybody(shop, "import", lease, nth(2, edit(some, "number_of_orders >= 2")))
    assert list(WholeRun.objects.values_list("status", "problem")) == [("replaced", "A rule was changed meanwhile.")]
    lease.release()
    whole(shop)
    assert inside(some) == {"2", "3", "4"}


def test_rules_edited_all_the_time_cannot_keep_a_run_from_ending(shop: Shop, some: Segment) -> None:
    lease = hold(shop)
    for place in range(runs.MAX_REPLACED):
        with pytest.raises(judge.Replaced):
            judge.judge_everybody(shop, "import", lease, nth(2, edit(some, f"number_of_orders >= {10 + place}")))
    judge.judge_everybody(shop, "import", lease, nth(2, edit(some, "number_of_orders >= 1")))
    assert WholeRun.objects.filter(status="done").count() == 1
    some.refresh_from_db()
    assert some.judged_version != some.version  # the last edit is still due


def test_a_run_whose_process_died_is_closed_by_the_next(shop: Shop, some: Segment) -> None:
    left = runs.begin(shop, "import", [some], 4, NOON - timedelta(hours=1))
    whole(shop)
    left.refresh_from_db()
    assert (left.status, left.finished_at) == ("failed", NOON)
    assert "everybody was judged anew" in left.problem
    assert inside(some) == {"3", "4"}


def test_two_runs_of_a_shop_at_once_cannot_be(shop: Shop, some: Segment) -> None:
    runs.begin(shop, "import", [some], 4, NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        WholeRun.objects.create(shop=shop, cause="time", as_of=NOON, started_at=NOON, seen_at=NOON, segments=1, customers=4)


def test_whoever_lost_the_shop_stores_nothing_more(shop: Shop, some: Segment) -> None:
    lease = hold(shop)
    lease.release()
    with pytest.raises(judge.LeaseLost):
        judge.judge_everybody(shop, "import", lease, at(NOON))
    assert inside(some) == set()


def test_a_run_tells_how_far_it_is(shop: Shop, some: Segment) -> None:
    lease = hold(shop)
    run = runs.begin(shop, "time", [some], 4, NOON)
    progress = runs.Progress(run, lease, at(NOON + timedelta(seconds=3)), runs.rules_now(shop.pk), replaceable=True)
    progress("judging", 2, 4)
    run.refresh_from_db()
    assert (run.stage, run.done, run.steps, run.seen_at) == ("judging", 2, 4, NOON + timedelta(seconds=3))
