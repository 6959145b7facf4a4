from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from typing import Any

import pytest

from integrations.sandbox.hubspot.state import Portal
from tests.sandbox.hubspot_portal import HUB, REDIRECT, HubSpot, V, answered, connected, consent_form


@pytest.fixture
def hubspot() -> HubSpot:
    return connected()


def approve(hubspot: HubSpot, **changes: Any) -> str:
    return answered(hubspot.http.post("/oauth/authorize", data=consent_form(decision="approve", **changes)))["code"]


def exchange(hubspot: HubSpot, **changes: str) -> Any:
    form = {
        "grant_type": "authorization_code",
        "client_id": "sandbox-hubspot-client",
        "client_secret": "sandbox-hubspot-secret-of-no-use-elsewhere",
        "redirect_uri": REDIRECT,
    }
    return hubspot.http.post(f"/oauth/{V}/token", data=form | changes)


def test_the_consent_page_lists_the_account_and_the_scopes(hubspot: HubSpot) -> None:
    page = hubspot.http.get("/oauth/authorize", query_string=consent_form())
    assert page.status_code == 200
    for told in ("shop.example", "crm.lists.write", "content", "Connect app"):
        assert told in page.text


def test_approval_redirects_with_a_code_and_the_state_as_given(hubspot: HubSpot) -> None:
    answer = answered(hubspot.http.post("/oauth/authorize", data=consent_form(decision="approve")))
    assert answer["state"] == "s t&te"
    assert answer["code"]


def test_denial_redirects_with_access_denied(hubspot: HubSpot) -> None:
    answer = answered(hubspot.http.post("/oauth/authorize", data=consent_form(decision="deny")))
    assert answer == {"error": "access_denied", "error_description": "User denied access", "state": "s t&te"}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"client_id": "another"}, "client_id"),
        ({"redirect_uri": "https://evil.example/"}, "redirect_uri"),
        ({"redirect_uri": "javascript:alert(1)"}, "redirect_uri"),
        ({"scope": "oauth"}, "crm.lists.read"),
        ({"optional_scope": "everything"}, "everything"),
    ],
)
def test_a_wrong_request_is_a_page_that_redirects_nowhere(hubspot: HubSpot, changes: dict[str, str], told: str) -> None:
    for page in (
        hubspot.http.get("/oauth/authorize", query_string=consent_form(**changes)),
        hubspot.http.post("/oauth/authorize", data=consent_form(decision="approve", **changes)),
    ):
        assert page.status_code == 400
        assert told in page.text
        assert "Location" not in page.headers


def test_registered_origins_replace_loopback() -> None:
    hubspot = connected(redirect_origins=("https://app.example",))
    assert hubspot.http.get("/oauth/authorize", query_string=consent_form()).status_code == 400
    allowed = consent_form(redirect_uri="https://app.example/back?x=1", decision="approve")
    assert answered(hubspot.http.post("/oauth/authorize", data=allowed))["x"] == "1"


def test_with_several_portals_one_must_be_chosen(hubspot: HubSpot) -> None:
    hubspot.world.portals[7] = Portal(7, "other.example")
    assert hubspot.http.post("/oauth/authorize", data=consent_form(decision="approve")).status_code == 400
    assert exchange(hubspot, code=approve(hubspot, portal="7")).json["hub_id"] == 7


def test_the_address_may_name_the_account(hubspot: HubSpot) -> None:
    hubspot.world.portals[7] = Portal(7, "other.example")
    page = hubspot.http.get("/oauth/7/authorize", query_string=consent_form())
    assert "other.example" in page.text
    assert "shop.example" not in page.text
    assert hubspot.http.get("/oauth/8/authorize", query_string=consent_form()).status_code == 400


def test_only_ticked_optional_scopes_are_granted(hubspot: HubSpot) -> None:
    scopes = exchange(hubspot, code=approve(hubspot, granted="content")).json["scopes"]
    assert "content" in scopes
    assert "forms" not in scopes


def test_an_optional_scope_the_account_lacks_is_dropped_silently(hubspot: HubSpot) -> None:
    hubspot.portal.unavailable_scopes = frozenset({"content"})
    assert "content" not in exchange(hubspot, code=approve(hubspot, granted="content")).json["scopes"]


def test_a_code_gives_tokens_of_thirty_minutes(hubspot: HubSpot) -> None:
    tokens = exchange(hubspot, code=approve(hubspot)).json
    assert (tokens["expires_in"], tokens["token_type"], tokens["token_use"], tokens["hub_id"]) == (1800, "bearer", "access_token", HUB)
    assert len(tokens["access_token"]) >= 290


def test_a_code_works_once(hubspot: HubSpot) -> None:
    code = approve(hubspot)
    assert exchange(hubspot, code=code).status_code == 200
    again = exchange(hubspot, code=code)
    assert (again.status_code, again.json["status"], again.json["error"]) == (400, "BAD_AUTH_CODE", "invalid_grant")


def test_the_redirect_uri_must_be_the_one_of_the_code(hubspot: HubSpot) -> None:
    refused = exchange(hubspot, code=approve(hubspot), redirect_uri="http://127.0.0.1:8000/elsewhere")
    assert (refused.status_code, refused.json["status"]) == (400, "MISMATCH_REDIRECT_URI_AUTH_CODE")


