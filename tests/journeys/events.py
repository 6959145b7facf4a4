"""What happens to a shop in a story: people order, open mail and go; platforms tell of it, late, twice or out of order.

Somebody named for the first time is known to the store from then on, and was long before. Money is in whole units of the currency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from integrations import records
from segsync.store.models import Identity
from tests.journeys.story import Step, span
from tests.journeys.world import LONG_AGO, PORTAL, STORE, World


def _instant(world: World, at: str, ago: str) -> datetime:
    return world.at(at) if at else world.now - span(ago) if ago else world.now


def _known(world: World, *who: str) -> list[records.Customer]:
    """The store's records of those nobody has told of yet."""
    have = set(Identity.objects.filter(shop=world.shop, kind=STORE, value__in=who).values_list("value", flat=True))
    told = {row.external_id for _, page in world.pages for row in page if isinstance(row, records.Customer)}
    return [_record(world, name) for name in who if name and name not in have | told]


def _record(world: World, who: str, **facts: object) -> records.Customer:
    born = world.now - LONG_AGO
    return records.Customer(who, world.edition(), born, (f"{who}@example.com",), **facts)  # type: ignore[arg-type]


def _last(world: World, kind: type[Any], id_: str) -> Any:
    """What was told last of something."""
    return next(row for _, page in reversed(world.pages) for row in reversed(page) if isinstance(row, kind) and row.external_id == id_)


@dataclass(frozen=True)
class Known:
    """The store tells of these people."""

    who: tuple[str, ...]

    def __init__(self, *who: str) -> None:
        object.__setattr__(self, "who", who)

    def do(self, world: World) -> None:
        world.tell(STORE, *(_record(world, name) for name in self.who))


@dataclass(frozen=True)
class Joined:
    """Somebody opens an account."""

    who: str
    at: str = ""

    def do(self, world: World) -> None:
        world.tell(STORE, replace(_record(world, self.who), created_at=_instant(world, self.at, "")))


@dataclass(frozen=True)
class Ordered:
    """Somebody orders. `order` names it; `told_first`: the order comes in before the record of whoever placed it."""

    who: str
    order: str = ""
    amount: int = 50
    at: str = ""
    ago: str = ""
    told_first: bool = False

    def do(self, world: World) -> None:
        placed, edition, pence = _instant(world, self.at, self.ago), world.edition(), self.amount * 100
        id_ = self.order or f"order-{edition.timestamp():.6f}"
        row = records.Order(id_, edition, self.who, f"#{id_}", None, placed, None, False, False, "GBP", pence, pence, 0, 0, "web", "GB", (), (), (), ())
        world.tell(STORE, *([] if self.told_first else _known(world, self.who)), row)


@dataclass(frozen=True)
class Refunded:
    """Money of an order is given back."""

    order: str
    amount: int
    at: str = ""
    ago: str = ""

    def do(self, world: World) -> None:
        old, pence = _last(world, records.Order, self.order), self.amount * 100
        given = records.Refund(f"{self.order}-{len(old.refunds)}", _instant(world, self.at, self.ago), pence)
        row = replace(old, version=world.edition(), refunds=(*old.refunds, given), refunded_minor=old.refunded_minor + pence)
        world.tell(STORE, replace(row, total_minor=old.total_minor - pence))


@dataclass(frozen=True)
class Cancelled:
    """An order is called off."""

    order: str

    def do(self, world: World) -> None:
        world.tell(STORE, replace(_last(world, records.Order, self.order), version=world.edition(), cancelled_at=world.now))


@dataclass(frozen=True)
class Handed:
    """An order turns out to be somebody else's."""

    order: str
    who: str

    def do(self, world: World) -> None:
        world.tell(STORE, *_known(world, self.who), replace(_last(world, records.Order, self.order), version=world.edition(), customer_id=self.who))


