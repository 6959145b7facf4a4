"""Names that the language defines and that no facts answer yet, so that a rule which uses one is told so and not that it is unknown.

An entry moves to `attributes.py`, with a reader, when its data arrives.
"""

from __future__ import annotations

from collections.abc import Mapping

from segsync.rules.entries import Activity, Attribute, Type

_MODELS = "SegSync's prediction models"

AWAITED_ATTRIBUTES: tuple[Attribute, ...] = tuple(
    Attribute(name=name, type=kind, label=label, help=help_, source="prediction models", awaits=_MODELS)
    for name, kind, label, help_ in (
        ("predicted_orders_90d", Type.DECIMAL, "predicted orders in 90 days", "How many orders to expect in the next 90 days."),
        ("predicted_value_365d", Type.MONEY, "predicted value in a year", "What the customer is expected to spend in a year."),
        ("churn_probability", Type.DECIMAL, "probability of churn", "How likely it is, from 0 to 1, that the customer never buys again."),
        ("expected_next_order_date", Type.DATE, "expected next order", "When the next order is expected."),
    )
)

_WITHHELD = "Shopify does not share this data with apps; the nearest rule that works is"
# Shopify's own e-mail verbs are ours as well (shopify.dev, segment query language reference).
_EMAIL_VERBS = ("bounced", "clicked", "delivered", "marked_as_spam", "opened", "unsubscribed")
_UNSHARED: Mapping[str, str] = {
    **{f"shopify_email.{verb}": f"emails.{verb} MATCHES (…), which reads HubSpot's e-mails" for verb in _EMAIL_VERBS},
    "store_credit_accounts": "customer_tags CONTAINS '…' with a tag for customers who have credit",
    "customer_within_distance": "customer_countries CONTAINS '…'",
}

# The Admin API's Customer has no such field (2026-10; shopify.dev, "Customer"), though Shopify's own editor knows it.
UNSHARED_ATTRIBUTES: tuple[Attribute, ...] = (
    Attribute(
        name="created_by_app_id",
        type=Type.ID,
        label="creating app",
        help="The id of the app that made the customer's record.",
        source="Shopify alone",
        unshared=f"`created_by_app_id`: {_WITHHELD} orders_placed MATCHES (app_id = …), which asks for the app that took an order.",
    ),
)

UNSHARED_ACTIVITIES: tuple[Activity, ...] = tuple(
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
)
