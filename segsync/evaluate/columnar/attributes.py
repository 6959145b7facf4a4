"""Where each attribute of the catalogue stands in the columnar tables, by the entry's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from segsync.evaluate.columnar.conditions import Ratio
from segsync.evaluate.columnar.rows import EPOCH
from segsync.rules.moments import Moment

# The value of an attribute, given the customers and the moment: a column, a list column or a Ratio.
Read = Callable[[Any, Moment], Any]


def _column(name: str) -> Read:
    return lambda customers, _: customers[name]


def _days_since(name: str) -> Read:
    return lambda customers, moment: (moment.today - EPOCH.date()).days - customers[name]


ATTRIBUTES: Mapping[str, Read] = {
    "number_of_orders": lambda customers, _: customers.order_count.fill_null(customers.counted),
    "amount_spent": lambda customers, _: customers.amount_spent.fill_null(customers.spent),
    "first_order_date": _column("first_order_at"),
    "last_order_date": _column("last_order_at"),
    "customer_added_date": _column("added_at"),
    "abandoned_checkout_date": _column("open_checkout_at"),
    "customer_tags": _column("tags"),
    "customer_countries": _column("countries"),
    "customer_email_domain": _column("email_domain"),
    "customer_language": _column("language"),
    "customer_account_status": _column("account_status"),
    "email_subscription_status": _column("email_subscription"),
    "sms_subscription_status": _column("sms_subscription"),
    "product_subscription_status": _column("product_subscription"),
    "rfm_group": _column("rfm_group"),
    "predicted_spend_tier": _column("predicted_spend_tier"),
    "customer_email": _column("emails"),
    "customer_id": _column("customer_id"),
    "average_order_value": lambda customers, _: Ratio(customers.spent, customers.counted),
    "days_since_last_order": _days_since("last_order_day"),
    "days_since_first_order": _days_since("first_order_day"),
    "top_category": _column("top_category"),
    "top_vendor": _column("top_vendor"),
    "top_product_type": _column("top_product_type"),
}
