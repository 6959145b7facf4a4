"""The list endpoints: create, read, find, rename, change filters, delete, restore.

Source: developers.hubspot.com, "Lists".
"""

from __future__ import annotations

from integrations.sandbox.hubspot import lists
from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, as_list, as_object, as_text, as_texts, bounded
from integrations.sandbox.hubspot.list_filters import matcher
from integrations.sandbox.hubspot.refusals import Refusal, invalid
from integrations.sandbox.hubspot.state import CrmList

SEARCH_PAGE = 500
REQUIRED_IN_SEARCH = ("listIds", "offset", "processingTypes", "additionalProperties")


def create(call: ApiCall) -> Reply:
    """A new contact list; 400 for a name that is taken, case aside."""
    body = call.body()
    _contacts_only(as_text(body.get("objectTypeId"), "objectTypeId"))
    branch = body.get("filterBranch")
    made = lists.create_list(
        call.portal,
        as_text(body.get("name"), "name"),
        as_text(body.get("processingType"), "processingType"),
        call.now,
        folder_id=bounded(body.get("listFolderId"), "listFolderId", 0),
        filter_branch=as_object(branch, "filterBranch") if branch is not None else None,
    )
    return Reply({"list": lists.shown(call.portal, made, call.now, filters=True)})


def get_one(call: ApiCall, list_id: int) -> Reply:
    """One list by id."""
    one = lists.find_list(call.portal, list_id)
    return Reply({"list": lists.shown(call.portal, one, call.now, filters=call.flag("includeFilters"))})


def get_by_name(call: ApiCall, object_type: str, name: str) -> Reply:
    """One list by name, case aside; 404 when there is none."""
    _contacts_only(object_type)
    one = lists.find_by_name(call.portal, name)
    if one is None:
        raise Refusal(404, f"List does not exist with name {name}.", "OBJECT_NOT_FOUND", subCategory="ILS.LIST_NOT_FOUND")
    return Reply({"list": lists.shown(call.portal, one, call.now, filters=call.flag("includeFilters"))})


def get_many(call: ApiCall) -> Reply:
    """Lists by id; ids that are no list are left out."""
    wanted = [bounded(given, "listIds", 0) for given in call.texts("listIds")]
    found = [one for list_id in wanted if (one := call.portal.lists.get(list_id)) and one.deleted_at is None]
    return Reply({"lists": [lists.shown(call.portal, one, call.now, filters=call.flag("includeFilters")) for one in found]})


def search(call: ApiCall) -> Reply:
    """Lists by a part of their name, by type and by id, paged by offset; 400 without the fields that are required."""
    body = call.body()
    unset = [name for name in REQUIRED_IN_SEARCH if body.get(name) is None]
    if unset:
        raise invalid(f"Invalid input JSON: some required fields were not set: [{', '.join(unset)}]")
    offset = bounded(body.get("offset"), "offset", 0)
    count = bounded(body.get("count"), "count", 20, least=1, most=SEARCH_PAGE)
    ids = {bounded(given, "listIds", 0) for given in as_list(body["listIds"], "listIds")}
    query = str(body.get("query") or "").lower()
    found = [one for one in _of_types(call, body) if (not ids or one.id in ids) and query in one.name.lower()]
    page = found[offset : offset + count]
    more = offset + count < len(found)
    told = _with_additional(call, page, body)
    return Reply({"total": len(found), "offset": offset + len(page), "hasMore": more, "lists": told})


def get_all(call: ApiCall) -> Reply:
    """Every list, paged by cursor; since 2026-09 only (developers.hubspot.com, "Lists", List all)."""
    body = call.body() if call.request.get_data(cache=True) else {}
    after = bounded(body.get("after"), "after", 0)
    count = bounded(body.get("count"), "count", 20, least=1, most=SEARCH_PAGE)
    found = [one for one in _of_types(call, body) if one.id >= after]
    answer: Json = {"total": len(_of_types(call, body)), "results": _with_additional(call, found[:count], body)}
    if len(found) > count:
        answer["paging"] = {"next": {"after": str(found[count].id)}}
    return Reply(answer)


def rename(call: ApiCall, list_id: int) -> Reply:
    """Change a list's name; 400 when another has it."""
    one = lists.find_list(call.portal, list_id)
    name = as_text(call.text("listName"), "listName")
    lists.require_free_name(call.portal, name, but=one)
    one.name, one.updated_at = name, call.now
    return Reply({"updatedList": lists.shown(call.portal, one, call.now, filters=call.flag("includeFilters"))})


def update_filters(call: ApiCall, list_id: int) -> Reply:
    """Give a DYNAMIC list other filters, which raises its version; 400 for a static list."""
    one = lists.find_list(call.portal, list_id)
    if one.processing_type != "DYNAMIC":
        raise invalid(f"List {list_id} is {one.processing_type}: only the filters of DYNAMIC lists can be changed.")
    branch = as_object(call.body().get("filterBranch"), "filterBranch")
    matcher(call.portal, branch)
    one.filter_branch, one.version, one.updated_at, one.filters_updated_at = branch, one.version + 1, call.now, call.now
    return Reply({"updatedList": lists.shown(call.portal, one, call.now, filters=True)})


def delete(call: ApiCall, list_id: int) -> Reply:
    """Delete a list (204)."""
    lists.delete_list(call.portal, lists.find_list(call.portal, list_id), call.now)
    return Reply(None, 204)


def restore(call: ApiCall, list_id: int) -> Reply:
    """Bring a deleted list back within 90 days (204)."""
    lists.restore_list(call.portal, list_id, call.now)
    return Reply(None, 204)


def _contacts_only(object_type: str) -> None:
    if object_type != lists.CONTACTS:
        raise invalid(f"This sandbox has lists of contacts only; use objectTypeId {lists.CONTACTS}.")


def _of_types(call: ApiCall, body: Json) -> list[CrmList]:
    types = as_texts(body.get("processingTypes") or [], "processingTypes")
    unknown = [one for one in types if one not in lists.TYPES]
    if unknown:
        raise invalid(f"Unknown processingTypes: {', '.join(unknown)}.")
    if body.get("objectTypeId") is not None:
        _contacts_only(as_text(body["objectTypeId"], "objectTypeId"))
    living = [one for one in call.portal.lists.values() if one.deleted_at is None and (not types or one.processing_type in types)]
    return sorted(living, key=lambda one: one.id)


def _with_additional(call: ApiCall, page: list[CrmList], body: Json) -> list[Json]:
    names = as_texts(body.get("additionalProperties") or [], "additionalProperties")
    return [lists.shown(call.portal, one, call.now, size=False) | {"additionalProperties": _additional(call, one, names)} for one in page]


def _additional(call: ApiCall, one: CrmList, names: list[str]) -> Json:
    folder = call.portal.folders.get(one.folder_id)
    readable: Json = {"hs_folder_id": str(one.folder_id), "hs_folder_name": folder.name if folder else None}
    if "hs_list_size" in names:
        readable["hs_list_size"] = str(lists.shown_size(call.portal, one, call.now))
    return {name: readable[name] for name in names if readable.get(name) is not None}
