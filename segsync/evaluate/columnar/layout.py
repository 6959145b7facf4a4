"""The columnar tables: one definition that the writer, the reader, the compiler and the tests share.

All instants are UTC without a zone, all amounts are integer minor units, all `day` columns count days from 1970-01-01 in the shop's
calendar. Texts that rules compare without regard to case are held folded (`segsync.rules.facts.fold`), the others as they are. Lists
are never null. Only counted orders are held, with their lines and refunds.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import ibis
from ibis.expr import types as ir

# A snapshot of another version is rebuilt.
VERSION = 3

NUMBER, WHOLE, TEXT, TEXTS, INSTANT, FLAG = "BIGINT", "INTEGER", "VARCHAR", "VARCHAR[]", "TIMESTAMP", "BOOLEAN"
WIDE = "DECIMAL(28,0)"

# What is known of a person besides what they did. `living` is false for somebody merged into another or erased, who is in no segment.
PROFILE: Mapping[str, str] = {
    "id": NUMBER,
    "facts_version": NUMBER,
    "living": FLAG,
    "customer_id": TEXT,
    "added_at": INSTANT,
    "added_day": WHOLE,
    "order_count": NUMBER,
    "amount_spent": NUMBER,
    "tags": TEXTS,
    "countries": TEXTS,
    "regions": TEXTS,
    "cities": TEXTS,
    "companies": TEXTS,
    "emails": TEXTS,
    "email_domain": TEXT,
    "language": TEXT,
    "account_status": TEXT,
    "email_subscription": TEXT,
    "sms_subscription": TEXT,
    "product_subscription": TEXT,
    "rfm_group": TEXT,
    "predicted_spend_tier": TEXT,
}

# What follows from a person's rows alone, whatever the moment: worked out once per snapshot by `metrics.py`. `gap_pair` is the sum of the
# two gaps in the middle (twice the one, of an odd number), which is twice the median.
METRICS: Mapping[str, str] = {
    "counted": NUMBER,
    "spent": NUMBER,
    "first_order_at": INSTANT,
    "last_order_at": INSTANT,
    "first_order_day": WHOLE,
    "last_order_day": WHOLE,
    "discounted_orders": NUMBER,
    "gross": NUMBER,
    "refunded": NUMBER,
    "gap_pair": NUMBER,
    "open_checkout_at": INSTANT,
    "open_checkout_day": WHOLE,
    "top_category": TEXTS,
    "top_vendor": TEXT,
    "top_product_type": TEXT,
    "nps_rating": NUMBER,
    "last_survey_rating": NUMBER,
}

# `order_no` tells the orders of one customer apart. A property's text is held as every type reads it, whatever its definition says today,
# so that a definition only chooses the column: a number in billionths, a day as the instant at which it begins in the shop, null for what
# is none. `goods` and `topic` are keys of the two dictionaries, which hold what repeats.
# The `…_name` columns of goods are unfolded: favourites are told apart by them.
TABLES: Mapping[str, Mapping[str, str]] = {
    "customers": {**PROFILE, **METRICS},
    "orders": {
        "customer": NUMBER,
        "order_no": WHOLE,
        "placed_at": INSTANT,
        "day": WHOLE,
        "amount": NUMBER,
        "gross": NUMBER,
        "refunded": NUMBER,
        "item_count": NUMBER,
        "number": NUMBER,
        "channel": TEXT,
        "country": TEXT,
        "location_id": TEXT,
        "app_id": TEXT,
        "discounted": FLAG,
        "discount_codes": TEXTS,
        "tags": TEXTS,
    },
    "order_lines": {
        "customer": NUMBER,
        "order_no": WHOLE,
        "placed_at": INSTANT,
        "goods": WHOLE,
        "price": NUMBER,
        "discounted": FLAG,
        "quantity": NUMBER,
        "amount": NUMBER,
        "shipping": TEXT,
    },
    "goods": {
        "key": WHOLE,
        "thing": TEXT,
        "product_id": TEXT,
        "variant_id": TEXT,
        "sku": TEXT,
        "title": TEXT,
        "product_type": TEXT,
        "vendor": TEXT,
        "tags": TEXTS,
        "collections": TEXTS,
        "categories": TEXTS,
        "product_type_name": TEXT,
        "vendor_name": TEXT,
        "category_name": TEXT,
    },
    "refunds": {"customer": NUMBER, "refunded_at": INSTANT, "amount": NUMBER},
    "checkouts": {"customer": NUMBER, "key": NUMBER, "created_at": INSTANT, "day": WHOLE, "recovered": FLAG, "amount": NUMBER},
    "checkout_lines": {"customer": NUMBER, "checkout": NUMBER, "goods": WHOLE},
    "topics": {"key": WHOLE, "kind": TEXT, "campaign": TEXT, "campaign_id": TEXT, "mailing": TEXT},
    "activities": {
        "customer": NUMBER,
        "acted_at": INSTANT,
        "day": WHOLE,
        "topic": WHOLE,
        "url": TEXT,
        "title": TEXT,
        "about": TEXT,
        "form": TEXT,
        "page": TEXT,
        "survey": TEXT,
        "sentiment": TEXT,
        "rating": NUMBER,
        "network": TEXT,
        "query": TEXT,
        "goods": WHOLE,
    },
    "properties": {
        "customer": NUMBER,
        "name": TEXT,
        "value": TEXT,
        "folded": TEXT,
        "number": WIDE,
        "date_at": INSTANT,
        "date_day": WHOLE,
        "time_at": INSTANT,
        "time_day": WHOLE,
        "flag": FLAG,
        "several": TEXTS,
    },
}
# Billionths: a property's number has nine decimals at most.
NUMBER_SCALE = 10**9
# Who is in which segment, by its handle: not part of a snapshot, but of one run over it.
MEMBERSHIPS: Mapping[str, str] = {"customer": NUMBER, "segment": TEXT}
# Tables without a customer, whose rows are shared, and the columns that point to their keys.
DICTIONARIES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "goods": (("order_lines", "goods"), ("checkout_lines", "goods"), ("activities", "goods")),
    "topics": (("activities", "topic"),),
}
# Columns that are never null, which spares the database from looking.
_ALWAYS = frozenset({"id", "facts_version", "living", "customer", "key", "goods", "topic", "order_no", "counted", "spent", "segment"})

_IBIS = {NUMBER: "int64", WHOLE: "int32", TEXT: "string", TEXTS: "array<string>", INSTANT: "timestamp", FLAG: "boolean", WIDE: "decimal(28, 0)"}


@cache
def table(name: str) -> ir.Table:
    """A table of the layout, or `memberships`, for expressions."""
    columns = MEMBERSHIPS if name == "memberships" else TABLES[name]
    return ibis.table({column: ("!" if column in _ALWAYS else "") + _IBIS[kind] for column, kind in columns.items()}, name=name)


def owner(name: str) -> str | None:
    """The column that says whose a row is, or None for a dictionary."""
    if name in DICTIONARIES:
        return None
    return "id" if name == "customers" else "customer"


def create(name: str, columns: Mapping[str, str]) -> str:
    """The statement that makes an empty table of these columns."""
    return f'CREATE TABLE "{name}" ({", ".join(f"{quoted(column)} {kind}" for column, kind in columns.items())})'


def quoted(name: str) -> str:
    """A name of this layout as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'
