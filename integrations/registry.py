"""Which connectors there are. A further one is a folder beside this file and one entry here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from django.utils.module_loading import import_string

from integrations.base import Destination, MarkKind, Notice, Source
from integrations.errors import Misconfigured
from integrations.models import Connection, Delivery


@dataclass(frozen=True, slots=True)
class DestinationSettings:
    """What a shop chooses about writing back. `folder` is where lists are made, on platforms that have folders."""

    folder: str = "SegSync"


@dataclass(frozen=True, slots=True)
class Connector:
    """One platform: what can be read from it, written to it, and received from it.

    `mark` says how it keeps memberships unless somebody chooses otherwise, `marks` which kinds it takes, `asks` which scopes a
    kind takes beside those that every connection has, and `named` raises Rejected when a place of a kind cannot be called so.
    `creates` says whether people who have no record there can be made, `farewells` which webhook topics say that the account has
    removed the app, `wakes` which say that a job we wait for is done, `notices` which ask for something under privacy law;
    `notice` reads these (None: the body cannot be read). `family` is what the names of its properties begin with in
    the rule language.
    """

    name: str
    label: str
    mark: MarkKind | None
    source: Callable[[Connection], Source] | None
    destination: Callable[[Connection, DestinationSettings], Destination] | None
    receive: Callable[[HttpRequest, datetime], list[Delivery]] | None
    family: str
    creates: bool = False
    marks: frozenset[MarkKind] = frozenset()
    asks: Mapping[MarkKind, frozenset[str]] = field(default_factory=dict)
    named: Callable[[MarkKind, str], None] | None = None
    farewells: frozenset[str] = frozenset()
    wakes: frozenset[str] = frozenset()
    notices: frozenset[str] = frozenset()
    notice: Callable[[str, bytes], Notice | None] | None = None


def connector(name: str) -> Connector:
    """The connector called `name`; raises Misconfigured when there is none."""
    try:
        return connectors[name]
    except KeyError:
        known = ", ".join(sorted(connectors))
        raise Misconfigured(f"There is no connector called '{name}'; the ones there are: {known}.") from None


def source(connection: Connection) -> Source:
    """Where the connection's facts come from; raises Misconfigured when its platform gives none."""
    make = connector(connection.vendor).source
    if make is None:
        raise Misconfigured(f"{connection.vendor} gives no facts.")
    return make(connection)


def destination(connection: Connection, settings: DestinationSettings) -> Destination:
    """Where the connection's marks go; raises Misconfigured when its platform takes none."""
    make = connector(connection.vendor).destination
    if make is None:
        raise Misconfigured(f"{connection.vendor} takes no marks.")
    return make(connection, settings)


def _later(path: str) -> Callable[..., Any]:
    """What `path` names, imported at the first call: a connector costs nothing where it is not used."""

    def call(*args: Any) -> Any:
        return import_string(f"integrations.{path}")(*args)

    return call


def property_name(source: str, name: str) -> str:
    """A source's property by its name in the rule language; a source that is no platform's has a family of its own name."""
    known = connectors.get(source)
    return f"{known.family if known else source + '.'}{name}"


def _connector(name: str, label: str, mark: MarkKind, source: str, destination: str, family: str, **more: Any) -> Connector:
    receive, named = _later(f"{name}.webhooks.receive"), _later(f"{name}.names.check")
    notice = _later(f"{name}.webhooks.notice") if more.get("notices") else None
    more.setdefault("marks", frozenset({mark}))
    read, write = _later(f"{name}.pull.{source}"), _later(f"{name}.push.{destination}")
    return Connector(name, label, mark, read, write, receive, family, named=named, notice=notice, **more)


connectors: dict[str, Connector] = {
    made.name: made
    for made in (
        _connector(
            "shopify",
            "Shopify",
            MarkKind.TAG,
            "ShopifySource",
            "ShopifyDestination",
            "metafields.",
            farewells=frozenset({"app/uninstalled"}),
            wakes=frozenset({"bulk_operations/finish"}),
            notices=frozenset({"customers/data_request", "customers/redact", "shop/redact"}),
        ),
        _connector(
            "hubspot",
            "HubSpot",
            MarkKind.LIST,
            "HubSpotSource",
            "HubSpotDestination",
            "hubspot.",
            creates=True,
            marks=frozenset({MarkKind.LIST, MarkKind.PROPERTY}),
            asks={MarkKind.PROPERTY: frozenset({"crm.schemas.contacts.write"})},
        ),
    )
}
