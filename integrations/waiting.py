"""Time between calls to platforms: every wait can be cut short, and nothing is sent any more once it is not wanted.

Whoever calls platforms for a while says with `while_wanted` how to find out whether that is still so. `made_up` replaces the machine's
time for the whole process, for measurements in which waits cost nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from integrations.errors import Stopped

BETWEEN_LOOKS = 0.25  # seconds of a wait after which it is asked again whether to go on

_wanted: ContextVar[Callable[[], bool] | None] = ContextVar("wanted", default=None)
_sleep: Callable[[float], None] = time.sleep
_seconds: Callable[[], float] = time.monotonic
_wall: Callable[[], float] = time.time


@contextmanager
def while_wanted(ask: Callable[[], bool]) -> Iterator[None]:
    """Within the block (in this thread) no request begins and no wait goes on once `ask` is false: Stopped is raised instead."""
    token = _wanted.set(ask)
    try:
        yield
    finally:
        _wanted.reset(token)


@contextmanager
def in_any_case() -> Iterator[None]:
    """Within the block requests are made whether wanted or not: to end what was begun, and to learn what it did."""
    token = _wanted.set(None)
    try:
        yield
    finally:
        _wanted.reset(token)


@contextmanager
def made_up(sleep: Callable[[float], None], seconds: Callable[[], float]) -> Iterator[None]:
    """Within the block all waits of this process are `sleep`'s and time between calls is what `seconds` says."""
    global _sleep, _seconds, _wall
    before = _sleep, _seconds, _wall
    _sleep, _seconds, _wall = sleep, seconds, seconds
    try:
        yield
    finally:
        _sleep, _seconds, _wall = before


def go_on() -> None:
    """Raise Stopped once nothing more is to be sent."""
    ask = _wanted.get()
    if ask is not None and not ask():
        raise Stopped("Writing was stopped before this was sent.")


def sleep(seconds: float) -> None:
    """Wait; raises Stopped within BETWEEN_LOOKS of not being wanted any more."""
    left = seconds
    while left > 0:
        go_on()
        some = left if _wanted.get() is None else min(left, BETWEEN_LOOKS)
        _sleep(some)
        left -= some


def monotonic() -> float:
    """Seconds that never go back."""
    return _seconds()


def wall() -> float:
    """Seconds since 1970 by the clock of this machine, which all of its processes share."""
    return _wall()
