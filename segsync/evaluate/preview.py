"""What saving a rule would do: who would enter and leave and why, how large its parts are, and what to look at first. Moves nobody."""

from __future__ import annotations

import time
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import islice

from integrations.models import Shop
from segsync.evaluate.cautions import cautions
from segsync.evaluate.facts import FactsReader
from segsync.evaluate.measure import Measured, living, measure, measured_parts
from segsync.evaluate.models import Membership
from segsync.evaluate.overlap import Overlap, overlaps
from segsync.evaluate.whole import difference
from segsync.rules import interpret, tree, windows
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from segsync.rules.parts import Joint, deciding, joint
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.rules.vocabulary import Vocabulary
from segsync.store.models import Identity

NAMES = 10
LOOKED_AT = 30  # people among whom the names are found
TINY = 5
LARGE_SHARE, LARGE_NUMBER = Fraction(1, 5), 500  # leaving that somebody should notice before saving


@dataclass(frozen=True, slots=True)
class Reason:
    """A condition that decides about somebody, whether it holds, and the evidence."""

    clause: str
    holds: bool
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who would enter or leave; `known_as` is an e-mail address, a platform's id, or "" for somebody without either."""

    customer_id: int
    known_as: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """A part of the rule: how many it names alone, and for a part at the top how many there are after it (None: not measured)."""

    text: str
    depth: int
    alone: int
    after: int | None


@dataclass(frozen=True, slots=True)
class Preview:
    """The effect of a rule on a segment as it stands now.

    `customers` are those looked at: all living ones of the shop unless `cut_short`; then nothing is said of sizes and overlaps.
    `entering` and `leaving` are ids, ascending; `arrivals` and `departures` the first ten of each who can be named. `cuts_from` says
    where ranks and cuts come from: "" (none are taken), "in force" or "now"; `cuts_at` when those were worked out. `seconds` is how
    long the preview took.
    """

    customers: int
    total: int
    before: int
    entering: Sequence[int]
    leaving: Sequence[int]
    arrivals: tuple[Person, ...]
    departures: tuple[Person, ...]
    joint: Joint
    sizes: tuple[Size, ...]
    overlaps: tuple[Overlap, ...]
    cautions: tuple[str, ...]
    engine: str
    facts_as_of: datetime
    cuts_from: str
    cuts_at: datetime | None
    cut_short: bool
    seconds: float

    @property
    def unchanged(self) -> int:
        """How many are in and stay in."""
        return self.before - len(self.leaving)

    @property
    def share(self) -> Fraction:
        """The part of the customers that the rule names; 0 without customers."""
        return Fraction(self.total, self.customers) if self.customers else Fraction(0)

    @property
    def leaving_share(self) -> Fraction:
        """The part of the present members who would leave; 0 without members."""
        return Fraction(len(self.leaving), self.before) if self.before else Fraction(0)

    @property
    def large(self) -> bool:
        """Whether more would leave than somebody saves without a second look: over 20 % of the members or over 500 people."""
        return self.leaving_share > LARGE_SHARE or len(self.leaving) > LARGE_NUMBER


def preview(shop: Shop, rule: tree.Rule, now: datetime, segment: Segment | None = None, handle: str = "") -> Preview:
    """What `rule` would do as the rule of `segment`, or of a new segment with that handle. Reads only.

    The rule must have been checked for the shop (`segsync.rules.edit.canonical_rule`). Memberships of other segments are taken as
    they are.
    """
    started = time.monotonic()
    moment, vocabulary = Moment(now, shop.tz), vocabulary_of(shop, *filter(None, [handle]))
    salt = segment.handle if segment else handle
    found = measure(shop, rule, moment, vocabulary, salt)
    before, entering, leaving = _moves(shop, segment, found)
    # Of a part of the shop nothing can be said about all of it, and a part compares with no whole segment.
    lapping = overlaps(shop, found.members, segment.pk if segment else None) if found.upto is None else ()
    of_all = (*_of_size(found), *_of_likeness(lapping)) if found.upto is None else ()
    sizes = tuple(Size(part.text, part.depth, found.alone[part.place], found.after.get(part.place)) for part in measured_parts(rule))
    return Preview(
        customers=found.people,
        total=len(found.members),
        before=before,
        entering=entering,
        leaving=leaving,
        arrivals=_named(shop, found, moment, vocabulary, salt, entering, inside=True),
        departures=_named(shop, found, moment, vocabulary, salt, leaving, inside=False),
        joint=joint(rule),
        sizes=sizes,
        overlaps=lapping,
        cautions=(*of_all, *cautions(shop, rule, moment, vocabulary, nobody={size.text for size in sizes if not size.alone})),
        engine=found.engine,
        facts_as_of=found.facts_as_of,
        cuts_from=found.cuts_from,
        cuts_at=found.context.computed_at if found.cuts_from else None,
        cut_short=found.upto is not None,
        seconds=time.monotonic() - started,
    )


