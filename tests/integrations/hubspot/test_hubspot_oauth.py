"""Connecting a portal and keeping the connection alive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from pytest_django import Settings

from integrations import tokens, vault
from integrations.errors import Misconfigured, NeedsReconnect, Rejected
from integrations.hubspot import oauth
from integrations.hubspot.client import HubSpotClient
from integrations.models import Connection, Credential
from integrations.sandbox.hubspot.state import Portal
from tests.integrations.hubspot.desk import REDIRECT, Desk, consent


def test_the_consent_page_is_asked_for_what_is_needed_and_offered_the_rest(portal: Portal) -> None:
    asked = parse_qs(urlsplit(oauth.authorize_url("s t", REDIRECT)).query)
    assert asked["scope"] == ["oauth crm.objects.contacts.read crm.objects.contacts.write crm.lists.read crm.lists.write"]
    assert asked["optional_scope"] == ["content forms crm.objects.feedback_submissions.read crm.schemas.contacts.write"]
    assert asked["state"] == ["s t"]
    assert asked["redirect_uri"] == [REDIRECT]


def test_a_code_gives_the_portal_and_tokens_that_live_half_an_hour(portal: Portal) -> None:
    answer = consent(portal, ("content",), "abc")
    assert answer["state"] == ["abc"]
    hub_id, granted = oauth.exchange_code(answer["code"][0], REDIRECT)
    assert hub_id == str(portal.hub_id)
    assert granted.access_expires_at is not None
    assert timedelta(minutes=29) < granted.access_expires_at - datetime.now(UTC) <= timedelta(minutes=30)
    assert oauth.missing_scopes(granted.scopes) == ()
    assert "content" in granted.scopes


def test_a_code_is_good_once(portal: Portal) -> None:
    code = consent(portal, ())["code"][0]
    oauth.exchange_code(code, REDIRECT)
    with pytest.raises(Rejected, match="connect HubSpot again"):
        oauth.exchange_code(code, REDIRECT)


def test_scopes_not_granted_are_named() -> None:
    assert oauth.missing_scopes(["oauth", "crm.lists.read", "crm.objects.contacts.read"]) == ("crm.objects.contacts.write", "crm.lists.write")


def test_a_wrong_client_secret_is_our_own_fault(portal: Portal, settings: Settings) -> None:
    code = consent(portal, ())["code"][0]
    settings.HUBSPOT_CLIENT_SECRET = "wrong"
    with pytest.raises(Misconfigured, match="HUBSPOT_CLIENT_SECRET"):
        oauth.exchange_code(code, REDIRECT)


def test_without_an_app_nothing_is_asked(settings: Settings) -> None:
    settings.HUBSPOT_CLIENT_ID = ""
    with pytest.raises(Misconfigured, match="HUBSPOT_CLIENT_ID"):
        oauth.authorize_url("s", REDIRECT)


def test_fault_23_a_refused_token_is_renewed_once_and_the_call_goes_on(desk: Desk) -> None:
    _spoil_access(desk)
    assert "email" in {found["name"] for found in desk.client.contact_properties()}
    assert Connection.objects.get(pk=desk.connection.pk).status == Connection.Status.CONNECTED


def test_a_token_is_renewed_before_it_ends(desk: Desk) -> None:
    client = HubSpotClient(desk.connection, lambda: datetime.now(UTC) + timedelta(minutes=27))
    before = Credential.objects.get(connection=desk.connection).version
    client.contact_properties()
    assert Credential.objects.get(connection=desk.connection).version == before + 1


def test_an_uninstalled_app_needs_reconnecting(desk: Desk) -> None:
    desk.server.hubspot.grants.uninstall(desk.portal.hub_id)
    with pytest.raises(NeedsReconnect):
        desk.client.contact_properties()
    assert Connection.objects.get(pk=desk.connection.pk).status == Connection.Status.NEEDS_RECONNECT


def _spoil_access(desk: Desk) -> None:
    row = Credential.objects.get(connection=desk.connection)
    assert row.refresh_token is not None
    renewed = oauth.refresh(vault.decrypt(row.refresh_token))
    tokens.store(desk.connection, tokens.TokenSet("spoilt", datetime.now(UTC) + timedelta(minutes=30), renewed.refresh_token, None))
