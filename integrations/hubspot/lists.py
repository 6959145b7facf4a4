"""Our contact lists in HubSpot: found by id, made in our folder, never taken over from somebody else.

Source: developers.hubspot.com, "Lists": names are unique in a portal, case aside; MANUAL and SNAPSHOT lists take members
through the API, DYNAMIC ones ("active lists") do not.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from integrations.base import Place, Standing
from integrations.errors import NotFound, Rejected
from integrations.hubspot.client import HubSpotClient, items
from integrations.hubspot.mapping import instant
from integrations.hubspot.transport import Json

log = structlog.get_logger(__name__)

ROOT = 0
ADOPTABLE = timedelta(hours=1)  # how long after a create whose answer was lost the list it made is taken for ours
DELETED = "The list was deleted in HubSpot."


def ensure_list(client: HubSpotClient, place: Place, folder: str, now: datetime) -> str:
    """The id of the place's list, made in `folder` ("": the root) when it has none.

    Raises NotFound for a list that is gone, Rejected for one that became active or whose name somebody else uses.
    """
    if place.external_id:
        problem = unwritable(client.list_by_id(place.external_id))
        if problem == DELETED:
            raise NotFound(DELETED)
        if problem:
            raise Rejected(problem)
        return place.external_id
    folder_id = ensure_folder(client, folder)
    adopted = _of_that_name(client, place.name, folder_id, now)
    if adopted:
        return adopted
    try:
        return _id(client.create_list(place.name, folder_id))
    except Rejected:
        adopted = _of_that_name(client, place.name, folder_id, now)  # somebody was faster
        if adopted:
            return adopted
        raise


def ensure_folder(client: HubSpotClient, name: str) -> int:
    """The id of the root's folder of that name, case aside; made when there is none. "" is the root itself."""
    wanted = name.strip()
    if not wanted:
        return ROOT
    there = [node for node in items(client.folder(ROOT), "childNodes") if str(node.get("name") or "").strip().casefold() == wanted.casefold()]
    if there:
        return min(int(str(node["id"])) for node in there)
    made = int(str(client.create_folder(wanted)["id"]))
    log.info("hubspot.folder_made", account=client.account, folder__id=made)
    return made


def unwritable(found: Json) -> str:
    """Why members of this list cannot be set, in one sentence; "" when they can."""
    if found.get("deletedAt"):
        return DELETED
    if found.get("processingType") == "DYNAMIC":
        return f"The list “{found.get('name')}” is an active list in HubSpot now, whose members only its own filters set: make it static, or delete it."
    return ""


def standing(client: HubSpotClient, place: Place) -> Standing:
    """What the list is called by now, and why its members cannot be set."""
    if not place.external_id:
        return Standing(place.name, problem="The list has not been made in HubSpot yet.")
    try:
        found = client.list_by_id(place.external_id)
    except NotFound:
        return Standing(place.name, problem=DELETED)
    return Standing(str(found.get("name") or place.name), problem=unwritable(found))


def _of_that_name(client: HubSpotClient, name: str, folder_id: int, now: datetime) -> str:
    """The id of the list that we made under this name without hearing of it; "" when the name is free.

    Ours is what lies in our folder, is MANUAL, empty and less than an hour old. Raises Rejected for any other list.
    """
    try:
        found = client.list_by_name(name)
    except NotFound:
        return ""
    made_at = instant(found.get("createdAt"))
    if found.get("processingType") == "MANUAL" and made_at is not None and now - made_at <= ADOPTABLE:
        list_id = _id(found)
        inside = client.folder(folder_id).get("childLists")
        if isinstance(inside, list) and list_id in {str(one) for one in inside} and not items(client.members_page(list_id, "", 1), "results"):
            log.info("hubspot.list_adopted", account=client.account, list__id=list_id)
            return list_id
    raise Rejected(f"HubSpot already has a list named “{name}” that SegSync did not make: rename that list or this segment’s.")


def _id(found: Json) -> str:
    list_id = str(found.get("listId") or "")
    if not list_id:
        raise Rejected("HubSpot did not say which list it made.")
    return list_id
