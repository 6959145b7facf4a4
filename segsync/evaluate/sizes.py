"""How many each segment held at the end of each local day, kept day by day for charts. Worked out of the history of stays, so a day that
passed while nothing ran is told as exactly as any other."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from django.db.models import Count

from integrations.models import Shop
from segsync.evaluate.models import Membership, SegmentSize
from segsync.rules.models import Segment

# So many missed days are made up; a shop that slept longer has a gap in its charts.
MOST_DAYS = 400


def last_day(shop: Shop, now: datetime) -> date:
    """The last local day of the shop that is over."""
    return now.astimezone(shop.tz).date() - timedelta(days=1)


def keep(shop: Shop, kept: date | None, now: datetime) -> date:
    """Keep the sizes of every day after `kept` (of the last day alone when none is kept) that is over; returns the last one kept."""
    until = last_day(shop, now)
    day = until if kept is None else max(kept + timedelta(days=1), until - timedelta(days=MOST_DAYS - 1))
    while day <= until:
        _keep(shop, day)
        day += timedelta(days=1)
    return until


def _keep(shop: Shop, day: date) -> None:
    start, end = (datetime.combine(one, time.min, tzinfo=shop.tz) for one in (day, day + timedelta(days=1)))
    # One by one read as of the same instant: today's size without who came since, with who left since.
    sizes = dict(Segment.objects.filter(shop=shop).values_list("pk", "size"))
    came_later, left_later = _count(sizes, "since", start=end), _count(sizes, "until", start=end)
    entered, left = _count(sizes, "since", start, end), _count(sizes, "until", start, end)
    rows = [
        SegmentSize(
            shop=shop,
            segment_id=segment,
            day=day,
            members=max(0, size - came_later.get(segment, 0) + left_later.get(segment, 0)),
            entered=entered.get(segment, 0),
            left=left.get(segment, 0),
        )
        for segment, size in sizes.items()
    ]
    SegmentSize.objects.bulk_create(rows, update_conflicts=True, unique_fields=["segment", "day"], update_fields=["members", "entered", "left"])


def _count(segments: dict[int, int], when: str, start: datetime, end: datetime | None = None) -> dict[int, int]:
    """How many stays of each segment began (`since`) or ended (`until`) from `start` on, before `end`."""
    stays = Membership.objects.filter(segment__in=list(segments), **{f"{when}__gte": start})
    if end is not None:
        stays = stays.filter(**{f"{when}__lt": end})
    return dict(stays.order_by().values_list("segment").annotate(n=Count("pk")))
