"""Read what is stored of some customers into the form rules are judged on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, get_args

from integrations.models import Shop
from integrations.money import exponent
from integrations.registry import property_name
from segsync.evaluate import past
from segsync.evaluate.models import Membership
from segsync.rules.entries import Kind
from segsync.rules.facts import ActivityFacts, CheckoutFacts, CustomerFacts, LineFacts, OrderFacts, RefundFacts
from segsync.store.fetch import fetch
from segsync.store.models import Activity, Checkout, Customer, Identity, Order, OrderLine, Product, Profile

ALL_KINDS: frozenset[Kind] = frozenset(get_args(Kind))
_ACTIVITY_COLUMNS = [
    *("customer_id", "kind", "at", "campaign", "campaign_id", "url", "title"),
    *("about", "form", "page", "survey", "rating", "sentiment", "network"),
]
_LINE_COLUMNS = ["order_id", "product_id_text", "variant_id_text", "sku", "title", "vendor", "quantity", "price_minor", "amount_minor", "discounted"]
_PRODUCT_COLUMNS = ["source", "external_id", "product_type", "vendor", "tags", "collections", "category"]
_CHECKOUT_COLUMNS = ["customer_id", "source", "external_id", "created_at", "recovered_at", "total_minor"]
_UNKNOWN = LineFacts()


class _Profile(NamedTuple):
    customer_id: int
    source: str
    external_id: str
    version: datetime
    added_at: datetime | None
    order_count: int | None
    amount_spent_minor: int | None
    tags: Sequence[str] | None
    countries: Sequence[str] | None
    regions: Sequence[str] | None
    cities: Sequence[str] | None
    companies: Sequence[str] | None
    language: str | None
    account_status: str | None
    email_subscription: str | None
    sms_subscription: str | None
    product_subscription: str | None
    rfm_group: str | None
    predicted_spend_tier: str | None
    properties: Mapping[str, Any] | None


class _Order(NamedTuple):
    pk: int
    source: str
    customer_id: int
    external_id: str
    name: str
    number: int | None
    placed_at: datetime
    counted: bool
    test: bool
    cancelled_at: datetime | None
    deleted_at: datetime | None
    total_minor: int
    gross_minor: int
    refunded_minor: int
    discount_minor: int
    channel: str
    country: str
    discount_codes: Sequence[str]
    tags: Sequence[str]
    refunds: Sequence[Sequence[Any]]
    location_id_text: str
    app_id_text: str
    shipping: str


class FactsReader:
    """Reads facts of one shop's customers in batches, each batch as it is stored when it is read."""

    def __init__(self, shop: Shop, needs: Collection[str], activities: Collection[str] | None = None, as_of: datetime | None = None) -> None:
        """`needs` names the kinds of facts to read; `activities` the kinds of activity (None: all).

        `as_of` reads what was so then, as far as `segsync.evaluate.past` can; customers not known yet are left out.
        """
        self.shop = shop
        self._needs = frozenset(needs)
        self._activities = activities
        self._as_of = as_of
        self._exponent = exponent(shop.currency)
        self.rows_read = 0

    def read(self, customer_ids: Sequence[int]) -> dict[int, CustomerFacts]:
        """The facts of these customers, each with what the reader was asked to read; somebody unknown is left out."""
        ids = list(customer_ids)
        if self._as_of is not None:
            later = past.not_known_yet(self.shop, ids, self._as_of)
            ids = [id_ for id_ in ids if id_ not in later]
        profiles = self._profiles(ids)
        emails: dict[int, list[str]] = defaultdict(list)
        addresses = Identity.objects.filter(shop=self.shop, customer_id__among=ids, kind=Identity.EMAIL).order_by("pk")
        for owner, value in fetch(addresses.values_list("customer_id", "value")):
            emails[owner].append(value)
        orders = self._orders(ids) if self._needs & {"orders", "lines"} else {}
        checkouts = self._checkouts(ids) if self._needs & {"checkouts", "checkout_lines"} else {}
        acts = self._acts(ids) if "activities" in self._needs else {}
        segments = self._segments(ids) if self.reads_segments else {}
        read: dict[int, CustomerFacts] = {}
        for id_ in ids:
            did = tuple(orders.get(id_, ())), tuple(checkouts.get(id_, ())), tuple(acts.get(id_, ()))
            facts = _customer(id_, profiles.get(id_, ()), tuple(emails.get(id_, ())), self._exponent, *did)
            if self._needs & {"properties", "segments"}:
                facts = replace(facts, properties=_properties(profiles.get(id_, ())), segments=tuple(segments.get(id_, ())))
            read[id_] = facts
            self.rows_read += 1 + len(facts.orders) + sum(len(order.lines) for order in facts.orders) + len(facts.checkouts) + len(facts.activities)
        return read

    @property
    def reads_segments(self) -> bool:
        """Whether memberships are among what is read."""
        return "segments" in self._needs

    def _profiles(self, ids: list[int]) -> dict[int, list[_Profile]]:
        found: dict[int, list[_Profile]] = defaultdict(list)
        there = past.there(self._as_of, "gone_at") & past.since(self._as_of, "added_at")
        rows = Profile.objects.filter(there, shop=self.shop, customer_id__among=ids).order_by("added_at", "pk")
        for row in map(_Profile._make, fetch(rows.values_list(*_Profile._fields))):
            if not row.external_id.startswith(Profile.PENDING):
                found[row.customer_id].append(row)
        return found

    def _segments(self, ids: list[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        stays = Membership.objects.filter(shop=self.shop, customer_id__among=ids).order_by("segment__handle")
        stays = stays.filter(until__isnull=True) if self._as_of is None else stays.filter(since__lte=self._as_of).exclude(until__lte=self._as_of)
        for owner, handle in fetch(stays.values_list("customer_id", "segment__handle")):
            found[owner].append(handle)
        return found

    def _orders(self, ids: list[int]) -> dict[int, list[OrderFacts]]:
        there = past.there(self._as_of, "deleted_at") & past.since(self._as_of, "placed_at")
        rows = [_Order._make(row) for row in fetch(Order.objects.filter(there, shop=self.shop, customer_id__among=ids).values_list(*_Order._fields))]
        lines = self._lines(rows) if "lines" in self._needs else {}
        found: dict[int, list[OrderFacts]] = defaultdict(list)
        for row in rows:
            own = tuple(lines.get(row.pk, ()))
            given_back, later = past.refunds(self._as_of, row.refunds) if row.refunds else ((), 0)
            found[row.customer_id].append(
                OrderFacts(
                    id=row.external_id,
                    placed_at=row.placed_at,
                    name=row.name,
                    number=row.number,
                    counted=past.counted(self._as_of, row.counted, row.test, row.cancelled_at, row.deleted_at),
                    amount_minor=row.total_minor + later,
                    gross_minor=row.gross_minor,
                    refunded_minor=row.refunded_minor - later,
                    item_count=sum(line.quantity for line in own),
                    channel=row.channel or None,
                    discount_codes=tuple(row.discount_codes),
                    discounted=row.discount_minor > 0,
                    country=row.country or None,
                    location_id=row.location_id_text or None,
                    app_id=row.app_id_text or None,
                    shipping=row.shipping or None,
                    tags=tuple(row.tags),
                    lines=own,
                    refunds=tuple(RefundFacts(at, amount) for at, amount in given_back),
                )
            )
        return found

    def _lines(self, orders: Sequence[_Order]) -> dict[int, list[LineFacts]]:
        """The lines of all of these orders, by order."""
        found: dict[int, list[LineFacts]] = defaultdict(list)
        sources = {order.pk: order.source for order in orders}
        rows = fetch(OrderLine.objects.filter(shop=self.shop, order_id__among=list(sources)).values_list(*_LINE_COLUMNS))
        known = self._products((sources[row[0]], row[1]) for row in rows)
        for order_id, product, variant, sku, title, vendor, quantity, price, amount, discounted in rows:
            about = known.get((sources[order_id], product), _UNKNOWN)
            found[order_id].append(_line(about, product, variant, sku, title, vendor, quantity, price, amount, discounted))
        return found

    def _checkouts(self, ids: list[int]) -> dict[int, list[CheckoutFacts]]:
        found: dict[int, list[CheckoutFacts]] = defaultdict(list)
        there = past.there(self._as_of, "deleted_at") & past.since(self._as_of, "created_at")
        asked = [*_CHECKOUT_COLUMNS, "lines"] if "checkout_lines" in self._needs else _CHECKOUT_COLUMNS
        rows = fetch(Checkout.objects.filter(there, shop=self.shop, customer_id__among=ids).values_list(*asked))
        known = self._products((row[1], line[1]) for row in rows for lines in row[6:] for line in lines)
        for owner, source, external_id, created_at, recovered_at, total, *told in rows:
            lines = tuple(
                _line(known.get((source, product), _UNKNOWN), product, variant, sku, title, "", quantity, None, 0, False)
                for each in told
                for _, product, variant, sku, title, quantity in each
            )
            recovered = recovered_at if self._as_of is None or (recovered_at and recovered_at <= self._as_of) else None
            found[owner].append(CheckoutFacts(external_id, created_at, recovered, total, lines))
        return found

    def _acts(self, ids: list[int]) -> dict[int, list[ActivityFacts]]:
        rows = Activity.objects.filter(past.since(self._as_of, "at"), shop=self.shop, customer_id__among=ids)
        if self._activities is not None:
            rows = rows.filter(kind__in=list(self._activities))
        found: dict[int, list[ActivityFacts]] = defaultdict(list)
        for owner, kind, at, campaign, campaign_id, url, title, about, form, page, survey, rating, sentiment, network in fetch(
            rows.values_list(*_ACTIVITY_COLUMNS)
        ):
            found[owner].append(
                ActivityFacts(
                    kind,
                    at,
                    campaign or None,
                    campaign_id or None,
                    url or None,
                    about or None,
                    title or None,
                    form or None,
                    page or None,
                    survey or None,
                    rating,
                    sentiment or None,
                    network or None,
                )
            )
        return found

    def _products(self, named: Iterable[tuple[str, str]]) -> dict[tuple[str, str], LineFacts]:
        """What these products (by source and id) give to the lines that name them, as it is now."""
        ids = {id_ for _, id_ in named if id_}
        rows = fetch(Product.objects.filter(shop=self.shop, external_id__among=list(ids)).values_list(*_PRODUCT_COLUMNS)) if ids else ()
        return {
            (source, external_id): LineFacts(
                product_type=product_type or None,
                vendor=vendor or None,
                tags=tuple(tags),
                collections=tuple(title for _, title in collections),
                category=category or None,
            )
            for source, external_id, product_type, vendor, tags, collections, category in rows
        }


def _line(
    known: LineFacts, product: str, variant: str, sku: str, title: str, vendor: str, quantity: int, price: int | None, amount: int, discounted: bool
) -> LineFacts:
    """A line with what the catalogue knows of its product."""
    return LineFacts(
        product or None,
        variant or None,
        sku or None,
        title or None,
        known.product_type,
        vendor or known.vendor,
        known.tags,
        known.collections,
        known.category,
        price,
        discounted,
        quantity,
        amount,
    )


def _customer(
    id_: int,
    profiles: Sequence[_Profile],
    emails: tuple[str, ...],
    currency_exponent: int,
    orders: tuple[OrderFacts, ...],
    checkouts: tuple[CheckoutFacts, ...],
    activities: tuple[ActivityFacts, ...],
) -> CustomerFacts:
    """Several records of one person: totals add up, lists unite, single values come from the record that changed last."""
    latest = sorted(profiles, key=lambda profile: profile.version, reverse=True)
    added = [profile.added_at for profile in profiles if profile.added_at]
    return CustomerFacts(
        customer_id=str(id_),
        emails=emails,
        added_at=min(added, default=None),
        order_count=_total(profile.order_count for profile in profiles),
        amount_spent_minor=_total(profile.amount_spent_minor for profile in profiles),
        currency_exponent=currency_exponent,
        tags=_union(profile.tags for profile in profiles),
        countries=_union(profile.countries for profile in profiles),
        regions=_union(profile.regions for profile in profiles),
        cities=_union(profile.cities for profile in profiles),
        companies=_union(profile.companies for profile in profiles),
        language=_first(latest, "language"),
        account_status=_first(latest, "account_status"),
        email_subscription="UNSUBSCRIBED" if any(p.email_subscription == "UNSUBSCRIBED" for p in profiles) else _first(latest, "email_subscription"),
        sms_subscription=_first(latest, "sms_subscription"),
        product_subscription=_first(latest, "product_subscription"),
        rfm_group=_first(latest, "rfm_group"),
        predicted_spend_tier=_first(latest, "predicted_spend_tier"),
        orders=orders,
        checkouts=checkouts,
        activities=activities,
    )


def _properties(profiles: Sequence[_Profile]) -> dict[str, str]:
    """Every platform's properties by their names in the language; of several records the one that changed last tells."""
    told = sorted(profiles, key=lambda profile: profile.version)
    return {
        property_name(profile.source, name): str(value) for profile in told for name, value in (profile.properties or {}).items() if value not in (None, "")
    }


def everybody(shop: Shop, batch: int) -> Iterator[list[int]]:
    """The ids of all customers of the shop, in batches."""
    last = 0
    while ids := list(Customer.objects.filter(shop=shop, pk__gt=last).order_by("pk").values_list("pk", flat=True)[:batch]):
        yield ids
        last = ids[-1]


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _union(lists: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items or ()))


def _first(profiles: Sequence[_Profile], name: str) -> str | None:
    return next((value for profile in profiles if (value := getattr(profile, name)) is not None), None)
