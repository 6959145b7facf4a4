"""How many people a rule and each of its parts name now, by whichever evaluator suits the shop. Moves nobody."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import duckdb
import structlog
from django.conf import settings
from django.db.models import QuerySet

from integrations.models import Shop
from segsync.evaluate import cuts
from segsync.evaluate.columnar import engine, snapshot
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.facts import FactsReader
from segsync.evaluate.models import Snapshot
from segsync.evaluate.whole import context_of
from segsync.rules import interpret, tree, windows
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment
from segsync.rules.parts import Part, first, joint, parts
from segsync.rules.vocabulary import Vocabulary
from segsync.store.models import Customer

log = structlog.get_logger(__name__)
BATCH = 500
MOST_PARTS = 40  # measured by themselves; a rule of more is too long to be read part by part
CHANGED_AT_ONCE = 2_000  # people whose newer facts are read before measuring; with more of them, the snapshot is taken as it is
PATIENCE = 20.0  # seconds that somebody who waits for a page is kept, when each customer must be looked at


@dataclass(slots=True)
class Measured:
    """Who a rule names, ascending, and how large its parts are.

    `alone` has a size for each measured part by its place; `after` how many remain (AND) or have come together (OR) after each part
    at the top, by its place. `upto` is the last customer looked at when time ran out before all were; None: all were.
    """

    rule: tree.Rule
    context: ShopContext
    cuts_from: str  # "": it takes none; "in force"; "now"
    engine: str
    facts_as_of: datetime
    people: int = 0
    upto: int | None = None
    members: array[int] = field(default_factory=lambda: array("q"))
    alone: dict[int, int] = field(default_factory=dict)
    after: dict[int, int] = field(default_factory=dict)


def measure(shop: Shop, rule: tree.Rule, moment: Moment, vocabulary: Vocabulary, salt: str = "") -> Measured:
    """Measure a rule that was checked by that vocabulary. Shops of SEGSYNC_COLUMNAR_FROM customers or more are measured by columns, as of
    their snapshot, which is written when there is none yet; smaller ones one customer at a time, for as long as somebody may be kept waiting.
    """
    total = living(shop).count()
    if total < settings.SEGSYNC_COLUMNAR_FROM:
        return _one_by_one(shop, rule, moment, vocabulary, salt, total)
    current = _snapshot(shop, moment.now)
    try:
        found = _by_columns(shop, rule, moment, vocabulary, salt, current)
    except duckdb.Error as error:  # replaced while it was being read: the one in force now will do
        log.warning("preview.snapshot_unreadable", shop__id=shop.pk, generation=current.generation, error=type(error).__name__)
        found = _by_columns(shop, rule, moment, vocabulary, salt, snapshot.refresh(shop, moment.now))
    found.people = total
    return found


def living(shop: Shop) -> QuerySet[Customer]:
    """The shop's customers without those merged into others."""
    return Customer.objects.filter(shop=shop, merged_into__isnull=True)


def measured_parts(rule: tree.Rule) -> tuple[Part, ...]:
    """The parts that are measured: those at the top before those in groups, in the order of the text."""
    every = parts(rule)
    if len(every) <= MOST_PARTS:
        return every
    chosen = sorted(every, key=lambda part: (part.depth > 0, part.place))[:MOST_PARTS]
    return tuple(sorted(chosen, key=lambda part: part.place))


def _snapshot(shop: Shop, now: datetime) -> Snapshot:
    """The snapshot in force, brought up to date unless so many people changed since that somebody would be kept waiting."""
    current = snapshot.in_force(shop)
    if current is None:
        return snapshot.refresh(shop, now)
    changed = Customer.objects.filter(shop=shop, changed_at__gte=current.as_of).count()
    return snapshot.refresh(shop, now) if 0 < changed <= CHANGED_AT_ONCE else current


