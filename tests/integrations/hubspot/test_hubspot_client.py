"""What HubSpot's refusals mean, and that every request goes out dated, with a time-out and through one door."""

from __future__ import annotations

import ast
import json
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import integrations.hubspot
from integrations.errors import IntegrationError, Misconfigured, NotFound, RateLimited, Rejected, Transient, UnknownOutcome
from integrations.hubspot.refusals import refusal
from integrations.hubspot.transport import dated
from tests.integrations.hubspot.desk import Desk

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
SCOPES = {
    "status": "error",
    "message": "This app hasn't been granted all required scopes to make this call.",
    "category": "MISSING_SCOPES",
    "errors": [{"message": "One or more of the following scopes are required.", "context": {"requiredGranularScopes": ["crm.lists.write"]}}],
}


def _told(status: int, body: object = None, *, write: bool = False, **headers: str) -> IntegrationError:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal(status, sent, b"<html>" if body is None else orjson.dumps(body), write=write, now=NOW)


@pytest.mark.parametrize(
    ("status", "body", "kind", "wait"),
    [
        (429, {"policyName": "SECONDLY"}, RateLimited, 1.0),
        (429, {"policyName": "TEN_SECONDLY_ROLLING"}, RateLimited, 10.0),
        (429, {"policyName": "DAILY"}, RateLimited, 3600.0),
        (429, None, RateLimited, 10.0),
        (423, {"message": "locked"}, Transient, 2.0),
        (477, None, Transient, 3600.0),
        (502, None, Transient, None),
    ],
)
def test_a_wait_is_as_long_as_hubspot_means(status: int, body: object, kind: type[Transient], wait: float | None) -> None:
    told = _told(status, body)
    assert type(told) is kind
    assert isinstance(told, Transient)
    assert told.retry_after == wait


def test_retry_after_is_honoured_as_seconds_or_as_a_date() -> None:
    for text, seconds in (("30", 30.0), ("2.5", 2.5), ("Fri, 20 Nov 2026 12:00:45 GMT", 45.0), ("soon", 10.0), ("nan", 10.0)):
        told = _told(429, {"policyName": "TEN_SECONDLY_ROLLING"}, Retry_After=text)
        assert isinstance(told, RateLimited)
        assert told.retry_after == seconds


def test_a_server_error_leaves_a_write_unknown_and_a_read_to_be_repeated() -> None:
    assert type(_told(500, write=True)) is UnknownOutcome
    assert type(_told(500)) is Transient


def test_fault_25_missing_scopes_are_named() -> None:
    told = _told(403, SCOPES)
    assert isinstance(told, Misconfigured)
    assert "crm.lists.write" in str(told)
    assert isinstance(_told(403, {"message": "Your plan lacks lists."}), Misconfigured)
    assert isinstance(_told(402), Misconfigured)
    assert isinstance(_told(404), NotFound)


def test_hubspots_words_are_passed_on_without_addresses() -> None:
    body = {
        "message": 'Property values were not valid: [{"isValid":false,"message":"Email address bad@@example.com is invalid"}]',
        "errors": [{"message": "Email address bad@@example.com is invalid", "code": "INVALID_EMAIL"}],
    }
    told = _told(400, body)
    assert type(told) is Rejected
    assert str(told) == "Email address (address) is invalid"


@given(
    st.integers(300, 599),
    st.binary(max_size=80)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=9),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["message", "errors", "context", "policyName", "requiredGranularScopes"]), inner),
    ).map(lambda told: json.dumps(told).encode()),
)
def test_any_answer_has_a_meaning(status: int, body: bytes) -> None:
    told = refusal(status, {}, body, write=True, now=NOW)
    assert isinstance(told, IntegrationError)
    assert len(str(told)) <= 300


@pytest.mark.parametrize(
    ("numbered", "then"),
    [
        ("/crm/v3/objects/contacts", "/crm/objects/2026-09/contacts"),
        ("/crm/v3/objects/contacts/batch/upsert", "/crm/objects/2026-09/contacts/batch/upsert"),
        ("/crm/v3/lists/", "/crm/lists/2026-09"),
        ("/crm/v3/lists/12/memberships/add-and-remove", "/crm/lists/2026-09/12/memberships/add-and-remove"),
        ("/crm/v3/properties/contacts", "/crm/properties/2026-09/contacts"),
        ("/email/public/v1/events", "/email/public/v1/events"),
    ],
)
def test_paths_are_those_of_the_dated_api(numbered: str, then: str) -> None:
    assert dated(numbered, "2026-09") == then


def test_no_request_goes_to_a_numbered_version(desk: Desk) -> None:
    one = desk.contact("a@example.com")
    place = desk.place("VIP")
    desk.client.change_members(place.external_id, [one], [])
    desk.client.memberships_of([one])
    desk.client.contacts_by([one], ["email"])
    desk.client.contacts_page(["email"], "", 10)
    asked = {name for (_, account, name, _t) in desk.server.world.calls.totals() if account == desk.connection.account}
    assert asked
    assert not [name for name in asked if "/v3/" in name]


def test_only_the_client_knows_the_sdk() -> None:
    folder = Path(integrations.hubspot.__file__).parent
    importers = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "hubspot" for name in names):
                importers.add(path.name)
    assert importers == {"client.py"}


def test_a_portal_that_lacks_lists_says_so_and_stays_connected(desk: Desk) -> None:
    grants = desk.server.hubspot.grants
    narrow = {token: held for token, held in grants._access.items() if held.grant.hub_id == desk.portal.hub_id}
    for token, held in narrow.items():
        grants._access[token] = type(held)(type(held.grant)(held.grant.hub_id, held.grant.user_id, ("oauth",)), held.refresh_token, held.expires_at)
    with pytest.raises(Misconfigured, match=r"crm\.lists\.read"):
        desk.client.list_by_id("1")
    desk.connection.refresh_from_db()
    assert desk.connection.status == "connected"
