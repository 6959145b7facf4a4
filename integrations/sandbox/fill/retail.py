"""A shop out of real transactions: Online Retail II (D. Chen, UCI Machine Learning Repository, 2019, CC BY 4.0, doi 10.24432/C5CG6D).

Orders, lines, returns, products and countries are the data set's. It knows no e-mail: addresses, contacts and e-mail
events are synthetic, and so are collections and product types (made from titles).
"""

from __future__ import annotations

import gc
import random
import sys
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

from integrations.sandbox.fill import ids
from integrations.sandbox.fill.aftermath import take_back
from integrations.sandbox.fill.contacts import Reader
from integrations.sandbox.fill.engagement import fill_campaigns, fill_email_events, touch_contacts
from integrations.sandbox.fill.people import NameBook
from integrations.sandbox.fill.retail_countries import country_code
from integrations.sandbox.fill.retail_lines import Account, InvoiceFile, ReturnLine, SaleLine, UnreadableData
from integrations.sandbox.fill.retail_products import TYPES, is_charge, product_type
from integrations.sandbox.hubspot.state import Contact, Portal
from integrations.sandbox.shopify.state import Collection, Customer, LineItem, Order, Product, Refund, Store, Variant

__all__ = ["Account", "UnreadableData", "load"]
_ZONE = ZoneInfo("Europe/London")
_NEVER_BOUGHT = 50
_CAMPAIGNS = 20
_VENDOR = "Gift wholesale"
_Sold = dict[tuple[int, str], list[tuple[Order, LineItem]]]


