"""Whatever comes late, twice or in the wrong order, people end where they belong."""

from __future__ import annotations

import pytest

from tests.journeys.claims import Entered, Inside, Left, Moves, Sized, WasInside
from tests.journeys.events import Cancelled, Deleted, Handed, Known, Opened, Ordered, Refunded, ToldAgain, Unjudged
from tests.journeys.story import Passed, Story, Until
from tests.journeys.world import World

TWICE = "orders_placed MATCHES (count >= 2)"
RICH = "orders_placed MATCHES (sum_amount >= 100)"
STORIES = (
    Story("the second order lets somebody in", TWICE, (Ordered("ann"), Inside(set()), Ordered("ann"), Inside({"ann"}), Entered("ann", because="order"))),
    Story(
        "an order that comes in three days late counts from when it is known",
        "orders_placed MATCHES (date >= -2d)",
        (Ordered("ann", ago="3d"), Inside(set()), Ordered("bo", ago="1d"), Inside({"bo"}), Entered("bo", because="order", at="2026-09-15 12:00")),
    ),
    Story(
        "orders told newest first are the same as oldest first",
        TWICE,
        (Ordered("ann", ago="1h"), Ordered("ann", ago="9d"), Ordered("bo", ago="9d"), Ordered("bo", ago="1h"), Inside({"ann", "bo"})),
    ),
    Story(
        "an order told before the person who placed it is theirs",
        TWICE,
        (Ordered("ann", told_first=True), Ordered("ann", told_first=True), Inside({"ann"}), Known("ann"), Inside({"ann"}), Moves(1)),
    ),
    Story(
        "mail opened before anybody goes by the address counts as soon as somebody does",
        "emails.opened MATCHES (count >= 1)",
        (Opened("ann", told_first=True), Inside(set()), Known("ann"), Inside({"ann"}), Entered("ann")),
    ),
    Story("the same order told twice counts once", TWICE, (Ordered("ann"), ToldAgain(1), ToldAgain(1), Inside(set()), Moves(0))),
    Story(
        "an older telling of an order changes nothing",
        RICH,
        (Ordered("ann", "big", 120), Refunded("big", 40), Inside(set()), ToldAgain(), Inside(set()), Moves(2)),
    ),
    Story(
        "everything told again in the wrong order moves nobody",
        {"some": TWICE, "keen": "emails.opened MATCHES (count >= 2)"},
        (Ordered("ann"), Opened("ann"), Ordered("ann"), Ordered("bo"), Opened("ann"), ToldAgain(), Inside({"ann"}), Moves(1), Moves(1, "keen")),
    ),
    Story(
        "a refund after entering lets somebody go, and history still says they were in",
        RICH,
        (
            Ordered("ann", "big", 120),
            Inside({"ann"}),
            Until("2026-09-17 09:00"),
            Refunded("big", 40),
            Inside(set()),
            Left("ann", because="order", at="2026-09-17 09:00"),
            WasInside("2026-09-16 12:00", {"ann"}),
            WasInside("2026-09-17 09:00", set()),
        ),
    ),
    Story("a refund that leaves enough keeps them in", RICH, (Ordered("ann", "big", 120), Refunded("big", 20), Inside({"ann"}), Moves(1))),
    Story(
        "a second refund of one order counts with the first",
        "orders_refunded MATCHES (sum_amount >= 50)",
        (Ordered("ann", "big", 120), Refunded("big", 30), Inside(set()), Refunded("big", 20), Inside({"ann"})),
    ),
    Story("a cancelled order no longer counts", TWICE, (Ordered("ann", "a"), Ordered("ann", "b"), Inside({"ann"}), Cancelled("b"), Inside(set()), Left("ann"))),
    Story("a deleted order no longer counts", TWICE, (Ordered("ann", "a"), Ordered("ann", "b"), Deleted("b"), Inside(set()), Left("ann", because="order"))),
    Story(
        "an order deleted and told of once more by an old page stays deleted",
        TWICE,
        (Ordered("ann"), Ordered("ann", "b"), Deleted("b"), ToldAgain(), Inside(set())),
    ),
    Story(
        "an order placed and cancelled before anybody looks moves nobody",
        TWICE,
        (Ordered("ann"), Unjudged(Ordered("ann", "b"), Cancelled("b")), Inside(set()), Moves(0)),
    ),
    Story(
        "an order handed to somebody else counts there and no longer here",
        TWICE,
        (Ordered("ann"), Ordered("ann", "b"), Ordered("bo"), Inside({"ann"}), Handed("b", "bo"), Inside({"bo"}), Left("ann"), Entered("bo")),
    ),
    Story(
        "in, out and in again are three moves and two stays",
        RICH,
        (
            Ordered("ann", "a", 100),
            Passed("1h"),
            Cancelled("a"),
            Passed("1h"),
            Ordered("ann", "b", 100),
            Inside({"ann"}),
            Moves(3),
            WasInside("2026-09-15 13:30", set()),
            Until("2026-09-16 00:05"),
            Sized("2026-09-15", 1, entered=2, left=1),
        ),
    ),
    Story(
        "a hundred years old order and one from tomorrow are taken as they are",
        "orders_placed MATCHES (date >= -7d)",
        (Ordered("ann", at="1926-01-01 00:00"), Ordered("bo", at="2026-09-16 12:00"), Inside({"bo"}), Until("2026-09-17 00:00"), Inside({"bo"})),
    ),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_story(story: Story, world: World) -> None:
    story.play(world)
