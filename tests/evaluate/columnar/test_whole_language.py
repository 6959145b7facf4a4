"""Every name that facts can answer has its place in the columnar tables: nothing is left to the interpreter."""

from __future__ import annotations

import pytest

from segsync.evaluate.columnar.activities import SOURCES, Lookup
from segsync.evaluate.columnar.attributes import Summary
from segsync.evaluate.columnar.values import day_of, value_of
from segsync.rules.catalogue import ACTIVITIES, ATTRIBUTES, NO_VOCABULARY
from segsync.rules.context import ShopContext
from segsync.rules.entries import Type
from segsync.rules.facts import CustomerFacts
from segsync.rules.moments import Moment
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


def _parameters(lookup: Lookup) -> set[str]:
    return set(lookup.parameters).union(*map(_parameters, lookup.lookups))


def test_a_name_that_means_nothing_is_never_answered() -> None:
    with pytest.raises(KeyError):
        value_of("hubspot.unknown", NO_VOCABULARY)


def test_whoever_has_no_row_of_a_worked_out_attribute_has_the_value_of_no_facts() -> None:
    for name, entry in ATTRIBUTES.items():
        if entry.read is not None and isinstance(place := value_of(name, NO_VOCABULARY), Summary):
            assert (entry.read(CustomerFacts("1"), Moment(NOW, LONDON), ShopContext()) or None) == (place.empty or None), name
