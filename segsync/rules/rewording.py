"""How one wording of a rule differs from another, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

# A quoted text, a comment, a name, number or date with its sign, an operator, a line end, blanks, or any other sign.
_WORD = re.compile(r"--[^\n]*|'(?:\\.|[^'\\])*'|[+-]?[\w.:-]+%?|[<>=!]+|\n|[ \t]+|.")


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text that is in both wordings, only in the old one, or only in the new one."""

    kind: Literal["same", "gone", "new"]
    text: str


def rewording(old: str, new: str) -> tuple[Piece, ...]:
    """The pieces that make up both wordings: those `same` or `gone` are the old one, those `same` or `new` the new one."""
    before, after = _WORD.findall(old), _WORD.findall(new)
    return tuple(_pieces(before, after))


def _pieces(before: list[str], after: list[str]) -> Iterator[Piece]:
    for kind, start, end, new_start, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, new = before[start:end], after[new_start:new_end]
        if kind == "equal":
            yield Piece("same", "".join(gone))
            continue
        if gone and new:  # a word stands beside the word that took its place, what was added or dropped after it by itself
            yield Piece("gone", gone.pop(0))
            yield Piece("new", new.pop(0))
        if gone:
            yield Piece("gone", "".join(gone))
        if new:
            yield Piece("new", "".join(new))
