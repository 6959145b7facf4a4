"""Adding and removing tags as Shopify does (shopify.dev, tagsAdd and tagsRemove; limits as recorded from live stores).

A tag is one without regard to case, and the casing it was first given stays. Commas split, also inside one list element;
blanks around a tag go; the list comes back sorted. Adding what is there and removing what is not are no changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TAG_LIMIT = 250
LENGTH_LIMIT = 255


@dataclass(frozen=True, slots=True)
class TagChange:
    """The list after the change and what was really added or removed; `error` set: nothing may change."""

    tags: list[str]
    changed: list[str]
    error: str | None = None


def split(given: Iterable[str]) -> list[str]:
    """The tags meant by an input list: split at commas, trimmed, each once, in the order given."""
    found: dict[str, str] = {}
    for element in given:
        for part in element.split(","):
            tag = part.strip()
            if tag:
                found.setdefault(tag.casefold(), tag)
    return list(found.values())


def add(present: Sequence[str], given: Iterable[str]) -> TagChange:
    """`present` with `given` added."""
    wanted = split(given)
    if any(len(tag) > LENGTH_LIMIT for tag in wanted):
        return TagChange(list(present), [], f"Tags is too long (maximum is {LENGTH_LIMIT} characters)")
    known = {tag.casefold() for tag in present}
    added = [tag for tag in wanted if tag.casefold() not in known]
    if len(known) + len(added) > TAG_LIMIT:
        return TagChange(list(present), [], f"Tags cannot be more than {TAG_LIMIT}")
    return TagChange(_sorted([*present, *added]), added)


def remove(present: Sequence[str], given: Iterable[str]) -> TagChange:
    """`present` without `given`."""
    gone = {tag.casefold() for tag in split(given)}
    removed = [tag for tag in present if tag.casefold() in gone]
    return TagChange(_sorted([tag for tag in present if tag.casefold() not in gone]), removed)


def _sorted(tags: list[str]) -> list[str]:
    return sorted(tags, key=lambda tag: (tag.casefold(), tag))
