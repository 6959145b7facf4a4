"""Which access and refresh tokens a store has given the app, and for how long each is good.

Lifetimes and rotation are those of shopify.dev, "About offline access tokens", and of the changelog entry "More resilient
refreshes for expiring offline access tokens" (2026-08-28). All of it lives in memory only.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

ACCESS_LIFETIME = timedelta(minutes=60)
REFRESH_LIFETIME = timedelta(days=90)
RETRY_WINDOW = timedelta(days=30)  # how long after its first use a refresh token may be sent again, if its replacement never was
CODE_LIFETIME = timedelta(seconds=60)


class Refused(Exception):
    """A token request that is answered 400; `error` is the OAuth error code."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass(slots=True)
class AccessToken:
    """What an access token may do; `expires_at` None: never expires, which the Admin API no longer accepts."""

    value: str
    shop: str
    scopes: frozenset[str]
    expires_at: datetime | None


@dataclass(slots=True)
class RefreshToken:
    """One refresh token; `replacement` is set once it has been used."""

    value: str
    shop: str
    scopes: frozenset[str]
    expires_at: datetime
    first_used_at: datetime | None = None
    replacement: str | None = None


@dataclass(slots=True)
class _Code:
    shop: str
    scopes: frozenset[str]
    expires_at: datetime


@dataclass(slots=True)
class TokenDesk:
    """Issues, refreshes and revokes tokens of one app; safe to use from any thread."""

    access: dict[str, AccessToken] = field(default_factory=dict)
    refresh: dict[str, RefreshToken] = field(default_factory=dict)
    codes: dict[str, _Code] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def new_code(self, shop: str, scopes: Iterable[str], now: datetime) -> str:
        """A single-use authorization code for `shop`, good for a minute."""
        with self.lock:
            code = secrets.token_hex(16)
            self.codes[code] = _Code(shop, frozenset(scopes), now + CODE_LIFETIME)
            return code

    def redeem(self, code: str, shop: str, *, expiring: bool, now: datetime) -> dict[str, object]:
        """Exchange a code for tokens; raises Refused when it is unknown, used, old or of another shop."""
        with self.lock:
            known = self.codes.pop(code, None)
        if known is None or known.shop != shop or known.expires_at <= now:
            raise Refused("invalid_request", "The authorization code was not found or was already used.")
        return self.issue(shop, known.scopes, expiring=expiring, now=now)

    def issue(self, shop: str, scopes: Iterable[str], *, expiring: bool, now: datetime) -> dict[str, object]:
        """New tokens. An expiring pair ends every other refresh token of the store at once; access tokens live on."""
        with self.lock:
            if expiring:
                self.refresh = {value: token for value, token in self.refresh.items() if token.shop != shop}
            return self._issue(shop, frozenset(scopes), now, expiring=expiring, refresh_until=now + REFRESH_LIFETIME)

    def rotate(self, value: str, shop: str, now: datetime) -> dict[str, object]:
        """A new pair for a refresh token, which may be sent again until its replacement is used; raises Refused (invalid_grant)."""
        with self.lock:
            token = self.refresh.get(value)
            late = token is not None and token.first_used_at is not None and token.first_used_at + RETRY_WINDOW <= now
            if token is None or token.shop != shop or token.expires_at <= now or late:
                raise Refused("invalid_grant", "The refresh token is invalid, expired or was replaced.")
            for other in [t.value for t in self.refresh.values() if t.replacement == value]:
                del self.refresh[other]  # the replacement is in use, so what it replaced is retired
            if token.replacement is not None:
                self.refresh.pop(token.replacement, None)
            answer = self._issue(shop, token.scopes, now, expiring=True, refresh_until=now + REFRESH_LIFETIME)
            token.first_used_at = token.first_used_at or now
            token.replacement = str(answer["refresh_token"])
            return answer

    def find(self, value: str, shop: str, now: datetime) -> AccessToken | None:
        """The access token of that value if it is of this shop and not expired."""
        token = self.access.get(value)
        if token is None or token.shop != shop or (token.expires_at is not None and token.expires_at <= now):
            return None
        return token

    def revoke(self, shop: str) -> None:
        """End every token and code of a store: the app was uninstalled."""
        with self.lock:
            self.access = {value: token for value, token in self.access.items() if token.shop != shop}
            self.refresh = {value: token for value, token in self.refresh.items() if token.shop != shop}
            self.codes = {value: code for value, code in self.codes.items() if code.shop != shop}

    def _issue(self, shop: str, scopes: frozenset[str], now: datetime, *, expiring: bool, refresh_until: datetime) -> dict[str, object]:
        value = "shpat_" + secrets.token_hex(16)
        self.access[value] = AccessToken(value, shop, scopes, now + ACCESS_LIFETIME if expiring else None)
        answer: dict[str, object] = {"access_token": value, "scope": ",".join(sorted(scopes))}
        if expiring:
            renewal = "shprt_" + secrets.token_hex(16)
            self.refresh[renewal] = RefreshToken(renewal, shop, scopes, refresh_until)
            answer |= {
                "expires_in": int(ACCESS_LIFETIME.total_seconds()),
                "refresh_token": renewal,
                "refresh_token_expires_in": int(REFRESH_LIFETIME.total_seconds()),
            }
        return answer
