"""Who a rule names, without moving anybody: for commands, previews and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta

from integrations.models import Shop
from segsync.evaluate.columnar import engine, rewound, snapshot
from segsync.evaluate.columnar.compile import Asked
from segsync.evaluate.cuts import settings_of, worked_out
from segsync.evaluate.facts import FactsReader
from segsync.evaluate.models import Membership
from segsync.evaluate.whole import context_of
from segsync.rules import interpret, tree, windows
from segsync.rules.check import check_tree
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from segsync.rules.shop_vocabulary import vocabulary_of
from segsync.rules.vocabulary import Vocabulary
from segsync.store.models import Customer

BATCH = 500
Evaluator = Callable[[Shop, Asked, Moment, bool, Vocabulary], Iterator[int]]


class NoSuchEvaluator(LookupError):
    """There is no evaluator of that name here; the message says what there is."""


def members(
    shop: Shop,
    rule: tree.Rule,
    moment: Moment,
    evaluator: str = "interpreter",
    *,
    rewind: bool = False,
    salt: str = "",
    vocabulary: Vocabulary | None = None,
) -> Iterator[int]:
    """The ids of the customers whom the rule names at that moment, ascending, in memory a batch at a time.

    With `rewind`, facts are read as of the moment (`segsync.evaluate.past`); without, as they are known now. People merged into
    others are never named. Cuts and ranks are worked out as of the moment. `salt` is the rule's own for `sample_bucket` (a segment's
    handle); `vocabulary` is the shop's unless given. Raises RuleError for a rule that `check_tree` refuses, NoSuchEvaluator for an evaluator that is unknown.
    """
    try:
        evaluate = EVALUATORS[evaluator]
    except KeyError:
        raise NoSuchEvaluator(f"There is no {evaluator} evaluator in this version; use --evaluator {' or '.join(EVALUATORS)}.") from None
    return evaluate(shop, Asked(rule, salt), moment, rewind, vocabulary_of(shop) if vocabulary is None else vocabulary)


def members_on(segment: Segment, on: datetime) -> Iterator[int]:
    """The ids of the customers who were in the segment at an instant, by its history, ascending."""
    stays = Membership.objects.filter(segment=segment, since__lte=on).exclude(until__lte=on)
    yield from stays.order_by("customer_id").values_list("customer_id", flat=True).distinct().iterator(chunk_size=5_000)


def end_of_day(moment: Moment) -> datetime:
    """The last instant of the moment's local day."""
    tomorrow = datetime.combine(moment.today + timedelta(days=1), time.min, tzinfo=moment.tz)
    return tomorrow.astimezone(moment.now.tzinfo) - timedelta(microseconds=1)


def _interpreted(shop: Shop, asked: Asked, moment: Moment, rewind: bool, vocabulary: Vocabulary) -> Iterator[int]:
    check_tree(asked.rule, vocabulary)
    context = worked_out(shop, [asked.rule], moment.now, rewind=rewind)
    matches = interpret.compile_rule(asked.rule, moment, context, vocabulary, asked.handle)
    survey = windows.survey(asked.rule, vocabulary)
    reader = FactsReader(shop, survey.needs, survey.activity_kinds, as_of=moment.now if rewind else None)

    def found() -> Iterator[int]:
        last = 0
        living = Customer.objects.filter(shop=shop, merged_into__isnull=True).order_by("pk")
        while ids := list(living.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
            yield from (id_ for id_, facts in reader.read(ids).items() if matches(facts))
            last = ids[-1]

    return found()


def _by_columns(shop: Shop, asked: Asked, moment: Moment, rewind: bool, vocabulary: Vocabulary) -> Iterator[int]:
    check_tree(asked.rule, vocabulary)

    def found() -> Iterator[int]:
        if rewind:
            with rewound.opened(shop, {0: asked}, moment, settings_of(shop), vocabulary) as run:
                yield from run.members(0)
            return
        current = snapshot.refresh(shop, moment.now)
        context = context_of(shop, current, [asked.rule], moment, vocabulary)
        with engine.opened(shop, current, {0: asked}, moment, context, vocabulary) as run:
            yield from run.members(0)

    return found()


EVALUATORS: Mapping[str, Evaluator] = {"interpreter": _interpreted, "columnar": _by_columns}
