"""Which address is answered by which function, and which scopes open it.

Dated versions answer (2026-03, 2026-09); numbered ones do not, but for the legacy e-mail endpoints.
Source: developers.hubspot.com, the reference page of each endpoint; "API versioning".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from werkzeug.routing import Map, Rule

from integrations.sandbox.hubspot import (
    account,
    contact_api,
    contact_batches,
    contact_search,
    emails,
    folder_api,
    list_api,
    list_members_api,
    property_api,
    visits,
)
from integrations.sandbox.hubspot.call import Reply

VERSIONS = ("2026-03", "2026-09")
Scopes = tuple[frozenset[str], ...]  # alternatives: all scopes of any one of them suffice
Endpoint = Callable[..., Reply]


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint that needs a bearer token. `search` ones have a limit of their own."""

    method: str
    path: str  # the version stands as {v}
    endpoint: Endpoint
    scopes: Scopes
    versions: tuple[str, ...] = VERSIONS

    @property
    def search(self) -> bool:
        """Whether it is a CRM search."""
        return self.endpoint is contact_search.search


def _any_of(*scopes: str) -> Scopes:
    return tuple(frozenset(scope.split("+")) for scope in scopes)


_OAUTH = _any_of("oauth")
_READ, _WRITE = _any_of("crm.objects.contacts.read"), _any_of("crm.objects.contacts.write")
_SCHEMA_READ = _any_of("crm.objects.contacts.read", "crm.objects.contacts.write", "crm.schemas.contacts.read")
_SCHEMA_WRITE = _any_of("crm.schemas.contacts.write")
_LISTS_READ, _LISTS_CREATE = _any_of("crm.lists.read"), _any_of("crm.lists.write")
_LISTS_WRITE = _any_of("crm.lists.read+crm.lists.write", "cms.membership.access_groups.write+crm.lists.read")
_CONTENT = _any_of("content")
_CONTACTS, _PROPERTIES, _LISTS = "/crm/objects/{v}/contacts", "/crm/properties/{v}/<object_type>", "/crm/lists/{v}"
_LIST = _LISTS + "/<int:list_id>"

