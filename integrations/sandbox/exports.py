"""The platforms' raw facts as JSON lines, for a check that is computed apart from whatever was told over the APIs.

One object per line. Money is in minor units, instants are ISO 8601 in UTC, ids are numbers. Nothing is left out: test,
cancelled and voided orders, guests and archived contacts are all there, with the fields that say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any

import orjson

from integrations.sandbox.hubspot.state import Portal
from integrations.sandbox.shopify.state import Checkout, Customer, LineItem, Order, Product, Refund, Store

Row = dict[str, Any]


def _reader(kind: type[Any], without: tuple[str, ...] = ()) -> Callable[[Any], Row]:
    names = tuple(f.name for f in fields(kind) if f.name not in without)
    return lambda thing: {name: getattr(thing, name) for name in names}


_customer = _reader(Customer, ("order_ids",))
_order = _reader(Order, ("lines", "refunds"))
_line = _reader(LineItem)
_refund = _reader(Refund)
_product = _reader(Product)
_checkout = _reader(Checkout)


def _customers(store: Store) -> Iterator[Row]:
    for customer in list(store.customers.values()):
        orders, spent = store.lifetime(customer)
        yield _customer(customer) | {"number_of_orders": orders, "amount_spent_minor": spent}


def _orders(store: Store) -> Iterator[Row]:
    return (_order(order) for order in list(store.orders.values()))


def _lines(store: Store) -> Iterator[Row]:
    return ({"order_id": order.id} | _line(line) for order in list(store.orders.values()) for line in order.lines)


def _refunds(store: Store) -> Iterator[Row]:
    return ({"order_id": order.id} | _refund(refund) for order in list(store.orders.values()) for refund in order.refunds)


def _products(store: Store) -> Iterator[Row]:
    for product in list(store.products.values()):
        titles = [store.collections[number].title for number in product.collection_ids if number in store.collections]
        yield _product(product) | {"collections": titles}


def _checkouts(store: Store) -> Iterator[Row]:
    return (_checkout(checkout) for checkout in list(store.checkouts.values()))


def _contacts(portal: Portal) -> Iterator[Row]:
    for contact in list(portal.contacts.values()):
        yield {
            "id": contact.id,
            "properties": dict(contact.properties),
            "created_at": contact.created_at,
            "updated_at": contact.updated_at,
            "archived": contact.archived,
            "merged_ids": list(contact.merged_ids),
        }


def _email_events(portal: Portal) -> Iterator[Row]:
    for event in list(portal.email_events):
        campaign = portal.campaigns.get(event.campaign_id)
        yield {
            "id": event.id,
            "created": event.created,
            "type": event.type,
            "recipient": event.recipient,
            "campaign_id": event.campaign_id,
            "campaign": campaign.name if campaign else "",
            "url": event.url,
            "filtered": event.filtered,
        }


def _page_views(portal: Portal) -> Iterator[Row]:
    for view in list(portal.page_views):
        yield {"id": view.id, "contact_id": view.contact_id, "occurred_at": view.occurred_at, "url": view.url, "title": view.title}


def _list_members(portal: Portal) -> Iterator[Row]:
    for one in list(portal.lists.values()):
        folder = portal.folders.get(one.folder_id)
        for contact_id, since in list(one.members.items()):
            contact = portal.contacts.get(contact_id)
            yield {
                "list_id": one.id,
                "list": one.name,
                "folder": folder.name if folder else "",
                "processing_type": one.processing_type,
                "deleted_at": one.deleted_at,
                "contact_id": contact_id,
                "email": contact.properties.get("email") if contact else None,
                "since": since,
            }


SHOP: dict[str, Callable[[Store], Iterator[Row]]] = {
    "customers": _customers,
    "orders": _orders,
    "lines": _lines,
    "refunds": _refunds,
    "products": _products,
    "checkouts": _checkouts,
}
PORTAL: dict[str, Callable[[Portal], Iterator[Row]]] = {
    "contacts": _contacts,
    "email_events": _email_events,
    "page_views": _page_views,
    "list_members": _list_members,
}


def json_lines(rows: Iterator[Row]) -> Iterator[bytes]:
    """Each row as one line of JSON."""
    return (orjson.dumps(row, option=orjson.OPT_UTC_Z | orjson.OPT_APPEND_NEWLINE) for row in rows)