@dataclass(frozen=True)
class Deleted:
    """The store no longer has an order."""

    order: str

    def do(self, world: World) -> None:
        world.tell(STORE, records.Tombstone("order", self.order, world.now))


@dataclass(frozen=True)
class LeftCheckout:
    """Somebody leaves a checkout without paying."""

    who: str
    checkout: str = "cart"
    at: str = ""
    ago: str = ""

    def do(self, world: World) -> None:
        row = records.Checkout(self.checkout, world.edition(), self.who, _instant(world, self.at, self.ago), None, 3000, ())
        world.tell(STORE, *_known(world, self.who), row)


@dataclass(frozen=True)
class Recovered:
    """A checkout is paid after all."""

    checkout: str = "cart"

    def do(self, world: World) -> None:
        world.tell(STORE, replace(_last(world, records.Checkout, self.checkout), version=world.edition(), recovered_at=world.now))


@dataclass(frozen=True)
class Opened:
    """Somebody opens a mail, or does something else that the portal tells of."""

    who: str
    at: str = ""
    ago: str = ""
    kind: str = "emails.opened"
    told_first: bool = False

    def do(self, world: World) -> None:
        if not self.told_first and (news := _known(world, self.who)):
            world.tell(STORE, *news)
        at = _instant(world, self.at, self.ago)
        world.tell(PORTAL, records.Activity(f"{self.kind}-{self.who}-{world.edition().timestamp():.6f}", self.kind, at, f"{self.who}@example.com"))


@dataclass(frozen=True)
class Counted:
    """The store's own totals of somebody."""

    who: str
    orders: int | None = None
    spent: int | None = None

    def do(self, world: World) -> None:
        world.tell(STORE, _record(world, self.who, order_count=self.orders, amount_spent_minor=None if self.spent is None else self.spent * 100))


@dataclass(frozen=True)
class Tagged:
    """The merchant gives somebody these tags, and no others."""

    who: str
    tags: tuple[str, ...]

    def __init__(self, who: str, *tags: str) -> None:
        object.__setattr__(self, "who", who)
        object.__setattr__(self, "tags", tags)

    def do(self, world: World) -> None:
        world.tell(STORE, _record(world, self.who, tags=self.tags))


@dataclass(frozen=True)
class Merged:
    """The store makes one record of several; the first stays."""

    who: tuple[str, ...]

    def __init__(self, *who: str) -> None:
        object.__setattr__(self, "who", who)

    def do(self, world: World) -> None:
        first, *others = self.who
        row = _record(world, first)
        world.tell(STORE, replace(row, merged_ids=tuple(others), emails=tuple(f"{name}@example.com" for name in self.who)))


@dataclass(frozen=True)
class FoundTheSame:
    """The portal has one contact under the addresses of several customers."""

    who: tuple[str, ...]

    def __init__(self, *who: str) -> None:
        object.__setattr__(self, "who", who)

    def do(self, world: World) -> None:
        emails = tuple(f"{name}@example.com" for name in self.who)
        world.tell(PORTAL, records.Customer("-".join(self.who), world.edition(), None, emails))


@dataclass(frozen=True)
class Erased:
    """The store no longer has a record of somebody."""

    who: str

    def do(self, world: World) -> None:
        world.tell(STORE, records.Tombstone("customer", self.who, world.now))


@dataclass(frozen=True)
class ToldAgain:
    """The last pages come in once more, the newest first; `pages` 0 for all of them."""

    pages: int = 0

    def do(self, world: World) -> None:
        for source, page in list(reversed(world.pages))[: self.pages or None]:
            world.store(source, page)
        world.work()


@dataclass(frozen=True)
class Unjudged:
    """These things happen, and are stored, while nobody has a turn to judge them."""

    steps: tuple[Step, ...]

    def __init__(self, *steps: Step) -> None:
        object.__setattr__(self, "steps", steps)

    def do(self, world: World) -> None:
        world.down = True
        for step in self.steps:
            step.do(world)
        world.up()
