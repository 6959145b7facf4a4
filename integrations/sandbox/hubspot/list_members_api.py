"""The list membership endpoints: pages of members, adding, removing, and the lists a contact is in.

"Records that do not exist or are already members are ignored": developers.hubspot.com, "Lists", memberships.
"""

from __future__ import annotations

import base64
from datetime import datetime

from integrations.sandbox.hubspot import lists
from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, as_list, as_object, as_text, as_texts, bounded, from_millis, iso, millis
from integrations.sandbox.hubspot.contacts import find
from integrations.sandbox.hubspot.refusals import invalid
from integrations.sandbox.hubspot.state import Portal

PAGE = 250
BATCH = 100
BULK_CAP = 100_000  # members a list may have to be emptied or copied in one call


def by_id(call: ApiCall, list_id: int) -> Reply:
    """A page of members, by contact id."""
    return _page(call, list_id, joined=False)


def by_join_order(call: ApiCall, list_id: int) -> Reply:
    """A page of members, by when they were added."""
    return _page(call, list_id, joined=True)


def add(call: ApiCall, list_id: int) -> Reply:
    """Add contacts (a JSON array of ids as text) to a static list."""
    return _change(call, list_id, call.payload(), [])


def remove(call: ApiCall, list_id: int) -> Reply:
    """Remove contacts (a JSON array of ids as text) from a static list."""
    return _change(call, list_id, [], call.payload())


def add_and_remove(call: ApiCall, list_id: int) -> Reply:
    """Add some and remove others in one call; both fields are required, empty ones too."""
    body = call.body()
    unset = [name for name in ("recordIdsToAdd", "recordIdsToRemove") if body.get(name) is None]
    if unset:
        raise invalid(f"Invalid input JSON: some required fields were not set: [{', '.join(unset)}]")
    return _change(call, list_id, body["recordIdsToAdd"], body["recordIdsToRemove"])


def remove_all(call: ApiCall, list_id: int) -> Reply:
    """Empty a static list, which stays (204); 400 for one of more than 100,000."""
    one = lists.find_list(call.portal, list_id)
    if len(one.members) > BULK_CAP:
        raise invalid(f"List {list_id} has more than {BULK_CAP} members; remove them in parts.")
    lists.change_members(call.portal, one, [], list(one.members), call.now)
    return Reply(None, 204)


def add_from(call: ApiCall, list_id: int, source_id: int) -> Reply:
    """Add every member of another list (204); 400 for a source of more than 100,000."""
    one, source = lists.find_list(call.portal, list_id), lists.find_list(call.portal, source_id)
    members = lists.members_of(call.portal, source)
    if len(members) > BULK_CAP:
        raise invalid(f"List {source_id} has more than {BULK_CAP} members; add them in parts.")
    lists.change_members(call.portal, one, list(members), [], call.now)
    return Reply(None, 204)


def of_record(call: ApiCall, object_type: str, record_id: str) -> Reply:
    """The lists that one contact is in."""
    _contacts_only(object_type)
    found = _lists_of(call.portal, bounded(record_id, "recordId", 0))
    return Reply({"results": found, "total": len(found)})


def of_records(call: ApiCall) -> Reply:
    """The lists that each of up to 100 contacts is in."""
    inputs = [as_object(item, "every input") for item in as_list(call.body().get("inputs"), "inputs")]
    if len(inputs) > BATCH:
        raise invalid(f"The maximum number of inputs in one batch is {BATCH}; {len(inputs)} were given.")
    results: list[Json] = []
    for item in inputs:
        object_type, record_id = as_text(item.get("objectTypeId"), "objectTypeId"), as_text(item.get("recordId"), "recordId")
        _contacts_only(object_type)
        held = _lists_of(call.portal, bounded(record_id, "recordId", 0))
        results.append({"objectTypeId": object_type, "recordId": record_id, "recordListMemberships": held})
    return Reply({"status": "COMPLETE", "results": results, "startedAt": iso(call.now), "completedAt": iso(call.now)})


def _page(call: ApiCall, list_id: int, *, joined: bool) -> Reply:
    one = lists.find_list(call.portal, list_id)
    limit = call.number("limit", 100, least=1, most=PAGE)
    if call.text("before"):
        raise invalid("This sandbox pages forwards only; use after.")
    members = lists.members_of(call.portal, one)
    keys = sorted((millis(at) if joined else 0, contact_id) for contact_id, at in members.items())
    after = call.text("after")
    if after:
        last = _read_cursor(after)
        keys = [key for key in keys if key > last]
    page = keys[:limit]
    results = [{"recordId": str(contact_id), "membershipTimestamp": iso(_since(members, contact_id))} for _at, contact_id in page]
    body: Json = {"results": results, "total": len(members)}
    if len(keys) > limit:
        body["paging"] = {"next": {"after": _write_cursor(page[-1])}}
    return Reply(body)


def _since(members: dict[int, datetime], contact_id: int) -> datetime:
    return from_millis(millis(members[contact_id]))


def _change(call: ApiCall, list_id: int, add_ids: object, remove_ids: object) -> Reply:
    one = lists.find_list(call.portal, list_id)
    adding, removing = _ids(add_ids, "recordIdsToAdd"), _ids(remove_ids, "recordIdsToRemove")
    both = set(adding) & set(removing)
    if both:
        raise invalid(f"Records cannot be added and removed in one call: {', '.join(map(str, sorted(both)))}.")
    change = lists.change_members(call.portal, one, adding, removing, call.now)
    return Reply(
        {
            "recordsIdsAdded": [str(one_id) for one_id in change.added],  # spelled so in the API's own schema
            "recordIdsRemoved": [str(one_id) for one_id in change.removed],
            "recordIdsMissing": [str(one_id) for one_id in change.missing],
        }
    )


def _ids(given: object, what: str) -> list[int]:
    return [bounded(one, what, 0) for one in as_texts(given, what)]


def _lists_of(portal: Portal, record_id: int) -> list[Json]:
    contact = find(portal, record_id)
    if contact is None:
        return []
    held: list[Json] = []
    for one in portal.lists.values():
        if one.deleted_at is not None:
            continue
        since = lists.members_of(portal, one).get(contact.id)
        if since is not None:
            first = one.first_added.get(contact.id, since)
            held.append(
                {
                    "listId": str(one.id),
                    "listVersion": one.version,
                    "firstAddedTimestamp": iso(first),
                    "lastAddedTimestamp": iso(since),
                    "isPublicList": False,
                }
            )
    return held


def _contacts_only(object_type: str) -> None:
    if object_type != lists.CONTACTS:
        raise invalid(f"This sandbox has lists of contacts only; use objectTypeId {lists.CONTACTS}.")


def _write_cursor(key: tuple[int, int]) -> str:
    return base64.urlsafe_b64encode(f"{key[0]}:{key[1]}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[int, int]:
    try:
        at, _, contact_id = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().partition(":")
        return int(at), int(contact_id)
    except ValueError:
        raise invalid("The 'after' cursor is not one that this API gave out.") from None
