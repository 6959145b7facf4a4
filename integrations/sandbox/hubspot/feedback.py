"""Answers to surveys, served as feedback submissions: the page of all, and a search by id and by time of change.

Source: developers.hubspot.com, "Feedback submissions" (read-only; Service Hub) and "Search the CRM".
"""

from __future__ import annotations

from collections.abc import Callable

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, as_list, as_object, as_text, as_texts, bounded, instant, iso, millis
from integrations.sandbox.hubspot.contact_search import BODY, CAP
from integrations.sandbox.hubspot.refusals import Refusal, invalid
from integrations.sandbox.hubspot.state import Feedback, Portal

PAGE, SEARCH_PAGE = 100, 200
ALWAYS_SHOWN = ("hs_createdate", "hs_lastmodifieddate", "hs_object_id")
_READ: dict[str, Callable[[Feedback], str | None]] = {
    "hs_object_id": lambda one: str(one.id),
    "hs_createdate": lambda one: iso(one.submitted_at),
    "hs_lastmodifieddate": lambda one: iso(one.submitted_at),
    "hs_submission_timestamp": lambda one: iso(one.submitted_at),
    "hs_survey_type": lambda one: one.survey_type,
    "hs_value": lambda one: one.value,
    "hs_sentiment": lambda one: one.sentiment,
    "hs_survey_channel": lambda _one: "EMAIL",
    "hs_contact_id": lambda one: str(one.contact_id),
}
_TESTS: dict[str, Callable[[int, int], bool]] = {
    "EQ": lambda value, other: value == other,
    "LT": lambda value, other: value < other,
    "LTE": lambda value, other: value <= other,
    "GT": lambda value, other: value > other,
    "GTE": lambda value, other: value >= other,
}


def record_feedback(portal: Portal, feedback: Feedback) -> None:
    """A contact answered a survey."""
    portal.feedback[feedback.id] = feedback


def get_page(call: ApiCall) -> Reply:
    """A page of submissions by id; `after` is the first id of the page."""
    _service_hub_only(call)
    limit, after = call.number("limit", 10, least=1, most=PAGE), call.number("after", 0)
    found = [one for _, one in sorted(call.portal.feedback.items()) if one.id >= after]
    body: Json = {"results": [_shown(one, call.texts("properties")) for one in found[:limit]]}
    if len(found) > limit:
        body["paging"] = {"next": {"after": str(found[limit].id)}}
    return Reply(body)


def search(call: ApiCall) -> Reply:
    """Submissions that pass any filter group, as they were `search_lag` ago, by the one sort or by id."""
    _service_hub_only(call)
    if len(call.request.get_data(cache=True, as_text=True)) > BODY:
        raise invalid(f"The request body of a search may have {BODY} characters at most.")
    body = call.body()
    limit, after = bounded(body.get("limit"), "limit", 10, most=SEARCH_PAGE), bounded(body.get("after"), "after", 0)
    if after + limit > CAP:
        raise invalid(f"Searches return {CAP} results at most; ask with narrower filters instead of paging on.")
    groups = [
        [_filter(as_object(one, "every filter")) for one in as_list(as_object(group, "every filter group").get("filters") or [], "filters")]
        for group in as_list(body.get("filterGroups") or [], "filterGroups")
    ]
    indexed = [one for _, one in sorted(call.portal.feedback.items()) if one.submitted_at + call.portal.search_lag <= call.now]
    found = [one for one in indexed if not groups or any(all(test(one) for test in group) for group in groups)]
    for sort in as_list(body.get("sorts") or [], "sorts"):
        given = as_object(sort, "every sort")
        name = as_text(given.get("propertyName"), "propertyName")
        found.sort(key=lambda one: _number(one, name), reverse=given.get("direction") == "DESCENDING")
    names = as_texts(body.get("properties") or [], "properties")
    answer: Json = {"total": len(found), "results": [_shown(one, names) for one in found[after : after + limit]]}
    if after + limit < len(found) and limit:
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return Reply(answer)


def _service_hub_only(call: ApiCall) -> None:
    if not call.portal.service_hub:
        raise Refusal(403, "This account's plan has no feedback surveys; Service Hub Professional is needed.", "FORBIDDEN")


def _filter(given: Json) -> Callable[[Feedback], bool]:
    name, operator = as_text(given.get("propertyName"), "propertyName"), as_text(given.get("operator"), "operator")
    if operator not in _TESTS:
        raise invalid(f"This sandbox searches feedback with {', '.join(_TESTS)} only.")
    text = as_text(given.get("value"), "value")
    at = None if name == "hs_object_id" else instant(text)
    wanted = millis(at) if at is not None else bounded(text, "value", 0)
    return lambda one: _TESTS[operator](_number(one, name), wanted)


def _number(one: Feedback, name: str) -> int:
    if name == "hs_object_id":
        return one.id
    if name not in ("hs_createdate", "hs_lastmodifieddate", "hs_submission_timestamp"):
        raise invalid(f"There was a problem with the request: this sandbox cannot filter or sort feedback by '{name}'.")
    return millis(one.submitted_at)


def _shown(one: Feedback, names: list[str]) -> Json:
    wanted = dict.fromkeys([*ALWAYS_SHOWN, *(name for name in names if name in _READ)])
    at = iso(one.submitted_at)
    return {"id": str(one.id), "properties": {name: _READ[name](one) for name in wanted}, "createdAt": at, "updatedAt": at, "archived": False}
