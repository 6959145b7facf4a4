from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hubspot.utils.signature import Signature

from integrations.sandbox.hubspot.contacts import update_contact
from integrations.sandbox.hubspot.webhooks import RETRY_DELAYS, signature_v1, signature_v3
from tests.sandbox.hubspot_portal import HUB, HubSpot, V, connected

URL = "http://127.0.0.1:8000/webhooks/hubspot"
VECTORS = Path(__file__).parents[3] / "shared" / "platforms" / "hubspot-signature-vectors.json"
CONTACTS = f"/crm/objects/{V}/contacts"


@pytest.fixture
def hubspot() -> HubSpot:
    return connected(hubspot_webhook_url=URL)


def events(hubspot: HubSpot) -> list[dict[str, Any]]:
    return [one for sent in hubspot.outbox.sent for one in json.loads(sent["body"])]


def kinds(hubspot: HubSpot) -> list[str]:
    return [one["subscriptionType"] for one in events(hubspot)]


@pytest.mark.skipif(not VECTORS.exists(), reason="the signature vectors are not beside the checkout")
def test_signatures_have_the_known_answers() -> None:
    vectors = json.loads(VECTORS.read_text())
    v1, v3 = vectors["v1"], vectors["v3_selfmade"]
    assert signature_v1(v1["secret"], v1["body"].encode()) == v1["signature"]
    assert signature_v3(v3["secret"], v3["method"], v3["uri"], v3["body"].encode(), v3["timestamp"]) == v3["signature"]


def test_a_delivery_is_signed_as_the_official_client_checks_it(hubspot: HubSpot) -> None:
    hubspot.post(CONTACTS, {"properties": {"email": "zoe@example.com", "firstname": "Zoë"}})
    sent = hubspot.outbox.sent[0]
    headers = sent["sign"](sent["body"], datetime.now(UTC))
    assert (sent["url"], sent["account"]) == (URL, str(HUB))
    assert Signature.is_valid(
        signature=headers["X-HubSpot-Signature-v3"],
        client_secret="sandbox-hubspot-secret-of-no-use-elsewhere",
        request_body=sent["body"].decode(),
        http_uri=URL,
        http_method="POST",
        signature_version="v3",
        timestamp=headers["X-HubSpot-Request-Timestamp"],
    )
    assert headers["X-HubSpot-Signature"] == signature_v1("sandbox-hubspot-secret-of-no-use-elsewhere", sent["body"])


def test_ten_retries_spread_over_about_a_day() -> None:
    assert len(RETRY_DELAYS) == 10
    assert 20 * 3600 < sum(RETRY_DELAYS) <= 24 * 3600


def test_a_new_contact_tells_of_its_creation_and_its_properties(hubspot: HubSpot) -> None:
    hubspot.post(CONTACTS, {"properties": {"email": "dee@example.com", "city": "Ulm"}})
    told = events(hubspot)
    assert [(one["subscriptionType"], one.get("propertyName")) for one in told] == [
        ("contact.creation", None),
        ("contact.propertyChange", "email"),
    ]
    assert (told[0]["objectId"], told[0]["portalId"], told[0]["appId"], told[0]["attemptNumber"]) == (104, HUB, 424242, 0)


def test_only_subscribed_properties_are_told_of(hubspot: HubSpot) -> None:
    hubspot.call("PATCH", f"{CONTACTS}/101", {"properties": {"city": "Ulm"}})
    assert events(hubspot) == []
    hubspot.app.subscriptions.properties.add("city")
    hubspot.call("PATCH", f"{CONTACTS}/101", {"properties": {"city": "Bonn"}})
    assert [(one["propertyName"], one["propertyValue"]) for one in events(hubspot)] == [("city", "Bonn")]


def test_a_value_written_again_is_no_change(hubspot: HubSpot) -> None:
    hubspot.call("PATCH", f"{CONTACTS}/101", {"properties": {"firstname": "Ann"}})
    assert events(hubspot) == []


def test_deletion_merge_and_privacy_deletion(hubspot: HubSpot) -> None:
    hubspot.call("DELETE", f"{CONTACTS}/103")
    hubspot.post(f"{CONTACTS}/merge", {"primaryObjectId": "101", "objectIdToMerge": "102"})
    hubspot.post(f"{CONTACTS}/gdpr-delete", {"objectId": "101"})
    assert kinds(hubspot) == ["contact.deletion", "contact.merge", "contact.privacyDeletion", "contact.deletion"]
    merged = events(hubspot)[1]
    assert (merged["primaryObjectId"], merged["mergedObjectIds"]) == (101, [102])


def test_a_batch_has_a_hundred_events_at_most(hubspot: HubSpot) -> None:
    inputs = [{"properties": {"email": f"p{number}@example.com"}} for number in range(100)]
    assert hubspot.post(f"{CONTACTS}/batch/create", {"inputs": inputs}).status_code == 201
    assert [len(json.loads(sent["body"])) for sent in hubspot.outbox.sent] == [100, 100]


def test_what_people_change_in_the_portal_is_told_when_published(hubspot: HubSpot) -> None:
    now = hubspot.world.clock.now() + timedelta(seconds=1)
    update_contact(hubspot.portal, hubspot.portal.contacts[101], {"lifecyclestage": "evangelist"}, now)
    hubspot.app.publish()
    assert [(one["changeSource"], one["propertyValue"]) for one in events(hubspot)] == [("CRM_UI", "evangelist")]


def test_nothing_is_told_after_uninstalling(hubspot: HubSpot) -> None:
    hubspot.app.grants.uninstall(HUB)
    update_contact(hubspot.portal, hubspot.portal.contacts[101], {"lifecyclestage": "evangelist"}, hubspot.world.clock.now())
    hubspot.app.publish()
    assert events(hubspot) == []


def test_nothing_is_sent_without_an_address() -> None:
    hubspot = connected()
    hubspot.post(CONTACTS, {"properties": {"email": "dee@example.com"}})
    assert hubspot.outbox.sent == []
    assert hubspot.portal.changes == []
