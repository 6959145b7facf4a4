"""Turns the parser's complaint into a sentence for the person who wrote the rule."""

from __future__ import annotations

import re

from lark.exceptions import UnexpectedInput, UnexpectedToken

from segsync.rules.errors import RuleError, listed, nearest, shown
from segsync.rules.scan import Scanned, place

KEYWORDS = ("AND", "OR", "NOT", "BETWEEN", "IN", "CONTAINS", "STARTS WITH", "ENDS WITH", "IS NULL", "MATCHES", "THEN", "WITHIN")

# What a person would call the terminals that the grammar allows at a place, in the order in which to name them.
WORDS: tuple[tuple[str, str], ...] = (
    ("NAME", "a parameter"),
    ("STRING", "a value"),
    ("COMPARE", "an operator such as =, BETWEEN"),
    ("DURATION", "a duration such as 24h"),
    ("_MATCHES", "MATCHES"),
    ("_BETWEEN", "BETWEEN"),
    ("_IN", "IN"),
    ("_CONTAINS", "CONTAINS"),
    ("_LPAR", "("),
    ("_AND", "AND"),
    ("_OR", "OR"),
    ("_WITHIN", "WITHIN"),
    ("_WITH", "WITH"),
    ("NULL", "NULL"),
    ("_COMMA", "a comma"),
    ("RPAR", ")"),
    ("NUMBER", "a number"),
    ("$END", "the end of the rule"),
)

HINTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T", re.IGNORECASE), "Times are written YYYY-MM-DDTHH:MM:SS, in the shop's time zone."),
    (re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}"), "Days are written YYYY-MM-DD, such as 2026-01-31."),
    (re.compile(r"[+-]?[0-9.]+e[+-]?[0-9]+", re.IGNORECASE), "Numbers are written in digits, without an exponent."),
    (re.compile(r"[0-9]+(d|w|m|y|h|min)", re.IGNORECASE), "Write a sign: -30d is 30 days ago and +30d is in 30 days."),
    (re.compile(r"[+-][0-9]+[a-z]+", re.IGNORECASE), "Offsets end in d, w, m, y, h or min, such as -30d."),
    (re.compile(r"==|<>|=>|=<|&&|\|\|"), "Operators are =, !=, >, >=, <, <=, AND, OR and NOT."),
    (re.compile(r"[0-9]"), "Numbers are written like 25 or 49.99."),
)
OPERATOR_END = re.compile(r"[=<>!&|]+$")


def syntax_error(error: UnexpectedInput, scanned: Scanned) -> RuleError:
    """One RuleError for whatever the parser stumbled over: what stood there, what could have, and the nearest right word."""
    text = scanned.text
    allowed = _allowed(error)
    at_end = isinstance(error, UnexpectedToken) and error.token.type == "$END"
    offset = len(text) if at_end else error.pos_in_stream or 0
    if operator := OPERATOR_END.search(text[max(0, offset - 2) : offset]):
        # `==` is read as `=` and then trouble: step back so that the whole of it is shown.
        offset -= len(operator.group()) if text[offset : offset + 1] in tuple("=<>!&|") else 0
    if offset >= len(text):
        return _end_error(allowed, scanned)
    word = _word(text, offset)
    if word == ")" and "RPAR" not in allowed and "$END" in allowed:
        return RuleError("this ) closes nothing; remove it.", *place(text, offset), ")", ("the end of the rule",))
    expected = _expected(allowed)
    message = f"found {shown(word)} where {listed(expected)} should be." if expected else f"found {shown(word)}, which has no meaning here."
    if "STRING" in allowed and re.match(r"[^\W\d]", word):
        message += " Text stands in single quotes."
    elif hint := next((hint for pattern, hint in HINTS if pattern.match(word)), None) if "STRING" in allowed else None:
        message += f" {hint}"
    keyword = nearest(word, KEYWORDS) if re.fullmatch(r"[A-Za-z]+", word) and "STRING" not in allowed else None
    suggestion = keyword if keyword and keyword != word.upper() else None
    return RuleError(message, *place(text, offset), shown(word), tuple(expected), suggestion)


def _allowed(error: UnexpectedInput) -> set[str]:
    """The terminals with which the rule could have gone on: those that the parser would really take, not its wider table."""
    interactive = getattr(error, "interactive_parser", None)
    return set(interactive.accepts()) if interactive is not None else set()


def _end_error(allowed: set[str], scanned: Scanned) -> RuleError:
    line, column = place(scanned.text, len(scanned.text))
    if scanned.unclosed is not None and "RPAR" in allowed:
        open_line, open_column = place(scanned.text, scanned.unclosed)
        message = f"the bracket opened at line {open_line}, column {open_column} is not closed; add a )."
        return RuleError(message, line, column, "the end of the rule", (")",))
    expected = _expected(allowed)
    return RuleError(f"the rule ends where {listed(expected)} should be.", line, column, "the end of the rule", tuple(expected))


def _word(text: str, offset: int) -> str:
    found = re.compile(r"[=<>!&|]+|[\w.:+/-]+|.", re.DOTALL).match(text, offset)
    return found.group() if found else ""


def _expected(allowed: set[str]) -> list[str]:
    words = dict(WORDS)
    hidden: set[str] = set()
    if "STRING" in allowed:  # the kinds of value are one thing to a person
        hidden |= {"NUMBER", "NAME", "RPAR"}
    if "COMPARE" in allowed:  # and so are the ways to compare
        hidden |= {"_BETWEEN", "_IN", "_CONTAINS", "_LPAR", "_MATCHES"}
        words["COMPARE"] += " or MATCHES" if "_MATCHES" in allowed else " or CONTAINS"
    if {"NAME", "_LPAR"} <= allowed:  # the beginning of a condition
        words["NAME"] = "a condition"
        hidden |= {"_LPAR"}
    return [word for terminal, word in words.items() if terminal in allowed - hidden]
