"""The cuts of a shop: worked out with each whole evaluation that needs any, kept, and in force until the next."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from integrations.models import Shop
from segsync.evaluate.facts import FactsReader, everybody
from segsync.evaluate.models import Schedule
from segsync.rules import catalogue, tree, windows
from segsync.rules.context import ShopContext
from segsync.rules.cuts import compute_context
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment
from segsync.rules.settings import DerivedSettings
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.store.models import Customer

BATCH = 500


def settings_of(shop: Shop) -> DerivedSettings:
    """The shop's settings; its own domain salts its samples. Raises SettingsError for stored settings that mean nothing."""
    stored = Schedule.objects.filter(shop=shop).values_list("derived_settings", flat=True).first()
    settings = DerivedSettings.from_json(stored or {})
    return replace(settings, salt=settings.salt or shop.domain)


def in_force(shop: Shop) -> ShopContext:
    """The shop's settings with the cuts of its last whole evaluation; without any before the first."""
    stored = Schedule.objects.filter(shop=shop).values_list("cuts", flat=True).first()
    return replace(ShopContext.from_json(stored or {}), settings=settings_of(shop))


def renew(shop: Shop, rules: Sequence[tree.Rule], as_of: datetime, beat: Callable[[], None]) -> ShopContext:
    """The context that these rules take, as of an instant, kept as the one in force. Rules that take no cuts cost nothing.

    `beat` is called before each batch of customers is read; what it raises ends the work.
    """
    context = worked_out(shop, rules, as_of, beat)
    vocabulary = vocabulary_of(shop)
    if context.ranks or any(windows.survey(rule, vocabulary).cuts for rule in rules):
        Schedule.objects.filter(shop=shop).update(cuts=context.to_json())
    return context


def nothing() -> None:
    """Nobody waits to hear that work goes on."""


def worked_out(shop: Shop, rules: Sequence[tree.Rule], as_of: datetime, beat: Callable[[], None] = nothing, *, rewind: bool = False) -> ShopContext:
    """The context that these rules take, as of an instant, put in force nowhere. With `rewind` facts are read as of then."""
    vocabulary = vocabulary_of(shop)
    surveys = [windows.survey(rule, vocabulary) for rule in rules]
    ranks = frozenset(key for found in surveys for key in found.ranks)
    if not ranks and not any(found.cuts for found in surveys):
        return ShopContext(settings_of(shop), computed_at=as_of)
    needs = {"orders"}
    activities: set[str] = set()
    for name in {key.name for key in ranks}:
        entry = catalogue.attribute(name, vocabulary)
        needs |= entry.needs if entry else frozenset()
        activities |= set(entry.activity_kinds) if entry else set()
    reader = FactsReader(shop, needs, activities, as_of=as_of if rewind else None)
    return compute_context(_living(shop, reader, beat), Moment(as_of, shop.tz), settings_of(shop), ranks, vocabulary)


def _living(shop: Shop, reader: FactsReader, beat: Callable[[], None]) -> Iterator[CustomerFacts]:
    for ids in everybody(shop, BATCH):
        beat()
        living = list(Customer.objects.filter(pk__in=ids, merged_into__isnull=True).order_by("pk").values_list("pk", flat=True))
        yield from reader.read(living).values()