def _moves(shop: Shop, segment: Segment | None, found: Measured) -> tuple[int, array[int], array[int]]:
    """How many are in the segment now, who would enter, and who would leave."""
    entering, leaving = array("q"), array("q")
    stays = _stays(shop, segment, found.upto) if segment else array("q")
    for id_, enters in difference(found.members, stays):
        (entering if enters else leaving).append(id_)
    return len(stays), entering, leaving


def _stays(shop: Shop, segment: Segment, upto: int | None) -> array[int]:
    stays = Membership.objects.filter(shop=shop, segment=segment, until__isnull=True).order_by("customer_id")
    if upto is not None:
        stays = stays.filter(customer_id__lte=upto)
    return array("q", stays.values_list("customer_id", flat=True).iterator(chunk_size=20_000))


def _named(shop: Shop, found: Measured, moment: Moment, vocabulary: Vocabulary, salt: str, ids: Sequence[int], inside: bool) -> tuple[Person, ...]:
    """The first ten of these people about whom the facts as they are this minute say the same."""
    return tuple(islice(_people(shop, found, moment, vocabulary, salt, ids[:LOOKED_AT], inside), NAMES))


def _people(shop: Shop, found: Measured, moment: Moment, vocabulary: Vocabulary, salt: str, ids: Sequence[int], inside: bool) -> Iterator[Person]:
    reader = FactsReader(shop, windows.needs(found.rule, vocabulary), windows.activity_kinds(found.rule, vocabulary))
    clauses = list(tree.clauses(found.rule.root))
    for start in range(0, len(ids), NAMES):
        some = list(living(shop).filter(pk__in=list(ids[start : start + NAMES])).order_by("pk").values_list("pk", flat=True))
        names = _names(shop, some)
        for id_, facts in reader.read(some).items():
            verdict = interpret.judge(found.rule, facts, moment, found.context, vocabulary, salt)
            if verdict.matched is not inside:
                continue  # their facts have changed since they were measured
            told = {id(clause): said for clause, said in zip(clauses, verdict.clauses, strict=True)}
            decisive = deciding(found.rule.root, {key: said.truth for key, said in told.items()})
            reasons = (told[id(clause)] for clause in decisive)
            yield Person(id_, names.get(id_, ""), tuple(Reason(said.clause, said.truth, said.evidence) for said in reasons))


def _names(shop: Shop, ids: Sequence[int]) -> dict[int, str]:
    """How people know each of these: the oldest e-mail address, else a platform's id."""
    rows = list(Identity.objects.filter(customer__shop=shop, customer_id__in=ids).order_by("-pk").values_list("customer_id", "kind", "value"))
    platform = {owner: value for owner, kind, value in rows if kind != Identity.EMAIL}
    return platform | {owner: value for owner, kind, value in rows if kind == Identity.EMAIL}


def _of_size(found: Measured) -> Iterator[str]:
    size = len(found.members)
    if not size:
        yield "Nobody is named by this rule now."
    elif size < TINY:
        yield f"Only {size} {'person is' if size == 1 else 'people are'} named by this rule now."
    elif size == found.people:
        yield "Every customer is named by this rule."


def _of_likeness(lapping: Sequence[Overlap]) -> Iterator[str]:
    for overlap in lapping:
        if overlap.near_duplicate:
            yield f"Nearly the same people as in the segment {overlap.name}: {overlap.shared:,} are in both. One of the two may be enough."
