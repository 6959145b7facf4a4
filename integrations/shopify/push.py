"""Writing to a store: customer tags, and a native segment over each tag.

Tags are set and taken away one by one (`tagsAdd`, `tagsRemove`), never replaced: other people's tags stay as they are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from integrations.base import Change, Cost, Created, Holders, MarkKind, NewMember, Outcome, Ownership, Place, Standing
from integrations.errors import Misconfigured, NotFound, Rejected
from integrations.models import Connection
from integrations.registry import DestinationSettings
from integrations.shopify import names, tag_holders
from integrations.shopify.client import BUCKET_SECONDS, CALL_COST, ShopifyClient
from integrations.shopify.tag_calls import AT_ONCE, calls_for, chunks, gid, is_id, write_directly
from integrations.shopify.tag_jobs import unfinished_jobs, write_in_bulk

READ_AT_ONCE = 250  # ids that `nodes` takes
BULK_SECONDS = 1.0  # the least a bulk operation takes: three calls and an upload, and looks at it; 0.4 to 0.6 measured against the sandbox
BULK_CALLS = 4  # to run one bulk operation: a place to upload to, the upload, the start, and a look at how it does


class ShopifyDestination:
    """Tags on the customers of one connected store (`integrations.base.Destination`)."""

    batch_size = 5_000
    most_marks = 250  # tags: help.shopify.com, "Creating and using tags in Shopify", tag limits
    settle = timedelta(seconds=60)

    def __init__(self, connection: Connection, settings: DestinationSettings) -> None:
        self._client = ShopifyClient(connection)

    def ownership(self, kind: MarkKind) -> Ownership:
        """Anybody tags customers, and Shopify does not say whether a tag was there before."""
        _only_tags(kind)
        return Ownership.LOOKED

    def ensure_place(self, place: Place, description: str) -> Place:
        """A tag needs no making: returns `place` when the tag can be one (Rejected says why not)."""
        _only_tags(place.kind)
        names.check(place.kind, place.name)
        return place

    def ensure_view(self, place: Place, name: str, external_id: str) -> str:
        """Make sure the native segment over the tag exists; returns its id. Raises NotFound when a known one was deleted.

        A segment with this very name and query is taken as made by an earlier, unanswered call.
        """
        if external_id:
            if not self._client.execute("segment", {"id": external_id})["segment"]:
                raise NotFound("Shopify: the segment was deleted.")
            return external_id
        wanted = {"name": name[:255], "query": tag_holders.segment_query(place.name)}
        found = self._find_segment(wanted)
        if found:
            return found
        answer = self._client.execute("create_segment", wanted)["segmentCreate"]
        if answer["userErrors"] or not answer["segment"]:
            said = answer["userErrors"][0]["message"] if answer["userErrors"] else "it did not say why"
            raise Rejected(f"Shopify does not make the segment: {said}")
        return str(answer["segment"]["id"])

    def remove_view(self, external_id: str) -> None:
        """See `integrations.base.Destination` (shopify.dev, `segmentDelete`). Raises Rejected when Shopify keeps the segment."""
        try:
            errors = self._client.execute("delete_segment", {"id": external_id})["segmentDelete"]["userErrors"]
        except NotFound:
            return
        said = str(errors[0]["message"]) if errors else ""
        if said and "not exist" not in said:
            raise Rejected(f"Shopify does not delete the segment: {said}")

    def read(self, place: Place, members: Collection[str]) -> dict[str, bool | None]:
        """See `integrations.base.Destination`; tags are compared without regard to case, as Shopify does."""
        tag = place.name.casefold()
        return {member: None if tags is None else tag in tags for member, tags in self.marks(members).items()}

    def standing(self, place: Place, view: str) -> Standing:
        """See `integrations.base.Destination`: a tag is always there; its native segment may be renamed, deleted or ask for something else."""
        return tag_holders.standing(self._client, place, view)

    def holders(self, place: Place, cursor: str = "") -> Iterator[Holders]:
        """See `integrations.base.Destination`: 250 customers to a request, by their ids."""
        if place.kind is not MarkKind.TAG:
            raise Misconfigured("Shopify has no lists; choose tags for it.")
        return tag_holders.holders(self._client, place.name, cursor)

    def given_at(self, place: Place, members: Collection[str]) -> Mapping[str, datetime]:
        """Always {}: Shopify keeps no dates of tags; they are looked at before the first is added."""
        return {}

    def marks(self, members: Collection[str]) -> dict[str, frozenset[str] | None]:
        """See `integrations.base.Destination`: the tags of each customer, 250 customers to a request."""
        found: dict[str, frozenset[str] | None] = dict.fromkeys(members)
        for some in chunks([member for member in found if is_id(member)], READ_AT_ONCE):
            nodes = self._client.execute("customer_tags", {"ids": [gid(member) for member in some]})["nodes"]
            for member, node in zip(some, nodes, strict=True):
                found[member] = None if node is None else frozenset(each.casefold() for each in node["tags"])
        return found

    def write(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """See `integrations.base.Destination`. One call for each customer and direction carries all of its tags.

        Shopify does not say whether a tag was there before: what it took is DONE.
        """
        calls, refused = calls_for(changes)
        send = write_in_bulk if len(calls) >= bulk_from(self._client.rate, self._client.available) else write_directly
        return [*refused, *send(self._client, calls)] if calls else refused

    def unfinished(self, now: datetime) -> float:
        """See `integrations.base.Destination`: bulk operations go on in Shopify whatever becomes of the process that started them."""
        return unfinished_jobs(self._client, now)

    def cost(self, adds: int, removes: int, looks: int = 0, creates: int = 0, kind: MarkKind | None = None) -> Cost:
        """See `integrations.base.Destination`. Points as shopify.dev counts them: 10 for a mutation, 1 for an object read.

        Carrying out a bulk operation costs no points and takes Shopify a time that it does not tell.
        """
        whole, rest = divmod(adds + removes, self.batch_size)
        rate = self._usual_rate
        least = bulk_from(rate, BUCKET_SECONDS * rate)
        in_bulk = whole + (rest >= least)
        direct = rest if rest < least else 0
        reading = -(-looks // READ_AT_ONCE)
        operations = in_bulk * sum(1 for number in (adds, removes) if number)
        points = looks + direct * CALL_COST + operations * (BULK_CALLS - 1) * CALL_COST
        pace = f"at {rate:,.0f} points a second"
        way = f"Bulk operations, which Shopify carries out in its own time; calls {pace}." if in_bulk else f"Direct calls, {AT_ONCE} tags in each, {pace}."
        return Cost(reading + -(-direct // AT_ONCE) + operations * BULK_CALLS, points / rate, None, way)

    @cached_property
    def _usual_rate(self) -> float:
        """Points a second, asked for once: a page tells the costs of many places."""
        return self._client.rate

    def create(self, people: Sequence[NewMember]) -> Sequence[Created]:
        """Raises Misconfigured: store customers come from the store alone."""
        raise Misconfigured("Customers are not created in Shopify; only people the store knows can be tagged.")

    def _find_segment(self, wanted: dict[str, str]) -> str:
        after: str | None = None
        while True:
            page = self._client.execute("segments_page", {"after": after})["segments"]
            for node in page["nodes"]:
                if node["name"] == wanted["name"] and node["query"] == wanted["query"]:
                    return str(node["id"])
            if not page["pageInfo"]["hasNextPage"]:
                return ""
            after = page["pageInfo"]["endCursor"]


def bulk_from(rate: float, available: float) -> int:
    """How many calls take as long as the shortest bulk operation: from so many on, bulk is quicker.

    The points that are `available` go out at once; beyond them calls wait for points, `rate` of which come back each second
    (shopify.dev, "API rate limits"): with a full bucket 210 calls on the smallest plans, 4,200 on the largest.
    """
    return max(1, round((max(0.0, available) + BULK_SECONDS * rate) / CALL_COST))


def _only_tags(kind: MarkKind) -> None:
    if kind is not MarkKind.TAG:
        raise Misconfigured("Shopify has no lists; choose tags for it.")
