"""One meaning: the interpreter and the columnar evaluator give the same people for every rule, history, instant and time zone."""

from __future__ import annotations

import os
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from segsync.rules import tree
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment
from segsync.rules.settings import Benefit, DerivedSettings
from tests.properties.comparison import disagreements
from tests.properties.histories import customers
from tests.properties.moments import MOMENTS
from tests.properties.rules import rules

CASES = int(os.environ.get("SEGSYNC_PROPERTY_CASES", "300"))
RULES_EACH = 10
Shop = tuple[Moment, list[CustomerFacts], list[tree.Rule], DerivedSettings]
SETTINGS = st.sampled_from(
    (
        DerivedSettings(salt="corner-shop"),
        DerivedSettings(
            benefits=(
                Benefit("QUALITY", tags=("shoes", "100%"), types=("", "BOOTS")),
                Benefit("PRICE", discounted=True),
                Benefit("STATUS", shipping=("post",)),
            ),
            benefit_share_above=Fraction(0),
            promoter_from=7,
            passive_from=6,
            engagement_half_life=400,
        ),
        DerivedSettings(salt="", benefits=(), rfm_days=31, usage_days=30, rate_days=90, usage_fixed=(1, 2), orders_for_own_gap=2, engagement_half_life=2),
    )
)


def shops() -> st.SearchStrategy[Shop]:
    """A moment, the people of a shop, and rules to ask of them."""
    asked = lambda moment: st.lists(rules(moment), min_size=RULES_EACH, max_size=RULES_EACH)  # noqa: E731
    return MOMENTS.flatmap(lambda moment: st.tuples(st.just(moment), customers(moment), asked(moment), SETTINGS))


@settings(max_examples=-(-CASES // RULES_EACH), deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(shops())
def test_the_evaluators_agree_on_every_customer(shop: Shop) -> None:
    moment, people, asked, own = shop
    assert disagreements(asked, people, moment, own) == []
