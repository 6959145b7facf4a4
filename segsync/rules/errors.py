"""What goes wrong with a rule, said so that the person who wrote it can put it right."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class RuleError(ValueError):
    """One mistake in a rule. `str()` is one message with its line and column (both from 1) and, where one is near, the likely word.

    `message` says the mistake without its place; `found` is the offending text (shortened), `expected` names what would have been
    right there, `suggestion` is a replacement for `found` or None.
    """

    def __init__(
        self,
        message: str,
        line: int = 1,
        column: int = 1,
        found: str = "",
        expected: tuple[str, ...] = (),
        suggestion: str | None = None,
    ) -> None:
        """Keep the parts; nothing is looked up or shortened here."""
        self.message = message
        self.line = line
        self.column = column
        self.found = found
        self.expected = expected
        self.suggestion = suggestion
        super().__init__(message, line, column, found, expected, suggestion)

    def __str__(self) -> str:
        """The whole message: place, mistake, and the nearest right word."""
        tail = f" Did you mean `{self.suggestion}`?" if self.suggestion else ""
        return f"Line {self.line}, column {self.column}: {self.message}{tail}"


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known name most like `word`, or None when none is near enough to be what was meant. Case does not matter."""
    by_folded = {name.casefold(): name for name in known}
    # Cut before comparing: the cost of a comparison grows with the word, and no name is this long.
    hits = difflib.get_close_matches(word[:80].casefold(), list(by_folded), n=1, cutoff=0.6)
    return by_folded[hits[0]] if hits else None


def shown(text: str, limit: int = 40) -> str:
    """`text` made safe to print in a message: shortened, and characters that cannot be seen written as their code point."""
    short = text if len(text) <= limit else text[: limit - 1] + "…"
    return "".join(char if char.isprintable() else f"U+{ord(char):04X}" for char in short)


def listed(items: Iterable[str], last: str = "or") -> str:
    """Items as a person lists them: `a`, `a or b`, `a, b or c`."""
    every = list(items)
    return every[0] if len(every) == 1 else f"{', '.join(every[:-1])} {last} {every[-1]}" if every else ""
