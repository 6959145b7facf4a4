"""A row is held by one process at a time, however many ask for it at once."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q

from integrations.models import Shop
from segsync import heartbeat
from segsync.evaluate.models import Schedule
from segsync.heartbeat import kept
from segsync.leases import Lease, claim
from tests.factories import NOON

TTL = timedelta(seconds=30)


@pytest.fixture
def row(shop: Shop) -> Schedule:
    return Schedule.objects.create(shop=shop, due_at=NOON)


def test_a_lease_that_is_not_given_back_ends_by_itself(row: Schedule) -> None:
    dead = claim(Schedule, row.pk, now=NOON, ttl=TTL)
    assert dead is not None
    assert claim(Schedule, row.pk, now=NOON + TTL, ttl=TTL) is None
    later = claim(Schedule, row.pk, now=NOON + TTL * 2, ttl=TTL)
    assert later is not None
    assert dead.renew(now=NOON, ttl=TTL) is False
    assert dead.release(due_at=None) is False
    row.refresh_from_db()
    assert row.due_at == NOON  # the dead one sets nothing any more
    assert later.release(due_at=None) is True


def test_a_lease_that_ran_out_and_was_taken_by_nobody_can_be_renewed(row: Schedule) -> None:
    slow = claim(Schedule, row.pk, now=NOON, ttl=TTL)
    assert slow is not None
    assert slow.renew(now=NOON + TTL * 3, ttl=TTL) is True
    assert claim(Schedule, row.pk, now=NOON + TTL * 3, ttl=TTL) is None


def test_a_row_is_taken_only_while_what_is_asked_of_it_holds(row: Schedule) -> None:
    assert claim(Schedule, row.pk, now=NOON, ttl=TTL, only=Q(due_at__lt=NOON)) is None
    assert claim(Schedule, row.pk, now=NOON, ttl=TTL, only=Q(due_at__lte=NOON)) is not None


@pytest.mark.django_db(transaction=True)
def test_of_many_that_ask_at_once_one_gets_it() -> None:
    shop = Shop.objects.create(domain="busy.myshopify.com")
    row = Schedule.objects.create(shop=shop)
    won: list[Lease] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        lease = claim(Schedule, row.pk, now=NOON, ttl=TTL)
        if lease is not None:
            won.append(lease)
        connection.close()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1


@pytest.mark.django_db(transaction=True)
def test_a_lease_is_kept_for_as_long_as_a_long_call_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat, "EVERY", 0.02)
    row = Schedule.objects.create(shop=Shop.objects.create(domain="slow.myshopify.com"))
    lease = claim(Schedule, row.pk, now=NOON, ttl=TTL)
    assert lease is not None
    renewed = threading.Event()
    later = NOON + timedelta(hours=1)

    def clock() -> object:
        renewed.set()
        return later

    with kept(lease, clock):  # type: ignore[arg-type]
        assert renewed.wait(5)
    row.refresh_from_db()
    assert row.lease_until == later + TTL
