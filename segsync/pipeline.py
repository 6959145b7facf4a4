"""The only place that chains stages. `tick` finds rows that are due and sends nudges; losing every nudge loses nothing.

Tasks take ids, claim their row and do nothing when somebody else holds it; the next tick finds what is left.
"""

from __future__ import annotations

from datetime import datetime

import structlog
from celery import shared_task
from django.db import transaction
from django.db.models import F, Q, QuerySet

from integrations.models import Connection, Delivery, Shop
from segsync import clock, privacy
from segsync.diff.models import Target
from segsync.diff.route import route
from segsync.diff.targets import make_targets, reroute, settings_of
from segsync.evaluate import cuts, due, judge, sizes, standing
from segsync.evaluate.models import Cause, Schedule
from segsync.evaluate.scope import due_segments, edited, scope
from segsync.heartbeat import TTL, kept
from segsync.leases import Lease, claim, free
from segsync.pull import hints, named, run
from segsync.pull.models import Stream
from segsync.push import audit
from segsync.push.ledger import WRITTEN, to_tell
from segsync.push.models import Channel
from segsync.push.push import push
from segsync.reach import reachable
from segsync.rules.edit import create_segment
from segsync.rules.models import Segment
from segsync.rules.shop_vocabulary import vocabulary_of, want_properties
from segsync.rules.starters import starters
from segsync.store.models import Customer
from segsync.store.portrait import top_category

log = structlog.get_logger(__name__)
NUDGE = {"expires": 10, "ignore_result": True}
GIVE_UP = 12  # failures in a row (about three quarters of an hour) after which a first pull is not waited for any longer


@shared_task(name="segsync.pipeline.tick")
def tick(**_: object) -> None:
    """Look once at every stage and nudge a worker for each row that is due."""
    now = clock.now()
    if Delivery.objects.filter(outcome=Delivery.Outcome.WAITING).exists():
        privacy.collect(now)
        for stream_id in hints.look(now).to_fetch:
            fetch_named.apply_async(kwargs={"stream_id": stream_id}, **NUDGE)
    for stream_id in Stream.objects.filter(free(now), reachable(now), due_at__lte=now).values_list("pk", flat=True):
        pull_stream.apply_async(kwargs={"stream_id": stream_id}, **NUDGE)
    for shop_id in shops_to_decide(now):
        decide.apply_async(kwargs={"shop_id": shop_id}, **NUDGE)
    for channel_id in channels_to_push(now):
        push_channel.apply_async(kwargs={"channel_id": channel_id}, **NUDGE)
    for request_id in privacy.due_requests(now):
        act_on_request.apply_async(kwargs={"request_id": request_id}, **NUDGE)
    audit.plan(now)
    for audit_id in audit.due_audits(now):
        go_on_auditing.apply_async(kwargs={"audit_id": audit_id}, **NUDGE)


@shared_task(name="segsync.pipeline.pull_stream")
def pull_stream(*, stream_id: int, **_: object) -> None:
    """Pull one stream for a while, then look again."""
    if run.pull(stream_id, clock.now):
        tick.apply_async(**NUDGE)


@shared_task(name="segsync.pipeline.fetch_named")
def fetch_named(*, stream_id: int, **_: object) -> None:
    """Fetch what webhooks name of one stream, then judge whom it concerns."""
    shop_id = named.fetch(stream_id, clock.now)
    if shop_id is not None:
        decide.apply_async(kwargs={"shop_id": shop_id}, **NUDGE)


@shared_task(name="segsync.pipeline.decide")
def decide(*, shop_id: int, **_: object) -> None:
    """Bring one shop's memberships and ledger up to date."""
    now = clock.now()
    schedule = Schedule.objects.select_related("shop").filter(shop_id=shop_id).first()
    if schedule is None or not ready_to_decide(schedule.shop):
        return
    lease = claim(Schedule, schedule.pk, now=now, ttl=TTL)
    if lease is None:
        return
    fields: dict[str, object] = {}
    try:
        with kept(lease, clock.now):
            schedule.refresh_from_db()
            _start(schedule, now)
            fields = _evaluate(schedule, lease, now)
            make_targets(schedule.shop)
            route(schedule.shop, clock.now)
    except judge.LeaseLost:
        log.warning("shop.lost", shop__id=shop_id)
        return
    except Exception:
        lease.renew(now=clock.now(), ttl=TTL)  # kept, so that what fails is not tried again at once
        raise
    except BaseException:
        lease.release()
        raise
    lease.release(**fields)
    now = clock.now()
    for channel_id in channels_to_push(now, shop_id):
        push_channel.apply_async(kwargs={"channel_id": channel_id}, **NUDGE)
    if shop_id in marked(Customer.objects.filter(shop_id=shop_id)):  # somebody changed meanwhile
        decide.apply_async(kwargs={"shop_id": shop_id}, **NUDGE)


