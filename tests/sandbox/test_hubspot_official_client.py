"""HubSpot's own Python client, over real HTTP, with its paths moved to the dated version."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests
from hubspot import HubSpot as OfficialClient
from hubspot.crm.contacts import ApiException as ContactsException
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInputUpsert,
    PublicObjectSearchRequest,
    SimplePublicObjectBatchInputUpsert,
    SimplePublicObjectInputForCreate,
)
from hubspot.crm.lists import ApiException as ListsException
from hubspot.crm.lists import ListCreateRequest, ListFolderCreateRequest, ListMoveRequest, ListSearchRequest, MembershipChangeRequest
from hubspot.crm.properties import PropertyCreate, PropertyGroupCreate

from integrations.sandbox.server import SandboxServer
from integrations.sandbox.world import SandboxConfig, World
from tests.sandbox.hubspot_portal import EVERY_SCOPE, HUB, V, answered_by, consent_form, portal, token_for

_NUMBERED = re.compile(r"^/crm/v3/(objects|lists|properties)")


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    world = World(SandboxConfig(port=port))
    world.portals[HUB] = portal()
    running = SandboxServer(world)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(server: SandboxServer) -> OfficialClient:
    token = token_for(server.hubspot, server.world, EVERY_SCOPE)
    return OfficialClient(access_token=token, host=f"{server.base_url}/hubspot")


def dated(api: Any) -> Any:
    """The same API object, speaking the dated version."""
    original = api.api_client.call_api

    def call_api(path: str, *arguments: Any, **more: Any) -> Any:
        moved = _NUMBERED.sub(rf"/crm/\1/{V}", path).replace("/events/v3/events", f"/events/event-occurrences/{V}")
        return original(moved, *arguments, **more)

    api.api_client.call_api = call_api
    return api


def test_contacts_are_paged_and_created(client: OfficialClient) -> None:
    basic = dated(client.crm.contacts.basic_api)
    page = basic.get_page(limit=2, properties=["email", "hs_email_open"])
    assert page.results[0].properties["hs_email_open"] == "1"
    assert page.paging.next.after == "103"
    made = basic.create(SimplePublicObjectInputForCreate(properties={"email": "client@example.com"}))
    with pytest.raises(ContactsException) as refused:
        basic.create(SimplePublicObjectInputForCreate(properties={"email": "CLIENT@example.com"}))
    assert refused.value.status == 409
    assert made.id in refused.value.body


def test_contacts_are_upserted_and_searched(client: OfficialClient) -> None:
    one = SimplePublicObjectBatchInputUpsert(id="up@example.com", id_property="email", properties={"email": "up@example.com"})
    upserted = dated(client.crm.contacts.batch_api).upsert(BatchInputSimplePublicObjectBatchInputUpsert(inputs=[one]))
    assert upserted.results[0].new is True
    found = dated(client.crm.contacts.search_api).do_search(PublicObjectSearchRequest(query="ann", limit=5, properties=["email"]))
    assert [contact.id for contact in found.results] == ["101"]


def test_lists_live_through_the_client(client: OfficialClient) -> None:
    lists, memberships, folders = (dated(api) for api in (client.crm.lists.lists_api, client.crm.lists.memberships_api, client.crm.lists.folders_api))
    folder = folders.create(ListFolderCreateRequest(name="SegSync", parent_folder_id="0")).folder
    made = lists.create(ListCreateRequest(name="VIP buyers", object_type_id="0-1", processing_type="MANUAL")).list
    folders.move_list(ListMoveRequest(list_id=made.list_id, new_folder_id=folder.id))
    assert folders.get_all().folder.child_nodes[0].child_lists == [int(made.list_id)]
    change = memberships.add_and_remove(made.list_id, MembershipChangeRequest(record_ids_to_add=["101", "999"], record_ids_to_remove=[]))
    assert (change.records_ids_added, change.record_ids_missing) == (["101"], ["999"])
    assert [one.record_id for one in memberships.get_page(made.list_id).results] == ["101"]
    assert lists.get_by_name("vip BUYERS", "0-1").list.list_id == made.list_id
    asked = ListSearchRequest(list_ids=[], offset=0, processing_types=["MANUAL"], additional_properties=["hs_folder_name"], query="vip")
    assert lists.do_search(asked).lists[0].additional_properties == {"hs_folder_name": "SegSync"}
    lists.remove(made.list_id)
    with pytest.raises(ListsException) as gone:
        lists.get_by_id(made.list_id)
    assert gone.value.status == 404


def test_properties_are_made_through_the_client(client: OfficialClient) -> None:
    dated(client.crm.properties.groups_api).create("contacts", PropertyGroupCreate(name="segsync", label="SegSync"))
    core = dated(client.crm.properties.core_api)
    wanted = PropertyCreate(
        name="segsync_segments",
        label="Segments",
        type="enumeration",
        field_type="checkbox",
        group_name="segsync",
        options=[{"label": "VIP", "value": "vip", "displayOrder": 0, "hidden": False}],
    )
    assert core.create("contacts", wanted).group_name == "segsync"
    assert any(one.name == "segsync_segments" for one in core.get_all("contacts").results)


def test_the_numbered_paths_of_the_client_are_gone(client: OfficialClient) -> None:
    with pytest.raises(ContactsException) as gone:
        client.crm.contacts.basic_api.get_page()
    assert gone.value.status == 404


def test_consent_and_exchange_over_http(server: SandboxServer) -> None:
    base = f"{server.base_url}/hubspot"
    session = requests.Session()
    session.trust_env = False
    approved = session.post(f"{base}/oauth/authorize", data=consent_form(decision="approve"), allow_redirects=False, timeout=5)
    form = {
        "grant_type": "authorization_code",
        "code": answered_by(approved.headers["Location"])["code"],
        "redirect_uri": consent_form()["redirect_uri"],
        "client_id": "sandbox-hubspot-client",
        "client_secret": "sandbox-hubspot-secret-of-no-use-elsewhere",
    }
    tokens = session.post(f"{base}/oauth/{V}/token", data=form, timeout=5).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert session.get(f"{base}/account-info/{V}/details", headers=headers, timeout=5).json()["portalId"] == HUB


def test_throttles_are_in_the_call_log(server: SandboxServer, client: OfficialClient) -> None:
    held = server.world.portals[HUB]
    server.world.clock.advance(timedelta(seconds=11))
    held.limits_scale = 1 / 110  # one call in ten seconds
    basic = dated(client.crm.contacts.basic_api)
    try:
        basic.get_page()
        with pytest.raises(ContactsException):
            basic.get_page()
    finally:
        held.limits_scale = 10
    assert ("hubspot", str(HUB), f"GET /crm/objects/{V}/contacts", True) in server.world.calls.totals()
