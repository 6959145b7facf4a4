"""Which places each segment is written to."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from integrations import registry
from integrations.base import MarkKind
from integrations.models import Connection, Shop
from segsync.diff.models import Target, WritebackSettings
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment
from segsync.store.models import Customer

LIST_PREFIX = "SegSync: "


def settings_of(shop: Shop) -> WritebackSettings:
    """The shop's write-back settings, made with the defaults where there are none yet."""
    return WritebackSettings.objects.get_or_create(shop=shop)[0]


def place_name(kind: MarkKind, segment: Segment, settings: WritebackSettings) -> str:
    """What the segment is called over there: a prefixed tag, or a list's name."""
    return f"{settings.tag_prefix}{segment.handle}" if kind is MarkKind.TAG else f"{LIST_PREFIX}{segment.name}"


def make_targets(shop: Shop) -> int:
    """Give every segment that is on a target at each connection that keeps marks; returns how many were made.

    A segment that has a target at a connection keeps it, whatever it is called by now, also one that was left. A new one is made
    ready once it is known how many people its first write touches (`first_write.begin`).
    """
    settings = settings_of(shop)
    made = 0
    for connection in Connection.objects.filter(shop=shop, status=Connection.Status.CONNECTED):
        kind = registry.connector(connection.vendor).mark
        if kind is None:
            continue
        for segment in Segment.objects.filter(shop=shop, state=Segment.State.ON).exclude(targets__connection=connection):
            with transaction.atomic():
                Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # nobody is routed between reading the targets and being marked
                name = place_name(kind, segment, settings)
                target, new = Target.objects.get_or_create(
                    shop=shop, connection=connection, kind=str(kind), name=name, defaults={"label": f"{LIST_PREFIX}{segment.name}"}
                )
                target.segments.add(segment)
                reroute(shop, [segment])
                made += new
    return made


def reroute(shop: Shop, segments: Iterable[Segment]) -> None:
    """Work out anew what is wanted for everybody in these segments. Call where their state or their targets changed, in that transaction."""
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # nobody is routed between reading the targets and being marked
    members = Membership.objects.filter(segment__in=list(segments), until__isnull=True).values("customer_id")
    Customer.objects.filter(shop=shop, pk__in=members).update(outcome_version=F("outcome_version") + 1)