@pytest.mark.parametrize(("field", "status"), [("client_id", "BAD_CLIENT_ID"), ("client_secret", "BAD_CLIENT_SECRET")])
def test_wrong_credentials_are_named(hubspot: HubSpot, field: str, status: str) -> None:
    refused = exchange(hubspot, code=approve(hubspot), **{field: "wrong"})
    assert (refused.status_code, refused.json["status"]) == (400, status)


def test_parameters_in_the_address_are_not_read(hubspot: HubSpot) -> None:
    query = {
        "grant_type": "authorization_code",
        "client_id": "sandbox-hubspot-client",
        "client_secret": "sandbox-hubspot-secret-of-no-use-elsewhere",
        "redirect_uri": REDIRECT,
        "code": approve(hubspot),
    }
    assert hubspot.http.post(f"/oauth/{V}/token", query_string=query).status_code == 400


def test_a_json_body_is_not_read(hubspot: HubSpot) -> None:
    assert hubspot.http.post(f"/oauth/{V}/token", json={"client_id": "sandbox-hubspot-client"}).status_code == 400


def test_a_pkce_challenge_is_checked(hubspot: HubSpot) -> None:
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    assert exchange(hubspot, code=approve(hubspot, code_challenge=challenge), code_verifier="x" * 50).status_code == 400
    assert exchange(hubspot, code=approve(hubspot, code_challenge=challenge), code_verifier=verifier).status_code == 200


def refresh(hubspot: HubSpot, token: str) -> Any:
    return exchange(hubspot, grant_type="refresh_token", refresh_token=token)


def test_refreshing_gives_a_new_access_token_and_the_same_refresh_token(hubspot: HubSpot) -> None:
    tokens = exchange(hubspot, code=approve(hubspot)).json
    later = refresh(hubspot, tokens["refresh_token"]).json
    assert later["refresh_token"] == tokens["refresh_token"]
    assert later["access_token"] != tokens["access_token"]


def test_an_access_token_expires_after_thirty_minutes(hubspot: HubSpot) -> None:
    assert hubspot.get(f"/account-info/{V}/details").status_code == 200
    hubspot.wait(1801)
    refused = hubspot.get(f"/account-info/{V}/details")
    assert refused.status_code == 401
    assert refused.json is not None
    assert refused.json["category"] == "EXPIRED_AUTHENTICATION"


def test_an_unknown_token_is_told_from_an_expired_one(hubspot: HubSpot) -> None:
    hubspot.token = "nothing"
    refused = hubspot.get(f"/account-info/{V}/details")
    assert (refused.status_code, refused.json and refused.json["category"]) == (401, "INVALID_AUTHENTICATION")


def test_a_bad_refresh_token_has_hubspots_shape(hubspot: HubSpot) -> None:
    refused = refresh(hubspot, "na1-none")
    assert refused.status_code == 400
    assert refused.json["status"] == "BAD_REFRESH_TOKEN"
    assert refused.json["error"] == "invalid_grant"
    assert refused.json["message"] == refused.json["error_description"] == "missing or invalid refresh token"


def test_introspection_tells_of_a_living_token_and_nothing_of_others(hubspot: HubSpot) -> None:
    form = {"client_id": "sandbox-hubspot-client", "client_secret": "sandbox-hubspot-secret-of-no-use-elsewhere"}
    told = hubspot.http.post(f"/oauth/{V}/token/introspect", data=form | {"token": hubspot.token}).json
    assert told is not None
    assert (told["active"], told["hub_id"], told["hub_domain"], told["token_use"]) == (True, HUB, "shop.example", "access_token")
    assert hubspot.http.post(f"/oauth/{V}/token/introspect", data=form | {"token": "x"}).json == {"active": False}


def test_a_revoked_refresh_token_is_bad_but_the_app_keeps_its_access_token(hubspot: HubSpot) -> None:
    tokens = exchange(hubspot, code=approve(hubspot)).json
    form = {"client_id": "sandbox-hubspot-client", "client_secret": "sandbox-hubspot-secret-of-no-use-elsewhere", "token": tokens["refresh_token"]}
    assert hubspot.http.post(f"/oauth/{V}/token/revoke", data=form).status_code == 200
    assert refresh(hubspot, tokens["refresh_token"]).status_code == 400
    hubspot.token = tokens["access_token"]
    assert hubspot.get(f"/account-info/{V}/details").status_code == 200


def test_uninstalling_ends_every_token_of_the_portal(hubspot: HubSpot) -> None:
    tokens = exchange(hubspot, code=approve(hubspot)).json
    assert hubspot.call("DELETE", f"/appinstalls/{V}/external-install").status_code == 204
    assert hubspot.get(f"/account-info/{V}/details").status_code == 401
    assert refresh(hubspot, tokens["refresh_token"]).json["status"] == "BAD_REFRESH_TOKEN"


def test_a_code_grows_old(hubspot: HubSpot) -> None:
    code = approve(hubspot)
    hubspot.world.clock.advance(timedelta(minutes=11))
    assert exchange(hubspot, code=code).json["status"] == "BAD_AUTH_CODE"
