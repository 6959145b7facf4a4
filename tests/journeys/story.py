"""Stories: what happens in one shop (`events`), what somebody does there, how time passes, and what must be so (`claims`).

Instants are what a clock on the shop's wall shows ("2026-10-25 02:30").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from segsync.rules.models import Segment
from tests.journeys.world import World

_SPAN = re.compile(r"(\d+) ?(s|min|h|d)")
_UNITS = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
SOME = "some"  # what a story's only segment is called


class Step(Protocol):
    """One line of a story."""

    def do(self, world: World) -> None: ...


@dataclass(frozen=True)
class Story:
    """What happens in one shop, from `start` on. `rules` are the segments that are there from the beginning."""

    name: str
    rules: Mapping[str, str] | str
    steps: tuple[Step, ...]
    zone: str = "Europe/London"
    start: str = "2026-09-15 12:00"
    columnar: bool = False

    def play(self, world: World) -> None:
        """Tell the story, and look at everything once more at its end."""
        for handle, rule in ({SOME: self.rules} if isinstance(self.rules, str) else self.rules).items():
            world.write(handle, rule)
        world.work()
        for step in self.steps:
            step.do(world)
        assert not world.unmet(), "an evaluation that somebody waited for never came so far"
        world.check()


def span(text: str) -> timedelta:
    """`90min`, `1h 30min`, `2d`."""
    found = _SPAN.findall(text)
    assert found, text
    return timedelta(**{_UNITS[unit]: int(number) for number, unit in found})


# --- what people do


@dataclass(frozen=True)
class RuleBecomes:
    """Somebody writes a rule, of a new segment or of one that is there."""

    rule: str
    segment: str = SOME

    def do(self, world: World) -> None:
        world.act(lambda: world.write(self.segment, self.rule))


@dataclass(frozen=True)
class Edited:
    """Somebody edits a rule; nobody is judged by it yet."""

    rule: str
    segment: str = SOME

    def do(self, world: World) -> None:
        world.write(self.segment, self.rule)


@dataclass(frozen=True)
class Paused:
    """Somebody pauses a segment."""

    segment: str = SOME

    def do(self, world: World) -> None:
        world.act(lambda: world.switch(self.segment, Segment.State.PAUSED))


@dataclass(frozen=True)
class Resumed:
    """Somebody turns a segment on again."""

    segment: str = SOME

    def do(self, world: World) -> None:
        world.act(lambda: world.switch(self.segment, Segment.State.ON))


@dataclass(frozen=True)
class Meanwhile:
    """During the next evaluation of everybody, when it looks at the clock the nth time, these things happen."""

    nth: int
    steps: tuple[Step, ...] = field(default=())

    def __init__(self, nth: int, *steps: Step) -> None:
        object.__setattr__(self, "nth", nth)
        object.__setattr__(self, "steps", steps)

    def do(self, world: World) -> None:
        def happen() -> None:
            world.down = True  # whoever judges is busy: what comes in is stored, and judged when it is done
            for step in self.steps:
                step.do(world)
            world.down = False
            world.catch_up()

        world.meanwhile(self.nth, happen)


# --- time


@dataclass(frozen=True)
class Until:
    """Time passes until the shop's clocks show this; `fold` 1 for the second time that they do."""

    when: str
    fold: int = 0

    def do(self, world: World) -> None:
        world.until(world.at(self.when, self.fold))


@dataclass(frozen=True)
class Passed:
    """So much time passes."""

    time: str

    def do(self, world: World) -> None:
        world.until(world.now + span(self.time))


@dataclass(frozen=True)
class Down:
    """Nothing runs from now on."""

    def do(self, world: World) -> None:
        world.down = True


@dataclass(frozen=True)
class Up:
    """Everything runs again."""

    def do(self, world: World) -> None:
        world.up()
