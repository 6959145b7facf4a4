from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.hubspot_portal import EVERY_SCOPE, HubSpot, V, connected

LISTS = f"/crm/lists/{V}"


@pytest.fixture
def hubspot() -> HubSpot:
    return connected()


def body(response: Any) -> Any:
    assert response.json is not None, response.text
    return response.json


def make(hubspot: HubSpot, name: str = "SegSync – VIP", kind: str = "MANUAL", **more: Any) -> str:
    made = hubspot.post(LISTS, {"name": name, "objectTypeId": "0-1", "processingType": kind, **more})
    assert made.status_code == 200, made.text
    list_id = body(made)["list"]["listId"]
    assert isinstance(list_id, str)
    return list_id


def branch(name: str, kind: str, operator: str, **operation: Any) -> dict[str, Any]:
    one = {"filterType": "PROPERTY", "property": name, "operation": {"operationType": kind, "operator": operator, **operation}}
    below = {"filterBranchType": "AND", "filterBranchOperator": "AND", "filterBranches": [], "filters": [one]}
    return {"filterBranchType": "OR", "filterBranchOperator": "OR", "filters": [], "filterBranches": [below]}


def members(hubspot: HubSpot, list_id: str) -> list[str]:
    return [one["recordId"] for one in body(hubspot.get(f"{LISTS}/{list_id}/memberships"))["results"]]


def test_a_made_list_has_a_text_id_and_nobody_in_it(hubspot: HubSpot) -> None:
    made = body(hubspot.post(LISTS, {"name": "A", "objectTypeId": "0-1", "processingType": "MANUAL"}))["list"]
    assert (made["listId"], made["size"], made["processingStatus"], made["listVersion"]) == ("1", 0, "COMPLETE", 1)


def test_a_name_is_taken_whatever_its_case(hubspot: HubSpot) -> None:
    make(hubspot, "VIP")
    refused = hubspot.post(LISTS, {"name": "vip", "objectTypeId": "0-1", "processingType": "MANUAL"})
    assert (refused.status_code, body(refused)["subCategory"]) == (400, "ILS.DUPLICATE_LIST_NAMES")


@pytest.mark.parametrize("without", ["name", "objectTypeId", "processingType"])
def test_required_fields_are_required(hubspot: HubSpot, without: str) -> None:
    asked = {"name": "A", "objectTypeId": "0-1", "processingType": "MANUAL"}
    del asked[without]
    refused = hubspot.post(LISTS, asked)
    assert refused.status_code == 400
    assert without in body(refused)["message"]


def test_a_list_is_found_by_id_and_by_name(hubspot: HubSpot) -> None:
    list_id = make(hubspot, "VIP / buyers")
    assert body(hubspot.get(f"{LISTS}/{list_id}"))["list"]["name"] == "VIP / buyers"
    assert body(hubspot.get(f"{LISTS}/object-type-id/0-1/name/vip%20%2F%20BUYERS"))["list"]["listId"] == list_id
    assert hubspot.get(f"{LISTS}/object-type-id/0-1/name/other").status_code == 404
    assert hubspot.get(f"{LISTS}/99").status_code == 404


def test_several_lists_are_read_at_once_and_unknown_ids_left_out(hubspot: HubSpot) -> None:
    first, second = make(hubspot, "A"), make(hubspot, "B")
    found = body(hubspot.call("GET", f"{LISTS}?listIds={first}&listIds={second}&listIds=77"))["lists"]
    assert [one["listId"] for one in found] == [first, second]


def test_searching_needs_its_four_fields(hubspot: HubSpot) -> None:
    refused = hubspot.post(f"{LISTS}/search", {"query": "x"})
    assert refused.status_code == 400
    for name in ("listIds", "offset", "processingTypes", "additionalProperties"):
        assert name in body(refused)["message"]


def asked(**more: Any) -> dict[str, Any]:
    return {"listIds": [], "offset": 0, "processingTypes": [], "additionalProperties": [], **more}


def test_searching_pages_by_offset(hubspot: HubSpot) -> None:
    for name in ("SegSync A", "SegSync B", "Other", "segsync C"):
        make(hubspot, name)
    page = body(hubspot.post(f"{LISTS}/search", asked(query="SegSync", count=2)))
    assert (page["total"], page["offset"], page["hasMore"], len(page["lists"])) == (3, 2, True, 2)
    rest = body(hubspot.post(f"{LISTS}/search", asked(query="SegSync", count=2, offset=2)))
    assert ([one["name"] for one in rest["lists"]], rest["hasMore"]) == (["segsync C"], False)


