"""How many calls an installed account may make: 110 in any 10 seconds, and 5 searches in any second apart from them.

Sources: developers.hubspot.com, "API usage guidelines" (OAuth apps) and "Search the CRM" (no rate headers, not counted).
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from integrations.sandbox.hubspot.refusals import Refusal

BURST, BURST_WINDOW = 110, timedelta(seconds=10)
SEARCHES, SEARCH_WINDOW = 5, timedelta(seconds=1)


class RateLimits:
    """The windows of every account. Refused calls do not count."""

    def __init__(self) -> None:
        self._calls: dict[int, deque[datetime]] = {}
        self._searches: dict[int, deque[datetime]] = {}

    def admit(self, hub_id: int, scale: float, now: datetime, *, search: bool) -> dict[str, str]:
        """Count one call and return the rate headers of its answer. Raises a 429 refusal that names the policy when the window is full."""
        if search:
            self._count(self._searches.setdefault(hub_id, deque()), _most(SEARCHES, scale), SEARCH_WINDOW, now, "SECONDLY")
            return {}
        most = _most(BURST, scale)
        window = self._calls.setdefault(hub_id, deque())
        self._count(window, most, BURST_WINDOW, now, "TEN_SECONDLY_ROLLING")
        return _headers(most, len(window))

    @staticmethod
    def _count(window: deque[datetime], most: int, width: timedelta, now: datetime, policy: str) -> None:
        while window and window[0] <= now - width:
            window.popleft()
        if len(window) < most:
            window.append(now)
            return
        more = {"groupName": "publicapi:crm:search:oauth"} if policy == "SECONDLY" else {}
        refusal = Refusal(429, f"You have reached your {policy.lower()} limit.", errorType="RATE_LIMIT", policyName=policy, **more)
        refusal.headers = {"X-Sandbox-Throttled": "1"} | (_headers(most, most) if policy == "TEN_SECONDLY_ROLLING" else {})
        raise refusal


def _most(limit: int, scale: float) -> int:
    return max(1, int(limit * scale))


def _headers(most: int, used: int) -> dict[str, str]:
    return {
        "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(BURST_WINDOW.total_seconds() * 1000)),
        "X-HubSpot-RateLimit-Max": str(most),
        "X-HubSpot-RateLimit-Remaining": str(most - used),
    }
