from __future__ import annotations

from typing import Any

from tests.sandbox.shopify_store import START, Shopify

ANN = "gid://shopify/Customer/101"


def change(shopify: Shopify, mutation: str, tags: list[str], gid: str = ANN) -> dict[str, Any]:
    payload = "{ node { id ... on Customer { tags } } userErrors { field message } }"
    document = f"mutation Change($id: ID!, $tags: [String!]!) {{ {mutation}(id: $id, tags: $tags) {payload} }}"
    return shopify.gql(document, id=gid, tags=tags)


def add(shopify: Shopify, *tags: str) -> list[str]:
    payload = change(shopify, "tagsAdd", list(tags))["data"]["tagsAdd"]
    assert payload["userErrors"] == []
    found: list[str] = payload["node"]["tags"]
    return found


def remove(shopify: Shopify, *tags: str) -> list[str]:
    found: list[str] = change(shopify, "tagsRemove", list(tags))["data"]["tagsRemove"]["node"]["tags"]
    return found


def test_adding_is_additive_sorted_and_repeatable(shopify: Shopify) -> None:
    assert add(shopify, "vip", "early") == ["early", "vip"]
    assert add(shopify, "vip") == ["early", "vip"]


def test_a_tag_is_one_without_regard_to_case_and_keeps_its_first_casing(shopify: Shopify) -> None:
    assert add(shopify, "Red") == ["Red"]
    assert add(shopify, "red", "RED") == ["Red"]
    assert remove(shopify, "rEd") == []


def test_commas_split_even_inside_one_element_and_blanks_are_trimmed(shopify: Shopify) -> None:
    assert add(shopify, "a, b", "  c  ", "") == ["a", "b", "c"]
    assert remove(shopify, "a,c") == ["b"]


def test_removing_what_is_not_there_is_no_error(shopify: Shopify) -> None:
    assert remove(shopify, "nothing") == []


def test_a_customer_holds_two_hundred_and_fifty_tags(shopify: Shopify) -> None:
    add(shopify, *[f"t{i:03}" for i in range(250)])
    payload = change(shopify, "tagsAdd", ["one-more"])["data"]["tagsAdd"]
    assert payload["userErrors"] == [{"field": ["tags"], "message": "Tags cannot be more than 250"}]
    assert len(shopify.store.customers[101].tags) == 250
    assert "T001" not in add(shopify, "T001"), "a tag that is there already does not count again"


def test_a_tag_has_two_hundred_and_fifty_five_characters_at_most(shopify: Shopify) -> None:
    assert add(shopify, "x" * 255) == ["x" * 255]
    assert change(shopify, "tagsAdd", ["y" * 256])["data"]["tagsAdd"]["userErrors"][0]["field"] == ["tags"]


def test_the_input_list_holds_two_hundred_and_fifty_items(shopify: Shopify) -> None:
    body = change(shopify, "tagsAdd", [f"t{i}" for i in range(251)])
    assert body["errors"][0]["extensions"]["code"] == "MAX_INPUT_SIZE_EXCEEDED"
    assert shopify.store.customers[101].tags == []


def test_a_missing_customer_is_a_user_error(shopify: Shopify) -> None:
    payload = change(shopify, "tagsAdd", ["x"], "gid://shopify/Customer/999")["data"]["tagsAdd"]
    assert payload == {"node": None, "userErrors": [{"field": ["id"], "message": "Customer does not exist"}]}


def test_an_id_of_a_kind_without_tags_is_a_top_level_error(shopify: Shopify) -> None:
    body = change(shopify, "tagsAdd", ["x"], "gid://shopify/Segment/1")
    assert body["errors"][0]["message"] == "invalid id"
    assert body["errors"][0]["extensions"]["code"] == "RESOURCE_NOT_FOUND"
    assert body["data"]["tagsAdd"] is None


def test_writing_needs_the_write_scope(stranger: Shopify) -> None:
    stranger.server.shopify.managed_scopes = ("read_customers",)
    body = change(stranger.connected(), "tagsAdd", ["x"])
    assert body["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


def test_only_a_real_change_touches_updated_at(shopify: Shopify) -> None:
    before = shopify.store.customers[101].updated_at
    remove(shopify, "nothing")
    assert shopify.store.customers[101].updated_at == before
    add(shopify, "vip")
    assert shopify.store.customers[101].updated_at >= START


def test_one_bad_call_of_an_aliased_batch_leaves_its_neighbours_alone(shopify: Shopify) -> None:
    data = shopify.data("""mutation Batch {
        a: tagsAdd(id: "gid://shopify/Customer/101", tags: ["x"]) { userErrors { message } }
        b: tagsAdd(id: "gid://shopify/Customer/999", tags: ["x"]) { userErrors { message } }
        c: tagsAdd(id: "gid://shopify/Customer/102", tags: ["x"]) { userErrors { message } } }""")
    assert [bool(data[key]["userErrors"]) for key in "abc"] == [False, True, False]
    assert shopify.store.customers[102].tags == ["x"]
