"""Whole evaluations on record: begun, seen to go on, replaced or ended. At most one runs in a shop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from django.db import transaction

from integrations.models import Shop
from segsync.evaluate.models import WholeRun
from segsync.heartbeat import TTL
from segsync.leases import Lease
from segsync.rules.models import Segment

TELL_EVERY = timedelta(seconds=1)
# A shop whose rules are edited all the time is judged to the end all the same once so many runs in a row were replaced.
MAX_REPLACED = 3


class LeaseLost(Exception):
    """Somebody else decides for this shop now."""


class Replaced(Exception):
    """A rule changed while everybody was judged: what is left to do is no longer what was begun."""


class Progress:
    """Tells how far a run is, keeps its lease, and stops it when the rules that it judges by are no longer the rules.

    Called between batches with the stage's name, the steps done of it, and how many there are.
    """

    def __init__(self, run: WholeRun, lease: Lease, clock: Callable[[], datetime], rules: frozenset[tuple[int, int | None]], *, replaceable: bool) -> None:
        self._run = run
        self._lease = lease
        self._clock = clock
        self._rules = rules
        self._replaceable = replaceable
        self._told: tuple[str, datetime] | None = None

    def __call__(self, stage: str, done: int = 0, steps: int = 0) -> None:
        """Say it, at most once a second. Raises LeaseLost or Replaced, after which nothing more of the run may be stored."""
        now = self._clock()
        hold(self._lease, now)
        if self._replaceable and rules_now(self._run.shop_id) != self._rules:
            raise Replaced
        if self._told and self._told[0] == stage and now < self._told[1] + TELL_EVERY:
            return
        self._told = (stage, now)
        WholeRun.objects.filter(pk=self._run.pk, status=WholeRun.Status.RUNNING).update(stage=stage, done=done, steps=steps, seen_at=now)


def hold(lease: Lease, now: datetime) -> None:
    """Keep the lease for a while longer. Raises LeaseLost."""
    if not lease.renew(now=now, ttl=TTL):
        raise LeaseLost


def rules_now(shop_id: int) -> frozenset[tuple[int, int | None]]:
    """The segments that are on, with their rules' versions."""
    return frozenset(Segment.objects.filter(shop_id=shop_id, state=Segment.State.ON, version__isnull=False).values_list("pk", "version_id"))


def begin(shop: Shop, cause: str | None, segments: Sequence[Segment], customers: int, now: datetime) -> WholeRun:
    """A new run on record; one that a process left behind is closed."""
    with transaction.atomic():
        WholeRun.objects.filter(shop=shop, status=WholeRun.Status.RUNNING).update(
            status=WholeRun.Status.FAILED, finished_at=now, problem="Its process ended before it was done; everybody was judged anew."
        )
        return WholeRun.objects.create(shop=shop, cause=cause or "", as_of=now, started_at=now, seen_at=now, segments=len(segments), customers=customers)


def end(run: WholeRun, status: str, now: datetime, **fields: object) -> None:
    """Close the run, setting `fields` with it."""
    WholeRun.objects.filter(pk=run.pk, status=WholeRun.Status.RUNNING).update(status=status, finished_at=now, seen_at=now, stage="", **fields)


def replaced_in_a_row(shop: Shop) -> int:
    """How many of the shop's latest runs were replaced before they were done."""
    latest = WholeRun.objects.filter(shop=shop).order_by("-pk").values_list("status", flat=True)[:MAX_REPLACED]
    return next((place for place, status in enumerate(latest) if status != WholeRun.Status.REPLACED), len(latest))
