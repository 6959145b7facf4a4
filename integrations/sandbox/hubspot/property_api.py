"""The property endpoints of contacts: definitions and groups, read and made.

Source: developers.hubspot.com, "Properties".
"""

from __future__ import annotations

import re

from integrations.sandbox.hubspot.call import ApiCall, Json, Reply, as_list, as_object, as_text, bounded, iso
from integrations.sandbox.hubspot.contact_values import known
from integrations.sandbox.hubspot.property_catalogue import DEFAULTS, GROUPS
from integrations.sandbox.hubspot.refusals import Refusal, invalid
from integrations.sandbox.hubspot.state import Portal

BATCH = 100
FIELD_TYPES_OF = {  # "Properties": property type and fieldType values
    "string": {"text", "textarea", "file", "html", "phonenumber", "calculation_equation"},
    "number": {"number", "calculation_equation"},
    "bool": {"booleancheckbox", "calculation_equation"},
    "enumeration": {"select", "radio", "checkbox", "booleancheckbox", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")


def get_all(call: ApiCall, object_type: str) -> Reply:
    """Every property of contacts."""
    contacts_only(object_type)
    return Reply({"results": [*DEFAULTS.values(), *call.portal.custom_properties.values()]})


def get_one(call: ApiCall, object_type: str, name: str) -> Reply:
    """One property by name."""
    contacts_only(object_type)
    defined = known(call.portal, name)
    if defined is None:
        raise Refusal(404, f"Property {name} does not exist for object type 0-1.", "OBJECT_NOT_FOUND")
    return Reply(defined)


def create(call: ApiCall, object_type: str) -> Reply:
    """A new property (201); 409 when the name is taken, 400 for a wrong name, group, type or option."""
    contacts_only(object_type)
    body = call.body()
    name, label, group, kind, field_type = (as_text(body.get(one), one) for one in ("name", "label", "groupName", "type", "fieldType"))
    if not _NAME.fullmatch(name):
        raise invalid(f"The name '{name}' must start with a letter and have only lower-case letters, digits and underscores (100 at most).")
    if known(call.portal, name) is not None:
        raise Refusal(409, f"A property named '{name}' already exists.", "OBJECT_ALREADY_EXISTS")
    if group not in _groups(call.portal):
        raise invalid(f"The property group '{group}' does not exist.")
    if kind not in FIELD_TYPES_OF:
        raise invalid(f"The type '{kind}' must be one of {', '.join(FIELD_TYPES_OF)}.")
    if field_type not in FIELD_TYPES_OF[kind]:
        fitting = ", ".join(sorted(FIELD_TYPES_OF[kind]))
        raise invalid(f"The fieldType '{field_type}' cannot be used with type '{kind}'; use one of {fitting}.")
    unique = body.get("hasUniqueValue") is True
    if unique and sum(1 for one in call.portal.custom_properties.values() if one.get("hasUniqueValue")) >= 10:
        raise invalid("A portal has 10 unique-value properties of contacts at most.")
    made: Json = {
        "name": name,
        "label": label,
        "type": kind,
        "fieldType": field_type,
        "description": str(body.get("description") or ""),
        "groupName": group,
        "options": _options(kind, body.get("options")),
        "displayOrder": bounded(body.get("displayOrder"), "displayOrder", -1, least=-1),
        "calculated": False,
        "externalOptions": False,
        "hasUniqueValue": unique,
        "hidden": body.get("hidden") is True,
        "hubspotDefined": False,
        "modificationMetadata": {"archivable": True, "readOnlyDefinition": False, "readOnlyOptions": False, "readOnlyValue": False},
        "formField": body.get("formField") is True,
        "archived": False,
        "createdAt": iso(call.now),
        "updatedAt": iso(call.now),
    }
    call.portal.custom_properties[name] = made
    return Reply(made, 201)


def update(call: ApiCall, object_type: str, name: str) -> Reply:
    """Change the label, description, group or options of a property somebody made; 400 for HubSpot's own."""
    contacts_only(object_type)
    if name in DEFAULTS:
        raise invalid(f"The property '{name}' is defined by HubSpot and cannot be changed.")
    defined, body = call.portal.custom_properties.get(name), call.body()
    if defined is None:
        raise Refusal(404, f"Property {name} does not exist for object type 0-1.", "OBJECT_NOT_FOUND")
    changed: Json = {field: as_text(body[field], field) for field in ("label", "description", "groupName") if body.get(field)}
    if changed.get("groupName", defined["groupName"]) not in _groups(call.portal):
        raise invalid(f"The property group '{changed['groupName']}' does not exist.")
    if "options" in body:
        changed["options"] = _options(str(defined["type"]), body["options"])
    defined |= changed | {"updatedAt": iso(call.now)}
    return Reply(defined)


def archive(call: ApiCall, object_type: str, name: str) -> Reply:
    """Delete a property somebody made, and its values (204, also when there is none); 400 for HubSpot's own."""
    contacts_only(object_type)
    if name in DEFAULTS:
        raise invalid(f"The property '{name}' is defined by HubSpot and cannot be deleted.")
    if call.portal.custom_properties.pop(name, None) is not None:
        for contact in call.portal.contacts.values():
            contact.properties.pop(name, None)
    return Reply(None, 204)


def read_batch(call: ApiCall, object_type: str) -> Reply:
    """Properties by name; those that do not exist are named in a 207."""
    contacts_only(object_type)
    inputs = as_list(call.body().get("inputs"), "inputs")
    if len(inputs) > BATCH:
        raise invalid(f"The maximum number of inputs in one batch is {BATCH}; {len(inputs)} were given.")
    names = [as_text(as_object(one, "every input").get("name"), "name") for one in inputs]
    found = [defined for name in names if (defined := known(call.portal, name)) is not None]
    missing = [name for name in names if known(call.portal, name) is None]
    body: Json = {"status": "COMPLETE", "results": found, "startedAt": iso(call.now), "completedAt": iso(call.now)}
    if missing:
        message = "Could not get some properties, they may be deleted or not exist."
        error = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": message, "context": {"name": missing}}
        body |= {"numErrors": 1, "errors": [error]}
    return Reply(body, 207 if missing else 200)


def get_groups(call: ApiCall, object_type: str) -> Reply:
    """Every property group of contacts."""
    contacts_only(object_type)
    return Reply({"results": list(_groups(call.portal).values())})


def get_group(call: ApiCall, object_type: str, name: str) -> Reply:
    """One property group by name."""
    contacts_only(object_type)
    group = _groups(call.portal).get(name)
    if group is None:
        raise Refusal(404, f"Property group {name} does not exist for object type 0-1.", "OBJECT_NOT_FOUND")
    return Reply(group)


def create_group(call: ApiCall, object_type: str) -> Reply:
    """A new property group (201); 409 when the name is taken."""
    contacts_only(object_type)
    body = call.body()
    name, label = as_text(body.get("name"), "name"), as_text(body.get("label"), "label")
    if not _NAME.fullmatch(name):
        raise invalid(f"The name '{name}' must start with a letter and have only lower-case letters, digits and underscores (100 at most).")
    if name in _groups(call.portal):
        raise Refusal(409, f"A property group named '{name}' already exists.", "OBJECT_ALREADY_EXISTS")
    made: Json = {
        "name": name,
        "label": label,
        "displayOrder": bounded(body.get("displayOrder"), "displayOrder", -1, least=-1),
        "archived": False,
    }
    call.portal.property_groups[name] = made
    return Reply(made, 201)


def contacts_only(object_type: str) -> None:
    """Raise a 400 for any object type but contacts, by name or by id 0-1."""
    if object_type.lower() not in ("contacts", "contact", "0-1"):
        raise invalid(f"Unable to infer object type from: {object_type}. This sandbox has contacts only.")


def _groups(portal: Portal) -> dict[str, Json]:
    own: dict[str, Json] = {
        name: {"name": name, "label": label, "displayOrder": order, "archived": False} for order, (name, label) in enumerate(GROUPS.items())
    }
    return own | portal.property_groups


def _options(kind: str, given: object) -> list[Json]:
    options = [as_object(one, "every option") for one in as_list(given or [], "options")]
    if kind not in ("enumeration", "bool"):
        if options:
            raise invalid(f"A property of type '{kind}' has no options.")
        return []
    made: list[Json] = []
    for order, option in enumerate(options):
        label, value = as_text(option.get("label"), "label"), as_text(option.get("value"), "value")
        if value != value.strip() or ";" in value:
            raise invalid(f"The option value {value!r} must have no blanks around it and no semicolon.")
        position = bounded(option.get("displayOrder"), "displayOrder", order, least=-1)
        told = {"label": label, "value": value, "displayOrder": position, "hidden": option.get("hidden") is True}
        made.append(told | {"description": str(option.get("description") or "")})
    for field in ("label", "value"):
        if len({option[field] for option in made}) < len(made):
            raise invalid(f"Every option of a property needs a {field} of its own.")
    if kind == "bool" and {option["value"] for option in made} != {"true", "false"}:
        raise invalid("A bool property needs the options true and false.")
    return made
