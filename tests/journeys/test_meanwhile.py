"""What happens while everybody is judged: whatever it is, and at whatever moment, people end where they belong."""

from __future__ import annotations

import pytest

from tests.journeys.claims import Entered, Inside, Judged, Left, Replaced
from tests.journeys.events import Cancelled, Known, Merged, Opened, Ordered, Unjudged
from tests.journeys.story import Edited, Meanwhile, Passed, RuleBecomes, Step, Story, Until
from tests.journeys.world import World

ONCE = "orders_placed MATCHES (count >= 1)"
TWICE = "orders_placed MATCHES (count >= 2)"
NEVER = "orders_placed MATCHES (count >= 9)"
FIVE: tuple[Step, ...] = (Unjudged(*(Ordered(who) for who in ("ann", "bo", "cy", "dee", "eve"))),)
MOMENTS = (1, 2, 3, 4, 5, 6)  # every second one by columns


def both(name: str, rules: dict[str, str] | str, *steps: Step) -> tuple[Story, Story]:
    """The same story judged one by one and by columns."""
    return Story(name, rules, steps), Story(f"{name}, by columns", rules, steps, columnar=True)


def once(nth: int, name: str, rules: str, *steps: Step) -> Story:
    """A story about the nth moment of an evaluation."""
    return Story(f"{name} at moment {nth} of an evaluation", rules, steps, columnar=nth % 2 == 0)


STORIES = (
    *(
        once(nth, "the rule is edited again", ONCE, *FIVE, Meanwhile(nth, Edited(ONCE)), RuleBecomes(TWICE), Inside({"ann", "bo", "cy", "dee", "eve"}))
        for nth in MOMENTS[:5]
    ),
    *(
        once(nth, "somebody orders", TWICE, *FIVE, Meanwhile(nth, Ordered("ann")), RuleBecomes("orders_placed MATCHES (count > 1)"), Inside({"ann"}))
        for nth in MOMENTS
    ),
    *(
        once(
            nth,
            "an only order is cancelled",
            NEVER,
            *FIVE,
            Ordered("fay", "x"),
            Meanwhile(nth, Cancelled("x")),
            RuleBecomes(ONCE),
            Inside({"ann", "bo", "cy", "dee", "eve"}),
        )
        for nth in MOMENTS[2:4]
    ),
    *(once(nth, "two become one", NEVER, *FIVE, Meanwhile(nth, Merged("ann", "eve")), RuleBecomes(TWICE), Inside({"ann+eve"})) for nth in MOMENTS[2:4]),
    *both(
        "somebody new comes in while everybody is judged, and nobody else leaves for it",
        NEVER,
        *FIVE,
        Meanwhile(3, Ordered("new")),
        RuleBecomes(ONCE),
        Inside({"ann", "bo", "cy", "dee", "eve", "new"}),
        Entered("new", because="order"),
    ),
    *both(
        "another segment is made while everybody is judged",
        {"a": NEVER},
        *FIVE,
        Meanwhile(3, Edited(ONCE, "b")),
        RuleBecomes(TWICE, "a"),
        Inside({"ann", "bo", "cy", "dee", "eve"}, "b"),
    ),
    *both(
        "midnight passes while everybody is judged",
        "orders_placed MATCHES (date = today)",
        *FIVE,
        Until("2026-09-15 23:59"),
        Meanwhile(3, Passed("25s")),
        RuleBecomes("orders_placed MATCHES (date <= today, date >= today)"),
        Inside({"ann", "bo", "cy", "dee", "eve"}),
        Until("2026-09-16 00:02"),
        Inside(set()),
    ),
    Story(
        "an hour window runs out while everybody is judged",
        {"some": "emails.opened MATCHES (date >= -1h)", "other": ONCE},
        (
            Opened("ann"),
            Passed("59min 50s"),
            Meanwhile(2, Passed("20s")),
            RuleBecomes(TWICE, "other"),
            Passed("2min"),
            Inside(set()),
            Left("ann", because="time"),
        ),
    ),
    Story(
        "an evaluation given up because the rule changed begins anew by the new rule",
        ONCE,
        (*FIVE, Meanwhile(3, Edited(NEVER)), RuleBecomes(TWICE), Replaced(1), Inside(set()), Left("ann", because="rule")),
    ),
    Story(
        "rules that change all the time do not keep an evaluation from its end",
        ONCE,
        (*FIVE, *(Meanwhile(2, Edited(f"orders_placed MATCHES (count >= {n})")) for n in range(3, 9)), RuleBecomes(TWICE), Replaced(3), Inside(set())),
    ),
    Story(
        "a crowd that changed at once is judged whole",
        ONCE,
        (Known("zoe"), *FIVE, Judged({"some"}, "columnar"), Inside({"ann", "bo", "cy", "dee", "eve"}), Entered("ann", because="order")),
        columnar=True,
    ),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_story(story: Story, world: World) -> None:
    story.play(world)
