"""What MATCHES asks of orders, lines, refunds, checkouts, e-mails and pages."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segsync.rules.facts import ActivityFacts, CheckoutFacts, CustomerFacts, LineFacts
from tests.rules.people import BOOTS, MUG, REGULAR, STRANGER, ago, holds, opened, order

TRUE_OF_THE_REGULAR = """
orders_placed MATCHES ()
orders_placed MATCHES (count = 3)
orders_placed MATCHES (date >= -30d)
orders_placed MATCHES (date >= -100d, count = 2)
orders_placed MATCHES (date >= -100d, date < -50d, count = 1)
orders_placed NOT MATCHES (date >= -9d)
orders_placed MATCHES (date >= -9d, count = 0)
orders_placed MATCHES (amount >= 160, count = 2)
orders_placed MATCHES (amount BETWEEN 12 AND 160, count = 2)
orders_placed MATCHES (sum_amount = 344)
orders_placed MATCHES (average_amount > 114.66, average_amount < 114.67)
orders_placed NOT MATCHES (average_amount = 114.67)
orders_placed MATCHES (item_count > 2)
orders_placed MATCHES (channel = 'WEB', count = 2)
orders_placed MATCHES (channel != 'web', count = 1)
orders_placed MATCHES (country IN ('CA', 'US'), count = 1)
orders_placed MATCHES (tag = 'Gift', count = 1)
orders_placed MATCHES (tag != 'gift', count = 2)
orders_placed MATCHES (discount_code = 'spring10') AND orders_placed MATCHES (discount_code STARTS WITH 'spring')
orders_placed MATCHES (discounted = true, count = 1) AND orders_placed MATCHES (discounted != true, count = 2)
orders_placed MATCHES (order_number = 1042)
orders_placed NOT MATCHES (order_number = 1080)
products_purchased MATCHES (id = 11, count = 2)
products_purchased MATCHES (id IN (11, 12), count = 3)
products_purchased MATCHES (id NOT IN (11), count = 2)
products_purchased MATCHES (count = 3, sum_quantity = 6, distinct_products = 2, sum_amount = 344)
products_purchased MATCHES (category = 'Shoes', line_amount >= 150, date >= -12m, count >= 2)
products_purchased MATCHES (category = 'apparel & accessories > shoes > boots')
products_purchased NOT MATCHES (category = 'Apparel')
products_purchased MATCHES (category != 'Shoes', count = 2)
products_purchased MATCHES (category CONTAINS 'mug')
products_purchased MATCHES (type = 'footwear', vendor = 'NORTHFELL', tag = 'sports wear', collection = 'winter')
products_purchased NOT MATCHES (type = 'Shoes')
products_purchased MATCHES (tag CONTAINS 'outdoor')
products_purchased MATCHES (variant_id = 111, sku = 'boot-42', title STARTS WITH 'walking', title CONTAINS 'boot')
products_purchased MATCHES (price = 90, discounted = true, quantity = 2)
products_purchased MATCHES (sum_amount BETWEEN 344 AND 344)
orders_refunded MATCHES (date >= -12m, amount = 20, count = 1, sum_amount = 20)
orders_refunded NOT MATCHES (amount > 20)
checkouts_abandoned MATCHES (date >= -24h, recovered = false, amount >= 50)
checkouts_abandoned MATCHES (recovered = true, sum_amount = 24)
checkouts_abandoned MATCHES (category = 'Shoes', vendor = 'Northfell', count = 1)
checkouts_abandoned NOT MATCHES (category = 'Shoes', vendor = 'Kiln')
checkouts_abandoned MATCHES (id = 12)
emails.opened MATCHES (date >= -30d, count >= 3)
emails.opened MATCHES (count = 4, distinct_campaigns = 2)
emails.opened MATCHES (campaign = 'sale', count = 1) AND emails.opened MATCHES (campaign_id = 1, count = 3)
emails.clicked MATCHES (url ENDS WITH '/sale')
emails.sent NOT MATCHES () AND emails.bounced MATCHES (count = 0) AND emails.delivered NOT MATCHES ()
emails.unsubscribed NOT MATCHES () AND emails.marked_as_spam NOT MATCHES ()
storefront.page_viewed MATCHES (title = 'boots', url CONTAINS '/boots', id = 'p1', date >= -3h, count = 1)
storefront.page_viewed NOT MATCHES (date >= -90min)
"""


@pytest.mark.parametrize("rule", TRUE_OF_THE_REGULAR.strip().splitlines())
def test_holds_for_the_regular(rule: str) -> None:
    assert holds(rule, REGULAR)


FOR_NOBODYS_ROWS = [
    ("orders_placed MATCHES ()", False),
    ("orders_placed NOT MATCHES ()", True),
    ("orders_placed MATCHES (count = 0)", True),
    ("orders_placed NOT MATCHES (count = 0)", False),
    ("orders_placed MATCHES (count < 5)", True),
    ("orders_placed MATCHES (sum_amount < 10)", True),
    ("orders_placed MATCHES (average_amount < 10)", False),
    ("orders_placed MATCHES (average_amount != 10)", False),
    ("products_purchased MATCHES (distinct_products = 0, sum_quantity = 0)", True),
]


@pytest.mark.parametrize(("rule", "answer"), FOR_NOBODYS_ROWS)
def test_without_rows_sums_are_zero_and_averages_are_missing(rule: str, answer: bool) -> None:
    assert holds(rule, STRANGER) is answer


def test_one_line_of_a_checkout_fits_all_that_is_asked_of_its_products() -> None:
    both = CustomerFacts("1", checkouts=(CheckoutFacts("c", ago(hours=1), None, 9200, (BOOTS, MUG)),))
    assert holds("checkouts_abandoned MATCHES (category = 'Mugs', vendor = 'Kiln', amount = 92)", both)
    assert not holds("checkouts_abandoned MATCHES (category = 'Mugs', vendor = 'Northfell')", both)


def test_missing_row_values_are_not_chosen() -> None:
    bare = CustomerFacts("1", orders=(order(ago(days=1), 100, LineFacts(title="Thing")),))
    for parameter in ("channel != 'web'", "country NOT IN ('GB')"):
        assert not holds(f"orders_placed MATCHES ({parameter})", bare)
    for parameter in ("vendor != 'Kiln'", "price < 1", "category != 'Shoes'", "id != 3"):
        assert not holds(f"products_purchased MATCHES ({parameter})", bare)
    assert holds("products_purchased MATCHES (tag != 'x', collection NOT IN ('y'))", bare)


def test_products_without_an_id_are_told_apart_by_sku_then_title() -> None:
    lines = (LineFacts(sku="A", title="Tea"), LineFacts(sku="B", title="Tea"), LineFacts(title="Tea"), LineFacts(title="Tea"))
    assert holds("products_purchased MATCHES (distinct_products = 3, count = 1)", CustomerFacts("1", orders=(order(ago(days=1), 1, *lines),)))


def test_amounts_are_exact() -> None:
    cents = CustomerFacts("1", orders=tuple(order(ago(days=day), 10, number=day) for day in range(1, 4)))
    assert holds("orders_placed MATCHES (sum_amount = 0.3, average_amount = 0.1)", cents)
    thirds = replace(cents, orders=(*cents.orders[:2], order(ago(days=3), 11, number=9)))
    assert holds("orders_placed MATCHES (average_amount > 0.103333333, average_amount < 0.103333334)", thirds)


def test_other_kinds_of_activity_do_not_count() -> None:
    person = CustomerFacts("1", activities=(opened(ago(days=1)), ActivityFacts("emails.clicked", ago(days=1))))
    assert holds("emails.opened MATCHES (count = 1) AND emails.clicked MATCHES (count = 1)", person)
