"""What is stored, judged and routed for one shop goes one after another, and nobody else has to wait for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from pytest_django.fixtures import Settings

from integrations.models import Delivery, Shop
from segsync.evaluate import due
from segsync.evaluate.models import Schedule
from segsync.store.models import Customer
from tests.evaluate.test_judge import segment, whole
from tests.factories import NOON, customer, order, tell

DAY = timedelta(days=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql  # SQLite has one writer at a time, whatever it writes
def test_invariant_3_a_webhook_is_taken_while_a_page_of_its_shop_is_stored() -> None:
    shop = Shop.objects.create(domain="busy.myshopify.com")
    done = threading.Event()

    def webhook() -> None:
        Delivery.objects.create(shop=shop, vendor="shopify", delivery_id="one", topic="orders/create", body=b"{}", received_at=NOON)
        done.set()
        connection.close()

    with transaction.atomic():
        tell(shop, "shopify", customer("1", "a@example.com"))
        thread = threading.Thread(target=webhook)
        thread.start()
        taken = done.wait(5)
    thread.join()
    assert taken


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql  # SQLite has one writer at a time, whatever it writes
def test_two_pages_of_one_shop_are_stored_one_after_the_other() -> None:
    shop = Shop.objects.create(domain="busy.myshopify.com")
    done = threading.Event()

    def page() -> None:
        tell(shop, "shopify", customer("2", "a@example.com"))
        done.set()
        connection.close()

    with transaction.atomic():
        tell(shop, "shopify", customer("1", "a@example.com"))
        thread = threading.Thread(target=page)
        thread.start()
        early = done.wait(0.3)
    assert not early
    thread.join(5)
    assert done.is_set()
    assert shop.customers.count() == 1  # the second page saw who the first one made


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql  # SQLite has one writer at a time, whatever it writes
@pytest.mark.parametrize("columnar_from", [0, 10**9], ids=["by columns", "one by one"])
@pytest.mark.parametrize("column", ["outcome_version", "judged_version"], ids=["moves", "marks"])
def test_a_webhook_is_taken_while_its_shop_is_judged(columnar_from: int, column: str, settings: Settings, tmp_path: Path) -> None:
    settings.SEGSYNC_COLUMNAR_FROM, settings.VAR_DIR = columnar_from, tmp_path
    shop = Shop.objects.create(domain="busy.myshopify.com")
    segment(shop, "number_of_orders >= 1")
    tell(shop, "shopify", customer("1", orders=1))
    done = threading.Event()
    taken: list[bool] = []

    def webhook() -> None:
        Delivery.objects.create(shop=shop, vendor="shopify", delivery_id="one", topic="orders/create", body=b"{}", received_at=NOON)
        done.set()
        connection.close()

    def at_the_write(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if sql.startswith(f'UPDATE "store_customer" SET "{column}"') and not taken:
            thread = threading.Thread(target=webhook)
            thread.start()
            taken.append(done.wait(2))
        return execute(sql, *rest)

    with connection.execute_wrapper(at_the_write):
        whole(shop)
    assert done.wait(5)  # nobody is left waiting for the next test
    assert taken == [True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql  # SQLite has one writer at a time, whatever it writes
def test_what_is_stored_while_the_sweep_looks_stays_the_reason() -> None:
    shop = Shop.objects.create(domain="busy.myshopify.com")
    segment(shop, "orders_placed MATCHES (date >= -24h)")
    tell(shop, "shopify", customer("1"), order("a", "1", NOON - DAY))
    whole(shop)
    Schedule.objects.filter(shop=shop).update(swept_until=NOON - timedelta(minutes=1))
    schedule = Schedule.objects.select_related("shop").get()
    swept: list[int] = []

    def sweep() -> None:
        swept.append(due.sweep(schedule, NOON + timedelta(minutes=1)))
        connection.close()

    with transaction.atomic():
        tell(shop, "shopify", order("b", "1", NOON))
        thread = threading.Thread(target=sweep)
        thread.start()
        thread.join(0.5)  # long enough to mark, were it let
    thread.join(5)
    assert swept == [0]
    assert Customer.objects.get().change_cause == "order"
