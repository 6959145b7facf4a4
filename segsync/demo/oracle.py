"""Who must be in the starter segments, worked out from the sandbox's raw facts by hand-written SQL, against who is.

Nothing of SegSync is read: no rule, no evaluator, no database. The queries are in `sql/`, one for each segment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import duckdb
import orjson
import requests

SEGMENTS = (
    "first-time-buyers",
    "repeat-buyers",
    "champions",
    "at-risk",
    "lapsed",
    "abandoned-cart-24h",
    "email-engaged-non-buyers",
    "big-spenders-in-category",
)
_BY_CATEGORY = "big-spenders-in-category"
_SHOP_EXPORTS = ("customers", "orders", "lines", "products", "checkouts")
_PORTAL_EXPORTS = ("contacts", "email_events")
_SQL = Path(__file__).with_name("sql")
_TIMEOUT = (5, 300)  # seconds to connect, and between two pieces: a million lines are written before the first is sent
_CHUNK = 1 << 20


class ExportUnreadable(Exception):
    """The sandbox's facts cannot be had; the text says which, and what to look at."""


@dataclass(frozen=True, slots=True)
class ExpectedSegment:
    """Who must carry a segment's marks: ids of Shopify customers and of HubSpot contacts.

    `persons` counts people, each once however many records they have. `without_contact` has one Shopify customer id for each
    member who has an e-mail address and yet no contact: SegSync creates those, so once it is done there is none.
    """

    handle: str
    persons: int
    customers: frozenset[int]
    contacts: frozenset[int]
    without_contact: frozenset[int]


@dataclass(frozen=True, slots=True)
class Expected:
    """What must be at `as_of`. `category` is the one the big spenders are judged by; without any that segment is left out."""

    as_of: datetime
    category: str | None
    segments: Mapping[str, ExpectedSegment]


@dataclass(frozen=True, slots=True)
class SegmentResult:
    """A segment's marks as they are against as they must be. Tags are by Shopify customer id, list members by HubSpot contact id.

    `members` counts people, `tagged` and `listed` records that carry the mark now, however they came by it.
    """

    handle: str
    members: int
    tagged: int
    listed: int
    missing_tags: frozenset[int]
    extra_tags: frozenset[int]
    missing_in_list: frozenset[int]
    extra_in_list: frozenset[int]
    missing_contacts: frozenset[int]  # Shopify customer ids of members who could be listed had SegSync created their contact

    @property
    def wrong(self) -> int:
        """Marks that are missing or too many."""
        sides = (self.missing_tags, self.extra_tags, self.missing_in_list, self.extra_in_list, self.missing_contacts)
        return sum(len(side) for side in sides)


def expected(
    sandbox_url: str,
    shop_domain: str,
    hub_id: int,
    timezone: str,
    as_of: datetime,
    workdir: Path,
    *,
    category: str | None = None,
    currency_exponent: int = 2,
) -> Expected:
    """Who must be in each segment by the facts that the sandbox holds now, read at `as_of` (aware) in the shop's `timezone`.

    The facts are downloaded into `workdir`, an existing directory. `category` names the one of the big spenders' rule; None takes the
    best-selling one of now. Raises ExportUnreadable, and ValueError for a naive `as_of` or an unknown time zone.
    """
    bounds(as_of, timezone)
    for what in _SHOP_EXPORTS:
        _download(_shop_export(sandbox_url, shop_domain, what), workdir / f"{what}.jsonl")
    for what in _PORTAL_EXPORTS:
        _download(_portal_export(sandbox_url, hub_id, what), workdir / f"{what}.jsonl")
    return expected_from(workdir, timezone, as_of, category=category, currency_exponent=currency_exponent)


def expected_from(directory: Path, timezone: str, as_of: datetime, *, category: str | None = None, currency_exponent: int = 2) -> Expected:
    """`expected` for exports that lie in `directory` already, each as `<export>.jsonl`."""
    limits = bounds(as_of, timezone)
    with duckdb.connect(":memory:", config={"memory_limit": "600MB", "threads": 2, "preserve_insertion_order": False}) as facts:
        instants = {name: limit.replace(tzinfo=None) for name, limit in limits.items()}
        variables = {"directory": str(directory), "unit": 10**currency_exponent, **instants}
        try:
            for name, value in variables.items():
                facts.execute(f"SET VARIABLE {name} = ?", [value])
            for script in ("facts", "people"):
                facts.execute(_query(script))
        except (duckdb.Error, OSError) as error:
            raise ExportUnreadable(f"The facts in {directory} cannot be read: {error}") from error
        category = category or _top_category(facts)
        facts.execute("SET VARIABLE category = ?", [category])
        people = _people(facts)
        handles = [handle for handle in SEGMENTS if category or handle != _BY_CATEGORY]
        segments = {handle: _segment(handle, [people[person] for (person,) in facts.execute(_query(handle)).fetchall()]) for handle in handles}
    return Expected(as_of, category, segments)


def compare(
    expected: Expected,
    sandbox_url: str,
    shop_domain: str,
    hub_id: int,
    tag_prefix: str = "segsync:",
    *,
    list_names: Mapping[str, str],
    foreign: Mapping[str, set[int]] | None = None,
) -> tuple[SegmentResult, ...]:
    """What the sandbox holds now against what it must hold, in the order of the segments.

    `list_names` gives each segment's list by its handle; a segment without one counts as listed nowhere. `foreign` is
    `snapshot_foreign` from before the installation: a tag set by hand then is never too many, and missing once it is gone.
    Raises ExportUnreadable.
    """
    tagged, living = _tagged(sandbox_url, shop_domain)
    listed = _listed(sandbox_url, hub_id)
    by_hand: dict[str, set[int]] = defaultdict(set)
    for tag, customers in (foreign or {}).items():
        by_hand[tag.casefold()] |= customers & living
    results = []
    for handle, segment in expected.segments.items():
        tag = f"{tag_prefix}{handle}".casefold()
        tags, members, kept = tagged.get(tag, set()), listed.get(list_names.get(handle, ""), set()), by_hand[tag]
        results.append(
            SegmentResult(
                handle=handle,
                members=segment.persons,
                tagged=len(tags),
                listed=len(members),
                missing_tags=(segment.customers | kept) - tags,
                extra_tags=frozenset(tags - segment.customers - kept),
                missing_in_list=segment.contacts - members,
                extra_in_list=frozenset(members - segment.contacts),
                missing_contacts=segment.without_contact,
            )
        )
    return tuple(results)


