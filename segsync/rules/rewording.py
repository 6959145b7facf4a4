"""How one wording of a rule differs from another, word by word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal, NamedTuple

MOST_PAIRS = 100_000  # words of one wording times words of the other that are compared, each with each; a hundredth of a second

# A quoted text, a comment, a name, number or date with its sign, an operator, or any other sign; then the blanks and commas after it.
_WORD = re.compile(r"(--[^\n]*|'(?:\\.|[^'\\])*'|[+-]?[\w.:-]+%?|[<>=!]+|.|\n)([ \t\n,]*)")


class _Word(NamedTuple):
    """A word and the gap after it: what a list repeats between its values says nothing about which of them changed."""

    text: str
    gap: str


Kind = Literal["same", "gone", "new"]


@dataclass(frozen=True, slots=True)
class Piece:
    """Some text that is in both wordings, only in the old one, or only in the new one."""

    kind: Kind
    text: str


def rewording(old: str, new: str) -> tuple[Piece, ...]:
    """The pieces that make up both wordings: those `same` or `gone` are the old one, those `same` or `new` the new one.

    Takes a tenth of a second at most, whatever the texts: of very long ones that differ much, only what both begin and end with is `same`.
    """
    before, after = [_Word(*word) for word in _WORD.findall(old)], [_Word(*word) for word in _WORD.findall(new)]
    found: list[Piece] = []
    for piece in _pieces(before, after):
        kinds = (*(one.kind for one in found[-2:]), piece.kind)
        if kinds[-2:] == (piece.kind, piece.kind) and kinds != ("gone", "new", "new"):  # what took a word's place stands by itself
            found[-1] = Piece(piece.kind, found[-1].text + piece.text)
        elif piece.text:
            found.append(piece)
    return tuple(found)


def _pieces(before: Sequence[_Word], after: Sequence[_Word]) -> Iterator[Piece]:
    begin = _alike(before, after)
    end = _alike(before[begin:][::-1], after[begin:][::-1])
    gone, new = before[begin : len(before) - end], after[begin : len(after) - end]
    yield from _kept(before[:begin], after[:begin])
    yield from _compared(gone, new) if len(gone) * len(new) <= MOST_PAIRS else _replaced(gone, new)
    yield from _kept(before[len(before) - end :], after[len(after) - end :])


def _alike(before: Iterable[_Word], after: Iterable[_Word]) -> int:
    """With how many words both begin."""
    return sum(1 for _ in takewhile(lambda pair: pair[0].text == pair[1].text, zip(before, after, strict=False)))


def _compared(before: Sequence[_Word], after: Sequence[_Word]) -> Iterator[Piece]:
    """By the longest run of words that both have in one order: its time is bounded, other than that of the standard library's comparison."""
    place, new_place = 0, 0
    for start, new_start in [*_shared(before, after), (len(before), len(after))]:
        yield from _replaced(before[place:start], after[new_place:new_start])
        yield from _kept(before[start : start + 1], after[new_start : new_start + 1])
        place, new_place = start + 1, new_start + 1


def _shared(before: Sequence[_Word], after: Sequence[_Word]) -> Iterator[tuple[int, int]]:
    """The places of the words that stay, in each of the two."""
    olds, news = [word.text for word in before], [word.text for word in after]
    lengths = [[0] * (len(news) + 1)]  # of the longest run in what follows each pair of places, the last ones first
    for text in reversed(olds):
        below, row, longest = lengths[-1], [0] * (len(news) + 1), 0
        for place in range(len(news) - 1, -1, -1):
            if text == news[place]:
                longest = below[place + 1] + 1
            elif below[place] > longest:
                longest = below[place]
            row[place] = longest
        lengths.append(row)
    lengths.reverse()
    old, new = 0, 0
    while old < len(olds) and new < len(news):
        if olds[old] == news[new]:
            yield old, new
            old, new = old + 1, new + 1
        elif lengths[old + 1][new] >= lengths[old][new + 1]:
            old += 1
        else:
            new += 1


def _kept(before: Sequence[_Word], after: Sequence[_Word]) -> Iterator[Piece]:
    """The same words, where the gaps after them may differ."""
    for old, new in zip(before, after, strict=True):
        yield Piece("same", old.text)
        yield from _changed(old.gap, new.gap)


def _replaced(gone: Sequence[_Word], new: Sequence[_Word]) -> Iterator[Piece]:
    """A word stands beside the word that took its place, what was added or dropped after it by itself."""
    old_text, new_text = _text(gone), _text(new)
    if gone and new:
        yield Piece("gone", gone[0].text)
        yield Piece("new", new[0].text)
        old_text, new_text = old_text.removeprefix(gone[0].text), new_text.removeprefix(new[0].text)
        tail = gone[-1].gap if gone[-1].gap == new[-1].gap else ""
        yield from _changed(old_text.removesuffix(tail), new_text.removesuffix(tail))
        yield Piece("same", tail)
    else:
        yield from _changed(old_text, new_text)


def _changed(old: str, new: str) -> Iterator[Piece]:
    if old == new:
        yield Piece("same", old)
    else:
        yield Piece("gone", old)
        yield Piece("new", new)


def _text(words: Iterable[_Word]) -> str:
    return "".join(word.text + word.gap for word in words)
