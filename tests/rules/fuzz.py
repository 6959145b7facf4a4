"""The parser and checker fed with texts that nobody would write: `python -m tests.rules.fuzz SECONDS`.

Each text must parse and check, or give a RuleError with its place; anything else is a crash. Ends with the number of texts, the
slowest by the processor's time, and code 1 for a crash or a text that took longer than 100 ms.
"""

from __future__ import annotations

import random
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from segsync.rules import catalogue
from segsync.rules.check import check_rule
from segsync.rules.errors import RuleError
from segsync.rules.format import format_rule
from segsync.rules.templates import templates

LIMIT = 0.1
LONGEST = 30_000  # characters: half as much again as a rule may have
_PLAIN = """AND OR NOT IN TOP BOTTOM BETWEEN CONTAINS STARTS ENDS WITH IS NULL MATCHES THEN WITHIN anniversary segments true false today yesterday
now -30d +1y -12m -90min 24h 30d 0 1 -1 3.5 1e308 99999999999999999999 10% 0% 2026-02-30 2026-01-31T25:00:00 2026-01-31 7_days_ago '' 'x' '\\'' "x"
( ) , = != > >= < <= % ' \\ -- : ; * . hubspot. metafields.facts.x é ß İ"""
_STRANGE = ("\x00", "\x07", "\u202e", "\u200b", "\ufeff", "\U0001f600", "\r\n", "\n", "\t")
_WORDS = (*_PLAIN.split(), *_STRANGE)
_TOKEN = re.compile(r"'(?:\\.|[^'])*'|[\w.+-]+|\s+|.", re.DOTALL)


@dataclass(slots=True)
class Found:
    """What a fuzzing run came to. `crashes` are texts with what they raised, `slow` texts beyond the limit."""

    texts: int = 0
    accepted: int = 0
    worst: float = 0.0
    crashes: list[tuple[str, str]] = field(default_factory=list)
    slow: list[tuple[str, float]] = field(default_factory=list)


def corpus() -> list[str]:
    """Rules to begin from: every template, and a condition on every name of the catalogue."""
    names = [*catalogue.ATTRIBUTES, *catalogue.ACTIVITIES]
    return [template.rule for template in templates()] + [f"{name} = 1 OR {name} MATCHES (date >= -1d, count > 2)" for name in names]


def texts(seed: int) -> Iterator[str]:
    """Texts without end: rules taken apart, joined, repeated, nested and sprinkled with what does not belong."""
    chance = random.Random(seed)
    rules = corpus()
    names = [*catalogue.ATTRIBUTES, *catalogue.ACTIVITIES]
    while True:
        tokens = _TOKEN.findall(chance.choice(rules))
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3, 8))):
            length = sum(map(len, tokens))
            if length > LONGEST:
                break
            place = chance.randrange(len(tokens) + 1)
            match chance.randrange(9):
                case 0:
                    tokens[place:place] = [chance.choice(_WORDS)]
                case 1 if tokens:
                    del tokens[min(place, len(tokens) - 1)]
                case 2:
                    tokens[place:place] = [" ", chance.choice(names), " "]
                case 3:
                    tokens[place:place] = _TOKEN.findall(chance.choice(rules))
                case 4:
                    end = min(len(tokens), place + chance.randrange(1, 12))
                    tokens[place:place] = tokens[place:end] * min(chance.choice((1, 2, 50, 400)), LONGEST // (length + 1) + 1)
                case 5:
                    deep = chance.choice((1, 5, 19, 20, 21, 300, 10_000))
                    tokens = ["(" * deep, *tokens, ")" * chance.choice((deep, deep - 1, deep + 1))]
                case 6:
                    tokens = ["NOT "] * chance.choice((1, 3, 30, 3_000)) + tokens
                case 7:
                    tokens[place:place] = [chr(chance.choice((chance.randrange(32, 127), chance.randrange(0x2FFF), chance.randrange(0xD7FF))))]
                case _:
                    separator = chance.choice((" AND ", " OR ", ", ", " THEN "))
                    tokens = [separator.join(["".join(tokens)] * min(chance.choice((2, 10, 150, 260)), LONGEST // (length + 1) + 1))]
        yield "".join(tokens)[: chance.choice((60, 400, 20_000, 20_001, 30_000))]


def run(seed: int, seconds: float, most: int | None = None) -> Found:
    """Feed texts for so long, or until there were `most`."""
    check_rule("number_of_orders = 1")  # loads the grammar, once in a process
    found, until = Found(), time.monotonic() + seconds
    for text in texts(seed):
        if time.monotonic() > until or found.texts == most:
            return found
        began = time.thread_time()
        try:
            checked = check_rule(text)
        except RuleError as error:
            _precise(text, error, found)
        except Exception as error:
            found.crashes.append((text, repr(error)))
        else:
            found.accepted += 1
            took = time.thread_time() - began
            formatted = format_rule(checked.rule)
            if format_rule(check_rule(formatted).rule) != formatted:
                found.crashes.append((text, "formatting it twice gives two texts"))
            began = time.thread_time() - took
        spent = time.thread_time() - began
        found.texts, found.worst = found.texts + 1, max(found.worst, spent)
        if spent > LIMIT:
            found.slow.append((text, spent))
    raise AssertionError("texts never end")


def _precise(text: str, error: RuleError, found: Found) -> None:
    """An error names a place in the text, and says something that can be printed on one line."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    inside = 1 <= error.line <= len(lines) + 1 and error.column >= 1
    if not inside or not str(error).isprintable():
        found.crashes.append((text, f"a message without place or with what cannot be printed: {error!r}"))


def main() -> int:
    """Print what was found; the exit code."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 300.0
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1_000_000)
    found = run(seed, seconds)
    print(
        f"{found.texts:,} texts in {seconds:.0f} s (seed {seed}), {found.accepted:,} of them rules; slowest {found.worst * 1000:.1f} ms;"
        f" {len(found.crashes)} crashes, {len(found.slow)} beyond {LIMIT * 1000:.0f} ms"
    )
    for text, what in [*found.crashes[:5], *((text, f"{spent * 1000:.0f} ms") for text, spent in found.slow[:5])]:
        print(f"  {what}: {text[:300]!r}")
    return 1 if found.crashes or found.slow else 0


if __name__ == "__main__":
    sys.exit(main())
