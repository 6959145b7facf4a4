"""Shopify's search syntax for the `query` argument of connections (shopify.dev, "Shopify API search syntax").

It fails open, as the platform does: a term that cannot be understood is left out and named in a warning, which the answer
carries in `extensions.search`. An ISO time must be quoted; unquoted it falls apart at its colons.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

Test = Callable[[Any], bool]
_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\()|(?P<close>\))|(?P<minus>-)(?=\w)|
    (?P<field>\w+):(?P<cmp>>=|<=|>|<)?(?:'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s()'"]*))|
    (?P<word>[^\s()]+))""",
    re.VERBOSE,
)
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "": operator.eq}


@dataclass(frozen=True, slots=True)
class SearchField:
    """A searchable field: `kind` is `time`, `id`, `text` (equal without regard to case) or `words` (a list that holds the value)."""

    kind: str
    read: Callable[[Any], Any]


@dataclass(slots=True)
class Search:
    """A parsed query: `test` says whether an object matches, `warnings` what was not understood."""

    text: str
    test: Test
    warnings: list[dict[str, str]] = field(default_factory=list)


def parse(text: str | None, fields: Mapping[str, SearchField]) -> Search:
    """Parse `text` against the searchable `fields` of one connection; never raises."""
    if not text or not text.strip():
        return Search(text or "", lambda _: True)
    parser = _Parser(text, fields)
    return Search(text, parser.alternatives(), parser.warnings)


class _Parser:
    def __init__(self, text: str, fields: Mapping[str, SearchField]) -> None:
        self.fields = fields
        self.warnings: list[dict[str, str]] = []
        self.tokens = [m for m in _TOKEN.finditer(text) if m.group().strip()]
        self.at = 0

    def _word(self) -> str | None:
        return self.tokens[self.at]["word"] if self.at < len(self.tokens) else None

    def alternatives(self) -> Test:
        tests = [self.all_of()]
        while self._word() == "OR":
            self.at += 1
            tests.append(self.all_of())
        return tests[0] if len(tests) == 1 else lambda o: any(test(o) for test in tests)

    def all_of(self) -> Test:
        tests: list[Test] = []
        while self.at < len(self.tokens) and not self.tokens[self.at]["close"] and self._word() != "OR":
            if self._word() == "AND":
                self.at += 1
                continue
            test = self.single()
            if test is not None:
                tests.append(test)
        if len(tests) == 1:
            return tests[0]
        return lambda o: all(test(o) for test in tests)

    def single(self) -> Test | None:
        token = self.tokens[self.at]
        self.at += 1
        if token["minus"] or token["word"] == "NOT":
            inner = self.single() if self.at < len(self.tokens) else None
            return None if inner is None else lambda o: not inner(o)
        if token["open"]:
            group = self.alternatives()
            if self.at < len(self.tokens) and self.tokens[self.at]["close"]:
                self.at += 1
            return group
        if token["field"] is None:
            return self._warn(token["word"] or "", "invalid_field", f"Input `{token['word']}` is not in the form field:value.")
        return self._term(token["field"], token["cmp"] or "", token)

    def _term(self, name: str, compare: str, token: re.Match[str]) -> Test | None:
        known = self.fields.get(name)
        if known is None:
            return self._warn(name, "invalid_field", f"Invalid search field for this query: `{name}`.")
        quoted = token["single"] if token["single"] is not None else token["double"]
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else token["bare"]
        if known.kind == "time":
            if quoted is None and ":" in value:
                return self._warn(name, "invalid_value", f"Input `{value.partition(':')[0]}` is not an accepted value; quote a time.")
            instant = _instant(value)
            if instant is None:
                return self._warn(name, "invalid_value", f"Input `{value}` is not an accepted value.")
            return _time_test(known.read, compare, *instant)
        if known.kind == "id":
            digits = value.rsplit("/", 1)[-1]
            if not digits.isdigit():
                return self._warn(name, "invalid_value", f"Input `{value}` is not an accepted value.")
            number, by, read = int(digits), _COMPARE[compare], known.read
            return lambda o: (v := read(o)) is not None and by(v, number)
        wanted, read = value.casefold(), known.read
        if known.kind == "words":
            return lambda o: any(wanted == v.casefold() for v in read(o))
        if wanted == "*":
            return lambda o: bool(read(o))
        return lambda o: str(read(o)).casefold() == wanted

    def _warn(self, name: str, code: str, message: str) -> Test | None:
        self.warnings.append({"field": name, "message": message, "code": code})
        return None


def _instant(value: str) -> tuple[datetime, bool] | None:
    """(instant, whether a whole day is meant)."""
    try:
        if len(value) == 10:
            day = date.fromisoformat(value)
            return datetime(day.year, day.month, day.day, tzinfo=UTC), True
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)), False


def _time_test(read: Callable[[Any], datetime | None], compare: str, instant: datetime, whole_day: bool) -> Test:
    """Times have the precision of a second; `=` on a date means that day."""
    if whole_day and compare == "":
        end = instant + timedelta(days=1)
        return lambda o: (v := read(o)) is not None and instant <= v < end
    by = _COMPARE[compare]
    return lambda o: (v := read(o)) is not None and by(v.replace(microsecond=0), instant)
