"""What a contact's properties read: the stored values, and those that HubSpot works out itself.

Every value is text or null, and counters are for the contact's current e-mail address (knowledge.hubspot.com,
"HubSpot's default contact properties").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from integrations.sandbox.hubspot.call import Json, iso
from integrations.sandbox.hubspot.index import EmailTotals, PortalIndex, VisitTotals, index_of, normalised
from integrations.sandbox.hubspot.property_catalogue import DEFAULTS
from integrations.sandbox.hubspot.state import Contact, Portal

SHOWN_BY_DEFAULT = ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname")
ALWAYS_SHOWN = ("createdate", "hs_object_id", "lastmodifieddate")
Computed = Callable[[Portal, PortalIndex, Contact], str | None]


def _totals(index: PortalIndex, contact: Contact) -> EmailTotals | None:
    return index.totals.get(normalised(contact.properties.get("email") or ""))


def _counted(event_type: str) -> Computed:
    def count(_portal: Portal, index: PortalIndex, contact: Contact) -> str | None:
        totals = _totals(index, contact)
        number = len(totals.campaigns.get(event_type, ())) if totals else 0
        return str(number) if number else None

    return count


def _dated(event_type: str, which: str) -> Computed:
    def date(_portal: Portal, index: PortalIndex, contact: Contact) -> str | None:
        totals = _totals(index, contact)
        at = (totals.first if which == "first" else totals.last).get(event_type) if totals else None
        return iso(at) if at else None

    return date


def _last_email_name(portal: Portal, index: PortalIndex, contact: Contact) -> str | None:
    for event in reversed(index.events_of.get(normalised(contact.properties.get("email") or ""), [])):
        if event.type == "DELIVERED" and event.campaign_id in portal.campaigns:
            return portal.campaigns[event.campaign_id].name
    return None


def _sends_since_engagement(_portal: Portal, index: PortalIndex, contact: Contact) -> str | None:
    totals = _totals(index, contact)
    if totals is None or "DELIVERED" not in totals.last:
        return None
    engaged = max((totals.last[one] for one in ("OPEN", "CLICK") if one in totals.last), default=None)
    events = index.events_of[normalised(contact.properties.get("email") or "")]
    return str(len({e.campaign_id for e in events if e.type == "DELIVERED" and (engaged is None or e.created > engaged)}))


def _visited(read: Callable[[VisitTotals], str]) -> Computed:
    def visit(_portal: Portal, index: PortalIndex, contact: Contact) -> str | None:
        totals = index.visits(contact.id)
        return read(totals) if totals else None

    return visit


def _at(read: Callable[[VisitTotals], datetime]) -> Computed:
    return _visited(lambda totals: iso(read(totals)))


COMPUTED: dict[str, Computed] = {
    "hs_object_id": lambda _portal, _index, contact: str(contact.id),
    "createdate": lambda _portal, _index, contact: iso(contact.created_at),
    "lastmodifieddate": lambda _portal, _index, contact: iso(contact.updated_at),
    "hs_email_domain": lambda _portal, _index, contact: normalised(contact.properties.get("email") or "").partition("@")[2] or None,
    "hs_merged_object_ids": lambda _portal, _index, contact: ";".join(map(str, contact.merged_ids)) or None,
    "hs_email_delivered": _counted("DELIVERED"),
    "hs_email_open": _counted("OPEN"),
    "hs_email_click": _counted("CLICK"),
    "hs_email_bounce": _counted("BOUNCE"),
    "hs_email_first_send_date": _dated("DELIVERED", "first"),  # the earliest delivery, by the property's own description
    "hs_email_last_send_date": _dated("DELIVERED", "last"),
    "hs_email_first_open_date": _dated("OPEN", "first"),
    "hs_email_last_open_date": _dated("OPEN", "last"),
    "hs_email_first_click_date": _dated("CLICK", "first"),
    "hs_email_last_click_date": _dated("CLICK", "last"),
    "hs_email_last_email_name": _last_email_name,
    "hs_email_sends_since_last_engagement": _sends_since_engagement,
    "hs_analytics_num_page_views": _visited(lambda totals: str(totals.views)),
    "hs_analytics_num_visits": _visited(lambda totals: str(totals.sessions)),
    "hs_analytics_average_page_views": _visited(lambda totals: str(round(totals.views / totals.sessions))),
    "hs_analytics_first_timestamp": _at(lambda totals: totals.first.occurred_at),
    "hs_analytics_last_timestamp": _at(lambda totals: totals.last.occurred_at),
    "hs_analytics_first_visit_timestamp": _at(lambda totals: totals.first.occurred_at),
    "hs_analytics_last_visit_timestamp": _at(lambda totals: totals.last_session_at),
    "hs_analytics_first_url": _visited(lambda totals: totals.first.url),
    "hs_analytics_last_url": _visited(lambda totals: totals.last.url),
}


def known(portal: Portal, name: str) -> Json | None:
    """A property's definition in this portal, None when there is none of that name."""
    return DEFAULTS.get(name) or portal.custom_properties.get(name)


def value_of(portal: Portal, contact: Contact, name: str, index: PortalIndex | None = None) -> str | None:
    """What the property reads now; None for no value. Give `index` when reading many."""
    computed = COMPUTED.get(name)
    if computed is not None:
        return computed(portal, index or index_of(portal), contact)
    return contact.properties.get(name) or None


def shown(portal: Portal, contacts: Iterable[Contact], names: Sequence[str]) -> list[Json]:
    """The contacts as API results with the named properties (defaults when none are named); names unknown here are left out."""
    index = index_of(portal)
    wanted = list(dict.fromkeys([*ALWAYS_SHOWN, *(name for name in names if known(portal, name))])) if names else list(SHOWN_BY_DEFAULT)
    return [
        {
            "id": str(contact.id),
            "properties": {name: value_of(portal, contact, name, index) for name in wanted},
            "createdAt": iso(contact.created_at),
            "updatedAt": iso(contact.updated_at),
            "archived": contact.archived,
        }
        for contact in contacts
    ]
