"""Rules over everybody as of an instant that has passed: what was so then is staged into a database of its own, and gone afterwards.

The shop's snapshot holds the present and is not touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from django.conf import settings as django_settings

from integrations.models import Shop
from integrations.money import exponent
from segsync.evaluate.columnar import cuts, engine, files, stays
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.columnar.rows import Flattener
from segsync.evaluate.columnar.stage import Stage, database
from segsync.evaluate.facts import FactsReader, everybody
from segsync.rules import catalogue, windows
from segsync.rules.context import RankKey, ShopContext
from segsync.rules.moments import Moment
from segsync.rules.settings import DerivedSettings
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary
from segsync.store.models import Customer

K = TypeVar("K")
BATCH = 1_000


@contextmanager
def opened(shop: Shop, rules: Mapping[K, Asked], moment: Moment, settings: DerivedSettings, vocabulary: Vocabulary = NO_VOCABULARY) -> Iterator[engine.Run[K]]:
    """The rules over the facts (`segsync.evaluate.past`), memberships and cuts of that moment. Memory stays bounded."""
    surveys = [windows.survey(asked.rule, vocabulary) for asked in rules.values()]
    ranks = frozenset[RankKey]().union(*(survey.ranks for survey in surveys))
    takes_cuts = bool(ranks) or any(survey.cuts for survey in surveys)
    needs = set[str]({"orders"} if takes_cuts else ()).union(*(survey.needs for survey in surveys))
    kinds = set[str]().union(*(survey.activity_kinds for survey in surveys))
    for name in {key.name for key in ranks}:
        entry = catalogue.attribute(name, vocabulary)
        needs |= entry.needs if entry else frozenset()
        kinds |= set(entry.activity_kinds) if entry else set()
    reader = FactsReader(shop, needs - {"segments"}, kinds, as_of=moment.now)
    spill = files.spill()
    with database(django_settings.SEGSYNC_MEMORY_LIMIT, spill) as connection:
        with Stage(connection, Flattener(shop.tz), spill) as stage:
            for ids in everybody(shop, BATCH):
                living = Customer.objects.filter(shop=shop, pk__in=ids, merged_into__isnull=True).order_by("pk").values_list("pk", flat=True)
                for id_, facts in reader.read(list(living)).items():
                    stage.add(id_, 0, facts)
        context = cuts.compute(connection, moment, settings, ranks, vocabulary) if takes_cuts else ShopContext(settings, computed_at=moment.now)
        memberships = stays.of(shop, rules.values(), moment.now)
        yield engine.staged(connection, rules, moment, exponent(shop.currency), context, vocabulary, memberships)
