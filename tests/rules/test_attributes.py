"""What each attribute and operator says of a customer."""

from __future__ import annotations

from dataclasses import replace

import pytest

from segsync.rules.facts import CustomerFacts
from tests.rules.people import BOOTS, MUG, NOW, REGULAR, STRANGER, ago, holds, order

TRUE_OF_THE_REGULAR = """
number_of_orders = 4
number_of_orders != 3
number_of_orders > 3 AND number_of_orders >= 4 AND number_of_orders < 5 AND number_of_orders <= 4
number_of_orders BETWEEN 4 AND 9
number_of_orders BETWEEN 1 AND 4
number_of_orders NOT BETWEEN 5 AND 9
number_of_orders IN (1, 4)
number_of_orders NOT IN (1, 2)
amount_spent = 600
amount_spent = 600.00
amount_spent > 599.99 AND amount_spent < 600.01
amount_spent > 599.995 AND amount_spent < 600.001 AND amount_spent != 600.001
first_order_date < -299d AND first_order_date >= -300d
last_order_date >= -30d AND last_order_date = -10d
last_order_date BETWEEN -12m AND today
customer_added_date < -1y
abandoned_checkout_date >= -6h AND abandoned_checkout_date = today
customer_tags CONTAINS 'vip' AND customer_tags NOT CONTAINS 'gold'
customer_countries CONTAINS 'CA' AND customer_countries NOT CONTAINS 'US'
customer_regions CONTAINS 'CA-ON' AND customer_regions NOT CONTAINS 'CA-QC' AND customer_regions IS NOT NULL
customer_cities CONTAINS 'CA-ON-NorthBay' AND customer_cities CONTAINS 'SG-Singapore' AND customer_cities NOT CONTAINS 'CA-ON-northbay'
companies = 31 AND companies CONTAINS '4007' AND companies != 7 AND companies NOT CONTAINS 8 AND companies IS NOT NULL
orders_placed MATCHES (location_id = 66, app_id = 129785, count = 1) AND orders_placed MATCHES (app_id IN (1, 129785))
customer_email_domain = 'example.com' AND customer_email_domain != 'acme.test'
customer_language = 'en-GB' AND customer_language STARTS WITH 'en' AND customer_language != 'EN-gb'
customer_account_status = 'ENABLED'
email_subscription_status = 'SUBSCRIBED' AND email_subscription_status != 'PENDING'
rfm_group IN ('LOYAL', 'CHAMPIONS') AND predicted_spend_tier = 'HIGH' AND product_subscription_status = 'NEVER_SUBSCRIBED'
customer_email = 'ann@example.com' AND customer_email = 'ANN.work@acme.test' AND customer_email ENDS WITH '.test'
customer_email CONTAINS 'WORK' AND customer_email NOT CONTAINS 'bob' AND customer_email != 'bob@example.com'
customer_id = 7001 AND customer_id = '7001' AND customer_id IN (1, 7001)
days_since_last_order = 10 AND days_since_first_order BETWEEN 300 AND 300
average_order_value > 114.66 AND average_order_value < 114.67 AND average_order_value != 114.67
top_category = 'Shoes' AND top_category = 'apparel & accessories > shoes > boots' AND top_category != 'Mugs'
top_vendor = 'northfell' AND top_product_type = 'Footwear'
sms_subscription_status IS NULL AND rfm_group IS NOT NULL AND customer_tags IS NOT NULL
NOT (number_of_orders = 3)
number_of_orders = 4 OR number_of_orders = 9 AND customer_language = 'fr'
NOT (number_of_orders = 4 AND (customer_tags CONTAINS 'gold' OR customer_language = 'fr'))
"""


@pytest.mark.parametrize("rule", TRUE_OF_THE_REGULAR.strip().splitlines())
def test_holds_for_the_regular(rule: str) -> None:
    assert holds(rule, REGULAR)


FALSE_OF_THE_REGULAR = """
companies IS NULL
companies = 4
orders_placed MATCHES (location_id = 6)
customer_regions CONTAINS 'GB-ON'
number_of_orders = 3
number_of_orders IN (1, 2, 3)
amount_spent = 600.001
amount_spent BETWEEN 600.01 AND 700
average_order_value = 114.67
first_order_date > -300d
last_order_date < today AND last_order_date > -10d
customer_tags CONTAINS 'VI'
customer_email_domain = 'acme.test'
customer_language = 'en'
customer_email = 'ann@acme.test'
customer_email NOT CONTAINS 'work'
customer_id = 07
number_of_orders = 4 AND (number_of_orders = 9 OR customer_language = 'fr')
"""


@pytest.mark.parametrize("rule", FALSE_OF_THE_REGULAR.strip().splitlines())
def test_fails_for_the_regular(rule: str) -> None:
    assert not holds(rule, REGULAR)


MISSING = [
    ("customer_language = 'fr'", False),
    ("customer_language != 'fr'", False),
    ("customer_language NOT IN ('fr')", False),
    ("customer_language NOT CONTAINS 'fr'", False),
    ("NOT (customer_language = 'fr')", True),
    ("customer_language IS NULL", True),
    ("customer_language IS NOT NULL", False),
    ("last_order_date < today", False),
    ("last_order_date != today", False),
    ("last_order_date NOT BETWEEN -3d AND today", False),
    ("NOT (last_order_date >= -3d)", True),
    ("last_order_date IS NULL", True),
    ("customer_tags NOT CONTAINS 'vip'", True),
    ("customer_tags IS NULL", True),
    ("customer_email != 'a@b.c'", False),
    ("customer_email IS NULL", True),
    ("customer_email_domain != 'gmail.com'", False),
    ("average_order_value >= 0", False),
    ("days_since_last_order >= 0", False),
    ("top_category != 'Shoes'", False),
    ("rfm_group != 'LOYAL'", False),
    ("number_of_orders = 0", True),
    ("amount_spent = 0", True),
]


@pytest.mark.parametrize(("rule", "answer"), MISSING)
def test_what_is_missing_compares_false_and_only_not_includes_it(rule: str, answer: bool) -> None:
    assert holds(rule, STRANGER) is answer


def test_totals_come_from_the_platform_and_else_from_counted_orders() -> None:
    imported = replace(REGULAR, order_count=None, amount_spent_minor=None)
    assert holds("number_of_orders = 3 AND amount_spent = 344", imported)
    assert holds("number_of_orders = 4 AND amount_spent = 600", REGULAR)


def test_amounts_follow_the_decimals_of_the_currency() -> None:
    yen = CustomerFacts("1", amount_spent_minor=600, currency_exponent=0)
    dinar = CustomerFacts("1", amount_spent_minor=600500, currency_exponent=3)
    assert holds("amount_spent = 600 AND amount_spent < 600.5 AND amount_spent > 599.5", yen)
    assert holds("amount_spent = 600.5", dinar)


def test_only_counted_orders_date_a_customer() -> None:
    cancelled = CustomerFacts("1", orders=(order(ago(days=3), counted=False),))
    assert holds("first_order_date IS NULL AND last_order_date IS NULL AND days_since_first_order IS NULL", cancelled)


def test_a_favourite_is_by_spend_and_a_tie_goes_to_the_latest() -> None:
    boots, mug = replace(BOOTS, amount_minor=1000), replace(MUG, amount_minor=1000)
    older, newer = order(ago(days=9), 1000, boots), order(ago(days=2), 1000, mug)
    assert holds("top_vendor = 'Kiln'", CustomerFacts("1", orders=(newer, older)))
    assert holds("top_vendor = 'Northfell'", CustomerFacts("1", orders=(newer, replace(older, placed_at=NOW))))
