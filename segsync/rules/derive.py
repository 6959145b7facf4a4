"""The derived attributes of one customer, as the language defines them: from own facts, the shop's settings and the cuts in force.

`numbers` reads the facts once; what depends on the cuts works on those numbers alone, so that a shop's cuts can be worked out without
holding anybody's facts. Days are whole days of the shop's calendar; ratios are exact fractions.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise

from segsync.rules import engagement
from segsync.rules.context import ShopContext
from segsync.rules.facts import CustomerFacts, fold
from segsync.rules.moments import Moment
from segsync.rules.readers import counted
from segsync.rules.settings import Benefit, DerivedSettings

BUCKETS = 100
# Sixty bits of the hash, which a 64-bit integer holds everywhere.
HASH_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Numbers:
    """A customer's own numbers on one day. Ages are in whole local days and missing without orders.

    `gaps` holds the days between consecutive counted orders; `median_gap` is missing under the orders that a own gap takes.
    `recency`, `frequency` and `monetary` (minor units) are those of the RFM window, missing without an order in it.
    """

    orders: int
    first_age: int | None
    last_age: int | None
    gaps: tuple[int, ...]
    median_gap: Fraction | None
    orders_rated: int
    orders_used: int
    recency: int | None
    frequency: int | None
    monetary: int | None


# What was worked out last: many rules ask about one customer before the next one comes. Replaced whole, so that threads never mix.
_last: tuple[CustomerFacts, Moment, DerivedSettings, Numbers] | None = None


def numbers(facts: CustomerFacts, moment: Moment, settings: DerivedSettings) -> Numbers:
    """The numbers of one customer."""
    global _last
    last = _last
    if last is not None and last[0] is facts and last[1] is moment and last[2] is settings:
        return last[3]
    found = _numbers(facts, moment, settings)
    _last = (facts, moment, settings, found)
    return found


def _numbers(facts: CustomerFacts, moment: Moment, settings: DerivedSettings) -> Numbers:
    dated = sorted((moment.local_day(order.placed_at), order.amount_minor) for order in counted(facts))
    ages = [(moment.today - day).days for day, _ in dated]
    gaps = tuple(later - earlier for later, earlier in pairwise(ages))
    window = [(age, amount) for age, (_, amount) in zip(ages, dated, strict=True) if settings.rfm_days is None or age < settings.rfm_days]
    return Numbers(
        orders=len(ages),
        first_age=ages[0] if ages else None,
        last_age=ages[-1] if ages else None,
        gaps=gaps,
        median_gap=median(Counter(gaps)) if gaps and len(ages) >= settings.orders_for_own_gap else None,
        orders_rated=sum(age < settings.rate_days for age in ages),
        orders_used=sum(age < settings.usage_days for age in ages),
        recency=window[-1][0] if window else None,
        frequency=len(window) or None,
        monetary=sum(amount for _, amount in window) if window else None,
    )


def median(values: Counter[int]) -> Fraction | None:
    """The median of values and how often each occurs; the mean of the middle two of an even number; None of nothing."""
    count = values.total()
    if not count:
        return None
    low, high = nth(values, (count + 1) // 2), nth(values, count // 2 + 1)
    return Fraction(low + high, 2)


def nth(values: Counter[int], place: int) -> int:
    """The value at a place, from 1, in rising order. Raises IndexError for a place that there is not."""
    for value in sorted(values):
        place -= values[value]
        if place <= 0:
            return value
    raise IndexError("No value at that place.")


def overdue_ratio(own: Numbers, context: ShopContext) -> Fraction | None:
    """Days since the last order ÷ the reference gap: the own median gap above 0, else the shop's typical gap; missing without either."""
    gap = own.median_gap or context.typical_gap
    return None if own.last_age is None or not gap else own.last_age / gap


def orders_per_month(own: Numbers, settings: DerivedSettings) -> Fraction | None:
    """Recent counted orders ÷ the months since the first order, kept between one month and the window's."""
    if own.first_age is None:
        return None
    months = min(max(own.first_age / settings.days_per_month, Fraction(1)), Fraction(settings.rate_months))
    return own.orders_rated / months


def usage_rate(own: Numbers, context: ShopContext) -> str | None:
    """NON_USER, LIGHT, MEDIUM or HEAVY by the counted orders of the window; missing while there are no cuts."""
    if own.orders_used == 0:
        return "NON_USER"
    cuts = context.settings.usage_fixed or context.usage
    if cuts is None:
        return None
    return "LIGHT" if own.orders_used <= cuts[0] else "MEDIUM" if own.orders_used <= cuts[1] else "HEAVY"


def journey_stage(own: Numbers, context: ShopContext) -> str:
    """PROSPECT, LAPSED, AT_RISK, NEW or ACTIVE; a missing overdue ratio passes no comparison."""
    if not own.orders:
        return "PROSPECT"
    ratio, settings = overdue_ratio(own, context), context.settings
    if ratio is None:
        return "ACTIVE"
    if ratio > settings.lapsed_above:
        return "LAPSED"
    if ratio > settings.at_risk_above:
        return "AT_RISK"
    return "NEW" if own.orders == 1 and ratio <= settings.new_up_to else "ACTIVE"


def rfm_recency(own: Numbers, context: ShopContext) -> int | None:
    """1 to 5; the fewer days since the last order in the window, the better."""
    if own.recency is None or context.rfm is None:
        return None
    return 1 + sum(own.recency < cut for cut in context.rfm.recency)


