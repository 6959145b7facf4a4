"""HubSpot as a destination: membership of MANUAL contact lists in a folder of ours."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.utils import timezone

from integrations.base import Change, Cost, Created, Holders, MarkKind, NewMember, Outcome, Place, Standing
from integrations.errors import Misconfigured, NotFound
from integrations.hubspot import lists, memberships
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
    """Writes list membership in one portal. A place of another kind raises Misconfigured."""

    batch_size = 5_000
    tells_already = True
    mark = MarkKind.LIST
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

    def ensure_place(self, place: Place, description: str) -> Place:
        """The place with its list's id; the list is made in the folder when it has none. HubSpot's lists have no description.

        Raises NotFound for a list that was deleted, Rejected for one that became active or is somebody else's.
        """
        _only_lists(place)
        return replace(place, external_id=lists.ensure_list(self._client, place, self._folder, self._now()))

    def ensure_view(self, place: Place, name: str, external_id: str) -> str:
        """Always "": the list itself is what people see in HubSpot."""
        _only_lists(place)
        return ""

    def read(self, place: Place, members: Collection[str]) -> dict[str, bool | None]:
        """Whether each contact is in the list; None for contacts that are gone. Raises NotFound when the list is."""
        _only_lists(place)
        if not place.external_id:
            raise NotFound("The list has not been made in HubSpot yet.")
        return memberships.members_among(self._client, place.external_id, members) if members else {}

    def standing(self, place: Place, view: str) -> Standing:
        """See `integrations.base.Destination`: whether the list is still there, takes members, and what it is called."""
        return lists.standing(self._client, place) if place.kind is MarkKind.LIST else Standing(place.name)

    def holders(self, place: Place, cursor: str = "") -> Iterator[Holders]:
        """See `integrations.base.Destination`: 250 contacts to a request, by their ids."""
        if place.kind is not MarkKind.LIST:
            raise Misconfigured("HubSpot tells who is in a list, and of nothing else who has it.")
        return memberships.holders(self._client, place.external_id, cursor)

    def marks(self, members: Collection[str]) -> dict[str, frozenset[str] | None]:
        """Raises Misconfigured: HubSpot's answer to a write tells who was in the list before."""
        raise Misconfigured("HubSpot is not asked for all lists of a contact: its answers tell who was in a list before.")

    def write(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Carry out the changes, each list in calls of at most 1,000 contacts."""
        for one in changes:
            _only_lists(one.place)
        return memberships.change_members(self._client, changes)

    def cost(self, adds: int, removes: int, looks: int = 0, creates: int = 0) -> Cost:
        """See `integrations.base.Destination`. The share of a day is that of the smallest portals; which one this is, HubSpot does not tell."""
        whole, rest = divmod(adds + removes, self.batch_size)
        calls = whole * -(-self.batch_size // memberships.CHUNK) + -(-rest // memberships.CHUNK) + CREATING * -(-creates // BATCH)
        limit, seconds = REQUESTS
        way = f"Up to {memberships.CHUNK:,} contacts in each call, {limit} calls in {seconds:.0f} seconds; a day of the smallest portals has {DAILY:,} calls."
        return Cost(calls, max(0, calls - 1) // limit * seconds, calls / DAILY, way)

    def create(self, people: Sequence[NewMember]) -> Sequence[Created]:
        """Find contacts by e-mail address or create them, a hundred at a time."""
        return find_or_create(self._client, people)


def _only_lists(place: Place) -> None:
    if place.kind is not MarkKind.LIST:
        raise Misconfigured(f"HubSpot keeps segments as lists; “{place.name}” is set up as a {place.kind.value}.")
