from __future__ import annotations

import json
from typing import Any

import requests

from tests.sandbox.shopify_store import Shopify

ADD = "mutation Add($id: ID!, $tags: [String!]!) { tagsAdd(id: $id, tags: $tags) { node { id } userErrors { field message } } }"
REMOVE = "mutation Remove($id: ID!, $tags: [String!]!) { tagsRemove(id: $id, tags: $tags) { node { id } userErrors { field message } } }"


def line(number: int, *tags: str) -> str:
    return json.dumps({"id": f"gid://shopify/Customer/{number}", "tags": list(tags)})


def run(shopify: Shopify, lines: list[str], mutation: str = ADD) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    started = shopify.run_mutation(mutation, shopify.upload(lines))
    assert started["userErrors"] == []
    operation = shopify.finished(started["bulkOperation"]["id"])
    return operation, [json.loads(row) for row in requests.get(operation["url"], timeout=5).text.splitlines()]


def refusal(shopify: Shopify, mutation: str, path: str) -> str | None:
    started = shopify.run_mutation(mutation, path)
    assert started["bulkOperation"] is None
    return str(started["userErrors"][0]["code"])


def test_every_line_is_done_once_and_answered_by_its_number(shopify: Shopify) -> None:
    lines = [line(101, "vip"), line(102, "vip", "early"), line(999, "vip"), line(103, "a,b")]
    operation, rows = run(shopify, lines)
    assert (operation["type"], operation["status"], operation["objectCount"]) == ("MUTATION", "COMPLETED", "4")
    by_number = {row["__lineNumber"]: row["data"]["tagsAdd"] for row in rows}
    assert by_number[0] == {"node": {"id": "gid://shopify/Customer/101"}, "userErrors": []}
    assert by_number[2] == {"node": None, "userErrors": [{"field": ["id"], "message": "Customer does not exist"}]}
    assert [shopify.store.customers[n].tags for n in (101, 102, 103)] == [["vip"], ["early", "vip"], ["a", "b"]]


def test_lines_are_not_done_in_order(shopify: Shopify) -> None:
    _, rows = run(shopify, [line(101 + i % 5, f"t{i}") for i in range(40)])
    numbers = [row["__lineNumber"] for row in rows]
    assert sorted(numbers) == list(range(40))
    assert numbers != sorted(numbers)


def test_removing_in_bulk_is_a_second_operation(shopify: Shopify) -> None:
    run(shopify, [line(101, "vip", "keep")])
    run(shopify, [line(101, "VIP")], REMOVE)
    assert shopify.store.customers[101].tags == ["keep"]


def test_a_bad_line_is_answered_with_its_errors_and_harms_nobody(shopify: Shopify) -> None:
    _, rows = run(shopify, ["{broken", json.dumps({"id": "gid://shopify/Customer/101"}), line(102, "x"), '{"id": "gid://shopify/Segment/1", "tags": []}'])
    by_number = {row["__lineNumber"]: row for row in rows}
    assert "errors" in by_number[0]
    assert "errors" in by_number[1]
    assert by_number[3]["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"
    assert by_number[2]["data"]["tagsAdd"]["userErrors"] == []


def test_a_path_without_an_upload_is_no_such_file(shopify: Shopify) -> None:
    assert refusal(shopify, ADD, "tmp/77/bulk/nothing/vars.jsonl") == "NO_SUCH_FILE"


def test_an_empty_or_too_large_upload_is_invalid(shopify: Shopify) -> None:
    assert refusal(shopify, ADD, shopify.upload(b"")) == "INVALID_STAGED_UPLOAD_FILE"
    path = shopify.upload(b"{}\n")
    shopify.memory.uploads[path].size = 100 * 1024 * 1024 + 1
    assert refusal(shopify, ADD, path) == "INVALID_STAGED_UPLOAD_FILE"


def test_only_one_allowed_mutation_runs_in_bulk(shopify: Shopify) -> None:
    path = shopify.upload([line(101, "x")])
    assert refusal(shopify, "{ shop { name } }", path) == "INVALID_MUTATION"
    assert refusal(shopify, "mutation { not parseable", path) == "INVALID_MUTATION"
    two = ADD.replace("{ tagsAdd", "{ a: tagsAdd", 1)[:-1] + " b: tagsAdd(id: $id, tags: $tags) { userErrors { message } } }"
    assert shopify.run_mutation(two, path)["userErrors"][0]["message"] == "You must specify a single top level mutation."
    nested = "mutation B($q: String!) { bulkOperationRunQuery(query: $q) { bulkOperation { id } } }"
    assert shopify.run_mutation(nested, path)["userErrors"][0]["message"] == "You must use an allowed mutation name."


def test_five_mutations_run_beside_five_queries(shopify: Shopify) -> None:
    shopify.server.shopify.bulk.run_seconds = 30
    path = shopify.upload([line(101, "x")])
    for _ in range(5):
        assert shopify.start_bulk("{ customers { edges { node { id } } } }")["userErrors"] == []
        assert shopify.run_mutation(ADD, path)["userErrors"] == []
    assert refusal(shopify, ADD, path) == "OPERATION_IN_PROGRESS"


def test_an_upload_with_forged_fields_is_refused(shopify: Shopify) -> None:
    url = f"{shopify.world.config.base_url}/shopify-files/{shopify.shop}/upload"
    assert requests.post(url, data={"key": "tmp/77/bulk/x/vars.jsonl", "policy": "x"}, files={"file": b"{}"}, timeout=5).status_code == 403


def test_client_identifiers_have_ten_characters_or_more(shopify: Shopify) -> None:
    document = """mutation R($m: String!, $p: String!) { bulkOperationRunMutation(mutation: $m, stagedUploadPath: $p, clientIdentifier: "short") {
        userErrors { field } } }"""
    errors = shopify.data(document, m=ADD, p=shopify.upload([line(101, "x")]))["bulkOperationRunMutation"]["userErrors"]
    assert errors == [{"field": ["clientIdentifier"]}]
