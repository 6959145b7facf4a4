"""Which segments of a shop can be judged now, and why the others cannot: theirs stay as they are, and everybody else goes on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import transaction

from integrations.models import Shop
from integrations.registry import property_name
from segsync.pull.models import Stream
from segsync.pull.run import ask_again
from segsync.rules import check, dependencies
from segsync.rules.errors import RuleError
from segsync.rules.models import Segment
from segsync.rules.shop_vocabulary import meaning, property_names, vocabulary_of, want_properties
from segsync.rules.vocabulary import Vocabulary

Active = tuple[Segment, check.CheckedRule]


@dataclass(frozen=True, slots=True)
class Standing:
    """One segment with its rule, or with the problem that keeps it from being judged; `meaning` tells its properties' definitions apart."""

    segment: Segment
    checked: check.CheckedRule | None
    problem: str
    meaning: str

    @property
    def is_news(self) -> bool:
        """Whether the segment's row says something else."""
        return (self.problem, self.meaning) != (self.segment.problem, self.segment.meaning)


def standings(shop: Shop, vocabulary: Vocabulary) -> list[Standing]:
    """Every segment of the shop that has a rule, whatever its state, in the order in which they were made."""
    read = values_read(shop)
    segments = Segment.objects.filter(shop=shop, version__isnull=False).select_related("version").order_by("pk")
    return _without_circles([_standing(segment, vocabulary, read) for segment in segments])


def active_segments(shop: Shop, vocabulary: Vocabulary) -> list[Active]:
    """The segments that are on and can be judged, with their rules checked, each after those that its rule asks about."""
    standing = [one for one in standings(shop, vocabulary) if one.segment.state == Segment.State.ON]
    checked = {one.segment.handle: (one.segment, one.checked) for one in standing if one.checked is not None}
    return [checked[handle] for handle in dependencies.order({handle: rule.rule for handle, (_, rule) in checked.items()})]


def recheck(shop: Shop, now: datetime) -> None:
    """Say of each segment what keeps it from being judged; where that or the meaning of a rule changed, everybody is judged anew.

    The shop's connections hear which properties its segments ask about by now.
    """
    for connection in want_properties(shop):
        ask_again(connection, now)
    news = [one for one in standings(shop, vocabulary_of(shop)) if one.is_news]
    if not news:
        return
    with transaction.atomic():
        for one in news:
            rows = Segment.objects.filter(pk=one.segment.pk, version=one.segment.version_id)
            rows.update(problem=one.problem, meaning=one.meaning, judged_version=None)


def values_read(shop: Shop) -> frozenset[str]:
    """The properties, by their names in the language, whose values have been read for everybody."""
    streams = Stream.objects.filter(shop=shop).values_list("connection__vendor", "asked")
    return frozenset(property_name(vendor, name) for vendor, asked in streams for name in asked)


def unread(names: Collection[str], read: Collection[str]) -> str:
    """The refusal for properties whose values are not there yet; "" when all are."""
    missing = sorted(set(names).difference(read))
    if not missing:
        return ""
    several = "their values" if len(missing) > 1 else "its values"
    return f"SegSync does not pull {', '.join(f'`{name}`' for name in missing)} yet; save a segment that uses it, and {several} are read for everybody."


def _without_circles(found: list[Standing]) -> list[Standing]:
    """The same, with a problem for those that are on and ask about each other in a circle: the others go on."""
    rules = {one.segment.handle: one.checked.rule for one in found if one.checked is not None and one.segment.state == Segment.State.ON}
    circles = dependencies.circles(rules)
    wrong = {handle: f"It cannot be judged: {error.message}" for handle, error in circles.items()}
    return [replace(one, checked=None, problem=wrong[one.segment.handle], meaning="") if one.segment.handle in wrong else one for one in found]


def _standing(segment: Segment, vocabulary: Vocabulary, read: Collection[str]) -> Standing:
    try:
        checked = check.check_rule(segment.rule, vocabulary)
    except RuleError as error:
        return Standing(segment, None, f"The rule no longer checks: {error}", "")
    names = property_names(checked.rule)
    if waiting := sorted(names.difference(read)):
        problem = f"Waiting for the values of {', '.join(f'`{name}`' for name in waiting)}: they are being read for everybody."
        return Standing(segment, None, problem, "")
    return Standing(segment, checked, "", meaning(checked.rule, vocabulary))