ROUTES = (
    Route("GET", "/account-info/{v}/details", account.get_details, _OAUTH),
    Route("GET", _CONTACTS, contact_api.get_page, _READ),
    Route("POST", _CONTACTS, contact_api.create, _WRITE),
    Route("POST", _CONTACTS + "/batch/read", contact_batches.read, _READ),
    Route("POST", _CONTACTS + "/batch/create", contact_batches.create, _WRITE),
    Route("POST", _CONTACTS + "/batch/update", contact_batches.update, _WRITE),
    Route("POST", _CONTACTS + "/batch/upsert", contact_batches.upsert, _WRITE),
    Route("POST", _CONTACTS + "/batch/archive", contact_batches.archive, _WRITE),
    Route("POST", _CONTACTS + "/search", contact_search.search, _READ),
    Route("POST", _CONTACTS + "/merge", contact_api.merge, _WRITE),
    Route("POST", _CONTACTS + "/gdpr-delete", contact_api.gdpr_delete, _WRITE),
    Route("GET", _CONTACTS + "/<contact_id>", contact_api.get_one, _READ),
    Route("PATCH", _CONTACTS + "/<contact_id>", contact_api.update, _WRITE),
    Route("DELETE", _CONTACTS + "/<contact_id>", contact_api.archive, _WRITE),
    Route("GET", _PROPERTIES, property_api.get_all, _SCHEMA_READ),
    Route("POST", _PROPERTIES, property_api.create, _SCHEMA_WRITE),
    Route("POST", _PROPERTIES + "/batch/read", property_api.read_batch, _SCHEMA_READ),
    Route("GET", _PROPERTIES + "/groups", property_api.get_groups, _SCHEMA_READ),
    Route("POST", _PROPERTIES + "/groups", property_api.create_group, _SCHEMA_WRITE),
    Route("GET", _PROPERTIES + "/groups/<name>", property_api.get_group, _SCHEMA_READ),
    Route("GET", _PROPERTIES + "/<name>", property_api.get_one, _SCHEMA_READ),
    Route("PATCH", _PROPERTIES + "/<name>", property_api.update, _SCHEMA_WRITE),
    Route("DELETE", _PROPERTIES + "/<name>", property_api.archive, _SCHEMA_WRITE),
    Route("GET", _LISTS, list_api.get_many, _LISTS_READ),
    Route("POST", _LISTS, list_api.create, _LISTS_CREATE),
    Route("POST", _LISTS + "/search", list_api.search, _LISTS_READ),
    Route("POST", _LISTS + "/all", list_api.get_all, _LISTS_READ, ("2026-09",)),
    Route("GET", _LISTS + "/object-type-id/<object_type>/name/<path:name>", list_api.get_by_name, _LISTS_READ),
    Route("GET", _LISTS + "/records/<object_type>/<record_id>/memberships", list_members_api.of_record, _LISTS_READ),
    Route("POST", _LISTS + "/records/memberships/batch/read", list_members_api.of_records, _LISTS_READ),
    Route("GET", _LISTS + "/folders", folder_api.get_tree, _LISTS_READ),
    Route("POST", _LISTS + "/folders", folder_api.create, _LISTS_WRITE),
    Route("PUT", _LISTS + "/folders/move-list", folder_api.move_list, _LISTS_WRITE),
    Route("PUT", _LISTS + "/folders/<int:folder_id>/rename", folder_api.rename, _LISTS_WRITE),
    Route("PUT", _LISTS + "/folders/<int:folder_id>/move/<int:parent_id>", folder_api.move, _LISTS_WRITE),
    Route("DELETE", _LISTS + "/folders/<int:folder_id>", folder_api.delete, _LISTS_WRITE),
    Route("GET", _LIST, list_api.get_one, _LISTS_READ),
    Route("DELETE", _LIST, list_api.delete, _LISTS_WRITE),
    Route("PUT", _LIST + "/restore", list_api.restore, _LISTS_WRITE),
    Route("PUT", _LIST + "/update-list-name", list_api.rename, _LISTS_WRITE),
    Route("PUT", _LIST + "/update-list-filters", list_api.update_filters, _LISTS_WRITE),
    Route("GET", _LIST + "/memberships", list_members_api.by_id, _LISTS_READ),
    Route("GET", _LIST + "/memberships/join-order", list_members_api.by_join_order, _LISTS_READ),
    Route("PUT", _LIST + "/memberships/add", list_members_api.add, _LISTS_WRITE),
    Route("PUT", _LIST + "/memberships/remove", list_members_api.remove, _LISTS_WRITE),
    Route("PUT", _LIST + "/memberships/add-and-remove", list_members_api.add_and_remove, _LISTS_WRITE),
    Route("DELETE", _LIST + "/memberships", list_members_api.remove_all, _LISTS_WRITE),
    Route("PUT", _LIST + "/memberships/add-from/<int:source_id>", list_members_api.add_from, _LISTS_WRITE),
    Route("GET", "/events/event-occurrences/{v}", visits.get_occurrences, _OAUTH),
    Route("GET", "/events/event-occurrences/{v}/event-types", visits.get_types, _OAUTH),
    Route("GET", "/email/public/v1/events", emails.get_events, _CONTENT, ("",)),
    Route("GET", "/email/public/v1/campaigns/<int:campaign_id>", emails.get_campaign, _CONTENT, ("",)),
)


@cache
def url_map() -> Map:
    """The addresses of `ROUTES` in every version they have; rules with fixed words win over rules with ids."""
    rules = [Rule(route.path.replace("{v}", version), methods=[route.method], endpoint=route) for route in ROUTES for version in route.versions]
    return Map(rules, strict_slashes=False, merge_slashes=False)
