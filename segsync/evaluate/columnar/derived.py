"""The derived attributes over the columnar tables: usage, journey, RFM, loyalty, engagement, benefits. Their definitions are the language's.

`segsync.rules.derive` says the same for one customer; nothing of it is used here but the tables of the engagement score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal

import ibis

from segsync.evaluate.columnar.attributes import Read, Summary, grouped, orders_since, today
from segsync.evaluate.columnar.conditions import Ratio, beyond, every, literal, some
from segsync.evaluate.columnar.layout import table
from segsync.rules import engagement
from segsync.rules.facts import fold
from segsync.rules.predicates import Terms
from segsync.rules.settings import Benefit


def median_days_between_orders(customers: Any, terms: Terms) -> Ratio:
    """Half the sum of the two gaps in the middle; missing under the orders that an own gap takes."""
    enough = customers.counted >= terms.context.settings.orders_for_own_gap
    return Ratio(customers.gap_pair, ibis.ifelse(enough & customers.gap_pair.notnull(), 2, 0).cast("int64"))


def overdue_ratio(customers: Any, terms: Terms) -> Ratio:
    """Days since the last order by the own median gap above 0, else by the shop's typical gap."""
    own = ((customers.counted >= terms.context.settings.orders_for_own_gap) & (customers.gap_pair > 0)).fill_null(False)
    typical = terms.context.typical_gap or Fraction(0)
    age = today(terms) - customers.last_order_day.cast("int64")
    above = ibis.ifelse(own, age * 2, age * typical.denominator)
    below = ibis.ifelse(own, customers.gap_pair, ibis.literal(typical.numerator, "int64"))
    return Ratio(above, ibis.ifelse(customers.last_order_day.isnull(), 0, below))


def journey_stage(customers: Any, terms: Terms) -> Any:
    """The first stage that holds; a missing ratio passes no comparison."""
    settings, ratio = terms.context.settings, overdue_ratio(customers, terms)
    return ibis.cases(
        (customers.counted == 0, "PROSPECT"),
        (beyond(ratio, settings.lapsed_above, ">").fill_null(False), "LAPSED"),
        (beyond(ratio, settings.at_risk_above, ">").fill_null(False), "AT_RISK"),
        ((customers.counted == 1) & beyond(ratio, settings.new_up_to, "<=").fill_null(False), "NEW"),
        else_="ACTIVE",
    )


def loyalty_tier(customers: Any, terms: Terms) -> Any:
    """The highest tier that holds, else NONE."""
    age = today(terms) - customers.first_order_day.cast("int64")
    tiers = [(((customers.counted >= tier.orders) & (age >= tier.days)).fill_null(False), tier.name) for tier in terms.context.settings.loyalty]
    return ibis.cases(*tiers, else_="NONE") if tiers else ibis.literal("NONE")


def _usage_rate(grouped: Any, terms: Terms) -> Any:
    cuts = terms.context.settings.usage_fixed or terms.context.usage
    if cuts is None:
        return ibis.null("string")
    return ibis.cases((grouped.used <= cuts[0], "LIGHT"), (grouped.used <= cuts[1], "MEDIUM"), else_="HEAVY")


def _rated(rows: Any, terms: Terms) -> Mapping[str, Any]:
    since = today(terms) - terms.context.settings.rate_days
    return {"rated": (rows.day > since).ifelse(1, 0).sum(), "first_day": rows.day.min()}


def _orders_per_month(grouped: Any, terms: Terms) -> Ratio:
    """Orders ÷ months, both times the denominator of the months."""
    days = terms.context.settings.days_per_month
    age = (today(terms) - grouped.first_day.cast("int64")) * days.denominator
    months = ibis.least(ibis.greatest(age, days.numerator), terms.context.settings.rate_months * days.numerator)
    return Ratio(grouped.rated * days.numerator, months)


def _rfm(name: Literal["recency", "frequency", "monetary"], aggregate: Callable[[Any, Terms], Any]) -> Summary:
    def score(grouped: Any, terms: Terms) -> Any:
        if terms.context.rfm is None:
            return ibis.null("int64")
        cuts = getattr(terms.context.rfm, name)
        better = [(grouped.value < cut) if name == "recency" else (grouped.value > cut) for cut in cuts]
        return 1 + sum((each.ifelse(1, 0) for each in better), ibis.literal(0))

    return Summary(
        people=grouped(lambda terms: orders_since(terms.context.settings.rfm_days)(terms), lambda rows, terms: {"value": aggregate(rows, terms)}),
        value=score,
        empty=None,
    )


def _weighed(terms: Terms) -> Any:
    """What customers did and what it weighs."""
    weights = {kind: weight for kind, weight in engagement.weight_units(terms.context.settings).items() if weight}
    topics = table("topics")
    kinds = topics.filter(topics.kind.isin(sorted(weights))) if weights else topics.filter(ibis.literal(False))
    kinds = kinds.select(topic_key=kinds.key, weight=kinds.kind.cases(*sorted(weights.items()), else_=0).cast("int64") if weights else ibis.literal(0, "int64"))
    activities = table("activities").select("customer", "topic", "day")
    return activities.join(kinds, activities.topic == kinds.topic_key)


