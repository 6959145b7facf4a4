"""What platforms ask for under privacy law: found in the inbox, kept as requests, and acted upon within their time.

Erasing takes our marks away over there first, while their ids are still known, and then everything of the person here.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Count, Q, QuerySet

from integrations import registry
from integrations.base import Change, Result
from integrations.errors import IntegrationError, Transient
from integrations.models import Connection, Delivery, Shop
from segsync.diff.models import LedgerEntry, Target
from segsync.diff.targets import settings_of
from segsync.evaluate.apply import resize
from segsync.evaluate.columnar import files
from segsync.evaluate.models import Disagreement, Evaluation, Membership
from segsync.heartbeat import TTL, kept
from segsync.leases import claim, free
from segsync.push.models import Channel, Finding
from segsync.push.places import place_of
from segsync.reach import answered, enter, heed
from segsync.rules.models import Segment
from segsync.store.erased import bury
from segsync.store.identity import Key, normal_email
from segsync.store.models import Activity, Checkout, Customer, Identity, Order, PrivacyRequest, Product, Profile

log = structlog.get_logger(__name__)
DEADLINE = timedelta(days=30)  # shopify.dev, "Privacy law compliance": complete the action within 30 days
PATIENCE = timedelta(days=3)  # for a platform that cannot be told that our marks are to go; then the person is erased here all the same
BATCH = 1_000
Kind, Status = PrivacyRequest.Kind, PrivacyRequest.Status


class Busy(Transient):
    """Somebody is telling the platform things just now."""


def collect(now: datetime, limit: int = 200) -> int:
    """Make a request of every privacy webhook that waits, whether the shop is still connected or not; returns how many."""
    made = 0
    for name, connector in registry.connectors.items():
        if not connector.notices or connector.notice is None:
            continue
        for delivery in Delivery.objects.filter(outcome=Delivery.Outcome.WAITING, vendor=name, topic__in=connector.notices).order_by("pk")[:limit]:
            notice = connector.notice(delivery.topic, bytes(delivery.body))
            with transaction.atomic():
                rows = Delivery.objects.filter(pk=delivery.pk, outcome=Delivery.Outcome.WAITING)
                if not rows.update(outcome=Delivery.Outcome.DONE if notice else Delivery.Outcome.IGNORED, handled_at=now, body=b"{}"):
                    continue  # somebody was faster
                if notice is not None:
                    PrivacyRequest.objects.create(
                        shop_id=delivery.shop_id,
                        delivery=delivery,
                        vendor=name,
                        kind=notice.kind,
                        received_at=delivery.received_at,
                        deadline_at=delivery.received_at + DEADLINE,
                        due_at=None if str(notice.kind) == Kind.TELL else now,
                        external_id=notice.external_id,
                        email=normal_email(notice.email),
                        orders=list(notice.orders),
                    )
                    made += 1
            log.info("privacy.asked", shop__id=delivery.shop_id, vendor=name, topic=delivery.topic, read=notice is not None)
    return made


def due_requests(now: datetime) -> list[int]:
    """Requests that are to be acted upon now and that nobody holds."""
    return list(PrivacyRequest.objects.filter(free(now), due_at__lte=now, status=Status.OPEN).order_by("deadline_at").values_list("pk", flat=True))


def act(request_id: int, clock: Callable[[], datetime]) -> bool:
    """Erase whom or what the request names; True when that is done. Does nothing before it is due or while somebody else does it."""
    now = clock()
    lease = claim(PrivacyRequest, request_id, now=now, ttl=TTL, only=Q(due_at__lte=now, status=Status.OPEN))
    if lease is None:
        return False
    request = PrivacyRequest.objects.select_related("shop").get(pk=request_id)
    done: dict[str, Any] = {"done_at": now, "due_at": None, "external_id": "", "email": "", "orders": [], "problem": "", "status": Status.DONE}
    try:
        with kept(lease, clock):
            if request.kind == Kind.ERASE_SHOP:
                if _came_back(request):
                    return lease.release(**done | {"status": Status.IGNORED, "problem": "The app was installed again meanwhile."})
                erase_shop(request.shop, request)
                return True  # the request went with the shop
            erased = erase_person(request, clock)
    except IntegrationError as error:
        wait = timedelta(seconds=min(2 ** min(request.failures + 3, 12), 3_600))
        lease.release(due_at=clock() + wait, failures=request.failures + 1, problem=str(error)[:300])
        log.warning("privacy.waits", request__id=request_id, shop__id=request.shop_id, error=type(error).__name__)
        return False
    except BaseException:
        lease.release(due_at=clock() + timedelta(minutes=5), failures=request.failures + 1, problem="SegSync itself failed on it; its log says why.")
        raise
    return lease.release(**done | {"erased": erased})


def people_of(request: PrivacyRequest) -> list[int]:
    """The customers whom a request names, those merged into them included."""
    names = Q(kind=request.vendor, value=request.external_id) if request.external_id else Q(pk__in=[])
    if request.email:
        names |= Q(kind=Identity.EMAIL, value=request.email)
    found = set(Identity.objects.filter(names, shop=request.shop).values_list("customer_id", flat=True))
    found |= set(Customer.objects.filter(shop=request.shop, merged_into__in=found).values_list("pk", flat=True))
    return sorted(found)


def erase_person(request: PrivacyRequest, clock: Callable[[], datetime]) -> dict[str, int]:
    """Take our marks away from the person over there, then everything of them here; returns how much of each kind went.

    Raises Transient while a platform cannot be told; after PATIENCE that is no longer waited for.
    """
    shop, now = request.shop, clock()
    with ExitStack() as stack:
        for channel in Channel.objects.filter(shop=shop).order_by("pk"):  # nobody tells of the person while they are erased
            held = claim(Channel, channel.pk, now=now, ttl=TTL)
            if held is None:
                raise Busy("The platform is being told things; this comes next.")
            stack.callback(held.release)
            stack.enter_context(kept(held, clock))
        people = people_of(request)
        try:
            _unmark(shop, people, clock)
        except IntegrationError as error:
            if now < request.received_at + PATIENCE:
                raise error if isinstance(error, Transient) else Transient(str(error)) from error
            log.warning("privacy.marks_left", request__id=request.pk, shop__id=shop.pk)
        with transaction.atomic():
            Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)  # no page is stored meanwhile
            return _erase(request, people_of(request), now)


def _unmark(shop: Shop, people: Sequence[int], clock: Callable[[], datetime]) -> None:
    """Have every mark of ours taken away from these people. Connections that are over are passed over: nobody can tell them anything."""
    owned = LedgerEntry.objects.filter(shop=shop, profile__customer__in=people, profile__gone_at__isnull=True, owned_since__isnull=False)
    by_connection: dict[int, list[LedgerEntry]] = defaultdict(list)
    for entry in owned.exclude(profile__external_id__startswith=Profile.PENDING).select_related("target", "profile"):
        by_connection[entry.connection_id].append(entry)
    for connection in Connection.objects.filter(pk__in=list(by_connection), status=Connection.Status.CONNECTED).select_related("shop"):
        if connection.shop.status == Shop.Status.UNINSTALLED:
            continue
        if not enter(connection, clock()):
            raise Transient("The platform asked not to be called for now.")
        destination = registry.destination(connection, registry.DestinationSettings(folder=settings_of(shop).list_folder))
        changes = [Change(entry.pk, place_of(entry.target), entry.profile.external_id, add=False) for entry in by_connection[connection.pk]]
        try:
            outcomes = destination.write(changes)
            answered(connection)
        except IntegrationError as error:
            heed(connection, error, 1, clock())
            raise
        if any(outcome.result in (Result.UNKNOWN, Result.RETRY, Result.UNSENT) for outcome in outcomes):
            raise Transient("The platform did not say that our marks are gone.")


def _erase(request: PrivacyRequest, people: Sequence[int], now: datetime) -> dict[str, int]:
    shop = request.shop
    names: set[Key] = set(Identity.objects.filter(shop=shop, customer_id__in=people).values_list("kind", "value"))
    records = Profile.objects.filter(shop=shop, customer_id__in=people)
    names |= {(source, id_) for source, id_ in records.values_list("source", "external_id") if not id_.startswith(Profile.PENDING)}
    names |= {(Identity.EMAIL, address) for emails in records.values_list("emails", flat=True) for one in emails if (address := normal_email(one))}
    names |= {(request.vendor, request.external_id)} if request.external_id else set()
    names |= {(Identity.EMAIL, request.email)} if request.email else set()
    bury(shop.pk, names, now)
    addresses = [value for kind, value in names if kind == Identity.EMAIL]
    ids = [(kind, value) for kind, value in names if kind != Identity.EMAIL]
    counted: dict[str, int] = defaultdict(int)
    _shrink(shop, people)
    theirs = Q(customer_id__in=people) | Q(subject__in=addresses)
    for kind, value in ids:
        theirs |= Q(source=kind, contact_id_text=value)
        _note(counted, Finding.objects.filter(shop=shop, audit__connection__vendor=kind, external_id=value).delete())
    _note(counted, Activity.objects.filter(theirs, shop=shop).delete())
    _note(counted, Order.objects.filter(Q(customer_id__in=people) | Q(source=request.vendor, external_id__in=request.orders), shop=shop).delete())
    _note(counted, Checkout.objects.filter(shop=shop, customer_id__in=people).delete())
    _note(counted, Customer.objects.filter(shop=shop, pk__in=people).delete())
    counted["Delivery"] = _blank(shop, addresses, ids, now)
    log.info("person.erased", shop__id=shop.pk, request__id=request.pk, people=len(people))
    return dict(counted)


def _note(counted: dict[str, int], deleted: tuple[int, dict[str, int]]) -> None:
    for label, number in deleted[1].items():
        counted[label.rpartition(".")[2]] += number


def _shrink(shop: Shop, people: Collection[int]) -> None:
    """The sizes of the segments follow."""
    stays = Membership.objects.filter(shop=shop, customer_id__in=people, until__isnull=True)
    resize(shop, {segment: -members for segment, members in stays.order_by().values_list("segment").annotate(n=Count("pk"))})


def _blank(shop: Shop, addresses: Sequence[str], ids: Collection[Key], now: datetime) -> int:
    """Empty every webhook kept of the shop that names the person; one that was still to be looked at has nothing left to tell."""
    mails = [re.escape(address.encode()) for address in addresses]
    blanked = 0
    for vendor in registry.connectors:
        numbers = [rb"(?<!\d)" + value.encode() + rb"(?!\d)" for kind, value in ids if kind == vendor and value.isascii() and value.isdigit()]
        if not (words := mails + numbers):
            continue
        named = re.compile(b"|".join(words), re.IGNORECASE)
        rows = Delivery.objects.filter(shop=shop, vendor=vendor).exclude(body=b"{}").order_by("pk").values_list("pk", "body")
        for some in _runs((pk, bytes(body)) for pk, body in rows.iterator(chunk_size=BATCH)):
            found = [pk for pk, body in some if named.search(body)]
            Delivery.objects.filter(pk__in=found, outcome=Delivery.Outcome.WAITING).update(outcome=Delivery.Outcome.IGNORED, handled_at=now)
            blanked += Delivery.objects.filter(pk__in=found).update(body=b"{}")
    return blanked


def _runs(rows: Iterator[tuple[int, bytes]]) -> Iterator[list[tuple[int, bytes]]]:
    some: list[tuple[int, bytes]] = []
    for row in rows:
        some.append(row)
        if len(some) == BATCH:
            yield some
            some = []
    if some:
        yield some


def _came_back(request: PrivacyRequest) -> bool:
    """Whether the app was installed again after the platform asked to erase the shop: then nothing is erased."""
    connected = Connection.objects.filter(shop=request.shop, vendor=request.vendor).exclude(status=Connection.Status.DISCONNECTED)
    return request.shop.status == Shop.Status.INSTALLED and connected.exists()


def erase_shop(shop: Shop, request: PrivacyRequest) -> None:
    """Take away everything of a shop, in parts that may be repeated: rows, settings, keys, requests, and the files made of them."""
    shop_id = shop.pk
    Connection.objects.filter(shop=shop).update(status=Connection.Status.DISCONNECTED)  # whoever is at work there stops
    for rows in (
        Membership.objects.filter(shop=shop),
        Disagreement.objects.filter(shop=shop),
        Evaluation.objects.filter(shop=shop),
        Finding.objects.filter(shop=shop),
        LedgerEntry.objects.filter(shop=shop),
        Activity.objects.filter(shop=shop),
        Order.objects.filter(shop=shop),
        Checkout.objects.filter(shop=shop),
        Customer.objects.filter(shop=shop),
        Product.objects.filter(shop=shop),
        Delivery.objects.filter(shop=shop),
        Target.objects.filter(shop=shop),
    ):
        _delete_all(rows)
    Segment.objects.filter(shop=shop).update(version=None, judged_version=None)  # versions are protected while they are in force
    Shop.objects.filter(pk=shop_id).delete()
    shutil.rmtree(files.folder(shop_id), ignore_errors=True)
    log.info("shop.erased", shop__id=shop_id, request__id=request.pk)


def _delete_all(rows: QuerySet[Any]) -> None:
    while some := list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        rows.model._base_manager.filter(pk__in=some).delete()
