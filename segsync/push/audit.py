"""Reading back everything that a connection holds, each night and on demand: what drifted is told, and put right where the settings say so.

An audit goes on where a dead process left it: each batch keeps its counts, its findings, its repairs and how far it got in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, time, timedelta

import structlog
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import F, Q

from integrations import registry
from integrations.base import Destination, Holder, in_order
from integrations.errors import IntegrationError, Misconfigured, NotFound, Permanent, Rejected, Transient
from integrations.models import Connection, Shop
from segsync.diff.models import LedgerEntry, Target
from segsync.diff.targets import settings_of
from segsync.heartbeat import TTL, kept
from segsync.leases import Lease, claim, free
from segsync.push.drift import Compared, Comparison, Key, parked_marks
from segsync.push.models import Audit, AuditedTarget, Finding
from segsync.push.places import place_of, refuse
from segsync.reach import answered, enter, heed, reachable

log = structlog.get_logger(__name__)
NIGHT = time(3)  # local: after midnight's evaluation has been told, before people work
SPREAD, _STRIDE = 7_200, 1_237  # seconds over which the audits of one night are spread
SLICE = timedelta(seconds=60)  # work at most this long in one go, so that other shops get their turn
GATHERED = 2_000  # people read before they are compared
FINDINGS = 10_000  # of one kind and place that are kept one by one; all are counted
KEEP = timedelta(days=30)
GIVE_UP = 10  # failures in a row after which an audit ends without a result
COUNTS = ("right", "missing", "extra", "foreign", "renamed", "deleted", "limit", "gone", "respected", "waiting")


class LeaseLost(Exception):
    """Somebody else took the audit over; what this process was about to keep has been rolled back."""


def next_night(connection: Connection, now: datetime) -> datetime:
    """When the connection is audited next: in the small hours of its shop, each connection at a time of its own."""
    zone = connection.shop.tz
    today = now.astimezone(zone).date()
    turns = (datetime.combine(today + timedelta(days=days), NIGHT, tzinfo=zone) + timedelta(seconds=connection.pk * _STRIDE % SPREAD) for days in (0, 1, 2))
    return next(turn for turn in turns if turn > now).astimezone(now.tzinfo)


def plan(now: datetime) -> int:
    """Plan the next night for every connection that keeps marks and has nothing planned; returns how many were planned."""
    planned = Audit.objects.filter(finished_at__isnull=True)
    there = Connection.objects.filter(status=Connection.Status.CONNECTED, channel__isnull=False).exclude(pk__in=planned.values("connection"))
    news = [
        Audit(shop=connection.shop, connection=connection, due_at=next_night(connection, now))
        for connection in there.select_related("shop")
        if registry.connector(connection.vendor).mark is not None
    ]
    return len(Audit.objects.bulk_create(news, ignore_conflicts=True)) if news else 0


def ask(connection: Connection, now: datetime, by: AbstractBaseUser | None = None, *, only_report: bool = False) -> Audit:
    """Have the connection audited at once; returns that audit, or the one that is under way already."""
    asked = {"due_at": now, "cause": Audit.Cause.ASKED, "asked_by": by, "only_report": only_report}
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=connection.shop_id)
        open_ones = Audit.objects.filter(connection=connection, finished_at__isnull=True)
        if not open_ones.filter(status=Audit.Status.PLANNED).update(**asked) and not open_ones.exists():
            return Audit.objects.create(shop=connection.shop, connection=connection, **asked)
        return open_ones.get()


def due_audits(now: datetime) -> list[int]:
    """Audits that are due, whose connections may be called and that nobody holds."""
    return list(Audit.objects.filter(free(now), reachable(now), due_at__lte=now, finished_at__isnull=True).values_list("pk", flat=True))


def run(audit_id: int, clock: Callable[[], datetime]) -> bool:
    """Go on with an audit for a while; True when it has ended. Does nothing before it is due or while somebody else does it."""
    now = clock()
    lease = claim(Audit, audit_id, now=now, ttl=TTL, only=Q(finished_at__isnull=True, due_at__lte=now))
    if lease is None:
        return False
    audit = Audit.objects.select_related("connection__shop").get(pk=audit_id)
    if not enter(audit.connection, now):
        lease.release()
        return False
    try:
        with kept(lease, clock):
            _begin(audit, lease, now)
            done = _go_on(audit, lease, clock)
            answered(audit.connection)
            if not done:
                lease.release(due_at=clock(), failures=0, problem="")
                return False
        return _end(audit, lease, Audit.Status.DONE, "", clock())
    except LeaseLost:
        log.warning("audit.lost", audit__id=audit.pk)
    except IntegrationError as error:
        return _failed(audit, lease, error, clock())
    except Exception as error:
        _failed(audit, lease, Transient(f"SegSync itself failed on it ({type(error).__name__}); its log says why."), clock())
        raise
    except BaseException:
        lease.release()
        raise
    return False


def _begin(audit: Audit, lease: Lease, now: datetime) -> None:
    """Lay down what is to be compared, once."""
    if audit.status != Audit.Status.PLANNED:
        return
    places = Target.objects.filter(connection=audit.connection, state__in=(Target.State.ON, Target.State.PAUSED))
    made = places.exclude(kind=Target.Kind.LIST, external_id="").filter(Q(ready_at__isnull=False) | ~Q(reason="")).order_by("pk")
    audit.repairs = settings_of(audit.shop).audit_repairs and not audit.only_report
    audit.status, audit.started_at, audit.generation = Audit.Status.RUNNING, now, audit.connection.generation
    with transaction.atomic():
        _hold(audit, lease, now, repairs=audit.repairs, status=audit.status, started_at=now, generation=audit.generation)
        AuditedTarget.objects.bulk_create([AuditedTarget(shop=audit.shop, audit=audit, target=target) for target in made])


def _go_on(audit: Audit, lease: Lease, clock: Callable[[], datetime]) -> bool:
    """Compare what is left; False when time is up first. Raises Rejected when the account was connected anew meanwhile."""
    started = clock()
    destination = registry.destination(audit.connection, registry.DestinationSettings(folder=settings_of(audit.shop).list_folder))
    policy = settings_of(audit.shop).when_removed
    for row in audit.targets.filter(finished_at__isnull=True).select_related("target"):
        for _ in _target(row, audit, lease, destination, row.target.when_removed or policy, clock):
            same = Connection.objects.filter(pk=audit.connection_id, status=Connection.Status.CONNECTED, generation=audit.generation)
            if not same.exists():
                raise Rejected("The account was connected anew while it was read.")
            if clock() - started > SLICE:
                return False
    return True


def _target(row: AuditedTarget, audit: Audit, lease: Lease, destination: Destination, policy: str, clock: Callable[[], datetime]) -> Iterator[None]:
    """Compare one place, from where it was left; yields after each batch that is kept."""
    comparison = Comparison(audit, row.target, destination, policy, clock)
    try:
        if row.looked_at is None:
            stands = _look(row, audit, lease, destination, clock)
            yield
            if not stands:
                return
        if row.compared_at is None:
            for _ in _holders(row, comparison, lease, clock):
                yield
        yield from _refused(row, comparison, lease, clock)
    except NotFound as error:  # it was deleted while it was read
        _lost(row, audit, lease, str(error), clock())
        yield
    except Permanent as error:  # something about this place; the others are compared
        now = clock()
        _keep(row, lease, Compared(), now, finished_at=now, problem=str(error)[:300])
        yield


def _look(row: AuditedTarget, audit: Audit, lease: Lease, destination: Destination, clock: Callable[[], datetime]) -> bool:
    """Whether the place is there to be compared. What was renamed, or deleted beside it, is told."""
    target, found = row.target, Compared()
    standing = destination.standing(place_of(target), target.view_id if target.keeps_view else "")
    now = clock()
    if standing.problem:
        _lost(row, audit, lease, standing.problem, now)
        return False
    if standing.name != target.name:
        _about(found, row, Finding.Kind.RENAMED, f"It is called “{standing.name}” there.", now)
    if standing.view_problem:
        _about(found, row, Finding.Kind.DELETED, standing.view_problem, now)
        if audit.repairs:
            Target.objects.filter(pk=target.pk, reason="").update(reason=standing.view_problem)
    elif standing.view_name and not standing.view_name.startswith(target.label[:200]):
        _about(found, row, Finding.Kind.RENAMED, f"The saved segment is called “{standing.view_name}” there.", now)
    _keep(row, lease, found, now, looked_at=now)
    return True


def _lost(row: AuditedTarget, audit: Audit, lease: Lease, problem: str, now: datetime) -> None:
    """The place is gone, or takes no members any more: all its marks are missing, and nothing more is written there."""
    found = Compared()
    _about(found, row, Finding.Kind.DELETED, problem, now, Finding.Done.STOPPED if audit.repairs else Finding.Done.NOTHING)
    held = LedgerEntry.objects.filter(target=row.target, present=True, owned_since__isnull=False).count()
    found.counts["missing"] = held
    if audit.repairs:
        refuse(row.target, NotFound(problem), now)
    _keep(row, lease, found, now, looked_at=now, compared_at=now, finished_at=now, problem=problem[:300])


def _holders(row: AuditedTarget, comparison: Comparison, lease: Lease, clock: Callable[[], datetime]) -> Iterator[None]:
    """Everybody who has the mark beside everybody who should have it, both in the same order, a batch at a time."""
    last: Key = in_order(row.last)
    for people, cursor, read_at in _gathered(comparison.destination, row, clock):
        upto = in_order(people[-1].member) if cursor else None
        while True:
            found = comparison.compare(people, last, upto, read_at)
            through = found.upto == upto
            now = clock()
            fields: dict[str, object] = {"last": found.upto[1] if found.upto else row.last}
            if through:
                fields |= {"cursor": cursor} if cursor else {"cursor": "", "compared_at": now}
            _keep(row, lease, found, now, **fields)
            yield
            if through:
                break
            last = found.upto or last
        last = upto or last


def _gathered(destination: Destination, row: AuditedTarget, clock: Callable[[], datetime]) -> Iterator[tuple[Sequence[Holder], str, datetime]]:
    """Some thousand of those who have the mark, the cursor after them and when their reading began.

    Nobody where the platform does not list them: then those who should have it are asked for one by one. Raises Transient when they do
    not come in order.
    """
    people: list[Holder] = []
    read_at, key = clock(), (0, "")
    try:
        for page in destination.holders(place_of(row.target), row.cursor):
            keys = [in_order(one.member) for one in page.people]
            if keys and (keys != sorted(set(keys)) or keys[0] <= key):
                raise Transient("The platform did not tell people in order.")
            key = keys[-1] if keys else key
            people += page.people
            if not page.cursor or len(people) >= GATHERED:
                yield people, page.cursor, read_at
                people, read_at = [], clock()
    except Misconfigured:
        if people or row.cursor:
            raise
        yield [], "", read_at


def _refused(row: AuditedTarget, comparison: Comparison, lease: Lease, clock: Callable[[], datetime]) -> Iterator[None]:
    """Marks that the platform did not take, where that may be for want of room; then the place is done."""
    if comparison.destination.most_marks is not None:
        while entries := parked_marks(row.target, row.parked_upto):
            found = comparison.crowded(entries)
            row.parked_upto = entries[-1].pk
            _keep(row, lease, found, clock(), parked_upto=row.parked_upto)
            yield
    now = clock()
    _keep(row, lease, Compared(), now, finished_at=now)
    yield


def _about(found: Compared, row: AuditedTarget, kind: str, detail: str, now: datetime, done: str = Finding.Done.NOTHING) -> None:
    found.counts[kind] += 1
    found.findings.append(Finding(shop_id=row.shop_id, audit_id=row.audit_id, target=row.target, kind=kind, done=done, detail=detail[:300], found_at=now))


def _keep(row: AuditedTarget, lease: Lease, found: Compared, now: datetime, **fields: object) -> None:
    """Counts, findings, repairs and how far it got, in one transaction. Raises LeaseLost."""
    with transaction.atomic():
        Shop.objects.select_for_update(no_key=True).get(pk=row.shop_id)  # nobody is routed meanwhile
        _hold(row.audit, lease, now)
        repaired = sum(repair(now) for repair in found.repairs)
        for note in found.notes:
            note()
        news: list[Finding] = []
        room = {kind: FINDINGS - getattr(row, kind) for kind in Finding.Kind.values}
        for finding in found.findings:
            if room[finding.kind] > 0:
                news.append(finding)
            room[finding.kind] -= 1
        Finding.objects.bulk_create(news, batch_size=1_000)
        added = {name: F(name) + number for name, number in (found.counts | {"repaired": repaired}).items() if number}
        AuditedTarget.objects.filter(pk=row.pk).update(**fields, **added)
    row.refresh_from_db(fields=[*COUNTS, "repaired", *fields])


def _hold(audit: Audit, lease: Lease, now: datetime, **fields: object) -> None:
    if not Audit.objects.filter(pk=audit.pk, lease_token=lease.token).update(lease_until=now + TTL, **fields):
        raise LeaseLost


def _end(audit: Audit, lease: Lease, status: str, problem: str, now: datetime) -> bool:
    ended = lease.release(status=status, finished_at=now, due_at=None, problem=problem[:300])
    if ended:
        totals = {name: sum(getattr(row, name) for row in audit.targets.all()) for name in (*COUNTS, "repaired")}
        log.info("connection.audited", connection__id=audit.connection_id, shop__id=audit.shop_id, status=status, **totals)
        Audit.objects.filter(connection=audit.connection, finished_at__lt=now - KEEP).delete()
    return ended


def _failed(audit: Audit, lease: Lease, error: IntegrationError, now: datetime) -> bool:
    """Try again where it was left, or end without a result: the next night begins anew. True when it has ended."""
    failures = audit.failures + 1
    heed(audit.connection, error, failures, now)
    log.warning("audit.failed", audit__id=audit.pk, shop__id=audit.shop_id, error=type(error).__name__, failures=failures)
    if not isinstance(error, Transient) or failures >= GIVE_UP:
        return _end(audit, lease, Audit.Status.FAILED, str(error), now)
    wait = error.retry_after or min(2 ** min(failures, 10), 600)
    lease.release(due_at=now + timedelta(seconds=wait), failures=failures, problem=str(error)[:300])
    return False
