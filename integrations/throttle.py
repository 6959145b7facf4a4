"""Pacing ahead of the platforms' rate limits; the platforms' own answers stay the judge.

A limit is the account's, whoever calls: what was spent is kept in the database (`Shared`), where every process takes its turn by
compare-and-set, or for a call that no connection is known for yet in this process alone. Waits are at most 20 seconds; whoever
would have to wait longer gets RateLimited with the time to come back.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Hashable
from copy import deepcopy
from typing import Any, Protocol, TypeVar, cast

from integrations import waiting
from integrations.errors import RateLimited, Transient
from integrations.models import Pace

LONGEST_WAIT = 20.0  # seconds
BRIEF = 2.0  # seconds of a closed platform that a call waits here rather than being given back to whoever wanted it
UNANSWERED = 60.0  # seconds after which a call that got no answer no longer counts as under way
TURNS = 100  # times that others may be faster before it is given up

Sleep = Callable[[float], None]
Clock = Callable[[], float]
State = dict[str, Any]
Answer = TypeVar("Answer")


def seconds() -> float:
    """The time by which all processes pace: seconds since 1970, by the clock of this machine."""
    return waiting.wall()


def pause(seconds: float, sleep: Sleep = waiting.sleep) -> None:
    """Sleep `seconds`; raises RateLimited instead when that is longer than a worker may be held."""
    if seconds > LONGEST_WAIT:
        raise RateLimited(f"The platform's rate limit asks to wait {seconds:.0f} seconds.", retry_after=seconds)
    if seconds > 0:
        sleep(seconds)


class Kept(Protocol):
    """Where the state of a pacer is."""

    def change(self, work: Callable[[State], Answer]) -> Answer:
        """Have `work` change the state, as if nobody else did meanwhile; returns what it returns. `work` may be called again."""
        ...


class InProcess:
    """A state that only this process knows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state: State = {}

    def change(self, work: Callable[[State], Answer]) -> Answer:
        """See `Kept`."""
        with self._lock:
            return work(self._state)


class Shared:
    """A state that all processes share: a row, changed by compare-and-set."""

    def __init__(self, connection_id: int, limit: str) -> None:
        self._key: dict[str, Any] = {"connection_id": connection_id, "limit": limit}

    def change(self, work: Callable[[State], Answer]) -> Answer:
        """See `Kept`. Raises Transient when others are faster all the time."""
        for _ in range(TURNS):
            row = Pace.objects.filter(**self._key).values_list("version", "state").first()
            if row is None:
                Pace.objects.bulk_create([Pace(**self._key)], ignore_conflicts=True)
                continue
            version, state = row
            before = deepcopy(state)
            answer = work(state)
            if state == before or Pace.objects.filter(**self._key, version=version).update(state=state, version=version + 1):
                return answer
        raise Transient("Too many processes call the platform at once.", retry_after=1)


class _Pacer:
    """What all pacers share: a platform that asked not to be called is not called, by anybody who shares the state."""

    def __init__(self, clock: Clock | None = None, sleep: Sleep = waiting.sleep, kept: Kept | None = None) -> None:
        self._clock, self._sleep = clock or seconds, sleep
        self._kept = kept or InProcess()

    def close(self, seconds: float) -> None:
        """The platform asked not to be called for so long."""

        def closed(state: State) -> None:
            state["closed_until"] = max(state.get("closed_until", 0.0), self._clock() + seconds)

        self._kept.change(closed)

    def _closed(self, state: State) -> float:
        """Seconds until it may be called again. Raises RateLimited when that is not brief."""
        left: float = state.get("closed_until", 0.0) - self._clock()
        if left > BRIEF:
            raise RateLimited("The platform asked to wait before the next call.", retry_after=left)
        return max(0.0, left)


class CostPacer(_Pacer):
    """A leaky bucket of points as Shopify keeps it per app and shop (shopify.dev, "API rate limits").

    Nothing is assumed before the first answer; from then on a call waits until its cost is likely to be there. What calls under
    way will cost is set apart, so that an answer given before they arrived does not make it available again.
    """

    @property
    def rate(self) -> float:
        """Points restored each second, as the platform last said; 0 before its first answer."""
        return self._kept.change(lambda state: float(state.get("rate", 0.0)))

    @property
    def available(self) -> float:
        """Points that are there now, as far as is known; 0 before the first answer."""
        return self._kept.change(lambda state: self._refill(state) if state.get("rate") else 0.0)

    def wait(self, cost: float) -> str:
        """Wait until `cost` points should be free, and set them apart; returns what `learn` takes. Raises RateLimited."""
        ticket = secrets.token_hex(4)

        def take(state: State) -> float:
            delay = self._closed(state)
            if not state.get("rate"):
                return delay
            short = min(cost, state["maximum"]) - self._refill(state)
            delay = max(delay, float(short / state["rate"]))
            if delay <= LONGEST_WAIT:
                state["available"] -= cost
                state["under_way"][ticket] = [cost, self._clock() + delay]
            return delay

        pause(self._kept.change(take), self._sleep)
        return ticket

    def learn(self, available: float, rate: float, maximum: float, ticket: str = "") -> None:
        """Take over what the platform said about the bucket just now, in its answer to the call that `ticket` was for."""

        def told(state: State) -> None:
            now = self._clock()
            under_way = {key: held for key, held in state.get("under_way", {}).items() if key != ticket and held[1] > now - UNANSWERED}
            spent = sum(cost for cost, _ in under_way.values())
            state.update(available=available - spent, rate=rate, maximum=maximum, at=now, under_way=under_way)

        self._kept.change(told)

    def _refill(self, state: State) -> float:
        now = self._clock()
        state["available"] = min(state["maximum"], state["available"] + max(0.0, now - state["at"]) * state["rate"])
        state["at"] = now
        return float(state["available"])


class WindowPacer(_Pacer):
    """At most `limit` calls in any `seconds` (HubSpot's rolling windows: developers.hubspot.com, "Usage guidelines")."""

    def __init__(self, limit: int, seconds: float, clock: Clock | None = None, sleep: Sleep = waiting.sleep, kept: Kept | None = None) -> None:
        super().__init__(clock, sleep, kept)
        self._limit, self._seconds = limit, seconds

    def wait(self) -> None:
        """Wait for this call's turn and take it. Raises RateLimited (no turn is taken then)."""

        def take(state: State) -> float:
            now = self._clock()
            limit = max(self._limit, state.get("limit", 0))
            starts = [start for start in state.get("starts", []) if start > now - self._seconds]  # when each call of the last window begins
            turn = now + self._closed(state)
            if len(starts) >= limit:
                turn = max(turn, starts[-limit] + self._seconds)
            if turn - now <= LONGEST_WAIT:
                starts.append(turn)
            state["starts"] = sorted(starts)
            return turn - now

        pause(self._kept.change(take), self._sleep)

    def raise_limit(self, limit: int) -> None:
        """The platform allows this account more calls in a window than was assumed."""
        if limit > self._limit:
            self._kept.change(lambda state: state.update(limit=limit))


Pacer = TypeVar("Pacer")
_pacers: dict[Hashable, object] = {}
_pacers_lock = threading.Lock()


def pacer(key: Hashable, make: Callable[[], Pacer]) -> Pacer:
    """What this process keeps under `key`, made at first use."""
    with _pacers_lock:
        if key not in _pacers:
            _pacers[key] = make()
        return cast(Pacer, _pacers[key])
