"""Rules as people give them to a command, and their mistakes as a command shows them."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.core.management.base import CommandError

from integrations.models import Shop
from segsync.evaluate.standing import unread, values_read
from segsync.rules.check import CheckedRule, check_rule
from segsync.rules.errors import RuleError
from segsync.rules.shop_vocabulary import property_names, vocabulary_of
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary

MAX_BYTES = 200_000  # beyond any rule: 20,000 characters of at most four bytes, and comments of a generous editor
WIDTH = 100
Read = TypeVar("Read")


def rule_from(source: str) -> str:
    """The text of a file, or of standard input for `-`. Raises CommandError."""
    try:
        if source == "-":
            raw = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with Path(source).open("rb") as file:
                raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise CommandError(
            f"{source} cannot be read ({getattr(error, 'strerror', None) or error}); give a file with one rule, or - for standard input."
        ) from error
    if len(raw) > MAX_BYTES:
        raise CommandError(f"{source} is larger than any rule; give a file with one rule.")
    try:
        return raw.decode("utf-8-sig").removesuffix("\n")
    except UnicodeDecodeError as error:
        raise CommandError(f"{source} is not UTF-8 text (byte {error.start + 1:,}); save it as UTF-8.") from error


def checked(text: str, vocabulary: Vocabulary = NO_VOCABULARY) -> CheckedRule:
    """The rule, checked; raises CommandError that shows the place of a mistake."""
    return shown_on_error(text, lambda rule: check_rule(rule, vocabulary))


def judgeable(text: str, shop: Shop) -> CheckedRule:
    """The rule, checked by what the shop adds to the language; raises CommandError also for properties whose values are not pulled yet."""
    found = checked(text, vocabulary_of(shop))
    if refusal := unread(property_names(found.rule), values_read(shop)):
        raise CommandError(refusal)
    return found


def shown_on_error(text: str, read: Callable[[str], Read]) -> Read:
    """What `read` makes of the text; its RuleError becomes a CommandError with the line and a caret under the place."""
    try:
        return read(text)
    except RuleError as error:
        raise CommandError(f"{error}\n{_caret(text, error.line, error.column)}") from error


def _caret(text: str, line: int, column: int) -> str:
    """The line at fault, cut around the place where it is long, and a caret below."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    whole = lines[line - 1] if line <= len(lines) else ""
    start = max(0, min(column - 1 - WIDTH // 2, len(whole) - WIDTH))
    piece = "".join(char if char.isprintable() else "·" for char in whole[start : start + WIDTH])
    before, after = "…" if start else "", "…" if start + WIDTH < len(whole) else ""
    return f"  {before}{piece}{after}\n  {' ' * (len(before) + _cells(piece[: column - 1 - start]))}^"


def _cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return sum(0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)
