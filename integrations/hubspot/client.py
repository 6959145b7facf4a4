"""HubSpot's API as one connection uses it, and the only module that knows the HubSpot SDK.

The SDK (hubspot-api-client) builds the requests; it is not let near the network, since it speaks numbered API versions that
end in September 2027, without time-outs or pacing. Every request, also to paths that the SDK lacks, leaves through
`transport`, and answers come back as plain JSON: the SDK's models refuse answers that leave empty fields out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from django.utils import timezone
from hubspot import HubSpot
from hubspot.crm.contacts import (
    BatchInputSimplePublicObjectBatchInput,
    BatchInputSimplePublicObjectBatchInputUpsert,
    BatchReadInputSimplePublicObjectId,
    PublicObjectSearchRequest,
)
from hubspot.crm.lists import ListCreateRequest, ListFolderCreateRequest, MembershipChangeRequest
from hubspot.crm.properties import PropertyCreate, PropertyGroupCreate

from integrations.hubspot.transport import Json, Transport
from integrations.models import Connection

CONTACT_TYPE = "0-1"
BATCH = 100  # contacts in one batch call: developers.hubspot.com, "Contacts"
MEMBERS_PAGE = 250


def items(answer: Mapping[str, Any], name: str) -> list[Json]:
    """The objects listed in an answer under `name`; [] when HubSpot left the list out."""
    found = answer.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def next_after(answer: Mapping[str, Any]) -> str:
    """Where the next page begins; "" after the last one."""
    paging = answer.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    return str(following.get("after") or "") if isinstance(following, dict) else ""


class HubSpotClient:
    """HubSpot's API as one portal's connection may use it. Every method raises the errors of `integrations.errors`, nothing else."""

    def __init__(self, connection: Connection, now: Callable[[], datetime] = timezone.now) -> None:
        self.account = connection.account
        self._transport = Transport(connection, now)

    def contact_properties(self) -> list[Json]:
        """The definitions of all contact properties of the portal; they come in one answer, however many there are."""
        return items(self._json(self._sdk.crm.properties.core_api.get_all("contacts", _preload_content=False)), "results")

    def contact_property(self, name: str) -> Json:
        """The definition of one contact property. Raises NotFound."""
        return self._json(self._sdk.crm.properties.core_api.get_by_name("contacts", name, _preload_content=False))

    def create_property(self, definition: Json) -> Json:
        """A new contact property, by the definition's own field names; returns what HubSpot made of it."""
        named = {"groupName": "group_name", "fieldType": "field_type", "formField": "form_field"}
        body = PropertyCreate(**{named.get(field, field): value for field, value in definition.items()})
        return self._json(self._sdk.crm.properties.core_api.create("contacts", body, _preload_content=False))

    def property_group(self, name: str) -> Json:
        """A group of contact properties. Raises NotFound."""
        return self._json(self._sdk.crm.properties.groups_api.get_by_name("contacts", name, _preload_content=False))

    def create_property_group(self, name: str, label: str) -> Json:
        """A new group of contact properties."""
        return self._json(self._sdk.crm.properties.groups_api.create("contacts", PropertyGroupCreate(name=name, label=label), _preload_content=False))

    def contacts_page(self, properties: Sequence[str], after: str, limit: int) -> Json:
        """One page of all contacts, by id: `results` and `paging.next.after`."""
        more = {"after": after} if after else {}
        return self._json(self._sdk.crm.contacts.basic_api.get_page(limit=limit, properties=list(properties), _preload_content=False, **more))

    def search_contacts(self, question: Json) -> Json:
        """The contacts that a search body asks for: `total`, `results`, `paging`."""
        body = PublicObjectSearchRequest(
            filter_groups=question["filterGroups"], sorts=question["sorts"], properties=question["properties"], limit=question["limit"]
        )
        return self._json(self._sdk.crm.contacts.search_api.do_search(body, _preload_content=False))

    def contacts_by(self, ids: Sequence[str], properties: Sequence[str], id_property: str | None = None) -> list[Json]:
        """Those of at most 100 contacts that exist, by id or another unique property."""
        body = BatchReadInputSimplePublicObjectId(
            inputs=[{"id": one} for one in ids], properties=list(properties), properties_with_history=[], id_property=id_property
        )
        return items(self._json(self._sdk.crm.contacts.batch_api.read(body, _preload_content=False)), "results")

    def update_contacts(self, inputs: Sequence[Json]) -> Json:
        """Overwrite properties of at most 100 contacts (`id`, `properties`): `results` in any order, `errors` for some."""
        body = BatchInputSimplePublicObjectBatchInput(inputs=list(inputs))
        return self._json(self._sdk.crm.contacts.batch_api.update(body, _preload_content=False))

    def upsert_contacts(self, emails: Sequence[str]) -> Json:
        """Create at most 100 contacts that have these addresses, or find them: `results` in any order, `errors` for some."""
        inputs = [{"id": email, "idProperty": "email", "properties": {"email": email}} for email in emails]
        body = BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
        return self._json(self._sdk.crm.contacts.batch_api.upsert(body, _preload_content=False))

    def list_by_id(self, list_id: str) -> Json:
        """A list. Raises NotFound."""
        return self._list(self._sdk.crm.lists.lists_api.get_by_id(list_id, _preload_content=False))

    def list_by_name(self, name: str) -> Json:
        """The contact list of that name, whatever its case. Raises NotFound."""
        return self._list(self._sdk.crm.lists.lists_api.get_by_name(name, CONTACT_TYPE, _preload_content=False))

    def create_list(self, name: str, folder_id: int) -> Json:
        """A new MANUAL list in a folder (0: the root)."""
        folder = {"list_folder_id": folder_id} if folder_id else {}
        body = ListCreateRequest(name=name, object_type_id=CONTACT_TYPE, processing_type="MANUAL", **folder)
        return self._list(self._sdk.crm.lists.lists_api.create(body, _preload_content=False))

    def folder(self, folder_id: int) -> Json:
        """A folder of lists with its `childNodes` (folders) and `childLists` (ids); 0 is the root."""
        answer = self._json(self._sdk.crm.lists.folders_api.get_all(folder_id=str(folder_id), _preload_content=False))
        found = answer.get("folder")
        return found if isinstance(found, dict) else {}

    def create_folder(self, name: str) -> Json:
        """A new folder at the root."""
        body = ListFolderCreateRequest(name=name, parent_folder_id="0")
        answer = self._json(self._sdk.crm.lists.folders_api.create(body, _preload_content=False))
        found = answer.get("folder")
        return found if isinstance(found, dict) else {}

    def members_page(self, list_id: str, after: str, limit: int = MEMBERS_PAGE) -> Json:
        """One page of a list's members, by id: `results[].recordId` and `paging.next.after`."""
        more = {"after": after} if after else {}
        return self._json(self._sdk.crm.lists.memberships_api.get_page(list_id, limit=limit, _preload_content=False, **more))

    def memberships_of(self, ids: Sequence[str]) -> list[Json]:
        """For contacts that are in any list: `recordId` and `recordListMemberships[].listId`. The SDK lacks this one."""
        inputs = [{"objectTypeId": CONTACT_TYPE, "recordId": one} for one in ids]
        return items(self._transport.answer("POST", "/crm/v3/lists/records/memberships/batch/read", [], {"inputs": inputs}), "results")

    def change_members(self, list_id: str, add: Sequence[str], remove: Sequence[str]) -> Json:
        """Put contacts into a list and take others out; who is in already, or out, or unknown is passed over."""
        body = MembershipChangeRequest(record_ids_to_add=list(add), record_ids_to_remove=list(remove))
        return self._json(self._sdk.crm.lists.memberships_api.add_and_remove(list_id, body, _preload_content=False))

    def email_events(self, start: int, end: int, limit: int, offset: str) -> Json:
        """One page of marketing e-mail events between two instants (ms, both included), newest first, without bots."""
        query: list[tuple[str, object]] = [("startTimestamp", start), ("endTimestamp", end), ("limit", limit), ("excludeFilteredEvents", "true")]
        return self._transport.answer("GET", "/email/public/v1/events", [*query, ("offset", offset)] if offset else query, None)

    def forms_page(self, after: str, limit: int) -> Json:
        """One page of the account's forms, of every type: `results` and `paging.next.after`."""
        query: list[tuple[str, object]] = [("limit", limit), ("formTypes", "all")]
        return self._transport.answer("GET", "/marketing/v3/forms", [*query, ("after", after)] if after else query, None)

    def form_submissions(self, form_id: str, after: str, limit: int) -> Json:
        """One page of a form's submissions, newest first. Raises NotFound."""
        query: list[tuple[str, object]] = [("limit", limit)]
        path = f"/form-integrations/v1/submissions/forms/{quote(form_id, safe='')}"
        return self._transport.answer("GET", path, [*query, ("after", after)] if after else query, None)

    def feedback_page(self, properties: Sequence[str], after: str, limit: int) -> Json:
        """One page of all feedback submissions, by id: `results` and `paging.next.after`."""
        query: list[tuple[str, object]] = [("limit", limit), ("properties", ",".join(properties))]
        return self._transport.answer("GET", "/crm/v3/objects/feedback_submissions", [*query, ("after", after)] if after else query, None)

    def search_feedback(self, question: Json) -> Json:
        """The feedback submissions that a search body asks for: `total`, `results`, `paging`."""
        return self._transport.answer("POST", "/crm/v3/objects/feedback_submissions/search", [], question)

    def campaign(self, campaign_id: str, app_id: str) -> Json:
        """One marketing e-mail. Raises NotFound."""
        return self._transport.answer("GET", f"/email/public/v1/campaigns/{int(campaign_id)}", [("appId", app_id)] if app_id else [], None)

    @cached_property
    def _sdk(self) -> Any:
        """The SDK with its api objects kept, each sending through `_answer`."""
        made: dict[tuple[str, str], Any] = {}

        def factory(package: Any, name: str, _config: object) -> Any:
            key = (package.__name__, name)
            if key not in made:
                configuration = package.Configuration(host="")
                client = package.ApiClient(configuration=configuration)
                client.request = self._from_sdk
                made[key] = getattr(package, name)(api_client=client)
            return made[key]

        return HubSpot(api_factory=factory)

    def _from_sdk(self, method: str, url: str, query_params: Iterable[tuple[str, object]] | None = None, body: object = None, **_: object) -> Json:
        return self._transport.answer(method, url, list(query_params or []), body)

    @staticmethod
    def _json(answer: Any) -> Json:
        found: Json = answer
        return found

    def _list(self, answer: Any) -> Json:
        found = self._json(answer).get("list")
        return found if isinstance(found, dict) else self._json(answer)
