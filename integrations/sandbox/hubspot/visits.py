"""Web visits of contacts, served as event occurrences of type e_visited_page.

Source: developers.hubspot.com, "Event occurrences" (Enterprise accounts only; marketing e-mail events are not among them).
"""

from __future__ import annotations

import bisect
from datetime import UTC, datetime

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, bounded, instant, iso
from integrations.sandbox.hubspot.contacts import find
from integrations.sandbox.hubspot.index import index_of
from integrations.sandbox.hubspot.refusals import Refusal, invalid
from integrations.sandbox.hubspot.state import PageView, Portal

VISITED = "e_visited_page"
PAGE = 100
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def record_page_view(portal: Portal, view: PageView, recorded_at: datetime | None = None) -> None:
    """Add a page view, wherever in time it belongs. Its contact counts as modified at `recorded_at` (default: when it happened)."""
    index, at = index_of(portal), recorded_at or view.occurred_at
    contact = find(portal, view.contact_id)
    if contact is not None:
        index.before_change(contact.id, at)
        contact.updated_at = max(contact.updated_at, at)
    index.add_view(view)


def get_occurrences(call: ApiCall) -> Reply:
    """Page views of one contact (`objectId`), or of everybody when `eventType` is given; newest first unless `sort=occurredAt`."""
    _enterprise_only(call)
    if (call.text("objectType") or "contact").lower() not in ("contact", "0-1"):
        raise invalid("This sandbox has occurrences of contacts only; use objectType=contact.")
    event_type, object_id = call.text("eventType"), call.text("objectId")
    if event_type is None and object_id is None:
        raise invalid("Give objectId or eventType.")
    after, before = _bound(call, "occurredAfter", EARLIEST), _bound(call, "occurredBefore", LATEST)
    limit, skip = call.number("limit", 20, least=1, most=PAGE), call.number("after", 0)
    sort = call.text("sort") or "-occurredAt"
    if sort not in ("occurredAt", "-occurredAt"):
        raise invalid("Occurrences are sorted by occurredAt or -occurredAt.")
    views = call.portal.page_views
    if object_id is not None:
        contact = find(call.portal, bounded(object_id, "objectId", 0))
        views = index_of(call.portal).views_of.get(contact.id, []) if contact else []
    if event_type not in (None, VISITED):
        views = []
    low = bisect.bisect_left(views, after, key=lambda view: view.occurred_at)
    high = bisect.bisect_left(views, before, key=lambda view: view.occurred_at)
    total = max(0, high - low)
    first, last = (low + skip, low + skip + limit) if sort == "occurredAt" else (high - skip - limit, high - skip)
    page = views[max(low, first) : max(low, min(high, last))]
    if sort != "occurredAt":
        page = page[::-1]
    body: Json = {"results": [_shown(view) for view in page]}
    if skip + limit < total:
        body["paging"] = {"next": {"after": str(skip + limit)}}
    return Reply(body)


def get_types(call: ApiCall) -> Reply:
    """The event types that have occurrences here."""
    _enterprise_only(call)
    return Reply({"eventTypes": [VISITED]})


def _enterprise_only(call: ApiCall) -> None:
    if not call.portal.enterprise:
        raise Refusal(403, "This account's plan has no event occurrences; an Enterprise subscription is needed.", "FORBIDDEN")


def _bound(call: ApiCall, name: str, default: datetime) -> datetime:
    given = call.text(name)
    at = instant(given) if given else default
    if at is None:
        raise invalid(f"'{name}' must be an ISO 8601 time.")
    return at


def _shown(view: PageView) -> Json:
    return {
        "id": view.id,
        "eventType": VISITED,
        "objectType": "CONTACT",
        "objectId": str(view.contact_id),
        "occurredAt": iso(view.occurred_at),
        "properties": {"hs_url": view.url, "hs_title": view.title},
    }
