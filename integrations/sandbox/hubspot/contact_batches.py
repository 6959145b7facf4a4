"""The contacts endpoints that take up to 100 records: read, create, update, upsert, archive.

A batch with some records missing answers 207 with `errors`; one with a bad value is refused whole.
Source: developers.hubspot.com, "Contacts" and "Error handling" (multi-status errors).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, as_list, as_object, as_text, as_texts, bounded, iso
from integrations.sandbox.hubspot.contact_api import lookup
from integrations.sandbox.hubspot.contact_values import shown
from integrations.sandbox.hubspot.contact_writes import clean
from integrations.sandbox.hubspot.contacts import archive_contact, create_contact, find, find_by_email, update_contact
from integrations.sandbox.hubspot.index import normalised
from integrations.sandbox.hubspot.refusals import Refusal, conflict, invalid
from integrations.sandbox.hubspot.state import Contact

BATCH = 100
Values = dict[str, str | None]


def read(call: ApiCall) -> Reply:
    """Contacts by id, or by `idProperty`; those that are not there are named in one OBJECT_NOT_FOUND error of a 207."""
    body = call.body()
    if body.get("propertiesWithHistory"):
        raise invalid("This sandbox keeps no property history; leave out propertiesWithHistory.")
    id_property = _id_property(body)
    archived = call.flag("archived")
    found: dict[int, Contact] = {}
    missing: list[str] = []
    for item in _inputs(body):
        given = as_text(item.get("id"), "id")
        contact = lookup(call.portal, given, id_property)
        if contact is None or contact.archived != archived:
            missing.append(given)
        else:
            found.setdefault(contact.id, contact)
    names = as_texts(body.get("properties") or [], "properties")
    return _answer(call, shown(call.portal, found.values(), names), _not_found(missing))


def create(call: ApiCall) -> Reply:
    """New contacts, all or none: 409 when any address is taken, also by another item of the batch."""
    prepared = [clean(call.portal, item.get("properties")) for item in _inputs(call.body())]
    taken: set[str] = set()
    for values in prepared:
        email = values.get("email")
        if email is None:
            continue
        if email in taken:
            raise invalid(f"Duplicate emails found in batch input: [{email}].")
        existing = find_by_email(call.portal, email)
        if existing is not None:
            raise conflict(existing.id)
        taken.add(email)
    results = [_result(call, create_contact(call.portal, values, call.now, "INTEGRATION"), values) for values in prepared]
    return _answer(call, results, [], done=201)


def update(call: ApiCall) -> Reply:
    """Change contacts by id or unique property; unknown ones are named in a 207, one bad value refuses the batch."""
    prepared: list[tuple[Contact, Values]] = []
    missing: list[str] = []
    inputs = _inputs(call.body())
    _refuse_duplicates([str(item.get("id")) for item in inputs])
    for item in inputs:
        given = as_text(item.get("id"), "id")
        contact = lookup(call.portal, given, _id_property(item))
        values = clean(call.portal, item.get("properties"), contact)
        if contact is None or contact.archived:
            missing.append(given)
        else:
            prepared.append((contact, values))
    for contact, values in prepared:
        _refuse_conflict(call, contact, values)
    return _answer(call, [_updater(call, contact, values)() for contact, values in prepared], _not_found(missing))


def upsert(call: ApiCall) -> Reply:
    """Change those that exist, create the others; each result says whether it is `new`.

    With `idProperty` email nothing is done when one item is wrong; with a unique property of one's own only that item
    fails ("Contacts": partial upserts are not supported by email).
    """
    inputs = _inputs(call.body())
    by_email = any(_id_property(item) == "email" for item in inputs)
    identities = [normalised(str(item.get("id"))) if by_email else str(item.get("id")) for item in inputs]
    _refuse_duplicates(identities)
    steps: list[tuple[Contact | None, Callable[[], Json]]] = []
    missing: list[str] = []
    errors: list[Json] = []
    for item in inputs:
        given, id_property = as_text(item.get("id"), "id"), _id_property(item)
        try:
            contact = lookup(call.portal, given, id_property)
            properties = as_object(item.get("properties"), "properties")
            named = properties if id_property in (None, "hs_object_id") else {id_property: given} | properties
            values = clean(call.portal, named, contact)
            _refuse_conflict(call, contact, values)
        except Refusal as refusal:
            if by_email or id_property in (None, "hs_object_id"):
                raise
            errors.append(refusal.body | {"context": {"ids": [given]}})
            continue
        if contact is None and id_property in (None, "hs_object_id"):
            missing.append(given)
        elif contact is None:
            steps.append((None, _creator(call, values)))
        else:
            steps.append((contact, _updater(call, contact, values)))
    results = [step() | {"new": contact is None} for contact, step in steps]
    return _answer(call, results, _not_found(missing) + errors)


def archive(call: ApiCall) -> Reply:
    """Move contacts to the recycling bin; ids that are not there are passed over."""
    for item in _inputs(call.body()):
        contact = find(call.portal, bounded(as_text(item.get("id"), "id"), "id", 0))
        if contact is not None:
            archive_contact(call.portal, contact, call.now, "INTEGRATION")
    return Reply(None, 204)


def _inputs(body: Json) -> list[Json]:
    inputs = [as_object(item, "every input") for item in as_list(body.get("inputs"), "inputs")]
    if len(inputs) > BATCH:
        raise invalid(f"The maximum number of inputs in one batch is {BATCH}; {len(inputs)} were given.")
    return inputs


def _id_property(holder: Json) -> str | None:
    given = holder.get("idProperty")
    return as_text(given, "idProperty") if given else None


def _refuse_duplicates(identities: list[str]) -> None:
    twice = [one for one, times in Counter(identities).items() if times > 1]
    if twice:
        raise invalid(f"Duplicate IDs found in batch input: [{', '.join(twice)}]. IDs must be unique within a batch.")


def _refuse_conflict(call: ApiCall, contact: Contact | None, values: Values) -> None:
    email = values.get("email")
    other = find_by_email(call.portal, email) if email else None
    if other is not None and other is not contact:
        raise conflict(other.id)


def _result(call: ApiCall, contact: Contact, values: Values) -> Json:
    return shown(call.portal, [contact], list(values) or ("email",))[0]


def _creator(call: ApiCall, values: Values) -> Callable[[], Json]:
    return lambda: _result(call, create_contact(call.portal, values, call.now, "INTEGRATION"), values)


def _updater(call: ApiCall, contact: Contact, values: Values) -> Callable[[], Json]:
    def step() -> Json:
        update_contact(call.portal, contact, values, call.now, "INTEGRATION")
        return _result(call, contact, values)

    return step


def _not_found(missing: list[str]) -> list[Json]:
    if not missing:
        return []
    message = "Could not get some CONTACT objects, they may be deleted or not exist. Check that ids are valid."
    return [{"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"ids": missing}}]


def _answer(call: ApiCall, results: list[Json], errors: list[Json], done: int = 200) -> Reply:
    body: Json = {"status": "COMPLETE", "results": results, "startedAt": iso(call.now), "completedAt": iso(call.now)}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return Reply(body, 207 if errors else done)
