"""HubSpot's contacts and e-mail events as neutral records. Pure functions; every property value is text or null.

Sources: knowledge.hubspot.com, "HubSpot's default contact properties"; legacydocs.hubspot.com, "Email events overview".
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta

from integrations.errors import Transient
from integrations.records import Activity, Customer

Json = Mapping[str, object]

EMAIL = ("email", "hs_additional_emails")
_BOOKKEEPING = ("hs_object_id", "createdate", "lastmodifieddate", "hs_merged_object_ids", "hs_calculated_merged_vids")
# What a contact is asked for, where the portal has it. A search body may hold 3,000 characters at most, names included.
WANTED = (
    *EMAIL,
    *_BOOKKEEPING,
    "hs_email_delivered",
    "hs_email_open",
    "hs_email_click",
    "hs_email_bounce",
    "hs_email_replied",
    "hs_email_sends_since_last_engagement",
    "hs_email_first_send_date",
    "hs_email_first_open_date",
    "hs_email_first_click_date",
    "hs_email_first_reply_date",
    "hs_email_last_send_date",
    "hs_email_last_open_date",
    "hs_email_last_click_date",
    "hs_email_last_reply_date",
    "hs_email_last_email_name",
    "hs_email_optout",
    "hs_email_quarantined",
    "hs_email_bad_address",
    "hs_email_hard_bounce_reason_enum",
    "hs_marketable_status",
    "hs_analytics_num_page_views",
    "hs_analytics_num_visits",
    "hs_analytics_first_visit_timestamp",
    "hs_analytics_last_visit_timestamp",
    "hs_analytics_last_url",
    "hs_analytics_source",
    "hs_latest_source",
    "num_conversion_events",
    "first_conversion_date",
    "recent_conversion_date",
    "recent_conversion_event_name",
    "num_associated_deals",
    "recent_deal_close_date",
    "total_revenue",
    "lifecyclestage",
    "hs_lead_status",
    "hubspotscore",
    "hs_language",
    "country",
    "hs_social_last_engagement",
    "hs_feedback_last_nps_rating",
    "hs_feedback_last_survey_date",
)
_NOT_TOLD_ON = frozenset(EMAIL) | frozenset(_BOOKKEEPING) - {"createdate"}
TOLD = frozenset(WANTED) - _NOT_TOLD_ON

KINDS = {
    "SENT": "emails.sent",
    "DELIVERED": "emails.delivered",
    "OPEN": "emails.opened",
    "CLICK": "emails.clicked",
    "BOUNCE": "emails.bounced",
    "SPAMREPORT": "emails.marked_as_spam",
    "STATUSCHANGE": "emails.unsubscribed",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def millis(at: datetime) -> int:
    """An instant as whole milliseconds since 1970, rounded down, without the rounding errors of floating point."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_millis(value: object) -> datetime | None:
    """The instant that many milliseconds after 1970; None for what is no such number."""
    try:
        return _EPOCH + timedelta(milliseconds=int(str(value)))
    except (ValueError, OverflowError):
        return None


def instant(value: object) -> datetime | None:
    """A datetime as HubSpot writes it: ISO 8601, or milliseconds since 1970; None for anything else."""
    text = str(value or "")
    if text.lstrip("-").isdigit():
        return from_millis(text)
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def customer(contact: Json, asked: Collection[str] = ()) -> Customer:
    """A contact of the API as a record; of its bookkeeping only what is `asked` for is told on.

    Raises Transient when it lacks its id or its time of change: the answer was not whole.
    """
    raw = contact.get("properties")
    values: dict[str, str] = {str(name): str(value) for name, value in raw.items() if value not in (None, "")} if isinstance(raw, dict) else {}
    external_id = str(contact.get("id") or "")
    version = instant(values.get("lastmodifieddate")) or instant(contact.get("updatedAt"))
    if not external_id.isdigit() or version is None:
        raise Transient("HubSpot told of a contact without its id or its time of change.")
    return Customer(
        external_id=external_id,
        version=version,
        created_at=instant(values.get("createdate")) or instant(contact.get("createdAt")),
        emails=emails(values),
        email_subscription="UNSUBSCRIBED" if values.get("hs_email_optout", "").lower() == "true" else None,
        properties={name: value for name, value in values.items() if name not in _NOT_TOLD_ON or name in asked},
        merged_ids=_merged(values, external_id),
    )


def emails(values: Mapping[str, str]) -> tuple[str, ...]:
    """All addresses of a contact as typed, the main one first, none twice."""
    typed = [values.get("email", ""), *values.get("hs_additional_emails", "").split(";")]
    first_typed: dict[str, str] = {}
    for address in typed:
        if address.strip():
            first_typed.setdefault(address.strip().casefold(), address)
    return tuple(first_typed.values())


def activity(event: Json, campaign: Callable[[str, str], str]) -> Activity | None:
    """An e-mail event as a record; None for kinds that say nothing of the person, for bots and for what is not whole.

    `campaign(id, app id)` gives the e-mail's name. An event is identified by its id and its time together.
    """
    kind = KINDS.get(str(event.get("type")))
    at = from_millis(event.get("created"))
    recipient = event.get("recipient")
    if kind is None or at is None or not event.get("id") or not isinstance(recipient, str) or not recipient.strip():
        return None
    if event.get("filteredEvent") is True or (kind == "emails.unsubscribed" and not _unsubscribes(event)):
        return None
    campaign_id = str(event.get("emailCampaignId") or "")
    return Activity(
        external_id=f"{event['id']}:{event['created']}",
        kind=kind,
        at=at,
        subject=recipient,
        campaign_id=campaign_id,
        campaign=campaign(campaign_id, str(event.get("appId") or "")) if campaign_id else "",
        url=str(event.get("url") or ""),
    )


def _unsubscribes(event: Json) -> bool:
    """Whether a change of status takes something away; it may as well subscribe anew, or come from a block by HubSpot."""
    portal, each = event.get("portalSubscriptionStatus"), event.get("subscriptions")
    told = [portal] if portal else []
    told += [item.get("status") for item in each if isinstance(item, dict)] if isinstance(each, list) else []
    if not told:
        return event.get("bounced") is not True
    return "UNSUBSCRIBED" in {str(status).upper() for status in told}


def _merged(values: Mapping[str, str], own: str) -> tuple[str, ...]:
    """Ids of contacts merged into this one: `1;2`, or `1:<ms>;2:<ms>` in the older property."""
    parts = f"{values.get('hs_merged_object_ids', '')};{values.get('hs_calculated_merged_vids', '')}".split(";")
    ids = (part.partition(":")[0].strip() for part in parts)
    return tuple(dict.fromkeys(one for one in ids if one.isdigit() and one != own))
