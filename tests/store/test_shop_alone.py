"""Storing what one shop's platforms tell never writes to another shop's rows."""

from __future__ import annotations

from datetime import timedelta

from django.db import connection
from django.test.utils import CaptureQueriesContext

from integrations import records
from integrations.models import Shop
from tests.factories import NOON, checkout, customer, line, opened, order, product, tell

LATER = NOON + timedelta(hours=1)


def test_invariant_11_every_change_to_a_stored_row_names_the_shop(shop: Shop) -> None:
    """An order and a checkout told anew, children told apart, somebody who turns out to have opened a mail, and two who are one."""
    tell(shop, "shopify", customer("1", "a@example.com"), product("9"), order("500", "1", lines=(line("500", "l1"),)), checkout("c1", "1", NOON))
    tell(shop, "hubspot", opened("e1", "b@example.com"), customer("7", "c@example.com"))
    with CaptureQueriesContext(connection) as asked:
        tell(
            shop,
            "shopify",
            order("500", "1", lines=(line("500", "l2"),), version=LATER),
            checkout("c1", "1", NOON, version=LATER),
            records.CheckoutLine("k1", "c1", "9", "", "SKU-9", "A thing", 1),
            records.ProductCollection("9", "col", "Sale"),
            customer("2", "b@example.com", version=LATER),
            customer("1", "c@example.com", version=LATER),
            records.Tombstone("order", "500", LATER),
        )
    changes = [query["sql"] for query in asked if query["sql"].startswith(("UPDATE", "DELETE"))]
    assert {sql.split('"')[1] for sql in changes} >= {
        "store_orderline",
        "store_checkoutproduct",
        "store_checkout",
        "store_product",
        "store_customer",
        "store_order",
    }
    assert [sql for sql in changes if '"shop_id" = ' not in sql.partition(" WHERE ")[2]] == []
