from __future__ import annotations

import random
import time
from datetime import timedelta
from typing import Any

import pytest

from integrations.sandbox.hubspot.emails import record_event
from integrations.sandbox.hubspot.state import Contact, EmailEvent, PageView
from integrations.sandbox.hubspot.visits import record_page_view
from tests.sandbox.hubspot_portal import START, HubSpot, V, connected, event

EVENTS = "/email/public/v1/events"
OCCURRENCES = f"/events/event-occurrences/{V}"


@pytest.fixture
def hubspot() -> HubSpot:
    return connected()


def body(response: Any) -> Any:
    assert response.status_code == 200, response.text
    return response.json


def names(page: Any) -> list[str]:
    return [one["id"] for one in page["events"]]


def ms(minute: float) -> int:
    return int((START + timedelta(minutes=minute)).timestamp() * 1000)


def test_events_come_newest_first(hubspot: HubSpot) -> None:
    assert names(body(hubspot.get(EVENTS))) == ["d2", "s2", "o3", "c1", "o2", "o1", "d1", "s1"]


def test_an_event_has_hubspots_fields(hubspot: HubSpot) -> None:
    click = body(hubspot.get(EVENTS, eventType="CLICK"))["events"][0]
    assert (click["recipient"], click["emailCampaignId"], click["url"]) == ("ann@example.com", 5555, "https://shop.example/p/1")
    assert (click["created"], click["filteredEvent"], click["portalId"]) == (ms(180), False, 123456)
    assert click["sentBy"] == {"id": "s1", "created": ms(0)}


def test_pages_follow_by_offset_and_stay_right_when_new_events_arrive(hubspot: HubSpot) -> None:
    page = body(hubspot.get(EVENTS, limit=5))
    assert page["hasMore"] is True
    record_event(hubspot.portal, event("new", "OPEN", 9000))
    rest = body(hubspot.get(EVENTS, limit=5, offset=page["offset"]))
    assert names(rest) == ["o1", "d1", "s1"]
    assert rest["hasMore"] is False


def test_the_default_page_is_10_and_the_largest_1000(hubspot: HubSpot) -> None:
    for number in range(10):
        record_event(hubspot.portal, event(f"x{number}", "OPEN", 8000 + number))
    assert len(body(hubspot.get(EVENTS))["events"]) == 10
    assert hubspot.get(EVENTS, limit=1001).status_code == 400


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"startTimestamp": ms(7200)}, ["d2", "s2"]),
        ({"endTimestamp": ms(1)}, ["d1", "s1"]),
        ({"eventType": "OPEN"}, ["o3", "o2", "o1"]),
        ({"eventType": "OPEN", "excludeFilteredEvents": "true"}, ["o2", "o1"]),
        ({"recipient": "ANN@example.com", "eventType": "SENT"}, ["s2", "s1"]),
        ({"recipient": "nobody@example.com"}, []),
        ({"campaignId": 5556}, ["d2", "s2"]),
    ],
)
def test_events_are_chosen_by(hubspot: HubSpot, asked: dict[str, Any], found: list[str]) -> None:
    assert names(body(hubspot.get(EVENTS, **asked))) == found


def test_events_of_one_millisecond_are_told_once_each(hubspot: HubSpot) -> None:
    for number in range(7):
        record_event(hubspot.portal, event(f"same{number}", "OPEN", 8000))
    seen: list[str] = []
    offset: dict[str, str] = {}
    while True:
        page = body(hubspot.get(EVENTS, limit=3, startTimestamp=ms(8000), **offset))
        seen += names(page)
        if not page["hasMore"]:
            break
        offset = {"offset": page["offset"]}
    assert sorted(seen) == [f"same{number}" for number in range(7)]


def test_events_need_the_scope_content(hubspot: HubSpot) -> None:
    hubspot.with_scopes("oauth")
    assert hubspot.get(EVENTS).status_code == 403


def test_a_campaign_tells_its_name_and_subject(hubspot: HubSpot) -> None:
    told = body(hubspot.get("/email/public/v1/campaigns/5555"))
    assert (told["name"], told["subject"]) == ("Autumn", "Autumn is here")
    assert hubspot.get("/email/public/v1/campaigns/1").status_code == 404


def test_a_recorded_open_shows_in_the_contact_and_its_modified_date(hubspot: HubSpot) -> None:
    record_event(hubspot.portal, event("o9", "OPEN", 7300, 5556))
    told = body(hubspot.get(f"/crm/objects/{V}/contacts/101", properties="hs_email_open,hs_email_last_open_date"))
    assert told["properties"]["hs_email_open"] == "2"
    assert told["updatedAt"] == told["properties"]["hs_email_last_open_date"] == "2026-11-06T10:40:00Z"


