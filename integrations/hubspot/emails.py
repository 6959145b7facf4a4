"""Marketing e-mail events, back through time in slices.

Source: legacydocs.hubspot.com, "Get email events for a date range" (newest first, at most 1,000 a page, an opaque offset).
There is no newer API for these events, and this one is announced to go with the other v1 APIs in September 2027.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from integrations.base import Page, Window
from integrations.errors import NotFound, Rejected, Restart
from integrations.hubspot.client import HubSpotClient, items
from integrations.hubspot.mapping import activity, millis

SLICE = timedelta(days=30)
BACK_FILL = timedelta(days=730)
_PAGE = 1_000
_names: dict[tuple[str, str], str] = {}  # (account, campaign id) -> its name; a sent e-mail's name hardly ever changes
_NAMES = 20_000


def email_pages(client: HubSpotClient, window: Window, cursor: str) -> Iterator[Page]:
    """The e-mail events of `window`, newest first; without a lower end those of the last 24 months.

    The cursor is `<upper end of the slice in ms>:<offset>`, "end" after the last page. Raises Restart when HubSpot no
    longer knows the offset.
    """
    begin = millis(window.since if window.since is not None else window.until - BACK_FILL)
    if cursor == "end":
        return
    upper, offset = _read(cursor, millis(window.until))
    step = SLICE // timedelta(milliseconds=1)
    while True:
        lower = max(begin, upper - step)
        try:
            answer = client.email_events(lower, max(lower, upper - 1), _PAGE, offset)
        except Rejected as refused:
            if offset:
                raise Restart("HubSpot no longer knows where the reading of e-mail events stopped.") from refused
            raise
        events = items(answer, "events")
        records = [record for event in events if (record := activity(event, lambda one, app: campaign_name(client, one, app)))]
        following = str(answer.get("offset") or "") if answer.get("hasMore") else ""
        if following and following != offset:
            offset = following
        elif lower > begin:
            upper, offset = lower, ""
        else:
            yield Page(records, "end")
            return
        yield Page(records, f"{upper}:{offset}")


def campaign_name(client: HubSpotClient, campaign_id: str, app_id: str) -> str:
    """The name of a marketing e-mail, asked for once per process; "" when HubSpot does not have it any more."""
    key = (client.account, campaign_id)
    if key not in _names:
        try:
            name = str(client.campaign(campaign_id, app_id).get("name") or "")
        except (NotFound, Rejected):
            name = ""
        while len(_names) >= _NAMES:
            _names.pop(next(iter(_names)), None)
        _names[key] = name
    return _names[key]


def _read(cursor: str, until: int) -> tuple[int, str]:
    if not cursor:
        return until, ""
    upper, _, offset = cursor.partition(":")
    if not upper.isdigit():
        raise Restart("The place where the reading of e-mail events stopped cannot be read.")
    return int(upper), offset
