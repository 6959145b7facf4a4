"""What follows from a person's rows alone, worked out by the database for everybody at once."""

from __future__ import annotations

from segsync.evaluate.columnar.layout import PROFILE, quoted

# The favourite is the value with the largest spend among counted lines; ties go to the one bought latest, then to the first in the
# alphabet (texts are ordered by their code points in DuckDB as in Python).
_FAVOURITE = """
    SELECT customer, arg_max(key, place) AS key FROM (
        SELECT customer, key, row_number() OVER (PARTITION BY customer ORDER BY spend, latest, name DESC) AS place FROM (
            SELECT l.customer, g."{column}" AS name, min(g.key) AS key, sum(l.amount) AS spend, max(l.placed_at) AS latest
            FROM order_lines l JOIN goods g ON g.key = l.goods WHERE g."{column}" <> '' GROUP BY ALL
        )
    ) GROUP BY customer
"""

_GAPS = """
    SELECT customer, sum(gap)::BIGINT * CASE WHEN max(gaps) % 2 = 1 THEN 2 ELSE 1 END AS gap_pair FROM (
        SELECT customer, gap, count(*) OVER own AS gaps, row_number() OVER (own ORDER BY gap) AS place FROM (
            SELECT customer, day - lag(day) OVER (PARTITION BY customer ORDER BY day) AS gap FROM orders
        ) WHERE gap IS NOT NULL WINDOW own AS (PARTITION BY customer)
    ) WHERE place IN ((gaps + 1) // 2, gaps // 2 + 1) GROUP BY customer
"""

# The latest answer tells, of two at once the higher.
_ANSWERS = """
    SELECT a.customer, (max({'at': a.acted_at, 'rating': a.rating}) FILTER (a.survey = 'NPS')).rating AS nps_rating,
        (max({'at': a.acted_at, 'rating': a.rating})).rating AS last_survey_rating
    FROM activities a JOIN topics t ON t.key = a.topic WHERE t.kind = 'surveys.answered' AND a.rating IS NOT NULL GROUP BY a.customer
"""
# What the property says of somebody without answers: 0 to 10 in one or two digits.
_TOLD_RATING = """
    SELECT customer, value::BIGINT AS told FROM properties
    WHERE name = 'hubspot.hs_feedback_last_nps_rating' AND regexp_full_match(value, '0?[0-9]|10')
"""

METRICS_OF_EVERYBODY = f"""
    SELECT {", ".join(f"c.{quoted(column)}" for column in PROFILE)},
        coalesce(o.counted, 0) AS counted,
        coalesce(o.spent, 0)::BIGINT AS spent,
        o.first_order_at, o.last_order_at, o.first_order_day, o.last_order_day,
        coalesce(o.discounted_orders, 0) AS discounted_orders,
        coalesce(o.gross, 0)::BIGINT AS gross,
        coalesce(o.refunded, 0)::BIGINT AS refunded,
        m.gap_pair,
        k.open_checkout_at, k.open_checkout_day,
        coalesce(gc.categories, []::VARCHAR[]) AS top_category,
        gv.vendor AS top_vendor,
        gt.product_type AS top_product_type,
        coalesce(s.nps_rating, n.told) AS nps_rating,
        s.last_survey_rating
    FROM people c
    LEFT JOIN (
        SELECT customer, count(*) AS counted, sum(amount) AS spent, min(placed_at) AS first_order_at, max(placed_at) AS last_order_at,
            min(day) AS first_order_day, max(day) AS last_order_day, count(*) FILTER (discounted) AS discounted_orders,
            sum(gross) AS gross, sum(refunded) AS refunded
        FROM orders GROUP BY customer
    ) o ON o.customer = c.id
    LEFT JOIN ({_GAPS}) m ON m.customer = c.id
    LEFT JOIN (
        SELECT customer, max(created_at) AS open_checkout_at, max(day) AS open_checkout_day
        FROM checkouts WHERE NOT recovered GROUP BY customer
    ) k ON k.customer = c.id
    LEFT JOIN ({_FAVOURITE.format(column="category_name")}) fc ON fc.customer = c.id LEFT JOIN goods gc ON gc.key = fc.key
    LEFT JOIN ({_FAVOURITE.format(column="vendor_name")}) fv ON fv.customer = c.id LEFT JOIN goods gv ON gv.key = fv.key
    LEFT JOIN ({_FAVOURITE.format(column="product_type_name")}) ft ON ft.customer = c.id LEFT JOIN goods gt ON gt.key = ft.key
    LEFT JOIN ({_ANSWERS}) s ON s.customer = c.id
    LEFT JOIN ({_TOLD_RATING}) n ON n.customer = c.id
"""
