"""Whatever is sent, HubSpot's stand-in answers as a platform does: never with a failure of its own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.sandbox.hubspot.routes import ROUTES, Route
from tests.sandbox.hubspot_portal import HubSpot, connected

FIELDS = (
    *("inputs", "id", "idProperty", "properties", "filterGroups", "filters", "propertyName", "operator", "value", "values", "highValue"),
    *("sorts", "limit", "after", "name", "label", "groupName", "type", "fieldType", "options", "objectTypeId", "processingType"),
    *("filterBranch", "filterBranches", "filterBranchType", "operation", "operationType", "property", "filterType", "recordIdsToAdd"),
    *(
        "recordIdsToRemove",
        "listIds",
        "offset",
        "processingTypes",
        "additionalProperties",
        "primaryObjectId",
        "objectIdToMerge",
        "objectId",
    ),
    *("listId", "newFolderId", "parentFolderId", "recordId", "query", "count", "email"),
)
WORDS = st.sampled_from(
    ["101", "", " ", "-1", "9" * 30, "email", "EQ", "IN", "BETWEEN", "CONTAINS_TOKEN", "[", "*", "OR", "AND", "PROPERTY", "DYNAMIC", "0-1"]
) | st.text(max_size=8)
LEAVES = st.none() | st.booleans() | st.integers(-5, 10**20) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
BODIES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6), max_leaves=25)
PARAMETERS = (
    "limit",
    "after",
    "offset",
    "startTimestamp",
    "endTimestamp",
    "eventType",
    "objectId",
    "occurredAfter",
    "listName",
    "idProperty",
)


@pytest.fixture(scope="module")
def hubspot() -> HubSpot:
    made = connected()
    made.portal.limits_scale = 1e9
    return made


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    route=st.sampled_from(ROUTES),
    ident=WORDS,
    number=st.integers(0, 10**20),
    body=BODIES,
    query=st.dictionaries(st.sampled_from(PARAMETERS), WORDS),
)
def test_no_request_is_answered_by_a_failure(hubspot: HubSpot, route: Route, ident: str, number: int, body: Any, query: dict[str, str]) -> None:
    path = re.sub(r"<int:\w+>", str(number), route.path.replace("{v}", route.versions[-1] or "v1"))
    path = re.sub(r"<[^>]+>", lambda _found: ident.replace("/", "") or "x", path)
    answer = hubspot.call(route.method, path, body, query_string=query)
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.json is not None
        assert answer.json["correlationId"]
