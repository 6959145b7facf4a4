"""The numbers behind the derived attributes: each the default of a setting that a shop may change. Exact, validated, kept with each evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from fractions import Fraction
from typing import Any

BENEFITS = ("PRICE", "QUALITY", "CONVENIENCE", "STATUS", "NOVELTY")
TIERS = ("PLATINUM", "GOLD", "SILVER", "BRONZE")


class SettingsError(ValueError):
    """A setting out of its range; `str()` names it and says what it may be."""


@dataclass(frozen=True, slots=True)
class Tier:
    """A loyalty tier: at least so many counted orders, the first at least so many local days ago."""

    name: str
    orders: int
    days: int


@dataclass(frozen=True, slots=True)
class Benefit:
    """What points to a benefit: a product's tags or type, a discount on the line, or the order's shipping method. Case does not matter."""

    name: str
    tags: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    shipping: tuple[str, ...] = ()
    discounted: bool = False


DEFAULT_TIERS = (Tier("PLATINUM", 15, 730), Tier("GOLD", 8, 365), Tier("SILVER", 4, 180), Tier("BRONZE", 2, 0))
DEFAULT_BENEFITS = (
    Benefit("PRICE", tags=("sale", "clearance", "outlet"), discounted=True),
    Benefit("QUALITY", tags=("premium", "organic", "handmade")),
    Benefit("CONVENIENCE", tags=("bundle", "subscription"), shipping=("express", "same day", "next day")),
    Benefit("STATUS", tags=("luxury", "limited edition", "designer")),
    Benefit("NOVELTY", tags=("new", "new arrival")),
)
# Points for one of each; thousandths of a point are the finest that is kept.
DEFAULT_WEIGHTS = (
    ("emails.opened", Fraction(1)),
    ("emails.clicked", Fraction(3)),
    ("storefront.page_viewed", Fraction(1, 2)),
    ("storefront.product_viewed", Fraction(1)),
    ("storefront.collection_viewed", Fraction(1)),
    ("storefront.cart_added", Fraction(4)),
    ("forms.submitted", Fraction(5)),
    ("surveys.answered", Fraction(5)),
    ("reviews.written", Fraction(5)),
    ("social.engaged", Fraction(2)),
)


@dataclass(frozen=True, slots=True)
class DerivedSettings:
    """One shop's settings. Raises SettingsError for one that means nothing.

    Lengths are whole local days; `usage_fixed` replaces the percentiles of orders a year by the merchant's own two cuts; `rfm_days` None
    is all time; `salt` tells this shop's random splits from another's.
    """

    lapsed_above: Fraction = Fraction(3)
    at_risk_above: Fraction = Fraction(3, 2)
    new_up_to: Fraction = Fraction(1)
    orders_for_own_gap: int = 3
    rate_days: int = 365
    days_per_month: Fraction = Fraction("30.4375")
    rate_months: int = 12
    usage_days: int = 365
    usage_percentiles: tuple[int, int] = (50, 80)
    usage_fixed: tuple[int, int] | None = None
    rfm_days: int | None = None
    loyalty: tuple[Tier, ...] = DEFAULT_TIERS
    engagement_weights: tuple[tuple[str, Fraction], ...] = DEFAULT_WEIGHTS
    engagement_half_life: int = 30
    engagement_scale: int = 20
    benefits: tuple[Benefit, ...] = DEFAULT_BENEFITS
    benefit_share_above: Fraction = Fraction(1, 3)
    promoter_from: int = 9
    passive_from: int = 7
    salt: str = ""

    def __post_init__(self) -> None:
        """Refuse what means nothing."""
        _need(0 < self.new_up_to <= self.at_risk_above < self.lapsed_above, "new_up_to, at_risk_above, lapsed_above", "rise, all above 0")
        _need(self.orders_for_own_gap >= 2, "orders_for_own_gap", "be 2 or more: one order has no gap")
        for name in ("rate_days", "usage_days", "rate_months", "engagement_half_life", "engagement_scale"):
            _need(0 < getattr(self, name) <= 36_500, name, "be between 1 and 36,500")
        _need(self.rfm_days is None or 0 < self.rfm_days <= 36_500, "rfm_days", "be between 1 and 36,500, or nothing for all time")
        _need(self.days_per_month > 0, "days_per_month", "be above 0")
        low, high = self.usage_percentiles
        _need(0 < low < high <= 100, "usage_percentiles", "be two rising percentages between 1 and 100")
        _need(self.usage_fixed is None or 0 < self.usage_fixed[0] < self.usage_fixed[1], "usage_fixed", "be two rising numbers of orders")
        _need(all(tier.name in TIERS and tier.orders >= 1 and tier.days >= 0 for tier in self.loyalty), "loyalty", f"use {', '.join(TIERS)}, orders from 1")
        _need([tier.name for tier in self.loyalty] == [name for name in TIERS if name in {t.name for t in self.loyalty}], "loyalty", "begin with the highest")
        milli = [weight * 1000 for _, weight in self.engagement_weights]
        _need(all(0 <= each <= 10**6 and each.denominator == 1 for each in milli), "engagement_weights", "be 0 to 1,000 in steps of 0.001")
        _need(all(benefit.name in BENEFITS for benefit in self.benefits), "benefits", f"be among {', '.join(BENEFITS)}")
        _need(0 <= self.benefit_share_above < 1, "benefit_share_above", "be from 0 to below 1")
        _need(0 <= self.passive_from < self.promoter_from <= 10, "passive_from, promoter_from", "rise between 0 and 10")

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values; fractions as `n/d`."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> DerivedSettings:
        """Back from `to_json`; what is left out keeps its default. Raises SettingsError for unknown names and values out of range."""
        if unknown := sorted(set(data) - {field.name for field in fields(cls)}):
            raise SettingsError(f"`{unknown[0]}` is no setting of the derived attributes; remove it.")
        try:
            return cls(**{name: _READ.get(name, _same)(value) for name, value in data.items()})
        except SettingsError:
            raise
        except (TypeError, ValueError, KeyError, ZeroDivisionError) as error:
            raise SettingsError(f"the settings of the derived attributes cannot be read: {error}.") from error


def _need(holds: bool, name: str, what: str) -> None:
    if not holds:
        raise SettingsError(f"`{name}` must {what}.")


def _plain(value: Any) -> Any:
    match value:
        case Fraction():
            return str(value)
        case tuple():
            return [_plain(item) for item in value]
        case Tier() | Benefit():
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        case _:
            return value


def _same(value: Any) -> Any:
    return value


def _benefit(data: Mapping[str, Any]) -> Benefit:
    return Benefit(data["name"], tuple(data.get("tags", ())), tuple(data.get("types", ())), tuple(data.get("shipping", ())), bool(data.get("discounted")))


_READ: dict[str, Any] = {
    **dict.fromkeys(("lapsed_above", "at_risk_above", "new_up_to", "days_per_month", "benefit_share_above"), Fraction),
    "usage_percentiles": tuple,
    "usage_fixed": lambda value: None if value is None else tuple(value),
    "loyalty": lambda value: tuple(Tier(str(tier["name"]), int(tier["orders"]), int(tier["days"])) for tier in value),
    "engagement_weights": lambda value: tuple((str(name), Fraction(weight)) for name, weight in value),
    "benefits": lambda value: tuple(_benefit(benefit) for benefit in value),
}
