from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integrations.sandbox.hubspot.state import Contact
from tests.sandbox.hubspot_portal import START, HubSpot, V, connected, ids

SEARCH = f"/crm/objects/{V}/contacts/search"


@pytest.fixture
def hubspot() -> HubSpot:
    return connected()


def filtered(hubspot: HubSpot, *filters: dict[str, Any], **more: Any) -> list[str]:
    answer = hubspot.post(SEARCH, {"filterGroups": [{"filters": list(filters)}], **more})
    assert answer.status_code == 200, answer.text
    return ids(answer)


def rule(name: str, operator: str, value: Any = None, **more: Any) -> dict[str, Any]:
    return {"propertyName": name, "operator": operator} | ({} if value is None else {"value": value}) | more


def ms(days: float) -> str:
    return str(int((START + timedelta(days=days)).timestamp() * 1000))


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (rule("firstname", "EQ", "ann"), ["101"]),
        (rule("firstname", "NEQ", "Ann"), ["102", "103"]),
        (rule("hs_object_id", "GT", "101"), ["102", "103"]),
        (rule("hs_object_id", "LTE", "101"), ["101"]),
        (rule("hs_email_open", "GTE", "1"), ["101"]),
        (rule("lastmodifieddate", "GTE", ms(1)), ["102", "103"]),
        (rule("lastmodifieddate", "LT", "2026-11-02T09:00:00Z"), ["101"]),
        (rule("lastmodifieddate", "BETWEEN", ms(0.5), highValue=ms(1.5)), ["102"]),
        (rule("firstname", "IN", values=["ann", "cem"]), ["101", "103"]),
        (rule("firstname", "NOT_IN", values=["ann", "cem"]), ["102"]),
        (rule("email", "HAS_PROPERTY"), ["101", "102"]),
        (rule("email", "NOT_HAS_PROPERTY"), ["103"]),
        (rule("email", "CONTAINS_TOKEN", "*@example.com"), ["101"]),
        (rule("email", "CONTAINS_TOKEN", "bob"), ["102"]),
    ],
)
def test_a_filter_finds(hubspot: HubSpot, one: dict[str, Any], found: list[str]) -> None:
    assert filtered(hubspot, one) == found


def test_filters_of_a_group_all_hold_and_groups_are_alternatives(hubspot: HubSpot) -> None:
    assert filtered(hubspot, rule("email", "HAS_PROPERTY"), rule("hs_object_id", "GT", "101")) == ["102"]
    groups = [{"filters": [rule("firstname", "EQ", name)]} for name in ("Ann", "Cem")]
    assert ids(hubspot.post(SEARCH, {"filterGroups": groups})) == ["101", "103"]


def test_an_empty_body_finds_everybody(hubspot: HubSpot) -> None:
    answer = hubspot.post(SEARCH, {})
    assert answer.json is not None
    assert (answer.json["total"], ids(answer)) == (3, ["101", "102", "103"])


def test_one_sort_orders_and_puts_the_empty_last(hubspot: HubSpot) -> None:
    order = [{"propertyName": "email", "direction": "DESCENDING"}]
    assert ids(hubspot.post(SEARCH, {"sorts": order})) == ["101", "102", "103"]
    assert ids(hubspot.post(SEARCH, {"sorts": ["-hs_object_id"]})) == ["103", "102", "101"]
    assert hubspot.post(SEARCH, {"sorts": order * 2}).status_code == 400


def test_pages_follow_by_after(hubspot: HubSpot) -> None:
    page = hubspot.post(SEARCH, {"limit": 2})
    assert page.json is not None
    assert page.json["paging"]["next"]["after"] == "2"
    assert ids(hubspot.post(SEARCH, {"limit": 2, "after": "2"})) == ["103"]


@pytest.mark.parametrize(
    "asked",
    [
        {"limit": 201},
        {"after": "9900", "limit": 200},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [rule("email", "HAS_PROPERTY")] * 7}]},
        {"filterGroups": [{"filters": [rule("email", "HAS_PROPERTY")] * 5}] * 4},
        {"properties": ["x" * 3_000]},
        {"filterGroups": [{"filters": [rule("nothing", "HAS_PROPERTY")]}]},
        {"filterGroups": [{"filters": [rule("email", "LIKE", "x")]}]},
        {"filterGroups": [{"filters": [rule("hs_email_open", "GT", "many")]}]},
        {"filterGroups": [{"filters": [rule("hs_email_open", "GT")]}]},
    ],
    ids=["page", "cap", "groups", "filters", "all filters", "body", "property", "operator", "number", "no value"],
)
def test_too_much_or_wrong_is_a_400(hubspot: HubSpot, asked: dict[str, Any]) -> None:
    assert hubspot.post(SEARCH, asked).status_code == 400


def test_nobody_pages_past_the_ten_thousandth(hubspot: HubSpot) -> None:
    for number in range(1_000, 11_500):
        hubspot.portal.contacts[number] = Contact(number, {"firstname": "Many"}, START, START)
    assert len(ids(hubspot.post(SEARCH, {"after": "9800", "limit": 200}))) == 200
    assert hubspot.post(SEARCH, {"after": "9801", "limit": 200}).status_code == 400


def test_a_new_contact_is_found_after_the_lag(hubspot: HubSpot) -> None:
    hubspot.post(f"/crm/objects/{V}/contacts", {"properties": {"email": "dee@example.com"}})
    assert filtered(hubspot, rule("email", "EQ", "dee@example.com")) == []
    hubspot.wait(6)
    assert filtered(hubspot, rule("email", "EQ", "dee@example.com")) == ["104"]


def test_a_change_is_found_after_the_lag_and_the_old_value_before(hubspot: HubSpot) -> None:
    hubspot.call("PATCH", f"/crm/objects/{V}/contacts/101", {"properties": {"firstname": "Anna"}})
    assert filtered(hubspot, rule("firstname", "EQ", "ann")) == ["101"]
    hubspot.wait(6)
    assert filtered(hubspot, rule("firstname", "EQ", "ann")) == []
    assert filtered(hubspot, rule("firstname", "EQ", "anna")) == ["101"]


def test_an_archived_contact_is_found_until_the_lag_is_over(hubspot: HubSpot) -> None:
    hubspot.call("DELETE", f"/crm/objects/{V}/contacts/101")
    assert filtered(hubspot, rule("firstname", "EQ", "ann")) == ["101"]
    hubspot.wait(6)
    assert filtered(hubspot, rule("firstname", "EQ", "ann")) == []


def test_the_lag_is_the_portals(hubspot: HubSpot) -> None:
    hubspot.portal.search_lag = timedelta()
    hubspot.post(f"/crm/objects/{V}/contacts", {"properties": {"email": "dee@example.com"}})
    assert filtered(hubspot, rule("email", "EQ", "dee@example.com")) == ["104"]


def test_query_looks_into_names_and_addresses(hubspot: HubSpot) -> None:
    assert ids(hubspot.post(SEARCH, {"query": "BOB"})) == ["102"]
