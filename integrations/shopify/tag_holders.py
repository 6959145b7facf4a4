"""Who has a tag, and how the native segment over it stands.

Source: shopify.dev, "Shopify API search syntax" and "customers": the filters `tag` and `id`. Each page asks for the ids above the last
one instead of following a cursor, so that no list is too long (deep cursors end at 25,000 objects) and a reading can go on days later.
"""

from __future__ import annotations

from collections.abc import Iterator

from integrations.base import Holder, Holders, Place, Standing
from integrations.errors import NotFound
from integrations.shopify.client import ShopifyClient

_DELETED = "The segment was deleted in Shopify."
_OTHER = "The segment asks for something else in Shopify now."


def quoted(text: str) -> str:
    """A text as Shopify's search and its segment language read it: between single quotes."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def segment_query(tag: str) -> str:
    """The query of the native segment over a tag."""
    return f"customer_tags CONTAINS {quoted(tag)}"


def holders(client: ShopifyClient, tag: str, cursor: str) -> Iterator[Holders]:
    """Customers who have the tag, by id; `cursor` is the last id told.

    The search index lags, so what a customer's own record says counts: whoever lost the tag since is left out.
    """
    last, more = int(cursor or 0), True
    while more:
        page = client.execute("holders_page", {"filter": f"tag:{quoted(tag)} AND id:>{last}"})["page"]
        found = [(int(node["id"].rsplit("/", 1)[-1]), _spelled(node["tags"], tag)) for node in page["nodes"]]
        more = bool(page["pageInfo"]["hasNextPage"]) and bool(found)
        last = max((number for number, _ in found), default=last)
        yield Holders([Holder(str(number), spelled) for number, spelled in found if spelled], str(last) if more else "")


def standing(client: ShopifyClient, place: Place, view: str) -> Standing:
    """How the native segment stands; the tag itself cannot be renamed or deleted but on each customer."""
    if not view:
        return Standing(place.name)
    try:
        segment = client.execute("segment", {"id": view})["segment"]
    except NotFound:
        segment = None
    if not segment:
        return Standing(place.name, view_problem=_DELETED)
    same = " ".join(str(segment["query"]).split()).casefold() == segment_query(place.name).casefold()
    return Standing(place.name, view_name=str(segment["name"]), view_problem="" if same else _OTHER)


def _spelled(tags: list[str], tag: str) -> str:
    """The tag as it stands among these, which Shopify compares without regard to case; "" where it does not."""
    return next((one for one in tags if one.casefold() == tag.casefold()), "")
