"""Read what is stored of some customers into the form rules are judged on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, get_args

from integrations.models import Shop
from integrations.money import exponent
from integrations.registry import property_name
from segsync.evaluate import past
from segsync.evaluate.models import Membership
from segsync.rules.entries import Kind
from segsync.rules.facts import ActivityFacts, CheckoutFacts, CustomerFacts, LineFacts, OrderFacts, RefundFacts
from segsync.store.models import Activity, Checkout, Customer, Identity, Order, OrderLine, Product, Profile

ALL_KINDS: frozenset[Kind] = frozenset(get_args(Kind))
_ORDER = [
    "pk",
    "source",
    "customer_id",
    "external_id",
    "name",
    "number",
    "placed_at",
    "counted",
    "test",
    "cancelled_at",
    "deleted_at",
    "total_minor",
    "gross_minor",
    "refunded_minor",
    "discount_minor",
    "channel",
    "country",
    "discount_codes",
    "tags",
    "refunds",
    "location_id_text",
    "app_id_text",
    "shipping",
]
_LINE = ["order_id", "product_id_text", "variant_id_text", "sku", "title", "vendor", "quantity", "price_minor", "amount_minor", "discounted", "order__source"]
_UNKNOWN = LineFacts()

_ACTIVITY = [
    *("customer_id", "kind", "at", "campaign", "campaign_id", "url", "title"),
    *("about", "form", "page", "survey", "rating", "sentiment", "network"),
]


class FactsReader:
    """Reads facts of one shop's customers in batches; products are read once and kept for as long as the reader lives."""

    def __init__(self, shop: Shop, needs: Collection[str], activities: Collection[str] | None = None, as_of: datetime | None = None) -> None:
        """`needs` names the kinds of facts to read; `activities` the kinds of activity (None: all).

        `as_of` reads what was so then, as far as `segsync.evaluate.past` can; customers not known yet are left out.
        """
        self.shop = shop
        self._needs = frozenset(needs)
        self._activities = activities
        self._as_of = as_of
        self._exponent = exponent(shop.currency)
        self._products: dict[tuple[str, str], LineFacts] | None = None
        self.rows_read = 0

    def read(self, customer_ids: Sequence[int]) -> dict[int, CustomerFacts]:
        """The facts of these customers, each with what the reader was asked to read; somebody unknown is left out."""
        ids = list(customer_ids)
        if self._as_of is not None:
            later = past.not_known_yet(self.shop, ids, self._as_of)
            ids = [id_ for id_ in ids if id_ not in later]
        profiles: dict[int, list[Profile]] = defaultdict(list)
        records = Profile.objects.filter(past.there(self._as_of, "gone_at"), past.since(self._as_of, "added_at"), shop=self.shop, customer_id__in=ids)
        for profile in records.order_by("added_at", "pk"):
            if not profile.pending:
                profiles[profile.customer_id].append(profile)
        emails: dict[int, list[str]] = defaultdict(list)
        addresses = Identity.objects.filter(shop=self.shop, customer_id__in=ids, kind=Identity.EMAIL).order_by("pk")
        for owner, value in addresses.values_list("customer_id", "value"):
            emails[owner].append(value)
        orders = self._orders(ids) if self._needs & {"orders", "lines"} else {}
        checkouts = self._checkouts(ids) if self._needs & {"checkouts", "checkout_lines"} else {}
        acts = self._acts(ids) if "activities" in self._needs else {}
        segments = self._segments(ids) if self.reads_segments else {}
        read: dict[int, CustomerFacts] = {}
        for id_ in ids:
            facts = _customer(id_, profiles[id_], tuple(emails[id_]), self._exponent, orders.get(id_, ()), checkouts.get(id_, ()), acts.get(id_, ()))
            if self._needs & {"properties", "segments"}:
                facts = replace(facts, properties=_properties(profiles[id_]), segments=tuple(segments.get(id_, ())))
            read[id_] = facts
            self.rows_read += 1 + len(facts.orders) + sum(len(order.lines) for order in facts.orders) + len(facts.checkouts) + len(facts.activities)
        return read

    @property
    def reads_segments(self) -> bool:
        """Whether memberships are among what is read."""
        return "segments" in self._needs

    def _segments(self, ids: list[int]) -> dict[int, list[str]]:
        found: dict[int, list[str]] = defaultdict(list)
        stays = Membership.objects.filter(shop=self.shop, customer_id__in=ids).order_by("segment__handle")
        stays = stays.filter(until__isnull=True) if self._as_of is None else stays.filter(since__lte=self._as_of).exclude(until__lte=self._as_of)
        for owner, handle in stays.values_list("customer_id", "segment__handle"):
            found[owner].append(handle)
        return found

    def _orders(self, ids: list[int]) -> dict[int, tuple[OrderFacts, ...]]:
        there = past.there(self._as_of, "deleted_at") & past.since(self._as_of, "placed_at")
        rows = list(Order.objects.filter(there, shop=self.shop, customer_id__in=ids).values_list(*_ORDER, named=True))
        lines = self._lines(ids) if "lines" in self._needs else {}
        found: dict[int, list[OrderFacts]] = defaultdict(list)
        for row in rows:
            own = lines.get(row.pk, ())
            given_back, later = past.refunds(self._as_of, row.refunds)
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
        return {owner: tuple(own_orders) for owner, own_orders in found.items()}

    def _lines(self, ids: Sequence[int]) -> dict[int, tuple[LineFacts, ...]]:
        """The lines of all of these customers' orders, by order."""
        found: dict[int, list[LineFacts]] = defaultdict(list)
        rows = OrderLine.objects.filter(shop=self.shop, order__customer_id__in=ids).values_list(*_LINE)
        for order_id, product, variant, sku, title, vendor, quantity, price, amount, discounted, source in rows.iterator(chunk_size=5_000):
            found[order_id].append(self._line(source, product, variant, sku, title, vendor, quantity, price, amount, discounted))
        return {order: tuple(lines) for order, lines in found.items()}

    def _line(
        self, source: str, product_id: str, variant: str, sku: str, title: str, vendor: str, quantity: int, price: int | None, amount: int, discounted: bool
    ) -> LineFacts:
        known = self._catalogue().get((source, product_id), _UNKNOWN)
        return LineFacts(
            product_id or None,
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

    def _checkouts(self, ids: list[int]) -> dict[int, tuple[CheckoutFacts, ...]]:
        found: dict[int, list[CheckoutFacts]] = defaultdict(list)
        there = past.there(self._as_of, "deleted_at") & past.since(self._as_of, "created_at")
        for row in Checkout.objects.filter(there, shop=self.shop, customer_id__in=ids):
            told = row.lines if "checkout_lines" in self._needs else ()
            lines = tuple(
                self._line(row.source, product, variant, sku, title, "", quantity, None, 0, False) for _, product, variant, sku, title, quantity in told
            )
            recovered = row.recovered_at if self._as_of is None or (row.recovered_at and row.recovered_at <= self._as_of) else None
            found[row.customer_id or 0].append(CheckoutFacts(row.external_id, row.created_at, recovered, row.total_minor, lines))
        return {owner: tuple(own) for owner, own in found.items()}

    def _acts(self, ids: list[int]) -> dict[int, tuple[ActivityFacts, ...]]:
        rows = Activity.objects.filter(past.since(self._as_of, "at"), shop=self.shop, customer_id__in=ids)
        if self._activities is not None:
            rows = rows.filter(kind__in=list(self._activities))
        found: dict[int, list[ActivityFacts]] = defaultdict(list)
        for row in rows.values_list(*_ACTIVITY, named=True):
            found[row.customer_id or 0].append(
                ActivityFacts(
                    kind=row.kind,
                    at=row.at,
                    campaign=row.campaign or None,
                    campaign_id=row.campaign_id or None,
                    url=row.url or None,
                    id=row.about or None,
                    title=row.title or None,
                    form=row.form or None,
                    page=row.page or None,
                    survey=row.survey or None,
                    rating=row.rating,
                    sentiment=row.sentiment or None,
                    network=row.network or None,
                )
            )
        return {owner: tuple(own) for owner, own in found.items()}

    def _catalogue(self) -> dict[tuple[str, str], LineFacts]:
        """What products give to the lines that name them."""
        if self._products is None:
            self._products = {
                (p.source, p.external_id): LineFacts(
                    product_type=p.product_type or None,
                    vendor=p.vendor or None,
                    tags=tuple(p.tags),
                    collections=tuple(title for _, title in p.collections),
                    category=p.category or None,
                )
                for p in Product.objects.filter(shop=self.shop)
            }
        return self._products


def _customer(
    id_: int,
    profiles: list[Profile],
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


def _properties(profiles: list[Profile]) -> dict[str, str]:
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


def _first(profiles: list[Profile], name: str) -> str | None:
    return next((value for profile in profiles if (value := getattr(profile, name)) is not None), None)
