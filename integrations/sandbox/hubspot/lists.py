"""Contact lists and what can happen to them, for the API and for whoever plays the portal's people.

MANUAL lists are filled by hand, SNAPSHOT ones by their filters once and by hand afterwards, DYNAMIC ones by their
filters always. Source: developers.hubspot.com, "Lists".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from integrations.sandbox.hubspot.call import Json, iso
from integrations.sandbox.hubspot.index import index_of
from integrations.sandbox.hubspot.list_filters import matcher
from integrations.sandbox.hubspot.refusals import Refusal, invalid
from integrations.sandbox.hubspot.state import CrmList, Portal

CONTACTS = "0-1"
TYPES = ("MANUAL", "SNAPSHOT", "DYNAMIC")
RESTORABLE = timedelta(days=90)


@dataclass(slots=True)
class MembershipChange:
    """What became of a change of members: added, removed, and ids that are no living contact (merged ones among them)."""

    added: list[int] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    missing: list[int] = field(default_factory=list)


def find_list(portal: Portal, list_id: int) -> CrmList:
    """The list with this id. Raises a 404 refusal when there is none or it was deleted."""
    found = portal.lists.get(list_id)
    if found is None or found.deleted_at is not None:
        raise Refusal(404, f"List does not exist with ID {list_id}.", "OBJECT_NOT_FOUND", subCategory="ILS.LIST_NOT_FOUND")
    return found


def find_by_name(portal: Portal, name: str) -> CrmList | None:
    """The list of this name, case aside, None when there is none."""
    wanted = name.strip().lower()
    return next((one for one in portal.lists.values() if one.deleted_at is None and one.name.strip().lower() == wanted), None)


def require_free_name(portal: Portal, name: str, but: CrmList | None = None) -> None:
    """Raise a 400 refusal when another list has the name: names are unique in a portal, case aside."""
    holder = find_by_name(portal, name)
    if holder is not None and holder is not but:
        raise invalid(f"A list already exists with the name '{name}'. Please choose another name.", subCategory="ILS.DUPLICATE_LIST_NAMES")


def create_list(portal: Portal, name: str, processing_type: str, at: datetime, *, folder_id: int = 0, filter_branch: Json | None = None) -> CrmList:
    """Add a list; a SNAPSHOT is filled by its filters at once. Raises a 400 refusal for a taken name, an unknown type or folder, a
    DYNAMIC list without filters, or filters that mean nothing."""
    if processing_type not in TYPES:
        raise invalid(f"The processingType must be one of {', '.join(TYPES)}.")
    if (processing_type == "DYNAMIC") > (filter_branch is not None):
        raise invalid("A DYNAMIC list needs a filterBranch.")
    if processing_type == "MANUAL" and filter_branch is not None:
        raise invalid("A MANUAL list takes no filterBranch.")
    if folder_id and folder_id not in portal.folders:
        raise invalid(f"List folder does not exist with ID {folder_id}.")
    require_free_name(portal, name)
    matches = matcher(portal, filter_branch) if filter_branch is not None else None
    list_id = max(portal.next_list_id, *portal.lists, 0) + 1
    portal.next_list_id = list_id
    made = CrmList(list_id, name, processing_type, at, at, folder_id, filter_branch, filters_updated_at=at if filter_branch else None)
    portal.lists[list_id] = made
    if processing_type == "SNAPSHOT" and matches is not None:
        change_members(portal, made, [one.id for one in portal.contacts.values() if not one.archived and matches(one)], [], at)
    return made


def members_of(portal: Portal, one: CrmList) -> dict[int, datetime]:
    """Contact id -> since when, for every member; a DYNAMIC list's filters are asked now."""
    if one.processing_type != "DYNAMIC":
        return one.members
    matches = matcher(portal, one.filter_branch)
    filtered_since = one.filters_updated_at or one.created_at
    return {contact.id: max(filtered_since, contact.created_at) for contact in portal.contacts.values() if not contact.archived and matches(contact)}


def change_members(portal: Portal, one: CrmList, add: Iterable[int], remove: Iterable[int], at: datetime) -> MembershipChange:
    """Add and remove contacts; ids that change nothing are passed over. Raises a 400 refusal for a DYNAMIC list."""
    if one.processing_type == "DYNAMIC":
        raise invalid(
            f"List {one.id} is DYNAMIC: its members come from its filters and cannot be changed by hand.",
            subCategory="ILS.INVALID_LIST_PROCESSING_TYPE",
        )
    change, size = MembershipChange(), len(one.members)
    for contact_id in dict.fromkeys(add):
        if not _living(portal, contact_id):
            change.missing.append(contact_id)
        elif contact_id not in one.members:
            one.members[contact_id] = at
            one.first_added.setdefault(contact_id, at)
            change.added.append(contact_id)
    for contact_id in dict.fromkeys(remove):
        if not _living(portal, contact_id):
            change.missing.append(contact_id)
        elif one.members.pop(contact_id, None) is not None:
            change.removed.append(contact_id)
    if change.added or change.removed:
        index_of(portal).before_list_change(one.id, size, at)
        one.updated_at = at
    change.missing = list(dict.fromkeys(change.missing))
    return change


def delete_list(portal: Portal, one: CrmList, at: datetime) -> None:
    """Delete a list; it can be restored for 90 days, and its name is free meanwhile."""
    one.deleted_at = at


def restore_list(portal: Portal, list_id: int, at: datetime) -> None:
    """Bring a deleted list back. Raises a 404 refusal when there is none or its 90 days are over, a 400 when its name is taken."""
    one = portal.lists.get(list_id)
    if one is None or (one.deleted_at is not None and at - one.deleted_at > RESTORABLE):
        raise Refusal(404, f"List does not exist with ID {list_id}.", "OBJECT_NOT_FOUND", subCategory="ILS.LIST_NOT_FOUND")
    if one.deleted_at is not None:
        require_free_name(portal, one.name)
        one.deleted_at = None


def shown_size(portal: Portal, one: CrmList, now: datetime) -> int:
    """The size that the API tells: of static lists it lags behind their members."""
    if one.processing_type == "DYNAMIC":
        return len(members_of(portal, one))
    return index_of(portal).shown_size(one.id, len(one.members), now)


def shown(portal: Portal, one: CrmList, now: datetime, *, filters: bool = False, size: bool = True) -> Json:
    """A list as the API gives it; search results leave the size out."""
    told: Json = {
        "listId": str(one.id),
        "listVersion": one.version,
        "name": one.name,
        "objectTypeId": CONTACTS,
        "processingType": one.processing_type,
        "processingStatus": "COMPLETE",
        "createdAt": iso(one.created_at),
        "updatedAt": iso(one.updated_at),
        "createdById": str(portal.user_id),
        "updatedById": str(portal.user_id),
        "filtersUpdatedAt": iso(one.filters_updated_at or one.created_at),
    }
    if size:
        told["size"] = shown_size(portal, one, now)
    if filters and one.filter_branch is not None:
        told["filterBranch"] = one.filter_branch
    return told


def _living(portal: Portal, contact_id: int) -> bool:
    contact = portal.contacts.get(contact_id)
    return contact is not None and not contact.archived
