from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from integrations.sandbox.hubspot.property_catalogue import DEFAULTS
from tests.sandbox.hubspot_portal import HubSpot, V, connected

PROPERTIES = f"/crm/properties/{V}/contacts"
FACTS = Path(__file__).parents[3] / "shared" / "platforms" / "hubspot-contact-properties.json"
SEGMENTS = {
    "name": "segsync_segments",
    "label": "Segments",
    "groupName": "segsync",
    "type": "enumeration",
    "fieldType": "checkbox",
    "options": [{"label": "VIP", "value": "vip", "displayOrder": 0}],
}


@pytest.fixture
def hubspot() -> HubSpot:
    return connected()


def body(response: Any) -> Any:
    assert response.json is not None, response.text
    return response.json


def test_all_properties_are_told_with_their_options(hubspot: HubSpot) -> None:
    found = {one["name"]: one for one in body(hubspot.get(PROPERTIES))["results"]}
    assert found["hs_email_open"]["modificationMetadata"]["readOnlyValue"] is True
    assert found["hs_email_optout"]["type"] == "bool"
    assert [one["value"] for one in found["lifecyclestage"]["options"]][:2] == ["subscriber", "lead"]


def test_one_property_by_name(hubspot: HubSpot) -> None:
    assert body(hubspot.get(f"{PROPERTIES}/email"))["groupName"] == "contactinformation"
    assert hubspot.get(f"{PROPERTIES}/nothing").status_code == 404


def test_a_group_and_a_property_in_it_can_be_made(hubspot: HubSpot) -> None:
    assert hubspot.post(PROPERTIES, SEGMENTS).status_code == 400
    assert hubspot.post(f"{PROPERTIES}/groups", {"name": "segsync", "label": "SegSync"}).status_code == 201
    made = hubspot.post(PROPERTIES, SEGMENTS)
    assert made.status_code == 201
    assert body(made)["options"][0]["value"] == "vip"
    assert body(hubspot.get(f"{PROPERTIES}/groups/segsync"))["label"] == "SegSync"
    assert hubspot.post(PROPERTIES, SEGMENTS).status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Capital"},
        {"name": "9digits"},
        {"type": "json"},
        {"fieldType": "date"},
        {"groupName": "none"},
        {"label": ""},
        {"options": [{"label": "A", "value": "a"}, {"label": "B", "value": "a"}]},
        {"options": [{"label": "A", "value": " a"}]},
    ],
)
def test_a_wrong_definition_is_refused(hubspot: HubSpot, change: dict[str, Any]) -> None:
    assert hubspot.post(PROPERTIES, SEGMENTS | {"groupName": "contactinformation"} | change).status_code == 400


def test_options_of_ones_own_property_can_grow(hubspot: HubSpot) -> None:
    hubspot.post(PROPERTIES, SEGMENTS | {"groupName": "contactinformation"})
    options = [*SEGMENTS["options"], {"label": "Lapsed", "value": "lapsed"}]
    changed = hubspot.call("PATCH", f"{PROPERTIES}/segsync_segments", {"options": options})
    assert [one["value"] for one in body(changed)["options"]] == ["vip", "lapsed"]
    assert hubspot.call("PATCH", f"{PROPERTIES}/email", {"label": "E"}).status_code == 400


def test_several_properties_are_read_at_once(hubspot: HubSpot) -> None:
    answer = hubspot.post(f"{PROPERTIES}/batch/read", {"archived": False, "inputs": [{"name": "email"}, {"name": "nothing"}]})
    assert answer.status_code == 207
    assert [one["name"] for one in body(answer)["results"]] == ["email"]


def test_only_contacts_have_properties_here(hubspot: HubSpot) -> None:
    assert hubspot.get(f"/crm/properties/{V}/deals").status_code == 400
    assert hubspot.get(f"/crm/properties/{V}/0-1/email").status_code == 200


@pytest.mark.skipif(not FACTS.exists(), reason="the published property list is not beside the checkout")
def test_default_properties_are_hubspots_own() -> None:
    published = {one["name"]: one for one in json.loads(FACTS.read_text())}
    for name, defined in DEFAULTS.items():
        if name not in published:
            assert name in {"hs_additional_emails", "hs_marketable_status"}
            continue
        facts = published[name]
        metadata = defined["modificationMetadata"]
        assert isinstance(metadata, dict)
        told = (defined["label"], defined["type"], defined["groupName"], metadata["readOnlyValue"])
        assert told == (facts["label"], facts["type"], facts["group"], facts["read_only_value"] == "true"), name
        options = defined["options"]
        assert isinstance(options, list)
        if facts["options"]:
            assert {one["value"] for one in options} == set(facts["options"]), name
