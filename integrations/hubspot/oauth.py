"""Consent and tokens, on HubSpot's dated OAuth endpoints (developers.hubspot.com, "Manage OAuth tokens").

Access tokens live 30 minutes; the refresh token stays as it is while the app is installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.utils import timezone

from integrations import http
from integrations.errors import Misconfigured, NeedsReconnect, Rejected, UnknownOutcome
from integrations.tokens import TokenSet

REQUIRED = ("oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.lists.read", "crm.lists.write")
# Marketing e-mail events, forms, surveys, properties of ours; HubSpot drops in silence what the account's plan has not.
OPTIONAL = ("content", "forms", "crm.objects.feedback_submissions.read", "crm.schemas.contacts.write")
_GONE = frozenset({"BAD_REFRESH_TOKEN", "invalid_grant"})
_OUR_FAULT = frozenset({"BAD_CLIENT_ID", "BAD_CLIENT_SECRET", "invalid_client", "MISMATCH_CLIENT_ID_SECRET"})


def authorize_url(state: str, redirect_uri: str) -> str:
    """Where to send the browser for consent. Raises Misconfigured without a client id."""
    query = {
        "client_id": _app()[0],
        "redirect_uri": redirect_uri,
        "scope": " ".join(REQUIRED),
        "optional_scope": " ".join(OPTIONAL),
        "state": state,
    }
    return f"{settings.HUBSPOT_APP_URL}/oauth/authorize?{urlencode(query)}"


def exchange_code(code: str, redirect_uri: str) -> tuple[str, TokenSet]:
    """Return the portal id and its tokens for the code of a consent.

    Raises Rejected when HubSpot does not take the code (it is good for one use and a few minutes).
    """
    answer, granted = _tokens({"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}, safe=False)
    hub_id = str(answer.get("hub_id") or "")
    if not hub_id.isdigit():
        raise UnknownOutcome("HubSpot did not say which account was connected: connect HubSpot again.")
    return hub_id, granted


def refresh(refresh_token: str) -> TokenSet:
    """Return fresh tokens. Raises NeedsReconnect when the app was uninstalled or the grant revoked."""
    return _tokens({"grant_type": "refresh_token", "refresh_token": refresh_token}, safe=True)[1]  # does not rotate: asking twice is harmless


def missing_scopes(granted: Iterable[str]) -> tuple[str, ...]:
    """The required scopes that were not granted."""
    given = set(granted)
    return tuple(scope for scope in REQUIRED if scope not in given)


def _tokens(form: Mapping[str, str], *, safe: bool) -> tuple[dict[str, Any], TokenSet]:
    client_id, client_secret = _app()
    asked_at = timezone.now()
    url = f"{settings.HUBSPOT_API_URL}/oauth/{settings.HUBSPOT_API_VERSION}/token"
    try:
        answer = http.send_json("POST", url, safe=safe, data={**form, "client_id": client_id, "client_secret": client_secret})
    except http.Unauthorized:
        raise _wrong_app() from None
    except http.Refused as error:
        payload = error.payload if isinstance(error.payload, dict) else {}
        said = {str(payload.get("status")), str(payload.get("error"))}
        if said & _OUR_FAULT:
            raise _wrong_app() from None
        if form["grant_type"] == "refresh_token" and said & _GONE:
            raise NeedsReconnect("HubSpot no longer accepts this connection (uninstalled or revoked): connect HubSpot again.") from None
        if form["grant_type"] == "refresh_token":
            raise
        raise Rejected("HubSpot did not accept its own consent (used before, or too old): connect HubSpot again.") from None
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise UnknownOutcome("HubSpot's token answer holds no token.")
    expires_in = answer.get("expires_in")
    lifetime = timedelta(seconds=expires_in) if isinstance(expires_in, int) else timedelta(minutes=30)
    refresh_token = answer.get("refresh_token")
    return answer, TokenSet(
        access_token=answer["access_token"],
        access_expires_at=asked_at + lifetime,
        refresh_token=refresh_token if isinstance(refresh_token, str) else None,
        refresh_expires_at=None,
        scopes=tuple(str(scope) for scope in answer.get("scopes") or ()),
    )


def _app() -> tuple[str, str]:
    if not settings.HUBSPOT_CLIENT_ID or not settings.HUBSPOT_CLIENT_SECRET:
        raise Misconfigured("HubSpot cannot be connected: set HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET.")
    return settings.HUBSPOT_CLIENT_ID, settings.HUBSPOT_CLIENT_SECRET


def _wrong_app() -> Misconfigured:
    return Misconfigured("HubSpot does not know this app: check HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET.")
