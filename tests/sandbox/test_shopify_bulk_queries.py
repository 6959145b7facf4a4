from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
import requests
from graphql import parse, print_ast

from integrations.sandbox.faults import Fault
from tests.sandbox.shopify_store import Shopify, days, until

CUSTOMERS = "{ customers { edges { node { id tags } } } }"
ORDERS = """{ orders { edges { node { id name customer { id } currentTotalPriceSet { shopMoney { amount currencyCode } }
    refunds { id totalRefundedSet { shopMoney { amount } } }
    lineItems { edges { node { id quantity title product { id } variant { id }
        discountedTotalSet(withCodeDiscounts: true) { shopMoney { amount } } } } } } } } }"""
REFUSED = {
    "{ products { nodes { id title } } }": "edges",
    '{ node(id: "gid://shopify/Product/11") { id } }': "top level `node`",
    "{ shop { name } }": "at least one connection",
    "{ collections { edges { node { id products { edges { node { id collections { edges { node { id products { edges { node { id } } } } } } } } } } } }"
    " }": "nesting depth greater than 2",
    "{ a: products { edges { node { id } } } b: products { edges { node { id } } } c: products { edges { node { id } } } d: products { edges { node { id } } } "
    "e: products { edges { node { id } } } f: products { edges { node { id } } } }": "more than 5 connections",
    "{ products { edges { node { title variants { edges { node { id } } } } } } }": "must select the 'id' field without an alias",
    "{ products { edges { node { id: handle variants { edges { node { id } } } } } } }": "must select the 'id' field without an alias",
    "{ orders { edges { node { id refunds { order { lineItems { edges { node { id } } } } } } } } }": "within a list field",
    "query Q($q: String) { products(query: $q) { edges { node { id } } } }": "variables",
    'mutation M { tagsAdd(id: "gid://shopify/Customer/101", tags: ["x"]) { userErrors { message } } }': "Only `query` operations",
    "": "syntax error",
    "{ products { edges { node { nothing } } } }": "Cannot query field 'nothing'",
    "{ products { edges { node { id " + " " * 65_536 + "} } } }": "65535",
}


@pytest.mark.parametrize("query", REFUSED)
def test_queries_that_bulk_cannot_run_are_user_errors(shopify: Shopify, query: str) -> None:
    started = shopify.start_bulk(query)
    assert started["bulkOperation"] is None
    assert REFUSED[query] in " ".join(error["message"] for error in started["userErrors"])
    assert {(tuple(error["field"]), error["code"]) for error in started["userErrors"]} == {(("query",), "INVALID")}


def test_a_bulk_query_is_created_runs_and_completes_with_counts_as_strings(shopify: Shopify) -> None:
    started = shopify.start_bulk(ORDERS)
    assert started["bulkOperation"]["status"] == "CREATED"
    operation = shopify.finished(started["bulkOperation"]["id"])
    assert (operation["status"], operation["type"], operation["errorCode"]) == ("COMPLETED", "QUERY", None)
    assert (operation["rootObjectCount"], operation["objectCount"]) == ("8", "24")
    answer = requests.get(operation["url"], timeout=5)
    assert operation["fileSize"] == str(len(answer.content)) == answer.headers["Content-Length"]


def test_rows_hold_what_a_direct_request_answers(shopify: Shopify) -> None:
    _, rows = shopify.bulk(ORDERS)
    fields = ORDERS.split("{ edges { node {", 1)[1].split("lineItems")[0]
    lines = ORDERS.split("lineItems { edges { node {", 1)[1].split("} } } } } } } } }")[0] + "} } }"
    for order in [row for row in rows if "__parentId" not in row]:
        document = f'{{ order(id: "{order["id"]}") {{ {fields} lineItems(first: 50) {{ nodes {{ {lines.rstrip(" }")} }} }} }} }} }} }}'
        direct = shopify.data(document)["order"]
        nodes = direct.pop("lineItems")["nodes"]
        assert order == direct
        children = [row for row in rows if row.get("__parentId") == order["id"]]
        assert [{k: v for k, v in row.items() if k != "__parentId"} for row in children] == nodes


