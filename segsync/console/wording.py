"""How times, amounts and counts are worded for people."""

from __future__ import annotations

from datetime import datetime, tzinfo

from django.utils.html import format_html
from django.utils.safestring import SafeString

from integrations.registry import connectors
from segsync import clock

NEVER = "never"
_STEPS = ((60, "minute"), (60, "hour"), (24, "day"), (365, "year"))


def ago(instant: datetime, now: datetime) -> str:
    """Return "3 minutes ago", "in 2 hours" or "just now"."""
    seconds = (now - instant).total_seconds()
    amount, unit = abs(seconds), "second"
    for step, name in _STEPS:
        if amount < step:
            break
        amount, unit = amount / step, name
    if unit == "second":
        return "just now" if seconds >= 0 else "in a moment"
    count = int(amount)
    text = f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{text} ago" if seconds >= 0 else f"in {text}"


def when(instant: datetime | None, zone: tzinfo | None = None, *, never: str = NEVER) -> str | SafeString:
    """Return a time element that reads "3 minutes ago" and shows the exact local time of `zone` on pointing at it."""
    if instant is None:
        return never
    local = instant.astimezone(zone)
    return format_html('<time datetime="{}" title="{}">{}</time>', instant.isoformat(), f"{local:%d %b %Y %H:%M:%S %Z}", ago(instant, clock.now()))


def at(instant: datetime | None, zone: tzinfo, *, never: str = "") -> str | SafeString:
    """Return a time element that reads as the local time of `zone`."""
    if instant is None:
        return never
    return format_html('<time datetime="{}" title="{}">{}</time>', instant.isoformat(), ago(instant, clock.now()), f"{instant.astimezone(zone):%d %b %Y %H:%M}")


def platform(vendor: str) -> str:
    """Return the platform's name as it writes it itself."""
    made = connectors.get(vendor)
    return made.label if made else vendor


def plain(name: str) -> str:
    """Return a name of ours as words: "email_events" is "email events"."""
    return name.replace("_", " ").replace(".", " ")


def count(number: int, one: str, many: str = "") -> str:
    """Return "1 person", "1,204 people"; `many` defaults to `one` with an s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def short(text: str, limit: int = 90) -> str:
    """Return `text` on one line, cut at `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"
