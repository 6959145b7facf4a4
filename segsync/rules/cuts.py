"""The cuts of a shop: where ranks, usage, RFM scores and the typical gap lie among all its customers. This is their definition.

Customers are read once and let go; only numbers are kept, as values and how often each occurs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any

from segsync.rules import catalogue, derive
from segsync.rules.context import CutValue, RankKey, RfmCuts, ShopContext
from segsync.rules.derive import Numbers
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment
from segsync.rules.settings import DerivedSettings

Values = Counter[Any]


def compute_context(
    people: Iterable[CustomerFacts],
    moment: Moment,
    settings: DerivedSettings | None = None,
    ranks: Iterable[RankKey] = (),
    vocabulary: catalogue.Vocabulary = catalogue.NO_VOCABULARY,
) -> ShopContext:
    """The context of a shop with these customers at that moment, with a cut for each rank asked. Raises KeyError for a rank of no attribute."""
    context = ShopContext(settings or DerivedSettings(), computed_at=moment.now)
    keys = frozenset(ranks)
    direct: dict[str, Values] = {}
    from_numbers: dict[str, Callable[[Numbers, ShopContext], Any]] = {}
    for name in {key.name for key in keys}:
        entry = _entry(name, vocabulary)
        if entry.from_numbers is not None:
            from_numbers[name] = entry.from_numbers
        else:
            direct[name] = Counter()
    readers = {name: _entry(name, vocabulary).read for name in direct}
    gaps: Counter[int] = Counter()
    used: Counter[int] = Counter()
    recency: Counter[int] = Counter()
    frequency: Counter[int] = Counter()
    monetary: Counter[int] = Counter()
    kept: Counter[Numbers] = Counter()
    for facts in people:
        own = derive.numbers(facts, moment, context.settings)
        gaps.update(gap for gap in own.gaps if gap > 0)
        if own.orders_used:
            used[own.orders_used] += 1
        if own.recency is not None and own.frequency is not None and own.monetary is not None:
            recency[-own.recency] += 1
            frequency[own.frequency] += 1
            monetary[own.monetary] += 1
        if from_numbers:
            kept[replace(own, gaps=())] += 1
        for name, read in readers.items():
            value = read(facts, moment, context) if read else None
            if value is not None:
                direct[name][value] += 1
    low, high = context.settings.usage_percentiles
    context = replace(
        context,
        typical_gap=derive.median(gaps),
        usage=(nearest_rank(used, low), nearest_rank(used, high)) if used else None,
        rfm=_rfm(recency, frequency, monetary) if recency else None,
    )
    for name, read_numbers in from_numbers.items():
        direct[name] = Counter()
        for own, times in kept.items():
            value = read_numbers(own, context)
            if value is not None:
                direct[name][value] += times
    return replace(context, ranks=rank_cuts(keys, direct))


def nearest_rank(values: Counter[int], percent: int) -> int:
    """The nearest-rank percentile: the value at place ceil(n × percent ÷ 100)."""
    return derive.nth(values, max(-(-values.total() * percent // 100), 1))


def rank_cuts(keys: Iterable[RankKey], values: Mapping[str, Values]) -> dict[RankKey, CutValue]:
    """For each rank the value that is just in: competition rank at most ceil(n × p ÷ 100), or at most the count asked."""
    return {key: _rank_cut(values[key.name], key) for key in keys}


def _rank_cut(values: Values, key: RankKey) -> CutValue:
    count = values.total()
    if not count:
        return None
    size = ceil(Fraction(key.size) * count / 100) if key.percent else int(key.size)
    place = min(size, count)
    seen = 0
    cut: CutValue = None
    for value in sorted(values, reverse=key.end == "TOP"):
        cut = value
        seen += values[value]
        if seen >= place:
            break
    return cut


def _rfm(recency: Counter[int], frequency: Counter[int], monetary: Counter[int]) -> RfmCuts:
    newest_last = score_cuts(recency)
    days = (-newest_last[0], -newest_last[1], -newest_last[2], -newest_last[3])
    return RfmCuts(days, score_cuts(frequency), score_cuts(monetary))


def score_cuts(values: Counter[int]) -> tuple[int, int, int, int]:
    """The values that scores 2 to 5 lie strictly above, where score = 1 + floor(5 × strictly worse ÷ customers).

    Score k takes at least ceil((k − 1) × n ÷ 5) worse values, which is to lie above the value at that place.
    """
    count = values.total()
    one, two, three, four = (derive.nth(values, -(-step * count // 5)) for step in range(1, 5))
    return one, two, three, four


def _entry(name: str, vocabulary: catalogue.Vocabulary) -> catalogue.Attribute:
    entry = catalogue.attribute(name, vocabulary)
    if entry is None:
        raise KeyError(name)
    return entry