def test_a_search_tells_no_size_but_the_properties_asked_for(hubspot: HubSpot) -> None:
    folder = body(hubspot.post(f"{LISTS}/folders", {"name": "SegSync"}))["folder"]["id"]
    list_id = make(hubspot, listFolderId=int(folder))
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["101"])
    hubspot.wait(6)
    found = body(hubspot.post(f"{LISTS}/search", asked(additionalProperties=["hs_list_size", "hs_folder_name"])))["lists"][0]
    assert "size" not in found
    assert found["additionalProperties"] == {"hs_list_size": "1", "hs_folder_name": "SegSync"}


def test_a_search_page_has_500_at_most(hubspot: HubSpot) -> None:
    assert hubspot.post(f"{LISTS}/search", asked(count=501)).status_code == 400


def test_all_lists_page_by_cursor_since_2026_09(hubspot: HubSpot) -> None:
    for name in "ABC":
        make(hubspot, name)
    page = body(hubspot.post(f"{LISTS}/all", {"count": 2}))
    rest = body(hubspot.post(f"{LISTS}/all", {"count": 2, "after": page["paging"]["next"]["after"]}))
    assert [one["name"] for one in page["results"] + rest["results"]] == ["A", "B", "C"]
    assert hubspot.post("/crm/lists/2026-03/all", {}).status_code in (404, 405)


def test_renaming_keeps_names_unique(hubspot: HubSpot) -> None:
    first, _second = make(hubspot, "A"), make(hubspot, "B")
    assert hubspot.put(f"{LISTS}/{first}/update-list-name", listName="b").status_code == 400
    assert body(hubspot.put(f"{LISTS}/{first}/update-list-name", listName="a"))["updatedList"]["name"] == "a"


def test_a_deleted_list_is_gone_and_comes_back_within_90_days(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["101"])
    assert hubspot.call("DELETE", f"{LISTS}/{list_id}").status_code == 204
    assert hubspot.get(f"{LISTS}/{list_id}").status_code == 404
    assert hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["102"]).status_code == 404
    assert hubspot.put(f"{LISTS}/{list_id}/restore").status_code == 204
    assert members(hubspot, list_id) == ["101"]


def test_a_list_deleted_90_days_ago_is_purged(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.call("DELETE", f"{LISTS}/{list_id}")
    hubspot.wait(91 * 86_400)
    hubspot.with_scopes(*EVERY_SCOPE)
    assert hubspot.put(f"{LISTS}/{list_id}/restore").status_code == 404


def test_adding_ignores_members_and_names_those_missing(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["101"])
    answer = body(hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["101", "102", "999"]))
    assert answer == {"recordsIdsAdded": ["102"], "recordIdsRemoved": [], "recordIdsMissing": ["999"]}
    assert members(hubspot, list_id) == ["101", "102"]


def test_adding_and_removing_in_one_call(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["101"])
    asked_for = {"recordIdsToAdd": ["102"], "recordIdsToRemove": ["101", "103"]}
    answer = body(hubspot.put(f"{LISTS}/{list_id}/memberships/add-and-remove", asked_for))
    assert answer == {"recordsIdsAdded": ["102"], "recordIdsRemoved": ["101"], "recordIdsMissing": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"recordIdsToAdd": ["101"]},
        {"recordIdsToRemove": ["101"]},
        {"recordIdsToAdd": [101], "recordIdsToRemove": []},
        {"recordIdsToAdd": ["ann"], "recordIdsToRemove": []},
    ],
)
def test_both_fields_are_required_and_ids_are_text(hubspot: HubSpot, wrong: dict[str, Any]) -> None:
    assert hubspot.put(f"{LISTS}/{make(hubspot)}/memberships/add-and-remove", wrong).status_code == 400


def test_a_merged_id_counts_as_missing(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.post(f"/crm/objects/{V}/contacts/merge", {"primaryObjectId": "101", "objectIdToMerge": "102"})
    assert body(hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["102"]))["recordIdsMissing"] == ["102"]
    assert members(hubspot, list_id) == []


