"""HubSpot as a destination: MANUAL contact lists in a folder of ours, and checkboxes on contacts in a property group of ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone

from integrations.base import Change, Cost, Created, Holders, MarkKind, NewMember, Outcome, Ownership, Place, Result, Standing
from integrations.errors import IntegrationError, Misconfigured, NotFound
from integrations.hubspot import lists, memberships, names, properties, ticks
from integrations.hubspot.client import BATCH, HubSpotClient
from integrations.hubspot.people import find_or_create
from integrations.hubspot.transport import REQUESTS
from integrations.models import Connection
from integrations.registry import DestinationSettings

# Calls a day of a portal whose app is not on the marketplace: Free and Starter; Professional has 625,000, Enterprise 1,000,000.
# Marketplace apps have no daily limit (developers.hubspot.com, "API usage guidelines").
DAILY = 250_000
CREATING = 2  # calls for a batch of people: who is there already, then the others


class HubSpotDestination:
    """Writes list membership and checkboxes of contacts in one portal. A place of another kind raises Misconfigured."""

    batch_size = 5_000
    most_marks = None
    settle = timedelta(seconds=60)

    def __init__(
        self,
        connection: Connection,
        settings: DestinationSettings,
        client: HubSpotClient | None = None,
        now: Callable[[], datetime] = timezone.now,
    ) -> None:
        self._client = client or HubSpotClient(connection, now)
        self._folder = settings.folder
        self._now = now

    def ownership(self, kind: MarkKind) -> Ownership:
        """HubSpot tells who was in a list before; a property that we made is ours alone."""
        return Ownership.OURS if _kept(kind) is MarkKind.PROPERTY else Ownership.TOLD

    def ensure_place(self, place: Place, description: str) -> Place:
        """The place with its list's id, made in the folder, or with when its property was made. HubSpot's lists have no description.

        Raises NotFound for one that was deleted, Rejected for one that cannot be written any more or is somebody else's.
        """
        kind = _kept(place.kind)
        names.check(kind, place.name)
        if kind is MarkKind.PROPERTY:
            return replace(place, external_id=properties.ensure_property(self._client, place, description, self._now()))
        return replace(place, external_id=lists.ensure_list(self._client, place, self._folder, self._now()))

    def ensure_view(self, place: Place, name: str, external_id: str) -> str:
        """Always "": the list or property itself is what people see in HubSpot."""
        _kept(place.kind)
        return ""

    def remove_view(self, external_id: str) -> None:
        """Raises Misconfigured: HubSpot's lists have no view of their own."""
        raise Misconfigured("HubSpot has no saved view over a list; the list itself is what people see.")

    def read(self, place: Place, members: Collection[str]) -> dict[str, bool | None]:
        """Whether each contact has the mark; None for contacts that are gone. Raises NotFound when the list or property is."""
        if _kept(place.kind) is MarkKind.PROPERTY:
            return ticks.ticked_among(self._client, place, members)
        if not place.external_id:
            raise NotFound("The list has not been made in HubSpot yet.")
        return memberships.members_among(self._client, place.external_id, members) if members else {}

    def standing(self, place: Place, view: str) -> Standing:
        """See `integrations.base.Destination`: whether the list or property is still there, takes members, and what it is called."""
        return properties.standing(self._client, place) if _kept(place.kind) is MarkKind.PROPERTY else lists.standing(self._client, place)

    def holders(self, place: Place, cursor: str = "") -> Iterator[Holders]:
        """See `integrations.base.Destination`: 250 contacts of a list, or 200 with a property, to a request, by their ids."""
        if _kept(place.kind) is MarkKind.PROPERTY:
            return ticks.holders(self._client, place, cursor)
        return memberships.holders(self._client, place.external_id, cursor)

    def given_at(self, place: Place, members: Collection[str]) -> Mapping[str, datetime]:
        """When these contacts were last put on the list; {} for a property, which is ours alone."""
        if _kept(place.kind) is MarkKind.PROPERTY:
            return {}
        return memberships.added_at(self._client, place.external_id, members)

    def marks(self, members: Collection[str]) -> dict[str, frozenset[str] | None]:
        """Raises Misconfigured: HubSpot's answer to a write tells who was in the list before."""
        raise Misconfigured("HubSpot is not asked for all lists of a contact: its answers tell who was in a list before.")

    def write(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Carry out the changes: lists first, in calls of at most 1,000 contacts of one list, then properties, a hundred contacts in a call."""
        by_kind: dict[MarkKind, list[Change]] = {MarkKind.LIST: [], MarkKind.PROPERTY: []}
        for one in changes:
            by_kind[_kept(one.place.kind)].append(one)
        outcomes = memberships.change_members(self._client, by_kind[MarkKind.LIST])
        try:
            return outcomes + ticks.change_ticks(self._client, by_kind[MarkKind.PROPERTY])
        except IntegrationError as error:
            if not outcomes:
                raise
            return outcomes + [Outcome(one.key, Result.UNSENT, str(error)) for one in by_kind[MarkKind.PROPERTY]]

    def unfinished(self, now: datetime) -> float:
        """Always 0: HubSpot carries out a call before it answers, or within `settle`."""
        return 0.0

    def cost(self, adds: int, removes: int, looks: int = 0, creates: int = 0, kind: MarkKind | None = None) -> Cost:
        """See `integrations.base.Destination`. The share of a day is that of the smallest portals; which one this is, HubSpot does not tell."""
        whole, rest = divmod(adds + removes, self.batch_size)
        each, calls_each = (BATCH, ticks.CALLS) if kind is MarkKind.PROPERTY else (memberships.CHUNK, 1)
        calls = calls_each * (whole * -(-self.batch_size // each) + -(-rest // each)) + CREATING * -(-creates // BATCH)
        limit, seconds = REQUESTS
        how = f"Up to {each:,} contacts in each call" if calls_each == 1 else f"Contacts are read and then changed, {each:,} in a call"
        way = f"{how}, {limit} calls in {seconds:.0f} seconds; a day of the smallest portals has {DAILY:,} calls."
        return Cost(calls, max(0, calls - 1) // limit * seconds, calls / DAILY, way)

    def create(self, people: Sequence[NewMember]) -> Sequence[Created]:
        """Find contacts by e-mail address or create them, a hundred at a time."""
        return find_or_create(self._client, people)


def _kept(kind: MarkKind) -> MarkKind:
    if kind is MarkKind.TAG:
        raise Misconfigured("HubSpot has no tags; choose contact lists or contact properties for it.")
    return kind
