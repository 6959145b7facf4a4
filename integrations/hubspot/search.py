"""Records of the CRM (contacts, feedback submissions) out of the search API without ever meeting its cap.

A search gives 10,000 results at most and its index lags by seconds (developers.hubspot.com, "Search the CRM"). Asking each
time for ids above the last one, in order of id, needs no paging at all: it ends, and misses none, however many
records share one time of change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import orjson

from integrations.base import Window
from integrations.errors import Transient
from integrations.hubspot.client import items
from integrations.hubspot.mapping import millis
from integrations.hubspot.transport import Json

PAGE = 200
BODY = 3_000  # characters that a search body may hold


@dataclass(frozen=True, slots=True)
class Found:
    """Some records, by id. `left` is how many matched when asked, these included; `more` whether any come after `last`."""

    records: Sequence[Json]
    last: int
    left: int | None
    more: bool


def changed(search: Callable[[Json], Json], properties: Sequence[str], window: Window, last: int, modified: str = "lastmodifieddate") -> Iterator[Found]:
    """All records changed within `window` with an id above `last`, in pages; at least one page, which may be empty.

    `search` asks, `modified` is the property that holds the time of change. Raises Transient when HubSpot's answers do not move on.
    """
    while True:
        answer = search(question(properties, window, last, modified))
        records = items(answer, "results")
        newest = max((int(one) for record in records if (one := str(record.get("id"))).isdigit()), default=last)
        total = answer.get("total")
        more = bool(answer.get("paging")) and bool(records)
        if records and newest <= last:
            raise Transient("HubSpot's search gave the same records twice.")
        last = newest
        yield Found(records, last, total if isinstance(total, int) else None, more)
        if not more:
            return


def fits(question: Json) -> bool:
    """Whether a search body is within the size that HubSpot takes."""
    return len(orjson.dumps(question).decode()) <= BODY


def question(properties: Sequence[str], window: Window, last: int, modified: str = "lastmodifieddate") -> Json:
    """The search body for records changed at or after `since` and before `until`, with ids above `last`."""
    filters: list[Json] = [
        {"propertyName": modified, "operator": "LT", "value": str(millis(window.until))},
        {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)},
    ]
    if window.since is not None:
        filters.insert(0, {"propertyName": modified, "operator": "GTE", "value": str(millis(window.since))})
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": PAGE,
    }
