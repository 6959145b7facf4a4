"""What goes wrong on purpose: a plan of faults that tests and people fill and that every answer of the sandbox consults.

A fault is matched by platform, account and operation, then drawn with its probability from a seeded generator, so that
a run with the same requests in the same order meets the same faults.
"""

from __future__ import annotations

import builtins
import random
import threading
from collections.abc import Collection
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

REQUEST_FAULTS = frozenset({"429", "500", "502", "503", "apply_then_500", "reset", "apply_then_reset", "hang", "cut_body"})
DELIVERY_FAULTS = frozenset({"duplicate", "reorder", "drop"})
BULK_FAULTS = frozenset({"bulk_failed", "bulk_canceled", "bulk_cut"})
KINDS = REQUEST_FAULTS | DELIVERY_FAULTS | BULK_FAULTS


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of trouble and where it strikes.

    Requests: `429` (with `retry_after` seconds), `500`, `502`, `503` are answered without acting; `apply_then_500` and
    `apply_then_reset` act first; `reset` drops the connection before acting; `hang` waits `seconds` and then acts, even
    when the client has gone; `cut_body` acts, promises the whole answer and sends half of it.
    Webhook deliveries: `duplicate` (sent twice), `reorder` (held back `seconds`, so that later ones overtake), `drop`.
    Bulk operations (operation `bulk`): `bulk_failed`, `bulk_canceled`, `bulk_cut` (the result file ends inside a line).
    Raises ValueError when a field cannot be what it says.
    """

    kind: str
    platform: str = "*"  # shopify | hubspot | *
    account: str = "*"  # shop domain or hub id, as an fnmatch pattern
    operation: str = "*"  # GraphQL operation name, `METHOD /path`, webhook topic or `bulk`, as an fnmatch pattern
    probability: float = 1.0
    remaining: int | None = None  # how often it still strikes; None: until cleared
    retry_after: float = 1.0
    seconds: float = 5.0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"Unknown fault kind {self.kind!r}; choose one of: {', '.join(sorted(KINDS))}.")
        if not 0 <= self.probability <= 1:
            raise ValueError(f"A fault's probability is a number from 0 to 1, not {self.probability}.")
        if self.remaining is not None and self.remaining < 1:
            raise ValueError("A fault strikes at least once; leave `remaining` out to have it strike until cleared.")
        if self.retry_after < 0 or self.seconds < 0:
            raise ValueError("A fault's `seconds` and `retry_after` cannot be negative.")

    def matches(self, platform: str, account: str, operation: str) -> bool:
        """Whether this fault is meant for such a request, delivery or bulk operation."""
        return self.platform in ("*", platform) and fnmatchcase(account, self.account) and (self.operation == "*" or fnmatchcase(operation, self.operation))


class FaultPlan:
    """The faults in force, oldest first; safe to use from any thread."""

    def __init__(self, seed: int = 2) -> None:
        self._faults: list[Fault] = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Put `fault` in force until it has struck `remaining` times or is cleared."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """End every fault."""
        with self._lock:
            self._faults.clear()

    def list(self) -> tuple[Fault, ...]:
        """The faults still in force, with what remains of each."""
        with self._lock:
            return tuple(self._faults)

    def take(self, platform: str, account: str, operation: str, kinds: Collection[str] = REQUEST_FAULTS) -> Fault | None:
        """The fault that strikes now, counted off its `remaining`, or None; only faults of `kinds` are considered."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.kind not in kinds or not fault.matches(platform, account, operation):
                    continue
                if self._random.random() >= fault.probability:
                    continue
                self._count_off(self._faults, index, fault)
                return fault
        return None

    @staticmethod
    def _count_off(faults: builtins.list[Fault], index: int, fault: Fault) -> None:
        if fault.remaining is None:
            return
        if fault.remaining == 1:
            del faults[index]
        else:
            faults[index] = replace(fault, remaining=fault.remaining - 1)
