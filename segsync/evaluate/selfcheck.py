"""After everybody was judged, some are judged again by the interpreter, which is the definition. A difference is a defect, and is told."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F, Max, Min

from integrations.models import Shop
from segsync.evaluate.facts import FactsReader
from segsync.evaluate.models import Disagreement, Membership, WholeRun
from segsync.evaluate.runs import Progress
from segsync.evaluate.standing import Active
from segsync.rules import interpret, windows
from segsync.rules.context import ShopContext
from segsync.rules.moments import Moment
from segsync.rules.vocabulary import Vocabulary
from segsync.store.models import Customer

log = structlog.get_logger(__name__)
# Neighbours are read together: so many at a place, at as many places as the sample takes.
AT_A_PLACE = 10
MOST_STORED = 1_000


@dataclass(frozen=True, slots=True)
class Compared:
    """How many customers were judged again, and on how many memberships the two judgements differ."""

    checked: int
    disagreements: int


def compare(run: WholeRun, segments: Sequence[Active], context: ShopContext, vocabulary: Vocabulary, progress: Progress) -> Compared:
    """Judge SEGSYNC_SELF_CHECK customers of the shop again as of the run, by its cuts; differences from what is stored are stored.

    Whoever changed since the run began is left out: the incremental path sees to them.
    """
    if not settings.SEGSYNC_SELF_CHECK or not segments:
        return Compared(0, 0)
    shop = run.shop
    needs = frozenset[str]().union(*(windows.needs(rule.rule, vocabulary) for _, rule in segments))
    activities = frozenset[str]().union(*(windows.activity_kinds(rule.rule, vocabulary) for _, rule in segments))
    reader = FactsReader(shop, needs, activities)
    moment = Moment(run.as_of, shop.tz)
    rules = [(segment, interpret.compile_checked(rule.rule, moment, context, vocabulary, segment.handle)) for segment, rule in segments]
    checked, found = 0, list[Disagreement]()
    for ids in _sample(shop, settings.SEGSYNC_SELF_CHECK):
        progress("judging some again")
        with transaction.atomic():
            Shop.objects.select_for_update(no_key=True).get(pk=shop.pk)
            settled = Customer.objects.filter(shop=shop, pk__in=ids, merged_into__isnull=True, changed_at__lte=run.as_of, facts_version=F("judged_version"))
            people = list(settled.values_list("pk", flat=True))
            facts = reader.read(people)
            stored = set(
                Membership.objects.filter(shop=shop, customer_id__in=people, segment__in=[s.pk for s, _ in segments], until__isnull=True).values_list(
                    "segment_id", "customer_id"
                )
            )
        checked += len(people)
        for segment, matches in rules:
            for person, known in facts.items():
                if matches(known) != ((segment.pk, person) in stored):
                    found.append(_disagreement(run, segment.pk, segment.version_id or 0, person, (segment.pk, person) in stored))
    Disagreement.objects.bulk_create(found[:MOST_STORED])
    if found:
        log.error("evaluation.disagreement", shop__id=shop.pk, run__id=run.pk, checked=checked, disagreements=len(found))
    return Compared(checked, len(found))


def _disagreement(run: WholeRun, segment: int, version: int, person: int, stored: bool) -> Disagreement:
    return Disagreement(shop_id=run.shop_id, run=run, segment_id=segment, version_id=version, customer_id=person, stored=stored, found_at=run.as_of)


def _sample(shop: Shop, size: int) -> Iterator[list[int]]:
    """About `size` customers from places spread over the shop, none twice."""
    everybody = Customer.objects.filter(shop=shop, merged_into__isnull=True)
    ends = everybody.aggregate(first=Min("pk"), last=Max("pk"))
    if ends["first"] is None:
        return
    seen: set[int] = set()
    for _ in range(-(-size // AT_A_PLACE)):
        place = random.randint(ends["first"], ends["last"])
        ids = [id_ for id_ in everybody.filter(pk__gte=place).order_by("pk").values_list("pk", flat=True)[:AT_A_PLACE] if id_ not in seen]
        seen.update(ids)
        if ids:
            yield ids
