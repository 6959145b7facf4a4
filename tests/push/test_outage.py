"""A platform that is down: called once in half a minute at most, by whomever, and told everything soon after its return."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

import pytest

from integrations import http
from integrations.models import Connection
from segsync import pipeline
from segsync.diff.models import LedgerEntry
from segsync.push.models import Channel
from tests.line import Line

EVERY_BUYER = {101, 102, 103, 105}
HALF_AN_HOUR = 30 * 60


def asked_at(line: Line) -> list[datetime]:
    return sorted(call.at for call in line.server.world.calls.recent(datetime.min.replace(tzinfo=line.now().tzinfo)) if call.account == line.domain)


@pytest.mark.parametrize("how", ["503", "reset", "hang"])
def test_t7_a_platform_that_is_down_is_called_once_in_half_a_minute_and_told_all_within_five_minutes_of_its_return(
    tags: Line, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "TIMEOUT", (0.02, 0.02))
    tags.fault(how, platform="shopify", times=None, seconds=0.04)
    began, before = tags.now(), len(asked_at(tags))
    while (tags.now() - began).total_seconds() < HALF_AN_HOUR:
        tags.tick()  # reading and writing
        tags.wait(2)
    calls = asked_at(tags)[before:]
    assert 15 <= len(calls) <= HALF_AN_HOUR / 30
    later = [at for at in calls if (at - began).total_seconds() > 120]
    assert min((after - one).total_seconds() for one, after in pairwise(later)) >= 30
    tags.server.world.faults.clear()
    monkeypatch.setattr(http, "TIMEOUT", (5, 30))
    for _ in range(150):
        tags.tick()
        tags.wait(2)
    assert tags.tagged() == EVERY_BUYER
    assert not LedgerEntry.objects.filter(acked_at__isnull=True).exists()
    assert (tags.channel().failures, Connection.objects.get().wait_until) == (0, None)
    assert not LedgerEntry.objects.filter(parked_at__isnull=False).exists()


def test_one_failed_call_holds_nobody_else_up(tags: Line) -> None:
    tags.fault("500", "Batch", platform="shopify")
    tags.push()
    assert Connection.objects.get().wait_until is None
    tags.pull()  # goes on as ever


def test_after_a_wait_one_caller_alone_finds_out(tags: Line) -> None:
    Connection.objects.update(wait_until=tags.now())
    tags.fault("503", platform="shopify", times=None)
    asked = tags.calls()
    tags.tick()
    assert tags.calls() == asked + 1
    tags.tick()
    assert tags.calls() == asked + 1
    tags.server.world.faults.clear()
    tags.settle()
    assert tags.tagged() == EVERY_BUYER


def test_t5_whose_turn_is_longest_past_comes_first_however_much_others_have_to_tell(tags: Line, other: Line) -> None:
    other.pull()
    other.segment()
    other.decide()
    both = [tags.channel().pk, other.channel().pk]
    assert set(pipeline.channels_to_push(tags.now())) >= set(both)
    Channel.objects.filter(pk=both[0]).update(due_at=tags.now())
    tags.wait(1)
    assert pipeline.channels_to_push(tags.now())[-1] == both[0]  # never told anything: before whoever was
    Channel.objects.filter(pk=both[1]).update(due_at=tags.now())
    assert [one for one in pipeline.channels_to_push(tags.now()) if one in both] == both
