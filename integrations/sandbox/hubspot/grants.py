"""Who let the app into which portal: authorisation codes, refresh tokens, access tokens, and their end.

Sources: developers.hubspot.com, "Manage OAuth access tokens" (30-minute access tokens, single-use codes, refresh tokens
that neither rotate nor expire while the app is installed), "OAuth error messages", "Uninstall an app".
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from integrations.sandbox.hubspot.refusals import Refusal, expired, unauthenticated

ACCESS_LIFETIME = timedelta(minutes=30)
CODE_LIFETIME = timedelta(minutes=10)  # HubSpot states none; codes are known to die within minutes
REQUIRED_SCOPES = frozenset(
    {"oauth", "crm.objects.contacts.read", "crm.objects.contacts.write", "crm.lists.read", "crm.lists.write"}
)  # as the app's configuration declares them
OPTIONAL_SCOPES = frozenset(
    {
        "content",
        "forms",
        "business-intelligence",
        "crm.objects.deals.read",
        "crm.objects.orders.read",
        "crm.objects.carts.read",
        "crm.objects.feedback_submissions.read",
        "crm.schemas.contacts.read",
        "crm.schemas.contacts.write",
        "communication_preferences.read",
    }
)


@dataclass(frozen=True, slots=True)
class Grant:
    """One portal's consent: which scopes, given by which user."""

    hub_id: int
    user_id: int
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A bearer token and when it stops working."""

    grant: Grant
    refresh_token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Code:
    grant: Grant
    redirect_uri: str
    challenge: str
    expires_at: datetime


def _refused(status: str, message: str, error: str = "invalid_grant") -> Refusal:
    refusal = Refusal(400, message)
    refusal.body = {"status": status, "message": message, "error": error, "error_description": message}
    return refusal


class Grants:
    """Every code and token that is alive. Hold the world's lock."""

    def __init__(self, client_id: str, client_secret: str) -> None:
        self._client_id, self._client_secret = client_id, client_secret
        self._codes: dict[str, _Code] = {}
        self._refresh: dict[str, Grant] = {}
        self._access: dict[str, AccessToken] = {}

    def require_client(self, client_id: str | None, client_secret: str | None) -> None:
        """Raise a 400 refusal (BAD_CLIENT_ID, BAD_CLIENT_SECRET) unless these are the app's."""
        if client_id != self._client_id:
            raise _refused("BAD_CLIENT_ID", "missing or unknown client id", "invalid_client")
        if not secrets.compare_digest((client_secret or "").encode(), self._client_secret.encode()):
            raise _refused("BAD_CLIENT_SECRET", "missing or invalid client secret", "invalid_client")

    def give_code(self, grant: Grant, redirect_uri: str, now: datetime, challenge: str = "") -> str:
        """A code for one exchange within ten minutes; `challenge` is a PKCE S256 challenge or nothing."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(grant, redirect_uri, challenge, now + CODE_LIFETIME)
        return code

    def exchange(self, code: str | None, redirect_uri: str | None, verifier: str | None, now: datetime) -> tuple[str, str, Grant]:
        """(access token, refresh token, grant) for a code, which is used up whatever happens next. Raises a 400 refusal: BAD_AUTH_CODE,
        MISMATCH_REDIRECT_URI_AUTH_CODE."""
        held = self._codes.pop(code or "", None)
        if held is None or held.expires_at <= now:
            raise _refused("BAD_AUTH_CODE", "missing or unknown auth code")
        if redirect_uri != held.redirect_uri:
            raise _refused("MISMATCH_REDIRECT_URI_AUTH_CODE", "redirect URI does not match that of the auth code")
        if held.challenge and _challenge(verifier or "") != held.challenge:
            raise _refused("BAD_CODE_VERIFIER", "missing or invalid code verifier")
        refresh_token = f"na1-{secrets.token_hex(18)}"
        self._refresh[refresh_token] = held.grant
        return self._new_access(refresh_token, now), refresh_token, held.grant

    def refresh(self, refresh_token: str | None, now: datetime) -> tuple[str, str, Grant]:
        """(new access token, the same refresh token, grant). Raises a 400 BAD_REFRESH_TOKEN refusal after revocation or uninstall."""
        grant = self._refresh.get(refresh_token or "")
        if grant is None or refresh_token is None:
            raise _refused("BAD_REFRESH_TOKEN", "missing or invalid refresh token")
        return self._new_access(refresh_token, now), refresh_token, grant

    def access(self, token: str | None, now: datetime) -> AccessToken:
        """The living access token. Raises a 401 refusal: EXPIRED_AUTHENTICATION, INVALID_AUTHENTICATION."""
        held = self._access.get(token or "")
        if held is None:
            raise unauthenticated()
        if held.expires_at <= now:
            raise expired(held.expires_at, now)
        return held

    def hub_of(self, token: str) -> int | None:
        """Whose access token this is or was, None when unknown."""
        held = self._access.get(token)
        return held.grant.hub_id if held else None

    def introspect(self, token: str, now: datetime) -> tuple[str, Grant, datetime | None] | None:
        """(kind of token, grant, when it ends), None for a token that is not alive."""
        if token in self._refresh:
            return "refresh_token", self._refresh[token], None
        held = self._access.get(token)
        return ("access_token", held.grant, held.expires_at) if held and held.expires_at > now else None

    def revoke(self, token: str) -> None:
        """End one token. The access tokens that came from a refresh token live on until they expire; the app stays installed."""
        self._refresh.pop(token, None)
        self._access.pop(token, None)

    def uninstall(self, hub_id: int) -> None:
        """End every token of a portal, as when the app calls the uninstall API or an admin disconnects it."""
        self._codes = {code: held for code, held in self._codes.items() if held.grant.hub_id != hub_id}
        self._refresh = {token: grant for token, grant in self._refresh.items() if grant.hub_id != hub_id}
        self._access = {token: held for token, held in self._access.items() if held.grant.hub_id != hub_id}

    def installed(self, hub_id: int) -> bool:
        """Whether the portal has the app: some refresh token of it is alive."""
        return any(grant.hub_id == hub_id for grant in self._refresh.values())

    def _new_access(self, refresh_token: str, now: datetime) -> str:
        day = timedelta(days=1)  # expired tokens are remembered a while, to be told from unknown ones
        self._access = {token: held for token, held in self._access.items() if held.expires_at > now - day}
        token = "C" + secrets.token_urlsafe(220)  # about 300 characters: "allow for tokens of that size"
        self._access[token] = AccessToken(self._refresh[refresh_token], refresh_token, now + ACCESS_LIFETIME)
        return token


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
