"""What the portal says of itself. Source: developers.hubspot.com, "Account information"."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from integrations.sandbox.hubspot.call import ApiCall, Reply


def get_details(call: ApiCall) -> Reply:
    """The portal's id, time zone and currency."""
    offset = call.now.astimezone(ZoneInfo(call.portal.time_zone)).utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return Reply(
        {
            "portalId": call.portal.hub_id,
            "accountType": "STANDARD",
            "timeZone": call.portal.time_zone,
            "companyCurrency": call.portal.currency,
            "additionalCurrencies": [],
            "utcOffset": f"{'-' if seconds < 0 else '+'}{hours:02d}:{minutes:02d}",
            "utcOffsetMilliseconds": seconds * 1000,
            "uiDomain": "app.hubspot.com",
            "dataHostingLocation": "na1",
        }
    )
