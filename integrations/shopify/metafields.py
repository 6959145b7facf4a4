"""Customer metafields: their definitions as properties, and the values of those that rules ask about.

Types and the form of their values: shopify.dev, "List of data types" (metafields). A property's name is `namespace.key`; neither part
holds a dot ("Metafield limits": letters, digits, hyphens and underscores; `$app:` before a namespace of an app's own).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from integrations.records import PropertyDefinition, PropertyDefinitions

MOST = 40  # asked for in one document: each costs a point per customer, and a query may cost 1,000 (shopify.dev, "API rate limits")
_NAME = re.compile(r"[\w$:-]{1,255}\.[\w-]{1,64}", re.ASCII)
_ALIAS = re.compile(r"metafield\d+")
_PLAIN = {
    "date": "date",
    "date_time": "datetime",
    "number_integer": "number",
    "number_decimal": "number",
    "boolean": "bool",
}


def definitions(nodes: Iterable[Mapping[str, Any]]) -> PropertyDefinitions:
    """The definitions as neutral ones, by name. A text with choices is an enumeration, a list may hold several; the rest is text."""
    found = (_definition(node) for node in nodes)
    return PropertyDefinitions(tuple(sorted((one for one in found if one), key=lambda one: one.name)))


def selection(names: Iterable[str]) -> str:
    """The fields that ask for these metafields (by `namespace.key`), the first `MOST` of them; names that no metafield has are left out."""
    parts = (name.rpartition(".") for name in asked(names))
    return " ".join(
        f'metafield{place}: metafield(namespace: "{namespace}", key: "{key}") {{ namespace key type value }}' for place, (namespace, _, key) in enumerate(parts)
    )


def asked(names: Iterable[str]) -> list[str]:
    """Those of the names that documents ask for."""
    return sorted({name for name in names if _NAME.fullmatch(name)})[:MOST]


def values(node: Mapping[str, Any]) -> dict[str, str] | None:
    """The values that a customer's node holds; None where none were asked for. Several stand with `;` between."""
    told = [node[key] for key in node if _ALIAS.fullmatch(key)]
    if not told:
        return None
    return {f"{one['namespace']}.{one['key']}": _value(one["type"], one["value"]) for one in told if one}


def _definition(node: Mapping[str, Any]) -> PropertyDefinition | None:
    name, kind, label = f"{node['namespace']}.{node['key']}", str(node["type"]["name"]), str(node["name"] or "")[:255]
    if not _NAME.fullmatch(name):
        return None
    if kind.startswith("list."):
        return PropertyDefinition(name, "enumeration", _choices(node), True, label)
    if plain := _PLAIN.get(kind):
        return PropertyDefinition(name, plain, label=label)  # type: ignore[arg-type]  # one of the literals, from the table above
    options = _choices(node) if kind == "single_line_text_field" else ()
    return PropertyDefinition(name, "enumeration" if options else "string", options, label=label)


def _choices(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The values that a definition admits; none where it admits any."""
    for validation in node["validations"] or ():
        if validation["name"] == "choices" and validation["value"]:
            try:
                told = orjson.loads(validation["value"])
            except orjson.JSONDecodeError:
                return ()
            return tuple(map(_joinable, told)) if isinstance(told, list) else ()
    return ()


def _value(kind: str, text: str) -> str:
    if not kind.startswith("list."):
        return text
    try:
        told = orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
    return ";".join(map(_joinable, told)) if isinstance(told, list) else text


def _joinable(item: object) -> str:
    """An element of a list as text; a `;` in it would part it in two."""
    return str(item).replace(";", ",")
