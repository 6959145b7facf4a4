"""Which places each segment is written to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from itertools import chain, count

from django.db import transaction
from django.db.models import F

from integrations import registry
from integrations.base import MarkKind
from integrations.errors import Rejected
from integrations.models import Connection, Shop
from segsync.diff.models import Target, WritebackSettings
from segsync.evaluate.models import Membership
from segsync.rules.models import Segment
from segsync.store.models import Customer

LIST_PREFIX = "SegSync: "
PROPERTY_PREFIX = "segsync_"
LONGEST = 200  # characters of a place's name that are kept


def settings_of(shop: Shop) -> WritebackSettings:
    """The shop's write-back settings, made with the defaults where there are none yet."""
    return WritebackSettings.objects.get_or_create(shop=shop)[0]


def place_name(kind: MarkKind, segment: Segment, settings: WritebackSettings) -> str:
    """What the segment is called over there unless somebody chooses otherwise: a prefixed tag, a list's name, or a property's internal name."""
    match kind:
        case MarkKind.TAG:
            return f"{settings.tag_prefix}{segment.handle}"
        case MarkKind.PROPERTY:
            return PROPERTY_PREFIX + re.sub(r"[^a-z0-9_]", "_", segment.handle.lower())
        case MarkKind.LIST:
            return f"{LIST_PREFIX}{segment.name}"


def add_target(segment: Segment, connection: Connection, kind: MarkKind, name: str, now: datetime) -> Target:
    """Write the segment to one more place; a place of that name that we write to already becomes the segment's as well.

    Names that differ in case alone are one name: platforms take them for the same. Raises Rejected, with a sentence on what to
    do, when the platform does not keep such marks, nothing can be called so, or the place is just being left.
    """
    connector = registry.connector(connection.vendor)
    if connection.shop_id != segment.shop_id:
        raise Rejected("That connection is not this shop's.")
    if kind not in connector.marks or connector.named is None:
        raise Rejected(f"{connector.label} keeps no such marks; choose another kind.")
    missing = connector.asks.get(kind, frozenset()) - set(connection.scopes)
    if missing:
        raise Rejected(f"{connector.label} has not granted {', '.join(sorted(missing))}: connect it again and allow it.")
    connector.named(kind, name)
    if len(name) > LONGEST:
        raise Rejected(f"“{name[:60]}…” is too long: use {LONGEST} characters at most.")
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=segment.shop_id)  # nobody is routed between reading the targets and being marked
        target = _of_that_name(connection, kind, name)
        if target is None:
            label = f"{LIST_PREFIX}{segment.name}"
            target = Target.objects.create(shop=segment.shop, connection=connection, kind=str(kind), name=name, label=label)
        elif target.state == Target.State.LEAVING:
            raise Rejected(f"“{target.name}” is being left: what SegSync wrote there is taken away first. Try again once that is done.")
        elif target.state == Target.State.LEFT:
            Target.objects.filter(pk=target.pk).update(state=Target.State.ON, reason="", external_id="", view_id="", ready_at=None, synced_at=None, due_at=None)
            target.segments.clear()
            target.refresh_from_db()
        _give(target, segment)
    return target


def _of_that_name(connection: Connection, kind: MarkKind, name: str) -> Target | None:
    """The place that the platform would take for the same, case aside."""
    wanted = name.casefold()
    return next((one for one in Target.objects.filter(connection=connection, kind=str(kind)).order_by("pk") if one.name.casefold() == wanted), None)


def _give(target: Target, segment: Segment) -> None:
    """From now on the segment's members have the mark: each is routed anew."""
    target.segments.add(segment)
    reroute(segment.shop, [segment])


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
        for segment in Segment.objects.filter(shop=shop, state=Segment.State.ON).exclude(targets__connection=connection).order_by("pk"):
            with transaction.atomic():
                Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # nobody is routed between reading the targets and being marked
                name = free_name(connection, kind, place_name(kind, segment, settings))
                _give(Target.objects.create(shop=shop, connection=connection, kind=str(kind), name=name, label=f"{LIST_PREFIX}{segment.name}"), segment)
                made += 1
    return made


def free_name(connection: Connection, kind: MarkKind, name: str) -> str:
    """The name, or the first of `name 2`, `name 3` … that nothing is written to yet: two segments share a place only where somebody says so."""
    names = chain([name], (f"{name}{' ' if kind is MarkKind.LIST else '_'}{number}" for number in count(2)))
    return next(one for one in names if _of_that_name(connection, kind, one) is None)


def reroute(shop: Shop, segments: Iterable[Segment]) -> None:
    """Work out anew what is wanted for everybody in these segments. Call where their state or their targets changed, in that transaction."""
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # nobody is routed between reading the targets and being marked
    members = Membership.objects.filter(segment__in=list(segments), until__isnull=True).values("customer_id")
    Customer.objects.filter(shop=shop, pk__in=members).update(outcome_version=F("outcome_version") + 1)