def rfm_frequency(own: Numbers, context: ShopContext) -> int | None:
    """1 to 5 by counted orders in the window."""
    if own.frequency is None or context.rfm is None:
        return None
    return 1 + sum(own.frequency > cut for cut in context.rfm.frequency)


def rfm_monetary(own: Numbers, context: ShopContext) -> int | None:
    """1 to 5 by what the counted orders in the window come to."""
    if own.monetary is None or context.rfm is None:
        return None
    return 1 + sum(own.monetary > cut for cut in context.rfm.monetary)


def loyalty_tier(own: Numbers, settings: DerivedSettings) -> str:
    """The highest tier that holds, else NONE."""
    age = own.first_age
    return next((tier.name for tier in settings.loyalty if age is not None and own.orders >= tier.orders and age >= tier.days), "NONE")


def engagement_score(facts: CustomerFacts, moment: Moment, settings: DerivedSettings) -> int:
    """0 to 100 by what the customer did and how long ago."""
    table, weights = engagement.decay_table(settings.engagement_half_life), engagement.weight_units(settings)
    units = 0
    for activity in facts.activities:
        if weight := weights.get(activity.kind):
            age = max((moment.today - moment.local_day(activity.at)).days, 0)
            units += weight * table[age] if age < len(table) else 0
    return engagement.score(units, settings)


def discount_share(facts: CustomerFacts) -> Fraction | None:
    """Discounted counted orders ÷ counted orders; missing without one."""
    told = [order.discounted for order in counted(facts)]
    return Fraction(sum(told), len(told)) if told else None


def refund_share(facts: CustomerFacts) -> Fraction | None:
    """What was refunded of counted orders ÷ their gross amount; missing while they come to nothing."""
    orders = list(counted(facts))
    gross = sum(order.gross_minor for order in orders)
    return Fraction(sum(order.refunded_minor for order in orders), gross) if gross > 0 else None


def benefit_sought(facts: CustomerFacts, settings: DerivedSettings) -> str:
    """The benefit with the largest share of the spend on counted lines, if above the least share; the first in the settings wins a tie."""
    signs = [_signs(benefit) for benefit in settings.benefits]
    spent = [0] * len(signs)
    total = 0
    for order in counted(facts):
        shipping = fold(order.shipping) if order.shipping else None
        for line in order.lines:
            total += line.amount_minor
            for index, (benefit, tags, types, methods) in enumerate(signs):
                if (
                    (benefit.discounted and line.discounted)
                    or (tags and not tags.isdisjoint(map(fold, line.tags)))
                    or (types and line.product_type and fold(line.product_type) in types)
                    or (methods and shipping in methods)
                ):
                    spent[index] += line.amount_minor
    best, most = "NONE", total * settings.benefit_share_above
    for (benefit, *_), amount in zip(signs, spent, strict=True):
        if total > 0 and amount > most:
            best, most = benefit.name, Fraction(amount)
    return best


@lru_cache(maxsize=256)
def _signs(benefit: Benefit) -> tuple[Benefit, frozenset[str], frozenset[str], frozenset[str]]:
    """A benefit with its texts in the form in which they are compared."""
    return benefit, frozenset(map(fold, benefit.tags)), frozenset(map(fold, benefit.types)), frozenset(map(fold, benefit.shipping))


def nps_rating(facts: CustomerFacts) -> int | None:
    """The rating of the latest NPS answer (of two at once the higher); without answers, what HubSpot's contact property says."""
    answers = [(a.at, a.rating) for a in facts.activities if a.kind == "surveys.answered" and a.survey == "NPS" and a.rating is not None]
    if answers:
        return max(answers)[1]
    told = facts.properties.get("hubspot.hs_feedback_last_nps_rating", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) <= 2 and int(told) <= 10 else None


def nps_group(facts: CustomerFacts, settings: DerivedSettings) -> str | None:
    """PROMOTER, PASSIVE or DETRACTOR; missing without a rating."""
    rating = nps_rating(facts)
    if rating is None:
        return None
    return "PROMOTER" if rating >= settings.promoter_from else "PASSIVE" if rating >= settings.passive_from else "DETRACTOR"


def last_survey_rating(facts: CustomerFacts) -> int | None:
    """The rating of the latest survey answer of any kind; of two at once the higher."""
    answers = [(a.at, a.rating) for a in facts.activities if a.kind == "surveys.answered" and a.rating is not None]
    return max(answers)[1] if answers else None


def other_segments(facts: CustomerFacts, own: str) -> tuple[str, ...]:
    """The handles of the segments that the customer is in, without the rule's `own`: whoever is in it is not in it for being in it."""
    return tuple(handle for handle in facts.segments if handle != own) if own in facts.segments else facts.segments


def sample_bucket(customer_id: str, salt: str, rule_salt: str) -> int:
    """0 to 99: the first 15 hexadecimal digits of the SHA-256 of shop salt, rule salt and customer id, each on a line of its own (UTF-8,
    joined by one line feed), modulo 100. The same for good: nobody changes sides because others come or go."""
    digest = hashlib.sha256("\n".join((salt, rule_salt, customer_id)).encode()).hexdigest()
    return int(digest[:HASH_DIGITS], 16) % BUCKETS


def anniversary_in(day: date, year: int) -> date | None:
    """The anniversary of a day in a year: the same month and day, 29 February on the 28th of other years; None up to the day's own year."""
    if year <= day.year:
        return None
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)
