from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.hubspot_portal import HubSpot, V, connected

BATCH = f"/crm/objects/{V}/contacts/batch"


@pytest.fixture
def hubspot() -> HubSpot:
    return connected()


def body(response: Any) -> Any:
    assert response.json is not None, response.text
    return response.json


def test_reading_names_those_missing_in_a_207(hubspot: HubSpot) -> None:
    answer = hubspot.post(f"{BATCH}/read", {"properties": ["email"], "inputs": [{"id": "101"}, {"id": "999"}]})
    assert answer.status_code == 207
    told = body(answer)
    assert [one["id"] for one in told["results"]] == ["101"]
    assert told["numErrors"] == 1
    assert told["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert told["errors"][0]["context"] == {"ids": ["999"]}


def test_reading_everybody_is_a_200_without_errors(hubspot: HubSpot) -> None:
    answer = hubspot.post(f"{BATCH}/read", {"properties": [], "inputs": [{"id": "101"}, {"id": "102"}]})
    assert answer.status_code == 200
    assert "errors" not in body(answer)


def test_reading_by_address(hubspot: HubSpot) -> None:
    asked = {"idProperty": "email", "properties": ["email"], "inputs": [{"id": "BOB@example.com"}]}
    assert body(hubspot.post(f"{BATCH}/read", asked))["results"][0]["id"] == "102"


def test_reading_by_a_property_that_is_not_unique_is_refused(hubspot: HubSpot) -> None:
    asked = {"idProperty": "firstname", "properties": [], "inputs": [{"id": "Ann"}]}
    assert hubspot.post(f"{BATCH}/read", asked).status_code == 400


def test_more_than_100_inputs_are_refused(hubspot: HubSpot) -> None:
    inputs = [{"id": str(number)} for number in range(101)]
    for what in ("read", "update", "upsert", "archive"):
        assert hubspot.post(f"{BATCH}/{what}", {"properties": [], "inputs": inputs}).status_code == 400


def test_updating_changes_those_there_and_names_the_others(hubspot: HubSpot) -> None:
    inputs = [{"id": "101", "properties": {"lastname": "A"}}, {"id": "999", "properties": {"lastname": "B"}}]
    answer = hubspot.post(f"{BATCH}/update", {"inputs": inputs})
    assert answer.status_code == 207
    assert body(answer)["errors"][0]["context"]["ids"] == ["999"]
    assert hubspot.portal.contacts[101].properties["lastname"] == "A"


def test_one_bad_value_refuses_the_whole_update(hubspot: HubSpot) -> None:
    inputs = [{"id": "101", "properties": {"lastname": "A"}}, {"id": "102", "properties": {"nothing": "B"}}]
    assert hubspot.post(f"{BATCH}/update", {"inputs": inputs}).status_code == 400
    assert "lastname" not in hubspot.portal.contacts[101].properties


def test_upserting_by_address_says_who_is_new(hubspot: HubSpot) -> None:
    inputs = [
        {"id": "Bob@example.com", "idProperty": "email", "properties": {"email": "bob@example.com", "lastname": "B"}},
        {"id": "dee@example.com", "idProperty": "email", "properties": {"firstname": "Dee"}},
    ]
    results = body(hubspot.post(f"{BATCH}/upsert", {"inputs": inputs}))["results"]
    assert [one["new"] for one in results] == [False, True]
    assert results[0]["id"] == "102"
    assert hubspot.portal.contacts[int(results[1]["id"])].properties["email"] == "dee@example.com"


def test_upserting_by_address_does_nothing_when_one_item_is_bad(hubspot: HubSpot) -> None:
    inputs = [
        {"id": "dee@example.com", "idProperty": "email", "properties": {"firstname": "Dee"}},
        {"id": "not an address", "idProperty": "email", "properties": {"firstname": "Eve"}},
    ]
    refused = hubspot.post(f"{BATCH}/upsert", {"inputs": inputs})
    assert refused.status_code == 400
    assert len(hubspot.portal.contacts) == 3


def test_the_same_address_twice_refuses_the_batch(hubspot: HubSpot) -> None:
    inputs = [{"id": one, "idProperty": "email", "properties": {}} for one in ("dee@example.com", "DEE@example.com")]
    assert hubspot.post(f"{BATCH}/upsert", {"inputs": inputs}).status_code == 400
    assert len(hubspot.portal.contacts) == 3


def test_upserting_by_a_unique_property_of_ones_own_fails_item_by_item(hubspot: HubSpot) -> None:
    made = {"name": "shop_id", "label": "Shop id", "groupName": "contactinformation", "type": "string", "fieldType": "text"}
    assert hubspot.post(f"/crm/properties/{V}/contacts", made | {"hasUniqueValue": True}).status_code == 201
    inputs = [
        {"id": "s1", "idProperty": "shop_id", "properties": {"firstname": "Dee"}},
        {"id": "s2", "idProperty": "shop_id", "properties": {"email": "wrong"}},
    ]
    answer = hubspot.post(f"{BATCH}/upsert", {"inputs": inputs})
    assert answer.status_code == 207
    assert [one["new"] for one in body(answer)["results"]] == [True]
    assert body(answer)["errors"][0]["context"] == {"ids": ["s2"]}
    again = body(hubspot.post(f"{BATCH}/upsert", {"inputs": inputs[:1]}))
    assert again["results"][0]["new"] is False


def test_creating_is_all_or_none(hubspot: HubSpot) -> None:
    inputs = [{"properties": {"email": "dee@example.com"}}, {"properties": {"email": "ann@example.com"}}]
    assert hubspot.post(f"{BATCH}/create", {"inputs": inputs}).status_code == 409
    assert len(hubspot.portal.contacts) == 3
    assert hubspot.post(f"{BATCH}/create", {"inputs": inputs[:1]}).status_code == 201


def test_archiving_passes_over_those_missing(hubspot: HubSpot) -> None:
    assert hubspot.post(f"{BATCH}/archive", {"inputs": [{"id": "101"}, {"id": "999"}]}).status_code == 204
    assert hubspot.portal.contacts[101].archived


def test_a_leading_semicolon_appends_to_a_multiple_choice(hubspot: HubSpot) -> None:
    options = [{"label": one, "value": one, "displayOrder": order} for order, one in enumerate(("vip", "lapsed"))]
    made = {"name": "segments", "label": "Segments", "groupName": "contactinformation", "type": "enumeration", "fieldType": "checkbox"}
    assert hubspot.post(f"/crm/properties/{V}/contacts", made | {"options": options}).status_code == 201
    for value in ("vip", ";lapsed", ";vip"):
        hubspot.post(f"{BATCH}/update", {"inputs": [{"id": "101", "properties": {"segments": value}}]})
    assert hubspot.portal.contacts[101].properties["segments"] == "vip;lapsed"
