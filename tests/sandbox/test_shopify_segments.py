from __future__ import annotations

from typing import Any

import pytest

from integrations.sandbox.shopify.segment_query import QueryError, check
from tests.sandbox.shopify_store import Shopify

GOOD = [
    "number_of_orders >= 1 AND customer_countries CONTAINS 'CA'",
    "email_subscription_status = 'SUBSCRIBED' AND customer_countries CONTAINS 'CA' OR amount_spent > 999.99",
    "last_order_date BETWEEN 2021-01-01 AND today",
    "last_order_date > 2020-05-30T16:00:00",
    "last_order_date < -1y",
    "products_purchased NOT MATCHES ()",
    "products_purchased MATCHES (tag = 'Sports wear', date >= -12m)",
    "products_purchased MATCHES (id IN (1012132033639, 2012162031638), date BETWEEN -12m AND today)",
    "orders_placed MATCHES (date > -90d, count >= 5)",
    "shopify_email.bounced NOT MATCHES (activity_id = 5240029206, date > -3m)",
    "customer_tags NOT CONTAINS 'it\\'s'",
    "(companies IS NULL)",
    "anniversary('metafields.facts.birth_date') = today",
    "products_purchased(tag: 'Sports wear') = true",
    "shopify_email.opened(count_at_least: 5) = false",
]


def create(shopify: Shopify, name: str, query: str = "customer_tags CONTAINS 'vip'") -> dict[str, Any]:
    document = """mutation Create($name: String!, $query: String!) {
        segmentCreate(name: $name, query: $query) { segment { id name query } userErrors { field message } } }"""
    made: dict[str, Any] = shopify.data(document, name=name, query=query)["segmentCreate"]
    return made


def members(shopify: Shopify, query: str) -> list[int]:
    page = shopify.data("query M($q: String) { customerSegmentMembers(first: 100, query: $q) { totalCount edges { node { id } } } }", q=query)[
        "customerSegmentMembers"
    ]
    found = [int(e["node"]["id"].rsplit("/", 1)[1]) for e in page["edges"]]
    assert page["totalCount"] == len(found)
    return found


def test_the_query_is_kept_as_given(shopify: Shopify) -> None:
    query = "customer_tags  CONTAINS 'segsync:vip'"
    assert create(shopify, "VIPs", query)["segment"]["query"] == query


def test_a_taken_name_gets_a_number(shopify: Shopify) -> None:
    assert [create(shopify, "VIPs")["segment"]["name"] for _ in range(3)] == ["VIPs", "VIPs (2)", "VIPs (3)"]


def test_bad_names_and_queries_are_user_errors(shopify: Shopify) -> None:
    assert create(shopify, " ")["userErrors"][0]["field"] == ["name"]
    assert create(shopify, "x" * 256)["userErrors"][0]["field"] == ["name"]
    assert create(shopify, "x", "a = 1")["userErrors"] == [{"field": ["query"], "message": "Query Line 1 Column 0: 'a' filter cannot be found."}]
    assert create(shopify, "x", "customer_tags CONTAINS '" + "y" * 5_000 + "'")["userErrors"][0]["field"] == ["query"]
    assert shopify.store.segments == {}


def test_a_segment_is_renamed_requeried_and_listed(shopify: Shopify) -> None:
    gid = create(shopify, "VIPs")["segment"]["id"]
    update = (
        "mutation U($id: ID!, $name: String, $query: String) { segmentUpdate(id: $id, name: $name, query: $query) { segment { id } userErrors { message } } }"
    )
    assert shopify.data(update, id=gid, name="Very", query="number_of_orders > 1")["segmentUpdate"]["userErrors"] == []
    listed = shopify.data("{ segments(first: 10) { nodes { id name query } } }")["segments"]["nodes"]
    assert listed == [{"id": gid, "name": "Very", "query": "number_of_orders > 1"}]


def test_a_deleted_segment_is_null_with_not_found_and_cannot_be_changed(shopify: Shopify) -> None:
    gid = create(shopify, "VIPs")["segment"]["id"]
    delete = "mutation D($id: ID!) { segmentDelete(id: $id) { deletedSegmentId userErrors { field message } } }"
    assert shopify.data(delete, id=gid)["segmentDelete"]["deletedSegmentId"] == gid
    assert shopify.data(delete, id=gid)["segmentDelete"]["userErrors"][0]["field"] == ["id"]
    body = shopify.gql("query S($id: ID!) { segment(id: $id) { id } }", id=gid)
    assert body["data"] == {"segment": None}
    assert (body["errors"][0]["message"], body["errors"][0]["extensions"]["code"]) == ("Segment does not exist", "NOT_FOUND")


@pytest.mark.parametrize("query", GOOD)
def test_the_documented_queries_are_in_the_language(query: str) -> None:
    check(query)


@pytest.mark.parametrize(
    "query",
    ["not a valid", "number_of_orders >", "amount_spent 3", "customer_tags CONTAINS", "(number_of_orders > 1", " OR ".join(["number_of_orders = 1"] * 11)],
)
def test_other_queries_are_not(query: str) -> None:
    with pytest.raises(QueryError):
        check(query)


def test_members_follow_tags_orders_spending_and_products(shopify: Shopify) -> None:
    shopify.store.customers[103].tags = ["VIP"]
    assert members(shopify, "customer_tags CONTAINS 'vip'") == [103]
    assert members(shopify, "number_of_orders = 0") == [104]
    assert members(shopify, "number_of_orders > 1") == [101]
    assert members(shopify, "amount_spent < 50 AND number_of_orders > 0") == [102]
    assert set(members(shopify, "last_order_date < -10d")) == {101, 102}
    assert members(shopify, "abandoned_checkout_date >= -30d") == [101]
    assert members(shopify, "orders_placed MATCHES (date >= -30d, sum_amount > 45)") == [101, 103, 105]
    assert members(shopify, "products_purchased MATCHES (id = 13)") == [101, 102]
    assert members(shopify, "email_subscription_status = 'SUBSCRIBED'") == [101]