class _Calendar:
    """Moves the file's local times by whole weeks, so that its last sale lies in the seven days before `now`."""

    def __init__(self, last_sale: datetime, now: datetime) -> None:
        here = now.astimezone(_ZONE).replace(tzinfo=None)
        self._by = timedelta(weeks=(here - last_sale) // timedelta(weeks=1))

    def utc(self, local: datetime) -> datetime:
        """A local time of the file as an instant: the first of two in autumn, an hour on where spring leaves a gap."""
        return (local + self._by).replace(tzinfo=_ZONE).astimezone(UTC)


def _stock(file: InvoiceFile, calendar: _Calendar, store: Store) -> dict[str, tuple[Product, Variant]]:
    for place, name in enumerate(TYPES):
        handle = "-".join(name.lower().replace("&", " ").split())
        store.collections[ids.COLLECTION + place] = Collection(ids.COLLECTION + place, handle, name)
    home = {collection.title: number for number, collection in store.collections.items()}
    known: dict[str, tuple[Product, Variant]] = {}
    for row in file.stock():
        if is_charge(row.stock_code):
            continue
        place = len(known)
        title = sys.intern(" ".join((row.title or row.stock_code).split()))
        kind = product_type(title)
        variant = Variant(ids.VARIANT + place, sys.intern(row.stock_code), row.price_minor)
        at = calendar.utc(row.first_at)
        category = sys.intern(f"Home & Garden > {kind}")
        handle = f"{'-'.join(title.lower().split())}-{row.stock_code.lower()}"
        product = Product(ids.PRODUCT + place, handle, title, kind, _VENDOR, [], category, [home[kind]], [variant], at, at)
        store.products[product.id] = product
        known[row.stock_code] = (product, variant)
    return known


def _customers(file: InvoiceFile, calendar: _Calendar, store: Store) -> None:
    for row in file.customers():
        number = ids.CUSTOMER + row.customer
        at = calendar.utc(row.first_at)
        country = sys.intern(country_code(row.country))
        store.customers[number] = Customer(number, f"customer-{row.customer}@example.com", at, at, country=country)


def _order(lines: list[SaleLine], order_id: int, first_line: int, stock: dict[str, tuple[Product, Variant]], calendar: _Calendar) -> tuple[Order, list[str]]:
    items: list[LineItem] = []
    codes: list[str] = []
    for line in lines:
        goods = stock.get(line.stock_code)
        product_id, variant_id, vendor = (goods[0].id, goods[1].id, goods[0].vendor) if goods else (None, None, "")
        sku = goods[1].sku if goods else sys.intern(line.stock_code)
        title = goods[0].title if goods else sys.intern(line.description or line.stock_code)
        items.append(
            LineItem(first_line + len(items), product_id, variant_id, sku, title, vendor, line.quantity, line.quantity, line.unit_minor, line.total_minor)
        )
        codes.append(sku)
    head = lines[0]
    total = sum(item.discounted_total_minor for item in items)
    at = calendar.utc(head.at)
    number = int(head.invoice) if head.invoice.isdigit() else ids.FIRST_ORDER_NUMBER + order_id - ids.ORDER
    customer_id = ids.CUSTOMER + head.customer if head.customer is not None else None
    country = sys.intern(country_code(head.country))
    return Order(order_id, number, customer_id, at, at, at, items, total, total, current_total_minor=total, country=country), codes


def _sell(file: InvoiceFile, calendar: _Calendar, store: Store, wanted: set[tuple[int, str]], account: Account) -> _Sold:
    """Place every invoice as an order; returns where the lines are that something is brought back of later."""
    stock = _stock(file, calendar, store)
    sold: _Sold = defaultdict(list)
    line_id = ids.LINE
    for order_id, (_, lines) in enumerate(groupby(file.sales(), key=lambda line: line.invoice), ids.ORDER):
        order, codes = _order(list(lines), order_id, line_id, stock, calendar)
        line_id += len(order.lines)
        store.add_order(order)
        if order.customer_id is not None:
            for item, code in zip(order.lines, codes, strict=True):
                if (order.customer_id, code) in wanted:
                    sold[order.customer_id, code].append((order, item))
    account.sold = line_id - ids.LINE
    return sold


def _bring_back(returns: list[ReturnLine], calendar: _Calendar, store: Store, sold: _Sold, account: Account) -> None:
    """Turn returns into refunds of the customer's earlier orders with that stock code, the most recent first.

    A refund gives back what the order's own line cost. Units for which no earlier order is left (ordered before the data
    begins, or never) are left out and counted by line.
    """
    refunds: dict[tuple[str, int], Refund] = {}
    next_refund = ids.REFUND
    for line in returns:
        at = calendar.utc(line.at)
        left = line.quantity
        for order, item in reversed(sold.get((ids.CUSTOMER + line.customer, line.stock_code), [])):
            if left == 0:
                break
            units = min(left, item.current_quantity)
            if units == 0 or order.created_at > at:
                continue
            amount = take_back(item, units)
            left -= units
            order.current_total_minor -= amount
            order.updated_at = max(order.updated_at, at)
            refund = refunds.get((line.invoice, order.id))
            if refund is None:
                refund = refunds[line.invoice, order.id] = Refund(next_refund, at, 0)
                next_refund += 1
                order.refunds.append(refund)
            refund.amount_minor += amount
            order.financial_status = "PARTIALLY_REFUNDED" if any(kept.current_quantity for kept in order.lines) else "REFUNDED"
        if left < line.quantity:
            account.returned += 1
        if left:
            account.leave_out("returns of more than the customer's earlier orders hold" if left < line.quantity else "returns without an earlier order")
    for customer in store.customers.values():
        customer.updated_at = max((store.orders[number].updated_at for number in customer.order_ids), default=customer.created_at)


def _portal(store: Store, now: datetime, hub_id: int) -> Portal:
    """Synthetic: a contact for every second customer, and people who never bought and read their e-mails."""
    rng = random.Random("online-retail-ii")
    portal = Portal(hub_id, "online-retail.example.com")
    for customer in list(store.customers.values())[::2]:
        number = ids.CONTACT + len(portal.contacts)
        properties = {"email": customer.email or "", "lifecyclestage": "customer", "country": customer.country}
        portal.contacts[number] = Contact(number, properties, customer.created_at, customer.created_at)
    names = NameBook(rng)
    readers: list[Reader] = []
    for place in range(_NEVER_BOUGHT):
        number = ids.CONTACT + len(portal.contacts)
        first, last, email = names.draw()
        made = (now - timedelta(days=rng.randrange(40, 500))).replace(microsecond=0)
        contact = Contact(number, {"email": email, "firstname": first, "lastname": last, "lifecyclestage": "subscriber"}, made, made)
        portal.contacts[number] = contact
        readers.append(Reader(contact, 0.9 if place % 2 else 0.2, None))
    fill_campaigns(rng, portal, now, _ZONE, _CAMPAIGNS)
    fill_email_events(rng, portal, readers, f"https://{store.domain}", now)
    touch_contacts(portal, readers)
    return portal


def load(
    path: str | Path,
    now: datetime,
    account: Account | None = None,
    *,
    domain: str = "sample-store.myshopify.com",
    plan: str = "standard",
    hub_id: int = ids.HUB,
) -> tuple[Store, Portal]:
    """The store and portal that a file of invoice lines describes, moved by whole weeks to end in the week before `now`.

    `account` is filled with what was read and what was left out, and why. Raises UnreadableData.
    """
    account = account if account is not None else Account()
    store = Store(ids.STORE, domain, "Online Retail II", "GBP", _ZONE.key, plan)
    file = InvoiceFile(path, account)
    collecting = gc.isenabled()
    gc.disable()  # a million lines and no cycles: looking for them would take most of the time
    try:
        calendar = _Calendar(file.last_sale, now)
        _customers(file, calendar, store)
        returns = list(file.returns())
        wanted = {(ids.CUSTOMER + line.customer, line.stock_code) for line in returns}
        sold = _sell(file, calendar, store, wanted, account)
        _bring_back(returns, calendar, store, sold, account)
    finally:
        file.close()
        if collecting:
            gc.enable()
    return store, _portal(store, now, hub_id)
