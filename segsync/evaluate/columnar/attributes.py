"""Where each attribute of the catalogue stands in the columnar tables, by the entry's name; `derived.py` has those that are worked out."""

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

# The value of an attribute, given the customers: a column, a list column, a Ratio or a Scaled.
Read = Callable[[Any, Terms], Any]


@dataclass(frozen=True)
class Summary:
    """An attribute that another table holds: `people` is a table with one row for each `customer` who has any, `value` the value in it.

    `empty` is the value of a customer without a row.
    """

    people: Callable[[Terms], Any]
    value: Callable[[Any, Terms], Any]
    empty: int | str | None


def grouped(rows: Callable[[Terms], Any], aggregates: Callable[[Any, Terms], Mapping[str, Any]]) -> Callable[[Terms], Any]:
    """One row for each customer with rows at the moment, and what is aggregated of them."""

    def people(terms: Terms) -> Any:
        chosen = rows(terms)
        return chosen.group_by("customer").aggregate(**aggregates(chosen, terms))

    return people


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


def _other_segments(terms: Terms) -> Any:
    stays = table("memberships")
    return stays.filter(stays.segment != terms.context.rule_salt) if terms.context.rule_salt else stays


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
    "customer_regions": _column("regions"),
    "customer_cities": _column("cities"),
    "companies": _column("companies"),
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
    "nps_rating": _column("nps_rating"),
    "last_survey_rating": _column("last_survey_rating"),
    "segments": Summary(
        people=grouped(_other_segments, lambda rows, _: {"handles": rows.segment.collect()}),
        value=lambda people, _: people.handles,
        empty=None,
    ),
}
# The local days of the attributes that are dates, for anniversaries.
DAYS: dict[str, Read] = {
    "first_order_date": _column("first_order_day"),
    "last_order_date": _column("last_order_day"),
    "customer_added_date": _column("added_day"),
    "abandoned_checkout_date": _column("open_checkout_day"),
}
