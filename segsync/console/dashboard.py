"""The first page of the admin: one shop at a time, how many people, how fresh, what waits and what needs somebody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString

from integrations.models import Shop
from segsync import clock
from segsync.console.problems import problems
from segsync.console.wording import plain, platform, when
from segsync.diff.models import LedgerEntry
from segsync.evaluate.models import Membership
from segsync.pull.models import Stream
from segsync.rules.models import Segment
from segsync.store.models import Customer

SHOPS = 200  # offered for choosing


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with what it means and where to see more."""

    title: str
    number: str | SafeString
    text: str
    address: str


@dataclass(frozen=True, slots=True)
class SegmentLine:
    """One segment; `share` is its part of the shop's customers in percent, for the bar."""

    name: str
    address: str
    state: str
    size: str
    share: float
    entered: int
    left: int
    evaluated: str | SafeString


@dataclass(frozen=True, slots=True)
class StreamLine:
    """One stream with its freshness."""

    name: str
    address: str
    as_of: str | SafeString
    tone: str
    text: str


def dashboard_callback(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the overview of the chosen shop (`?shop=` its number; else the first), each part only for who may view it."""
    shops = list(Shop.objects.select_related("writeback")[:SHOPS])
    shop = chosen_shop(request, shops)
    context.update({"shops": shops if len(shops) > 1 else [], "shop": shop, "install_address": reverse("merchant:landing")})
    if shop is not None:
        context.update(_overview(request, shop))
    return context


def chosen_shop(request: HttpRequest, shops: list[Shop]) -> Shop | None:
    """Return the shop that `?shop=` names, else the first one; None when there is none."""
    wanted = request.GET.get("shop", "")
    return next((shop for shop in shops if str(shop.pk) == wanted), shops[0] if shops else None)


def _overview(request: HttpRequest, shop: Shop) -> dict[str, Any]:
    may = request.user.has_perm
    now = clock.now()
    customers, stale = _counted(shop) if may("store.view_customer") or may("rules.view_segment") else (0, 0)
    found: dict[str, Any] = {"tiles": [], "problems": [problem for problem in problems(shop) if may(problem.permission)]}
    if may("store.view_customer"):
        found["tiles"].append(_customers(shop, customers, stale))
    if may("rules.view_segment"):
        found["segments"] = segment_lines(shop, customers, now)
    if may("diff.view_ledgerentry"):
        found["tiles"] += _writing(shop)
    if may("pull.view_stream"):
        found["streams"] = stream_lines(shop, now)
    return found


def _counted(shop: Shop) -> tuple[int, int]:
    """How many customers there are, and how many records are about to be judged."""
    people, changed = Count("pk", filter=Q(merged_into__isnull=True)), Count("pk", filter=Q(facts_version__gt=F("judged_version")))
    found = Customer.objects.filter(shop=shop).aggregate(people=people, changed=changed)
    return found["people"], found["changed"]


def _customers(shop: Shop, customers: int, stale: int) -> Tile:
    text = "all judged by every rule" if not stale else f"{stale:,} changed and about to be judged"
    return Tile("Customers", f"{customers:,}", text, f"{reverse('admin:store_customer_changelist')}?shop__id__exact={shop.pk}")


def _writing(shop: Shop) -> list[Tile]:
    waiting = LedgerEntry.objects.filter(shop=shop, generation__gt=F("acked_generation"), parked_at__isnull=True).count()
    told = LedgerEntry.objects.filter(shop=shop, present=True).aggregate(n=Count("pk"), last=Max("acked_at"))
    ledger = reverse("admin:diff_ledgerentry_changelist")
    return [
        Tile(
            "Waiting to be written",
            f"{waiting:,}",
            "changes not yet told to a platform" if waiting else "everything is told",
            f"{ledger}?left=waiting&shop__id__exact={shop.pk}",
        ),
        Tile(
            "Marks in place",
            f"{told['n']:,}",
            SafeString("tags and list places, last confirmed ") + when(told["last"], shop.tz),
            f"{ledger}?shop__id__exact={shop.pk}",
        ),
    ]


def segment_lines(shop: Shop, customers: int, now: datetime) -> list[SegmentLine]:
    """Return every segment of the shop, the largest first, with who moved in the last 24 hours."""
    since = now - timedelta(days=1)
    stays = Membership.objects.filter(shop=shop)
    entered = dict(stays.filter(since__gte=since).values_list("segment").annotate(n=Count("pk")))
    left = dict(stays.filter(until__gte=since).values_list("segment").annotate(n=Count("pk")))
    return [
        SegmentLine(
            segment.name,
            reverse("admin:rules_segment_change", args=[segment.pk]),
            segment.state,
            f"{segment.size:,}",
            round(100 * segment.size / customers, 1) if customers else 0.0,
            entered.get(segment.pk, 0),
            left.get(segment.pk, 0),
            when(segment.evaluated_at, shop.tz),
        )
        for segment in Segment.objects.filter(shop=shop).order_by("-size", "name")
    ]


def stream_lines(shop: Shop, now: datetime) -> list[StreamLine]:
    """Return every stream of the shop with up to when it has been stored; late is what is overdue by ten minutes."""
    late = Q(due_at__lt=now - timedelta(minutes=10))
    streams = Stream.objects.filter(shop=shop).select_related("connection").annotate(late=Count("pk", filter=late)).order_by("connection__vendor", "name")
    lines = []
    for stream in streams:
        tone, text = "good", "up to date"
        if stream.problem:
            tone, text = "bad", "failing"
        elif stream.window_until is not None:
            tone, text = "idle", "reading"
        elif stream.late:
            tone, text = "warn", "overdue"
        elif stream.pulled_until is None:
            tone, text = "idle", "first reading to come"
        lines.append(
            StreamLine(
                f"{platform(stream.connection.vendor)} {plain(stream.name)}",
                reverse("admin:pull_stream_change", args=[stream.pk]),
                when(stream.pulled_until, shop.tz),
                tone,
                text,
            )
        )
    return lines
