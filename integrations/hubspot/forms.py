"""Form submissions, form by form and back through time.

Sources: developers.hubspot.com, "Get all forms from an account" (marketing/v3) and "Get submissions for a form" (form-integrations
v1: newest first, at most 50 a page, the fields as names and values). There is no newer API for submissions, and this one is
announced to go with the other v1 APIs in September 2027.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from integrations.base import Page, Window
from integrations.errors import NotFound, Rejected, Restart
from integrations.hubspot.client import HubSpotClient, items, next_after
from integrations.hubspot.mapping import Json, from_millis
from integrations.records import Activity

FORMS_PAGE = 100
SUBMISSIONS_PAGE = 50


def form_pages(client: HubSpotClient, window: Window, cursor: str) -> Iterator[Page]:
    """The submissions of `window` of every form, by form id, each newest first. Forms in the recycling bin are left out.

    The cursor is `<form id>:<after>`, "end" after the last page. Raises Restart when HubSpot no longer knows the place.
    """
    if cursor == "end":
        return
    begun, _, after = cursor.partition(":")
    forms = [form for form in _forms(client) if form[0] >= begun]
    for place, (form_id, name) in enumerate(forms):
        following = forms[place + 1][0] + ":" if place + 1 < len(forms) else "end"
        yield from _submissions(client, form_id, name, window, after if form_id == begun else "", following)
    if not forms:
        yield Page([], "end")


def submission(answer: Json, form: str) -> Activity | None:
    """A submission as a record; None for one that names no e-mail address: nobody can be told by it."""
    at = from_millis(answer.get("submittedAt"))
    fields = answer.get("values")
    given = [field for field in fields if isinstance(field, dict)] if isinstance(fields, list) else []
    email = next((str(field.get("value") or "") for field in given if field.get("name") == "email" and field.get("objectTypeId") in (None, "0-1")), "")
    if at is None or not email.strip() or not answer.get("conversionId"):
        return None
    return Activity(f"form:{answer['conversionId']}", "forms.submitted", at, email, form=form, page=str(answer.get("pageUrl") or ""))


def _forms(client: HubSpotClient) -> list[tuple[str, str]]:
    """Ids and names of all forms, by id."""
    found: dict[str, str] = {}
    after = ""
    while True:
        answer = client.forms_page(after, FORMS_PAGE)
        found |= {str(form["id"]): str(form.get("name") or "") for form in items(answer, "results") if form.get("id")}
        following = next_after(answer)
        if not following or following == after:
            return sorted(found.items())
        after = following


def _submissions(client: HubSpotClient, form_id: str, name: str, window: Window, after: str, following: str) -> Iterator[Page]:
    while True:
        try:
            answer = client.form_submissions(form_id, after, SUBMISSIONS_PAGE)
        except NotFound:  # deleted since the forms were listed
            answer = {}
        except Rejected as refused:
            if after:
                raise Restart("HubSpot no longer knows where the reading of form submissions stopped.") from refused
            raise
        told = items(answer, "results")
        records = [one for each in told if (one := submission(each, name)) is not None and _within(one.at, window)]
        oldest = min((at for each in told if (at := from_millis(each.get("submittedAt"))) is not None), default=None)
        after = next_after(answer)
        if not after or not told or (window.since is not None and oldest is not None and oldest < window.since):
            yield Page(records, following)
            return
        yield Page(records, f"{form_id}:{after}")


def _within(at: datetime, window: Window) -> bool:
    return at < window.until and (window.since is None or at >= window.since)
