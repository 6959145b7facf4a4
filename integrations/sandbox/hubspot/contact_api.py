"""The contacts endpoints for one record at a time, the page of all, merging and erasing.

Source: developers.hubspot.com, "Contacts".
"""

from __future__ import annotations

import bisect

from integrations.sandbox.hubspot.call import ApiCall, Reply, as_text, bounded
from integrations.sandbox.hubspot.contact_values import known, shown
from integrations.sandbox.hubspot.contact_writes import clean
from integrations.sandbox.hubspot.contacts import (
    archive_contact,
    create_contact,
    erase_contact,
    find,
    find_by_email,
    find_by_unique,
    merge_contacts,
    update_contact,
)
from integrations.sandbox.hubspot.index import normalised
from integrations.sandbox.hubspot.refusals import invalid, not_found
from integrations.sandbox.hubspot.state import Contact, Portal

PAGE = 100


def lookup(portal: Portal, given: str, id_property: str | None) -> Contact | None:
    """The contact with this id, or with this value of a unique property. Raises a 400 for a property that is not unique."""
    if id_property in (None, "", "hs_object_id"):
        return find(portal, bounded(given, "id", 0))
    if id_property == "email":
        return find_by_email(portal, given)
    defined = known(portal, str(id_property))
    if defined is None or not defined.get("hasUniqueValue"):
        raise invalid(f"The property '{id_property}' is not a unique identifier of contacts.")
    return find_by_unique(portal, str(id_property), given)


def get_page(call: ApiCall) -> Reply:
    """A page of contacts by id; `after` is the first id of the page. There is no cap on how far one may page."""
    refuse_history(call)
    limit = call.number("limit", 10, least=1, most=PAGE)
    after = call.number("after", 0)
    archived = call.flag("archived")
    ids = sorted(call.portal.contacts)
    page: list[Contact] = []
    following: int | None = None
    for contact_id in ids[bisect.bisect_left(ids, after) :]:
        contact = call.portal.contacts[contact_id]
        if contact.archived == archived:
            if len(page) == limit:
                following = contact_id
                break
            page.append(contact)
    body: dict[str, object] = {"results": shown(call.portal, page, call.texts("properties"))}
    if following is not None:
        link = f"{call.request.base_url}?after={following}&limit={limit}"
        body["paging"] = {"next": {"after": str(following), "link": link}}
    return Reply(body)


def get_one(call: ApiCall, contact_id: str) -> Reply:
    """One contact by id, by an id that was merged away, or by `idProperty`; 404 otherwise."""
    refuse_history(call)
    contact = _existing(call, contact_id, archived=call.flag("archived"))
    return Reply(shown(call.portal, [contact], call.texts("properties"))[0])


def create(call: ApiCall) -> Reply:
    """A new contact (201), or 409 naming who has the address."""
    values = clean(call.portal, call.body().get("properties"))
    contact = create_contact(call.portal, values, call.now, "INTEGRATION")
    return Reply(_written(call, contact, values), 201)


def update(call: ApiCall, contact_id: str) -> Reply:
    """Change one contact's properties."""
    contact = _existing(call, contact_id)
    values = clean(call.portal, call.body().get("properties"), contact)
    update_contact(call.portal, contact, values, call.now, "INTEGRATION")
    return Reply(_written(call, contact, values))


def archive(call: ApiCall, contact_id: str) -> Reply:
    """Move one contact to the recycling bin; 204 also when there is none."""
    contact = find(call.portal, bounded(contact_id, "contactId", 0))
    if contact is not None:
        archive_contact(call.portal, contact, call.now, "INTEGRATION")
    return Reply(None, 204)


def merge(call: ApiCall) -> Reply:
    """Merge one contact into another and answer with the survivor."""
    body = call.body()
    primary, other = (_living(find(call.portal, bounded(as_text(body.get(name), name), name, 0))) for name in ("primaryObjectId", "objectIdToMerge"))
    survivor = merge_contacts(call.portal, primary, other, call.now, "INTEGRATION")
    return Reply(shown(call.portal, [survivor], ())[0])


def gdpr_delete(call: ApiCall) -> Reply:
    """Erase a contact for good. An address that no contact has is blocked from then on ("Contacts", permanently delete)."""
    body = call.body()
    given = as_text(body.get("objectId"), "objectId")
    by_email = body.get("idProperty") == "email"
    contact = lookup(call.portal, given, "email" if by_email else None)
    if contact is not None:
        erase_contact(call.portal, contact, call.now, "INTEGRATION")
    elif by_email:
        call.portal.blocked_emails.add(normalised(given))
    return Reply(None, 204)


def refuse_history(call: ApiCall) -> None:
    """Raise a 400 when property history is asked for: the sandbox keeps none, and says so instead of leaving it out."""
    if call.texts("propertiesWithHistory"):
        raise invalid("This sandbox keeps no property history; leave out propertiesWithHistory.")


def _living(contact: Contact | None) -> Contact:
    if contact is None or contact.archived:
        raise not_found()
    return contact


def _existing(call: ApiCall, contact_id: str, *, archived: bool = False) -> Contact:
    contact = lookup(call.portal, contact_id, call.text("idProperty"))
    if contact is None or contact.archived != archived:
        raise not_found()
    return contact


def _written(call: ApiCall, contact: Contact, values: dict[str, str | None]) -> dict[str, object]:
    return shown(call.portal, [contact], list(values) or ("email",))[0]
