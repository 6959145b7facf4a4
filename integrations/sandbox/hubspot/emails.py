"""Marketing e-mail: what happened to each message, and the legacy endpoints that tell of it.

Sources: developers.hubspot.com, "Email analytics API (legacy)": events and campaigns, /email/public/v1.
"""

from __future__ import annotations

import base64
import bisect
from collections.abc import Iterator, Sequence
from datetime import datetime

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, bounded, from_millis, millis
from integrations.sandbox.hubspot.contacts import find_by_email
from integrations.sandbox.hubspot.index import index_of, normalised
from integrations.sandbox.hubspot.refusals import invalid, not_found
from integrations.sandbox.hubspot.state import EmailEvent, Portal

PAGE = 1_000
MAIL_APP_ID, MAIL_APP_NAME = 20053, "Batch"
TYPES = frozenset(
    {
        *("SENT", "PROCESSED", "DELIVERED", "OPEN", "CLICK", "BOUNCE", "DEFERRED", "DROPPED"),
        *("SPAMREPORT", "STATUSCHANGE", "FORWARD", "PRINT", "UNBOUNCE"),
    }
)


def record_event(portal: Portal, event: EmailEvent, recorded_at: datetime | None = None) -> None:
    """Add an e-mail event, wherever in time it belongs. The recipient's contact counts as modified at `recorded_at` (default: when the
    event happened), since its e-mail properties changed. Raises ValueError for an event type HubSpot does not have."""
    if event.type not in TYPES:
        raise ValueError(f"Unknown e-mail event type {event.type!r}; use one of: {', '.join(sorted(TYPES))}.")
    index, at = index_of(portal), recorded_at or event.created
    contact = find_by_email(portal, event.recipient)
    if contact is not None:
        index.before_change(contact.id, at)
        contact.updated_at = max(contact.updated_at, at)
    index.add_event(event)


def get_events(call: ApiCall) -> Reply:
    """Events between two instants (both included), newest first, by type, recipient and campaign; `offset` carries on a page."""
    limit = call.number("limit", 10, least=1, most=PAGE)
    start, end = call.number("startTimestamp", 0), call.number("endTimestamp", 10**15)
    event_type, recipient, drop_filtered = call.text("eventType"), call.text("recipient"), call.flag("excludeFilteredEvents")
    campaign = bounded(call.text("campaignId"), "campaignId", 0) or None
    if event_type is not None and event_type not in TYPES:
        raise invalid(f"Unknown eventType '{event_type}'.")
    offset = call.text("offset")
    before = _read_offset(offset) if offset else None
    index = index_of(call.portal)
    events = call.portal.email_events if recipient is None else index.events_of.get(normalised(recipient), [])
    page: list[EmailEvent] = []
    more = False
    for event in _newest_first(events, from_millis(start), end, before):
        if event_type not in (None, event.type) or campaign not in (None, event.campaign_id) or (drop_filtered and event.filtered):
            continue
        if len(page) == limit:
            more = True
            break
        page.append(event)
    last = _write_offset(page[-1]) if page else offset or ""
    return Reply({"hasMore": more, "offset": last, "events": [_shown(call, event) for event in page]})


def get_campaign(call: ApiCall, campaign_id: int) -> Reply:
    """One marketing e-mail: its name and subject."""
    campaign = call.portal.campaigns.get(campaign_id)
    if campaign is None:
        raise not_found(f"No campaign with id {campaign_id}.")
    return Reply(
        {
            "id": campaign.id,
            "appId": MAIL_APP_ID,
            "appName": MAIL_APP_NAME,
            "contentId": campaign.id,
            "name": campaign.name,
            "subject": campaign.subject or campaign.name,
            "type": "BATCH_EMAIL",
            "lastProcessingFinishedAt": millis(campaign.sent_at),
        }
    )


def _newest_first(events: Sequence[EmailEvent], start: datetime, end: int, before: tuple[int, str] | None) -> Iterator[EmailEvent]:
    """Events not after `end` (milliseconds) and, on later pages, strictly older than `before`; those of one millisecond by id."""
    newest = min(end, before[0]) if before else end
    stop = bisect.bisect_left(events, from_millis(newest + 1), key=lambda event: event.created)
    tied: list[EmailEvent] = []
    for position in range(stop - 1, -1, -1):
        event = events[position]
        if tied and millis(event.created) != millis(tied[0].created):
            yield from _in_order(tied, before)
            tied = []
        if event.created < start:
            break
        tied.append(event)
    yield from _in_order(tied, before)


def _in_order(tied: list[EmailEvent], before: tuple[int, str] | None) -> Iterator[EmailEvent]:
    for event in sorted(tied, key=lambda one: one.id, reverse=True):
        if before is None or (millis(event.created), event.id) < before:
            yield event


def _write_offset(event: EmailEvent) -> str:
    return base64.urlsafe_b64encode(f"{millis(event.created)}:{event.id}".encode()).decode().rstrip("=")


def _read_offset(offset: str) -> tuple[int, str]:
    try:
        created, _, event_id = base64.urlsafe_b64decode(offset + "=" * (-len(offset) % 4)).decode().partition(":")
        return int(created), event_id
    except ValueError:
        raise invalid("The offset is not one that this API gave out.") from None


def _shown(call: ApiCall, event: EmailEvent) -> Json:
    told: Json = {
        "id": event.id,
        "created": millis(event.created),
        "type": event.type,
        "recipient": event.recipient,
        "portalId": call.portal.hub_id,
        "appId": MAIL_APP_ID,
        "appName": MAIL_APP_NAME,
        "emailCampaignId": event.campaign_id,
        "filteredEvent": event.filtered,
    }
    sent = index_of(call.portal).sent.get((normalised(event.recipient), event.campaign_id))
    if sent is not None and event.type != "SENT":
        told["sentBy"] = {"id": sent.id, "created": millis(sent.created)}
    if event.url is not None:
        told["url"] = event.url
    if event.type in ("OPEN", "CLICK"):
        told["deviceType"] = "COMPUTER"
    return told
