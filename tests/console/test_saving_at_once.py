"""Saving a rule while somebody else saves, or while the shop is judged."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.test import Client

from integrations.models import Shop
from segsync import clock
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment
from tests.console.rows import connect, segment
from tests.console.test_writing_rules import form, save

WAIT = 10  # seconds after which a page that should have been answered counts as stuck
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]  # SQLite has one writer at a time


@pytest.fixture
def repeat(shop: Shop) -> Segment:
    """A segment of a connected shop."""
    connect(shop)
    return segment(shop)


def meanwhile(row: Segment, first: Callable[[], object], then: Callable[[], object], **changes: object) -> str:
    """What the page answers ("" when it saved) to somebody who sends it between `first` and `then`, both in one transaction."""
    user = User.objects.create_superuser("second")
    answers: list[str] = []

    def page() -> None:
        client = Client()
        client.force_login(user)
        try:
            answers.append(save(client, row, **changes))
        finally:
            connection.close()

    form(row)  # read before the transaction begins
    thread = threading.Thread(target=page)
    with transaction.atomic():
        first()
        thread.start()
        thread.join(1)  # long enough to save, were it let
        then()
    thread.join(WAIT)
    assert not thread.is_alive()
    return answers[0]


def test_a_page_saved_while_the_shop_is_judged_waits_for_its_turn(repeat: Segment) -> None:
    answer = meanwhile(
        repeat,
        lambda: Shop.objects.select_for_update(no_key=True).get(pk=repeat.shop_id),
        lambda: Segment.objects.filter(pk=repeat.pk).update(size=7),
        name="Renamed",
        rule="number_of_orders >= 3",
    )
    assert answer == ""
    saved = Segment.objects.get()
    assert (saved.name, saved.rule, saved.size) == ("Renamed", "number_of_orders >= 3", 7)


def test_a_version_saved_after_the_form_had_looked_is_shown_beside_what_was_typed(repeat: Segment) -> None:
    answer = meanwhile(
        repeat,
        lambda: change_rule(Segment.objects.get(), "number_of_orders >= 5", author=None, reason="", now=clock.now()),
        lambda: None,
        rule="number_of_orders >= 9",
        name="Renamed",
    )
    assert "Version 2 was saved while you were editing; open the page again and make your change there." in answer
    assert "number_of_orders &gt;= 9" in answer
    saved = Segment.objects.get()
    assert (saved.rule, saved.name) == ("number_of_orders >= 5", repeat.name)


def test_a_circle_that_another_page_closes_after_the_form_had_looked_is_shown(repeat: Segment) -> None:
    other = segment(repeat.shop, "other")
    answer = meanwhile(
        repeat,
        lambda: change_rule(other, "segments CONTAINS 'repeat-buyers'", author=None, reason="", now=clock.now()),
        lambda: None,
        rule="segments CONTAINS 'other'",
    )
    assert "repeat-buyers → other → repeat-buyers depend on each other in a circle" in answer
    assert Segment.objects.get(pk=repeat.pk).rule == repeat.rule
