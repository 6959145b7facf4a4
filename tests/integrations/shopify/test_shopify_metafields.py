"""Customer metafields: definitions as neutral properties, and values of those that are asked for, as rules read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations.base import Window
from integrations.models import Connection
from integrations.records import Customer, PropertyDefinition, PropertyDefinitions
from integrations.sandbox.server import SandboxServer
from integrations.sandbox.shopify.state import MetafieldDefinition, Store
from integrations.shopify import documents, metafields
from integrations.shopify.pull import ShopifySource

NOW = datetime.now(UTC)
BULK, PAGES = Window(None, NOW), Window(NOW - timedelta(days=900), NOW + timedelta(days=1))


def defined(kind: str, *choices: str, **changes: Any) -> dict[str, Any]:
    told = [{"name": "choices", "value": '["' + '","'.join(choices) + '"]'}] if choices else []
    return {"namespace": "facts", "key": "it", "name": "It", "type": {"name": kind}, "validations": told, **changes}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (defined("date"), PropertyDefinition("facts.it", "date", label="It")),
        (defined("date_time"), PropertyDefinition("facts.it", "datetime", label="It")),
        (defined("number_integer"), PropertyDefinition("facts.it", "number", label="It")),
        (defined("number_decimal"), PropertyDefinition("facts.it", "number", label="It")),
        (defined("boolean"), PropertyDefinition("facts.it", "bool", label="It")),
        (defined("single_line_text_field"), PropertyDefinition("facts.it", "string", label="It")),
        (defined("single_line_text_field", "a", "b"), PropertyDefinition("facts.it", "enumeration", ("a", "b"), label="It")),
        (defined("list.single_line_text_field", "a;b", "c"), PropertyDefinition("facts.it", "enumeration", ("a,b", "c"), True, "It")),
        (defined("list.date"), PropertyDefinition("facts.it", "enumeration", (), True, "It")),
        (defined("json"), PropertyDefinition("facts.it", "string", label="It")),
        (defined("boolean", validations=[{"name": "choices", "value": "no JSON"}]), PropertyDefinition("facts.it", "bool", label="It")),
        (defined("single_line_text_field", validations=[{"name": "choices", "value": "no JSON"}]), PropertyDefinition("facts.it", "string", label="It")),
    ],
)
def test_each_type_has_its_neutral_one(node: dict[str, Any], expected: PropertyDefinition) -> None:
    assert metafields.definitions([node]).definitions == (expected,)


def test_a_name_that_could_not_be_asked_for_is_no_property() -> None:
    broken = [defined("date", key='it") { x }'), defined("date", namespace="a.b c")]
    assert metafields.definitions(broken).definitions == ()
    assert metafields.asked(['facts.it") { x }', "facts", "facts.it"]) == ["facts.it"]


def test_values_are_read_by_the_type_that_they_have() -> None:
    def value(kind: str, text: str) -> dict[str, Any]:
        return {"namespace": "facts", "key": kind, "type": kind, "value": text}

    told = [value("date", "1988-02-29"), value("list.single_line_text_field", '["a;b", "c"]'), value("list.number_integer", "[1, 2]"), value("list.x", "1")]
    node = {f"metafield{place}": one for place, one in enumerate([*told, None])}
    assert metafields.values(node) == {
        "facts.date": "1988-02-29",
        "facts.list.single_line_text_field": "a,b;c",
        "facts.list.number_integer": "1;2",
        "facts.list.x": "1",
    }
    assert metafields.values({"metafield0": None}) == {}
    assert metafields.values({"metafields": 1, "id": "x"}) is None


def test_nothing_is_asked_for_until_something_is_wanted() -> None:
    assert "metafield(" not in documents.text("bulk_customers")
    text = documents.text("bulk_customers", frozenset(), metafields.selection(["facts.birth_date"]))
    assert 'metafield0: metafield(namespace: "facts", key: "birth_date")' in text


def test_the_definitions_of_a_store_come_whole(connection: Connection, store: Store) -> None:
    for number in range(200):
        store.metafield_definitions[number] = MetafieldDefinition(number, "many", f"n{number}", "", "boolean")
    ((told,),) = [page.records for page in ShopifySource(connection).pages("metafields", BULK, "")]
    assert isinstance(told, PropertyDefinitions)
    found = {one.name: one for one in told.definitions}
    assert len(found) == 204
    assert found["facts.birth_date"].type == "date"
    assert (found["facts.interests"].multiple, found["facts.interests"].options) == (True, ("climbing", "running", "travel", "yoga"))


@pytest.mark.parametrize("window", [BULK, PAGES], ids=["bulk", "pages"])
def test_values_come_with_the_customers_for_what_is_asked_about(connection: Connection, store: Store, window: Window) -> None:
    def told() -> dict[str, dict[str, str] | None]:
        pages = ShopifySource(connection).pages("customers", window, "")
        return {one.external_id: one.properties for page in pages for one in page.records if isinstance(one, Customer)}

    assert set(map(str, told().values())) == {"None"}
    connection.wanted_properties = ["facts.birth_date", "facts.interests"]
    spec = next(spec for spec in ShopifySource(connection).streams if spec.name == "customers")
    assert spec.asks == {"facts.birth_date", "facts.interests"}
    found = told()
    for customer in store.customers.values():
        held = {name: text for name, text in customer.metafields.items() if name in spec.asks}
        properties = found[str(customer.id)]
        assert properties is not None
        assert properties.keys() == held.keys()
        assert properties.get("facts.birth_date") == held.get("facts.birth_date")
    assert any(";" in (properties or {}).get("facts.interests", "") for properties in found.values())


def test_as_many_as_fit_are_asked_for_and_the_others_refused_by_name(connection: Connection, store: Store, sandbox: SandboxServer) -> None:
    connection.wanted_properties = [f"many.n{number:03}" for number in range(metafields.MOST + 1)]
    pages = list(ShopifySource(connection).pages("customers", PAGES, ""))
    assert sum(len(page.records) for page in pages) == len(store.customers)
    assert list(pages[-1].withheld or {}) == [f"metafields.many.n{metafields.MOST:03}"]