def _units(rows: Any, terms: Terms) -> Mapping[str, Any]:
    decay = engagement.decay_table(terms.context.settings.engagement_half_life)
    age = ibis.greatest(today(terms) - rows.day.cast("int64"), 0)
    left = _numbers(decay)[ibis.least(age, len(decay) - 1)]
    return {"units": ibis.ifelse(age < len(decay), rows.weight * left, 0).sum()}


def _score(grouped: Any, terms: Terms) -> Any:
    cuts = _numbers(engagement.score_cuts(terms.context.settings.engagement_scale))
    return cuts.filter(lambda cut: cut <= grouped.units).length()


def _numbers(values: Sequence[int]) -> Any:
    """A list of numbers as one constant; the database reads it once. As thousands of constants it would be slow to write and to read."""
    return literal(",".join(map(str, values)), "string").split(",").cast("array<int64>")


def _bought(terms: Terms) -> Any:
    """The lines of counted orders, and for each benefit, by its place, whether the line points to it."""
    lines, goods = table("order_lines"), table("goods")
    benefits = list(enumerate(terms.context.settings.benefits))
    shown = goods.select(goods_key=goods.key, **{f"product_{place}": _shown(benefit, goods) for place, benefit in benefits})
    bought = lines.select("customer", "goods", "discounted", "shipping", "amount").join(shown, lines.goods == shown.goods_key)
    pointing = {f"points_{place}": bought[f"product_{place}"] | _pointed(benefit, bought) for place, benefit in benefits}
    return bought.select("customer", "amount", **pointing)


def _shown(benefit: Benefit, goods: Any) -> Any:
    """Whether a product by itself points to a benefit. A product without a type is of no type, not of the type without a name."""
    tags = [goods.tags.contains(literal(tag, "string")) for tag in sorted(set(map(fold, benefit.tags)))]
    types = [goods.product_type == literal(kind, "string") for kind in sorted(set(map(fold, benefit.types)) - {""})]
    return some([*tags, *types]).fill_null(False)


def _pointed(benefit: Benefit, lines: Any) -> Any:
    """Whether the way in which a product was bought points to a benefit."""
    methods = [lines.shipping == literal(method, "string") for method in sorted(set(map(fold, benefit.shipping)) - {""})]
    return some([*methods, *([lines.discounted] if benefit.discounted else [])]).fill_null(False)


def _spent(rows: Any, terms: Terms) -> Mapping[str, Any]:
    places = range(len(terms.context.settings.benefits))
    by_benefit = {f"spent_{place}": rows[f"points_{place}"].ifelse(rows.amount, 0).sum() for place in places}
    return {"total": rows.amount.sum(), **by_benefit}


def _benefit_sought(people: Any, terms: Terms) -> Any:
    """The first benefit of those with most spend, if that is above the least share."""
    share, benefits = terms.context.settings.benefit_share_above, terms.context.settings.benefits
    spent = [people[f"spent_{place}"].cast("decimal(38, 0)") for place in range(len(benefits))]
    chosen = [
        (
            every(
                [
                    people.total > 0,
                    spent[place] * share.denominator > people.total.cast("decimal(38, 0)") * share.numerator,
                    *(spent[place] > other for other in spent[:place]),
                    *(spent[place] >= other for other in spent[place + 1 :]),
                ]
            ),
            benefit.name,
        )
        for place, benefit in enumerate(benefits)
    ]
    return ibis.cases(*chosen, else_="NONE") if chosen else ibis.literal("NONE")


def nps_group(customers: Any, terms: Terms) -> Any:
    """Missing without a rating."""
    settings, rating = terms.context.settings, customers.nps_rating
    return ibis.cases(
        (rating.isnull(), ibis.null("string")), (rating >= settings.promoter_from, "PROMOTER"), (rating >= settings.passive_from, "PASSIVE"), else_="DETRACTOR"
    )


DERIVED: dict[str, Read | Summary] = {
    "median_days_between_orders": median_days_between_orders,
    "overdue_ratio": overdue_ratio,
    "journey_stage": journey_stage,
    "loyalty_tier": loyalty_tier,
    "usage_rate": Summary(
        people=grouped(lambda terms: orders_since(terms.context.settings.usage_days)(terms), lambda rows, _: {"used": rows.count()}),
        value=_usage_rate,
        empty="NON_USER",
    ),
    "orders_per_month": Summary(people=grouped(orders_since(None), _rated), value=_orders_per_month, empty=None),
    "rfm_recency": _rfm("recency", lambda rows, terms: today(terms) - rows.day.max().cast("int64")),
    "rfm_frequency": _rfm("frequency", lambda rows, _: rows.count()),
    "rfm_monetary": _rfm("monetary", lambda rows, _: rows.amount.sum()),
    "engagement_score": Summary(people=grouped(_weighed, _units), value=_score, empty=0),
    "benefit_sought": Summary(people=grouped(_bought, _spent), value=_benefit_sought, empty="NONE"),
    "nps_group": nps_group,
}
