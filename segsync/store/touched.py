"""What storing one page of records did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Touched:
    """How many records were news, and whose facts or ways to reach them changed."""

    stored: int = 0
    facts: dict[str, set[int]] = field(default_factory=dict)  # cause -> customer ids
    reach: set[int] = field(default_factory=set)  # customers to whom other marks may have to be written

    def mark(self, cause: str, customers: Iterable[int | None]) -> None:
        """These customers' facts changed, by `cause`."""
        self.facts.setdefault(cause, set()).update(id_ for id_ in customers if id_ is not None)
