from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request

from integrations.sandbox.hubspot.routes import ROUTES
from tests.sandbox.hubspot_portal import HUB, HubSpot, V, connected, portal

DETAILS = f"/account-info/{V}/details"
SEARCH = f"/crm/objects/{V}/contacts/search"
ENDPOINTS = Path(__file__).parents[3] / "shared" / "platforms" / "hubspot-endpoints.csv"


@pytest.fixture
def hubspot() -> HubSpot:
    """A portal with the limits as they are."""
    made = portal()
    made.limits_scale = 1
    return connected(made)


def body(response: Any) -> Any:
    assert response.json is not None, response.text
    return response.json


def test_the_hundred_and_eleventh_call_in_ten_seconds_is_throttled(hubspot: HubSpot) -> None:
    assert {hubspot.get(DETAILS).status_code for _ in range(110)} == {200}
    refused = hubspot.get(DETAILS)
    assert refused.status_code == 429
    assert (body(refused)["policyName"], body(refused)["errorType"]) == ("TEN_SECONDLY_ROLLING", "RATE_LIMIT")
    assert body(refused)["message"] == "You have reached your ten_secondly_rolling limit."
    assert refused.headers["X-Sandbox-Throttled"] == "1"
    hubspot.wait(10.1)
    assert hubspot.get(DETAILS).status_code == 200


def test_every_answer_tells_what_is_left(hubspot: HubSpot) -> None:
    told = hubspot.get(DETAILS).headers
    assert told["X-HubSpot-RateLimit-Max"] == "110"
    assert told["X-HubSpot-RateLimit-Remaining"] == "109"
    assert told["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert hubspot.get(f"/crm/objects/{V}/contacts/999").headers["X-HubSpot-RateLimit-Remaining"] == "108"


def test_the_sixth_search_in_a_second_is_throttled(hubspot: HubSpot) -> None:
    answers = [hubspot.post(SEARCH, {}) for _ in range(6)]
    assert [one.status_code for one in answers] == [200] * 5 + [429]
    assert body(answers[-1])["policyName"] == "SECONDLY"
    assert "X-HubSpot-RateLimit-Max" not in answers[0].headers


def test_searches_do_not_count_among_the_hundred_and_ten(hubspot: HubSpot) -> None:
    hubspot.post(SEARCH, {})
    assert hubspot.get(DETAILS).headers["X-HubSpot-RateLimit-Remaining"] == "109"


def test_limits_can_be_scaled(hubspot: HubSpot) -> None:
    hubspot.portal.limits_scale = 2
    assert {hubspot.get(DETAILS).status_code for _ in range(220)} == {200}
    assert hubspot.get(DETAILS).status_code == 429


@pytest.mark.parametrize("path", ["/crm/v3/objects/contacts", "/crm/v3/lists", "/oauth/v1/token", "/contacts/v1/lists", "/crm/objects/2025-09/contacts", "/"])
def test_numbered_and_unknown_versions_are_gone(hubspot: HubSpot, path: str) -> None:
    assert hubspot.get(path).status_code == 404


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_both_dated_versions_answer(hubspot: HubSpot, version: str) -> None:
    assert hubspot.get(f"/crm/objects/{version}/contacts").status_code == 200
    assert hubspot.get(f"/crm/objects/{version}/contacts/").status_code == 200


def test_a_missing_scope_is_named(hubspot: HubSpot) -> None:
    hubspot.with_scopes("oauth", "crm.lists.read")
    refused = hubspot.put(f"/crm/lists/{V}/1/memberships/add", ["101"])
    assert refused.status_code == 403
    assert body(refused)["category"] == "MISSING_SCOPES"
    assert body(refused)["errors"][0]["context"] == {"requiredGranularScopes": ["crm.lists.write"]}


def test_a_list_is_made_with_write_alone_and_changed_with_both(hubspot: HubSpot) -> None:
    hubspot.with_scopes("oauth", "crm.lists.write")
    assert hubspot.post(f"/crm/lists/{V}", {"name": "A", "objectTypeId": "0-1", "processingType": "MANUAL"}).status_code == 200
    assert hubspot.call("DELETE", f"/crm/lists/{V}/1").status_code == 403


@pytest.mark.skipif(not ENDPOINTS.exists(), reason="the published endpoint list is not beside the checkout")
def test_no_endpoint_opens_with_scopes_that_hubspot_would_not_take() -> None:
    with ENDPOINTS.open() as file:
        published = {(row["method"], _shape(row["path"])): row["scopes (alternatives separated by |)"] for row in csv.DictReader(file)}
    compared = 0
    for route in ROUTES:
        scopes = published.get((route.method, _shape(route.path.replace("{v}", "2026-03"))))
        if scopes is None:
            assert route.path.startswith(("/email/", "/marketing/v3/forms", "/form-integrations/", "/crm/lists/{v}/all")), route.path
            continue
        alternatives = {frozenset(one.strip().split("+")) for one in scopes.split("|")}
        assert set(route.scopes) <= alternatives, route.path
        compared += 1
    assert compared > 45


def _shape(path: str) -> str:
    parts = ["*" if part[:1] in "{<" else part for part in path.strip("/").split("/")]
    return "/".join(parts)


@pytest.mark.parametrize(
    ("method", "path", "named"),
    [
        ("GET", "/crm/objects/2026-09/contacts/101", "GET /crm/objects/2026-09/contacts/{id}"),
        ("GET", "/crm/objects/2026-09/contacts/ann@example.com", "GET /crm/objects/2026-09/contacts/{id}"),
        ("PUT", "/crm/lists/2026-09/12/memberships/add-and-remove", "PUT /crm/lists/2026-09/{id}/memberships/add-and-remove"),
        ("GET", "/crm/lists/2026-09/object-type-id/0-1/name/My list", "GET /crm/lists/2026-09/object-type-id/0-1/name/{name}"),
        ("GET", "/crm/lists/2026-09/records/0-1/77/memberships", "GET /crm/lists/2026-09/records/0-1/{id}/memberships"),
    ],
)
def test_operations_are_named_without_ids_or_people(hubspot: HubSpot, method: str, path: str, named: str) -> None:
    environ = EnvironBuilder("/hubspot" + path, method=method, headers={"Authorization": f"Bearer {hubspot.token}"}).get_environ()
    assert hubspot.app.operation(Request(environ)) == (str(HUB), named)
    assert hubspot.app.operation(Request(environ), path) == (str(HUB), named)


def test_an_operation_without_a_known_token_has_no_account(hubspot: HubSpot) -> None:
    assert hubspot.app.operation(Request(EnvironBuilder("/hubspot/x").get_environ()), "/x")[0] == "-"
