"""The first page: one shop at a time, what is fresh, what waits, what needs somebody."""

from __future__ import annotations

from django.contrib.auth.models import Permission, User
from django.test import Client

from integrations.models import Connection, Shop
from segsync import clock
from segsync.diff.models import Target
from segsync.evaluate.models import WholeRun
from segsync.pull.models import Stream
from segsync.rules.models import Segment
from tests.console.rows import connect, joins, mark, person, segment, target


def overview(client: Client, **query: object) -> str:
    answer = client.get("/admin/", query)
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_a_store_it_says_how_to_install_one(admin_client: Client) -> None:
    page = overview(admin_client)
    assert "No store yet" in page
    assert 'href="/"' in page


def test_it_counts_people_members_and_what_waits(shop: Shop, admin_client: Client) -> None:
    buyers = segment(shop)
    place = target(connect(shop), buyers)
    for number in range(4):
        joins(person(shop, number), buyers)
    mark(place, shop.customers.earliest("pk"))
    Segment.objects.update(size=3, evaluated_at=clock.now())
    context = admin_client.get("/admin/").context
    tiles = {tile.title: tile.number for tile in context["tiles"]}
    assert (tiles["Customers"], tiles["Waiting to be written"], tiles["Marks in place"]) == ("4", "1", "0")
    assert [(line.name, line.size, line.share) for line in context["segments"]] == [("Repeat buyers", "3", 75.0)]
    assert context["problems"] == []


def test_one_shops_numbers_hold_nothing_of_another(shop: Shop, admin_client: Client) -> None:
    other = Shop.objects.create(domain="other.myshopify.com", name="Other")
    person(other, 1)
    segment(other, "theirs")
    Connection.objects.filter(pk=connect(other).pk).update(status=Connection.Status.NEEDS_RECONNECT)
    page = overview(admin_client, shop=shop.pk)
    assert "Theirs" not in page
    assert "needs reconnecting" not in page
    page = overview(admin_client, shop=other.pk)
    assert "Theirs" in page
    assert "needs reconnecting" in page


def test_what_needs_somebody_is_told_with_its_page(shop: Shop, admin_client: Client) -> None:
    connection = connect(shop)
    place = target(connection, segment(shop))
    mark(place, person(shop, 1), parked=True)
    Target.objects.update(reason="A list of this name is somebody else's.")
    Stream.objects.create(shop=shop, connection=connection, name="orders", problem="A scope is missing.")
    found = {problem.sentence: problem.address for problem in admin_client.get("/admin/").context["problems"]}
    assert found == {
        "Pulling orders from Shopify fails: A scope is missing.": f"/admin/pull/stream/{Stream.objects.get().pk}/change/",
        "Shopify customer tag segsync:repeat-buyers: A list of this name is somebody else's.": f"/admin/diff/target/{place.pk}/change/",
        "1 mark could not be written: Shopify customer tag segsync:repeat-buyers.": f"/admin/diff/ledgerentry/?left=parked&target__id__exact={place.pk}",
    }
    for address in found.values():
        assert admin_client.get(address).status_code == 200


def test_each_part_is_for_those_who_may_see_it(shop: Shop, client: Client) -> None:
    person(shop, 1)
    segment(shop)
    reader = User.objects.create_user("reader", password="a-long-password", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_segment"))
    client.force_login(reader)
    context = client.get("/admin/").context
    assert context["tiles"] == []
    assert "streams" not in context
    assert [line.name for line in context["segments"]] == ["Repeat buyers"]


def test_an_evaluation_that_a_second_judgement_contradicts_needs_somebody(shop: Shop, admin_client: Client) -> None:
    connect(shop)
    now = clock.now()
    run = WholeRun.objects.create(
        shop=shop, status="done", as_of=now, started_at=now, seen_at=now, finished_at=now, segments=1, customers=9, checked=9, disagreements=2
    )
    (problem,) = admin_client.get("/admin/").context["problems"]
    assert problem.sentence.startswith("2 memberships of 9 customers judged again came out otherwise")
    assert problem.address.endswith(f"/wholerun/{run.pk}/change/")
    WholeRun.objects.create(shop=shop, status="done", as_of=now, started_at=now, seen_at=now, finished_at=now, segments=1, customers=9, checked=9)
    assert admin_client.get("/admin/").context["problems"] == []
