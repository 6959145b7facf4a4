from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from integrations.sandbox.hubspot.state import Contact
from tests.sandbox.hubspot_portal import START, HubSpot, V, connected, ids

CONTACTS = f"/crm/objects/{V}/contacts"


@pytest.fixture
def hubspot() -> HubSpot:
    return connected()


def body(response: Any) -> Any:
    assert response.json is not None, response.text
    return response.json


def test_a_page_has_the_default_properties_as_text_or_null(hubspot: HubSpot) -> None:
    first, _bob, cem = body(hubspot.get(CONTACTS))["results"]
    assert first["id"] == "101"
    assert set(first["properties"]) == {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}
    assert first["properties"]["createdate"] == "2026-11-01T09:00:00Z"
    assert cem["properties"]["email"] is None


def test_pages_follow_each_other_by_after(hubspot: HubSpot) -> None:
    page = hubspot.get(CONTACTS, limit=2)
    assert ids(page) == ["101", "102"]
    following = body(page)["paging"]["next"]["after"]
    rest = hubspot.get(CONTACTS, limit=2, after=following)
    assert ids(rest) == ["103"]
    assert "paging" not in body(rest)


def test_a_page_of_more_than_100_is_refused(hubspot: HubSpot) -> None:
    assert hubspot.get(CONTACTS, limit=101).status_code == 400


def test_an_unknown_property_in_a_read_is_left_out(hubspot: HubSpot) -> None:
    told = body(hubspot.get(f"{CONTACTS}/101", properties="firstname,nothing,lastname"))["properties"]
    assert "nothing" not in told
    assert told["lastname"] is None


def test_an_archived_contact_answers_only_when_asked_for(hubspot: HubSpot) -> None:
    assert hubspot.call("DELETE", f"{CONTACTS}/101").status_code == 204
    assert hubspot.get(f"{CONTACTS}/101").status_code == 404
    assert ids(hubspot.get(CONTACTS, archived="true")) == ["101"]
    assert hubspot.get(f"{CONTACTS}/101", archived="true").status_code == 200


def test_an_address_finds_a_contact_whatever_its_case_and_blanks(hubspot: HubSpot) -> None:
    assert body(hubspot.get(f"{CONTACTS}/BOB@example.com", idProperty="email"))["id"] == "102"


def test_reading_keeps_the_address_as_somebody_typed_it(hubspot: HubSpot) -> None:
    assert body(hubspot.get(f"{CONTACTS}/102"))["properties"]["email"] == " Bob@Example.COM "


def test_the_api_stores_addresses_lower_cased_and_trimmed(hubspot: HubSpot) -> None:
    made = hubspot.post(CONTACTS, {"properties": {"email": " New@Example.COM", "firstname": "N"}})
    assert made.status_code == 201
    assert body(made)["properties"]["email"] == "new@example.com"


def test_creating_somebody_who_exists_names_the_id(hubspot: HubSpot) -> None:
    refused = hubspot.post(CONTACTS, {"properties": {"email": "bob@example.com"}})
    assert refused.status_code == 409
    assert body(refused)["message"] == "Contact already exists. Existing ID: 102"
    assert body(refused)["category"] == "CONFLICT"


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"email": "not an address"}, "INVALID_EMAIL"),
        ({"email": "a@b"}, "INVALID_EMAIL"),
        ({"nothing": "x"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_email_open": "4"}, "READ_ONLY_VALUE"),
        ({"lifecyclestage": "hero"}, "INVALID_OPTION"),
        ({"lifecyclestage": " lead"}, "INVALID_OPTION"),
        ({"hs_latest_source_timestamp": "soon"}, "INVALID_DATE"),
    ],
)
def test_a_wrong_value_is_refused_by_code_and_property(hubspot: HubSpot, properties: dict[str, str], code: str) -> None:
    refused = hubspot.post(CONTACTS, {"properties": properties})
    assert refused.status_code == 400
    told = body(refused)
    assert told["category"] == "VALIDATION_ERROR"
    assert told["errors"][0]["code"] == code
    assert told["errors"][0]["context"]["propertyName"] == list(properties)
    repeated = json.loads(told["message"].removeprefix("Property values were not valid: "))
    assert repeated[0]["error"] == code


def test_a_write_moves_lastmodifieddate_and_clears_with_nothing(hubspot: HubSpot) -> None:
    before = body(hubspot.get(f"{CONTACTS}/101"))["updatedAt"]
    changed = body(hubspot.call("PATCH", f"{CONTACTS}/101", {"properties": {"lastname": "Ahmed", "firstname": ""}}))
    assert changed["properties"]["lastname"] == "Ahmed"
    assert changed["properties"]["firstname"] is None
    assert changed["updatedAt"] > before


