"""A shop of any size, made up by DuckDB itself: the same size always gives the same facts, so they are made once and kept.

Few customers buy much and many buy little; everything lies in the three years before NOW; days are London's.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

from segsync.evaluate.columnar import files
from segsync.evaluate.columnar.layout import PROFILE, TABLES, TEXTS, VERSION, create, quoted
from segsync.evaluate.columnar.metrics import METRICS_OF_EVERYBODY

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TZ = ZoneInfo("Europe/London")
DAYS = 1095
KINDS = ("emails.sent", "emails.delivered", "emails.opened", "emails.clicked", "storefront.page_viewed", "emails.unsubscribed")
CATEGORIES = ("Shoes", "Coats", "Shirts", "Bags", "Hats", "Mugs", "Lamps", "Chairs", "Toys", "Books")
GOODS, CAMPAIGNS = 2_000, 60


def shop(parent: Path, customers: int, orders: int, activities: int, memory_limit: str) -> Path:
    """The folder with the facts of a shop of that size, made now unless it is there already."""
    name = f"bench-v{VERSION}-{customers}-{orders}-{activities}"
    if not (parent / name).exists():
        parent.mkdir(parents=True, exist_ok=True)
        with duckdb.connect(config={"memory_limit": memory_limit, "temp_directory": str(parent / "spill")}) as connection:
            for statement in _statements(customers, orders, activities):
                connection.execute(statement)
            (parent / files.write(connection, parent, name)).rename(parent / name)
        shutil.rmtree(parent / "spill", ignore_errors=True)
    return parent / name


def _random(salt: str, of: str = "i") -> str:
    """A number from 0 up to 1 that depends on `of` alone."""
    return f"((hash({of}, '{salt}') % 1000003) / 1000003.0)"


def _pick(values: tuple[str, ...], salt: str) -> str:
    listed = ", ".join(f"'{value}'" for value in values)
    return f"([{listed}])[1 + (hash(i, '{salt}') % {len(values)})::INTEGER]"


def _at(salt: str, newest_days: int = DAYS) -> str:
    """An instant in the `newest_days` days before NOW, more of them late than early."""
    microseconds = newest_days * 86_400_000_000
    return f"TIMESTAMP '{NOW:%Y-%m-%d %H:%M:%S}' - to_microseconds((pow({_random(salt)}, 1.3) * {microseconds})::BIGINT)"


def _day(column: str) -> str:
    """The local day of an instant, as a whole number from 1970-01-01."""
    cases = " ".join(f"WHEN {column} >= TIMESTAMP '{at:%Y-%m-%d %H:%M:%S}' THEN {shift}" for at, shift in reversed(list(_shifts())))
    return f"(floor((epoch({column}) + CASE {cases} ELSE 0 END) / 86400))::INTEGER"


def _shifts() -> Iterator[tuple[datetime, int]]:
    """When the clocks of TZ changed, and how many seconds they were ahead from then on."""
    at, last = NOW.replace(minute=0) - timedelta(days=DAYS + 370), None
    while at <= NOW:
        offset = at.astimezone(TZ).utcoffset() or timedelta()
        if offset != last:
            yield at, int(offset.total_seconds())
        at, last = at + timedelta(hours=1), offset


def _statements(customers: int, orders: int, activities: int) -> Iterator[str]:
    # A square sends most orders to the customers with small numbers.
    buyer = f"(1 + floor({customers} * pow({_random('buyer')}, 2)))::BIGINT"
    actor = f"(1 + floor({customers} * pow({_random('actor')}, 1.5)))::BIGINT"
    yield f"""CREATE TABLE goods AS SELECT i::INTEGER AS key, 'id ' || i AS thing, i::VARCHAR AS product_id, i::VARCHAR AS variant_id,
        'sku-' || i AS sku, 'thing ' || i AS title, lower({_pick(CATEGORIES, "c")}) AS product_type, 'vendor ' || (i % 40) AS vendor,
        CASE WHEN i % 7 = 0 THEN ['sale'] WHEN i % 5 = 0 THEN ['new', 'premium'] ELSE []::VARCHAR[] END AS tags,
        ['collection ' || (i % 25)] AS collections, ['apparel > ' || lower({_pick(CATEGORIES, "c")}), 'apparel', lower({_pick(CATEGORIES, "c")})] AS categories,
        {_pick(CATEGORIES, "c")} AS product_type_name, 'Vendor ' || (i % 40) AS vendor_name, 'Apparel > ' || {_pick(CATEGORIES, "c")} AS category_name
        FROM range({GOODS}) t(i)"""
    yield f"""CREATE TABLE topics AS SELECT (k * {CAMPAIGNS} + c)::INTEGER AS key, ([{", ".join(f"'{kind}'" for kind in KINDS)}])[k + 1] AS kind,
        'campaign ' || c AS campaign, c::VARCHAR AS campaign_id, c::VARCHAR AS mailing FROM range({len(KINDS)}) a(k), range({CAMPAIGNS}) b(c)"""
    yield f"""CREATE TABLE made AS SELECT i, {buyer} AS customer, {_at("order")} AS placed_at,
        (500 + floor(pow({_random("amount")}, 3) * 30000))::BIGINT AS amount FROM range({orders}) t(i)"""
    yield f"""CREATE TABLE orders AS SELECT customer, (row_number() OVER (PARTITION BY customer ORDER BY i) - 1)::INTEGER AS order_no, placed_at,
        {_day("placed_at")} AS day, amount, amount AS gross, 0::BIGINT AS refunded, (1 + i % 3)::BIGINT AS item_count, i AS number,
        {_pick(("web", "pos", "app"), "channel")} AS channel, {_pick(("GB", "DE", "FR", "US"), "country")} AS country,
        NULL::VARCHAR AS location_id, NULL::VARCHAR AS app_id, i % 4 = 0 AS discounted,
        CASE WHEN i % 8 = 0 THEN ['spring10'] ELSE []::VARCHAR[] END AS discount_codes,
        CASE WHEN i % 50 = 0 THEN ['gift'] ELSE []::VARCHAR[] END AS tags FROM made ORDER BY customer, order_no"""
    yield "DROP TABLE made"
    yield f"""CREATE TABLE order_lines AS SELECT customer, order_no, placed_at, (hash(number, n) % {GOODS})::INTEGER AS goods,
        (amount // item_count)::BIGINT AS price, discounted, 1::BIGINT AS quantity, (amount // (1 + number % 2))::BIGINT AS amount, NULL::VARCHAR AS shipping
        FROM orders, range(2) t(n) WHERE n <= number % 2"""
    yield """CREATE TABLE refunds AS SELECT customer, placed_at + INTERVAL 5 DAY AS refunded_at, amount // 2 AS amount
        FROM orders WHERE number % 25 = 0"""
    yield f"""CREATE TABLE checkouts AS SELECT {buyer} AS customer, i AS key, {_at("checkout", 200)} AS created_at, 0::INTEGER AS day, i % 3 = 0 AS recovered,
        (500 + i % 20000)::BIGINT AS amount FROM range({orders // 20}) t(i) ORDER BY customer"""
    yield f"UPDATE checkouts SET day = {_day('created_at')}"
    yield f"CREATE TABLE checkout_lines AS SELECT customer, key AS checkout, (hash(key) % {GOODS})::INTEGER AS goods FROM checkouts"
    yield f"""CREATE TABLE activities AS SELECT {actor} AS customer, {_at("act", 365)} AS acted_at, 0::INTEGER AS day,
        ((CASE WHEN {_random("kind")} < 0.35 THEN 0 WHEN {_random("kind")} < 0.65 THEN 1 WHEN {_random("kind")} < 0.80 THEN 2
          WHEN {_random("kind")} < 0.85 THEN 3 WHEN {_random("kind")} < 0.995 THEN 4 ELSE 5 END) * {CAMPAIGNS} + hash(i) % {CAMPAIGNS})::INTEGER AS topic,
        NULL::VARCHAR AS url, NULL::VARCHAR AS title, (hash(i) % 500)::VARCHAR AS about,
        NULL::VARCHAR AS form, NULL::VARCHAR AS page, NULL::VARCHAR AS survey, NULL::VARCHAR AS sentiment, NULL::BIGINT AS rating, NULL::VARCHAR AS network,
        NULL::VARCHAR AS query, 0::INTEGER AS goods
        FROM range({activities}) t(i) ORDER BY customer"""
    yield f"UPDATE activities SET day = {_day('acted_at')}"
    yield create("properties", TABLES["properties"])
    told = {
        "id": "i + 1",
        "facts_version": "1",
        "living": "true",
        "customer_id": "(i + 1)::VARCHAR",
        "added_at": _at("added"),
        "tags": "CASE WHEN i % 20 = 0 THEN ['vip'] WHEN i % 9 = 0 THEN ['wholesale', 'b2b'] ELSE [] END",
        "countries": f"[{_pick(('GB', 'DE', 'FR', 'US'), 'home')}]",
        "emails": "['person' || i || '@example.com']",
        "email_domain": "'example.com'",
        "language": _pick(("en", "de", "fr"), "language"),
        "email_subscription": _pick(("SUBSCRIBED", "UNSUBSCRIBED", "NOT_SUBSCRIBED"), "subscription"),
    }
    values = ", ".join(f"({told.get(column, '[]' if kind == TEXTS else 'NULL')})::{kind} AS {quoted(column)}" for column, kind in PROFILE.items())
    yield f"CREATE TABLE people AS SELECT {values} FROM range({customers}) t(i)"
    yield f"CREATE TABLE customers AS SELECT * FROM ({METRICS_OF_EVERYBODY}) ORDER BY id"
    yield "DROP TABLE people"
