"""Versions of a rule: what each changed and moved, and the way back for those who may."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import Shop
from segsync import clock
from segsync.evaluate.models import Cause, Membership, Schedule
from segsync.evaluate.scope import edited
from segsync.rules.edit import change_rule
from segsync.rules.models import Segment, SegmentVersion
from tests.console.rows import connect, joins, person, segment


@pytest.fixture
def twice(shop: Shop, admin_user: User) -> Segment:
    """A segment whose second version, by an admin, let one person in and took one out; a third entered by an order."""
    connect(shop)
    made = segment(shop)
    joins(person(shop, 1), made)
    change_rule(made, "number_of_orders >= 3 AND amount_spent > 50", author=admin_user, reason="Too <wide>", now=clock.now())
    Membership.objects.update(until=clock.now(), left_cause=Cause.RULE, left_version=made.version)
    joins(person(shop, 2), made)
    Membership.objects.filter(until__isnull=True).update(cause=Cause.RULE)
    joins(person(shop, 3), made)
    Schedule.objects.update(whole_wanted_at=None)
    return made


def address(row: Segment, number: int, way: str = "") -> str:
    return f"/admin/rules/segment/{row.pk}/version/{number}/{way}"


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", page).split())


def test_a_version_shows_author_reason_change_and_whom_it_moved(twice: Segment, admin_client: Client) -> None:
    page = admin_client.get(address(twice, 2)).content.decode()
    told = words(page)
    assert "By admin" in told
    assert "Too &lt;wide&gt;" in told
    assert "Moved by it +1 / −1" in told
    assert "taken out: </span>2</del>" in page
    assert "put in: </span>3</ins>" in page
    assert "put in: </span>AND amount_spent &gt; 50</ins>" in page
    assert "whose number of orders is at least 3" in told


def test_the_segments_page_shows_the_same_of_each_version(twice: Segment, admin_client: Client) -> None:
    page = admin_client.get(f"/admin/rules/segment/{twice.pk}/change/").content.decode()
    assert f'href="{address(twice, 1)}"' in page
    assert "taken out: </span>2</del>" in page
    assert "Version 2 in force" in words(page)
    assert "+1 / −1" in page


def test_going_back_asks_first_and_shows_what_it_would_do(twice: Segment, admin_client: Client) -> None:
    assert f'href="{address(twice, 1, "roll-back/")}"' in admin_client.get(address(twice, 1)).content.decode()
    page = admin_client.get(address(twice, 1, "roll-back/")).content.decode()
    assert "Roll back Repeat buyers to version 1?" in page
    assert "From version 2, in force now, to version 1" in page
    assert "Preview: nothing is saved yet" in page
    assert twice.versions.count() == 2


def test_going_back_makes_a_version_with_author_and_reason_and_is_evaluated(twice: Segment, admin_client: Client, admin_user: User) -> None:
    answer = admin_client.post(address(twice, 1, "roll-back/"), {"seen_version": "2", "reason": "Too strict"}, follow=True)
    assert "Version 3 has the rule of version 1" in answer.content.decode()
    twice.refresh_from_db()
    assert twice.version is not None
    assert (twice.version.number, twice.rule, twice.version.author, twice.version.reason) == (3, "number_of_orders >= 2", admin_user, "Too strict")
    assert edited(twice.shop) == [twice.pk]


@pytest.mark.parametrize("seen", ["1", "", "x"])
def test_a_version_saved_meanwhile_is_not_written_over(twice: Segment, admin_client: Client, seen: str) -> None:
    page = admin_client.post(address(twice, 1, "roll-back/"), {"seen_version": seen, "reason": "Mine"}).content.decode()
    assert "Version 2 was saved meanwhile" in page
    assert 'value="Mine"' in page
    assert twice.versions.count() == 2


def test_a_wording_that_means_nothing_any_more_is_not_put_in_force(twice: Segment, admin_client: Client) -> None:
    SegmentVersion.objects.filter(number=1).update(rule="segments CONTAINS 'gone'")
    page = admin_client.post(address(twice, 1, "roll-back/"), {"seen_version": "2"}).content.decode()
    assert "is not the handle of a segment" in page
    assert twice.versions.count() == 2


def test_the_version_in_force_offers_no_way_back(twice: Segment, admin_client: Client) -> None:
    assert "roll-back" not in admin_client.get(address(twice, 2)).content.decode()


def test_whoever_may_only_look_sees_versions_and_cannot_go_back(twice: Segment, client: Client) -> None:
    reader = User.objects.create_user("reader", password="a-long-password", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_segment"))
    client.force_login(reader)
    page = client.get(address(twice, 1))
    assert page.status_code == 200
    assert "roll-back" not in page.content.decode()
    assert client.get(address(twice, 1, "roll-back/")).status_code == 403
    assert client.post(address(twice, 1, "roll-back/"), {"seen_version": "2"}).status_code == 403
    assert twice.versions.count() == 2


def test_whoever_may_not_look_at_segments_sees_no_version(twice: Segment, client: Client) -> None:
    client.force_login(User.objects.create_user("nobody", password="a-long-password", is_staff=True))
    assert client.get(address(twice, 1)).status_code == 403
    client.logout()
    assert client.get(address(twice, 1)).status_code == 302


def test_a_version_or_segment_that_is_not_there_is_not_found(twice: Segment, admin_client: Client) -> None:
    assert admin_client.get(address(twice, 9)).status_code == 404
    assert admin_client.get(f"/admin/rules/segment/{twice.pk + 99}/version/1/").status_code == 404


def test_only_moves_of_that_edit_are_counted(twice: Segment, admin_client: Client) -> None:
    Membership.objects.filter(cause=Cause.RULE).update(since=clock.now() - timedelta(days=400))
    assert "Moved by it +0 / −0" in words(admin_client.get(address(twice, 1)).content.decode())
    assert "Moved by it +1 / −1" in words(admin_client.get(address(twice, 2)).content.decode())