def test_children_come_after_their_parent_but_not_always_next_to_it(shopify: Shopify) -> None:
    _, rows = shopify.bulk(ORDERS)
    seen: set[str] = set()
    apart = 0
    latest = ""
    for row in rows:
        if "__parentId" in row:
            assert row["__parentId"] in seen
            apart += row["__parentId"] != latest
        else:
            seen.add(row["id"])
            latest = row["id"]
    assert apart > 0


def test_grouped_children_follow_their_parent_at_once(shopify: Shopify) -> None:
    _, rows = shopify.bulk(ORDERS, grouped=True)
    latest = ""
    for row in rows:
        if "__parentId" in row:
            assert row["__parentId"] == latest
        else:
            latest = row["id"]


def test_two_levels_of_children_point_at_their_own_parents(shopify: Shopify) -> None:
    _, rows = shopify.bulk("{ customers { edges { node { id orders { edges { node { id lineItems { edges { node { id } } } } } } } } } }")
    kinds = {row["id"].split("/")[3]: row.get("__parentId", "/////").split("/")[3] for row in rows}
    assert kinds == {"Customer": "", "Order": "Customer", "LineItem": "Order"}


def test_aliases_typenames_and_fragments_are_honoured(shopify: Shopify) -> None:
    _, rows = shopify.bulk("query Q { products { edges { node { ...P } } } } fragment P on Product { __typename id name: title ... on Product { vendor } }")
    assert rows[0] == {"__typename": "Product", "id": "gid://shopify/Product/11", "name": "Tea", "vendor": "Acme"}


def test_filters_work_in_bulk(shopify: Shopify) -> None:
    since = days(15).strftime("%Y-%m-%dT%H:%M:%SZ")
    _, rows = shopify.bulk(f"{{ orders(query: \"updated_at:>='{since}' AND test:false\") {{ edges {{ node {{ id }} }} }} }}")
    assert [row["id"].rsplit("/", 1)[1] for row in rows] == ["1004", "1006", "1007", "1008"]


def test_no_rows_means_no_url_and_a_count_of_zero(shopify: Shopify) -> None:
    operation, rows = shopify.bulk('{ orders(query: "id:999999") { edges { node { id } } } }')
    assert (operation["status"], operation["url"], operation["objectCount"], rows) == ("COMPLETED", None, "0", [])


def test_results_can_be_had_in_ranges_without_a_token_and_for_seven_days(shopify: Shopify) -> None:
    operation, _ = shopify.bulk(CUSTOMERS)
    whole = requests.get(operation["url"], timeout=5).content
    rest = requests.get(operation["url"], headers={"Range": "bytes=10-"}, timeout=5)
    assert (rest.status_code, rest.content) == (206, whole[10:])
    shopify.world.clock.advance(timedelta(days=7, seconds=1))
    assert requests.get(operation["url"], timeout=5).status_code == 403
    assert shopify.connected().operation(operation["id"])["status"] == "EXPIRED"


def test_five_run_at_once_and_the_sixth_is_told_which(shopify: Shopify) -> None:
    shopify.server.shopify.bulk.run_seconds = 30
    running = [shopify.start_bulk(CUSTOMERS)["bulkOperation"]["id"] for _ in range(5)]
    sixth = shopify.start_bulk(CUSTOMERS)
    assert sixth["bulkOperation"] is None
    assert sixth["userErrors"][0]["code"] == "OPERATION_IN_PROGRESS"
    assert all(gid in sixth["userErrors"][0]["message"] for gid in running)
    nodes = shopify.data('{ bulkOperations(first: 20, query: "status:running") { nodes { id } } }')["bulkOperations"]["nodes"]
    assert {node["id"] for node in nodes} == set(running)


