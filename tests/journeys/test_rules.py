"""Rules are edited, paused, ranked and made of each other, and people follow."""

from __future__ import annotations

import pytest

from tests.journeys.claims import Entered, Inside, Judged, Left, Moves, Sized, WasInside
from tests.journeys.events import Cancelled, Counted, LeftCheckout, Merged, Opened, Ordered, Tagged
from tests.journeys.story import Down, Passed, Paused, Resumed, RuleBecomes, Story, Until, Up
from tests.journeys.world import World

ONCE = "orders_placed MATCHES (count >= 1)"
EDITS = (
    Story(
        "a stricter rule lets people go, by its own version",
        ONCE,
        (
            Ordered("ann"),
            Ordered("bo"),
            Ordered("bo"),
            RuleBecomes("orders_placed MATCHES (count >= 2)"),
            Inside({"bo"}),
            Left("ann", because="rule", version=2, told="count"),
            Entered("bo", because="order", version=1),
        ),
    ),
    Story(
        "the same rule in other words moves nobody and is no version",
        ONCE,
        (
            Ordered("ann"),
            RuleBecomes("orders_placed   matches (count>=1)"),
            Inside({"ann"}),
            Moves(1),
            RuleBecomes("number_of_orders >= 1"),
            Inside({"ann"}),
            Moves(1),
        ),
    ),
    Story(
        "a window made longer while somebody would time out keeps them",
        "orders_placed MATCHES (date >= -2h)",
        (
            Ordered("ann"),
            Passed("119min"),
            RuleBecomes("orders_placed MATCHES (date >= -4h)"),
            Passed("5min"),
            Inside({"ann"}),
            Moves(1),
            Passed("2h"),
            Inside(set()),
        ),
    ),
    Story(
        "a window made shorter lets go at once whoever is beyond it",
        "orders_placed MATCHES (date >= -4h)",
        (Ordered("ann"), Passed("3h"), Ordered("bo"), RuleBecomes("orders_placed MATCHES (date >= -2h)"), Inside({"bo"}), Left("ann", because="rule")),
    ),
    Story(
        "hours become days while somebody would time out",
        "orders_placed MATCHES (date >= -12h)",
        (
            Ordered("ann"),
            Passed("11h 59min"),
            RuleBecomes("orders_placed MATCHES (date = yesterday)"),
            Inside(set()),
            Until("2026-09-16 00:01"),
            Inside({"ann"}),
        ),
    ),
    Story(
        "a rule edited in the minute before midnight is judged by both days",
        "orders_placed MATCHES (date = today)",
        (
            Ordered("ann"),
            Until("2026-09-15 23:59"),
            RuleBecomes("orders_placed MATCHES (date >= -1d)"),
            Inside({"ann"}),
            Until("2026-09-17 00:01"),
            Inside(set()),
            Left("ann", because="time", version=2),
        ),
    ),
    Story(
        "a rule edited and edited back moves people there and back",
        ONCE,
        (
            Ordered("ann"),
            RuleBecomes("orders_placed MATCHES (count >= 9)"),
            Passed("1min"),
            RuleBecomes(ONCE),
            Inside({"ann"}),
            Moves(3),
            Entered("ann", version=3),
        ),
    ),
    Story(
        "a rule edited while nothing runs is judged afterwards, with what came in",
        ONCE,
        (Ordered("ann"), Down(), RuleBecomes("orders_placed MATCHES (count >= 2)"), Ordered("bo"), Ordered("bo"), Passed("2h"), Up(), Inside({"bo"})),
    ),
    Story(
        "an edit judges its own segment and those that ask about it, nobody else's",
        {"a": ONCE, "b": "segments CONTAINS 'a'", "c": "customer_tags CONTAINS 'vip'"},
        (
            Ordered("ann"),
            RuleBecomes("orders_placed MATCHES (count >= 2)", "a"),
            Judged({"a", "b"}),
            Inside(set(), "b"),
            Left("ann", because="rule", segment="b"),
        ),
    ),
    Story(
        "midnight judges what days can move",
        {"a": "orders_placed MATCHES (date >= -1d)", "b": "segments CONTAINS 'a'", "c": "customer_tags CONTAINS 'vip'", "d": "amount_spent IN TOP 1"},
        (
            Ordered("ann"),
            Until("2026-09-17 00:01"),
            Judged({"a", "b", "d"}),
            Inside(set(), "b"),
            Left("ann", because="time", segment="b"),
            Inside({"ann"}, "d"),
        ),
    ),
)
SWITCHED = (
    Story(
        "a paused segment stands still, and catches up when it is on again",
        ONCE,
        (
            Ordered("ann", "a"),
            Paused(),
            Cancelled("a"),
            Ordered("bo"),
            Until("2026-09-16 09:00"),
            Inside({"ann"}),
            WasInside("2026-09-16 08:00", {"ann"}),
            Resumed(),
            Inside({"bo"}),
            Left("ann", because="rule", at="2026-09-16 09:00"),
        ),
    ),
    Story(
        "an hour window that ran out while the segment was paused has run out when it is on again",
        "checkouts_abandoned MATCHES (date >= -2h)",
        (LeftCheckout("ann"), Paused(), Passed("5h"), Inside({"ann"}), Resumed(), Inside(set())),
    ),
    Story(
        "a paused segment's rule is edited and judged when it is on again",
        ONCE,
        (Ordered("ann"), Paused(), RuleBecomes("orders_placed MATCHES (count >= 2)"), Inside({"ann"}), Resumed(), Inside(set()), Left("ann", version=2)),
    ),
    Story(
        "paused over midnight and on again before anybody looks",
        "orders_placed MATCHES (date = today)",
        (Ordered("ann"), Paused(), Until("2026-09-16 00:00"), Down(), Resumed(), Passed("30s"), Up(), Inside(set())),
    ),
    Story(
        "whoever asks about a paused segment goes by whom it holds",
        {"a": ONCE, "b": "segments CONTAINS 'a'"},
        (Ordered("ann", "x"), Paused("a"), Cancelled("x"), Ordered("bo"), Inside({"ann"}, "b"), Resumed("a"), Inside({"bo"}, "a"), Inside({"bo"}, "b")),
    ),
    Story(
        "a chain whose middle is paused",
        {"a": ONCE, "b": "segments CONTAINS 'a'", "c": "segments NOT CONTAINS 'b'"},
        (Ordered("ann", "x"), Paused("b"), Cancelled("x"), Inside({"ann"}, "b"), Inside(set(), "c"), Resumed("b"), Inside(set(), "b"), Inside({"ann"}, "c")),
    ),
)
DEPENDENT = (
    Story(
        "b follows a, both ways",
        {"a": ONCE, "b": "segments CONTAINS 'a' AND customer_tags CONTAINS 'vip'"},
        (
            Tagged("ann", "vip"),
            Inside(set(), "b"),
            Ordered("ann", "x"),
            Inside({"ann"}, "b"),
            Cancelled("x"),
            Inside(set(), "b"),
            Left("ann", segment="b", because="order"),
        ),
    ),
    Story(
        "a chain of three moves in one turn, whatever the order of their making",
        {"z": ONCE, "y": "segments CONTAINS 'z'", "x": "segments CONTAINS 'y'"},
        (Ordered("ann", "o"), Inside({"ann"}, "x"), Cancelled("o"), Inside(set(), "x"), Moves(2, "x")),
    ),
    Story(
        "a segment made first can come to ask about one made later",
        {"a": "customer_tags CONTAINS 'vip'", "b": ONCE},
        (
            Ordered("ann"),
            RuleBecomes("segments CONTAINS 'b'", "a"),
            Inside({"ann"}, "a"),
            Ordered("bo", "x"),
            Inside({"ann", "bo"}, "a"),
            Cancelled("x"),
            Inside({"ann"}, "a"),
        ),
    ),
    Story(
        "whoever is not in a is in b, and moves by hours with it",
        {"a": "emails.opened MATCHES (date >= -1h)", "b": "segments NOT CONTAINS 'a'"},
        (Opened("ann"), Inside(set(), "b"), Passed("62min"), Inside({"ann"}, "b"), Entered("ann", because="time", segment="b")),
    ),
    Story(
        "whoever is not in a is in b, and moves by midnight with it",
        {"a": "orders_placed MATCHES (date = today)", "b": "segments NOT CONTAINS 'a'"},
        (Ordered("ann"), Inside(set(), "b"), Until("2026-09-16 00:01"), Inside({"ann"}, "b"), Entered("ann", because="time", segment="b")),
    ),
    *(
        Story(
            f"whoever is in no other segment stays there until they are in one, {how}",
            {"a": "segments IS NULL", "b": "orders_placed MATCHES (date = today)", "c": "emails.opened MATCHES (date >= -1h)"},
            (
                Tagged("ann", "vip"),
                Inside({"ann"}, "a"),
                Until("2026-09-16 00:01"),
                Inside({"ann"}, "a"),
                Moves(1, "a"),
                Opened("ann"),
                Inside(set(), "a"),
                Passed("62min"),
                Inside({"ann"}, "a"),
                Entered("ann", because="time", segment="a"),
                Ordered("ann"),
                Inside(set(), "a"),
                Until("2026-09-17 00:01"),
                Inside({"ann"}, "a"),
                RuleBecomes("customer_tags CONTAINS 'vip'", "b"),
                Inside(set(), "a"),
                Left("ann", segment="a", because="rule"),
            ),
            columnar=columnar,
        )
        for how, columnar in (("one by one", False), ("by columns", True))
    ),
    Story(
        "a segment of a rank follows the cut",
        {"a": "amount_spent IN TOP 1", "b": "segments CONTAINS 'a'"},
        (
            Counted("ann", spent=100),
            Counted("bo", spent=50),
            Until("2026-09-16 00:01"),
            Counted("bo", spent=200),
            Until("2026-09-17 00:01"),
            Inside({"bo"}, "b"),
        ),
    ),
    Story(
        "the chain by columns",
        {"z": ONCE, "y": "segments CONTAINS 'z'", "x": "segments NOT CONTAINS 'y'"},
        (Ordered("ann", "o"), Tagged("bo", "vip"), Inside({"ann"}, "y"), Inside({"bo"}, "x"), Cancelled("o"), Inside(set(), "y"), Inside({"ann", "bo"}, "x")),
        columnar=True,
    ),
    Story(
        "two who become one leave a, and with it b",
        {"a": "orders_placed MATCHES (count >= 1, count <= 1)", "b": "segments CONTAINS 'a'"},
        (Ordered("ann"), Ordered("bo"), Inside({"ann", "bo"}, "b"), Merged("ann", "bo"), Inside(set(), "b")),
    ),
)
RANKED = (
    Story(
        "ranks change at midnight alone: until then whoever reaches the cut is in beside the others",
        "amount_spent IN TOP 1",
        (
            Counted("ann", spent=100),
            Counted("bo", spent=50),
            Until("2026-09-16 00:01"),
            Inside({"ann"}),
            Counted("bo", spent=150),
            Inside({"ann", "bo"}),
            Until("2026-09-16 23:59"),
            Inside({"ann", "bo"}),
            Until("2026-09-17 00:01"),
            Inside({"bo"}),
            Left("ann", because="time", at="2026-09-17 00:00"),
        ),
    ),
    Story(
        "ties at the cut are all in",
        "amount_spent IN TOP 1",
        (Counted("ann", spent=100), Counted("bo", spent=100), Counted("cy", spent=99), Until("2026-09-16 00:01"), Inside({"ann", "bo"})),
    ),
    Story(
        "a rank asked for the first time has its cut at once",
        ONCE,
        (Counted("ann", spent=100), Counted("bo", spent=50), RuleBecomes("amount_spent IN BOTTOM 1"), Inside({"bo"}), Entered("bo", because="rule")),
    ),
    Story(
        "a rank turned on again after days is by the shop of that day",
        {"some": "amount_spent IN TOP 1"},
        (
            Counted("ann", spent=100),
            Counted("bo", spent=50),
            Until("2026-09-16 00:01"),
            Paused(),
            Counted("bo", spent=200),
            Until("2026-09-18 12:00"),
            Resumed(),
            Inside({"bo"}),
        ),
    ),
    Story(
        "cuts that nobody took for days are not those of a new segment",
        {"old": "usage_rate = 'MEDIUM'"},
        (
            Ordered("ann"),
            Until("2026-09-16 00:01"),
            Paused("old"),
            *(Ordered("bo") for _ in range(3)),
            *(Ordered("cy") for _ in range(9)),
            Until("2026-09-18 12:00"),
            RuleBecomes("usage_rate = 'MEDIUM'", "some"),
            Inside({"cy"}),
        ),
    ),
    Story(
        "half of all is rounded up, and somebody without a value is neither in nor out",
        {"some": "amount_spent IN TOP 50%", "rest": "amount_spent NOT IN TOP 50%"},
        (*(Counted(who, spent=n) for n, who in enumerate(("ann", "bo", "cy"))), Tagged("dee", "x"), Until("2026-09-16 00:01"), Inside({"bo", "cy"})),
    ),
    Story(
        "a cut by columns is the cut of those who change later",
        "amount_spent IN TOP 1",
        (Counted("ann", spent=100), Counted("bo", spent=50), Until("2026-09-16 00:01"), Inside({"ann"}), Counted("bo", spent=150), Inside({"bo"})),
        columnar=True,
    ),
    Story(
        "sizes are kept for each day that is over, also for days when nothing ran",
        ONCE,
        (
            Ordered("ann", "x"),
            Ordered("bo"),
            Until("2026-09-16 12:00"),
            Sized("2026-09-15", 2, entered=2, left=0),
            Cancelled("x"),
            Down(),
            Until("2026-09-19 12:00"),
            Up(),
            Sized("2026-09-16", 1, entered=0, left=1),
            Sized("2026-09-18", 1, entered=0, left=0),
        ),
    ),
    Story(
        "a size of a day of 25 hours counts who came in its last hour",
        ONCE,
        (
            Until("2026-10-25 23:30"),
            Ordered("ann"),
            Until("2026-10-26 00:05"),
            Ordered("bo"),
            Until("2026-10-27 00:05"),
            Sized("2026-10-25", 1, entered=1, left=0),
            Sized("2026-10-26", 2, entered=1, left=0),
        ),
        start="2026-10-25 00:10",
    ),
)


@pytest.mark.parametrize("story", [*EDITS, *SWITCHED, *DEPENDENT, *RANKED], ids=lambda story: story.name)
def test_story(story: Story, world: World) -> None:
    story.play(world)
