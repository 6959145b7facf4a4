"""A large shop judged by columns moves people exactly as one judged one by one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from integrations.models import Shop
from segsync.evaluate import whole as by_columns
from segsync.evaluate.columnar import files
from segsync.evaluate.models import Disagreement, Evaluation, Membership, Snapshot, WholeRun
from segsync.rules.edit import change_rule
from segsync.store.models import Customer
from tests.evaluate.test_judge import hold, incremental, inside, segment, whole
from tests.factories import NOON, customer, opened, order, tell

pytestmark = pytest.mark.usefixtures("columnar")
LATER = NOON + timedelta(minutes=1)


def test_it_agrees_with_the_incremental_path_as_facts_arrive(shop: Shop) -> None:
    some = segment(shop, "orders_placed MATCHES (date >= -30d, count >= 2)")
    tell(shop, "shopify", customer("1"), customer("2"), order("a", "1"), order("b", "1"), order("c", "2"))
    whole(shop)
    assert inside(some) == {"1"}
    assert Evaluation.objects.get().engine == "columnar"
    tell(shop, "shopify", order("d", "2"), now=LATER)
    assert incremental(shop, LATER) == 1
    assert inside(some) == {"1", "2"}
    whole(shop, NOON + timedelta(days=40), cause="time")
    assert inside(some) == set()
    assert set(Membership.objects.values_list("left_cause", flat=True)) == {"time"}
    assert incremental(shop, NOON + timedelta(days=40)) == 0


def test_invariant_6_whoever_changes_while_everybody_is_judged_is_left_to_the_incremental_path(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    some = segment(shop, "number_of_orders >= 2")
    tell(shop, "shopify", customer("1", orders=2), customer("2", orders=2), customer("3", orders=1))
    real = by_columns._apply

    def late(*arguments: Any) -> Any:
        monkeypatch.setattr(by_columns, "_apply", real)
        tell(shop, "shopify", customer("2", orders=1, version=LATER), customer("3", orders=2, version=LATER), now=LATER)
        return real(*arguments)

    monkeypatch.setattr(by_columns, "_apply", late)
    whole(shop)
    assert inside(some) == {"1"}
    assert incremental(shop, LATER) == 2
    assert inside(some) == {"1", "3"}


def test_cuts_are_worked_out_kept_and_used_by_those_who_change_later(shop: Shop) -> None:
    best = segment(shop, "amount_spent IN TOP 1", "best")
    late = segment(shop, "journey_stage = 'LAPSED'", "late")
    told = [
        order(f"{who}{n}", who, NOON - timedelta(days=days))
        for who, ages in {"1": (300, 290, 280), "2": (40, 30, 20, 10)}.items()
        for n, days in enumerate(ages)
    ]
    tell(shop, "shopify", customer("1", spent=100), customer("2", spent=200), customer("3", spent=50), *told)
    whole(shop)
    assert (inside(best), inside(late)) == ({"2"}, {"1"})
    evaluation = Evaluation.objects.get(segment=best)
    assert (evaluation.engine, evaluation.cuts["typical_gap"], evaluation.cuts["ranks"][0][-1]) == ("columnar", "10", ["integer", 200])
    tell(shop, "shopify", customer("3", spent=250, version=LATER), now=LATER)
    incremental(shop, LATER)
    assert inside(best) == {"2", "3"}


def test_a_segment_of_segments_follows_those_that_it_asks_about(shop: Shop) -> None:
    segment(shop, "number_of_orders >= 2", "loyal")
    both = segment(shop, "segments CONTAINS 'loyal' AND customer_tags CONTAINS 'vip'", "both")
    tell(shop, "shopify", customer("1", orders=2, tags=("vip",)), customer("2", orders=2), customer("3", orders=1, tags=("vip",)))
    whole(shop)
    assert inside(both) == {"1"}
    assert Evaluation.objects.get(segment=both).engine == "columnar"


def test_a_chain_of_segments_made_in_any_order_moves_in_one_evaluation(shop: Shop) -> None:
    last, middle, first = (segment(shop, "number_of_orders >= 2", handle) for handle in ("last", "middle", "first"))
    change_rule(middle, "segments CONTAINS 'first' AND customer_tags CONTAINS 'vip'", author=None, reason="", now=NOON)
    change_rule(last, "segments CONTAINS 'middle' OR segments NOT CONTAINS 'first'", author=None, reason="", now=NOON)
    tell(shop, "shopify", customer("1", orders=2, tags=("vip",)), customer("2", orders=2), customer("3", orders=1))
    whole(shop)
    assert (inside(first), inside(middle), inside(last)) == ({"1", "2"}, {"1"}, {"1", "3"})
    tell(shop, "shopify", customer("1", orders=1, tags=("vip",), version=LATER), now=LATER)
    whole(shop, LATER + timedelta(minutes=1))
    assert (inside(first), inside(middle), inside(last)) == ({"2"}, set(), {"1", "3"})


def test_members_of_a_segment_that_rests_are_those_it_had(shop: Shop) -> None:
    loyal = segment(shop, "number_of_orders >= 2", "loyal")
    asking = segment(shop, "segments CONTAINS 'loyal'", "asking")
    tell(shop, "shopify", customer("1", orders=2), customer("2", orders=1))
    whole(shop)
    assert inside(asking) == {"1"}
    type(loyal).objects.filter(pk=loyal.pk).update(state="paused")
    tell(shop, "shopify", customer("1", orders=0, version=LATER), customer("2", orders=5, version=LATER), now=LATER)
    whole(shop, LATER + timedelta(minutes=1))
    assert (inside(loyal), inside(asking)) == ({"1"}, {"1"})


@pytest.mark.parametrize("columnar_from", [0, 10**9], ids=["by columns", "one by one"])
def test_whoever_is_in_no_other_segment_stays_for_as_long_as_that_is_so(shop: Shop, columnar_from: int, settings: Settings) -> None:
    settings.SEGSYNC_COLUMNAR_FROM = columnar_from
    settings.SEGSYNC_SELF_CHECK = 100
    alone, loyal, late = (
        segment(shop, rule, handle) for rule, handle in (("segments IS NULL", "alone"), ("number_of_orders >= 2", "loyal"), ("number_of_orders = 1", "late"))
    )
    tell(shop, "shopify", customer("1", orders=2), customer("2", orders=1), customer("3", orders=0))
    for day in range(3):
        whole(shop, NOON + timedelta(days=day))
        assert (inside(loyal), inside(late), inside(alone)) == ({"1"}, {"2"}, {"3"})
    assert Membership.objects.count() == 3
    assert not Disagreement.objects.exists()
    tell(shop, "shopify", customer("2", orders=0, version=LATER), customer("3", orders=1, version=LATER), now=NOON + timedelta(days=3))
    assert incremental(shop, NOON + timedelta(days=3)) == 2
    assert (inside(loyal), inside(late), inside(alone)) == ({"1"}, {"3"}, {"2"})


def test_merged_people_leave_for_that_reason(shop: Shop) -> None:
    some = segment(shop, "orders_placed MATCHES (count >= 1)")
    tell(shop, "shopify", customer("1", "a@example.com"), customer("2", "b@example.com"), order("a", "1"), order("b", "2"))
    whole(shop)
    tell(shop, "hubspot", customer("77", "a@example.com", "b@example.com"), now=LATER)
    whole(shop, LATER + timedelta(minutes=1), cause="time")
    assert inside(some) == {"1", "2"}
    assert Membership.objects.get(until__isnull=False).left_cause == "merge"
    assert not Customer.objects.exclude(facts_version=1).filter(judged_version=0).exists()


def test_a_rule_text_that_looks_like_sql_stays_a_text(shop: Shop) -> None:
    texts = (r"\'; DROP TABLE customers; --", r"\') OR 1=1 --", "{0}", "%s", "$1", "?", r"a\\")
    some = [segment(shop, f"customer_tags CONTAINS '{text}' OR emails.opened MATCHES (campaign = '{text}')", f"s{n}") for n, text in enumerate(texts)]
    tags = ("'; DROP TABLE customers; --", "') OR 1=1 --", "{0}", "%s", "$1", "?", "a\\")
    tell(shop, "shopify", *(customer(str(n), tags=(tag,)) for n, tag in enumerate(tags)), customer("99", "z@example.com"))
    tell(shop, "hubspot", customer("7", "z@example.com"), opened("e1", "z@example.com"))
    whole(shop)
    assert [inside(each) for each in some] == [{str(n)} for n in range(len(texts))]
    assert set(Evaluation.objects.values_list("engine", flat=True)) == {"columnar"}


def scribble_over_the_snapshot(shop: Shop) -> None:
    """As a failing disk does: the file keeps its size and its time."""
    file = files.folder(shop.pk) / Snapshot.objects.get(shop=shop).base / "customers.parquet"
    told = file.stat()
    file.write_bytes(bytes(told.st_size))
    os.utime(file, ns=(told.st_atime_ns, told.st_mtime_ns))


def test_a_snapshot_damaged_inside_is_written_again_during_the_evaluation(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    some = segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1))
    real = by_columns._judge

    def on_a_failing_disk(*arguments: Any) -> Any:
        monkeypatch.setattr(by_columns, "_judge", real)
        scribble_over_the_snapshot(shop)
        return real(*arguments)

    monkeypatch.setattr(by_columns, "_judge", on_a_failing_disk)
    whole(shop)
    assert inside(some) == {"1"}


def test_who_moved_before_the_snapshot_was_written_again_is_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = segment(shop, "number_of_orders >= 1", "first"), segment(shop, "number_of_orders >= 2", "second")
    tell(shop, "shopify", customer("1", orders=2))
    real = by_columns._stays

    def on_a_failing_disk(its_shop: Shop, of_segment: int) -> Any:
        if of_segment == second.pk:
            monkeypatch.setattr(by_columns, "_stays", real)
            scribble_over_the_snapshot(shop)
            raise duckdb.IOException("a page is damaged")
        return real(its_shop, of_segment)

    monkeypatch.setattr(by_columns, "_stays", on_a_failing_disk)
    whole(shop)
    assert (inside(first), inside(second)) == ({"1"}, {"1"})
    assert dict(Evaluation.objects.values_list("segment__handle", "entered")) == {"first": 1, "second": 1}
    assert WholeRun.objects.get().entered == 2


@pytest.mark.parametrize("error", [duckdb.OutOfMemoryException, duckdb.ConversionException, duckdb.IOException], ids=lambda error: error.__name__)
def test_a_sound_snapshot_outlives_a_failure_of_another_kind(shop: Shop, error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    some = segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1))
    tries: list[int] = []

    def short_of_something(*arguments: Any) -> Any:
        tries.append(1)
        raise error("no room left")

    with monkeypatch.context() as patch:
        patch.setattr(by_columns, "_judge", short_of_something)
        with pytest.raises(error):
            whole(shop)
    assert len(tries) == 1
    before = Snapshot.objects.get(shop=shop)
    whole(shop, LATER)
    assert (Snapshot.objects.get(shop=shop).base, inside(some)) == (before.base, {"1"})


def test_a_lost_lease_stops_the_evaluation(shop: Shop) -> None:
    from segsync.evaluate import judge

    segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1))
    lease = hold(shop)
    lease.release()
    with pytest.raises(judge.LeaseLost):
        judge.judge_everybody(shop, "import", lease, lambda: NOON)
    assert not Membership.objects.exists()


class TestDifference:
    @given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)))
    def test_it_is_the_difference_of_sets(self, wanted: set[int], actual: set[int]) -> None:
        found: Mapping[int, bool] = dict(by_columns.difference(sorted(wanted), sorted(actual)))
        assert {id_ for id_, enters in found.items() if enters} == wanted - actual
        assert {id_ for id_, enters in found.items() if not enters} == actual - wanted