def test_an_event_recorded_late_takes_its_place_in_time(hubspot: HubSpot) -> None:
    record_event(hubspot.portal, event("early", "OPEN", 30))
    assert [one.id for one in hubspot.portal.email_events][:3] == ["s1", "d1", "early"]
    told = body(hubspot.get(f"/crm/objects/{V}/contacts/101", properties="hs_email_first_open_date"))
    assert told["properties"]["hs_email_first_open_date"] == "2026-11-01T09:30:00Z"


def test_counters_follow_the_current_address(hubspot: HubSpot) -> None:
    hubspot.call("PATCH", f"/crm/objects/{V}/contacts/101", {"properties": {"email": "ann@new.example"}})
    told = body(hubspot.get(f"/crm/objects/{V}/contacts/101", properties="hs_email_open"))
    assert told["properties"]["hs_email_open"] is None


def test_an_unknown_kind_of_event_is_not_recorded(hubspot: HubSpot) -> None:
    with pytest.raises(ValueError, match="Unknown e-mail event type"):
        record_event(hubspot.portal, event("x", "WINK", 1))


def test_visits_of_a_contact_and_of_everybody(hubspot: HubSpot) -> None:
    record_page_view(hubspot.portal, PageView("w", 102, START + timedelta(minutes=1), "https://shop.example/w", "W"))
    mine = body(hubspot.get(OCCURRENCES, objectType="contact", objectId="101", eventType="e_visited_page"))["results"]
    assert [one["id"] for one in mine] == ["v95", "v90", "v5", "v0"]
    assert mine[0]["properties"] == {"hs_url": "https://shop.example/95", "hs_title": "Page"}
    everybody = body(hubspot.get(OCCURRENCES, objectType="contact", eventType="e_visited_page", sort="occurredAt"))["results"]
    assert [one["id"] for one in everybody] == ["v0", "w", "v5", "v90", "v95"]


def test_visits_within_a_window_and_in_pages(hubspot: HubSpot) -> None:
    window = {"eventType": "e_visited_page", "occurredAfter": "2026-11-01T09:05:00Z", "occurredBefore": "2026-11-01T10:35:00Z"}
    page = body(hubspot.get(OCCURRENCES, limit=1, **window))
    assert [one["id"] for one in page["results"]] == ["v90"]
    rest = body(hubspot.get(OCCURRENCES, limit=1, after=page["paging"]["next"]["after"], **window))
    assert [one["id"] for one in rest["results"]] == ["v5"]
    assert "paging" not in rest


def test_visits_need_an_enterprise_portal(hubspot: HubSpot) -> None:
    hubspot.portal.enterprise = False
    assert hubspot.get(OCCURRENCES, objectType="contact", eventType="e_visited_page").status_code == 403


def test_account_details(hubspot: HubSpot) -> None:
    told = body(hubspot.get(f"/account-info/{V}/details"))
    assert (told["portalId"], told["timeZone"], told["companyCurrency"]) == (123456, "Europe/London", "GBP")


def test_a_large_portal_answers_quickly(hubspot: HubSpot) -> None:
    draw = random.Random(1)
    portal = hubspot.portal
    portal.contacts |= {n: Contact(n, {"email": f"p{n}@example.com"}, START, START) for n in range(1_000, 3_000)}
    kinds = ("SENT", "DELIVERED", "OPEN", "CLICK")
    portal.email_events = [
        EmailEvent(f"e{n}", START + timedelta(seconds=n), kinds[n % 4], f"p{draw.randrange(1_000, 3_000)}@example.com", 5555 + n % 50) for n in range(100_000)
    ]
    asked = {"properties": ["email", "hs_email_open", "hs_email_last_open_date"], "inputs": [{"id": str(n)} for n in range(1_000, 1_100)]}
    body(hubspot.post(f"/crm/objects/{V}/contacts/batch/read", asked))  # builds the index
    began = time.perf_counter()
    for _ in range(5):
        body(hubspot.post(f"/crm/objects/{V}/contacts/batch/read", asked))
        body(hubspot.get(EVENTS, recipient="p1500@example.com", limit=1000))
        record_event(portal, EmailEvent(str(draw.random()), START + timedelta(days=3), "OPEN", "p1500@example.com", 5555))
    assert time.perf_counter() - began < 4
