"""Our contact properties in HubSpot: one checkbox for each place, in a group of ours, never taken over from somebody else.

Sources: developers.hubspot.com, "Properties" (a checkbox is of type `bool` with the options true and false; groups tell which
integration made a property) and knowledge.hubspot.com, "Delete, restore, and clone properties". A property has no id but its
name: when it was made tells ours from one that somebody made under that name after ours was deleted.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from integrations.base import Place, Standing
from integrations.errors import NotFound, Rejected
from integrations.hubspot.client import HubSpotClient
from integrations.hubspot.lists import ADOPTABLE
from integrations.hubspot.mapping import instant
from integrations.hubspot.transport import Json

log = structlog.get_logger(__name__)

GROUP, GROUP_LABEL = "segsync", "SegSync"
SCOPE = "crm.schemas.contacts.write"  # to make properties and groups; reading them and their values takes what contacts take
DELETED = "The property was deleted in HubSpot."
NOT_MADE = "The property has not been made in HubSpot yet."
_SAME = timedelta(seconds=1)


def ensure_property(client: HubSpotClient, place: Place, label: str, now: datetime) -> str:
    """When the place's property was made, as HubSpot tells it; it is made, and its group, when it has not been yet.

    Raises NotFound for one that was deleted, Rejected for one that cannot be written any more or that somebody else made.
    """
    if place.external_id:
        found = ours(client, place)
        problem = unwritable(found)
        if problem:
            raise Rejected(problem)
        return place.external_id
    adopted = _of_that_name(client, place.name, now)
    if adopted:
        return adopted
    _ensure_group(client)
    try:
        return _made_at(client.create_property(_definition(place.name, label)))
    except Rejected:
        adopted = _of_that_name(client, place.name, now)  # somebody was faster
        if adopted:
            return adopted
        raise


def ours(client: HubSpotClient, place: Place) -> Json:
    """The property that we made for the place. Raises NotFound when it is gone, also when another one has its name by now."""
    try:
        found = client.contact_property(place.name)
    except NotFound:
        raise NotFound(DELETED) from None
    made, known = instant(found.get("createdAt")), instant(place.external_id)
    if found.get("archived") is True or made is None or known is None or abs(made - known) > _SAME:
        raise NotFound(DELETED)
    return found


def standing(client: HubSpotClient, place: Place) -> Standing:
    """Whether the property is still there and takes our values. Its label may be changed: its name, by which it is known, cannot."""
    if not place.external_id:
        return Standing(place.name, problem=NOT_MADE)
    try:
        return Standing(place.name, problem=unwritable(ours(client, place)))
    except NotFound:
        return Standing(place.name, problem=DELETED)


def unwritable(found: Json) -> str:
    """Why values of this property cannot be set to true and to nothing, in one sentence; "" when they can."""
    limits = found.get("modificationMetadata")
    if found.get("type") != "bool" or (isinstance(limits, dict) and limits.get("readOnlyValue") is True):
        return f"The property “{found.get('label') or found.get('name')}” is no checkbox any more that SegSync may tick: make it one again, or delete it."
    return ""


def _of_that_name(client: HubSpotClient, name: str, now: datetime) -> str:
    """When the property that we made without hearing of it was made; "" when the name is free.

    Ours is a checkbox in our group, less than an hour old, that nobody has a value of. Raises Rejected for any other property.
    """
    try:
        found = client.contact_property(name)
    except NotFound:
        return ""
    made = instant(found.get("createdAt"))
    if found.get("groupName") == GROUP and not unwritable(found) and made is not None and now - made <= ADOPTABLE and not _used(client, name):
        log.info("hubspot.property_adopted", account=client.account)
        return _made_at(found)
    raise Rejected(f"HubSpot already has a contact property “{name}” that SegSync did not make: choose another name.")


def _used(client: HubSpotClient, name: str) -> bool:
    """Whether any contact has a value of the property."""
    has = [{"filters": [{"propertyName": name, "operator": "HAS_PROPERTY"}]}]
    answer = client.search_contacts({"filterGroups": has, "sorts": [], "properties": [name], "limit": 1})
    return answer.get("total") != 0


def _ensure_group(client: HubSpotClient) -> None:
    try:
        client.property_group(GROUP)
    except NotFound:
        client.create_property_group(GROUP, GROUP_LABEL)
        log.info("hubspot.property_group_made", account=client.account)


def _definition(name: str, label: str) -> Json:
    options = [{"label": "Yes", "value": "true", "displayOrder": 0, "hidden": False}, {"label": "No", "value": "false", "displayOrder": 1, "hidden": False}]
    return {
        "name": name,
        "label": label or name,
        "groupName": GROUP,
        "type": "bool",
        "fieldType": "booleancheckbox",
        "options": options,
        "description": "Ticked and emptied by SegSync: whoever is in the segment has it.",
        "formField": False,
    }


def _made_at(found: Json) -> str:
    made = str(found.get("createdAt") or "")
    if instant(made) is None:
        raise Rejected("HubSpot did not say when it made the property.")
    return made
