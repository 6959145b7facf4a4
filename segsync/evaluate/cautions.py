"""What to know about a rule's data before trusting its numbers: values nothing has, sources that are off, history that is too short."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from integrations.models import Connection, Shop
from segsync.evaluate.known_values import unknown_values
from segsync.evaluate.standing import unread, values_read
from segsync.pull.models import Stream
from segsync.rules import catalogue, tree, windows
from segsync.rules.format import format_clause, format_value
from segsync.rules.moments import Moment
from segsync.rules.shop_vocabulary import property_names
from segsync.rules.vocabulary import Vocabulary
from segsync.store.models import Activity, Checkout, Order, Profile

Earliest = Callable[[Shop, frozenset[str]], datetime | None]


class Facts(NamedTuple):
    """One kind of dated fact: what one and many are called, which streams bring it, and its earliest row in a shop."""

    one: str
    many: str
    streams: frozenset[str]
    earliest: Earliest


def cautions(shop: Shop, rule: tree.Rule, moment: Moment, vocabulary: Vocabulary, nobody: set[str]) -> tuple[str, ...]:
    """Sentences, the gravest first; none when there is nothing to say. `nobody` are the texts of conditions that find nobody."""
    texts = {id(clause): format_clause(clause.body) for clause in tree.clauses(rule.root)}
    asked = _asked(rule, vocabulary)
    said = [*_unread(shop, rule), *_missing(shop, asked), *_silent(shop, asked), *unknown_values(shop, rule, nobody, texts), *_too_short(shop, rule, moment)]
    return tuple(dict.fromkeys(said))


def _unread(shop: Shop, rule: tree.Rule) -> Iterator[str]:
    """Properties whose values are not there yet: until then conditions about them hold for nobody."""
    if refusal := unread(property_names(rule), values_read(shop)):
        yield f"{refusal} Until then conditions about them hold for nobody."


def _asked(rule: tree.Rule, vocabulary: Vocabulary) -> Mapping[str, frozenset[str]]:
    """The kinds of dated facts that a rule reads, each with the activities meant."""
    found = windows.survey(rule, vocabulary)
    return {kind: found.activity_kinds if kind == "activities" else frozenset() for kind in FACTS if kind in found.needs}


def _missing(shop: Shop, asked: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Facts of which there is not a single one."""
    for kind, activities in asked.items():
        facts = FACTS[kind]
        if kind == "activities":
            absent = sorted(name for name in activities if facts.earliest(shop, frozenset({name})) is None)
            if absent:
                yield f"Nothing is stored of {', '.join(absent)}: conditions about it find nobody."
        elif facts.earliest(shop, activities) is None:
            yield f"Not a single {facts.one} is stored: conditions about {facts.many} find nobody."


def _silent(shop: Shop, asked: Mapping[str, frozenset[str]]) -> Iterator[str]:
    """Facts that do not come in any more, or not yet all of them."""
    for kind, activities in asked.items():
        if kind == "activities" and not any(name.startswith("emails.") for name in activities):
            continue
        facts = FACTS[kind]
        for stream in Stream.objects.filter(shop=shop, name__in=facts.streams).select_related("connection").order_by("name"):
            if stream.connection.status != Connection.Status.CONNECTED:
                yield f"New {facts.many} do not come in: the connection {stream.connection} is {_STATES[stream.connection.status]}."
            elif stream.refused_at is not None:
                yield f"New {facts.many} do not come in: {stream.problem or 'the platform refuses them'}"
            elif stream.due_at is None and stream.lease_until is None:
                yield f"New {facts.many} do not come in: they are not asked for under what was granted."
            elif stream.pulled_until is None:
                yield f"Not all {facts.many} have been pulled yet: these numbers will grow."


def _too_short(shop: Shop, rule: tree.Rule, moment: Moment) -> Iterator[str]:
    """Windows that begin before the first fact stored."""
    for clause in tree.clauses(rule.root):
        for activity, test in tree.tests(clause.body):
            kind, activities = _kind_of(clause.body, activity, test)
            if kind is None:
                continue
            first = FACTS[kind].earliest(shop, activities)
            for value in test.values:
                if first is None or not isinstance(value, tree.Day | tree.LocalTime | tree.Offset | tree.Named):
                    continue
                begins = moment.period(value).start
                if moment.local_day(begins) < moment.local_day(first):
                    days = (moment.today - moment.local_day(first)).days
                    what = ", ".join(sorted(activities)) or FACTS[kind].one
                    yield (
                        f"The rule looks back to {_day(begins, moment)} ({format_value(value)}), and the first {what} stored is of {_day(first, moment)}, "
                        f"{days:,} {'day' if days == 1 else 'days'} ago: what was before is not known here."
                    )


def _kind_of(body: tree.Body, activity: str | None, test: tree.Test) -> tuple[str | None, frozenset[str]]:
    """The kind of fact whose dates a comparison is about; None for one about no dates."""
    if isinstance(body, tree.Anniversary):
        return None, frozenset()
    if activity is None:
        return _DATES.get(test.name), frozenset()
    entry = catalogue.activity(activity)
    if test.name != "date" or entry is None:
        return None, frozenset()
    if "activities" in entry.needs:
        return "activities", frozenset({activity})
    return next((kind for kind in ("refunds", "orders", "checkouts") if kind in entry.needs), None), frozenset()


def _day(at: datetime, moment: Moment) -> str:
    day = moment.local_day(at)
    return f"{day.day} {day:%B %Y}"


def _any_record(shop: Shop, _activities: frozenset[str]) -> datetime | None:
    return Profile.objects.filter(shop=shop).values_list("version", flat=True).first()


def _first_order(shop: Shop, _activities: frozenset[str]) -> datetime | None:
    return Order.objects.filter(shop=shop, deleted_at__isnull=True).order_by("placed_at").values_list("placed_at", flat=True).first()


def _first_checkout(shop: Shop, _activities: frozenset[str]) -> datetime | None:
    return Checkout.objects.filter(shop=shop, deleted_at__isnull=True).order_by("created_at").values_list("created_at", flat=True).first()


def _first_activity(shop: Shop, activities: frozenset[str]) -> datetime | None:
    return Activity.objects.filter(shop=shop, kind__in=activities).order_by("at").values_list("at", flat=True).first()


_STATES: Mapping[str, str] = {"needs_reconnect": "lost and must be made again", "paused": "paused", "disconnected": "cut"}
_DATES: Mapping[str, str] = {"first_order_date": "orders", "last_order_date": "orders", "abandoned_checkout_date": "checkouts"}
# Refunds are told with their orders, so the first order bounds them.
FACTS: Mapping[str, Facts] = {
    "profile": Facts("customer record", "customer records", frozenset({"customers", "contacts"}), _any_record),
    "orders": Facts("order", "orders", frozenset({"orders"}), _first_order),
    "refunds": Facts("order", "orders", frozenset({"orders"}), _first_order),
    "checkouts": Facts("abandoned checkout", "abandoned checkouts", frozenset({"checkouts"}), _first_checkout),
    "activities": Facts("activity", "e-mail events", frozenset({"email_events"}), _first_activity),
}