@shared_task(name="segsync.pipeline.push_channel")
def push_channel(*, channel_id: int, **_: object) -> None:
    """Tell one connection what is due."""
    if push(channel_id, clock.now):
        shop_id = Channel.objects.values_list("shop_id", flat=True).get(pk=channel_id)
        if channel_id in channels_to_push(clock.now(), shop_id):  # something was wanted after the last look
            push_channel.apply_async(kwargs={"channel_id": channel_id}, **NUDGE)


@shared_task(name="segsync.pipeline.go_on_auditing")
def go_on_auditing(*, audit_id: int, **_: object) -> None:
    """Compare one connection with the ledger for a while; what it puts right there is told at once."""
    if audit.run(audit_id, clock.now):
        tick.apply_async(**NUDGE)


@shared_task(name="segsync.pipeline.act_on_request")
def act_on_request(*, request_id: int, **_: object) -> None:
    """Erase whom or what a platform asks to be erased."""
    privacy.act(request_id, clock.now)


def _start(schedule: Schedule, now: datetime) -> None:
    """Once per shop, after its first back-fill: the starter segments, filled in from what the shop sells.

    A shop made by hand begins with what is imported into it: nothing can be filled in before.
    """
    if schedule.starters_at is not None:
        return
    shop = schedule.shop
    if not Stream.objects.filter(shop=shop).exists() and not Customer.objects.filter(shop=shop).exists():
        return
    with transaction.atomic():
        if not Segment.objects.filter(shop=shop).exists():
            for starter in starters(top_category(shop.pk)):
                create_segment(shop, handle=starter.handle, name=starter.name, description=starter.description, rule=starter.rule, author=None, now=now)
        Schedule.objects.filter(pk=schedule.pk).update(starters_at=now, whole_wanted_at=now, whole_cause=Cause.IMPORT)
    schedule.refresh_from_db()


def _evaluate(schedule: Schedule, lease: Lease, now: datetime) -> dict[str, object]:
    """Everybody, where that is asked for, due at midnight or cheaper; else who an hour window passed over. Then whoever changed.

    Returns what to set when the lease is given back.
    """
    shop = schedule.shop
    fields: dict[str, object] = {"decided_at": now}
    standing.recheck(shop, now)
    wanted = schedule.whole_wanted_at
    midnight = schedule.due_at is not None and schedule.due_at <= now
    new = edited(shop)
    crowded = judge.crowded(shop)
    if wanted or midnight or new or crowded:
        cause = schedule.whole_cause if wanted else None
        vocabulary, began = vocabulary_of(shop), due.last_midnight(shop, now)
        active = standing.active_segments(shop, vocabulary)
        found = scope(active, wanted=cause, midnight=midnight, crowded=crowded, new=new, cuts=cuts.in_force(shop), vocabulary=vocabulary, day_began=began)
        try:
            judge.judge_whole(shop, found, cause or (Cause.RULE if new else Cause.TIME if midnight else None), lease, clock.now)
        except judge.Replaced:
            log.info("evaluation.replaced", shop__id=shop.pk)
            return fields  # what asked for it is still due
        Schedule.objects.filter(pk=schedule.pk, whole_wanted_at=wanted).update(whole_wanted_at=None)
        run.add_streams(shop, now)  # a newer version may know more than when the shop was connected
        hints.recall(shop)
        if midnight:  # unless the shop moved to another time zone meanwhile: its next midnight is known already
            Schedule.objects.filter(pk=schedule.pk, due_at=schedule.due_at).update(due_at=due.next_midnight_turn(shop, now))
    if schedule.swept_until is None or schedule.swept_until <= now - due.SWEEP_EVERY:
        due.sweep(schedule, now)
        fields["swept_until"] = now
    if schedule.sized_on is None or schedule.sized_on < sizes.last_day(shop, now):
        fields["sized_on"] = sizes.keep(shop, schedule.sized_on, now)
    judge.judge_changed(shop, lease, clock.now)
    return fields


def ready_to_decide(shop: Shop) -> bool:
    """Whether everything connected has been pulled once, or cannot be: half a back-fill would move people in and out."""
    return not _asked(shop).filter(pulled_until__isnull=True, refused_at__isnull=True, failures__lt=GIVE_UP).exists()


def _asked(shop: Shop) -> QuerySet[Stream]:
    """The streams that are asked for now: connected, and within what was granted."""
    return Stream.objects.filter(shop=shop, connection__status=Connection.Status.CONNECTED, due_at__isnull=False)


