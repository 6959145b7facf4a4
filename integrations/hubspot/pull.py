"""HubSpot as a source: property definitions, contacts with the properties asked for, and marketing e-mail events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cached_property

from integrations.base import Page, StreamSpec, Window
from integrations.errors import Misconfigured, Rejected, Restart
from integrations.hubspot.client import BATCH, HubSpotClient, items, next_after
from integrations.hubspot.definitions import definitions
from integrations.hubspot.emails import email_pages
from integrations.hubspot.mapping import TOLD, WANTED, customer
from integrations.hubspot.search import changed_contacts, fits, question
from integrations.hubspot.transport import Json
from integrations.models import Connection

_CHANGES = ("creation", "propertyChange", "deletion", "privacyDeletion", "merge", "restore", "associationChange")
CONTACTS = StreamSpec(
    name="contacts",
    every=timedelta(seconds=60),
    overlap=timedelta(minutes=5),  # the search index lags by seconds
    scopes=frozenset({"crm.objects.contacts.read"}),
    hints=frozenset(f"{what}.{change}" for what in ("contact", "object") for change in _CHANGES),  # "object" in newer apps
)
EMAIL_EVENTS = StreamSpec(
    name="email_events",
    every=timedelta(seconds=60),
    overlap=timedelta(minutes=30),  # events are told of late: an e-mail opened offline, a bounce reported hours after
    scopes=frozenset({"content"}),
)
PROPERTIES = StreamSpec(name="properties", every=timedelta(hours=1), overlap=timedelta())  # definitions come whole, whenever they changed
_PAGE = 100
_LARGEST_ID = 10**18
_ADDRESS = 8_000  # characters of property names in an address; HubSpot refuses longer ones with 414, at a length it does not tell


class HubSpotSource:
    """Facts from one portal. `streams` holds only those whose scopes were granted when it connected."""

    def __init__(self, connection: Connection, client: HubSpotClient | None = None) -> None:
        self._client = client or HubSpotClient(connection)
        self._wanted = frozenset(connection.wanted_properties)
        granted = set(connection.scopes)
        contacts = replace(CONTACTS, asks=TOLD | self._wanted)
        self.streams: Sequence[StreamSpec] = [PROPERTIES, contacts, *(spec for spec in (EMAIL_EVENTS,) if spec.scopes <= granted)]

    def pages(self, stream: str, window: Window, cursor: str) -> Iterator[Page]:
        """The stream's records of `window` from `cursor` on. Raises Misconfigured for a stream that this portal does not give."""
        if stream not in {spec.name for spec in self.streams}:
            raise Misconfigured(f"HubSpot does not give “{stream}” with the scopes granted: connect HubSpot again and allow more.")
        if stream == PROPERTIES.name:
            return iter([Page([definitions(self._client.contact_properties())], "end")])
        if stream == EMAIL_EVENTS.name:
            return email_pages(self._client, window, cursor)
        return self._all_contacts(cursor) if window.since is None else self._changed_contacts(window, cursor)

    @cached_property
    def _properties(self) -> list[str]:
        """What contacts are asked for: asking for a property that the portal lacks would make a search fail."""
        there = {str(found.get("name")) for found in self._client.contact_properties()}
        return [name for name in (*WANTED, *sorted(self._wanted.difference(WANTED))) if name in there]

    def _all_contacts(self, cursor: str) -> Iterator[Page]:
        """Every contact that there is; paging has no cap here. Cursor: `page:<after>`."""
        after = _place(cursor, "page")
        apart = sum(len(name) + len("&properties=") for name in self._properties) > _ADDRESS
        while after != "end":
            try:
                answer = self._client.contacts_page([] if apart else self._properties, after, _PAGE)
            except Rejected as refused:
                if after:
                    raise Restart("HubSpot no longer knows where the reading of contacts stopped.") from refused
                raise
            after = next_after(answer) or "end"
            contacts = items(answer, "results")
            yield Page([customer(contact, self._wanted) for contact in (self._with_values(contacts) if apart else contacts)], f"page:{after}")

    def _changed_contacts(self, window: Window, cursor: str) -> Iterator[Page]:
        """Contacts changed within the window. Cursor: `id:<last id read>`. More properties than a search body holds are read apart."""
        last = _place(cursor, "id")
        if last == "end":
            return
        apart = not fits(question(self._properties, window, _LARGEST_ID))
        expected_known = not last
        for found in changed_contacts(self._client, [] if apart else self._properties, window, int(last or 0)):
            contacts = self._with_values(found.contacts) if apart else found.contacts
            records = [customer(contact, self._wanted) for contact in contacts]
            yield Page(records, f"id:{found.last if found.more else 'end'}", expected=found.left if expected_known else None)
            expected_known = False

    def _with_values(self, contacts: Sequence[Json]) -> list[Json]:
        """The same contacts with all properties asked for; one that is gone meanwhile is left out."""
        ids = [str(contact.get("id")) for contact in contacts]
        return [whole for start in range(0, len(ids), BATCH) for whole in self._client.contacts_by(ids[start : start + BATCH], self._properties)]


def _place(cursor: str, kind: str) -> str:
    """What follows the cursor's kind, "" at the start. Raises Restart for a cursor of another kind."""
    found, _, place = cursor.partition(":")
    if cursor and (found != kind or not (place == "end" or place)):
        raise Restart("The place where the reading of contacts stopped cannot be read.")
    return place
