"""Forms and what visitors sent in, and the endpoints that tell of it.

Sources: developers.hubspot.com, "Get all forms from an account" (marketing/v3) and "Get submissions for a form" (form-integrations v1).
"""

from __future__ import annotations

import base64

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, iso, millis
from integrations.sandbox.hubspot.refusals import invalid, not_found
from integrations.sandbox.hubspot.state import Form, FormSubmission, Portal

FORMS_PAGE, SUBMISSIONS_PAGE = 100, 50
FORM_TYPES = frozenset({"hubspot", "captured", "flow", "blog_comment", "all"})


def record_submission(portal: Portal, submission: FormSubmission) -> None:
    """A visitor sent a form in, wherever in time that belongs. Raises ValueError for a form that the portal does not have."""
    if submission.form_id not in portal.forms:
        raise ValueError(f"The portal has no form {submission.form_id!r}; add it to `forms` first.")
    portal.form_submissions.append(submission)


def get_forms(call: ApiCall) -> Reply:
    """A page of forms by id; `after` is the first id of the page."""
    limit, after = call.number("limit", 20, least=1, most=FORMS_PAGE), call.text("after") or ""
    if unknown := set(call.texts("formTypes")) - FORM_TYPES:
        raise invalid(f"Unknown form types: {', '.join(sorted(unknown))}.")
    forms = [form for _, form in sorted(call.portal.forms.items()) if form.id >= after]
    body: Json = {"results": [_form(form) for form in forms[:limit]]}
    if len(forms) > limit:
        body["paging"] = {"next": {"after": forms[limit].id}}
    return Reply(body)


def get_submissions(call: ApiCall, form_id: str) -> Reply:
    """A page of one form's submissions, newest first; 404 for a form that is not there."""
    if form_id not in call.portal.forms:
        raise not_found(f"No form found for guid {form_id}.")
    limit, after = call.number("limit", 20, least=1, most=SUBMISSIONS_PAGE), call.text("after")
    before = _read_place(after) if after else None
    own = (one for one in call.portal.form_submissions if one.form_id == form_id and (before is None or _key(one) < before))
    newest = sorted(own, key=_key, reverse=True)
    body: Json = {"results": [_submission(one) for one in newest[:limit]]}
    if len(newest) > limit:
        place = _write_place(newest[limit - 1])
        body["paging"] = {"next": {"after": place, "link": f"{call.request.base_url}?after={place}&limit={limit}"}}
    return Reply(body)


def _key(one: FormSubmission) -> tuple[int, str]:
    return millis(one.submitted_at), one.id


def _write_place(one: FormSubmission) -> str:
    return base64.urlsafe_b64encode(f"{millis(one.submitted_at)}:{one.id}".encode()).decode().rstrip("=")


def _read_place(after: str) -> tuple[int, str]:
    try:
        at, _, id_ = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode().partition(":")
        return int(at), id_
    except ValueError:
        raise invalid("The paging cursor is not one that this API gave out.") from None


def _form(form: Form) -> Json:
    email = {"objectTypeId": "0-1", "name": "email", "label": "Email", "required": True, "hidden": False, "fieldType": "email"}
    return {
        "id": form.id,
        "name": form.name,
        "formType": "hubspot",
        "createdAt": iso(form.created_at),
        "updatedAt": iso(form.created_at),
        "archived": False,
        "fieldGroups": [{"groupType": "default_group", "richTextType": "text", "fields": [email]}],
    }


def _submission(one: FormSubmission) -> Json:
    values = [{"name": name, "value": value, "objectTypeId": "0-1"} for name, value in one.values.items()]
    return {"conversionId": one.id, "submittedAt": millis(one.submitted_at), "values": values, "pageUrl": one.page_url}
