"""Everybody is judged only by the rules that are due: edited ones, those that time or cuts move, and those that ask about them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from integrations.models import Shop
from segsync import pipeline
from segsync.evaluate import cuts, judge
from segsync.evaluate.due import moved_house
from segsync.evaluate.models import Evaluation, Schedule, WholeRun
from segsync.evaluate.scope import Scope, edited, scope
from segsync.evaluate.standing import active_segments
from segsync.leases import Lease
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.store.models import Customer
from tests.evaluate.test_judge import at, hold, incremental, inside, segment, whole
from tests.factories import NOON, customer, order, tell

LATER = NOON + timedelta(minutes=1)


def due(shop: Shop, *, wanted: str | None = None, midnight: bool = False, crowded: bool = False) -> Scope:
    vocabulary = vocabulary_of(shop)
    active, in_force = active_segments(shop, vocabulary), cuts.in_force(shop)
    return scope(
        active, wanted=wanted, midnight=midnight, crowded=crowded, new=edited(shop), cuts=in_force, vocabulary=vocabulary, day_began=NOON.replace(hour=0)
    )


def handles(found: Scope) -> dict[str, str | None]:
    return {row.handle: found.causes[row.pk] for row, _ in found.segments}


@pytest.fixture
def five(shop: Shop) -> dict[str, Segment]:
    """Five segments, everybody judged by them."""
    made = {
        "total": segment(shop, "number_of_orders >= 2", "total"),
        "recent": segment(shop, "last_order_date >= -30d", "recent"),
        "best": segment(shop, "amount_spent IN TOP 1", "best"),
        "asks": segment(shop, "segments CONTAINS 'total'", "asks"),
        "late": segment(shop, "usage_rate = 'HEAVY'", "late"),
    }
    tell(shop, "shopify", customer("1", orders=2, spent=900), customer("2", orders=1, spent=100), order("a", "1"), order("b", "1"), order("c", "2"))
    whole(shop)
    return made


@pytest.mark.usefixtures("five")
class TestWhatIsDue:
    def test_nothing_is_after_everybody_was_judged(self, shop: Shop) -> None:
        assert edited(shop) == []
        assert handles(due(shop)) == {}

    def test_an_edit_concerns_its_segment_and_who_asks_about_it(self, shop: Shop, five: dict[str, Segment]) -> None:
        change_rule(five["total"], "number_of_orders >= 3", author=None, reason="", now=LATER)
        found = due(shop)
        assert handles(found) == {"total": "rule", "asks": "rule"}
        assert (found.complete, found.renew) == (False, False)

    def test_an_edit_to_a_rule_whose_cuts_are_in_force_renews_none(self, shop: Shop, five: dict[str, Segment]) -> None:
        change_rule(five["late"], "usage_rate = 'LIGHT'", author=None, reason="", now=LATER)
        found = due(shop)
        assert handles(found) == {"late": "rule"}
        assert not found.renew

    def test_an_edit_that_asks_a_new_rank_renews_all_cuts_and_who_takes_any(self, shop: Shop, five: dict[str, Segment]) -> None:
        change_rule(five["best"], "amount_spent IN TOP 2", author=None, reason="", now=LATER)
        found = due(shop)
        assert handles(found) == {"best": "rule", "late": "time"}
        assert found.renew

    def test_midnight_concerns_what_days_and_cuts_move(self, shop: Shop) -> None:
        found = due(shop, midnight=True)
        assert handles(found) == {"recent": "time", "best": "time", "late": "time"}
        assert found.renew

    def test_any_of_them_concerns_who_asks_about_every_segment_and_who_does_comes_last(self, shop: Shop, five: dict[str, Segment]) -> None:
        segment(shop, "segments IS NULL", "rest")
        segment(shop, "number_of_orders = 1", "once")
        whole(shop, LATER)
        assert handles(due(shop)) == {}
        change_rule(five["late"], "usage_rate = 'LIGHT'", author=None, reason="", now=LATER)
        assert list(handles(due(shop)).items()) == [("late", "rule"), ("rest", "rule")]
        assert list(handles(due(shop, midnight=True)))[-1] == "rest"

    def test_a_back_fill_concerns_all(self, shop: Shop) -> None:
        found = due(shop, wanted="import")
        assert set(handles(found).values()) == {"import"}
        assert (len(found.segments), found.complete) == (5, True)

    def test_a_crowd_of_changes_concerns_all_for_each_persons_own_reason(self, shop: Shop) -> None:
        found = due(shop, crowded=True)
        assert set(handles(found).values()) == {None}
        assert found.complete

    def test_who_asks_comes_after_who_is_asked(self, shop: Shop) -> None:
        order_of = [row.handle for row, _ in due(shop, wanted="import").segments]
        assert order_of.index("total") < order_of.index("asks")


def _judge(shop: Shop, found: Scope, lease: Lease) -> WholeRun:
    return judge.judge_whole(shop, found, "rule", lease, at(LATER))


@pytest.mark.parametrize("columnar_from", [0, 20_000])
def test_marks_stay_while_only_some_rules_were_judged(shop: Shop, five: dict[str, Segment], columnar_from: int, settings: Settings, tmp_path: Path) -> None:
    settings.SEGSYNC_COLUMNAR_FROM, settings.VAR_DIR = columnar_from, tmp_path
    change_rule(five["total"], "number_of_orders >= 1", author=None, reason="", now=NOON)
    tell(shop, "shopify", order("d", "2", placed_at=NOON - timedelta(days=1), total=100_000))
    lease = hold(shop)
    _judge(shop, due(shop), lease)
    lease.release()
    assert (inside(five["total"]), inside(five["asks"])) == ({"1", "2"}, {"1", "2"})
    person = Customer.objects.get(identities__value="2", identities__kind="shopify")
    assert person.facts_version > person.judged_version
    assert incremental(shop, LATER) == 1


def test_a_run_is_on_record_with_what_it_did(shop: Shop, five: dict[str, Segment]) -> None:
    run = WholeRun.objects.get()
    assert (run.status, run.cause, run.customers, run.segments, run.as_of) == ("done", "import", 2, 5, NOON)
    assert (run.entered, run.left, run.rows_read > 2) == (sum(row.entered for row in Evaluation.objects.all()), 0, True)
    assert set(Evaluation.objects.values_list("run", flat=True)) == {run.pk}
    assert five["total"].pk in Segment.objects.filter(judged_version=five["total"].version).values_list("pk", flat=True)


def test_a_crowd_is_so_many_of_a_large_shop(shop: Shop, five: dict[str, Segment], settings: Settings) -> None:
    tell(shop, "shopify", order("d", "2"))
    assert not judge.crowded(shop)
    settings.SEGSYNC_COLUMNAR_FROM, settings.SEGSYNC_WHOLE_SHARE = 1, 50
    assert judge.crowded(shop)
    settings.SEGSYNC_WHOLE_SHARE = 51
    assert not judge.crowded(shop)
    settings.SEGSYNC_WHOLE_SHARE, settings.SEGSYNC_COLUMNAR_FROM = 50, 3
    assert not judge.crowded(shop)


def test_pausing_and_resuming_judges_the_segment_anew(shop: Shop, five: dict[str, Segment]) -> None:
    total = five["total"]
    total.state = Segment.State.PAUSED
    total.save()
    news = NOON + timedelta(seconds=30)
    tell(shop, "shopify", customer("2", orders=2, spent=100, version=news), now=news)
    incremental(shop, news)
    assert (inside(total), edited(shop)) == ({"1"}, [])
    total.state = Segment.State.ON
    total.save()
    pipeline.rule_changed(total, LATER)
    assert handles(due(shop)) == {"total": "rule", "asks": "rule"}
    lease = hold(shop)
    _judge(shop, due(shop), lease)
    lease.release()
    assert (inside(total), inside(five["asks"]), edited(shop)) == ({"1", "2"}, {"1", "2"}, [])


def test_a_shop_in_another_time_zone_is_judged_by_its_new_days(shop: Shop, five: dict[str, Segment]) -> None:
    Schedule.objects.update(whole_wanted_at=None)
    shop.timezone = "Pacific/Auckland"
    shop.save()
    moved_house(shop, NOON)  # a midnight there
    schedule = Schedule.objects.get()
    assert schedule.whole_wanted_at == NOON
    assert timedelta(0) <= schedule.due_at - (NOON + timedelta(days=1)) <= timedelta(minutes=1)  # type: ignore[operator]  # it is due
