"""Time alone moves people: at the shop's midnight for days, within a minute for hours, whatever the clocks do."""

from __future__ import annotations

import pytest

from tests.journeys.claims import Entered, Inside, Left, Moves, WasInside
from tests.journeys.events import Joined, LeftCheckout, Opened, Ordered, Recovered, Refunded
from tests.journeys.story import Down, Passed, RuleBecomes, Story, Until, Up
from tests.journeys.world import World

DAY_OLD = "orders_placed MATCHES (date >= -1d)"
SILENT = "emails.clicked MATCHES () THEN orders_placed NOT MATCHES () WITHIN 24h"
HOURS = (
    Story(
        "an abandoned checkout of 24 hours is over within a minute",
        "checkouts_abandoned MATCHES (date >= -24h, recovered = false)",
        (
            LeftCheckout("ann"),
            Inside({"ann"}),
            Until("2026-09-16 12:00"),
            Inside({"ann"}),
            Until("2026-09-16 12:01"),
            Inside(set()),
            Left("ann", because="time", at="2026-09-16 12:01", told="24h"),
        ),
    ),
    Story(
        "a recovered checkout is over at once, and its window then moves nobody",
        "checkouts_abandoned MATCHES (date >= -24h, recovered = false)",
        (LeftCheckout("ann"), Passed("2h"), Recovered(), Inside(set()), Left("ann", because="order"), Passed("24h"), Moves(2)),
    ),
    Story(
        "90 minutes are 90 minutes over the hour that comes twice",
        "emails.opened MATCHES (date >= -90min)",
        (
            Opened("ann"),
            Until("2026-10-25 01:15"),
            Inside({"ann"}),
            Until("2026-10-25 01:15", fold=1),
            Inside({"ann"}),
            Until("2026-10-25 01:16", fold=1),
            Inside(set()),
            Left("ann", because="time", at="2026-10-25 01:16", fold=1),
        ),
        start="2026-10-25 00:45",
    ),
    Story(
        "24 hours are 24 hours over the day that lacks one",
        "orders_placed MATCHES (date >= -24h)",
        (Ordered("ann"), Until("2026-03-29 12:30"), Inside({"ann"}), Until("2026-03-29 13:02"), Inside(set())),
        start="2026-03-28 12:00",
    ),
    Story(
        "what lies two hours ahead is reached as time goes on",
        "orders_placed MATCHES (date <= +2h)",
        (Ordered("ann", at="2026-09-15 18:00"), Inside(set()), Until("2026-09-15 16:01"), Inside({"ann"}), Entered("ann", because="time")),
    ),
    Story(
        "an order dated later is not before now until then",
        "last_order_date <= now",
        (Ordered("ann", at="2026-09-15 15:00"), Inside(set()), Until("2026-09-15 15:01"), Inside({"ann"}), Entered("ann", because="time")),
    ),
    Story(
        "between two hour marks people come in at one and go at the other",
        "last_order_date BETWEEN -3h AND -1h",
        (Ordered("ann"), Inside(set()), Passed("61min"), Inside({"ann"}), Passed("2h"), Inside(set()), Moves(2)),
    ),
    Story(
        "NOT within hours lets people in by time",
        "orders_placed MATCHES (count >= 1) AND orders_placed NOT MATCHES (date > -2h)",
        (Ordered("ann"), Inside(set()), Passed("122min"), Inside({"ann"}), Ordered("ann"), Inside(set()), Left("ann", because="order")),
    ),
    Story(
        "an account of two hours ages like an order",
        "customer_added_date >= -2h",
        (Joined("ann"), Inside({"ann"}), Passed("1h"), Inside({"ann"}), Passed("62min"), Inside(set()), Left("ann", because="time")),
    ),
    Story(
        "an hour window on refunds goes by when the money was given back",
        "orders_refunded MATCHES (date >= -2h)",
        (Ordered("ann", "a", ago="20d"), Refunded("a", 10), Inside({"ann"}), Passed("122min"), Inside(set()), Left("ann", because="time")),
    ),
    Story(
        "two windows of one rule each count for themselves",
        "emails.opened MATCHES (date >= -1h) OR orders_placed MATCHES (date >= -2h)",
        (Opened("ann"), Ordered("ann"), Ordered("bo"), Opened("cy"), Passed("62min"), Inside({"ann", "bo"}), Passed("60min"), Inside(set())),
    ),
    Story(
        "an hour window missed while nothing ran is made up",
        "emails.opened MATCHES (date >= -2h)",
        (Opened("ann"), Inside({"ann"}), Down(), Passed("6h"), Inside({"ann"}), Up(), Inside(set()), Left("ann", because="time", at="2026-09-15 18:00")),
    ),
    Story(
        "mail opened and passed over while nothing ran moves nobody",
        "emails.opened MATCHES (date >= -2h)",
        (Down(), Opened("ann"), Passed("3h"), Up(), Inside(set()), Moves(0)),
    ),
    Story(
        "an hour window that a rule begins to have is watched from then on",
        "orders_placed MATCHES (count >= 1)",
        (Ordered("ann"), Passed("30min"), RuleBecomes("orders_placed MATCHES (date >= -1h)"), Inside({"ann"}), Passed("32min"), Inside(set())),
    ),
    Story(
        "a click without an order becomes silence when its day is over",
        SILENT,
        (
            Opened("ann", kind="emails.clicked"),
            Opened("bo", kind="emails.clicked"),
            Passed("5h"),
            Ordered("bo"),
            Until("2026-09-16 11:59"),
            Inside(set()),
            Until("2026-09-16 12:02"),
            Inside({"ann"}),
            Entered("ann", because="time"),
        ),
    ),
    Story(
        "a late order ends the silence that was wrongly believed",
        SILENT,
        (
            Opened("ann", kind="emails.clicked"),
            Passed("25h"),
            Inside({"ann"}),
            Ordered("ann", ago="20h"),
            Inside(set()),
            Left("ann", because="order"),
        ),
    ),
    Story(
        "what must follow within an hour must follow within an hour",
        "emails.opened MATCHES () THEN orders_placed MATCHES () WITHIN 1h",
        (Opened("ann"), Opened("bo"), Passed("50min"), Ordered("ann"), Passed("20min"), Ordered("bo"), Inside({"ann"}), Passed("3d"), Inside({"ann"})),
    ),
)
DAYS = (
    Story(
        "a day window ends at the shop's midnight, not a day later to the hour",
        DAY_OLD,
        (
            Ordered("ann"),
            Until("2026-09-16 23:59"),
            Inside({"ann"}),
            Until("2026-09-17 00:01"),
            Inside(set()),
            Left("ann", because="time", at="2026-09-17 00:00"),
            WasInside("2026-09-16 23:59", {"ann"}),
        ),
    ),
    Story(
        "a midnight that the clocks skip is when they are put forward, in Santiago",
        DAY_OLD,
        (
            Ordered("ann"),
            Until("2026-09-05 23:59"),
            Inside({"ann"}),
            Until("2026-09-06 01:01"),
            Inside(set()),
            Left("ann", because="time", at="2026-09-06 01:00"),
        ),
        zone="America/Santiago",
        start="2026-09-04 12:00",
    ),
    Story(
        "a midnight that the clocks skip is when they are put forward, in Cairo",
        DAY_OLD,
        (Ordered("ann"), Until("2026-04-23 23:59"), Inside({"ann"}), Until("2026-04-24 01:01"), Inside(set())),
        zone="Africa/Cairo",
        start="2026-04-22 12:00",
    ),
    Story(
        "the hour before midnight that comes twice still belongs to the day, in Santiago",
        DAY_OLD,
        (
            Ordered("ann"),
            Until("2026-04-04 23:30"),
            Inside({"ann"}),
            Until("2026-04-04 23:30", fold=1),
            Inside({"ann"}),
            Until("2026-04-05 00:01"),
            Inside(set()),
        ),
        zone="America/Santiago",
        start="2026-04-03 12:00",
    ),
    Story(
        "a day of 25 hours is one day, in New York",
        "orders_placed MATCHES (date = yesterday)",
        (
            Ordered("ann"),
            Inside(set()),
            Until("2026-11-01 00:01"),
            Inside({"ann"}),
            Until("2026-11-01 23:59"),
            Inside({"ann"}),
            Until("2026-11-02 00:01"),
            Inside(set()),
            Moves(2),
        ),
        zone="America/New_York",
        start="2026-10-31 20:00",
    ),
    Story(
        "a day of 23 hours is one day, in New York",
        "orders_placed MATCHES (date = yesterday)",
        (Ordered("ann"), Until("2026-03-08 00:01"), Inside({"ann"}), Until("2026-03-09 00:01"), Inside(set()), Moves(2)),
        zone="America/New_York",
        start="2026-03-07 20:00",
    ),
    Story(
        "a clock that goes back half an hour, on Lord Howe",
        "orders_placed MATCHES (date = today) OR emails.opened MATCHES (date >= -60min)",
        (
            Ordered("ann"),
            Until("2026-04-05 01:20"),
            Opened("bo"),
            Until("2026-04-05 01:55"),
            Inside({"bo"}),
            Until("2026-04-05 01:45", fold=1),
            Inside({"bo"}),
            Until("2026-04-05 01:52", fold=1),
            Inside(set()),
        ),
        zone="Australia/Lord_Howe",
        start="2026-04-04 22:00",
    ),
    Story(
        "a clock that goes forward half an hour, on Lord Howe",
        "orders_placed MATCHES (date = today) OR emails.opened MATCHES (date >= -60min)",
        (
            Ordered("ann"),
            Until("2026-10-04 01:20"),
            Opened("bo"),
            Inside({"bo"}),
            Until("2026-10-04 02:49"),
            Inside({"bo"}),
            Until("2026-10-04 02:52"),
            Inside(set()),
        ),
        zone="Australia/Lord_Howe",
        start="2026-10-03 22:00",
    ),
    Story(
        "an order in the first of two equal hours is of the same day as one in the second",
        "orders_placed MATCHES (date = yesterday, count >= 2)",
        (Until("2026-10-25 01:30"), Ordered("ann"), Until("2026-10-25 01:30", fold=1), Ordered("ann"), Until("2026-10-26 00:01"), Inside({"ann"})),
        start="2026-10-24 22:00",
    ),
    Story(
        "a month before 31 March is the last of February",
        "orders_placed MATCHES (date >= -1m)",
        (
            Ordered("ann", at="2026-02-27 12:00"),
            Ordered("bo", at="2026-02-28 12:00"),
            Inside({"bo"}),
            Until("2026-03-31 23:59"),
            Inside({"bo"}),
            Until("2026-04-01 00:01"),
            Inside(set()),
        ),
        start="2026-03-31 12:00",
    ),
    Story(
        "from 28 to 31 March the mark of a month ago stands still",
        "orders_placed MATCHES (date = -1m)",
        (
            Ordered("ann", at="2026-02-28 09:00"),
            Inside({"ann"}),
            Until("2026-03-31 12:00"),
            Inside({"ann"}),
            Moves(1),
            Until("2026-04-01 00:01"),
            Inside(set()),
        ),
        start="2026-03-28 12:00",
    ),
    Story(
        "a year before 29 February is 28 February",
        "orders_placed MATCHES (date >= -1y)",
        (Ordered("ann", at="2027-02-28 08:00"), Ordered("bo", at="2027-02-27 08:00"), Inside({"ann"}), Until("2028-03-01 00:01"), Inside(set())),
        start="2028-02-29 12:00",
    ),
    Story(
        "29 February counts a year later until the end of 28 February",
        "orders_placed MATCHES (date >= -1y)",
        (Ordered("ann", at="2028-02-29 08:00"), Until("2029-02-28 23:59"), Inside({"ann"}), Until("2029-03-01 00:01"), Inside(set())),
        start="2029-02-28 12:00",
    ),
    Story(
        "days since the last order grow at midnight",
        "days_since_last_order >= 2",
        (Ordered("ann"), Until("2026-09-16 23:59"), Inside(set()), Until("2026-09-17 00:01"), Inside({"ann"}), Entered("ann", because="time")),
    ),
    Story(
        "a midnight passed while nothing ran is made up",
        DAY_OLD,
        (Ordered("ann"), Down(), Until("2026-09-17 09:00"), Inside({"ann"}), Up(), Inside(set()), Left("ann", because="time", at="2026-09-17 09:00")),
    ),
    Story(
        "two midnights passed while nothing ran are made up in one",
        "orders_placed MATCHES (date = yesterday)",
        (Ordered("ann"), Ordered("bo", at="2026-09-16 12:00"), Down(), Until("2026-09-17 09:00"), Up(), Inside({"bo"}), Moves(1)),
    ),
    Story(
        "somebody who ordered while nothing ran over midnight came in by an order, not by time",
        DAY_OLD,
        (Down(), Ordered("ann", at="2026-09-16 08:00"), Until("2026-09-16 09:00"), Up(), Inside({"ann"}), Entered("ann", because="order")),
    ),
    Story(
        "somebody who ordered just before a sweep finds old news of them came in by an order",
        "orders_placed MATCHES (count >= 2) OR emails.opened MATCHES (date >= -1h, count >= 2)",
        (Opened("ann"), Ordered("ann"), Inside(set()), Down(), Passed("2h"), Ordered("ann"), Up(), Inside({"ann"}), Entered("ann", because="order")),
    ),
    Story(
        "an order and an hour window at one time: the order lets somebody in",
        "orders_placed MATCHES (count >= 1) AND emails.opened NOT MATCHES (date < -90min, date > -80min)",
        (Opened("ann"), Down(), Passed("2h"), Ordered("ann"), Up(), Inside({"ann"}), Entered("ann", because="order")),
    ),
)


@pytest.mark.parametrize("story", [*HOURS, *DAYS], ids=lambda story: story.name)
def test_story(story: Story, world: World) -> None:
    story.play(world)
