from __future__ import annotations

from datetime import timedelta

import pytest
import requests

from integrations.sandbox.faults import Fault
from tests.sandbox.shopify_store import SHOP, Shopify, days


def ids(connection: dict[str, object]) -> list[int]:
    nodes = connection["nodes"]
    assert isinstance(nodes, list)
    return [int(node["id"].rsplit("/", 1)[1]) for node in nodes]


def found(shopify: Shopify, root: str, query: str, **more: str) -> list[int]:
    args = "".join(f", {name}: {value}" for name, value in more.items())
    return ids(shopify.data(f"query Find($q: String) {{ {root}(first: 50, query: $q{args}) {{ nodes {{ id }} }} }}", q=query)[root])


def test_only_the_supported_versions_answer_and_say_which_they_are(shopify: Shopify) -> None:
    for version in ("2026-10", "2026-07"):
        assert shopify.post("{ shop { name } }", version=version).headers["x-shopify-api-version"] == version
    assert shopify.post("{ shop { name } }", version="2024-01").status_code == 404


def test_a_wrong_token_is_unauthorized_with_shopifys_words(shopify: Shopify) -> None:
    shopify.token = "shpat_wrong"
    answer = shopify.post("{ shop { name } }")
    assert answer.status_code == 401
    assert answer.json() == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


def test_unknown_fields_are_errors_under_http_200(shopify: Shopify) -> None:
    answer = shopify.post("{ shop { nmae } }")
    assert answer.status_code == 200
    error = answer.json()["errors"][0]
    assert error["extensions"] == {"code": "undefinedField", "typeName": "Shop", "fieldName": "nmae"}
    assert "data" not in answer.json()


