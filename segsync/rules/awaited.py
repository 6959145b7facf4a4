"""Names that the language defines and that no facts answer yet, so that a rule which uses one is told so and not that it is unknown.

An entry moves to `attributes.py` or `activities.py`, with a reader, when its data arrives.
"""

from __future__ import annotations

from collections.abc import Mapping

from segsync.rules.entries import Activity, Attribute, Type

_ATTRIBUTES: tuple[tuple[str, Type, str, str], ...] = (
    ("customer_regions", Type.LIST, "regions", "Shopify"),
    ("customer_cities", Type.LIST, "cities", "Shopify"),
    ("companies", Type.LIST, "companies", "Shopify"),
    ("created_by_app_id", Type.ID, "creating app", "Shopify"),
    ("orders_per_month", Type.DECIMAL, "orders per month", "counted orders"),
    ("median_days_between_orders", Type.DECIMAL, "median days between orders", "counted orders"),
    ("overdue_ratio", Type.DECIMAL, "overdue ratio", "counted orders"),
    ("usage_rate", Type.ENUM, "usage rate", "counted orders"),
    ("journey_stage", Type.ENUM, "journey stage", "counted orders"),
    ("rfm_recency", Type.INTEGER, "recency score", "counted orders"),
    ("rfm_frequency", Type.INTEGER, "frequency score", "counted orders"),
    ("rfm_monetary", Type.INTEGER, "monetary score", "counted orders"),
    ("loyalty_tier", Type.ENUM, "loyalty tier", "counted orders"),
    ("engagement_score", Type.INTEGER, "engagement score", "activities"),
    ("discount_share", Type.DECIMAL, "share of discounted orders", "counted orders"),
    ("refund_share", Type.DECIMAL, "share refunded", "counted orders"),
    ("benefit_sought", Type.ENUM, "benefit sought", "counted orders"),
    ("nps_rating", Type.INTEGER, "NPS rating", "HubSpot feedback"),
    ("nps_group", Type.ENUM, "NPS group", "HubSpot feedback"),
    ("last_survey_rating", Type.INTEGER, "last survey rating", "HubSpot feedback"),
    ("predicted_orders_90d", Type.DECIMAL, "predicted orders in 90 days", "prediction models"),
    ("predicted_value_365d", Type.MONEY, "predicted value in a year", "prediction models"),
    ("churn_probability", Type.DECIMAL, "probability of churn", "prediction models"),
    ("expected_next_order_date", Type.DATE, "expected next order", "prediction models"),
    ("segments", Type.LIST, "segments", "SegSync memberships"),
    ("sample_bucket", Type.INTEGER, "sample bucket", "a stable hash"),
    ("anniversary", Type.DATE, "anniversary", "Shopify metafields"),
)

# Families of names, by what they begin with.
PREFIXES: Mapping[str, str] = {"hubspot.": "HubSpot property", "metafields.": "Shopify metafield"}

_ACTIVITIES: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("storefront.product_viewed", "the storefront", "viewed", "did not view", "a product", "products"),
    ("storefront.collection_viewed", "the storefront", "viewed", "did not view", "a collection", "collections"),
    ("storefront.cart_added", "the storefront", "added", "did not add", "a product to the cart", "products to the cart"),
    ("storefront.searched", "the storefront", "made", "did not make", "a search", "searches"),
    ("forms.submitted", "HubSpot forms", "submitted", "did not submit", "a form", "forms"),
    ("surveys.answered", "HubSpot feedback", "answered", "did not answer", "a survey", "surveys"),
    ("reviews.written", "reviews", "wrote", "did not write", "a review", "reviews"),
    ("social.engaged", "social networks", "had", "did not have", "a social interaction", "social interactions"),
)

_WITHHELD = "Shopify does not share this data with apps; the nearest rule that works is"
# Shopify's own e-mail verbs are ours as well (shopify.dev, segment query language reference).
_EMAIL_VERBS = ("bounced", "clicked", "delivered", "marked_as_spam", "opened", "unsubscribed")
_UNSHARED: Mapping[str, str] = {
    **{f"shopify_email.{verb}": f"emails.{verb} MATCHES (…), which reads HubSpot's e-mails" for verb in _EMAIL_VERBS},
    "store_credit_accounts": "customer_tags CONTAINS '…' with a tag for customers who have credit",
    "customer_within_distance": "customer_countries CONTAINS '…'",
}

AWAITED_ATTRIBUTES: tuple[Attribute, ...] = tuple(
    Attribute(name=name, type=kind, label=label, help=f"Waits for {source}.", source=source) for name, kind, label, source in _ATTRIBUTES
)
AWAITED_ACTIVITIES: tuple[Activity, ...] = (
    *(
        Activity(name=name, help=f"Waits for {source}.", source=source, did=did, did_not=did_not, one=one, many=many)
        for name, source, did, did_not, one, many in _ACTIVITIES
    ),
    *(
        Activity(
            name=name,
            help="Parsed, not answered.",
            source="Shopify alone",
            did="had",
            did_not="did not have",
            one=f"an entry in {name}",
            many=f"entries in {name}",
            unshared=f"`{name}`: {_WITHHELD} {instead}.",
        )
        for name, instead in _UNSHARED.items()
    ),
)
