"""What an active (DYNAMIC) list's filters mean: an OR of ANDs of property filters.

Source: developers.hubspot.com, "List filters" (branches, and operations by property type). Other kinds of filter are
refused when the list is made, so that no list ever means less than it says.
"""

from __future__ import annotations

from collections.abc import Callable

from integrations.sandbox.hubspot.call import Json, as_list, as_object, as_text, as_texts
from integrations.sandbox.hubspot.contact_values import known, value_of
from integrations.sandbox.hubspot.index import index_of
from integrations.sandbox.hubspot.refusals import Refusal, invalid
from integrations.sandbox.hubspot.state import Contact, Portal

Matches = Callable[[Contact], bool]
Test = Callable[[str], bool]

_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "IS_EQUAL_TO": lambda value, other: value == other,
    "IS_NOT_EQUAL_TO": lambda value, other: value != other,
    "IS_GREATER_THAN": lambda value, other: value > other,
    "IS_GREATER_THAN_OR_EQUAL_TO": lambda value, other: value >= other,
    "IS_LESS_THAN": lambda value, other: value < other,
    "IS_LESS_THAN_OR_EQUAL_TO": lambda value, other: value <= other,
}
_STRINGS: dict[str, Callable[[str, str], bool]] = {
    "IS_EQUAL_TO": lambda value, other: value == other,
    "IS_NOT_EQUAL_TO": lambda value, other: value != other,
    "CONTAINS": lambda value, other: other in value,
    "DOES_NOT_CONTAIN": lambda value, other: other not in value,
    "STARTS_WITH": lambda value, other: value.startswith(other),
    "ENDS_WITH": lambda value, other: value.endswith(other),
}
_SETS: dict[str, Callable[[set[str], set[str]], bool]] = {
    "IS_ANY_OF": lambda value, wanted: bool(value & wanted),
    "IS_NONE_OF": lambda value, wanted: not value & wanted,
    "IS_EXACTLY": lambda value, wanted: value == wanted,
    "IS_NOT_EXACTLY": lambda value, wanted: value != wanted,
    "CONTAINS_ALL": lambda value, wanted: value >= wanted,
    "DOES_NOT_CONTAIN_ALL": lambda value, wanted: not value >= wanted,
}


def matcher(portal: Portal, root: object) -> Matches:
    """Whether a contact belongs, by a list's filter branch. Raises a 400 unless the root is an OR with one AND branch or more."""
    branch = as_object(root, "filterBranch")
    children = as_list(branch.get("filterBranches") or [], "filterBranches")
    if branch.get("filterBranchType") != "OR" or branch.get("filters") or not children:
        raise _refusal("the root filter branch must be an OR branch with no filters and at least one AND branch")
    alternatives = [_all_of(portal, as_object(child, "every filter branch")) for child in children]
    return lambda contact: any(every(contact) for every in alternatives)


def _all_of(portal: Portal, branch: Json) -> Matches:
    if branch.get("filterBranchType") != "AND":
        raise _refusal("every branch below the root must be an AND branch")
    if branch.get("filterBranches"):
        raise _refusal("this sandbox knows no branches inside an AND branch")
    tests = [_property(portal, as_object(one, "every filter")) for one in as_list(branch.get("filters") or [], "filters")]
    if not tests:
        raise _refusal("an AND branch needs at least one filter")
    return lambda contact: all(test(contact) for test in tests)


def _property(portal: Portal, given: Json) -> Matches:
    if given.get("filterType") != "PROPERTY":
        raise _refusal(f"this sandbox knows filters of type PROPERTY only, not {given.get('filterType')!r}")
    name = as_text(given.get("property"), "property")
    if known(portal, name) is None:
        raise _refusal(f"the property '{name}' does not exist")
    operation = as_object(given.get("operation"), "operation")
    kind, operator = as_text(operation.get("operationType"), "operationType"), as_text(operation.get("operator"), "operator")
    if kind in ("ALL_PROPERTY", "ALL_PROPERTY_TYPES"):
        if operator not in ("IS_KNOWN", "IS_UNKNOWN"):
            raise _unknown(kind, operator)
        return lambda contact: (value_of(portal, contact, name) is not None) == (operator == "IS_KNOWN")
    test, without = _operation(kind, operator, operation), bool(operation.get("includeObjectsWithNoValueSet"))

    def matches(contact: Contact) -> bool:
        value = value_of(portal, contact, name, index_of(portal))
        return without if value is None else test(value)

    return matches


def _operation(kind: str, operator: str, operation: Json) -> Test:
    if kind == "ENUMERATION" and operator in _SETS:
        wanted, holds = set(as_texts(operation.get("values"), "values")), _SETS[operator]
        return lambda value: holds({part for part in value.split(";") if part}, wanted)
    if kind == "NUMBER" and operator in _COMPARISONS:
        other, compares = _number(operation.get("value")), _COMPARISONS[operator]
        return lambda value: compares(_number(value), other)
    if kind in ("NUMBER", "NUMBER_RANGED") and operator in ("IS_BETWEEN", "IS_NOT_BETWEEN"):
        low, high = _number(operation.get("lowerBound")), _number(operation.get("upperBound"))
        return lambda value: (low <= _number(value) <= high) == (operator == "IS_BETWEEN")
    if kind == "STRING" and operator in _STRINGS:
        text, compares_text = as_text(operation.get("value"), "value").lower(), _STRINGS[operator]
        return lambda value: compares_text(value.lower(), text)
    if kind == "MULTISTRING" and operator in _STRINGS:
        texts, compares_text = [one.lower() for one in as_texts(operation.get("values"), "values")], _STRINGS[operator]
        every = operator in ("IS_NOT_EQUAL_TO", "DOES_NOT_CONTAIN")
        return lambda value: (all if every else any)(compares_text(value.lower(), one) for one in texts)
    if kind == "BOOL" and operator in ("IS_EQUAL_TO", "IS_NOT_EQUAL_TO"):
        expected = str(operation.get("value")).lower()
        return lambda value: (value == expected) == (operator == "IS_EQUAL_TO")
    raise _unknown(kind, operator)


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise _refusal(f"{value!r} is not a number") from None


def _unknown(kind: str, operator: str) -> Refusal:
    return _refusal(f"this sandbox knows no operator {operator!r} of operation type {kind!r}")


def _refusal(why: str) -> Refusal:
    return invalid(f"The list's filters are not valid: {why}.", subCategory="ILS.INVALID_FILTER_DEFINITION")