def test_a_missing_scope_denies_the_field_and_names_the_scope(stranger: Shopify) -> None:
    stranger.server.shopify.managed_scopes = ("read_products",)
    answer = stranger.connected().gql("{ shop { name } customers(first: 1) { nodes { id } } }")
    assert answer["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"
    assert "read_customers" in answer["errors"][0]["message"]
    assert stranger.data("{ products(first: 1) { nodes { id } } }")["products"]["nodes"]


def test_without_read_all_orders_only_sixty_days_of_orders_are_seen(stranger: Shopify) -> None:
    stranger.server.shopify.managed_scopes = ("read_orders", "read_customers")
    stranger.connected()
    assert found(stranger, "orders", "") == [1002, 1004, 1005, 1006, 1007, 1008]
    assert stranger.data('{ order(id: "gid://shopify/Order/1001") { id } }') == {"order": None}
    assert stranger.data('{ customer(id: "gid://shopify/Customer/101") { numberOfOrders } }')["customer"]["numberOfOrders"] == "2"


def test_a_customer_reads_as_shopify_prints_it(shopify: Shopify) -> None:
    customer = shopify.data("""{ customer(id: "gid://shopify/Customer/102") { legacyResourceId numberOfOrders tags state createdAt
        amountSpent { amount currencyCode } defaultEmailAddress { emailAddress marketingState } defaultAddress { countryCodeV2 } lastOrder { id } } }""")[
        "customer"
    ]
    assert customer["numberOfOrders"] == "1", "cancelled orders do not count; the count is a string"
    assert customer["amountSpent"] == {"amount": "45.0", "currencyCode": "GBP"}
    assert customer["createdAt"].endswith("Z")
    assert customer["defaultEmailAddress"] == {"emailAddress": "bob@example.test", "marketingState": "NOT_SUBSCRIBED"}
    assert customer["lastOrder"] == {"id": "gid://shopify/Order/1004"}


def test_an_order_reads_with_money_refunds_and_lines(shopify: Shopify) -> None:
    order = shopify.data("""{ order(id: "gid://shopify/Order/1004") { name currentTotalPriceSet { shopMoney { amount } }
        totalRefundedSet { shopMoney { amount } }
        refunds { id totalRefundedSet { shopMoney { amount } } } customer { id }
        lineItems(first: 5) { nodes { id quantity
            discountedTotalSet(withCodeDiscounts: true) { shopMoney { amount } } product { id } variant { sku } } } } }""")["order"]
    assert order["currentTotalPriceSet"]["shopMoney"]["amount"] == "45.0"
    assert order["refunds"][0]["totalRefundedSet"]["shopMoney"]["amount"] == "5.0"
    line = order["lineItems"]["nodes"][0]
    assert line["discountedTotalSet"]["shopMoney"]["amount"] == "25.0"
    assert (line["product"]["id"], line["variant"]["sku"]) == ("gid://shopify/Product/11", "SKU-11")


def test_pages_follow_one_another_until_there_is_no_next(shopify: Shopify) -> None:
    seen: list[int] = []
    after = None
    for _ in range(10):
        page = shopify.data(
            "query Page($after: String) { orders(first: 3, after: $after, sortKey: UPDATED_AT) { pageInfo { hasNextPage endCursor } nodes { id } } }",
            after=after,
        )["orders"]
        seen += ids(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    assert seen == [1001, 1003, 1002, 1004, 1005, 1006, 1007, 1008]


def test_reverse_pages_and_last_before_work_too(shopify: Shopify) -> None:
    page = shopify.data("{ orders(first: 2, reverse: true, sortKey: ID) { nodes { id } pageInfo { endCursor } } }")["orders"]
    assert ids(page) == [1008, 1007]
    cursor = page["pageInfo"]["endCursor"]
    after = shopify.data("query Q($c: String) { orders(first: 2, after: $c, reverse: true, sortKey: ID) { nodes { id } } }", c=cursor)["orders"]
    assert ids(after) == [1006, 1005]
    before = shopify.data("query Q($c: String) { orders(last: 2, before: $c, sortKey: ID) { nodes { id } } }", c=cursor)["orders"]
    assert ids(before) == [1005, 1006]


def test_nested_lines_page_on_their_own(shopify: Shopify) -> None:
    document = """query Lines($after: String) { order(id: "gid://shopify/Order/1001") {
        lineItems(first: 1, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }"""
    first = shopify.data(document)["order"]["lineItems"]
    assert first["pageInfo"]["hasNextPage"] is True
    second = shopify.data(document, after=first["pageInfo"]["endCursor"])["order"]["lineItems"]
    assert ids(first) + ids(second) == [10010, 10011]


@pytest.mark.parametrize("window", ["", "(first: 251)", "(first: 1, last: 1)"])
def test_a_window_that_is_missing_too_wide_or_doubled_is_an_error(shopify: Shopify, window: str) -> None:
    assert shopify.gql(f"{{ orders{window} {{ nodes {{ id }} }} }}")["errors"]


def test_searches_understand_times_ids_words_and_connectives(shopify: Shopify) -> None:
    since = days(15).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found(shopify, "orders", f"updated_at:>='{since}'") == [1004, 1005, 1006, 1007, 1008], "inclusive"
    assert found(shopify, "orders", f"updated_at:>'{since}'") == [1005, 1006, 1007, 1008]
    assert found(shopify, "orders", f"updated_at:>='{since}' AND test:false AND id:<=1006") == [1004, 1006]
    assert found(shopify, "orders", "financial_status:partially_refunded OR customer_id:105") == [1004, 1008]
    assert found(shopify, "orders", f"-test:true created_at:>={days(12):%Y-%m-%d}") == [1006, 1007, 1008]
    assert found(shopify, "customers", 'email:"cat@example.test"') == [103]
    assert found(shopify, "abandonedCheckouts", "recovery_state:recovered") == [502]


def test_an_unquoted_time_is_not_understood_and_only_a_warning_says_so(shopify: Shopify) -> None:
    answer = shopify.gql('{ orders(first: 50, query: "updated_at:>=2030-01-01T00:00:00Z") { nodes { id } } }')
    assert len(answer["data"]["orders"]["nodes"]) == 8
    assert answer["extensions"]["search"][0]["warnings"][0]["field"] == "updated_at"


def test_an_unknown_search_field_fails_open_with_a_warning(shopify: Shopify) -> None:
    answer = shopify.gql('{ customers(first: 50, query: "shoe_size:44") { nodes { id } } }')
    assert len(answer["data"]["customers"]["nodes"]) == 5
    assert answer["extensions"]["search"][0]["warnings"][0]["code"] == "invalid_field"


def test_nodes_are_found_by_global_id_of_any_kind(shopify: Shopify) -> None:
    wanted = ["gid://shopify/Order/1001", "gid://shopify/Customer/101", "gid://shopify/Product/999"]
    nodes = shopify.data("query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Order { name } ... on Customer { tags } } }", ids=wanted)["nodes"]
    assert nodes == [{"__typename": "Order", "id": wanted[0], "name": "#1001"}, {"__typename": "Customer", "id": wanted[1], "tags": []}, None]


def test_an_id_of_the_wrong_kind_is_not_found_and_a_malformed_one_invalid(shopify: Shopify) -> None:
    assert shopify.gql('{ customer(id: "gid://shopify/Order/1001") { id } }')["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"
    assert "Invalid global id" in shopify.gql('{ customer(id: "101") { id } }')["errors"][0]["message"]


def test_counts_say_whether_they_are_exact(shopify: Shopify) -> None:
    assert shopify.data("{ ordersCount { count precision } }")["ordersCount"] == {"count": 8, "precision": "EXACT"}
    assert shopify.data("{ ordersCount(limit: 5) { count precision } }")["ordersCount"] == {"count": 5, "precision": "AT_LEAST"}


def test_the_installation_lists_what_was_granted(shopify: Shopify) -> None:
    scopes = shopify.data("{ currentAppInstallation { accessScopes { handle } } }")["currentAppInstallation"]["accessScopes"]
    assert {"handle": "write_customers"} in scopes


def test_each_answer_says_what_it_cost_and_what_is_left(shopify: Shopify) -> None:
    cost = shopify.gql("{ shop { name } }")["extensions"]["cost"]
    assert (cost["requestedQueryCost"], cost["actualQueryCost"]) == (1, 1)
    assert cost["throttleStatus"] == {"maximumAvailable": 2000.0, "currentlyAvailable": 1999, "restoreRate": 100.0}


def test_requested_cost_follows_the_page_size_and_agrees_with_the_measured_answers(shopify: Shopify) -> None:
    variants = shopify.gql('{ product(id: "gid://shopify/Product/1") { variants(first: 250) { nodes { product { id } } } } }')
    assert variants["extensions"]["cost"]["requestedQueryCost"] == 25
    assert variants["extensions"]["cost"]["actualQueryCost"] == 0


def test_an_empty_bucket_throttles_under_http_200_without_data(shopify: Shopify) -> None:
    bucket = shopify.memory.bucket
    bucket.drain()
    answer = shopify.post('mutation T { tagsAdd(id: "gid://shopify/Customer/101", tags: ["x"]) { userErrors { message } } }')
    body = answer.json()
    assert answer.status_code == 200
    assert "data" not in body
    assert body["errors"][0]["extensions"]["code"] == "THROTTLED"
    assert body["extensions"]["cost"]["requestedQueryCost"] == 10
    assert body["extensions"]["cost"]["actualQueryCost"] is None
    assert shopify.store.customers[101].tags == []
    assert shopify.world.calls.recent(days(1))[-1].throttled


def test_the_bucket_fills_with_the_sandboxs_time(shopify: Shopify) -> None:
    bucket = shopify.memory.bucket
    bucket.drain()
    shopify.world.clock.advance(timedelta(seconds=5))
    assert bucket.status()["currentlyAvailable"] == pytest.approx(500, abs=20)


def test_a_query_over_a_thousand_points_is_refused_whatever_the_bucket(shopify: Shopify) -> None:
    inner = "lineItems(first: 250) { nodes { variant { id } product { id collections(first: 250) { nodes { id } } } } }"
    body = shopify.gql(f"{{ orders(first: 250) {{ nodes {{ id {inner} }} }} }}")
    extensions = body["errors"][0]["extensions"]
    assert (extensions["code"], extensions["maxCost"]) == ("MAX_COST_EXCEEDED", 1000)
    assert extensions["cost"] > 1000
    assert "extensions" not in body


def test_a_hundred_aliased_tag_mutations_go_in_one_request_and_cost_ten_each(shopify: Shopify) -> None:
    def batch(count: int) -> str:
        calls = "".join(f't{i}: tagsAdd(id: "gid://shopify/Customer/{101 + i % 5}", tags: ["t{i}"]) {{ userErrors {{ message }} }} ' for i in range(count))
        return f"mutation Batch {{ {calls} }}"

    body = shopify.gql(batch(100))
    assert "errors" not in body
    assert body["extensions"]["cost"]["actualQueryCost"] == 1000
    assert sum(len(c.tags) for c in shopify.store.customers.values()) == 100
    assert shopify.gql(batch(101))["errors"][0]["extensions"]["code"] == "MAX_COST_EXCEEDED"


def test_input_arrays_hold_two_hundred_and_fifty_at_most(shopify: Shopify) -> None:
    body = shopify.gql("query N($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=["gid://shopify/Customer/101"] * 251)
    assert body["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    assert "data" not in body


def test_calls_are_logged_by_operation_name(shopify: Shopify) -> None:
    shopify.data("query ShopInfo { shop { name } }")
    call = shopify.world.calls.recent(days(1))[-1]
    assert (call.platform, call.account, call.operation, call.status) == ("shopify", SHOP, "ShopInfo", 200)


def test_connections_are_kept_open_between_requests(shopify: Shopify) -> None:
    with requests.Session() as http:
        first = http.get(shopify.base + "/nothing")
        assert first.headers["Connection"] == "keep-alive"
        assert http.get(shopify.base + "/nothing").status_code == 404


def test_a_fault_can_be_aimed_at_one_operation(shopify: Shopify) -> None:
    shopify.world.faults.add(Fault("503", platform="shopify", account=SHOP, operation="ShopInfo", remaining=1))
    assert shopify.post("query Other { shop { name } }").status_code == 200
    assert shopify.post("query ShopInfo { shop { name } }").status_code == 503
    assert shopify.post("query ShopInfo { shop { name } }").status_code == 200
