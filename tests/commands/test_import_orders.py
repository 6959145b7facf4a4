"""`manage.py import_orders`: history out of a file."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from integrations.models import Shop
from integrations.shopify.order_csv import ExportedOrder
from segsync import clock
from segsync.evaluate.due import make_schedule
from segsync.evaluate.models import Schedule
from segsync.leases import claim
from segsync.management.commands import import_orders
from segsync.store.models import Customer, Identity, Order, OrderLine, Profile
from tests.factories import customer, order, tell
from tests.integrations.shopify.test_shopify_order_csv import FIRST, SECOND, file

BEN = FIRST | {"Name": "#1002", "Id": "5002", "Email": " Ben@Example.com", "Created at": "2026-06-01 09:00:00 +0000", "Fulfilled at": "", "Paid at": ""}
GUEST = BEN | {"Name": "#1003", "Id": "5003", "Email": ""}


def told(shop: Shop, path: Path, *words: str) -> str:
    out = io.StringIO()
    call_command("import_orders", "--shop", shop.domain, str(path), *words, stdout=out)
    return out.getvalue()


def write(folder: Path, *rows: dict[str, str], name: str = "orders.csv") -> Path:
    path = folder / name
    path.write_bytes(file(*rows).encode())
    return path


def everything() -> list[object]:
    tables = (Customer, Identity, Profile, Order, OrderLine)
    return [list(model._base_manager.order_by("pk").values()) for model in tables]


def test_orders_lines_and_people_are_stored_and_summed_up(shop: Shop, tmp_path: Path) -> None:
    said = told(shop, write(tmp_path, FIRST, SECOND, BEN, GUEST))
    assert "Read 3 orders with 4 lines into corner-shop.myshopify.com" in said
    assert "Placed from 2026-05-01 08:58 to 2026-06-01 10:00 (Europe/London)." in said
    assert "1 orders have no e-mail address" in said
    assert "3 orders were new or newer than what was known; 2 customers were new." in said
    ann = Identity.objects.get(kind="email", value="ann@example.com").customer
    stored = Order.objects.get(name="#1001")
    assert (stored.customer_id, stored.source, stored.external_id, stored.total_minor, stored.counted) == (ann.pk, "shopify", "5001", 4500, True)
    assert Order.objects.get(name="#1003").customer_id is None
    assert sorted(OrderLine.objects.filter(order=stored).values_list("title", "amount_minor")) == [("Boots - Black", 3000), ("Laces", 1000)]
    profile = Profile.objects.get(customer=ann)
    assert (profile.source, profile.order_count, profile.countries) == ("import", None, ["GB"])
    assert ann.facts_version > ann.judged_version


def test_the_same_file_twice_changes_nothing(shop: Shop, tmp_path: Path) -> None:
    path = write(tmp_path, FIRST, SECOND, BEN, GUEST | {"Id": ""})
    told(shop, path)
    before = everything()
    assert "0 orders were new or newer than what was known; 0 customers were new." in told(shop, path)
    assert everything() == before


def test_a_newer_export_wins_whichever_comes_first(shop: Shop, tmp_path: Path) -> None:
    older = write(tmp_path, FIRST, SECOND, name="older.csv")
    newer = write(tmp_path, FIRST | {"Refunded Amount": "10.00", "Financial Status": "partially_refunded"}, SECOND, name="newer.csv")
    for path in (older, newer, older):
        told(shop, path)
    stored = Order.objects.get()
    assert (stored.total_minor, stored.refunded_minor, OrderLine.objects.count()) == (3500, 1000, 2)


def test_an_order_cut_off_at_the_end_of_a_file_is_completed_by_the_whole_file(shop: Shop, tmp_path: Path) -> None:
    for path in (write(tmp_path, FIRST, name="cut.csv"), write(tmp_path, FIRST, SECOND, name="whole.csv"), tmp_path / "cut.csv"):
        told(shop, path)
    assert OrderLine.objects.count() == 2


def test_voided_and_cancelled_orders_do_not_count(shop: Shop, tmp_path: Path) -> None:
    cancelled = GUEST | {"Cancelled at": "2026-06-02 09:00:00 +0000"}
    told(shop, write(tmp_path, FIRST | {"Financial Status": "Voided"}, cancelled, BEN))
    assert list(Order.objects.filter(counted=True).values_list("name", flat=True)) == ["#1002"]


def test_an_order_that_shopify_tells_of_too_counts_once(shop: Shop, tmp_path: Path) -> None:
    told(shop, write(tmp_path, FIRST, SECOND))
    placed = Order.objects.get().placed_at
    tell(shop, "shopify", customer("77", "ann@example.com"), order("5001", "77", placed_at=placed, total=4400, version=placed + timedelta(days=30)))
    again = Order.objects.get()
    assert (again.total_minor, Customer.objects.filter(merged_into__isnull=True).count()) == (4400, 1)
    told(shop, write(tmp_path, FIRST | {"Refunded Amount": "45.00"}, SECOND))
    assert Order.objects.get().total_minor == 4400


def test_an_order_without_id_is_replaced_by_what_shopify_tells_under_its_name(shop: Shop, tmp_path: Path) -> None:
    told(shop, write(tmp_path, FIRST | {"Id": ""}, SECOND))
    ann = Order.objects.get(source="import").customer
    assert ann is not None
    Customer.objects.update(judged_version=99)
    tell(shop, "shopify", customer("77", "ann@example.com"), order("1001", "77", placed_at=Order.objects.get().placed_at))  # named #1001
    assert list(Order.objects.values_list("source", "external_id", "customer_id")) == [("shopify", "1001", ann.pk)]
    assert OrderLine.objects.count() == 0


def test_an_order_without_id_that_shopify_told_of_is_the_same(shop: Shop, tmp_path: Path) -> None:
    told(shop, write(tmp_path, FIRST, SECOND))
    said = told(shop, write(tmp_path, FIRST | {"Id": "", "Refunded Amount": "1.00"}, SECOND, BEN | {"Id": ""}))
    assert "2 orders were new or newer" in said
    assert sorted(Order.objects.values_list("source", "external_id", "total_minor")) == [("import", "#1002", 4500), ("shopify", "5001", 4400)]


def test_an_import_finds_the_people_that_are_known_already(shop: Shop, tmp_path: Path) -> None:
    tell(shop, "shopify", customer("77", "ann@example.com"))
    told(shop, write(tmp_path, FIRST, SECOND))
    assert Customer.objects.count() == 1
    assert Order.objects.get().customer == Customer.objects.get()


def test_what_cannot_be_read_is_reported_with_its_row_and_the_rest_is_stored(shop: Shop, tmp_path: Path) -> None:
    bad = [GUEST | {"Name": f"#2{number:03}", "Id": "", "Currency": "EUR"} for number in range(25)]
    said = told(shop, write(tmp_path, FIRST, SECOND, *bad, BEN))
    assert "25 rows were left out (25 orders):" in said
    assert 'row 4: Order #2000 is in "EUR"' in said
    assert said.count("  row ") == 20
    assert "and 5 more." in said
    assert Order.objects.count() == 2


def test_a_dry_run_reads_everything_and_stores_nothing(shop: Shop, tmp_path: Path) -> None:
    said = told(shop, write(tmp_path, FIRST, SECOND, BEN | {"Total": "x"}), "--dry-run")
    assert "Would read 1 orders with 2 lines" in said
    assert "row 4: Total is" in said
    assert not Order.objects.exists()
    assert not Customer.objects.exists()


def test_a_long_file_is_stored_page_by_page_with_a_word_now_and_then(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_orders, "PAGE_ROWS", 7)
    monkeypatch.setattr(import_orders, "PROGRESS_ROWS", 20)
    rows = [FIRST | {"Name": f"#{number}", "Id": str(number), "Email": f"p{number % 9}@example.com"} for number in range(1, 61)]
    said = told(shop, write(tmp_path, *rows))
    assert [line for line in said.splitlines() if line.endswith("…")] == [f"{n} rows, {n} orders …" for n in (20, 40, 60)]
    assert (Order.objects.count(), Customer.objects.count()) == (60, 9)


def test_no_shop_sees_anothers_orders(shop: Shop, tmp_path: Path) -> None:
    other = Shop.objects.create(domain="other.myshopify.com", currency="GBP")
    path = write(tmp_path, FIRST | {"Id": ""}, SECOND)
    told(shop, path)
    told(other, path)
    assert sorted(Order.objects.values_list("shop_id", flat=True)) == sorted([shop.pk, other.pk])


def test_a_wrong_file_or_shop_is_refused_in_a_sentence(shop: Shop, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        told(shop, tmp_path / "none.csv")
    with pytest.raises(CommandError, match="cannot be read"):
        told(shop, tmp_path)
    (tmp_path / "products.csv").write_text("Handle,Title\nboots,Boots\n")
    with pytest.raises(CommandError, match="not an order export"):
        told(shop, tmp_path / "products.csv")
    with pytest.raises(CommandError, match=r"There is no shop 'nowhere\.myshopify\.com'; the shops there are: corner-shop"):
        call_command("import_orders", "--shop", "nowhere.myshopify.com", str(tmp_path / "x.csv"))
    with pytest.raises(CommandError, match="There is no shop"):
        call_command("import_orders", "--shop", "\udcff\x00", str(tmp_path / "x.csv"))


def test_a_shop_is_evaluated_whole_after_an_import_and_not_by_half_of_it(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []
    store = import_orders._store

    def watched(target: Shop, page: list[ExportedOrder]) -> int:
        held.append(claim(Schedule, Schedule.objects.get(shop=target).pk, now=clock.now(), ttl=timedelta(seconds=5)) is None)
        return store(target, page)

    monkeypatch.setattr(import_orders, "_store", watched)
    told(shop, write(tmp_path, FIRST, SECOND))
    assert held == [True]
    schedule = Schedule.objects.get(shop=shop)
    assert (schedule.lease_until, schedule.whole_cause) == (None, "import")
    assert schedule.whole_wanted_at is not None
    Schedule.objects.update(whole_wanted_at=None)
    told(shop, write(tmp_path, FIRST, SECOND), "--dry-run")
    assert Schedule.objects.get(shop=shop).whole_wanted_at is None


def test_an_import_holds_the_shop_as_soon_as_the_evaluation_that_was_running_has_ended(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    running = claim(Schedule, make_schedule(shop, clock.now()).pk, now=clock.now(), ttl=timedelta(minutes=5))
    assert running is not None
    store, holders = import_orders._store, []

    def watched(target: Shop, page: list[ExportedOrder]) -> int:
        holders.append(Schedule.objects.get(shop=target).lease_token)
        running.release()  # ends after the first page
        if len(holders) == 3:
            Schedule.objects.update(lease_until=None, lease_token="")  # as after a pause of this process longer than its lease
        return store(target, page)

    monkeypatch.setattr(import_orders, "_store", watched)
    monkeypatch.setattr(import_orders, "PAGE_ROWS", 1)
    told(shop, write(tmp_path, *(GUEST | {"Name": f"#{number}", "Id": str(number)} for number in range(4))))
    assert holders[0] == running.token
    assert all(holders[1:4])
    assert holders[1] == holders[2] != holders[3]
    assert running.token not in holders[1:]
    assert Schedule.objects.get(shop=shop).lease_until is None


def test_a_page_that_takes_long_is_stored_while_the_shop_is_held(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[bool] = []
    store = import_orders._store

    def slow(target: Shop, page: list[ExportedOrder]) -> int:
        held.append(any(thread.name == "lease" for thread in threading.enumerate()))  # renews the lease meanwhile
        return store(target, page)

    monkeypatch.setattr(import_orders, "_store", slow)
    told(shop, write(tmp_path, FIRST, SECOND))
    assert held == [True]
    assert not any(thread.name == "lease" for thread in threading.enumerate())


def test_the_shipping_method_of_an_export_is_kept(shop: Shop, tmp_path: Path) -> None:
    told(shop, write(tmp_path, FIRST | {"Shipping Method": "Express"}, SECOND))
    assert Order.objects.get(name="#1001").shipping == "Express"
