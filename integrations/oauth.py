"""Consents in progress: a state is random, short-lived, good for one use, and good only in the browser that began it.

Kept as hashes, so that the table opens nothing (OAuth 2.0 Security Best Current Practice, RFC 9700, section 4.7).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from integrations.errors import Permanent
from integrations.models import OAuthState

LIFETIME = timedelta(minutes=10)
KEPT = timedelta(days=1)  # so that a late or repeated answer is told why it is refused


class OAuthRefused(Permanent):
    """The platform's answer does not belong to a consent that may still be finished; the message says what to do."""


def begin(vendor: str, shop_domain: str, browser: str, now: datetime) -> str:
    """Return the state (256 bits) to send to the platform, bound to `browser`, a secret only that browser holds."""
    OAuthState.objects.filter(expires_at__lt=now - KEPT).delete()
    state = secrets.token_urlsafe(32)
    OAuthState.objects.create(state_hash=_hash(state), browser_hash=_hash(browser), vendor=vendor, shop_domain=shop_domain, expires_at=now + LIFETIME)
    return state


def finish(vendor: str, state: str, browser: str, now: datetime) -> str:
    """Use up the state and return the shop's domain it was begun for. Raises OAuthRefused for any other state.

    An answer in another browser does not use the state up: whoever began it can still finish.
    """
    row = OAuthState.objects.filter(state_hash=_hash(state), vendor=vendor).first()
    if row is None:
        raise OAuthRefused("This answer belongs to no connection that was begun here; start connecting again.")
    if not secrets.compare_digest(row.browser_hash, _hash(browser)):
        raise OAuthRefused("This connection was begun in another browser; finish it there or start again here.")
    if row.expires_at <= now:
        raise OAuthRefused("The consent took longer than ten minutes; start connecting again.")
    if not OAuthState.objects.filter(pk=row.pk, used_at__isnull=True).update(used_at=now):
        raise OAuthRefused("This answer was used before; start connecting again.")
    return row.shop_domain


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
