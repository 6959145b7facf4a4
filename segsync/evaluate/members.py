"""Who a rule names, without moving anybody: for commands, previews and comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time, timedelta

from integrations.models import Shop
from segsync.evaluate.facts import FactsReader
from segsync.evaluate.models import Membership
from segsync.rules import interpret, tree, windows
from segsync.rules.models import Segment
from segsync.rules.moments import Moment
from segsync.store.models import Customer

BATCH = 500
Evaluator = Callable[[Shop, tree.Rule, Moment, bool], Iterator[int]]


class NoSuchEvaluator(LookupError):
    """There is no evaluator of that name here; the message says what there is."""


def members(shop: Shop, rule: tree.Rule, moment: Moment, evaluator: str = "interpreter", *, rewind: bool = False) -> Iterator[int]:
    """The ids of the customers whom the rule names at that moment, ascending, in memory a batch at a time.

    With `rewind`, facts are read as of the moment (`segsync.evaluate.past`); without, as they are known now. People merged into
    others are never named. Raises RuleError for a rule that `check_tree` refuses, NoSuchEvaluator for an unknown evaluator.
    """
    try:
        evaluate = EVALUATORS[evaluator]
    except KeyError:
        raise NoSuchEvaluator(f"There is no {evaluator} evaluator in this version; use --evaluator {' or '.join(EVALUATORS)}.") from None
    return evaluate(shop, rule, moment, rewind)


def members_on(segment: Segment, on: datetime) -> Iterator[int]:
    """The ids of the customers who were in the segment at an instant, by its history, ascending."""
    stays = Membership.objects.filter(segment=segment, since__lte=on).exclude(until__lte=on)
    yield from stays.order_by("customer_id").values_list("customer_id", flat=True).distinct().iterator(chunk_size=5_000)


def end_of_day(moment: Moment) -> datetime:
    """The last instant of the moment's local day."""
    tomorrow = datetime.combine(moment.today + timedelta(days=1), time.min, tzinfo=moment.tz)
    return tomorrow.astimezone(moment.now.tzinfo) - timedelta(microseconds=1)


def _interpreted(shop: Shop, rule: tree.Rule, moment: Moment, rewind: bool) -> Iterator[int]:
    matches = interpret.compile_rule(rule, moment)
    reader = FactsReader(shop, windows.needs(rule), windows.activity_kinds(rule), as_of=moment.now if rewind else None)

    def found() -> Iterator[int]:
        last = 0
        living = Customer.objects.filter(shop=shop, merged_into__isnull=True).order_by("pk")
        while ids := list(living.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
            yield from (id_ for id_, facts in reader.read(ids).items() if matches(facts))
            last = ids[-1]

    return found()


EVALUATORS: Mapping[str, Evaluator] = {"interpreter": _interpreted}
