"""Every name that facts can answer has its place in the columnar tables: nothing is left to the interpreter."""

from __future__ import annotations

import pytest

from segsync.evaluate.columnar.activities import SOURCES, Lookup
from segsync.evaluate.columnar.attributes import Summary
from segsync.evaluate.columnar.clauses import Clauses
from segsync.evaluate.columnar.layout import table
from segsync.evaluate.columnar.values import day_of, value_of
from segsync.rules import tree
from segsync.rules.catalogue import ACTIVITIES, ATTRIBUTES, NO_VOCABULARY
from segsync.rules.context import ShopContext
from segsync.rules.entries import Entry, Type
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment
from segsync.rules.parse import parse_rule
from segsync.rules.predicates import Terms
from tests.rules.people import LONDON, NOW


def test_every_attribute_with_a_reader_has_a_place() -> None:
    for name, entry in ATTRIBUTES.items():
        if entry.read is not None:
            assert value_of(name, NO_VOCABULARY), name
            if entry.type is Type.DATE:
                assert day_of(name, NO_VOCABULARY), name


def test_every_activity_with_rows_has_a_place_and_so_have_its_parameters() -> None:
    for name, entry in ACTIVITIES.items():
        if entry.rows is not None:
            source = SOURCES[name]
            answered = {*source.parameters, *source.totals}.union(*map(_parameters, source.lookups))
            assert answered >= {key for key, parameter in entry.parameters.items() if parameter.read is not None}, name
            assert set(source.empty) == set(source.totals)


VALUES = {Type.DATE: "-30d", Type.FLAG: "true", Type.ID: "7", Type.TEXT: "'x'", Type.LIST: "'x'", Type.INTEGER: "1", Type.MONEY: "1", Type.DECIMAL: "1"}


def test_parameters_and_totals_of_an_activity_may_be_asked_together() -> None:
    clauses = Clauses(Terms(Moment(NOW, LONDON), 2))
    for name, entry in ACTIVITIES.items():
        if entry.rows is None:
            continue
        tests = {key: _test(key, parameter) for key, parameter in entry.parameters.items() if parameter.read is not None}
        totals = [key for key in tests if entry.parameters[key].scope == "aggregate"]
        for chosen in ([], *([key] for key in tests if key not in totals), [key for key in tests if key not in totals]):
            for asked in (totals, *([total] for total in totals)):
                rule = parse_rule(f"{name} MATCHES ({', '.join(tests[key] for key in (*chosen, *asked))})")
                assert isinstance(rule.root, tree.Clause)
                assert clauses.chosen(rule.root.body, table("customers")) is not None, rule


def _test(name: str, entry: Entry) -> str:
    operator = "CONTAINS" if entry.type is Type.LIST else "="
    return f"{name} {operator} {repr(entry.values[0]) if entry.values else VALUES[entry.type]}"


def _parameters(lookup: Lookup) -> set[str]:
    return set(lookup.parameters).union(*map(_parameters, lookup.lookups))


def test_a_name_that_means_nothing_is_never_answered() -> None:
    with pytest.raises(KeyError):
        value_of("hubspot.unknown", NO_VOCABULARY)


def test_whoever_has_no_row_of_a_worked_out_attribute_has_the_value_of_no_facts() -> None:
    for name, entry in ATTRIBUTES.items():
        if entry.read is not None and isinstance(place := value_of(name, NO_VOCABULARY), Summary):
            assert (entry.read(CustomerFacts("1"), Moment(NOW, LONDON), ShopContext()) or None) == (place.empty or None), name
