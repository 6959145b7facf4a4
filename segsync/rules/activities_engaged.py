"""What customers do elsewhere: e-mails, pages, forms, surveys, reviews, social networks. The rows are `ActivityFacts` of one kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segsync.rules import readers, rows
from segsync.rules.activities import count_parameter, date_parameter, row_parameter, total_parameter
from segsync.rules.entries import Activity, Parameter, Type, by_name
from segsync.rules.facts import ActivityFacts, LineFacts

PIXEL = "the storefront pixel"


def _distinct(read: Callable[[ActivityFacts], Any]) -> Callable[[Sequence[ActivityFacts]], int]:
    return lambda chosen: len({read(row) for row in chosen} - {None})


def _activity(name: str, help_: str, source: str, words: tuple[str, str, str, str], parameters: Mapping[str, Parameter], awaits: str = "") -> Activity:
    did, did_not, one, many = words
    return Activity(
        name=name,
        help=help_,
        source=source,
        did=did,
        did_not=did_not,
        one=one,
        many=many,
        needs=frozenset({"activities"}),
        rows=rows.of_kind(name),
        describe=rows.describe_activity,
        parameters=parameters,
        awaits=awaits,
    )


_EMAIL_PARAMETERS = by_name(
    row_parameter("campaign", Type.TEXT, "campaign", "The e-mail's name.", lambda row: row.campaign),
    row_parameter("campaign_id", Type.ID, "campaign", "The e-mail's id.", lambda row: row.campaign_id),
    row_parameter("url", Type.TEXT, "address", "The address clicked.", lambda row: row.url),
    date_parameter(lambda row: row.at),
    count_parameter("times"),
    total_parameter(
        "distinct_campaigns",
        Type.INTEGER,
        "number of different e-mails",
        "How many different e-mails.",
        _distinct(lambda row: row.campaign_id or row.campaign),
    ),
)


def _email(verb: str, did: str, did_not: str, one: str, many: str, help_: str) -> Activity:
    return _activity(f"emails.{verb}", help_, "HubSpot marketing e-mail", (did, did_not, one, many), _EMAIL_PARAMETERS)


def _product(read: Callable[[LineFacts], Any]) -> Callable[[ActivityFacts], Any]:
    return lambda row: None if row.product is None else read(row.product)


def _viewed(what: str, counts: str, awaits: str = "") -> Mapping[str, Parameter]:
    """The parameters of what is seen in the storefront; `awaits` where the product shown is not known yet."""
    return by_name(
        row_parameter("id", Type.ID, what, f"The {what}'s id.", lambda row: row.id),
        row_parameter("url", Type.TEXT, "address", "The page's address.", lambda row: row.url),
        row_parameter("title", Type.TEXT, "title", f"The {what}'s title.", lambda row: row.title),
        date_parameter(lambda row: row.at),
        count_parameter(counts),
        row_parameter("type", Type.TEXT, "product type", "The product's type.", _product(lambda line: line.product_type), awaits=awaits),
        row_parameter("vendor", Type.TEXT, "vendor", "The product's vendor.", _product(lambda line: line.vendor), awaits=awaits),
        row_parameter("tag", Type.LIST, "product tag", "A tag of the product.", _product(lambda line: line.tags), awaits=awaits),
        row_parameter("collection", Type.LIST, "collection", "A collection that holds the product.", _product(lambda line: line.collections), awaits=awaits),
        row_parameter(
            "category",
            Type.TEXT,
            "category",
            "The product's category by its full name or any level of it.",
            _product(lambda line: readers.category_names(line.category)),
            many=True,
            awaits=awaits,
        ),
        row_parameter("query", Type.TEXT, "search", "What was searched for.", lambda row: row.query, awaits=awaits),
        total_parameter(
            "distinct_products",
            Type.INTEGER,
            "number of different products",
            "How many different products.",
            _distinct(_product(rows.product)),
            awaits=awaits,
        ),
    )


def _rated(*parameters: Parameter) -> Mapping[str, Parameter]:
    return by_name(
        *parameters,
        row_parameter("rating", Type.INTEGER, "rating", "The rating given.", lambda row: row.rating),
        date_parameter(lambda row: row.at),
        count_parameter("times"),
        total_parameter(
            "average_rating",
            Type.DECIMAL,
            "average rating",
            "The exact mean of the ratings given; missing without one.",
            lambda chosen: rows.mean([row.rating for row in chosen if row.rating is not None]),
        ),
    )


ENGAGED_ACTIVITIES: tuple[Activity, ...] = (
    _email("sent", "were sent", "were not sent", "an e-mail", "e-mails", "Marketing e-mails sent to the customer."),
    _email("delivered", "received", "did not receive", "an e-mail", "e-mails", "Marketing e-mails that arrived."),
    _email("opened", "opened", "did not open", "an e-mail", "e-mails", "Marketing e-mails that the customer opened."),
    _email("clicked", "clicked in", "did not click in", "an e-mail", "e-mails", "Links clicked in marketing e-mails."),
    _email("bounced", "had", "did not have", "a bounced e-mail", "bounced e-mails", "Marketing e-mails that came back."),
    _email("unsubscribed", "had", "did not have", "an unsubscription", "unsubscriptions", "Unsubscriptions from marketing e-mail."),
    _email("marked_as_spam", "made", "did not make", "a spam report", "spam reports", "Marketing e-mails reported as spam."),
    _activity(
        "storefront.page_viewed",
        "Pages of the shop that the customer looked at.",
        "HubSpot tracking code",
        ("viewed", "did not view", "a page", "pages"),
        _viewed("page", "views", PIXEL),
    ),
    _activity(
        "storefront.product_viewed",
        "Products that the customer looked at.",
        PIXEL,
        ("viewed", "did not view", "a product", "products"),
        _viewed("product", "views"),
        PIXEL,
    ),
    _activity(
        "storefront.collection_viewed",
        "Collections that the customer looked at.",
        PIXEL,
        ("viewed", "did not view", "a collection", "collections"),
        _viewed("collection", "views"),
        PIXEL,
    ),
    _activity(
        "storefront.cart_added",
        "Products that the customer put in the cart.",
        PIXEL,
        ("added", "did not add", "a product to the cart", "products to the cart"),
        _viewed("product", "times"),
        PIXEL,
    ),
    _activity(
        "storefront.searched",
        "What the customer searched for in the shop.",
        PIXEL,
        ("made", "did not make", "a search", "searches"),
        _viewed("page", "searches"),
        PIXEL,
    ),
    _activity(
        "forms.submitted",
        "Forms that the customer sent in.",
        "HubSpot forms",
        ("submitted", "did not submit", "a form", "forms"),
        by_name(
            row_parameter("form", Type.TEXT, "form", "The form's name.", lambda row: row.form),
            row_parameter("page", Type.TEXT, "page", "The page that the form stood on.", lambda row: row.page),
            date_parameter(lambda row: row.at),
            count_parameter("forms"),
        ),
    ),
    _activity(
        "surveys.answered",
        "Surveys that the customer answered.",
        "HubSpot feedback",
        ("answered", "did not answer", "a survey", "surveys"),
        _rated(
            row_parameter("kind", Type.ENUM, "kind", "The kind of survey.", lambda row: row.survey, values=("NPS", "CSAT", "CES", "CUSTOM")),
            row_parameter("sentiment", Type.TEXT, "sentiment", "How the answer was read.", lambda row: row.sentiment),
        ),
    ),
    _activity(
        "reviews.written",
        "Reviews that the customer wrote.",
        "reviews",
        ("wrote", "did not write", "a review", "reviews"),
        _rated(row_parameter("id", Type.ID, "product", "The id of the product reviewed.", lambda row: row.id)),
        "a connector to the shop's review app: neither Shopify nor HubSpot has an API for reviews",
    ),
    _activity(
        "social.engaged",
        "What the customer did on social networks.",
        "social networks",
        ("had", "did not have", "a social interaction", "social interactions"),
        by_name(
            row_parameter("network", Type.TEXT, "network", "The network's name.", lambda row: row.network),
            date_parameter(lambda row: row.at),
            count_parameter("times"),
        ),
        "a connector to the social networks: neither Shopify nor HubSpot has an API for what one person did there",
    ),
)