def mismatches(results: tuple[SegmentResult, ...]) -> int:
    """Marks that are not as they must be, in all segments together."""
    return sum(result.wrong for result in results)


def snapshot_foreign(sandbox_url: str, shop_domain: str) -> dict[str, set[int]]:
    """Every tag in the store, casefolded, with the customers who carry it; take it before the app is installed. Raises ExportUnreadable."""
    return _tagged(sandbox_url, shop_domain)[0]


def bounds(as_of: datetime, timezone: str) -> dict[str, datetime]:
    """The instants (UTC) that the segments' dates stand for at `as_of`, by the names that the queries use.

    `begin_30d` is when the shop's day 30 days ago began, `end_91d` when the one 91 days ago ended. Raises ValueError for a naive
    `as_of` and for a time zone that is not known.
    """
    if as_of.tzinfo is None:
        raise ValueError("The check needs an instant with a time zone; pass an aware datetime.")
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"There is no time zone {timezone!r}; give a name such as 'Europe/London'.") from None
    today = as_of.astimezone(zone).date()

    def begin(day: date) -> datetime:
        return datetime.combine(day, time(), zone).astimezone(UTC)

    begins = {f"begin_{days}d": begin(today - timedelta(days=days)) for days in (30, 60, 180, 365)}
    return begins | {
        "end_91d": begin(today - timedelta(days=90)),
        "begin_12m": begin(_a_year_before(today)),
        "hours_24": as_of.astimezone(UTC) - timedelta(hours=24),
    }


def _a_year_before(day: date) -> date:
    last = day.month == 2 and day.day == 29
    return day.replace(year=day.year - 1, day=28 if last else day.day)


@dataclass(slots=True)
class _Person:
    customers: list[int]
    contacts: list[int]
    has_address: bool


def _people(facts: duckdb.DuckDBPyConnection) -> dict[str, _Person]:
    found: dict[str, _Person] = defaultdict(lambda: _Person([], [], False))
    for person, platform, number in facts.execute("SELECT person, platform, id FROM records").fetchall():
        (found[person].customers if platform == "shopify" else found[person].contacts).append(number)
    for (person,) in facts.execute("SELECT DISTINCT person FROM nodes WHERE starts_with(node, 'address:')").fetchall():
        found[person].has_address = True
    return dict(found)


def _segment(handle: str, members: list[_Person]) -> ExpectedSegment:
    return ExpectedSegment(
        handle=handle,
        persons=len(members),
        customers=frozenset(number for person in members for number in person.customers),
        contacts=frozenset(number for person in members for number in person.contacts),
        without_contact=frozenset(min(person.customers) for person in members if person.has_address and not person.contacts),
    )


def _top_category(facts: duckdb.DuckDBPyConnection) -> str | None:
    row = facts.execute(_query("top_category")).fetchone()
    return str(row[0]) if row else None


def _query(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _shop_export(sandbox_url: str, shop_domain: str, what: str) -> str:
    return f"{sandbox_url.rstrip('/')}/control/shops/{shop_domain}/export/{what}.jsonl"


def _portal_export(sandbox_url: str, hub_id: int, what: str) -> str:
    return f"{sandbox_url.rstrip('/')}/control/portals/{hub_id}/export/{what}.jsonl"


@contextmanager
def _opened(address: str) -> Iterator[requests.Response]:
    try:
        with requests.get(address, stream=True, timeout=_TIMEOUT) as response:
            if response.status_code != 200:
                raise ExportUnreadable(f"{address} answered HTTP {response.status_code}; check the store's domain and the portal's number.")
            yield response
    except requests.RequestException as error:
        raise ExportUnreadable(f"{address} could not be read to its end; check that the sandbox runs ({type(error).__name__}).") from error


def _download(address: str, path: Path) -> None:
    with _opened(address) as response, path.open("wb") as file:
        for chunk in response.iter_content(_CHUNK):
            file.write(chunk)


def _tagged(sandbox_url: str, shop_domain: str) -> tuple[dict[str, set[int]], set[int]]:
    """Who carries each tag (casefolded), and all customers there are."""
    tagged: dict[str, set[int]] = defaultdict(set)
    living = set()
    with _opened(_shop_export(sandbox_url, shop_domain, "customers")) as response:
        for line in response.iter_lines(_CHUNK):
            customer = orjson.loads(line)
            living.add(customer["id"])
            for tag in customer["tags"]:
                tagged[tag.casefold()].add(customer["id"])
    return dict(tagged), living


def _listed(sandbox_url: str, hub_id: int) -> dict[str, set[int]]:
    """The contacts on each list that is not deleted, by the list's name."""
    listed: dict[str, set[int]] = defaultdict(set)
    with _opened(_portal_export(sandbox_url, hub_id, "list_members")) as response:
        for line in response.iter_lines(_CHUNK):
            member = orjson.loads(line)
            if member["deleted_at"] is None:
                listed[member["list"]].add(member["contact_id"])
    return dict(listed)
