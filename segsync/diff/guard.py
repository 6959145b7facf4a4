"""The guard: a change that would take a mark from many people at once waits for a person.

Every source of a mass removal comes through here (a rule, a paused segment, data lost page by page), because it counts what the
ledger is about to take away and has just taken away, whatever the cause.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db.models import Count, Exists, F, OuterRef, Q

from integrations.models import Shop
from segsync.diff.models import Hold, LedgerEntry, Target, WritebackSettings
from segsync.diff.sources import Loss, lost_sources
from segsync.diff.targets import settings_of
from segsync.evaluate.models import Cause, Membership
from segsync.rules.models import Segment
from segsync.store.models import Customer

log = structlog.get_logger(__name__)
WINDOW = timedelta(hours=1)  # removals of so long are counted as one change
FEW = 500  # customers waiting who are looked up by their numbers; for more, the marks are looked through
OURS = Q(owned_since__isnull=False) | Q(sent_at__isnull=False)  # a mark under way counts as set
UNTOLD = Q(generation__gt=F("acked_generation"))


@dataclass(frozen=True, slots=True)
class Weight:
    """What a change would take away from one target, those it took within the window included, of how many."""

    removals: int
    holders: int

    def exceeds(self, settings: WritebackSettings, losses: Collection[Loss]) -> bool:
        """Whether a person must decide. Where a source is lost, few people are no excuse: its share alone counts."""
        share = self.holders * settings.guard_share / 100
        return self.removals > (share if losses else max(share, settings.guard_people))


def look(shop: Shop, now: datetime, also: Collection[int] = ()) -> Counter[int]:
    """Hold the targets from which routing who waits now would take too much; returns by target how many it will take away.

    A hold whose change has gone back below the limit lapses. Must run in a transaction that holds the shop's row, before who waits is
    routed. `also` are targets to weigh although nobody who waits leaves them.
    """
    waiting = Customer.objects.filter(shop=shop, outcome_version__gt=F("routed_version"))
    ids = list(waiting.values_list("pk", flat=True)[: FEW + 1])
    ahead = _ahead(shop, ids if len(ids) <= FEW else None) if ids else Counter[int]()
    asked = Target.objects.filter(Q(pk__in=[*ahead, *also]) | Q(held_at__isnull=False), shop=shop, state=Target.State.ON)
    weigh(shop, list(asked), now, ahead)
    return ahead


def weigh(shop: Shop, targets: Sequence[Target], now: datetime, ahead: Counter[int] | None = None) -> int:
    """Hold those of these targets that lose too much, and let go those that no longer do; returns how many are held. `ahead`: still to be wanted."""
    if not targets:
        return 0
    settings, losses, held = settings_of(shop), lost_sources(shop), 0
    for target in targets:
        weight = _weight(target, (ahead or Counter())[target.pk], losses, now)
        if weight.exceeds(settings, losses):
            _hold(target, weight, settings, losses, now)
            held += 1
        elif target.held_at is not None:
            _close(target, Hold.Decision.LAPSED, now)
            log.info("hold.lapsed", target__id=target.pk, shop__id=shop.pk)
    return held


def losing(target: Target) -> Q:
    """Which marks of a target are held: wanted no longer, ours, and not told since the last approval."""
    approved = _approved_at(target)
    return Q(wanted=False) & OURS & UNTOLD & (Q(wanted_at__gt=approved) if approved else Q())


def _ahead(shop: Shop, ids: Sequence[int] | None) -> Counter[int]:
    """By target: marks of ours that are wanted, on people who wait to be routed and belong no more."""
    stays = Membership.objects.filter(
        customer=OuterRef("profile__customer"), until__isnull=True, segment__state=Segment.State.ON, segment__targets=OuterRef("target")
    )
    marks = LedgerEntry.objects.filter(OURS, ~Exists(stays), shop=shop, wanted=True, profile__gone_at__isnull=True, target__state=Target.State.ON)
    if ids is None:
        marks = marks.filter(profile__customer__outcome_version__gt=F("profile__customer__routed_version"))
    else:
        marks = marks.filter(profile__customer__in=ids)
    return Counter(dict(marks.order_by().values_list("target").annotate(n=Count("pk"))))


def _weight(target: Target, ahead: int, losses: Collection[Loss], now: datetime) -> Weight:
    """Since the window began; since the hold was asked for or a source was lost, where that was before; never before the last approval."""
    hold = Hold.objects.filter(target=target, decision=Hold.Decision.WAITING).first()
    began = min([now, *([hold.asked_at] if hold else []), *(loss.since for loss in losses)]) - WINDOW
    approved = _approved_at(target)
    fresh = Q(wanted_at__gt=approved) if approved else Q()
    taken = Q(wanted=False, outcome=LedgerEntry.Outcome.DONE, acked_at__gte=began) & ~UNTOLD & fresh
    has = OURS | Q(present=True)
    if approved:
        has &= ~Q(wanted=False, wanted_at__lte=approved)
    found = LedgerEntry.objects.filter(target=target).aggregate(
        pending=Count("pk", filter=losing(target)), taken=Count("pk", filter=taken), has=Count("pk", filter=has)
    )
    return Weight(ahead + found["pending"] + found["taken"], found["has"] + found["taken"])


def _approved_at(target: Target) -> datetime | None:
    return (
        Hold.objects.filter(target=target, decision=Hold.Decision.APPROVED, decided_at__isnull=False)
        .order_by("-decided_at")
        .values_list("decided_at", flat=True)
        .first()
    )


def _hold(target: Target, weight: Weight, settings: WritebackSettings, losses: Sequence[Loss], now: datetime) -> None:
    numbers = {"removals": weight.removals, "holders": weight.holders, "why": _why(target, weight, settings, losses, now)[:300]}
    _, made = Hold.objects.update_or_create(
        target=target, decision=Hold.Decision.WAITING, defaults=numbers, create_defaults=numbers | {"shop": target.shop, "asked_at": now}
    )
    Target.objects.filter(pk=target.pk, held_at__isnull=True).update(held_at=now)
    if made:
        log.warning("target.held", target__id=target.pk, shop__id=target.shop_id, removals=weight.removals, holders=weight.holders)


def _close(target: Target, decision: Hold.Decision, now: datetime) -> None:
    Hold.objects.filter(target=target, decision=Hold.Decision.WAITING).update(decision=decision, decided_at=now)
    Target.objects.filter(pk=target.pk).update(held_at=None)


def _why(target: Target, weight: Weight, settings: WritebackSettings, losses: Sequence[Loss], now: datetime) -> str:
    """Which limit, and what the change comes from, as far as rows tell."""
    limit = f"more than {settings.guard_share} %" + ("" if losses else f" and more than {settings.guard_people:,} people")
    said = f"{weight.removals:,} of {weight.holders:,} people would lose the mark: {limit}."
    if losses:
        return f"{said} {losses[0].sentence}"
    paused = target.segments.exclude(state=Segment.State.ON).values_list("name", flat=True).first()
    if paused is not None:
        return f"{said} The segment {paused} is paused."
    left = Membership.objects.filter(segment__targets=target, until__gte=now - WINDOW).values_list("left_cause").annotate(n=Count("pk")).order_by("-n").first()
    return f"{said} Most of them left because of {Cause(left[0]).label}." if left and left[0] in Cause.values else said
