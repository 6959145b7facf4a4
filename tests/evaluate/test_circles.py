"""Segments that ask about each other in a circle are refused, and stop nobody but themselves should there be any."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection, transaction

from integrations.models import Shop
from segsync.evaluate.scope import due_segments
from segsync.evaluate.standing import active_segments, recheck
from segsync.rules.dependencies import CycleError
from segsync.rules.edit import VersionConflict, change_rule, create_segment
from segsync.rules.models import Segment, SegmentVersion
from segsync.rules.shop_vocabulary import vocabulary_of
from tests.evaluate.test_judge import incremental, inside, segment, whole
from tests.factories import NOON, customer, tell

LATER = NOON + timedelta(minutes=1)
WAIT = 5  # seconds after which a thread that should have ended counts as stuck


def test_members_of_a_circle_say_so_and_everybody_else_goes_on(shop: Shop) -> None:
    one, other = segment(shop, "number_of_orders >= 2", "one"), segment(shop, "segments CONTAINS 'one'", "other")
    free, asks = segment(shop, "amount_spent > 5", "free"), segment(shop, "segments CONTAINS 'other'", "asks")
    tell(shop, "shopify", customer("1", orders=2, spent=100), customer("2", orders=1, spent=900))
    whole(shop)
    SegmentVersion.objects.filter(segment=one).update(rule="segments CONTAINS 'other'")  # as two who saved at once could
    recheck(shop, LATER)
    told = dict(Segment.objects.values_list("handle", "problem"))
    assert told["one"] == "It cannot be judged: the segments one → other → one depend on each other in a circle; take `segments` out of one of them."
    assert told["other"] == "It cannot be judged: the segments other → one → other depend on each other in a circle; take `segments` out of one of them."
    assert (told["free"], told["asks"]) == ("", "")
    tell(shop, "shopify", customer("1", orders=0, spent=900, version=LATER), customer("2", orders=9, spent=100, version=LATER), now=LATER)
    assert incremental(shop, LATER) == 2
    assert [row.handle for row, _ in active_segments(shop, vocabulary_of(shop))] == ["free", "asks"]
    assert (inside(free), inside(one), inside(other), inside(asks)) == ({"1"}, {"1"}, {"1"}, {"1"})
    change_rule(one, "number_of_orders >= 3", author=None, reason="", now=LATER)
    recheck(shop, LATER)
    assert set(due_segments().values_list("handle", flat=True)) == {"one", "other"}
    whole(shop, LATER + timedelta(minutes=1))
    assert (inside(one), inside(other), inside(asks)) == ({"2"}, {"2"}, {"2"})


def test_a_circle_by_way_of_a_paused_segment_keeps_nobody_from_being_judged(shop: Shop) -> None:
    one, other = segment(shop, "number_of_orders >= 2", "one"), segment(shop, "segments CONTAINS 'one'", "other")
    SegmentVersion.objects.filter(segment=one).update(rule="segments CONTAINS 'other'")
    Segment.objects.filter(pk=one.pk).update(state=Segment.State.PAUSED)
    recheck(shop, LATER)
    assert [row.handle for row, _ in active_segments(shop, vocabulary_of(shop))] == [other.handle]
    assert set(Segment.objects.values_list("problem", flat=True)) == {""}


def test_a_second_segment_of_whoever_is_in_no_other_is_refused(shop: Shop) -> None:
    segment(shop, "segments IS NULL", "rest")
    with pytest.raises(CycleError, match="others → rest → others"):
        segment(shop, "segments IS NULL AND number_of_orders >= 1", "others")
    with pytest.raises(CycleError, match="asks → rest → asks"):
        segment(shop, "segments CONTAINS 'rest'", "asks")


def test_a_rule_is_compared_with_the_one_in_force_and_not_with_what_the_caller_last_saw(shop: Shop) -> None:
    mine = segment(shop, "number_of_orders >= 2")
    stale = Segment.objects.select_related("version").get()
    change_rule(mine, "number_of_orders >= 3", author=None, reason="", now=NOON)
    version = change_rule(stale, "number_of_orders >= 2", author=None, reason="", now=LATER)
    assert version is not None
    assert (version.number, Segment.objects.get().rule) == (3, "number_of_orders >= 2")


def test_a_version_that_was_not_seen_is_not_written_over(shop: Shop) -> None:
    mine = segment(shop, "number_of_orders >= 2")
    change_rule(mine, "number_of_orders >= 3", author=None, reason="", now=NOON)
    with pytest.raises(VersionConflict, match="Version 2 was saved while you were editing; open the page again"):
        change_rule(mine, "number_of_orders >= 4", author=None, reason="", now=LATER, seen=1)
    assert change_rule(mine, "number_of_orders >= 3", author=None, reason="", now=LATER, seen=1) is None  # the same thought twice
    assert change_rule(mine, "number_of_orders >= 4", author=None, reason="", now=LATER, seen=2) is not None


def _behind(first: Callable[[], object], second: Callable[[], object]) -> list[BaseException]:
    """Do `first` in a transaction, begin `second` in another before it ends, and give back what stopped `second`."""
    stopped: list[BaseException] = []

    def behind() -> None:
        try:
            second()
        except Exception as error:
            stopped.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=behind)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(0.5)  # long enough to look at the rules, were it let
    thread.join(WAIT)
    assert not thread.is_alive()
    return stopped


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql  # SQLite has one writer at a time
class TestTwoWhoSaveAtOnce:
    def test_cannot_close_a_circle_by_changing_rules(self) -> None:
        shop = Shop.objects.create(domain="busy.myshopify.com")
        one, other = segment(shop, "number_of_orders >= 2", "one"), segment(shop, "number_of_orders >= 3", "other")
        stopped = _behind(
            lambda: change_rule(one, "segments CONTAINS 'other'", author=None, reason="", now=NOON),
            lambda: change_rule(other, "segments CONTAINS 'one'", author=None, reason="", now=NOON),
        )
        assert [type(error) for error in stopped] == [CycleError]
        assert [row.handle for row, _ in active_segments(shop, vocabulary_of(shop))] == ["other", "one"]

    def test_cannot_close_a_circle_by_making_segments(self) -> None:
        shop = Shop.objects.create(domain="busy.myshopify.com")
        new = {"description": "", "rule": "segments IS NULL", "author": None, "now": NOON}
        stopped = _behind(
            lambda: create_segment(shop, handle="one", name="One", **new),  # type: ignore[arg-type]  # a mapping of different things
            lambda: create_segment(shop, handle="other", name="Other", **new),  # type: ignore[arg-type]  # a mapping of different things
        )
        assert [type(error) for error in stopped] == [CycleError]
        assert list(Segment.objects.values_list("handle", flat=True)) == ["one"]

    def test_do_not_write_over_each_other(self) -> None:
        shop = Shop.objects.create(domain="busy.myshopify.com")
        mine = segment(shop, "number_of_orders >= 2")
        theirs = Segment.objects.select_related("version").get()
        stopped = _behind(
            lambda: change_rule(mine, "number_of_orders >= 3", author=None, reason="", now=NOON, seen=1),
            lambda: change_rule(theirs, "number_of_orders >= 4", author=None, reason="", now=NOON, seen=1),
        )
        assert [type(error) for error in stopped] == [VersionConflict]
        assert Segment.objects.get().rule == "number_of_orders >= 3"
