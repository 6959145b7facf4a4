"""What a connector is. A third one is one folder with these two protocols plus one line in `registry`.

A connector speaks records (`integrations.records`) and errors (`integrations.errors`) and knows nothing of segments.
Whatever a platform cannot do raises `Misconfigured`, never passes in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

from integrations.records import Record


@dataclass(frozen=True, slots=True)
class StreamSpec:
    """One kind of thing a source can be asked for.

    `every` is how often changes are asked for, `overlap` how far a window reaches back into the last one (search indexes
    lag), `scopes` what must have been granted, `hints` the webhook topics after which the stream is asked at once, `partings` those
    which say that one of its objects is gone: no window tells of that.
    `widened_by` are scopes that let more of the past be seen: once one is granted, everything is asked for again. `asks` are the
    properties that its records are asked for: once one is added, everything is asked for again.
    """

    name: str
    every: timedelta
    overlap: timedelta
    scopes: frozenset[str] = frozenset()
    hints: frozenset[str] = frozenset()
    widened_by: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    partings: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Window:
    """What to ask for: changed at or after `since` (None: everything there is) and before the fixed upper end `until`."""

    since: datetime | None
    until: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some records, and the cursor from which a later call goes on as if these had been read.

    `records` may be empty (a job was started, or is still running); `wait` then says after how many seconds to ask again.
    `expected` is the total number of records where the platform tells it. `withheld` names the facts that these records lack
    for everybody (an attribute, or `activity.parameter`), each with what it would take to get them; None where this page cannot tell.
    """

    records: Sequence[Record]
    cursor: str
    wait: float = 0.0
    expected: int | None = None
    withheld: Mapping[str, str] | None = None


class Source(Protocol):
    """Where facts come from."""

    streams: Sequence[StreamSpec]

    def pages(self, stream: str, window: Window, cursor: str) -> Iterator[Page]:
        """The stream's records of `window`, from `cursor` ("" at the start) on, until the iterator ends.

        A process may die after any page: calling again with the cursor of the last page kept reads what is left, and
        reading a page twice is harmless. Raises the errors of `integrations.errors`; ending early without one never happens.
        """
        ...


@runtime_checkable
class Fetcher(Protocol):
    """A source that can also be asked for single objects: those that webhooks name."""

    def named(self, topic: str, body: bytes) -> str:
        """The platform's id of the object that a webhook tells of, "" where it names none (it is then a hint to look at all that changed)."""
        ...

    def fetch(self, stream: str, ids: Collection[str], now: datetime) -> Mapping[str, Record]:
        """These objects as they are now, complete, by id; a Tombstone of `now` for one that the platform does not show (any more).

        One that cannot be read is left out. Raises the errors of `integrations.errors`.
        """
        ...


@dataclass(frozen=True, slots=True)
class Notice:
    """What a platform asks for under privacy law: to erase a person or the whole account, or to tell a person what is stored.

    A person is named by the platform's id, by address, or by both; `orders` are the ids of the orders it is about.
    """

    kind: Literal["erase_person", "erase_shop", "tell"]
    external_id: str = ""
    email: str = ""
    orders: tuple[str, ...] = ()


class MarkKind(StrEnum):
    """How a membership is written on the other side."""

    TAG = "tag"  # a text mark on each person's record
    LIST = "list"  # a named list with members
    PROPERTY = "property"  # a property of each person's record that is ours alone, set or empty


class Ownership(StrEnum):
    """How we know whose a mark is that we find on a record."""

    LOOKED = "looked"  # others set such marks, and a write does not tell: callers look at `marks` before they first add one
    TOLD = "told"  # others set such marks, and `write` tells DONE from ALREADY
    OURS = "ours"  # nobody else sets such marks: whatever is there is ours


@dataclass(frozen=True, slots=True)
class Place:
    """Where marks of one target go.

    `external_id` is what the platform knows the list or property by, "" before it is made.
    """

    kind: MarkKind
    name: str
    external_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One mark to set or to take away. `key` is the caller's, handed back with the outcome."""

    key: int
    place: Place
    member: str  # the platform's id of the person
    add: bool


class Result(StrEnum):
    """What became of one change."""

    DONE = "done"  # the platform says it is so now, and that this call made it so
    ALREADY = "already"  # the platform says it was so before
    GONE = "gone"  # the person is no longer there
    REJECTED = "rejected"  # refused for this item, `detail` in the platform's words
    RETRY = "retry"  # surely not carried out; may be tried again
    UNSENT = "unsent"  # not even asked for, through no fault of its own: another call failed or writing was stopped
    UNKNOWN = "unknown"  # may have been carried out; must be read back


@dataclass(frozen=True, slots=True)
class Outcome:
    """One item's own outcome; `detail` never holds personal data."""

    key: int
    result: Result
    detail: str = ""


@dataclass(frozen=True, slots=True)
class NewMember:
    """A person to create on the other side. `key` is the caller's."""

    key: int
    email: str


