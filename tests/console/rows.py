"""A shop with people, segments, targets and a history, as plain rows to look at."""

from __future__ import annotations

from datetime import timedelta

from integrations import tokens
from integrations.models import Connection, Delivery, Shop
from segsync import clock
from segsync.diff.models import LedgerEntry, Target, WritebackSettings
from segsync.evaluate.due import make_schedule
from segsync.evaluate.models import Cause, Disagreement, Evaluation, Membership, WholeRun
from segsync.pull.models import Run, Stream
from segsync.push.models import Attempt, Audit, AuditedTarget, Channel, Finding
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.store.models import Activity, Customer, Identity, Order, PrivacyRequest, Profile

RULE = "number_of_orders >= 2"
SECRET_TOKEN, SECRET_BODY = "shpat_never-to-be-seen", b"never-to-be-seen@example.test"


def connect(shop: Shop, vendor: str = "shopify") -> Connection:
    """A connected account with tokens, a stream of each name and a way out."""
    now = clock.now()
    account = shop.domain if vendor == "shopify" else f"99{shop.pk}"
    connection = Connection.objects.create(shop=shop, vendor=vendor, account=account, connected_at=now)
    tokens.store(connection, tokens.TokenSet(SECRET_TOKEN, None, SECRET_TOKEN, None, ()))
    Channel.objects.create(shop=shop, connection=connection)
    make_schedule(shop, now)
    return connection


def segment(shop: Shop, handle: str = "repeat-buyers", rule: str = RULE) -> Segment:
    return create_segment(shop, handle=handle, name=handle.replace("-", " ").capitalize(), description="", rule=rule, author=None, now=clock.now())


def target(connection: Connection, written: Segment) -> Target:
    name = f"segsync:{written.handle}"
    made = Target.objects.create(shop=written.shop, connection=connection, kind="tag", name=name, label=written.name, ready_at=clock.now())
    made.segments.add(written)
    return made


def person(shop: Shop, number: int, email: str = "") -> Customer:
    """Somebody with an address, a record, an order and an opened e-mail."""
    now = clock.now()
    made = Customer.objects.create(shop=shop, changed_at=now, created_at=now, judged_version=1)
    address = email or f"person{number}@example.test"
    Identity.objects.create(shop=shop, customer=made, kind="email", value=address)
    Identity.objects.create(shop=shop, customer=made, kind="shopify", value=str(7000 + number))
    Profile.objects.create(
        shop=shop, customer=made, source="shopify", external_id=str(7000 + number), version=now, emails=[address], order_count=1, amount_spent_minor=12_345
    )
    Order.objects.create(
        shop=shop,
        customer=made,
        source="shopify",
        external_id=str(number),
        version=now,
        name=f"#{number}",
        placed_at=now,
        currency=shop.currency,
        total_minor=12_345,
        gross_minor=12_345,
    )
    Activity.objects.create(
        shop=shop, customer=made, source="hubspot", external_id=f"o{number}", kind="emails.opened", at=now, subject=address, campaign="Autumn"
    )
    return made


def joins(who: Customer, where: Segment, *, left: bool = False) -> Membership:
    assert where.version
    since = clock.now() - timedelta(days=2)
    left_as = {"until": since + timedelta(days=1), "left_cause": Cause.TIME, "left_version": where.version} if left else {}
    return Membership.objects.create(
        shop=who.shop, segment=where, customer=who, since=since, version=where.version, cause=Cause.ORDER, evidence=[[RULE, "number of orders: 2"]], **left_as
    )


def mark(where: Target, who: Customer, *, parked: bool = False, told: bool = False) -> LedgerEntry:
    now = clock.now()
    return LedgerEntry.objects.create(
        shop=who.shop,
        connection=where.connection,
        target=where,
        profile=who.profiles.get(),
        wanted=True,
        wanted_at=now,
        next_attempt_at=now + timedelta(hours=1),
        acked_generation=1 if told else 0,
        present=True if told else None,
        acked_at=now if told else None,
        parked_at=now if parked else None,
        attempts=5 if parked else 0,
        outcome="rejected" if parked else "",
        detail="The customer has 250 tags." if parked else "",
    )


def furnish(shop: Shop, count: int) -> None:
    """`count` rows of everything the admin lists."""
    now = clock.now()
    store, crm = connect(shop), connect(shop, "hubspot")
    WritebackSettings.objects.get_or_create(shop=shop)
    for number in range(count):
        written = segment(shop, f"segment-{number}")
        place = target(store, written)
        who = person(shop, shop.pk * 1000 + number)
        joins(who, written)
        mark(place, who, parked=number % 2 == 0)
        stream = Stream.objects.create(shop=shop, connection=store if number % 2 else crm, name=f"stream_{number}", pulled_until=now)
        Run.objects.create(shop=shop, stream=stream, until=now, started_at=now)
        run = WholeRun.objects.create(shop=shop, status="done", as_of=now, started_at=now, seen_at=now, finished_at=now, segments=1, customers=9, checked=9)
        Disagreement.objects.create(shop=shop, run=run, segment=written, version=written.version, customer=who, stored=True, found_at=now)
        Evaluation.objects.create(
            run=run,
            milliseconds=12,
            shop=shop,
            segment=written,
            version=written.version,
            as_of=now,
            started_at=now,
            finished_at=now,
            customers=9,
            members=1,
            entered=1,
            left=0,
            engine="duckdb",
        )
        Attempt.objects.create(shop=shop, connection=store, started_at=now, done=1)
        PrivacyRequest.objects.create(shop=shop, vendor="shopify", kind="tell", received_at=now, deadline_at=now + timedelta(days=30), external_id=str(number))
        audit = Audit.objects.create(shop=shop, connection=store, status="done", started_at=now, finished_at=now)
        AuditedTarget.objects.create(shop=shop, audit=audit, target=place, right=8, missing=1, finished_at=now)
        Finding.objects.create(shop=shop, audit=audit, target=place, profile=who.profiles.get(), external_id=str(number), kind="missing", found_at=now)
        Delivery.objects.create(shop=shop, vendor="shopify", delivery_id=str(number), topic="orders/updated", body=SECRET_BODY, received_at=now)
