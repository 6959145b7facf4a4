"""A segment's form shows what saving would do, saves nothing, and is saved from there."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from integrations.models import Shop
from segsync.evaluate import measure
from segsync.evaluate.models import Membership, Schedule
from segsync.rules.models import Segment, SegmentVersion
from segsync.store.models import Customer
from tests.console.rows import connect, joins, person, segment
from tests.console.test_writing_rules import form


@pytest.fixture
def repeat(shop: Shop) -> Segment:
    """A segment of three people, each with one order, in a connected shop of four."""
    connect(shop)
    made = segment(shop)
    for number in range(1, 5):
        who = person(shop, number)
        if number < 4:
            joins(who, made)
    Schedule.objects.update(whole_wanted_at=None)
    return made


def look(client: Client, row: Segment, **changes: object) -> str:
    answer = client.post(f"/admin/rules/segment/{row.pk}/change/", form(row, **changes) | {"_preview": "Preview"})
    assert answer.status_code == 200
    return answer.content.decode()


def words(page: str) -> str:
    """The page's text, blanks made one."""
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def nothing_changed(row: Segment) -> bool:
    row.refresh_from_db()
    same = (row.name, row.rule, SegmentVersion.objects.count(), Membership.objects.filter(until__isnull=True).count()) == (
        "Repeat buyers",
        "number_of_orders >= 2",
        1,
        3,
    )
    return same and not Schedule.objects.filter(whole_wanted_at__isnull=False).exists()


def test_a_preview_says_who_would_move_and_why_and_saves_nothing(repeat: Segment, admin_client: Client) -> None:
    page = look(admin_client, repeat, rule="number_of_orders = 1 AND customer_email != 'person1@example.test'", name="Another name", reason="Because")
    told = words(page)
    assert "Preview: nothing is saved yet" in told
    assert "Saving would let 1 person in and take 1 person out." in told
    assert "person1@example.test" in told.partition("Who would leave")[2].partition("How large")[0]
    assert "fails customer_email != &#x27;person1@example.test&#x27;" in told
    assert "person4@example.test" in told.partition("Who would enter")[2].partition("Who would leave")[0]
    assert nothing_changed(repeat)
    assert 'value="Another name"' in page
    assert 'value="Because"' in page
    assert "errornote" not in page


def test_what_was_previewed_is_saved_from_there(repeat: Segment, admin_client: Client) -> None:
    page = look(admin_client, repeat, rule="number_of_orders = 1")
    assert re.search(r'<button type="submit" form="segment_form" name="_save"', page)
    seen = re.search(r'name="seen_version" value="(\d+)"', page)
    assert seen
    saved = form(repeat, rule="number_of_orders = 1", seen_version=seen[1]) | {"_save": ""}
    assert admin_client.post(f"/admin/rules/segment/{repeat.pk}/change/", saved).status_code == 302
    repeat.refresh_from_db()
    assert repeat.rule == "number_of_orders = 1"


def test_a_mistake_is_told_under_the_rule_and_nothing_is_previewed(repeat: Segment, admin_client: Client) -> None:
    page = look(admin_client, repeat, rule="nmber_of_orders >= 3")
    assert "errorlist" in page.partition('name="rule"')[2].partition('name="reason"')[0]
    assert "Preview: nothing is saved yet" not in page
    assert nothing_changed(repeat)


def test_a_version_saved_meanwhile_is_told_before_anything_is_previewed(repeat: Segment, admin_client: Client) -> None:
    stale = form(repeat, rule="number_of_orders >= 9") | {"_preview": "Preview"}
    admin_client.post(f"/admin/rules/segment/{repeat.pk}/change/", form(repeat, rule="number_of_orders >= 3"))
    page = admin_client.post(f"/admin/rules/segment/{repeat.pk}/change/", stale).content.decode()
    assert "Version 2 was saved while you were editing" in page
    assert "nothing is saved yet" not in page


def test_a_large_removal_is_shown_so_that_it_is_noticed(repeat: Segment, admin_client: Client) -> None:
    page = look(admin_client, repeat, rule="number_of_orders > 1")
    assert 'role="alert"' in page
    assert "3 of the 3 people in this segment (100%) would leave it" in words(page)
    assert "Save although 3 people leave" in page
    small = look(admin_client, repeat, rule="number_of_orders = 1")
    assert 'role="alert"' not in small
    assert "Save although" not in small


def test_what_it_costs_and_what_is_doubtful_are_told(repeat: Segment, admin_client: Client) -> None:
    told = words(look(admin_client, repeat, rule="number_of_orders = 1 AND products_purchased NOT MATCHES (category = 'Shoez')"))
    assert "Nothing in this shop has the category &#x27;Shoez&#x27;" in told
    assert "Shopify tag segsync:repeat-buyers +1 / −0 2 under a second" in told


def test_a_paused_segment_says_that_nobody_moves_yet(repeat: Segment, admin_client: Client) -> None:
    assert "nobody moves before it is switched on" in words(look(admin_client, repeat, state="paused"))


def test_a_new_segment_is_previewed_and_not_made(repeat: Segment, admin_client: Client) -> None:
    new = {"shop": repeat.shop.pk, "name": "Ones", "handle": "ones", "description": "", "state": "on", "rule": "number_of_orders = 1", "_preview": ""}
    told = words(admin_client.post("/admin/rules/segment/add/", new).content.decode())
    assert "Saving would let 4 people in." in told
    assert "segsync:ones" in told
    assert "Repeat buyers 3 75% 100% of 3 75%" in told
    assert Segment.objects.count() == 1


def test_what_a_rule_names_is_shown_as_text(repeat: Segment, admin_client: Client) -> None:
    assert "<script>alert(1)" not in look(admin_client, repeat, rule="customer_tags CONTAINS '<script>alert(1)</script>'")


def worker(*permissions: str) -> User:
    made = User.objects.create_user("worker", password="a-long-password", is_staff=True)
    made.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    return made


def test_whoever_may_not_look_at_customers_is_given_numbers_without_names(repeat: Segment, client: Client) -> None:
    client.force_login(worker("view_segment", "change_segment"))
    page = look(client, repeat, rule="number_of_orders > 1")
    assert "3 people; your account may not look at customers." in page
    assert "@example.test" not in page.partition('id="preview"')[2]
    client.force_login(User.objects.create_superuser("chief", password="a-long-password"))
    assert "person1@example.test" in look(client, repeat, rule="number_of_orders > 1")


def test_whoever_may_only_look_has_no_button_and_cannot_preview(repeat: Segment, client: Client) -> None:
    client.force_login(worker("view_segment"))
    assert 'name="_preview"' not in client.get(f"/admin/rules/segment/{repeat.pk}/change/").content.decode()
    assert client.post(f"/admin/rules/segment/{repeat.pk}/change/", form(repeat) | {"_preview": ""}).status_code == 403


def test_a_preview_takes_a_fixed_number_of_queries(repeat: Segment, admin_client: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    for number in range(10, 40):
        joins(person(repeat.shop, number), repeat)
    with django_assert_max_num_queries(90):
        look(admin_client, repeat, rule="number_of_orders > 1")


def test_a_part_of_the_shop_is_not_compared_with_whole_segments(repeat: Segment, admin_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    other = segment(repeat.shop, "other")
    joins(Customer.objects.earliest("pk"), other)
    monkeypatch.setattr(measure, "PATIENCE", 0.0)
    monkeypatch.setattr(measure, "BATCH", 2)
    told = words(look(admin_client, repeat, rule="number_of_orders >= 1"))
    assert "Only the first 2 customers could be looked at" in told
    assert "Not compared: not everybody could be looked at." in told
