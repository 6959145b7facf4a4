"""A segment's rule is written in the admin: checked on save, kept in versions, and followed by an evaluation."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db.models import F
from django.test import Client

from integrations.models import Shop
from segsync.diff.models import Target
from segsync.evaluate.models import Schedule
from segsync.evaluate.scope import edited
from segsync.evaluate.standing import recheck
from segsync.rules.models import Segment, SegmentVersion
from segsync.store.models import PropertyDefinitions
from tests.console.rows import RULE, connect, segment


@pytest.fixture
def repeat(shop: Shop) -> Segment:
    """A segment of a connected shop whose evaluations have all been made."""
    connect(shop)
    made = segment(shop)
    Schedule.objects.update(whole_wanted_at=None)
    Segment.objects.update(judged_version=F("version"))
    return made


def form(row: Segment, **changes: object) -> dict[str, object]:
    """What the page sends when it is saved as it is, with `changes`."""
    number = row.version.number if row.version else ""
    return {"name": row.name, "description": row.description, "state": row.state, "rule": row.rule, "reason": "", "seen_version": number} | changes


def save(client: Client, row: Segment, **changes: object) -> str:
    """Save the page; "" when it was saved, else the page with its errors."""
    answer = client.post(f"/admin/rules/segment/{row.pk}/change/", form(row, **changes))
    return "" if answer.status_code == 302 else answer.content.decode()


def evaluation_wanted(shop: Shop) -> bool:
    return Schedule.objects.get(shop=shop).whole_wanted_at is not None or bool(edited(shop))


def test_a_new_rule_is_the_next_version_with_its_author_and_reason(repeat: Segment, admin_client: Client, admin_user: User) -> None:
    assert save(admin_client, repeat, rule="number_of_orders>=3", reason="Two is too few") == ""
    newest = SegmentVersion.objects.latest("number")
    assert (newest.number, newest.rule, newest.author, newest.reason) == (2, "number_of_orders >= 3", admin_user, "Two is too few")
    repeat.refresh_from_db()
    assert repeat.version == newest
    assert SegmentVersion.objects.get(number=1).rule == RULE


def test_a_new_rule_is_evaluated_and_written(repeat: Segment, admin_client: Client) -> None:
    save(admin_client, repeat, rule="number_of_orders >= 3")
    assert evaluation_wanted(repeat.shop)
    assert list(Target.objects.filter(segments=repeat).values_list("name", flat=True)) == ["segsync:repeat-buyers"]


def test_a_mistake_is_told_under_the_rule_with_its_place_and_nothing_is_saved(repeat: Segment, admin_client: Client) -> None:
    page = save(admin_client, repeat, rule="number_of_orders >= 2\nAND nmber_of_orders >= 3", name="Another name")
    told = page.partition('name="rule"')[2].partition('name="reason"')[0]
    assert "errorlist" in told
    assert "ine 2" in told
    assert "column 5" in told
    assert "AND nmber_of_orders" in page  # what was typed is still there
    repeat.refresh_from_db()
    assert repeat.name == "Repeat buyers"
    assert SegmentVersion.objects.count() == 1
    assert not evaluation_wanted(repeat.shop)


def test_saving_what_says_the_same_makes_no_version(repeat: Segment, admin_client: Client) -> None:
    assert save(admin_client, repeat, rule="number_of_orders   >=   2", description="Loyal people") == ""
    repeat.refresh_from_db()
    assert (repeat.description, SegmentVersion.objects.count()) == ("Loyal people", 1)
    assert not evaluation_wanted(repeat.shop)


def test_a_version_saved_meanwhile_is_not_written_over(repeat: Segment, admin_client: Client) -> None:
    stale = form(repeat, rule="number_of_orders >= 9")
    save(admin_client, repeat, rule="number_of_orders >= 3")
    answer = admin_client.post(f"/admin/rules/segment/{repeat.pk}/change/", stale)
    assert "Version 2 was saved while you were editing" in answer.content.decode()
    assert SegmentVersion.objects.count() == 2


def test_a_handle_and_a_shop_stay_as_they_were(repeat: Segment, admin_client: Client) -> None:
    other = Shop.objects.create(domain="other.myshopify.com")
    save(admin_client, repeat, handle="another", shop=other.pk)
    repeat.refresh_from_db()
    assert (repeat.handle, repeat.shop.domain) == ("repeat-buyers", "corner-shop.myshopify.com")


def test_resuming_a_segment_asks_for_an_evaluation(repeat: Segment, admin_client: Client) -> None:
    Segment.objects.update(state=Segment.State.PAUSED)
    assert save(admin_client, repeat, state="on") == ""
    assert evaluation_wanted(repeat.shop)


def test_a_segment_is_added_with_its_first_version(repeat: Segment, admin_client: Client, admin_user: User) -> None:
    new = {"shop": repeat.shop.pk, "name": "Big", "handle": "big", "description": "", "state": "on", "rule": "amount_spent > 500"}
    assert admin_client.post("/admin/rules/segment/add/", new).status_code == 302
    made = Segment.objects.get(handle="big")
    assert made.version is not None
    assert (made.version.number, made.rule, made.version.author) == (1, "amount_spent > 500", admin_user)
    assert evaluation_wanted(repeat.shop)
    assert Target.objects.filter(segments=made).exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"handle": "repeat-buyers"}, "already exists"),
        ({"handle": "Big Ones"}, "small letters, digits and single hyphens"),
        ({"rule": ""}, "required"),
        ({"rule": "amount_spent >"}, "column"),
        ({"shop": ""}, "required"),
    ],
)
def test_what_cannot_be_added_is_told(repeat: Segment, admin_client: Client, changes: dict[str, str], told: str) -> None:
    new = {"shop": repeat.shop.pk, "name": "Big", "handle": "big", "description": "", "state": "on", "rule": "amount_spent > 500"}
    answer = admin_client.post("/admin/rules/segment/add/", new | changes)
    assert answer.status_code == 200
    assert told in answer.content.decode()
    assert Segment.objects.count() == 1


def test_the_page_reads_the_rule_in_plain_english_and_shows_its_versions(repeat: Segment, admin_client: Client) -> None:
    save(admin_client, repeat, rule="number_of_orders >= 3", reason="Two is too few")
    page = admin_client.get(f"/admin/rules/segment/{repeat.pk}/change/").content.decode()
    assert "Customers whose number of orders is at least 3" in page
    assert "Two is too few" in page
    assert "number_of_orders &gt;= 2" in page


def test_a_rule_is_shown_as_text(repeat: Segment, admin_client: Client) -> None:
    save(admin_client, repeat, rule="customer_tags CONTAINS '<script>alert(1)</script>'")
    for page in ("/admin/rules/segment/", f"/admin/rules/segment/{repeat.pk}/change/"):
        assert "<script>alert(1)" not in admin_client.get(page).content.decode()


def test_whoever_may_only_look_sees_the_rule_and_cannot_save_it(repeat: Segment, client: Client) -> None:
    reader = User.objects.create_user("reader", password="a-long-password", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_segment"))
    client.force_login(reader)
    page = client.get(f"/admin/rules/segment/{repeat.pk}/change/")
    assert page.status_code == 200
    assert "number_of_orders &gt;= 2" in page.content.decode()
    assert client.post(f"/admin/rules/segment/{repeat.pk}/change/", form(repeat, rule="number_of_orders >= 3")).status_code == 403
    assert SegmentVersion.objects.count() == 1


def test_a_segment_is_not_deleted_here(repeat: Segment, admin_client: Client) -> None:
    assert admin_client.post(f"/admin/rules/segment/{repeat.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Segment.objects.exists()


@pytest.mark.parametrize(
    ("rule", "told"),
    [("segments CONTAINS 'repeat-buyers'", "depend on each other in a circle"), ("segments CONTAINS 'nobody'", "is not the handle of a segment")],
)
def test_a_rule_that_asks_about_itself_or_about_no_segment_is_told_under_the_rule(repeat: Segment, admin_client: Client, rule: str, told: str) -> None:
    assert told in save(admin_client, repeat, rule=rule)
    assert SegmentVersion.objects.count() == 1


def test_the_portals_properties_may_be_asked_about_and_others_may_not(repeat: Segment, admin_client: Client) -> None:
    portal = connect(repeat.shop, "hubspot")
    definition = {"name": "fit_score", "type": "number", "options": [], "multiple": False, "label": "Fit score"}
    PropertyDefinitions.objects.create(shop=repeat.shop, source="hubspot", definitions=[definition], told_at=portal.connected_at)
    assert "is not a property of the connected portal" in save(admin_client, repeat, rule="hubspot.fit_scor > 50")
    assert save(admin_client, repeat, rule="hubspot.fit_score > 50") == ""
    portal.refresh_from_db()
    assert portal.wanted_properties == ["fit_score"]
    recheck(repeat.shop, portal.connected_at)
    page = admin_client.get(f"/admin/rules/segment/{repeat.pk}/change/").content.decode()
    assert "Waiting for the values of `hubspot.fit_score`" in page
    assert "whose Fit score is more than 50" in page
    assert "not judged" in admin_client.get("/admin/rules/segment/").content.decode()
    assert "Waiting for the values" in admin_client.get("/admin/").content.decode()
    assert "1 known; segments ask about fit_score" in admin_client.get(f"/admin/integrations/connection/{portal.pk}/change/").content.decode()
