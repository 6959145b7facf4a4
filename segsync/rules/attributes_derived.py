"""The attributes that SegSync works out: usage, journey, RFM, loyalty, engagement, shares, benefits, feedback, samples.

Their definitions are in `segsync.rules.derive`; every number in them is a setting of the shop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from segsync.rules import derive
from segsync.rules.context import ShopContext
from segsync.rules.entries import Attribute, CutName, Type
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment
from segsync.rules.settings import BENEFITS, DEFAULT_WEIGHTS, TIERS

COUNTED = "counted orders"
FEEDBACK = "HubSpot feedback"
Read = Callable[[CustomerFacts, Moment, ShopContext], Any]


def _from(read: Callable[[derive.Numbers, ShopContext], Any]) -> Read:
    return lambda facts, moment, context: read(derive.numbers(facts, moment, context.settings), context)


def _counted(name: str, kind: Type, label: str, help_: str, read: Callable[[derive.Numbers, ShopContext], Any], *cuts: CutName, **more: Any) -> Attribute:
    """An attribute of counted orders; with cuts it can be read from a customer's own numbers once the cuts are known."""
    return Attribute(
        name=name,
        type=kind,
        label=label,
        help=help_,
        source=COUNTED,
        needs=frozenset({"orders"}),
        read=_from(read),
        day_valued=True,
        cuts=frozenset(cuts),
        from_numbers=read if cuts else None,
        **more,
    )


DERIVED: tuple[Attribute, ...] = (
    _counted(
        "orders_per_month",
        Type.DECIMAL,
        "orders per month",
        "Counted orders of the last 365 days ÷ the months since the first order, kept between 1 and 12.",
        lambda own, context: derive.orders_per_month(own, context.settings),
    ),
    _counted(
        "median_days_between_orders",
        Type.DECIMAL,
        "median days between orders",
        "The median of the days between consecutive counted orders; missing under 3 of them.",
        lambda own, _: own.median_gap,
    ),
    _counted(
        "overdue_ratio",
        Type.DECIMAL,
        "overdue ratio",
        "Days since the last order ÷ the customer's own median gap, else the shop's typical gap: above 1 is later than usual.",
        derive.overdue_ratio,
        "typical_gap",
    ),
    _counted(
        "usage_rate",
        Type.ENUM,
        "usage rate",
        "How often the customer ordered in a year, next to the shop's other customers.",
        derive.usage_rate,
        "usage",
        values=("HEAVY", "MEDIUM", "LIGHT", "NON_USER"),
    ),
    _counted(
        "journey_stage",
        Type.ENUM,
        "journey stage",
        "Never bought, new, active, at risk or lapsed, by how overdue the next order is.",
        derive.journey_stage,
        "typical_gap",
        values=("PROSPECT", "NEW", "ACTIVE", "AT_RISK", "LAPSED"),
    ),
    _counted("rfm_recency", Type.INTEGER, "recency score", "1 to 5 by how lately the customer bought; 5 is best.", derive.rfm_recency, "rfm"),
    _counted("rfm_frequency", Type.INTEGER, "frequency score", "1 to 5 by how often the customer bought; 5 is best.", derive.rfm_frequency, "rfm"),
    _counted("rfm_monetary", Type.INTEGER, "monetary score", "1 to 5 by how much the customer spent; 5 is best.", derive.rfm_monetary, "rfm"),
    _counted(
        "loyalty_tier",
        Type.ENUM,
        "loyalty tier",
        "By counted orders and the age of the first: 15 and two years is PLATINUM, 8 and one year GOLD, 4 and 180 days SILVER, 2 BRONZE.",
        lambda own, context: derive.loyalty_tier(own, context.settings),
        values=("NONE", *reversed(TIERS)),
    ),
    Attribute(
        name="engagement_score",
        type=Type.INTEGER,
        label="engagement score",
        help="0 to 100 by what the customer did and how lately: a month halves what it counts.",
        source="activities",
        needs=frozenset({"activities"}),
        read=lambda facts, moment, context: derive.engagement_score(facts, moment, context.settings),
        day_valued=True,
        activity_kinds=tuple(kind for kind, _ in DEFAULT_WEIGHTS),
    ),
    Attribute(
        name="discount_share",
        type=Type.DECIMAL,
        label="share of discounted orders",
        help="Discounted counted orders ÷ counted orders, from 0 to 1.",
        source=COUNTED,
        needs=frozenset({"orders"}),
        read=lambda facts, *_: derive.discount_share(facts),
    ),
    Attribute(
        name="refund_share",
        type=Type.DECIMAL,
        label="share refunded",
        help="What was refunded ÷ the gross amount of counted orders, from 0 to 1.",
        source=COUNTED,
        needs=frozenset({"orders"}),
        read=lambda facts, *_: derive.refund_share(facts),
    ),
    Attribute(
        name="benefit_sought",
        type=Type.ENUM,
        label="benefit sought",
        help="What the customer looks for, by which mapped products and discounts take most of the spend.",
        source="counted orders, by the shop's mapping of product tags, types, discounts and shipping",
        values=(*BENEFITS, "NONE"),
        needs=frozenset({"orders", "lines"}),
        read=lambda facts, _, context: derive.benefit_sought(facts, context.settings),
    ),
    Attribute(
        name="nps_rating",
        type=Type.INTEGER,
        label="NPS rating",
        help="The latest answer, 0 to 10, to how likely the customer is to recommend the shop.",
        source=FEEDBACK,
        needs=frozenset({"activities", "properties"}),
        activity_kinds=("surveys.answered",),
        read=lambda facts, *_: derive.nps_rating(facts),
    ),
    Attribute(
        name="nps_group",
        type=Type.ENUM,
        label="NPS group",
        help="PROMOTER from 9, PASSIVE from 7, DETRACTOR below.",
        source=FEEDBACK,
        values=("PROMOTER", "PASSIVE", "DETRACTOR"),
        needs=frozenset({"activities", "properties"}),
        activity_kinds=("surveys.answered",),
        read=lambda facts, _, context: derive.nps_group(facts, context.settings),
    ),
    Attribute(
        name="last_survey_rating",
        type=Type.INTEGER,
        label="last survey rating",
        help="The rating in the latest survey answer of any kind.",
        source=FEEDBACK,
        needs=frozenset({"activities"}),
        activity_kinds=("surveys.answered",),
        read=lambda facts, *_: derive.last_survey_rating(facts),
    ),
    Attribute(
        name="segments",
        type=Type.LIST,
        label="segments",
        help="The handles of the other segments that the customer is in.",
        source="SegSync memberships",
        exact_case=True,
        needs=frozenset({"segments"}),
        read=lambda facts, _, context: derive.other_segments(facts, context.rule_salt),
    ),
    Attribute(
        name="sample_bucket",
        type=Type.INTEGER,
        label="sample bucket",
        help="0 to 99, drawn for good by a hash of shop, customer and segment: below 90 is nine of ten, the rest a hold-out.",
        source="a stable hash",
        read=lambda facts, _, context: derive.sample_bucket(facts.customer_id, context.settings.salt, context.rule_salt),
    ),
)
