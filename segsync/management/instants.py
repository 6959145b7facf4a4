"""Instants and days as people give them to a command."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.core.management.base import CommandError

from segsync.rules.check import FIRST_YEAR, LAST_YEAR


def instant(text: str, tz: ZoneInfo) -> datetime:
    """An ISO 8601 instant in UTC. Without an offset it is in `tz`; a day alone is its first instant. Raises CommandError."""
    try:
        read = datetime.fromisoformat(text.strip())
        _require_year(read)
        return (read if read.tzinfo else read.replace(tzinfo=tz)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise CommandError(
            f"'{text[:40]}' is not an instant; write 2026-01-31T16:00:00+00:00, or 2026-01-31T16:00 or 2026-01-31 for the shop's own time ({tz.key})."
        ) from error


def day(text: str) -> date:
    """A day, written YYYY-MM-DD. Raises CommandError."""
    try:
        read = date.fromisoformat(text.strip())
        _require_year(read)
    except ValueError as error:
        raise CommandError(f"'{text[:40]}' is not a day in the calendar; write YYYY-MM-DD.") from error
    return read


def _require_year(read: date) -> None:
    if not FIRST_YEAR <= read.year <= LAST_YEAR:
        raise ValueError("a year out of range")
