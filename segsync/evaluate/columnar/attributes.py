"""Where each attribute of the catalogue stands in the columnar tables, by the entry's name. What is not here the interpreter answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis

from segsync.evaluate.columnar.conditions import Ratio
from segsync.evaluate.columnar.layout import table
from segsync.evaluate.columnar.rows import EPOCH
from segsync.rules.derive import BUCKETS, HASH_DIGITS
from segsync.rules.predicates import Terms

# The value of an attribute, given the customers: a column, a list column or a Ratio.
Read = Callable[[Any, Terms], Any]


@dataclass(frozen=True)
class Summary:
    """An attribute worked out over a customer's rows at the moment: the rows, what is aggregated of them, and the value that it makes.

    `empty` is the value of a customer without such rows.
    """

    rows: Callable[[Terms], Any]
    aggregates: Callable[[Any, Terms], Mapping[str, Any]]
    value: Callable[[Any, Terms], Any]
    empty: int | str | None


@ibis.udf.scalar.builtin
def sha256(text: str) -> str:  # type: ignore[empty-body]  # a function of the database
    """The SHA-256 of a text's UTF-8, as hexadecimal digits."""


def today(terms: Terms) -> int:
    """The day of the shop's calendar, as the tables count days."""
    return (terms.moment.today - EPOCH.date()).days


def _column(name: str) -> Read:
    return lambda customers, _: customers[name]


def _days_since(name: str) -> Read:
    return lambda customers, terms: today(terms) - customers[name].cast("int64")


def _sample_bucket(customers: Any, terms: Terms) -> Any:
    salted = ibis.literal(f"{terms.context.settings.salt}\n{terms.context.rule_salt}\n") + customers.customer_id
    return (ibis.literal("0x") + sha256(salted).left(HASH_DIGITS)).cast("int64") % BUCKETS


def orders_since(days: int | None) -> Callable[[Terms], Any]:
    """The counted orders of the last so many local days, or of all time."""

    def rows(terms: Terms) -> Any:
        orders = table("orders")
        return orders if days is None else orders.filter(orders.day > today(terms) - days)

    return rows


ATTRIBUTES: dict[str, Read | Summary] = {
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
    "discount_share": lambda customers, _: Ratio(customers.discounted_orders, customers.counted),
    "refund_share": lambda customers, _: Ratio(customers.refunded, ibis.greatest(customers.gross, 0)),
    "sample_bucket": _sample_bucket,
}