def test_a_running_operation_can_be_canceled_and_a_finished_one_cannot(shopify: Shopify) -> None:
    shopify.server.shopify.bulk.run_seconds = 30
    gid = shopify.start_bulk(CUSTOMERS)["bulkOperation"]["id"]
    document = "mutation C($id: ID!) { bulkOperationCancel(id: $id) { bulkOperation { status } userErrors { message } } }"
    assert shopify.data(document, id=gid)["bulkOperationCancel"]["bulkOperation"]["status"] == "CANCELING"
    assert shopify.finished(gid)["status"] == "CANCELED"
    assert shopify.data(document, id=gid)["bulkOperationCancel"]["userErrors"]


def test_an_operation_without_the_scope_fails_with_access_denied(stranger: Shopify) -> None:
    stranger.server.shopify.managed_scopes = ("read_products",)
    operation = stranger.connected().finished(stranger.start_bulk(CUSTOMERS)["bulkOperation"]["id"])
    assert (operation["status"], operation["errorCode"], operation["url"]) == ("FAILED", "ACCESS_DENIED", None)


@pytest.mark.parametrize(("kind", "status", "code"), [("bulk_failed", "FAILED", "INTERNAL_SERVER_ERROR"), ("bulk_canceled", "CANCELED", None)])
def test_the_next_operation_can_be_made_to_end_early_with_partial_data(shopify: Shopify, kind: str, status: str, code: str | None) -> None:
    shopify.world.faults.add(Fault(kind, operation="bulk", remaining=1))
    operation = shopify.finished(shopify.start_bulk(CUSTOMERS)["bulkOperation"]["id"])
    assert (operation["status"], operation["errorCode"], operation["url"]) == (status, code, None)
    assert len(requests.get(operation["partialDataUrl"], timeout=5).text.splitlines()) == 2
    assert shopify.bulk(CUSTOMERS)[0]["status"] == "COMPLETED"


def test_the_next_result_can_be_made_to_end_inside_a_line(shopify: Shopify) -> None:
    shopify.world.faults.add(Fault("bulk_cut", operation="bulk", remaining=1))
    operation = shopify.finished(shopify.start_bulk(CUSTOMERS)["bulkOperation"]["id"])
    assert (operation["status"], operation["objectCount"]) == ("COMPLETED", "5")
    lines = requests.get(operation["url"], timeout=5).text.splitlines()
    assert len(lines) < 5
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[-1])


def test_the_finish_webhook_is_sent_with_values_in_lower_case(shopify: Shopify, inbox: Any) -> None:
    operation, _ = shopify.bulk(CUSTOMERS)
    until(lambda: "bulk_operations/finish" in inbox.topics())
    body = json.loads(inbox.received[-1].body)
    assert (body["admin_graphql_api_id"], body["status"], body["type"], body["error_code"]) == (operation["id"], "completed", "query", None)


def test_a_bulk_query_costs_only_its_start(shopify: Shopify) -> None:
    document = "mutation S($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } } }"
    assert shopify.gql(document, q=ORDERS)["extensions"]["cost"]["actualQueryCost"] == 10


def test_the_projects_bulk_pulls_run(shopify: Shopify) -> None:
    from tests.sandbox.test_shopify_schema_subset import OPERATIONS

    if not OPERATIONS.exists():
        pytest.skip(f"the project's operations are not at {OPERATIONS}")
    pulls = {d.name.value: print_ast(d) for d in parse(OPERATIONS.read_text()).definitions if d.name.value.startswith("Bulk")}  # type: ignore[attr-defined]
    pulls.pop("BulkOp")
    for name, query in pulls.items():
        operation, rows = shopify.bulk(query.replace("2026-11-01", "2020-01-01"))
        assert operation["status"] == "COMPLETED", name
        assert len(rows) == int(operation["objectCount"]) > 0, name
