"""A customer's facts as rows of the columnar tables, the repeating parts in dictionaries."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from segsync.evaluate.columnar.layout import NUMBER_SCALE, PROFILE, TEXTS
from segsync.rules.facts import ActivityFacts, CheckoutFacts, CustomerFacts, LineFacts, OrderFacts, fold
from segsync.rules.moments import Moment
from segsync.rules.readers import category_names, email_domain
from segsync.rules.rows import product
from segsync.rules.vocabulary import CONVERTERS

Row = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = EPOCH.toordinal()
_MICROSECOND = timedelta(microseconds=1)
_NO_LISTS: Row = {name: [] for name, kind in PROFILE.items() if kind == TEXTS}
# A customer may have this many checkouts before two keys could meet.
CHECKOUTS_EACH = 1 << 20
# How many texts of properties are kept as types read them.
TYPED_TEXTS = 50_000


def micros(at: datetime | None) -> int | None:
    """An instant as microseconds since 1970, exactly."""
    return None if at is None else (at - EPOCH) // _MICROSECOND


def local_day(at: datetime, tz: ZoneInfo) -> int:
    """The day of `tz`'s calendar on which an instant falls, counted from 1970-01-01."""
    return at.astimezone(tz).toordinal() - _EPOCH_DAY


class Dictionary:
    """Numbers for things that repeat, given out in the order of their first appearance from `first` on."""

    def __init__(self, first: int = 0) -> None:
        self.next = first
        self._keys: dict[Any, int] = {}

    def key(self, thing: Any) -> tuple[int, bool]:
        """The number of `thing`, and whether it was given out just now."""
        known = self._keys.get(thing)
        if known is not None:
            return known, False
        key = self._keys[thing] = self.next
        self.next += 1
        return key, True