@dataclass(frozen=True, slots=True)
class Created:
    """What became of one `NewMember`: the platform's id, or why not."""

    key: int
    external_id: str = ""
    result: Result = Result.DONE
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Cost:
    """What telling a platform some changes would take, if all goes well.

    `seconds` is the time that the platform's rate limit forces, other work aside; `share_of_daily` the part of a day's calls (None:
    the platform counts none a day). `way` is a sentence on how it is done and by which limit it is paced.
    """

    calls: int
    seconds: float
    share_of_daily: float | None
    way: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has a mark now. `spelled` is how the mark is written there, "" where it has no spelling of its own for each person."""

    member: str
    spelled: str = ""


@dataclass(frozen=True, slots=True)
class Holders:
    """Some of those who have a mark, and the cursor from which a later call goes on; "" after the last ones."""

    people: Sequence[Holder]
    cursor: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a place stands on the platform: what it is called there, and why its members cannot be set ("": they can).

    The same for the platform's own saved view over the mark, where there is one.
    """

    name: str
    problem: str = ""
    view_name: str = ""
    view_problem: str = ""


def in_order(member: str) -> tuple[int, str]:
    """The key by which `Destination.holders` tells people: ids that are numbers come in the order of the numbers."""
    return len(member), member


class Destination(Protocol):
    """Where memberships are written."""

    batch_size: int  # how many changes one call of `write` may take
    settle: timedelta  # longest time a request given up on may still be carried out
    most_marks: int | None  # how many marks, whoever put them there, one person can have; None: there is no such limit

    def ownership(self, kind: MarkKind) -> Ownership:
        """How we know whose a mark of this kind is. Raises `Misconfigured` for a kind that the platform does not keep."""
        ...

    def ensure_place(self, place: Place, description: str) -> Place:
        """Make sure the place exists and return it with its id. `description` is the name that people see.

        Only a place that we made before (known by `external_id`) or that does not exist yet is used: a list or property of
        the same name made by somebody else is left alone and `Rejected` says so. Raises `NotFound` when `external_id` is
        known but gone: whoever removed it decides about that.
        """
        ...

    def ensure_view(self, place: Place, name: str, external_id: str) -> str:
        """Make sure the platform's own saved view over the mark exists (a native segment); returns its id, "" where there is no such thing."""
        ...

    def remove_view(self, external_id: str) -> None:
        """Delete the saved view that `ensure_view` returned; one that is gone already is as good. Raises `Misconfigured` where there is no such thing."""
        ...

    def read(self, place: Place, members: Collection[str]) -> dict[str, bool | None]:
        """Whether each member has the mark now; None when the person is not there."""
        ...

    def standing(self, place: Place, view: str) -> Standing:
        """How the place and the saved view with the id `view` ("": none is asked about) stand now. Changes nothing there."""
        ...

    def holders(self, place: Place, cursor: str = "") -> Iterator[Holders]:
        """Everybody who has the mark, whoever put it there, from `cursor` ("" the start) on, in rising order of `in_order`.

        Who is in it while it is read is told once. Search indexes lag: somebody told has the mark, somebody not told may have it all
        the same. Raises `NotFound` when the place is gone, `Misconfigured` where the platform cannot list who has such a mark.
        """
        ...

    def given_at(self, place: Place, members: Collection[str]) -> Mapping[str, datetime]:
        """When those of these people who have the mark were last given it, by whomever; {} where the platform does not tell.

        Callers ask where a call's outcome was unknown, so that what was there before the call is not taken for ours.
        """
        ...

    def marks(self, members: Collection[str]) -> dict[str, frozenset[str] | None]:
        """All marks on each member now, whoever put them there, as casefolded names; None when the person is not there.

        Raises `Misconfigured` where nobody needs it (`Ownership.LOOKED` alone does).
        """
        ...

    def write(self, changes: Sequence[Change]) -> Sequence[Outcome]:
        """Carry out at most `batch_size` changes, of any kinds; one outcome for each, in any order.

        Raises only when nothing at all was carried out (`Transient`, `RateLimited`, `NeedsReconnect`, `Misconfigured`).
        """
        ...

    def unfinished(self, now: datetime) -> float:
        """Seconds after which to ask again while what an earlier `write` began may still be going on, in this process or in one that died; else 0.

        What an earlier call left unknown is read back only once it is 0. Nobody may be in `write` for the connection meanwhile.
        """
        ...

    def cost(self, adds: int, removes: int, looks: int = 0, creates: int = 0, kind: MarkKind | None = None) -> Cost:
        """What it would take to set and take away so many marks of one place (None: of the kind that is usual there). Asks the platform nothing.

        `looks` is how many people `marks` is asked about first, `creates` how many people are created first.
        """
        ...

    def create(self, people: Sequence[NewMember]) -> Sequence[Created]:
        """Create (or find) these people; one answer for each. Raises `Misconfigured` where the platform cannot."""
        ...
