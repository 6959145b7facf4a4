"""Make and change segments: rules are checked and put in canonical form; each wording is a version of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from integrations.models import Shop
from segsync.rules.check import check_rule
from segsync.rules.dependencies import refuse_circle
from segsync.rules.format import format_rule
from segsync.rules.models import Segment, SegmentVersion
from segsync.rules.parse import parse_rule
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.rules.windows import asks_every_segment, handles


def create_segment(shop: Shop, *, handle: str, name: str, description: str, rule: str, author: Any, now: datetime) -> Segment:
    """A new segment with its first version. Raises RuleError for a rule that cannot be read."""
    with transaction.atomic():
        lock_rules(shop)
        text = canonical_rule(shop, handle, rule)
        segment = Segment.objects.create(shop=shop, handle=handle, name=name, description=description)
        _next_version(segment, text, author, "First version.", now)
    return segment


class VersionConflict(Exception):
    """Somebody saved a version that whoever decided this has not seen; the message says what to do."""


def change_rule(segment: Segment, rule: str, *, author: Any, reason: str, now: datetime, seen: int | None = None) -> SegmentVersion | None:
    """The segment's next version with this rule; None when it says the same as the one in force.

    `seen` is the version that was in force when somebody wrote the rule. Raises VersionConflict when another is by now that says
    something else, and RuleError.
    """
    with transaction.atomic():
        lock_rules(segment.shop)
        text = canonical_rule(segment.shop, segment.handle, rule)
        segment.version = Segment.objects.select_related("version").get(pk=segment.pk).version
        if segment.version is not None and segment.version.rule == text:
            return None
        if seen is not None and segment.version is not None and segment.version.number != seen:
            raise VersionConflict(f"Version {segment.version.number} was saved while you were editing; open the page again and make your change there.")
        return _next_version(segment, text, author, reason, now)


def lock_rules(shop: Shop) -> None:
    """Keep others from changing the shop's rules until the transaction ends: two changes at once could close a circle that neither sees.

    The shop's row comes before every other lock, as for storing, judging and routing; call this before writing to a segment's row.
    """
    Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)


def roll_back(segment: Segment, number: int, author: Any, reason: str, now: datetime, seen: int | None = None) -> SegmentVersion | None:
    """A next version with the rule of version `number`; None when the rule in force says the same. Histories are never rewritten.

    `seen` is the version that was in force when somebody decided on it. Raises VersionConflict when another is by now, RuleError for
    a rule that no longer means anything, and SegmentVersion.DoesNotExist.
    """
    with transaction.atomic():
        lock_rules(segment.shop)
        current = Segment.objects.select_related("version").get(pk=segment.pk)
        if seen is not None and current.version is not None and current.version.number != seen:
            raise VersionConflict(f"Version {current.version.number} was saved meanwhile; look at it before going back to version {number}.")
        return change_rule(segment, current.versions.get(number=number).rule, author=author, reason=reason or f"Back to version {number}.", now=now)


def canonical_rule(shop: Shop, handle: str, rule: str) -> str:
    """The rule in canonical form. Raises RuleError for one that cannot be read, asks about no segment of the shop, or closes a circle."""
    checked = check_rule(rule, vocabulary_of(shop, handle)).rule
    if handles(checked) or asks_every_segment(checked):
        others = Segment.objects.filter(shop=shop, version__isnull=False).exclude(handle=handle).select_related("version")
        refuse_circle({handle: checked, **{other.handle: parse_rule(other.rule) for other in others}}, handle)
    return format_rule(checked)


def _next_version(segment: Segment, rule: str, author: Any, reason: str, now: datetime) -> SegmentVersion:
    last = segment.versions.first()
    number = last.number + 1 if last else 1
    version = SegmentVersion.objects.create(segment=segment, number=number, rule=rule, author=author, reason=reason, created_at=now)
    segment.version = version
    segment.save(update_fields=["version"])
    return version
