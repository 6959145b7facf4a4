"""Comparisons in words: `is at least 3`, `in the last 30 days`, `between 180 and 91 days ago`."""

from __future__ import annotations

import datetime as dt

from segsync.rules import tree
from segsync.rules.entries import Type
from segsync.rules.errors import listed

UNITS = {"min": "minute", "h": "hour", "d": "day", "w": "week", "m": "month", "y": "year"}
AMOUNTS = {"=": "exactly {}", ">": "more than {}", ">=": "at least {}", "<": "less than {}", "<=": "at most {}", "!=": "anything but {}"}
WORDS = {"CONTAINS": ("contains", "does not contain"), "STARTS WITH": ("begins with", "does not begin with")}
WORDS["ENDS WITH"] = ("ends with", "does not end with")


def quoted(text: str) -> str:
    """A text in quotation marks."""
    return f"‘{text}’"


def several(amount: int, unit: str) -> str:
    """`1 day`, `30 days`."""
    return f"{amount} {UNITS[unit]}{'' if amount == 1 else 's'}"


def value_phrase(value: tree.Value, kind: Type) -> str:
    """One value in words; enumerated words lose their capitals."""
    match value:
        case tree.Text():
            return value.value.replace("_", " ").lower() if kind is Type.ENUM else quoted(value.value)
        case tree.Number():
            return f"{value.value:f}"
        case tree.Flag():
            return "true" if value.value else "false"
        case tree.Day():
            return _day(value.value)
        case tree.LocalTime():
            return f"{_day(value.value)} at {value.value:%H:%M:%S}".removesuffix(":00")
        case tree.Offset(amount=0):
            return "now" if value.unit in ("h", "min") else "today"
        case tree.Offset():
            length = several(abs(value.amount), value.unit)
            return f"{length} ago" if value.amount < 0 else f"{length} from now"
        case tree.Named():
            return value.name


def _day(day: dt.date) -> str:
    return f"{day.day} {day:%B %Y}"


def amount_phrase(test: tree.Test) -> str:
    """`at least 3`, `between 2 and 5`, for counts and totals."""
    values = [value_phrase(value, Type.DECIMAL) for value in test.values]
    not_ = "not " if test.negated else ""
    match test.operator:
        case "BETWEEN":
            return f"{not_}between {values[0]} and {values[1]}"
        case "IN":
            return f"{not_}{listed(values)}"
        case _:
            return AMOUNTS[test.operator].format(values[0])


def condition(test: tree.Test, kind: Type) -> str:
    """What follows `whose label`: `is at least 3`, `was in the last 30 days`, `begins with ‘A’`."""
    if kind is Type.DATE:
        return f"was {date_phrase(test)}"
    values = [value_phrase(value, kind) for value in test.values]
    if test.operator in WORDS:
        return f"{WORDS[test.operator][test.negated]} {values[0]}"
    if kind in (Type.INTEGER, Type.MONEY, Type.DECIMAL) and test.operator not in ("=", "!="):
        return f"is {amount_phrase(test)}"
    negated = test.negated != (test.operator == "!=")
    return f"is {'not ' if negated else ''}{listed(values)}"


def date_phrase(test: tree.Test) -> str:
    """When: `in the last 30 days`, `more than 180 days ago`, `on or after 31 January 2026`."""
    first = test.values[0]
    words = [value_phrase(value, Type.DATE) for value in test.values]
    not_ = "not " if test.negated else ""
    if test.operator == "BETWEEN":
        return f"{not_}{_between(test.values[0], test.values[1], words)}"
    if test.operator in ("=", "!=", "IN"):
        negated = test.negated or test.operator == "!="
        return f"{'not ' if negated else ''}{listed(_on(value, word) for value, word in zip(test.values, words, strict=True))}"
    if isinstance(first, tree.Offset) and first.amount < 0:
        length = several(-first.amount, first.unit)
        last = UNITS[first.unit] if first.amount == -1 else length
        return {
            ">=": f"in the last {last}",
            ">": f"less than {length} ago",
            "<": f"more than {length} ago",
            "<=": f"{length} ago or earlier",
        }[test.operator]
    return {">=": "{} or later", ">": "after {}", "<": "before {}", "<=": "{} or earlier"}[test.operator].format(words[0])


def _between(low: tree.Value, high: tree.Value, words: list[str]) -> str:
    if isinstance(low, tree.Offset) and isinstance(high, tree.Offset) and low.unit == high.unit and max(low.amount, high.amount) < 0:
        return f"between {-low.amount} and {several(-high.amount, high.unit)} ago"
    return f"between {words[0]} and {words[1]}"


def _on(value: tree.Value, word: str) -> str:
    return f"on {word}" if isinstance(value, tree.Day) else f"at {word}" if isinstance(value, tree.LocalTime) else word
