"""When a shop is evaluated: at its local midnight, on request, and each minute for hour windows."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.fields.json import KeyTextTransform

from integrations import registry
from integrations.models import Shop
from segsync.evaluate.models import Cause, Schedule
from segsync.evaluate.standing import active_segments
from segsync.rules import tree, windows
from segsync.rules.moments import Moment
from segsync.rules.shop_vocabulary import property_names, vocabulary_of
from segsync.rules.vocabulary import CONVERTERS, PropertyDefinition, Vocabulary
from segsync.store.models import Activity, Checkout, Customer, Order, Profile
from segsync.store.upsert import chunks, mark_changed

SWEEP_EVERY = timedelta(minutes=1)
_STRIDE = 37  # neighbours by id are not neighbours in time


def next_midnight(shop: Shop, now: datetime) -> datetime:
    """The next instant at which the shop's local day begins (daylight saving included)."""
    tomorrow = now.astimezone(shop.tz).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time.min, tzinfo=shop.tz).astimezone(now.tzinfo)


def last_midnight(shop: Shop, now: datetime) -> datetime:
    """The instant at which the shop's local day of `now` began."""
    return datetime.combine(now.astimezone(shop.tz).date(), time.min, tzinfo=shop.tz).astimezone(now.tzinfo)


def next_midnight_turn(shop: Shop, now: datetime) -> datetime:
    """When the shop is looked at for its next midnight: shops that share a midnight are spread over SEGSYNC_MIDNIGHT_SPREAD seconds."""
    spread = settings.SEGSYNC_MIDNIGHT_SPREAD
    return next_midnight(shop, now) + timedelta(seconds=shop.pk * _STRIDE % spread if spread else 0)


def make_schedule(shop: Shop, now: datetime) -> Schedule:
    """The shop's schedule, made with a first whole evaluation asked for."""
    schedule, _ = Schedule.objects.get_or_create(
        shop=shop, defaults={"due_at": next_midnight_turn(shop, now), "whole_wanted_at": now, "whole_cause": Cause.IMPORT}
    )
    return schedule


def moved_house(shop: Shop, now: datetime) -> None:
    """The shop keeps another calendar now: its days begin at other instants, so everybody is judged by them, and midnight comes anew."""
    Schedule.objects.filter(shop=shop).update(due_at=next_midnight_turn(shop, now), whole_wanted_at=now, whole_cause=Cause.TIME)


def sweep(schedule: Schedule, now: datetime) -> int:
    """Mark customers who have a fact that an hour or minute window of an active rule has passed over since the last sweep.

    The cost follows the facts that crossed, not the customers, with two exceptions: for a window on refunds, the orders with refunds that
    changed within the whole window are read, and for one on a property that holds a time, every record that holds it. A sweep missed
    while nothing ran is made up: the range read begins where the last one ended. Whoever is marked already is judged anyway, and not by
    time alone: their cause stays. Returns how many customers were marked.
    """
    since = schedule.swept_until
    shop = schedule.shop
    if since is None:
        return 0
    vocabulary = vocabulary_of(shop)
    offsets: dict[timedelta, set[str]] = {}
    dated: dict[timedelta, set[str]] = {}
    for _, checked in active_segments(shop, vocabulary):
        for window in windows.hour_windows(checked.rule, vocabulary):
            offsets.setdefault(window.offset, set()).update(window.kinds)
            if "properties" in window.kinds:
                dated.setdefault(window.offset, set()).update(_dated(checked.rule, vocabulary))
    found: set[int] = set()
    for offset, kinds in offsets.items():
        between = (since - offset, now - offset)
        if "orders" in kinds:
            found.update(_ids(Order.objects.filter(shop=shop, placed_at__range=between)))
        if "checkouts" in kinds:
            found.update(_ids(Checkout.objects.filter(shop=shop, created_at__range=between)))
        if "activities" in kinds:
            found.update(_ids(Activity.objects.filter(shop=shop, at__range=between)))
        if "profile" in kinds:
            found.update(_ids(Profile.objects.filter(shop=shop, added_at__range=between)))
        if "refunds" in kinds:
            found.update(_refunded(shop, *between))
        for name in dated.get(offset, ()):
            found.update(_crossed(shop, vocabulary.properties[name], *between, Moment(now, shop.tz)))
    marked = 0
    for chunk in chunks(sorted(found)):
        with transaction.atomic():
            Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # nothing is stored between looking at marks and setting them
            unmarked = Customer.objects.filter(shop=shop, pk__in=chunk, facts_version__lte=F("judged_version"))
            ids = list(unmarked.values_list("pk", flat=True))
            mark_changed(shop.pk, ids, Cause.TIME, now)
            marked += len(ids)
    return marked


def _refunded(shop: Shop, begin: datetime, end: datetime) -> set[int]:
    """Customers with a refund in the span. A refund changes its order, so orders last changed before the span have none in it; the
    others with any refund are read (index `order_refunded`)."""
    orders = Order.objects.filter(shop=shop, customer__isnull=False, version__gte=begin).exclude(refunds=[])
    rows = orders.values_list("customer_id", "refunds").iterator(chunk_size=2_000)
    return {customer for customer, told in rows if customer is not None and any(begin <= datetime.fromisoformat(at) <= end for _, at, _ in told)}


def _dated(rule: tree.Rule, vocabulary: Vocabulary) -> set[str]:
    """The properties of a rule that hold a time."""
    return {name for name in property_names(rule) if name in vocabulary.properties and vocabulary.properties[name].type in ("date", "datetime")}


def _crossed(shop: Shop, definition: PropertyDefinition, begin: datetime, end: datetime, moment: Moment) -> set[int]:
    """Customers whose value of the property lies in the span. Reads every record that holds one: values are texts, which no index orders."""
    found: set[int] = set()
    for source in registry.connectors:
        prefix = registry.property_name(source, "")
        if not definition.name.startswith(prefix):
            continue
        key = definition.name.removeprefix(prefix)
        holders = Profile.objects.filter(shop=shop, source=source, gone_at__isnull=True, properties__has_key=key)
        for customer, text in holders.values_list("customer_id", KeyTextTransform(key, "properties")).iterator(chunk_size=2_000):
            at = CONVERTERS[definition.type](text, moment) if text else None
            if at is not None and begin <= at <= end:
                found.add(customer)
    return found


def _ids(rows: QuerySet[Any]) -> list[int]:
    return [id_ for id_ in rows.values_list("customer_id", flat=True).distinct() if id_ is not None]
