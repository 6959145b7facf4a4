"""The first look at a rule's text: its limits, its unclosed quotes and its comments, in one pass that costs the same for any text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from segsync.rules.errors import RuleError, shown

MAX_CHARACTERS = 20_000
MAX_CLAUSES = 200
MAX_DEPTH = 20
MAX_LIST_VALUES = 500
# In all lists and brackets together, beyond any query that Shopify takes; it keeps the parse of any text under a tenth of a second.
MAX_COMMAS = 1_000

# A bracket after one of these, or after no word, is a group; others belong to MATCHES, IN or a call.
GROUP_FOLLOWS = frozenset({"", "AND", "OR", "NOT"})

# Characters nobody sees: controls, and the bidirectional overrides that make a rule read otherwise than it means.
UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

PIECE = re.compile(
    r"(?P<comment>--[^\n]*)|(?P<string>'(?:[^'\\\n]|\\[^\n])*')|(?P<quote>['\"`‘’“”])"
    r"|(?P<open>\()|(?P<close>\))|(?P<comma>,)|(?P<word>[A-Za-z_][\w.]*)"
)


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment without its dashes; `start` is its offset."""

    text: str
    start: int
    line: int


@dataclass(frozen=True, slots=True)
class Scanned:
    """A text within its limits, with line ends made `\\n`, its comments, and the offset of a bracket left open (or None)."""

    text: str
    comments: tuple[Comment, ...]
    unclosed: int | None


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column, both from 1, of an offset."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def scan(raw: str) -> Scanned:
    """Refuse, as RuleError, a text over a limit, with characters that cannot be seen, or with a quote left open."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MAX_CHARACTERS:
        raise RuleError(
            f"the rule has {len(text):,} characters and may have at most {MAX_CHARACTERS:,}; split it into several segments.",
            *place(text, MAX_CHARACTERS),
        )
    if unseen := UNSEEN.search(text):
        name = f"U+{ord(unseen.group()):04X}"
        raise RuleError(f"the rule holds the invisible character {name}; remove it.", *place(text, unseen.start()), name)
    if not text.strip():
        raise RuleError("the rule is empty; write a condition such as number_of_orders >= 1.", expected=("a condition",))
    return _walk(text)


def _walk(text: str) -> Scanned:
    comments: list[Comment] = []
    brackets: list[tuple[int, str]] = []
    commas, list_values, clauses, open_betweens, last_word = 0, 0, 1, 0, ""
    line, counted = 1, 0
    for piece in PIECE.finditer(text):
        kind, start = piece.lastgroup, piece.start()
        if kind == "comment":
            line += text.count("\n", counted, start)
            counted = start
            comments.append(Comment(piece.group()[2:].strip(), start, line))
        elif kind == "quote":
            raise _quote_error(text, start)
        elif kind == "open":
            brackets.append((start, last_word))
            list_values = 1
            if sum(before in GROUP_FOLLOWS for _, before in brackets[-MAX_DEPTH - 3 :]) > MAX_DEPTH:
                raise RuleError(f"groups are nested more than {MAX_DEPTH} deep; flatten the rule.", *place(text, start), "(")
        elif kind == "close" and brackets:
            brackets.pop()
        elif kind == "comma":
            commas += 1
            list_values += 1
            if brackets and brackets[-1][1] == "IN" and list_values > MAX_LIST_VALUES:
                raise RuleError(f"a list may hold at most {MAX_LIST_VALUES} values; split it with OR.", *place(text, start), ",")
            if commas > MAX_COMMAS:
                limit = f"{MAX_COMMAS:,}"
                raise RuleError(f"a rule may hold at most {limit} listed values and parameters in all.", *place(text, start), ",")
        elif kind == "word":
            last_word = piece.group().upper()
            if last_word == "BETWEEN":
                open_betweens += 1
            elif last_word == "AND" and open_betweens:
                open_betweens -= 1
            elif last_word in ("AND", "OR"):
                clauses += 1
                if clauses > MAX_CLAUSES:
                    raise RuleError(
                        f"a rule may hold at most {MAX_CLAUSES} conditions; split it into several segments.",
                        *place(text, start),
                        piece.group(),
                    )
        if kind not in ("word", "comment"):
            last_word = ""
    return Scanned(text, tuple(comments), brackets[-1][0] if brackets else None)


def _quote_error(text: str, start: int) -> RuleError:
    found = text[start : text.find("\n", start) if "\n" in text[start:] else len(text)]
    if text[start] == "'":
        message = f"the text {shown(found)} is not closed; end it with a ' on the same line (a ' inside it is written \\')."
    else:
        message = f"found {shown(text[start])}; text stands between straight single quotes, like 'this'."
    return RuleError(message, *place(text, start), shown(found), ("a text in single quotes",))
