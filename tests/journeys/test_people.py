"""People become one, and go: nobody is in a segment under two names, and nobody stays who is gone."""

from __future__ import annotations

import pytest

from tests.journeys.claims import Entered, Inside, Left, Moves, WasInside
from tests.journeys.events import Erased, FoundTheSame, Known, LeftCheckout, Merged, Opened, Ordered, Tagged, ToldAgain, Unjudged
from tests.journeys.story import Passed, Paused, Resumed, Story, Until
from tests.journeys.world import World

TWICE = "orders_placed MATCHES (count >= 2)"
ONCE = "orders_placed MATCHES (count >= 1)"
STORIES = (
    Story(
        "neither was a member; what they did together makes one",
        TWICE,
        (Ordered("ann"), Ordered("bo"), Inside(set()), Merged("ann", "bo"), Inside({"ann+bo"}), Entered("ann", because="profile")),
    ),
    Story(
        "the one who stays was a member and stays one",
        TWICE,
        (Ordered("ann"), Ordered("ann"), Known("bo"), Passed("1h"), Merged("ann", "bo"), Inside({"ann+bo"}), Moves(1)),
    ),
    Story(
        "the one who goes was a member: the membership goes with the facts, and history tells of both",
        TWICE,
        (Known("ann"), Ordered("bo"), Ordered("bo"), Inside({"bo"}), Passed("1h"), Merged("ann", "bo"), Inside({"ann+bo"}), Moves(3)),
    ),
    Story(
        "both were members and one membership is left",
        ONCE,
        (Ordered("ann"), Ordered("bo"), Passed("1h"), Merged("ann", "bo"), Inside({"ann+bo"}), Moves(3)),
    ),
    Story(
        "two who could not be members apart from each other leave as one",
        "orders_placed MATCHES (count <= 1, count >= 1)",
        (Ordered("ann"), Ordered("bo"), Inside({"ann", "bo"}), Merged("ann", "bo"), Inside(set()), Left("ann"), Moves(4)),
    ),
    Story(
        "the portal finds two customers to be the same",
        TWICE,
        (Ordered("ann"), Ordered("bo"), Opened("bo"), FoundTheSame("ann", "bo"), Inside({"ann+bo"})),
    ),
    Story(
        "a chain of merges ends in one person",
        "orders_placed MATCHES (count >= 3)",
        (
            *(Ordered(who) for who in ("ann", "bo", "cy")),
            Merged("bo", "cy"),
            Inside(set()),
            Merged("ann", "bo"),
            Inside({"ann+bo+cy"}),
            Ordered("cy"),
            Inside({"ann+bo+cy"}),
            Moves(1),
        ),
    ),
    Story(
        "three become one in one page, and it comes twice",
        "orders_placed MATCHES (count >= 3)",
        (*(Ordered(who) for who in ("cy", "bo", "ann")), Merged("ann", "bo", "cy"), ToldAgain(), Inside({"ann+bo+cy"}), Moves(1)),
    ),
    Story(
        "a merge that nobody judged before midnight leaves no ghost",
        "orders_placed MATCHES (date >= -3d)",
        (Ordered("ann"), Ordered("bo"), Until("2026-09-15 23:58"), Unjudged(Merged("ann", "bo"), Passed("10min")), Inside({"ann+bo"}), Moves(3)),
    ),
    Story(
        "a merge while the segment is paused is put right when it is on again",
        ONCE,
        (Ordered("ann"), Ordered("bo"), Paused(), Merged("ann", "bo"), Passed("1h"), Resumed(), Inside({"ann+bo"})),
    ),
    Story(
        "an hour window goes on for whoever was merged",
        "checkouts_abandoned MATCHES (date >= -2h)",
        (Known("ann"), LeftCheckout("bo"), Inside({"bo"}), Passed("1h"), Merged("ann", "bo"), Inside({"ann+bo"}), Passed("62min"), Inside(set())),
    ),
    Story(
        "a merge by columns",
        ONCE,
        (Ordered("ann"), Ordered("bo"), Merged("ann", "bo"), Inside({"ann+bo"}), Until("2026-09-16 00:01"), Inside({"ann+bo"})),
        columnar=True,
    ),
    Story(
        "somebody gone from the store leaves what the store's record let them into",
        "customer_tags CONTAINS 'vip'",
        (
            Tagged("ann", "vip"),
            Inside({"ann"}),
            Passed("1h"),
            Erased("ann"),
            Inside(set()),
            Left("ann", because="profile"),
            WasInside("2026-09-15 12:30", {"ann"}),
        ),
    ),
    Story(
        "somebody gone before anybody judged them was never in",
        "customer_tags CONTAINS 'vip'",
        (Unjudged(Tagged("ann", "vip"), Erased("ann")), Inside(set()), Moves(0)),
    ),
    Story(
        "a tag given and taken",
        "customer_tags CONTAINS 'vip'",
        (Tagged("ann", "VIP"), Inside({"ann"}), Entered("ann", because="profile", told="vip"), Tagged("ann", "other"), Inside(set()), Left("ann")),
    ),
    Story(
        "what lets somebody in is kept with the move",
        "orders_placed MATCHES (amount >= 80)",
        (Ordered("ann", "big", 90), Entered("ann", because="order", told="#big", version=1)),
    ),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_story(story: Story, world: World) -> None:
    story.play(world)
