"""Which segment a command is about."""

from __future__ import annotations

from django.core.management.base import CommandError

from integrations.models import Shop
from segsync.management.shops import can_be_asked
from segsync.rules.models import Segment


def segment_named(shop: Shop, handle: str) -> Segment:
    """The shop's segment with this handle and its rule in force; raises CommandError that names the segments there are."""
    segment = Segment.objects.filter(shop=shop, handle=handle).select_related("version").first() if can_be_asked(handle) else None
    if segment is not None and segment.rule:
        return segment
    known = list(Segment.objects.filter(shop=shop).order_by("handle").values_list("handle", flat=True)[:20])
    raise CommandError(f"{shop.domain} has no segment '{handle[:80]}'; it has {', '.join(known) if known else 'none yet'}.")
