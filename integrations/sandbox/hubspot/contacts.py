"""What can happen to a contact: created, changed, archived, merged, erased. Used by the API and by whoever plays the portal's people.

Each function keeps lookups right, lets search lag, moves lastmodifieddate and notes the change for subscribers.
Sources: developers.hubspot.com, "Contacts"; knowledge.hubspot.com, "Merge records".
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from integrations.sandbox.hubspot.index import addresses, index_of, normalised
from integrations.sandbox.hubspot.refusals import conflict, invalid
from integrations.sandbox.hubspot.state import Contact, ContactChange, Portal

FIRST_ID = 101


def find(portal: Portal, contact_id: int) -> Contact | None:
    """The contact with this id, or the one it was merged into; None when there is none. Archived ones are found too."""
    index = index_of(portal)
    while contact_id not in portal.contacts and contact_id in index.merged_into:
        contact_id = index.merged_into[contact_id]
    return portal.contacts.get(contact_id)


def find_by_email(portal: Portal, email: str) -> Contact | None:
    """The living contact with this address, primary or additional; case and blanks around it do not count."""
    found = index_of(portal).by_email.get(normalised(email))
    return portal.contacts[found] if found is not None else None


def find_by_unique(portal: Portal, name: str, value: str) -> Contact | None:
    """The living contact whose unique-value property `name` is `value`."""
    return next((one for one in portal.contacts.values() if not one.archived and one.properties.get(name) == value), None)


def create_contact(portal: Portal, properties: Mapping[str, str | None], at: datetime, source: str = "CRM_UI") -> Contact:
    """Add a contact with values as given. Raises a 409 refusal when a living contact has the e-mail address already."""
    email = properties.get("email") or ""
    existing = find_by_email(portal, email) if email else None
    if existing is not None:
        raise conflict(existing.id)
    index = index_of(portal)
    contact = Contact(max(FIRST_ID - 1, index.highest_id) + 1, {name: value for name, value in properties.items() if value}, at, at)
    index.before_change(contact.id, at)
    portal.contacts[contact.id] = contact
    index.add_contact(contact)
    portal.changes.append(ContactChange("creation", contact.id, at, source))
    portal.changes += [ContactChange("propertyChange", contact.id, at, source, name, value) for name, value in contact.properties.items()]
    return contact


def update_contact(portal: Portal, contact: Contact, changes: Mapping[str, str | None], at: datetime, source: str = "CRM_UI") -> None:
    """Set the given properties; None or "" clears one. Raises a 409 refusal, changing nothing, when another contact has the new address."""
    if changes.get("email"):
        other = find_by_email(portal, str(changes["email"]))
        if other is not None and other.id != contact.id:
            raise conflict(other.id)
    index = index_of(portal)
    index.before_change(contact.id, at)
    index.drop_contact(contact)
    for name, value in changes.items():
        if (contact.properties.get(name) or None) == (value or None):
            continue
        if value:
            contact.properties[name] = value
        else:
            contact.properties.pop(name, None)
        portal.changes.append(ContactChange("propertyChange", contact.id, at, source, name, value or ""))
    contact.updated_at = max(at, contact.updated_at)
    index.add_contact(contact)


def archive_contact(portal: Portal, contact: Contact, at: datetime, source: str = "CRM_UI") -> None:
    """Move a contact to the recycling bin: it leaves every list, and its address is free again."""
    if contact.archived:
        return
    index = index_of(portal)
    index.before_change(contact.id, at)
    index.drop_contact(contact)
    contact.archived = True
    contact.updated_at = at
    _leave_lists(portal, contact.id, at)
    portal.changes.append(ContactChange("deletion", contact.id, at, source))


def merge_contacts(portal: Portal, primary: Contact, other: Contact, at: datetime, source: str = "CRM_UI") -> Contact:
    """Merge `other` into `primary` and return it. The primary's values win, gaps are filled from the other, whose address becomes an
    additional one, whose id goes on answering with the survivor, and whose static list memberships and visits move over.
    Raises a 400 refusal for a contact merged with itself."""
    if primary.id == other.id:
        raise invalid("A contact cannot be merged with itself.")
    index = index_of(portal)
    index.before_change(primary.id, at)
    index.before_change(other.id, at)
    index.drop_contact(primary)
    index.drop_contact(other)
    own = addresses(primary)
    for name, value in other.properties.items():
        if name not in ("hs_additional_emails",) and not primary.properties.get(name):
            primary.properties[name] = value
    extra = dict.fromkeys([*own, *addresses(other)])
    extra.pop(normalised(primary.properties.get("email") or ""), None)
    if extra:
        primary.properties["hs_additional_emails"] = ";".join(extra)
    primary.merged_ids += [other.id, *other.merged_ids]
    primary.updated_at = at
    for one in portal.lists.values():
        if other.id in one.members:
            index.before_list_change(one.id, len(one.members), at)
            joined = one.members.pop(other.id)
            one.members.setdefault(primary.id, joined)
            one.first_added.setdefault(primary.id, joined)
    del portal.contacts[other.id]
    for view in portal.page_views:
        if view.contact_id == other.id:
            view.contact_id = primary.id
    for answer in portal.feedback.values():
        if answer.contact_id == other.id:
            answer.contact_id = primary.id
    index.forget_views()
    index.add_contact(primary)
    portal.changes.append(ContactChange("merge", primary.id, at, source, merged_ids=(other.id,)))
    return primary


def erase_contact(portal: Portal, contact: Contact, at: datetime, source: str = "CRM_UI") -> None:
    """Delete a contact for good with its visits, e-mail events, forms and answers, as privacy law asks. Subscribers hear of a privacy deletion and of a
    deletion (developers.hubspot.com, "Webhooks")."""
    index = index_of(portal)
    gone = set(addresses(contact))
    index.before_change(contact.id, at)
    index.drop_contact(contact)
    _leave_lists(portal, contact.id, at)
    del portal.contacts[contact.id]
    index.reindex_contacts()
    portal.page_views[:] = [view for view in portal.page_views if view.contact_id != contact.id]
    portal.form_submissions[:] = [one for one in portal.form_submissions if normalised(one.values.get("email", "")) not in gone]
    portal.feedback = {number: answer for number, answer in portal.feedback.items() if answer.contact_id != contact.id}
    index.forget_views()
    index.forget_events(gone)
    portal.changes += [ContactChange(kind, contact.id, at, source) for kind in ("privacyDeletion", "deletion")]


def _leave_lists(portal: Portal, contact_id: int, at: datetime) -> None:
    for one in portal.lists.values():
        if contact_id in one.members:
            index_of(portal).before_list_change(one.id, len(one.members), at)
            del one.members[contact_id]
