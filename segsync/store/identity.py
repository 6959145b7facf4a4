"""Who is who: records of any platform that share a name (e-mail address, platform id, merged id) are one person."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import F

from segsync.store.models import Activity, Checkout, Customer, Identity, Order, Profile

Key = tuple[str, str]  # (kind, value) of an Identity


def normal_email(text: str) -> str:
    """The form in which two spellings of one address are equal: no blanks around, no case; "" when it is no address."""
    address = unicodedata.normalize("NFKC", text).strip().casefold()
    return address if "@" in address and len(address) <= 320 else ""


class _Person:
    """Somebody in the making: follows `into` once found to be the same as another."""

    __slots__ = ("id", "into", "keys")

    def __init__(self, id: int | None) -> None:
        self.id, self.into, self.keys = id, None, set[Key]()  # type: int | None, _Person | None, set[Key]

    def root(self) -> _Person:
        person = self
        while person.into is not None:
            person = person.into
        return person


def resolve(shop_id: int, claims: Sequence[frozenset[Key]], now: datetime) -> list[int]:
    """The customer of each claim (a record's names), made where nobody goes by any of them, merged where several do.

    Must run inside the transaction that stores the records. New customers count as changed.
    """
    owners = _owners(shop_id, {key for claim in claims for key in claim})
    known = {id_: _Person(id_) for id_ in set(owners.values())}
    people: dict[Key, _Person] = {key: known[id_] for key, id_ in owners.items()}
    chosen: list[_Person] = []
    merges: list[tuple[_Person, _Person]] = []
    for claim in claims:
        found = {people[key].root() for key in claim if key in people}
        if found:
            keep, *others = sorted(found, key=lambda person: (person.id is None, person.id or 0))
            for other in others:
                other.into = keep
                keep.keys |= other.keys
                if other.id is not None:
                    merges.append((keep, other))
        else:
            keep = _Person(None)
        for key in claim:
            if key not in people:
                keep.keys.add(key)
            people[key] = keep
        chosen.append(keep)
    roots = {id(person.root()): person.root() for person in chosen}
    fresh = [person for person in roots.values() if person.id is None]
    rows = Customer.objects.bulk_create([Customer(shop_id=shop_id, changed_at=now, change_cause="import", created_at=now) for _ in fresh], batch_size=500)
    for person, row in zip(fresh, rows, strict=True):
        person.id = row.pk
    Identity.objects.bulk_create(
        [Identity(shop_id=shop_id, customer_id=_id(person), kind=kind, value=value) for person in roots.values() for kind, value in sorted(person.keys)],
        batch_size=500,
    )
    for keep, other in merges:
        survivor = keep.root()
        if survivor.id is not None and other.id is not None:
            merge(shop_id, survivor.id, other.id, now)
    _link_activities(shop_id, {key: person.root() for person in roots.values() for key in person.keys}, now)
    return [_id(person) for person in chosen]


def find(shop_id: int, kind: str, values: Iterable[str]) -> dict[str, int]:
    """The customers who go by these values of one kind."""
    wanted = list(set(values))
    return dict(Identity.objects.filter(shop_id=shop_id, kind=kind, value__in=wanted).values_list("value", "customer_id"))


def merge(shop_id: int, survivor: int, other: int, now: datetime) -> None:
    """Everything known of `other` becomes `survivor`'s; `other` stays as a pointer, and both count as changed."""
    if survivor == other:
        return
    for model in (Identity, Profile, Order, Checkout, Activity):
        model._base_manager.filter(shop_id=shop_id, customer_id=other).update(customer_id=survivor)
    Customer.objects.filter(shop_id=shop_id, merged_into_id=other).update(merged_into_id=survivor)
    Customer.objects.filter(shop_id=shop_id, pk=other).update(merged_into_id=survivor)
    Customer.objects.filter(shop_id=shop_id, pk__in=[survivor, other]).update(
        facts_version=F("facts_version") + 1, outcome_version=F("outcome_version") + 1, changed_at=now, change_cause="merge"
    )


def drop_emails(shop_id: int, customer_id: int, emails: Iterable[str]) -> None:
    """Forget addresses that no record of this person holds any longer, so that somebody else may go by them."""
    gone = {normal_email(email) for email in emails}
    lists = Profile.objects.filter(shop_id=shop_id, customer_id=customer_id).values_list("emails", flat=True)
    held = {normal_email(email) for emails_of_one in lists for email in emails_of_one}
    Identity.objects.filter(shop_id=shop_id, customer_id=customer_id, kind=Identity.EMAIL, value__in=gone - held).delete()


def _id(person: _Person) -> int:
    found = person.root().id
    if found is None:
        raise RuntimeError("A person has no id although their row was saved.")
    return found


def _owners(shop_id: int, keys: set[Key]) -> dict[Key, int]:
    by_kind: dict[str, list[str]] = defaultdict(list)
    for kind, value in keys:
        by_kind[kind].append(value)
    return {(kind, value): owner for kind, values in by_kind.items() for value, owner in find(shop_id, kind, values).items()}


def _link_activities(shop_id: int, people: dict[Key, _Person], now: datetime) -> None:
    """Give activities that came before their person to that person: by address, or by the id that their own source told."""
    by_kind: dict[str, dict[str, _Person]] = defaultdict(dict)
    for (kind, value), person in people.items():
        by_kind[kind][value] = person
    unlinked = Activity.objects.filter(shop_id=shop_id, customer__isnull=True)
    for kind, owners in by_kind.items():
        rows, column = (unlinked, "subject") if kind == Identity.EMAIL else (unlinked.filter(source=kind), "contact_id_text")
        for value in list(rows.filter(**{f"{column}__in": list(owners)}).values_list(column, flat=True).distinct()):
            customer_id = _id(owners[value])
            rows.filter(**{column: value}).update(customer_id=customer_id)
            Customer.objects.filter(shop_id=shop_id, pk=customer_id).update(facts_version=F("facts_version") + 1, changed_at=now, change_cause="engagement")
