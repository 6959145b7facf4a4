"""The sandbox's forms and surveys answer as HubSpot's pages say."""

from __future__ import annotations

from datetime import timedelta

import pytest

from integrations.sandbox.hubspot.contacts import erase_contact, merge_contacts
from integrations.sandbox.hubspot.feedback import record_feedback
from integrations.sandbox.hubspot.forms import record_submission
from integrations.sandbox.hubspot.state import Feedback, Form, FormSubmission
from tests.sandbox.hubspot_portal import START, HubSpot, V, connected, ids

FEEDBACK = f"/crm/objects/{V}/feedback_submissions"
SUBMISSIONS = "/form-integrations/v1/submissions/forms/guid-1"


@pytest.fixture
def hubspot() -> HubSpot:
    made = connected()
    made.portal.forms = {name: Form(name, name.title(), START) for name in ("guid-1", "guid-2", "guid-3")}
    for number in range(120):
        record_submission(
            made.portal, FormSubmission(f"s{number:03}", "guid-1", START + timedelta(minutes=number // 2), {"email": "ann@example.com"}, "https://x")
        )
    for number in range(1, 251):
        record_feedback(made.portal, Feedback(number, 101 + number % 2, "NPS", "9", "PROMOTER", START + timedelta(minutes=number)))
    return made


def test_submissions_come_newest_first_fifty_at_most_and_none_twice(hubspot: HubSpot) -> None:
    assert hubspot.get(SUBMISSIONS, limit=51).status_code == 400
    read: list[str] = []
    after = ""
    for _ in range(3):
        page = hubspot.get(SUBMISSIONS, limit=50, **({"after": after} if after else {})).json
        read += [one["conversionId"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after", "")
    assert not after
    assert read == [f"s{number:03}" for number in reversed(range(120))]
    assert hubspot.get(SUBMISSIONS, after="nonsense").status_code == 400
    assert hubspot.get("/form-integrations/v1/submissions/forms/nobody").status_code == 404
    assert hubspot.get("/form-integrations/v1/submissions/forms/guid-2").json == {"results": []}


def test_forms_are_paged_and_need_their_scope(hubspot: HubSpot) -> None:
    first = hubspot.get("/marketing/v3/forms", limit=2)
    assert ids(first) == ["guid-1", "guid-2"]
    assert ids(hubspot.get("/marketing/v3/forms", limit=2, after=first.json["paging"]["next"]["after"])) == ["guid-3"]
    assert hubspot.get("/marketing/v3/forms", formTypes="sonnet").status_code == 400
    hubspot.with_scopes("oauth", "crm.objects.contacts.read")
    assert hubspot.get("/marketing/v3/forms").status_code == 403


def test_feedback_is_paged_and_searched_by_id_and_time(hubspot: HubSpot) -> None:
    page = hubspot.get(FEEDBACK, limit=100, properties="hs_value,hs_contact_id,unheard_of")
    assert len(ids(page)) == 100
    assert page.json["results"][0]["properties"].keys() == {"hs_value", "hs_contact_id", "hs_createdate", "hs_lastmodifieddate", "hs_object_id"}
    since = int((START + timedelta(minutes=200)).timestamp() * 1000)
    filters = [
        {"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": str(since)},
        {"propertyName": "hs_object_id", "operator": "GT", "value": "240"},
    ]
    body = {"filterGroups": [{"filters": filters}], "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}], "limit": 6}
    found = hubspot.post(FEEDBACK + "/search", body)
    assert ids(found) == [str(number) for number in range(241, 247)]
    assert found.json["total"] == 10
    assert "paging" in found.json
    body["properties"] = ["x" * 3_000]
    assert hubspot.post(FEEDBACK + "/search", body).status_code == 400


def test_a_plan_without_surveys_is_told_so(hubspot: HubSpot) -> None:
    hubspot.portal.service_hub = False
    assert hubspot.get(FEEDBACK).status_code == 403
    assert hubspot.post(FEEDBACK + "/search", {"filterGroups": []}).status_code == 403


def test_answers_follow_a_merge_and_go_with_whoever_is_erased(hubspot: HubSpot) -> None:
    portal = hubspot.portal
    merge_contacts(portal, portal.contacts[101], portal.contacts[102], START)
    assert {answer.contact_id for answer in portal.feedback.values()} == {101}
    erase_contact(portal, portal.contacts[101], START)
    assert not portal.feedback
    assert not portal.form_submissions
