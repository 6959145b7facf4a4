"""Fifty rules of the kinds that shops use, each with the statement that a person would write for it by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

from segsync.bench.generate import NOW, TZ
from segsync.rules.moments import Moment

MOMENT = Moment(NOW, TZ)
# What the statements read, by table.
COLUMNS = {
    "customers": (
        "id",
        "order_count",
        "counted",
        "amount_spent",
        "spent",
        "first_order_at",
        "last_order_at",
        "tags",
        "language",
        "email_subscription",
        "top_vendor",
    ),
    "orders": ("customer", "placed_at", "amount", "discounted"),
    "order_lines": ("customer", "order_no", "placed_at", "goods", "amount"),
    "goods": ("key", "thing", "vendor", "tags", "categories"),
    "refunds": ("customer", "refunded_at", "amount"),
    "checkouts": ("customer", "created_at", "recovered", "amount"),
    "activities": ("customer", "acted_at", "topic"),
    "topics": ("key", "kind", "mailing"),
}


class Question(NamedTuple):
    """One rule, and the same said in SQL."""

    rule: str
    sql: str


def workload(number: int) -> list[Question]:
    """The first `number` questions; beyond fifty they begin again."""
    all_ = list(_questions())
    return [all_[place % len(all_)] for place in range(number)]


def _since(days: int) -> str:
    return f"TIMESTAMP '{MOMENT.day_bounds(MOMENT.today - timedelta(days=days)).start:%Y-%m-%d %H:%M:%S}'"


def _acts(kind: str) -> str:
    return f"topic IN (SELECT key FROM topics WHERE kind = '{kind}')"


def _in_category(category: str) -> str:
    return f"goods IN (SELECT key FROM goods WHERE list_contains(categories, '{category}'))"


def _questions() -> Iterator[Question]:
    orders, spent = "coalesce(order_count, counted)", "coalesce(amount_spent, spent)"
    yield Question(
        "number_of_orders = 1 AND first_order_date >= -30d",
        f"SELECT id FROM customers WHERE {orders} = 1 AND first_order_at >= {_since(30)}",
    )
    yield Question("number_of_orders >= 2", f"SELECT id FROM customers WHERE {orders} >= 2")
    yield Question(
        "customer_tags CONTAINS 'vip' AND NOT (customer_language = 'fr')",
        "SELECT id FROM customers WHERE list_contains(tags, 'vip') AND language IS DISTINCT FROM 'fr'",
    )
    yield Question(
        "email_subscription_status = 'SUBSCRIBED' AND average_order_value >= 80.50",
        "SELECT id FROM customers WHERE email_subscription = 'SUBSCRIBED' AND counted > 0 AND spent >= 8050 * counted",
    )
    yield Question("top_vendor = 'Vendor 7' AND amount_spent > 300", f"SELECT id FROM customers WHERE top_vendor = 'vendor 7' AND {spent} > 30000")
    for days in (60, 90, 180, 270, 365):
        yield Question(
            f"number_of_orders >= 3 AND last_order_date < -{days}d",
            f"SELECT id FROM customers WHERE {orders} >= 3 AND last_order_at < {_since(days)}",
        )
        yield Question(
            f"orders_placed MATCHES (date >= -{days}d, count >= 3) AND amount_spent >= 500",
            f"""SELECT id FROM customers WHERE {spent} >= 50000 AND id IN
                (SELECT customer FROM orders WHERE placed_at >= {_since(days)} GROUP BY customer HAVING count(*) >= 3)""",
        )
        yield Question(
            f"orders_placed MATCHES (date >= -{days}d, discounted = true, sum_amount >= 200)",
            f"SELECT customer AS id FROM orders WHERE placed_at >= {_since(days)} AND discounted GROUP BY customer HAVING sum(amount) >= 20000",
        )
    for category in ("shoes", "coats", "mugs", "lamps", "books"):
        yield Question(
            f"products_purchased MATCHES (category = '{category.title()}', date >= -365d, sum_amount >= 150)",
            f"""SELECT customer AS id FROM order_lines WHERE placed_at >= {_since(365)} AND {_in_category(category)}
                GROUP BY customer HAVING sum(amount) >= 15000""",
        )
        yield Question(
            f"products_purchased MATCHES (category = '{category.title()}', line_amount >= 50, date >= -180d, count >= 2)",
            f"""SELECT customer AS id FROM order_lines WHERE placed_at >= {_since(180)} AND amount >= 5000 AND {_in_category(category)}
                GROUP BY customer HAVING count(DISTINCT order_no) >= 2""",
        )
    yield Question(
        "products_purchased MATCHES (tag = 'sale', date >= -365d, distinct_products >= 3)",
        f"""SELECT customer AS id FROM order_lines JOIN goods ON key = goods WHERE placed_at >= {_since(365)} AND list_contains(tags, 'sale')
            GROUP BY customer HAVING count(DISTINCT thing) >= 3""",
    )
    for days in (7, 14, 30, 60, 90):
        yield Question(
            f"emails.opened MATCHES (date >= -{days}d, count >= 3) AND orders_placed NOT MATCHES (date >= -90d)",
            f"""SELECT id FROM customers WHERE id IN
                (SELECT customer FROM activities WHERE acted_at >= {_since(days)} AND {_acts("emails.opened")} GROUP BY customer HAVING count(*) >= 3)
                AND id NOT IN (SELECT customer FROM orders WHERE placed_at >= {_since(90)})""",
        )
        yield Question(
            f"storefront.page_viewed MATCHES (date >= -{days}d, count >= 2)",
            f"""SELECT customer AS id FROM activities WHERE acted_at >= {_since(days)} AND {_acts("storefront.page_viewed")}
                GROUP BY customer HAVING count(*) >= 2""",
        )
        yield Question(
            f"checkouts_abandoned MATCHES (date >= -{days}d, recovered = false, amount >= 50)",
            f"SELECT DISTINCT customer AS id FROM checkouts WHERE created_at >= {_since(days)} AND NOT recovered AND amount >= 5000",
        )
    yield Question(
        "emails.sent MATCHES (date >= -90d, count >= 5) AND emails.opened NOT MATCHES (date >= -90d)",
        f"""SELECT id FROM customers WHERE id IN
            (SELECT customer FROM activities WHERE acted_at >= {_since(90)} AND {_acts("emails.sent")} GROUP BY customer HAVING count(*) >= 5)
            AND id NOT IN (SELECT customer FROM activities WHERE acted_at >= {_since(90)} AND {_acts("emails.opened")})""",
    )
    yield Question(
        "emails.clicked MATCHES (date >= -180d, distinct_campaigns >= 2)",
        f"""SELECT customer AS id FROM activities JOIN topics ON key = topic WHERE acted_at >= {_since(180)} AND kind = 'emails.clicked'
            GROUP BY customer HAVING count(DISTINCT mailing) >= 2""",
    )
    yield Question(
        "orders_refunded MATCHES (date >= -365d, sum_amount >= 50)",
        f"SELECT customer AS id FROM refunds WHERE refunded_at >= {_since(365)} GROUP BY customer HAVING sum(amount) >= 5000",
    )
    yield Question(
        "orders_placed MATCHES (date >= -365d, average_amount >= 120) OR orders_placed MATCHES (date >= -30d, amount >= 250)",
        f"""SELECT id FROM customers WHERE id IN
            (SELECT customer FROM orders WHERE placed_at >= {_since(365)} GROUP BY customer HAVING sum(amount) >= 12000 * count(*))
            OR id IN (SELECT customer FROM orders WHERE placed_at >= {_since(30)} AND amount >= 25000)""",
    )