def test_the_lifecycle_stage_moves_forward_only(hubspot: HubSpot) -> None:
    hubspot.call("PATCH", f"{CONTACTS}/101", {"properties": {"lifecyclestage": "lead"}})
    assert body(hubspot.get(f"{CONTACTS}/101", properties="lifecyclestage"))["properties"]["lifecyclestage"] == "customer"
    hubspot.call("PATCH", f"{CONTACTS}/101", {"properties": {"lifecyclestage": ""}})
    hubspot.call("PATCH", f"{CONTACTS}/101", {"properties": {"lifecyclestage": "lead"}})
    assert body(hubspot.get(f"{CONTACTS}/101", properties="lifecyclestage"))["properties"]["lifecyclestage"] == "lead"


def test_changing_to_an_address_of_another_is_a_conflict(hubspot: HubSpot) -> None:
    assert hubspot.call("PATCH", f"{CONTACTS}/101", {"properties": {"email": "BOB@example.com"}}).status_code == 409
    assert body(hubspot.get(f"{CONTACTS}/101"))["properties"]["email"] == "ann@example.com"


def test_engagement_counts_emails_not_events_and_leaves_bots_out(hubspot: HubSpot) -> None:
    names = [
        "hs_email_delivered",
        "hs_email_open",
        "hs_email_click",
        "hs_email_bounce",
        "hs_email_last_open_date",
        "hs_email_first_send_date",
    ]
    told = body(hubspot.get(f"{CONTACTS}/101", properties=",".join(names)))["properties"]
    assert [told[name] for name in names] == ["2", "1", "1", None, "2026-11-01T11:00:00Z", "2026-11-01T09:01:00Z"]


def test_web_totals_count_views_and_sessions(hubspot: HubSpot) -> None:
    names = ["hs_analytics_num_page_views", "hs_analytics_num_visits", "hs_analytics_last_url", "hs_analytics_last_visit_timestamp"]
    told = body(hubspot.get(f"{CONTACTS}/101", properties=",".join(names)))["properties"]
    assert [told[name] for name in names] == ["4", "2", "https://shop.example/95", "2026-11-01T10:30:00Z"]


def test_merging_keeps_the_primary_and_answers_for_the_old_id(hubspot: HubSpot) -> None:
    hubspot.portal.contacts[102].properties["lastname"] = "Berg"
    merged = hubspot.post(f"{CONTACTS}/merge", {"primaryObjectId": "101", "objectIdToMerge": "102"})
    assert merged.status_code == 200
    told = body(hubspot.get(f"{CONTACTS}/102", properties="firstname,lastname,hs_merged_object_ids,hs_additional_emails"))
    assert told["id"] == "101"
    assert told["properties"]["firstname"] == "Ann"
    assert told["properties"]["lastname"] == "Berg"
    assert told["properties"]["hs_merged_object_ids"] == "102"
    assert told["properties"]["hs_additional_emails"] == "bob@example.com"
    assert body(hubspot.get(f"{CONTACTS}/bob@example.com", idProperty="email"))["id"] == "101"


def test_a_merged_contact_leaves_the_pages(hubspot: HubSpot) -> None:
    hubspot.post(f"{CONTACTS}/merge", {"primaryObjectId": "101", "objectIdToMerge": "102"})
    assert ids(hubspot.get(CONTACTS)) == ["101", "103"]


def test_privacy_deletion_leaves_nothing_behind(hubspot: HubSpot) -> None:
    assert hubspot.post(f"{CONTACTS}/gdpr-delete", {"objectId": "ann@example.com", "idProperty": "email"}).status_code == 204
    assert hubspot.get(f"{CONTACTS}/101").status_code == 404
    assert hubspot.get(f"{CONTACTS}/101", archived="true").status_code == 404
    assert hubspot.portal.email_events == []
    assert hubspot.portal.page_views == []


def test_privacy_deleting_an_unknown_address_blocks_it(hubspot: HubSpot) -> None:
    hubspot.post(f"{CONTACTS}/gdpr-delete", {"objectId": "Zoe@example.com", "idProperty": "email"})
    assert hubspot.post(CONTACTS, {"properties": {"email": "zoe@example.com"}}).status_code == 400


def test_ids_are_not_given_twice(hubspot: HubSpot) -> None:
    hubspot.post(f"{CONTACTS}/gdpr-delete", {"objectId": "103"})
    assert body(hubspot.post(CONTACTS, {"properties": {"email": "d@example.com"}}))["id"] == "104"


def test_a_portal_filled_by_hand_is_found_at_once(hubspot: HubSpot) -> None:
    hubspot.get(f"{CONTACTS}/ann@example.com", idProperty="email")
    hubspot.portal.contacts[200] = Contact(200, {"email": "late@example.com"}, START, START + timedelta(hours=1))
    assert body(hubspot.get(f"{CONTACTS}/late@example.com", idProperty="email"))["id"] == "200"


def test_a_body_that_is_no_json_is_refused(hubspot: HubSpot) -> None:
    for data in ("{", "[]", "null"):
        assert hubspot.call("POST", CONTACTS, data=data, content_type="application/json").status_code == 400


def test_an_address_too_long_is_refused_with_414(hubspot: HubSpot) -> None:
    assert hubspot.get(CONTACTS, properties="x" * 17_000).status_code == 414
