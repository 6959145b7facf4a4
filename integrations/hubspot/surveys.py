"""Answers to HubSpot's surveys (NPS, CSAT, CES and custom ones), as feedback submissions of the CRM.

Source: developers.hubspot.com, "Feedback submissions": read-only, Service Hub only. Changes are found by the search API in order of
id, as contacts are (`integrations.hubspot.search`).
"""

from __future__ import annotations

from collections.abc import Iterator

from integrations.base import Page, Window
from integrations.errors import Rejected, Restart
from integrations.hubspot.client import HubSpotClient, items, next_after
from integrations.hubspot.mapping import Json, instant
from integrations.hubspot.search import changed
from integrations.records import Activity

ASKED = ("hs_survey_type", "hs_value", "hs_sentiment", "hs_contact_id", "hs_submission_timestamp", "hs_createdate")
KINDS = ("NPS", "CSAT", "CES")
_PAGE = 100
_MODIFIED = "hs_lastmodifieddate"


def survey_pages(client: HubSpotClient, window: Window, cursor: str) -> Iterator[Page]:
    """All answers, or those changed within `window`. Cursors: `page:<after>` and `id:<last id read>`, "end" in place of what follows last."""
    kind, _, place = cursor.partition(":")
    wanted = "page" if window.since is None else "id"
    if cursor and (kind != wanted or not place or (wanted == "id" and place != "end" and not place.isdigit())):
        raise Restart("The place where the reading of survey answers stopped cannot be read.")
    if place == "end":
        return
    yield from _all(client, place) if window.since is None else _changed(client, window, place)


def answered(submission: Json) -> Activity | None:
    """A feedback submission as a record; None for one that says neither who answered nor when."""
    raw = submission.get("properties")
    values: dict[str, object] = raw if isinstance(raw, dict) else {}
    at = instant(values.get("hs_submission_timestamp")) or instant(values.get("hs_createdate")) or instant(submission.get("createdAt"))
    contact, kind = str(values.get("hs_contact_id") or ""), str(values.get("hs_survey_type") or "").upper()
    if at is None or not contact.isdigit() or not submission.get("id"):
        return None
    return Activity(
        external_id=f"feedback:{submission['id']}",
        kind="surveys.answered",
        at=at,
        subject="",
        contact_id=contact,
        survey=kind if kind in KINDS else "CUSTOM",
        rating=_rating(values.get("hs_value")),
        sentiment=str(values.get("hs_sentiment") or ""),
    )


def _all(client: HubSpotClient, after: str) -> Iterator[Page]:
    while after != "end":
        try:
            answer = client.feedback_page(ASKED, after, _PAGE)
        except Rejected as refused:
            if after:
                raise Restart("HubSpot no longer knows where the reading of survey answers stopped.") from refused
            raise
        after = next_after(answer) or "end"
        yield Page([one for each in items(answer, "results") if (one := answered(each)) is not None], f"page:{after}")


def _changed(client: HubSpotClient, window: Window, place: str) -> Iterator[Page]:
    expected_known = not place
    for found in changed(client.search_feedback, ASKED, window, int(place or 0), _MODIFIED):
        records = [one for each in found.records if (one := answered(each)) is not None]
        yield Page(records, f"id:{found.last if found.more else 'end'}", expected=found.left if expected_known else None)
        expected_known = False


def _rating(value: object) -> int | None:
    """A whole number as HubSpot writes it (`9`, `9.0`); None for anything else."""
    try:
        number = float(str(value))
        return int(number) if number.is_integer() and abs(number) < 10**6 else None
    except (ValueError, OverflowError):
        return None
