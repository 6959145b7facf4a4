"""Rules as sentences."""

from __future__ import annotations

import pytest

from segsync.rules.english import explain_rule
from segsync.rules.parse import parse_rule

SENTENCES = [
    (
        "number_of_orders = 1 AND first_order_date >= -30d",
        "Customers whose number of orders is 1 and whose first order was in the last 30 days.",
    ),
    ("last_order_date < -180d", "Customers whose last order was more than 180 days ago."),
    ("last_order_date BETWEEN -180d AND -91d", "Customers whose last order was between 180 and 91 days ago."),
    ("last_order_date BETWEEN -12m AND today", "Customers whose last order was between 12 months ago and today."),
    ("last_order_date >= 2026-01-31", "Customers whose last order was 31 January 2026 or later."),
    (
        "last_order_date NOT BETWEEN 2026-01-01 AND 2026-01-31",
        "Customers whose last order was not between 1 January 2026 and 31 January 2026.",
    ),
    ("first_order_date = yesterday", "Customers whose first order was yesterday."),
    ("first_order_date IS NULL", "Customers who have no first order."),
    ("customer_tags NOT CONTAINS 'vip'", "Customers whose tags do not include ‘vip’."),
    ("customer_tags IS NOT NULL", "Customers who have tags."),
    ("customer_language IS NULL", "Customers whose language is not known."),
    ("rfm_group IN ('AT_RISK', 'LOYAL')", "Customers whose RFM group is at risk or loyal."),
    ("customer_email ENDS WITH '.edu'", "Customers whose e-mail address ends with ‘.edu’."),
    ("orders_placed NOT MATCHES ()", "Customers who never placed an order."),
    ("orders_placed NOT MATCHES (date >= -90d)", "Customers who did not place an order in the last 90 days."),
    ("orders_placed MATCHES (date >= -365d, count >= 5)", "Customers who placed at least 5 orders in the last 365 days."),
    ("orders_placed MATCHES (count = 0)", "Customers who placed no orders."),
    ("orders_placed MATCHES (count = 1)", "Customers who placed exactly 1 order."),
    ("emails.opened MATCHES (count < 3, date > -1d)", "Customers who opened fewer than 3 e-mails less than 1 day ago."),
    (
        "checkouts_abandoned MATCHES (date >= -24h, recovered = false, amount >= 50)",
        "Customers who abandoned a checkout in the last 24 hours (not recovered, amount is at least 50).",
    ),
    (
        "products_purchased MATCHES (category = 'Shoes', line_amount >= 150, date >= -6m, count >= 3)",
        "Customers who bought products in at least 3 orders in the last 6 months (category is ‘Shoes’, line amount is at least 150).",
    ),
    (
        "products_purchased MATCHES (sum_amount >= 300, sum_quantity > 2)",
        "Customers who bought a product, where the total is at least 300 and the number of pieces is more than 2.",
    ),
    (
        "amount_spent IN TOP 10% AND NOT (customer_tags CONTAINS 'wholesale')",
        "Customers who are in the top 10% by total spent and who are not among those whose tags include ‘wholesale’.",
    ),
    (
        "storefront.cart_added MATCHES (date >= -7d) THEN orders_placed NOT MATCHES () WITHIN 24h",
        "Customers who added a product to the cart in the last 7 days and then did not place an order within 24 hours.",
    ),
    ("companies IS NULL", "Customers who have no companies."),
    ("segments IS NULL", "Customers who are in no other segment."),
    ("segments IS NOT NULL", "Customers who are in another segment."),
    ("companies = 7 AND companies != 8", "Customers whose companies include 7 and whose companies do not include 8."),
    (
        "(number_of_orders > 2 OR amount_spent > 5) AND customer_countries CONTAINS 'CA'",
        "Customers (either whose number of orders is more than 2 or whose total spent is more than 5) and whose countries include ‘CA’.",
    ),
]


@pytest.mark.parametrize(("rule", "sentence"), SENTENCES)
def test_a_rule_reads_as_a_sentence(rule: str, sentence: str) -> None:
    assert explain_rule(parse_rule(rule)) == sentence
