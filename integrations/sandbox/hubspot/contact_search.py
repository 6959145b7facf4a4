"""Searching contacts: filter groups, one sort, pages of at most 200, never past the 10,000th, and an index that lags.

Source: developers.hubspot.com, "Search the CRM".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import fnmatchcase

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, as_list, as_object, as_text, as_texts, bounded, instant, millis
from integrations.sandbox.hubspot.contact_values import known, shown, value_of
from integrations.sandbox.hubspot.index import PortalIndex, index_of
from integrations.sandbox.hubspot.refusals import invalid
from integrations.sandbox.hubspot.state import Contact, Portal

PAGE, CAP, BODY = 200, 10_000, 3_000
GROUPS, FILTERS, ALL_FILTERS = 5, 6, 18
QUERIED = ("firstname", "lastname", "email", "phone", "company", "hs_additional_emails", "hs_object_id")
Key = float | str
Test = Callable[[str | None], bool]
Filter = tuple[str, Test]  # property name and what its value must pass


def search(call: ApiCall) -> Reply:
    """The contacts that pass any filter group (all filters of it), as they were `search_lag` ago."""
    if len(call.request.get_data(cache=True, as_text=True)) > BODY:
        raise invalid(f"The request body of a search may have {BODY} characters at most.")
    body = call.body() if call.request.get_data(cache=True) else {}
    limit = bounded(body.get("limit"), "limit", 10, most=PAGE)
    after = bounded(body.get("after"), "after", 0)
    if after + limit > CAP:
        raise invalid(f"Searches return {CAP} results at most; ask with narrower filters instead of paging on.")
    groups = _groups(call.portal, body)
    query = str(body.get("query") or "").lower()
    order = _sort(call.portal, body)
    index = index_of(call.portal)
    found = [contact for contact in index.searchable(call.now) if _passes(call.portal, index, contact, groups) and _queried(call.portal, contact, query)]
    found.sort(key=lambda contact: contact.id)
    if order:
        name, descending = order
        kind = _kind(call.portal, name)
        keyed = [(_key(kind, value), contact) for contact in found if (value := value_of(call.portal, contact, name, index)) is not None]
        empty = [contact for contact in found if value_of(call.portal, contact, name, index) is None]
        keyed.sort(key=lambda pair: pair[0], reverse=descending)
        found = [contact for _key_of, contact in keyed] + empty
    page = found[after : after + limit]
    answer: Json = {"total": len(found), "results": shown(call.portal, page, as_texts(body.get("properties") or [], "properties"))}
    if after + limit < len(found) and limit:
        answer["paging"] = {"next": {"after": str(after + limit)}}
    return Reply(answer)


def _groups(portal: Portal, body: Json) -> list[list[Filter]]:
    given = [as_object(group, "every filter group") for group in as_list(body.get("filterGroups") or [], "filterGroups")]
    if not given and body.get("filters"):
        given = [{"filters": body["filters"]}]
    groups = [as_list(group.get("filters") or [], "filters") for group in given]
    if len(groups) > GROUPS:
        raise invalid(f"A search takes {GROUPS} filter groups at most.")
    if any(len(group) > FILTERS for group in groups) or sum(map(len, groups)) > ALL_FILTERS:
        raise invalid(f"A search takes {FILTERS} filters in one group and {ALL_FILTERS} in all at most.")
    return [[_filter(portal, as_object(one, "every filter")) for one in group] for group in groups]


def _filter(portal: Portal, given: Json) -> Filter:
    name = as_text(given.get("propertyName"), "propertyName")
    operator = as_text(given.get("operator"), "operator")
    kind = _kind(portal, name)

    def one(field: str) -> Key:
        value = given.get(field)
        if value is None:
            raise invalid(f"The filter on '{name}' with operator {operator} needs '{field}'.")
        return _key(kind, str(value), strict=name)

    if operator in ("HAS_PROPERTY", "NOT_HAS_PROPERTY"):
        return name, lambda value: (value is not None) == (operator == "HAS_PROPERTY")
    if operator in ("IN", "NOT_IN"):
        keys = {_key(kind, text, strict=name) for text in as_texts(given.get("values"), "values")}
        return name, lambda value: value is not None and (_key(kind, value) in keys) == (operator == "IN")
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        pattern = as_text(given.get("value"), "value").lower()
        return name, lambda value: value is not None and _has_token(value, pattern) == (operator == "CONTAINS_TOKEN")
    if operator == "BETWEEN":
        low, high = one("value"), one("highValue")
        return name, lambda value: value is not None and _order(low, _key(kind, value)) <= 0 <= _order(high, _key(kind, value))
    verdicts: dict[str, Callable[[int], bool]] = {
        "EQ": lambda order: order == 0,
        "NEQ": lambda order: order != 0,
        "LT": lambda order: order < 0,
        "LTE": lambda order: order <= 0,
        "GT": lambda order: order > 0,
        "GTE": lambda order: order >= 0,
    }
    if operator not in verdicts:
        raise invalid(f"The operator '{operator}' is not one that a search knows.")
    verdict, other = verdicts[operator], one("value")
    return name, lambda value: value is not None and verdict(_order(_key(kind, value), other))


def _order(left: Key, right: Key) -> int:
    if isinstance(left, str) or isinstance(right, str):
        left, right = str(left), str(right)
        return (left > right) - (left < right)
    return (left > right) - (left < right)


def _kind(portal: Portal, name: str) -> str:
    defined = known(portal, name)
    if defined is None:
        raise invalid(f"There was a problem with the request: the property '{name}' does not exist.")
    return str(defined["type"])


def _key(kind: str, value: str, *, strict: str | None = None) -> Key:
    """What values of this type are compared by: numbers, instants to the millisecond, text without its case."""
    if kind == "number":
        try:
            return float(value)
        except ValueError:
            if strict:
                raise invalid(f"The filter on '{strict}' needs a number.") from None
            return value
    if kind in ("datetime", "date"):
        at = instant(value)
        if at is None and strict:
            raise invalid(f"The filter on '{strict}' needs milliseconds or an ISO 8601 time.")
        return value if at is None else millis(at)
    return value.lower()


def _has_token(value: str, pattern: str) -> bool:
    """Whether the value, or one of its words, is the pattern; `*` stands for any characters."""
    lowered, exact = value.lower(), re.sub(r"([\[\]?])", r"[\1]", pattern)
    return any(fnmatchcase(token, exact) for token in (lowered, *re.split(r"[^\w]+", lowered)))


def _passes(portal: Portal, index: PortalIndex, contact: Contact, groups: list[list[Filter]]) -> bool:
    return not groups or any(all(test(value_of(portal, contact, name, index)) for name, test in group) for group in groups)


def _queried(portal: Portal, contact: Contact, query: str) -> bool:
    return not query or any(query in (value_of(portal, contact, name) or "").lower() for name in QUERIED)


def _sort(portal: Portal, body: Json) -> tuple[str, bool] | None:
    sorts = as_list(body.get("sorts") or [], "sorts")
    if len(sorts) > 1:
        raise invalid("Only one sort can be applied to a search.")
    if not sorts:
        return None
    given = sorts[0]
    if isinstance(given, str):
        name, descending = given.lstrip("-"), given.startswith("-")
    else:
        rule = as_object(given, "every sort")
        name, direction = as_text(rule.get("propertyName"), "propertyName"), str(rule.get("direction") or "ASCENDING")
        if direction not in ("ASCENDING", "DESCENDING"):
            raise invalid("The direction of a sort is ASCENDING or DESCENDING.")
        descending = direction == "DESCENDING"
    _kind(portal, name)
    return name, descending
