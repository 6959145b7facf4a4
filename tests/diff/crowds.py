"""A store with many buyers, all of them tagged, and what makes many of them leave."""

from __future__ import annotations

from collections.abc import Iterable

from segsync import pipeline
from segsync.diff.models import Hold, Target, WritebackSettings
from segsync.diff.targets import settings_of
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from tests.line import Line

NOBODY = "number_of_orders >= 99"
TINY = {101, 102, 103, 105}  # the buyers that the tiny store begins with


def limits(line: Line, **fields: object) -> None:
    """The shop's write-back settings."""
    settings_of(line.shop)
    WritebackSettings.objects.filter(shop=line.shop).update(**fields)


def crowd(line: Line, count: int, *, share: int = 20, people: int = 5) -> range:
    """The store has `count` more buyers, everybody is tagged, and the guard has these limits. Returns the new ones' numbers."""
    limits(line, guard_share=share, guard_people=people)
    numbers = range(201, 201 + count)
    for number in numbers:
        line.customer(number, f"c{number}@example.test")
        line.order(number * 10, number)
    line.pull()
    line.segment()
    line.decide()
    line.push()
    assert line.tagged() == TINY | set(numbers)
    return numbers


def cancel(line: Line, customers: Iterable[int]) -> None:
    """The only order of each of these is called off; that is pulled, judged and routed."""
    for number in customers:
        line.cancel(number * 10)
    _look(line)


def buy_again(line: Line, customers: Iterable[int], serial: int) -> None:
    """Each of these buys again; that is pulled, judged and routed."""
    for number in customers:
        line.order(number * 10 + serial, number)
    _look(line)


def _look(line: Line) -> None:
    line.wait(61)
    line.pull("customers", "orders")
    line.decide()


def rule(line: Line, text: str, handle: str = "buyers") -> None:
    """Edit a segment's rule and decide by it; nothing is told yet."""
    segment = Segment.objects.get(shop=line.shop, handle=handle)
    change_rule(segment, text, author=None, reason="", now=line.now())
    pipeline.rule_changed(segment, line.now())
    line.wait(1)
    line.decide()


def switch(line: Line, handle: str, state: str) -> None:
    """Pause a segment, or turn it on again; nothing is told yet."""
    segment = Segment.objects.get(shop=line.shop, handle=handle)
    segment.state = state
    segment.save(update_fields=["state"])
    pipeline.state_changed(segment, line.now())
    line.wait(1)
    line.decide()


def tag(line: Line) -> Target:
    """The store's tag for buyers."""
    return Target.objects.get(shop=line.shop, kind="tag", name="segsync:buyers")


def open_hold(line: Line) -> Hold | None:
    """What waits for a person."""
    return Hold.objects.filter(shop=line.shop, decision="").first()
