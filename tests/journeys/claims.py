"""What must be so at a point of a story: who is inside, who moved last and why, what history and charts say."""

from __future__ import annotations

from dataclasses import dataclass

from segsync.evaluate import history, members
from segsync.evaluate.models import Membership, SegmentSize, WholeRun
from tests.journeys.story import SOME, span
from tests.journeys.world import LONG_AGO, World


@dataclass(frozen=True)
class Inside:
    """These are the members now; people merged into one are called `ann+bo`."""

    who: set[str]
    segment: str = SOME

    def do(self, world: World) -> None:
        stays = Membership.objects.filter(segment=world.segment(self.segment), until__isnull=True)
        assert world.names(stays.values_list("customer_id", flat=True)) == self.who, f"{self.segment} at {world.now.astimezone(world.tz)}"


@dataclass(frozen=True)
class WasInside:
    """These were the members then, as history tells it now."""

    when: str
    who: set[str]
    segment: str = SOME
    fold: int = 0

    def do(self, world: World) -> None:
        found = members.members_on(world.segment(self.segment), world.at(self.when, self.fold))
        assert world.names(found) == self.who, f"{self.segment} at {self.when}"


@dataclass(frozen=True)
class _Move:
    who: str
    because: str = ""
    at: str = ""
    version: int = 0
    told: str = ""
    segment: str = SOME
    fold: int = 0

    def look(self, world: World, way: str) -> None:
        """Somebody's last move was this one, for this cause, then, by this version of the rule, with this in its evidence."""
        found = list(history.moves(world.segment(self.segment), world.now - LONG_AGO, world.now + span("1s"), world.who(self.who)))
        assert found, f"{self.who} never moved"
        last = found[-1]
        assert last.way == way
        if self.because:
            assert last.cause == self.because
        if self.at:
            assert last.at.astimezone(world.tz).replace(tzinfo=None).isoformat(" ", "minutes") == self.at
            assert last.at.astimezone(world.tz).fold == self.fold
        if self.version:
            assert last.version == self.version
        if self.told:
            assert self.told in str(last.evidence)


@dataclass(frozen=True)
class Entered(_Move):
    """Somebody came in last of all."""

    def do(self, world: World) -> None:
        self.look(world, "entered")


@dataclass(frozen=True)
class Left(_Move):
    """Somebody went out last of all."""

    def do(self, world: World) -> None:
        self.look(world, "left")


@dataclass(frozen=True)
class Moves:
    """So many moves of everybody there were in all."""

    number: int
    segment: str = SOME

    def do(self, world: World) -> None:
        found = list(history.moves(world.segment(self.segment), world.now - LONG_AGO, world.now + span("1s")))
        assert len(found) == self.number, found


@dataclass(frozen=True)
class Sized:
    """At the end of a local day there were so many, of whom so many came on it, and so many had gone on it."""

    day: str
    members: int
    entered: int
    left: int
    segment: str = SOME

    def do(self, world: World) -> None:
        found = SegmentSize.objects.get(segment=world.segment(self.segment), day=self.day)
        assert (found.members, found.entered, found.left) == (self.members, self.entered, self.left)


@dataclass(frozen=True)
class Replaced:
    """So many evaluations of everybody were given up because a rule changed."""

    runs: int

    def do(self, world: World) -> None:
        assert WholeRun.objects.filter(shop=world.shop, status=WholeRun.Status.REPLACED).count() == self.runs


@dataclass(frozen=True)
class Judged:
    """The last evaluation of everybody took these segments, by this engine."""

    segments: set[str]
    engine: str = ""

    def do(self, world: World) -> None:
        last = WholeRun.objects.filter(shop=world.shop).first()
        assert last is not None
        found = dict(last.evaluations.values_list("segment__handle", "engine"))
        assert found.keys() == self.segments
        assert not self.engine or set(found.values()) == {self.engine}
