"""Which of a shop's segments must be judged over everybody, and by which cuts.

A rule edit concerns its segment and those that ask about it; midnight those that time or cuts can move; a back-fill concerns all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q, QuerySet

from integrations.models import Shop
from segsync.evaluate.models import Cause
from segsync.evaluate.standing import Active
from segsync.rules import windows
from segsync.rules.context import RankKey, ShopContext
from segsync.rules.models import Segment
from segsync.rules.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Scope:
    """The segments to judge, each after those it asks about, and why each (None: by what each person did last).

    `complete`: these are all that are on, so that whoever was marked need not be judged again. `renew`: the cuts are worked out anew;
    otherwise those in force hold.
    """

    segments: Sequence[Active]
    causes: Mapping[int, str | None]
    complete: bool
    renew: bool


def edited(shop: Shop) -> list[int]:
    """The ids of the shop's segments that are on and can be judged, and whose rule in force nobody was judged by yet, or not since they were paused."""
    return list(due_segments().filter(shop=shop).values_list("pk", flat=True))


def due_segments() -> QuerySet[Segment]:
    """Segments of all shops that are on and can be judged, and whose rule in force everybody is yet to be judged by."""
    return Segment.objects.filter(Q(judged_version__isnull=True) | ~Q(judged_version=F("version")), state=Segment.State.ON, version__isnull=False, problem="")


def scope(
    active: Sequence[Active],
    *,
    wanted: str | None,
    midnight: bool,
    crowded: bool,
    new: Sequence[int],
    cuts: ShopContext,
    vocabulary: Vocabulary,
    day_began: datetime,
) -> Scope:
    """What to judge: everything when `wanted` (its cause) or `crowded` (so many people changed that judging all is cheaper), at `midnight`
    what time and cuts can move, and always the `new` segments. `cuts` are those in force; while no segment takes any they are not
    renewed, so a segment that takes some gets new ones when they are from before `day_began`, the shop's last midnight."""
    surveys = {segment.pk: windows.survey(rule.rule, vocabulary) for segment, rule in active}
    takes_cuts = {pk for pk, found in surveys.items() if found.cuts or found.ranks}
    causes: dict[int, str | None] = {}
    if wanted is not None or crowded:
        causes |= dict.fromkeys(surveys, wanted)
    elif midnight:
        causes |= {pk: Cause.TIME for pk, found in surveys.items() if found.day_valued or pk in takes_cuts}
    causes |= {pk: Cause.RULE for pk in new if pk in surveys and wanted is None}
    asked = frozenset[RankKey]().union(*(surveys[pk].ranks for pk in causes))
    stale = cuts.computed_at is None or cuts.computed_at < day_began
    lacking = not asked <= set(cuts.ranks) or (stale and not takes_cuts.isdisjoint(causes))
    renew = wanted is not None or crowded or midnight or lacking
    if renew:
        causes |= {pk: Cause.TIME for pk in takes_cuts if pk not in causes}
    _with_dependents(active, surveys, causes)
    chosen = [pair for pair in active if pair[0].pk in causes]
    return Scope(chosen, causes, complete=len(chosen) == len(active), renew=renew)


def _with_dependents(active: Sequence[Active], surveys: Mapping[int, windows.Survey], causes: dict[int, str | None]) -> None:
    """Add the segments that ask about chosen ones; `active` is in order of dependence, so one walk finds them all."""
    by_handle = {segment.handle: segment.pk for segment, _ in active}
    for segment, _ in active:
        found = surveys[segment.pk]
        asked = [pk for handle, pk in by_handle.items() if found.every_segment or handle in found.handles]
        if reasons := [causes[pk] for pk in asked if pk in causes]:
            causes.setdefault(segment.pk, reasons[0])
