"""Reading a store: everything by bulk query at first, then what changed, page by page."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from integrations.base import Page, StreamSpec, Window
from integrations.errors import Misconfigured, Restart
from integrations.models import Connection
from integrations.records import Record, Tombstone
from integrations.shopify import bulk, documents, mapping, metafields, oauth, webhooks
from integrations.shopify.client import ShopifyClient
from integrations.shopify.parts import Parts
from integrations.shopify.tag_calls import chunks

log = structlog.get_logger(__name__)

PAGE = 2_000  # records of a bulk file handed on at once
DEEPEST = 20_000  # objects paged through before the window is begun anew further up (shopify.dev, "API limits": 25,000)
FETCHED = 10  # objects asked for by their ids in one request: with their children they cost up to 50 points each
POLL = 2.0  # seconds between two looks at a running bulk operation

_OVERLAP = timedelta(minutes=3)  # the search index behind `updated_at` lags; Shopify gives no figure
_MINUTE = timedelta(minutes=1)
_READ_ORDERS, _READ_CUSTOMERS, _READ_PRODUCTS = (frozenset({scope}) for scope in ("read_orders", "read_customers", "read_products"))
_ALL_ORDERS = frozenset({"read_all_orders"})  # without it the last 60 days are seen (shopify.dev, "Access scopes")
_PLACES = frozenset({"read_locations"})  # orders read without it know no location

STREAMS = (
    StreamSpec("products", 10 * _MINUTE, _OVERLAP, _READ_PRODUCTS, frozenset({"products/create", "products/update"}), partings=frozenset({"products/delete"})),
    StreamSpec(
        "customers",
        _MINUTE,
        _OVERLAP,
        _READ_CUSTOMERS,
        frozenset(
            {
                "customers/create",
                "customers/update",
                "customers/enable",
                "customers/disable",
                "customers/merge",
                "customer.tags_added",
                "customer.tags_removed",
                "customers_email_marketing_consent/update",
                "customers/purchasing_summary",
            }
        ),
        partings=frozenset({"customers/delete"}),
    ),
    StreamSpec(
        "orders",
        _MINUTE,
        _OVERLAP,
        _READ_ORDERS | _READ_CUSTOMERS,
        frozenset({"orders/create", "orders/updated", "orders/cancelled", "orders/edited", "orders/paid", "refunds/create"}),
        _ALL_ORDERS | _PLACES,
        partings=frozenset({"orders/delete"}),
    ),
    StreamSpec(
        "checkouts",
        _MINUTE,
        _OVERLAP,
        _READ_ORDERS | _READ_CUSTOMERS,
        frozenset({"checkouts/create", "checkouts/update"}),
        _ALL_ORDERS,
        partings=frozenset({"checkouts/delete"}),
    ),
)
METAFIELDS = StreamSpec("metafields", timedelta(hours=1), timedelta(), _READ_CUSTOMERS)  # definitions come whole; no webhook tells of them
STREAM_SCOPES = sorted(frozenset().union(*(spec.scopes for spec in STREAMS)))
_ONE = {"products": "product", "customers": "customer", "orders": "order", "checkouts": "checkout"}
_MOST_PAGES = {"customers": 1}  # of children beyond those that come with their parent: 250 addresses of a customer are enough
_KINDS = {"products": "Product", "customers": "Customer", "orders": "Order", "checkouts": "AbandonedCheckout"}
_UNSORTED = frozenset({"checkouts"})  # no sort key UPDATED_AT: a page's end says nothing of what was read


class ShopifySource:
    """Customers, orders, products, abandoned checkouts and metafield definitions of one connected store (`integrations.base.Source`).

    In what a bulk query gives, lines and collections are records of their own, after their parent but not next to it. A
    changed object comes with all of them. An object that cannot be read is left out and logged by its id. `streams` are
    those that the granted scopes allow; what the store withholds besides is told with each page.
    """

    streams: Sequence[StreamSpec]

    def __init__(self, connection: Connection) -> None:
        self._client = ShopifyClient(connection)
        missing = set(oauth.missing_scopes(connection.scopes, STREAM_SCOPES)) if connection.scopes else set()
        wanted = metafields.asked(connection.wanted_properties)
        specs = (replace(spec, asks=frozenset(wanted)) if spec.name == "customers" else spec for spec in (METAFIELDS, *STREAMS))
        self.streams = [spec for spec in specs if not spec.scopes & missing]
        self._parts = Parts(self._client, connection.scopes, connection.wanted_properties, connection.withheld)

    def pages(self, stream: str, window: Window, cursor: str) -> Iterator[Page]:
        """See `integrations.base.Source`.

        While a bulk operation runs, each page is empty and says how long to wait before the next one is asked for. One that
        failed, whose file is gone or not what Shopify counted, or that another version of SegSync began, raises Restart with the reason.
        """
        if stream == METAFIELDS.name:
            return iter([Page([metafields.definitions(self._definitions())], "end")])
        if stream not in _ONE:
            raise Misconfigured(f"Shopify has no stream called '{stream}'.")
        return self._everything(stream, cursor) if window.since is None else self._changes(stream, window.since, window.until, cursor)

    def _definitions(self) -> Iterator[Mapping[str, Any]]:
        after, more = None, True
        while more:
            page = self._client.execute("metafield_definitions", {"after": after})["page"]
            yield from page["nodes"]
            after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]

    def named(self, topic: str, body: bytes) -> str:
        """See `integrations.base.Fetcher`."""
        return webhooks.named(topic, body)

    def fetch(self, stream: str, ids: Collection[str], now: datetime) -> Mapping[str, Record]:
        """See `integrations.base.Fetcher`. An order older than the granted scopes let see counts as not shown."""
        found: dict[str, Record] = {}
        for some in chunks(sorted(ids), FETCHED):
            nodes = self._parts.execute(f"{stream}_by_id", {"ids": [f"gid://shopify/{_KINDS[stream]}/{id_}" for id_ in some]})["nodes"]
            for id_, node in zip(some, nodes, strict=True):
                whole = self._whole(stream, node) if node else None
                if told := _readable(whole) if whole else [Tombstone(_ONE[stream], id_, now)]:
                    found[id_] = told[0]
        return found

    def _everything(self, stream: str, cursor: str) -> Iterator[Page]:
        document = f"bulk_{stream}"
        place = _BulkPlace.read(cursor)
        if place is None:
            place = _BulkPlace(documents.digest(document), bulk.start_query(self._client, self._parts.settle(document)), bulk.Mark())
            # only who asked knows what was left out of the question: whoever goes on may be another process
            yield Page((), str(place), wait=POLL / 4, withheld=self._parts.withheld(document))
        if place.document != documents.digest(document):
            raise Restart("Another version of SegSync asked for this; what it asked for is not what is read now.")
        operation = bulk.poll(self._client, place.gid)
        while operation.running:
            yield Page((), str(place), wait=POLL, expected=operation.objects or None)
            operation = bulk.poll(self._client, place.gid)
        records: list[Record] = []
        for node, mark in bulk.lines(operation, place.mark):
            place = replace(place, mark=mark)
            records += _readable(node)
            if len(records) >= PAGE:
                yield Page(records, str(place), expected=operation.objects)
                records = []
        yield Page(records, str(place), expected=operation.objects)

    def _changes(self, stream: str, since: datetime, until: datetime, cursor: str) -> Iterator[Page]:
        place = _Place.read(cursor) or _Place(0, int(since.timestamp()), "")
        more = True
        while more:
            wanted = f"updated_at:>='{_second(place.since)}' AND updated_at:<'{_second(int(until.timestamp()))}'"
            page = self._parts.execute(f"{stream}_page", {"filter": wanted, "after": place.after or None})["page"]
            nodes, more = page["nodes"], page["pageInfo"]["hasNextPage"]
            records = [record for node in nodes if (whole := self._whole(stream, node)) for record in _readable(whole)]
            place = _Place(place.read_so_far + len(nodes), place.since, page["pageInfo"]["endCursor"] or place.after)
            if more and place.read_so_far >= DEEPEST and stream not in _UNSORTED:
                place = place.anew(int(datetime.fromisoformat(nodes[-1]["updatedAt"]).timestamp()))
            yield Page(records, str(place), withheld=self._parts.withheld(f"{stream}_page"))

    def _whole(self, stream: str, node: Mapping[str, Any]) -> dict[str, Any] | None:
        """The object with its children, all pages of them save beyond `_MOST_PAGES`; None when it was deleted meanwhile."""
        whole = dict(node)
        part = node.get("children")
        if part is None:
            return whole
        children = list(part["nodes"])
        further = 0
        while part["pageInfo"]["hasNextPage"] and further < _MOST_PAGES.get(stream, sys.maxsize):
            further += 1
            variables = {"id": node["id"], "after": part["pageInfo"]["endCursor"]}
            parent = self._client.execute(f"{_ONE[stream]}_children", variables)["parent"]
            if not parent:
                return None
            part = parent["children"]
            children += part["nodes"]
        whole["children"] = children
        return whole


def _readable(node: Mapping[str, Any]) -> list[Record]:
    try:
        return [mapping.record(node)]
    except mapping.Unreadable as error:
        log.warning("shopify.record_skipped", reason=str(error))
        return []


@dataclass(frozen=True, slots=True)
class _BulkPlace:
    """How far the file of an operation was read; `document` is the digest of what it asked for."""

    document: str
    gid: str
    mark: bulk.Mark

    def __str__(self) -> str:
        return f"bulk:{self.document}:{self.gid}:{self.mark.lines}:{self.mark.bytes}"

    @classmethod
    def read(cls, cursor: str) -> _BulkPlace | None:
        """The place a cursor names; None for any other cursor."""
        if not cursor.startswith("bulk:"):
            return None
        rest, lines, size = cursor.removeprefix("bulk:").rsplit(":", 2)
        document, _, gid = rest.partition(":")
        return cls(document, gid, bulk.Mark(int(lines), int(size)))


@dataclass(frozen=True, slots=True)
class _Place:
    """How far a window of changes was read; `since` is its lower end in whole seconds since 1970."""

    read_so_far: int
    since: int
    after: str

    def __str__(self) -> str:
        return f"page:{self.read_so_far}:{self.since}:{self.after}"

    @classmethod
    def read(cls, cursor: str) -> _Place | None:
        """The place a cursor names; None for any other cursor."""
        if not cursor.startswith("page:"):
            return None
        _, read_so_far, since, after = cursor.split(":", 3)
        return cls(int(read_so_far), int(since), after)

    def anew(self, reached: int) -> _Place:
        """The window from `reached` on, unless everything read has that very instant: then there is no way but onwards."""
        return _Place(0, reached, "") if reached > self.since else self


def _second(instant: int) -> str:
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