def shops_to_decide(now: datetime) -> list[int]:
    """Shops with somebody to judge or to route, or whose evaluation or sweep is due. Who had their turn longest ago comes first."""
    schedules = Schedule.objects.filter(free(now)).exclude(shop__status=Shop.Status.UNINSTALLED)
    when = Q(whole_wanted_at__lte=now) | Q(due_at__lte=now) | Q(swept_until__lte=now - due.SWEEP_EVERY) | Q(swept_until__isnull=True)
    shops = set(schedules.filter(when).values_list("shop_id", flat=True))
    shops |= set(due_segments().filter(shop__schedule__in=schedules).values_list("shop_id", flat=True))
    shops |= marked(Customer.objects.filter(shop__schedule__in=schedules))
    turns = Schedule.objects.filter(shop__in=shops).order_by(F("decided_at").asc(nulls_first=True), "pk")
    return list(turns.values_list("shop_id", flat=True))


def marked(people: QuerySet[Customer]) -> set[int]:
    """The shops of those of these people who are to be judged or to be routed."""
    shops: set[int] = set()
    for newer, older in (("facts_version", "judged_version"), ("outcome_version", "routed_version")):  # each has an index of its own
        shops |= set(people.filter(**{f"{newer}__gt": F(older)}).order_by().values_list("shop_id", flat=True).distinct())
    return shops


def channels_to_push(now: datetime, shop_id: int | None = None) -> list[int]:
    """Ways out (of one shop or of all) with a mark to tell or a target to see to, that are free, not paused, stopped or waiting.

    Whose last turn is longest past comes first, however much others have to tell.
    """
    of_shop = {} if shop_id is None else {"shop": shop_id}
    channels = Channel.objects.filter(free(now), reachable(now), Q(due_at__isnull=True) | Q(due_at__lte=now), paused=False)
    entries = to_tell().filter(**of_shop, next_attempt_at__lte=now)
    waiting = set(entries.order_by().values_list("connection_id", flat=True).distinct())
    targets = Target.objects.filter(**of_shop, due_at__lte=now, state__in=WRITTEN, shop__writeback__stopped_at__isnull=True)
    waiting |= set(targets.values_list("connection_id", flat=True))
    return list(channels.filter(connection_id__in=waiting).order_by(F("due_at").asc(nulls_first=True), "pk").values_list("pk", flat=True))


def connected(connection: Connection, now: datetime) -> None:
    """A connection was made (again): ask for everything it has, and write to it whatever is not written yet."""
    run.make_streams(connection, now)
    channel, made = Channel.objects.get_or_create(shop=connection.shop, connection=connection)
    if not made:
        Channel.objects.filter(pk=channel.pk).update(due_at=None, failures=0, problem="")
    due.make_schedule(connection.shop, now)
    if made:
        judge.ask_whole(connection.shop, Cause.IMPORT, now)  # once everything is read; a shop made by hand was evaluated before


def rule_changed(segment: Segment, now: datetime) -> None:
    """A segment was made or its rule changed: judge everybody by it."""
    for connection in want_properties(segment.shop):
        run.ask_again(connection, now)
    Segment.objects.filter(pk=segment.pk).update(judged_version=None)
    make_targets(segment.shop)


def state_changed(segment: Segment, now: datetime) -> None:
    """A segment was paused, or turned on again: while it is paused it holds nobody's mark. Call in the transaction that changed it."""
    rule_changed(segment, now)
    reroute(segment.shop, [segment])


def settled(shop: Shop, now: datetime) -> bool:
    """Whether nothing is left to pull for the first time, judge, route, make ready or tell for this shop.

    Aside from what waits for a person: parked marks, held removals, targets that are paused, refused or in a dry run, connections that
    are not connected, and all writing of a shop that was stopped.
    """
    if any(one.is_news for one in standing.standings(shop, vocabulary_of(shop))):
        return False
    connected = Connection.objects.filter(shop=shop, status=Connection.Status.CONNECTED).values("vendor")
    if not ready_to_decide(shop) or Delivery.objects.filter(shop=shop, vendor__in=connected, outcome=Delivery.Outcome.WAITING).exists():
        return False
    if Customer.objects.filter(shop=shop).filter(Q(facts_version__gt=F("judged_version")) | Q(outcome_version__gt=F("routed_version"))).exists():
        return False
    schedule = Schedule.objects.filter(shop=shop).first()
    if schedule is None or schedule.whole_wanted_at or (schedule.lease_until and schedule.lease_until > now):
        return False
    if edited(shop):
        return False
    if _asked(shop).filter(Q(window_until__isnull=False) | Q(hinted_at__gt=F("pulled_until")), refused_at__isnull=True).exists():
        return False
    if settings_of(shop).stopped_at is not None:
        return True
    targets = Target.objects.filter(shop=shop, connection__status=Connection.Status.CONNECTED)
    if targets.filter(Q(state=Target.State.ON, ready_at__isnull=True) | Q(state=Target.State.LEAVING), reason="").exists():
        return False
    return not to_tell().filter(target__in=targets).exists()