def _by_columns(shop: Shop, rule: tree.Rule, moment: Moment, vocabulary: Vocabulary, salt: str, current: Snapshot) -> Measured:
    context, cuts_from = _known_context(shop, rule, moment, vocabulary)
    context = context or context_of(shop, current, [rule], moment, vocabulary)
    found = Measured(rule, context, cuts_from, "columnar", current.as_of)
    chosen = measured_parts(rule)
    top = [part for part in chosen if part.depth == 0]
    several = joint(rule) != ""
    asked = {("rule", 0): Asked(rule, salt)}
    if several:
        asked |= {("alone", part.place): Asked(tree.Rule(part.node), salt) for part in chosen}
        asked |= {("after", part.place): Asked(first(rule, number), salt) for number, part in enumerate(top[:-1], 1) if number > 1}
    else:
        asked |= {("alone", part.place): Asked(tree.Rule(part.node), salt) for part in chosen if part.depth}
    with engine.opened(shop, current, asked, moment, context, vocabulary) as run:
        found.members.extend(run.members(("rule", 0)))
        for kind, place in asked:
            if kind != "rule":
                sizes = found.alone if kind == "alone" else found.after
                sizes[place] = run.size((kind, place))
    if not several:
        found.alone[top[0].place] = len(found.members)
    found.after[top[0].place] = found.alone[top[0].place]
    if len([part for part in parts(rule) if part.depth == 0]) == len(top):
        found.after[top[-1].place] = len(found.members)
    return found


def _known_context(shop: Shop, rule: tree.Rule, moment: Moment, vocabulary: Vocabulary) -> tuple[ShopContext | None, str]:
    """The context when nothing need be worked out: the rule takes no cuts, or those in force are of today and hold all it takes."""
    found = windows.survey(rule, vocabulary)
    if not found.ranks and not found.cuts:
        return ShopContext(cuts.settings_of(shop), computed_at=moment.now), ""
    kept = cuts.in_force(shop)
    if kept.computed_at is not None and moment.local_day(kept.computed_at) == moment.today and found.ranks <= set(kept.ranks):
        return kept, "in force"
    return None, "now"


def _one_by_one(shop: Shop, rule: tree.Rule, moment: Moment, vocabulary: Vocabulary, salt: str, total: int) -> Measured:
    context, cuts_from = _known_context(shop, rule, moment, vocabulary)
    context = context or cuts.worked_out(shop, [rule], moment.now)
    found = Measured(rule, context, cuts_from, "interpreter", moment.now, people=total)
    chosen = measured_parts(rule)
    every = [part for part in parts(rule) if part.depth == 0]
    judges = {part.place: interpret.compile_checked(tree.Rule(part.node), moment, context, vocabulary, salt) for part in (*chosen, *every)}
    is_or = joint(rule) == "OR"
    found.alone = {part.place: 0 for part in chosen}
    found.after = {part.place: 0 for part in chosen if part.depth == 0}
    reader = FactsReader(shop, windows.needs(rule, vocabulary), windows.activity_kinds(rule, vocabulary))
    deadline = time.monotonic() + PATIENCE
    looked_at = 0
    for ids in _batches(shop):
        for id_, facts in reader.read(ids).items():
            truths = {place: judge(facts) for place, judge in judges.items()}
            for place in found.alone:
                found.alone[place] += truths[place]
            inside = not is_or
            for part in every:
                inside = (inside or truths[part.place]) if is_or else (inside and truths[part.place])
                if part.place in found.after:
                    found.after[part.place] += inside
            if inside:
                found.members.append(id_)
        looked_at += len(ids)
        if time.monotonic() > deadline and looked_at < total:
            found.upto, found.people = ids[-1], looked_at
            log.info("preview.cut_short", shop__id=shop.pk, looked_at=looked_at, customers=total)
            break
    return found


def _batches(shop: Shop) -> Iterator[list[int]]:
    last = 0
    while ids := list(living(shop).filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield ids
        last = ids[-1]