class Flattener:
    """Turns facts into rows, table by table. Amounts and instants are integers in them; days are days of `tz`."""

    def __init__(self, tz: ZoneInfo, goods: int = 0, topics: int = 0) -> None:
        self.tz = tz
        moment = Moment(EPOCH, tz)
        # A property has few values for many people.
        self._typed = lru_cache(maxsize=TYPED_TEXTS)(lambda text: _typed(text, moment))
        self.goods = Dictionary(goods)
        self.topics = Dictionary(topics)

    def rows(self, id_: int, version: int, facts: CustomerFacts | None) -> Iterator[tuple[str, Row]]:
        """Every row of one person; without facts, the row that says that they are in no segment any more."""
        if facts is None:
            yield "customers", {"id": id_, "facts_version": version, "living": False} | _NO_LISTS
            return
        yield "customers", self._profile(id_, version, facts)
        numbers: dict[str, int] = {}
        for order in facts.orders:
            if order.counted:
                yield from self._order(id_, order, numbers.setdefault(order.id, len(numbers)))
        for number, checkout in enumerate(facts.checkouts):
            yield from self._checkout(id_, checkout, id_ * CHECKOUTS_EACH + number)
        for activity in facts.activities:
            yield from self._activity(id_, activity)
        for name, text in facts.properties.items():
            if text:
                yield "properties", {"customer": id_, "name": name, "value": text, "folded": fold(text), **self._typed(text)}

    def _order(self, id_: int, order: OrderFacts, number: int) -> Iterator[tuple[str, Row]]:
        placed = micros(order.placed_at)
        yield (
            "orders",
            {
                "customer": id_,
                "order_no": number,
                "placed_at": placed,
                "day": local_day(order.placed_at, self.tz),
                "amount": order.amount_minor,
                "gross": order.gross_minor,
                "refunded": order.refunded_minor,
                "item_count": order.item_count,
                "number": order.number,
                "channel": _folded(order.channel),
                "country": order.country,
                "location_id": order.location_id,
                "app_id": order.app_id,
                "discounted": order.discounted,
                "discount_codes": [fold(code) for code in order.discount_codes],
                "tags": [fold(tag) for tag in order.tags],
            },
        )
        shipping = _folded(order.shipping)
        for line in order.lines:
            goods, more = self._goods(line)
            yield from more
            yield (
                "order_lines",
                {
                    "customer": id_,
                    "order_no": number,
                    "placed_at": placed,
                    "goods": goods,
                    "price": line.price_minor,
                    "discounted": line.discounted,
                    "quantity": line.quantity,
                    "amount": line.amount_minor,
                    "shipping": shipping,
                },
            )
        for refund in order.refunds:
            yield "refunds", {"customer": id_, "refunded_at": micros(refund.at), "amount": refund.amount_minor}

    def _checkout(self, id_: int, checkout: CheckoutFacts, key: int) -> Iterator[tuple[str, Row]]:
        yield (
            "checkouts",
            {
                "customer": id_,
                "key": key,
                "created_at": micros(checkout.created_at),
                "day": local_day(checkout.created_at, self.tz),
                "recovered": checkout.recovered_at is not None,
                "amount": checkout.amount_minor,
            },
        )
        for line in checkout.lines:
            goods, more = self._goods(line)
            yield from more
            yield "checkout_lines", {"customer": id_, "checkout": key, "goods": goods}

    def _activity(self, id_: int, activity: ActivityFacts) -> Iterator[tuple[str, Row]]:
        about = (activity.kind, activity.campaign, activity.campaign_id)
        topic, new = self.topics.key(about)
        if new:
            mailing = activity.campaign_id or activity.campaign
            yield (
                "topics",
                {"key": topic, "kind": activity.kind, "campaign": _folded(activity.campaign), "campaign_id": activity.campaign_id, "mailing": mailing},
            )
        goods, more = self._goods(activity.product)
        yield from more
        yield (
            "activities",
            {
                "customer": id_,
                "acted_at": micros(activity.at),
                "day": local_day(activity.at, self.tz),
                "topic": topic,
                "url": _folded(activity.url),
                "title": _folded(activity.title),
                "about": activity.id,
                "form": _folded(activity.form),
                "page": _folded(activity.page),
                "survey": activity.survey,
                "sentiment": _folded(activity.sentiment),
                "rating": activity.rating,
                "network": _folded(activity.network),
                "query": _folded(activity.query),
                "goods": goods,
            },
        )

    def _goods(self, line: LineFacts | None) -> tuple[int, tuple[tuple[str, Row], ...]]:
        """The product of a line; no product is a row of its own, which fits what a missing product fits."""
        about = line and (
            line.product_id,
            line.variant_id,
            line.sku,
            line.title,
            line.product_type,
            line.vendor,
            line.tags,
            line.collections,
            line.category,
        )
        key, new = self.goods.key(about)
        return key, (("goods", _goods_row(key, line)),) if new else ()

    def _profile(self, id_: int, version: int, facts: CustomerFacts) -> Row:
        return {
            "id": id_,
            "facts_version": version,
            "living": True,
            "customer_id": facts.customer_id,
            "added_at": micros(facts.added_at),
            "added_day": _day(facts.added_at, self.tz),
            "order_count": facts.order_count,
            "amount_spent": facts.amount_spent_minor,
            "tags": [fold(tag) for tag in facts.tags],
            "countries": list(facts.countries),
            "regions": list(facts.regions),
            "cities": list(facts.cities),
            "companies": list(facts.companies),
            "emails": [fold(email) for email in facts.emails],
            "email_domain": email_domain(facts),
            "language": facts.language,
            "account_status": facts.account_status,
            "email_subscription": facts.email_subscription,
            "sms_subscription": facts.sms_subscription,
            "product_subscription": facts.product_subscription,
            "rfm_group": facts.rfm_group,
            "predicted_spend_tier": facts.predicted_spend_tier,
        }


def _typed(text: str, moment: Moment) -> Row:
    """A property's text as each type reads it; days are those of the moment's time zone."""
    number, at, day_at = CONVERTERS["number"](text, moment), CONVERTERS["datetime"](text, moment), CONVERTERS["date"](text, moment)
    return {
        "number": None if number is None else str(int(number * NUMBER_SCALE)),
        "date_at": micros(day_at),
        "date_day": _day(day_at, moment.tz),
        "time_at": micros(at),
        "time_day": _day(at, moment.tz),
        "flag": CONVERTERS["bool"](text, moment),
        "several": list(CONVERTERS["several"](text, moment)),
    }


def _goods_row(key: int, line: LineFacts | None) -> Row:
    if line is None:
        return {"key": key, "tags": [], "collections": [], "categories": []}
    how, what = product(line)
    return {
        "key": key,
        "thing": f"{how} {what}" if what is not None else how,
        "product_id": line.product_id,
        "variant_id": line.variant_id,
        "sku": _folded(line.sku),
        "title": _folded(line.title),
        "product_type": _folded(line.product_type),
        "vendor": _folded(line.vendor),
        "tags": [fold(tag) for tag in line.tags],
        "collections": [fold(title) for title in line.collections],
        "categories": [fold(name) for name in category_names(line.category)],
        "product_type_name": line.product_type,
        "vendor_name": line.vendor,
        "category_name": line.category,
    }


def _day(at: datetime | None, tz: ZoneInfo) -> int | None:
    """The local day of an instant that may be missing; none for the first and last hours that a calendar of four-digit years holds."""
    try:
        return None if at is None else local_day(at, tz)
    except OverflowError:
        return None


def _folded(text: str | None) -> str | None:
    return None if text is None else fold(text)