def test_merging_moves_memberships_to_the_survivor(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["102"])
    hubspot.post(f"/crm/objects/{V}/contacts/merge", {"primaryObjectId": "101", "objectIdToMerge": "102"})
    assert members(hubspot, list_id) == ["101"]


def test_an_archived_contact_leaves_its_lists(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["101"])
    hubspot.call("DELETE", f"/crm/objects/{V}/contacts/101")
    assert members(hubspot, list_id) == []


def test_members_page_by_id_and_by_join_order(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["103"])
    hubspot.wait(1)
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["101", "102"])
    seen: dict[str, list[str]] = {}
    for way in ("memberships", "memberships/join-order"):
        page = body(hubspot.get(f"{LISTS}/{list_id}/{way}", limit=2))
        rest = body(hubspot.get(f"{LISTS}/{list_id}/{way}", limit=2, after=page["paging"]["next"]["after"]))
        assert "paging" not in rest
        seen[way] = [one["recordId"] for one in page["results"] + rest["results"]]
    assert seen == {"memberships": ["101", "102", "103"], "memberships/join-order": ["103", "101", "102"]}
    assert hubspot.get(f"{LISTS}/{list_id}/memberships", limit=251).status_code == 400


def test_the_size_lags_behind_the_members(hubspot: HubSpot) -> None:
    list_id = make(hubspot)
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["101", "102"])
    assert body(hubspot.get(f"{LISTS}/{list_id}"))["list"]["size"] == 0
    hubspot.wait(6)
    assert body(hubspot.get(f"{LISTS}/{list_id}"))["list"]["size"] == 2


def test_emptying_and_copying_lists(hubspot: HubSpot) -> None:
    first, second = make(hubspot, "A"), make(hubspot, "B")
    hubspot.put(f"{LISTS}/{first}/memberships/add", ["101", "102"])
    assert hubspot.put(f"{LISTS}/{second}/memberships/add-from/{first}").status_code == 204
    assert hubspot.call("DELETE", f"{LISTS}/{first}/memberships").status_code == 204
    assert (members(hubspot, first), members(hubspot, second)) == ([], ["101", "102"])


def test_the_lists_of_a_contact(hubspot: HubSpot) -> None:
    first, second = make(hubspot, "A"), make(hubspot, "B")
    for one in (first, second):
        hubspot.put(f"{LISTS}/{one}/memberships/add", ["101"])
    hubspot.put(f"{LISTS}/{second}/memberships/remove", ["101"])
    assert [one["listId"] for one in body(hubspot.get(f"{LISTS}/records/0-1/101/memberships"))["results"]] == [first]
    inputs = {"inputs": [{"objectTypeId": "0-1", "recordId": one} for one in ("101", "102")]}
    results = body(hubspot.post(f"{LISTS}/records/memberships/batch/read", inputs))["results"]
    assert [[held["listId"] for held in one["recordListMemberships"]] for one in results] == [[first], []]


def test_a_dynamic_list_takes_nobody_by_hand(hubspot: HubSpot) -> None:
    list_id = make(hubspot, kind="DYNAMIC", filterBranch=branch("firstname", "STRING", "IS_EQUAL_TO", value="Ann"))
    assert hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["102"]).status_code == 400
    assert members(hubspot, list_id) == ["101"]


