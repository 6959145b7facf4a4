"""Contacts out of the search API without ever meeting its cap.

A search gives 10,000 results at most and its index lags by seconds (developers.hubspot.com, "Search the CRM"). Asking each
time for ids above the last one, in order of id, needs no paging at all: it ends, and misses nobody, however many
contacts share one time of change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson

from integrations.base import Window
from integrations.errors import Transient
from integrations.hubspot.client import HubSpotClient, items
from integrations.hubspot.mapping import millis
from integrations.hubspot.transport import Json

PAGE = 200
BODY = 3_000  # characters that a search body may hold


@dataclass(frozen=True, slots=True)
class Found:
    """Some contacts, by id. `left` is how many matched when asked, these included; `more` whether any come after `last`."""

    contacts: Sequence[Json]
    last: int
    left: int | None
    more: bool


def changed_contacts(client: HubSpotClient, properties: Sequence[str], window: Window, last: int) -> Iterator[Found]:
    """All contacts changed within `window` with an id above `last`, in pages; at least one page, which may be empty.

    Raises Transient when HubSpot's answers do not move on.
    """
    while True:
        answer = client.search_contacts(question(properties, window, last))
        contacts = items(answer, "results")
        newest = max((int(one) for contact in contacts if (one := str(contact.get("id"))).isdigit()), default=last)
        total = answer.get("total")
        more = bool(answer.get("paging")) and bool(contacts)
        if contacts and newest <= last:
            raise Transient("HubSpot's search gave the same contacts twice.")
        last = newest
        yield Found(contacts, last, total if isinstance(total, int) else None, more)
        if not more:
            return


def fits(question: Json) -> bool:
    """Whether a search body is within the size that HubSpot takes."""
    return len(orjson.dumps(question).decode()) <= BODY


def question(properties: Sequence[str], window: Window, last: int) -> Json:
    """The search body for contacts changed at or after `since` and before `until`, with ids above `last`."""
    filters: list[Json] = [
        {"propertyName": "lastmodifieddate", "operator": "LT", "value": str(millis(window.until))},
        {"propertyName": "hs_object_id", "operator": "GT", "value": str(last)},
    ]
    if window.since is not None:
        filters.insert(0, {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(millis(window.since))})
    return {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": PAGE,
    }
