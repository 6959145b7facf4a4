"""Memberships as they should be: everybody judged anew by the interpreter on all that is stored, whatever was stored of them before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from django.db.models import F

from integrations.models import Shop
from segsync.evaluate import cuts
from segsync.evaluate.facts import ALL_KINDS, FactsReader
from segsync.evaluate.models import Disagreement, Membership
from segsync.rules import interpret, tree, windows
from segsync.rules.check import check_rule
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from segsync.store.models import Customer

Members = dict[str, set[int]]


def stored(shop: Shop) -> Members:
    """Who is in each segment of the shop that is on."""
    found: Members = {handle: set() for handle in Segment.objects.filter(shop=shop, state=Segment.State.ON).values_list("handle", flat=True)}
    for handle, customer in Membership.objects.filter(shop=shop, until__isnull=True).values_list("segment__handle", "customer_id"):
        if handle in found:
            found[handle].add(customer)
    return found


def fresh(shop: Shop, now: datetime) -> Members:
    """Who belongs in each segment that is on, by the facts of now and the cuts in force. A paused segment holds whom it held."""
    segments = {row.handle: row for row in Segment.objects.filter(shop=shop).select_related("version")}
    paused = {handle for handle, row in segments.items() if row.state != Segment.State.ON}
    rules = {handle: check_rule(row.rule).rule for handle, row in segments.items() if handle not in paused}
    held: Members = {handle: set() for handle in paused}
    for handle, customer in Membership.objects.filter(shop=shop, segment__handle__in=paused, until__isnull=True).values_list("segment__handle", "customer_id"):
        held[handle].add(customer)
    living = list(Customer.objects.filter(shop=shop, merged_into__isnull=True).values_list("pk", flat=True))
    people = FactsReader(shop, ALL_KINDS).read(living)
    moment, context = Moment(now, shop.tz), cuts.in_force(shop)
    found: Members = {}
    for handle in _in_order(rules, paused):
        known = {**held, **found}
        matches = interpret.compile_rule(rules[handle], moment, context, salt=handle)
        found[handle] = {
            id_ for id_, facts in people.items() if matches(replace(facts, segments=tuple(sorted(one for one, members in known.items() if id_ in members))))
        }
    return found


def _in_order(rules: dict[str, tree.Rule], settled: set[str]) -> Iterator[str]:
    """Each after those that it asks about."""
    waiting, done = dict(rules), set(settled)
    asked = {
        handle: rules.keys() - {handle} if windows.asks_every_segment(rule) else rules.keys() & set(windows.handles(rule)) for handle, rule in rules.items()
    }
    while waiting:
        ready = [handle for handle in waiting if asked[handle] <= done]
        assert ready, f"these ask about each other: {sorted(waiting)}"
        for handle in ready:
            del waiting[handle]
            done.add(handle)
            yield handle


def faults(shop: Shop, now: datetime) -> list[str]:
    """Everything that is not as it must be in a shop with nothing left to do, one line each; empty when all is well."""
    found: list[str] = []
    have, should = stored(shop), fresh(shop, now)
    for handle in sorted(should):
        if have[handle] != should[handle]:
            lacking, too_many = should[handle] - have[handle], have[handle] - should[handle]
            found.append(f"{handle} at {now.isoformat()}: {_names(lacking)} should be in, {_names(too_many)} should not")
    if marked := list(Customer.objects.filter(shop=shop, facts_version__gt=F("judged_version")).values_list("pk", flat=True)):
        found.append(f"still marked: {_names(marked)}")
    open_stays = Membership.objects.filter(shop=shop, until__isnull=True)
    found += [
        f"{segment.handle} is said to have {segment.size} members and has {count}"
        for segment in Segment.objects.filter(shop=shop)
        if segment.size != (count := open_stays.filter(segment=segment).count())
    ]
    if wrong := Disagreement.objects.filter(shop=shop).count():
        found.append(f"the self-check found {wrong} disagreements")
    return found + list(_broken_history(shop))


def _broken_history(shop: Shop) -> Iterator[str]:
    """Stays that end before they begin, or of which one begins before the last has ended."""
    stays = list(Membership.objects.filter(shop=shop).order_by("segment_id", "customer_id", "since", "pk"))
    for stay in stays:
        if stay.until is not None and stay.until < stay.since:
            yield f"a stay of customer {stay.customer_id} ends before it begins"
    for one, other in pairwise(stays):
        if (one.segment_id, one.customer_id) == (other.segment_id, other.customer_id) and (one.until is None or one.until > other.since):
            yield f"customer {one.customer_id} is twice in a segment at a time"


def _names(customers: set[int] | list[int]) -> str:
    return ", ".join(map(str, sorted(customers))) or "nobody"