def test_a_dynamic_list_follows_its_property(hubspot: HubSpot) -> None:
    list_id = make(hubspot, kind="DYNAMIC", filterBranch=branch("lifecyclestage", "ENUMERATION", "IS_ANY_OF", values=["lead", "other"]))
    assert members(hubspot, list_id) == []
    hubspot.call("PATCH", f"/crm/objects/{V}/contacts/102", {"properties": {"lifecyclestage": "lead"}})
    assert members(hubspot, list_id) == ["102"]
    assert body(hubspot.get(f"{LISTS}/{list_id}"))["list"]["size"] == 1


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (branch("hs_email_open", "NUMBER", "IS_GREATER_THAN_OR_EQUAL_TO", value=1), ["101"]),
        (branch("hs_email_open", "NUMBER", "IS_LESS_THAN", value=1, includeObjectsWithNoValueSet=True), ["102", "103"]),
        (branch("lifecyclestage", "ENUMERATION", "IS_NONE_OF", values=["lead"]), ["101"]),
        (branch("lifecyclestage", "ENUMERATION", "IS_NONE_OF", values=["lead"], includeObjectsWithNoValueSet=True), ["101", "102", "103"]),
        (branch("email", "STRING", "CONTAINS", value="BOB"), ["102"]),
        (branch("email", "ALL_PROPERTY", "IS_UNKNOWN"), ["103"]),
    ],
)
def test_a_filter_means(hubspot: HubSpot, filters: dict[str, Any], found: list[str]) -> None:
    assert members(hubspot, make(hubspot, kind="DYNAMIC", filterBranch=filters)) == found


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        {"filterBranchType": "AND", "filterBranches": [], "filters": []},
        {"filterBranchType": "OR", "filterBranches": [], "filters": []},
        branch("nothing", "STRING", "IS_EQUAL_TO", value="x"),
        branch("email", "STRING", "RHYMES_WITH", value="x"),
    ],
)
def test_filters_that_mean_nothing_are_refused(hubspot: HubSpot, wrong: Any) -> None:
    asked_for = {"name": "A", "objectTypeId": "0-1", "processingType": "DYNAMIC"} | ({"filterBranch": wrong} if wrong else {})
    assert hubspot.post(LISTS, asked_for).status_code == 400


def test_new_filters_raise_the_version(hubspot: HubSpot) -> None:
    list_id = make(hubspot, kind="DYNAMIC", filterBranch=branch("firstname", "STRING", "IS_EQUAL_TO", value="Ann"))
    other = {"filterBranch": branch("firstname", "STRING", "IS_EQUAL_TO", value="Bob")}
    assert body(hubspot.put(f"{LISTS}/{list_id}/update-list-filters", other))["updatedList"]["listVersion"] == 2
    assert members(hubspot, list_id) == ["102"]
    assert hubspot.put(f"{LISTS}/{make(hubspot, 'By hand')}/update-list-filters", other).status_code == 400


def test_filters_are_told_when_asked_for(hubspot: HubSpot) -> None:
    filters = branch("firstname", "STRING", "IS_EQUAL_TO", value="Ann")
    list_id = make(hubspot, kind="DYNAMIC", filterBranch=filters)
    assert "filterBranch" not in body(hubspot.get(f"{LISTS}/{list_id}"))["list"]
    assert body(hubspot.get(f"{LISTS}/{list_id}", includeFilters="true"))["list"]["filterBranch"] == filters


def test_a_snapshot_is_filled_once_and_then_by_hand(hubspot: HubSpot) -> None:
    list_id = make(hubspot, kind="SNAPSHOT", filterBranch=branch("firstname", "STRING", "IS_EQUAL_TO", value="Ann"))
    hubspot.call("PATCH", f"/crm/objects/{V}/contacts/101", {"properties": {"firstname": "Anna"}})
    hubspot.put(f"{LISTS}/{list_id}/memberships/add", ["103"])
    assert members(hubspot, list_id) == ["101", "103"]


def test_folders_hold_lists_and_are_deleted_only_empty(hubspot: HubSpot) -> None:
    folder = body(hubspot.post(f"{LISTS}/folders", {"name": "SegSync", "parentFolderId": "0"}))["folder"]["id"]
    list_id = make(hubspot)
    assert hubspot.put(f"{LISTS}/folders/move-list", {"listId": list_id, "newFolderId": folder}).status_code == 204
    tree = body(hubspot.get(f"{LISTS}/folders"))["folder"]
    assert (tree["id"], tree["childNodes"][0]["name"], tree["childNodes"][0]["childLists"]) == ("0", "SegSync", [int(list_id)])
    assert body(hubspot.put(f"{LISTS}/folders/{folder}/rename", newFolderName="Seg"))["folder"]["name"] == "Seg"
    assert hubspot.call("DELETE", f"{LISTS}/folders/{folder}").status_code == 400
    hubspot.put(f"{LISTS}/folders/move-list", {"listId": list_id, "newFolderId": "0"})
    assert hubspot.call("DELETE", f"{LISTS}/folders/{folder}").status_code == 204


def test_a_list_needs_a_folder_that_exists(hubspot: HubSpot) -> None:
    wrong = {"name": "A", "objectTypeId": "0-1", "processingType": "MANUAL", "listFolderId": 9}
    assert hubspot.post(LISTS, wrong).status_code == 400
