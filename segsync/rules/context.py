"""What a rule needs to know of the whole shop: its settings, and the cuts in force.

Cuts are worked out by `segsync.rules.cuts` at each full evaluation, kept with it and used until the next, also for customers who
change in between. All exact: whole numbers and fractions, never floats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from segsync.rules.settings import DerivedSettings

FORM = 1
CutValue = int | Fraction | datetime | None


class RankKey(NamedTuple):
    """What a rank is asked of: `amount_spent IN TOP 10%` is `("amount_spent", "TOP", Decimal(10), True)`."""

    name: str
    end: Literal["TOP", "BOTTOM"]
    size: Decimal
    percent: bool


@dataclass(frozen=True, slots=True)
class RfmCuts:
    """For one of the three scores, the four values that scores 2, 3, 4 and 5 lie strictly beyond: fewer days, more orders, more money."""

    recency: tuple[int, int, int, int]
    frequency: tuple[int, int, int, int]
    monetary: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class ShopContext:
    """The settings and the cuts in force.

    `typical_gap` is the median of all gaps above 0 in days, None without one. `usage` holds the highest LIGHT and the highest MEDIUM
    number of orders, `rfm` the score cuts; None without customers to compare. `ranks` gives, for each rank asked, the value that is
    just in: customers at or beyond it are in; None when nobody has a value. `computed_at` is the instant that the cuts are of.
    """

    settings: DerivedSettings = field(default_factory=DerivedSettings)
    typical_gap: Fraction | None = None
    usage: tuple[int, int] | None = None
    rfm: RfmCuts | None = None
    ranks: Mapping[RankKey, CutValue] = field(default_factory=dict)
    computed_at: datetime | None = None
    rule_salt: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, exact; `from_json` gives an equal context back. The rule's salt is the rule's and stays out."""
        rfm = None if self.rfm is None else {name: list(getattr(self.rfm, name)) for name in ("recency", "frequency", "monetary")}
        return {
            "form": FORM,
            "settings": self.settings.to_json(),
            "typical_gap": None if self.typical_gap is None else str(self.typical_gap),
            "usage": None if self.usage is None else list(self.usage),
            "rfm": rfm,
            "ranks": [[key.name, key.end, f"{key.size:f}", key.percent, _cut_json(value)] for key, value in sorted(self.ranks.items(), key=_by_key)],
            "computed_at": None if self.computed_at is None else self.computed_at.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> ShopContext:
        """Back from `to_json`; an empty mapping is a shop not yet evaluated. Raises ValueError for another form."""
        if not data:
            return cls()
        if data.get("form") != FORM:
            raise ValueError(f"Cuts of form {data.get('form')!r} cannot be read; evaluate the shop again.")
        rfm = data["rfm"]
        ranks = {RankKey(name, end, Decimal(size), percent): _cut_value(value) for name, end, size, percent, value in data["ranks"]}
        return cls(
            settings=DerivedSettings.from_json(data["settings"]),
            typical_gap=None if data["typical_gap"] is None else Fraction(data["typical_gap"]),
            usage=None if data["usage"] is None else (data["usage"][0], data["usage"][1]),
            rfm=None if rfm is None else RfmCuts(tuple(rfm["recency"]), tuple(rfm["frequency"]), tuple(rfm["monetary"])),
            ranks=ranks,
            computed_at=None if data["computed_at"] is None else datetime.fromisoformat(data["computed_at"]),
        )


def _by_key(item: tuple[RankKey, CutValue]) -> RankKey:
    return item[0]


def _cut_json(value: CutValue) -> list[Any] | None:
    match value:
        case None:
            return None
        case datetime():
            return ["instant", value.isoformat()]
        case Fraction():
            return ["fraction", str(value)]
        case _:
            return ["integer", value]


def _cut_value(value: list[Any] | None) -> CutValue:
    match value:
        case None:
            return None
        case ["instant", text]:
            return datetime.fromisoformat(text)
        case ["fraction", text]:
            return Fraction(text)
        case [_, number]:
            return int(number)
        case _:
            raise ValueError("A cut must be a kind and a value; evaluate the shop again.")
