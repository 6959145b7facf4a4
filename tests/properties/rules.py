"""Generated rules that mean something: every attribute, activity, parameter and operator that the catalogue has an answer for."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from segsync.rules import tree
from segsync.rules.catalogue import ACTIVITIES, ATTRIBUTES, attribute
from segsync.rules.entries import ORDERING, Entry, Type
from segsync.rules.moments import Moment
from segsync.rules.windows import is_relative_day
from tests.properties.histories import AMOUNTS, CITIES, COUNTRIES, COUNTS, HANDLES, IDS, REGIONS, VOCABULARY, WORDS
from tests.properties.moments import DISTANCES, date_values

PROPERTIES = tuple(entry for name in VOCABULARY.properties if (entry := attribute(name, VOCABULARY)) is not None)
ANSWERED = (*(entry for entry in ATTRIBUTES.values() if entry.read is not None), *PROPERTIES)
DATES = tuple(entry for entry in ANSWERED if entry.type is Type.DATE)
DOABLE = tuple(entry for entry in ACTIVITIES.values() if entry.rows is not None)
MONEY = (*(Decimal(amount) / 100 for amount in AMOUNTS), Decimal("10.005"), Decimal("16.67"), Decimal("-1"), Decimal("1e30"), Decimal("0.000000001"))
FRACTIONS = tuple(map(Decimal, ("0", "0.5", "1", "1.5", "0.3333", "2", "3", "15.5", "30", "-1", "1e30")))
PARTS = ("sho", "ss", "'", "%", "_", "@example.com", "e", "")


def values(entry: Entry, moment: Moment) -> st.SearchStrategy[tree.Value]:
    """Values that the checker lets through for an entry."""
    match entry.type:
        case Type.DATE:
            return date_values(moment)
        case Type.INTEGER:
            return st.sampled_from((*COUNTS, *DISTANCES, -1, 10**25)).map(lambda number: tree.Number(Decimal(number)))
        case Type.DECIMAL:
            return st.sampled_from(FRACTIONS).map(tree.Number)
        case Type.MONEY:
            return st.sampled_from(MONEY).map(tree.Number)
        case Type.FLAG:
            return st.booleans().map(tree.Flag)
        case Type.ENUM:
            return st.sampled_from(entry.values).map(tree.Text)
        case _ if entry.type is Type.ID or entry.ids:
            return st.one_of(st.sampled_from(IDS).map(tree.Text), st.sampled_from(IDS).map(lambda id_: tree.Number(Decimal(id_))))
        case _ if entry.pattern:
            return st.sampled_from([text for text in (*COUNTRIES, *REGIONS, *CITIES) if entry.pattern.fullmatch(text)]).map(tree.Text)
        case _ if entry.name == "segments":
            return st.sampled_from(HANDLES).map(tree.Text)
        case Type.LIST if entry.values:
            return st.sampled_from(entry.values).map(tree.Text)
        case _:
            return st.sampled_from((*WORDS, *PARTS, *IDS, "en", "example.com", "Mugs", "apparel > shoes", "lead", "7")).map(tree.Text)


def comparisons(entry: Entry, moment: Moment, operators: tuple[tree.Operator, ...] = ()) -> st.SearchStrategy[tree.Test]:
    """Comparisons of one entry, with any operator that it takes or with one of these."""
    value = values(entry, moment)

    def with_operator(operator: tree.Operator) -> st.SearchStrategy[tree.Test]:
        match operator:
            case "BETWEEN":
                told = st.tuples(value, value)
            case "IN":
                told = st.lists(value, min_size=1, max_size=3).map(tuple)
            case "IS NULL":
                told = st.just(())
            case _:
                told = st.tuples(value)
        negatable = operator in ("BETWEEN", "IN", "CONTAINS", "IS NULL")
        return st.builds(lambda given, negated: tree.Test(entry.name, operator, given, negated and negatable), told, st.booleans())

    return st.sampled_from(operators or entry.operators).flatmap(with_operator)


def clauses(moment: Moment) -> st.SearchStrategy[tree.Node]:
    """Conditions: half of them about attributes, half about activities."""
    attributes = st.sampled_from(ANSWERED).flatmap(lambda entry: comparisons(entry, moment))
    matches = st.sampled_from(DOABLE).flatmap(
        lambda activity: st.builds(
            lambda told, negated: tree.Matches(activity.name, tuple(told), negated),
            st.lists(
                st.sampled_from([p for p in activity.parameters.values() if p.read is not None]).flatmap(lambda p: comparisons(p, moment)),
                max_size=4,
            ),
            st.booleans(),
        )
    )
    ranked = st.builds(
        lambda entry, end, size, negated: tree.Rank(entry.name, end, *size, negated),
        st.sampled_from([entry for entry in ANSWERED if entry.type.is_ordered]),
        st.sampled_from(("TOP", "BOTTOM")),
        st.sampled_from(((Decimal(1), False), (Decimal(3), False), (Decimal(10), True), (Decimal("33.3"), True), (Decimal(100), True))),
        st.booleans(),
    )
    return st.one_of(attributes, attributes, matches, matches, ranked, sequences(moment), anniversaries(moment)).map(tree.Clause)


def anniversaries(moment: Moment) -> st.SearchStrategy[tree.Anniversary]:
    """A date's anniversaries against days, near the end of February too."""
    february = st.builds(lambda year, day: tree.Day(date(year, 2, day)), st.sampled_from((2024, 2025, 2026, 2028)), st.sampled_from((27, 28)))
    leap = st.just(tree.Day(date(2024, 2, 29)))
    day = st.one_of(date_values(moment).filter(lambda value: isinstance(value, tree.Day) or is_relative_day(value)), february, leap)
    tests = st.sampled_from(ORDERING).flatmap(
        lambda operator: st.builds(
            lambda told, negated: tree.Test("anniversary", operator, told, negated and operator in ("BETWEEN", "IN")),
            st.tuples(day, day) if operator == "BETWEEN" else st.lists(day, min_size=1, max_size=3 if operator == "IN" else 1).map(tuple),
            st.booleans(),
        )
    )
    return st.builds(lambda entry, test: tree.Anniversary(entry.name, test), st.sampled_from(DATES), tests)


def sequences(moment: Moment) -> st.SearchStrategy[tree.Sequence]:
    """One thing after another; the distances are those between generated timestamps."""

    def part(negated: bool) -> st.SearchStrategy[tree.Matches]:
        return st.sampled_from(DOABLE).flatmap(
            lambda activity: st.lists(
                st.sampled_from([p for p in activity.parameters.values() if p.read is not None and p.scope != "aggregate"]).flatmap(
                    lambda p: comparisons(p, moment)
                ),
                max_size=1,
            ).map(lambda told: tree.Matches(activity.name, tuple(told), negated))
        )

    lengths = st.sampled_from(((1, "d"), (24, "h"), (90, "min"), (1, "w"), (30, "d"), (365, "d"))).map(lambda pair: tree.Duration(*pair))
    return st.booleans().flatmap(lambda negated: st.builds(tree.Sequence, part(False), part(negated), lengths))


def rules(moment: Moment) -> st.SearchStrategy[tree.Rule]:
    """Whole rules."""
    nodes: st.SearchStrategy[tree.Node] = st.recursive(
        clauses(moment),
        lambda inner: st.one_of(
            inner.map(tree.Not),
            st.lists(inner, min_size=2, max_size=3).map(lambda items: tree.And(tuple(items))),
            st.lists(inner, min_size=2, max_size=3).map(lambda items: tree.Or(tuple(items))),
        ),
        max_leaves=4,
    )
    return nodes.map(tree.Rule)


def more_than(moment: Moment) -> st.SearchStrategy[tree.Node]:
    """`>` on whole numbers and amounts: the shortest way to a tie."""
    counted = [entry for entry in ANSWERED if entry.type in (Type.INTEGER, Type.MONEY)]
    return st.sampled_from(counted).flatmap(lambda entry: comparisons(entry, moment, (">",))).map(tree.Clause)


def of_properties(moment: Moment) -> st.SearchStrategy[tree.Node]:
    """Properties alone."""
    return st.sampled_from(PROPERTIES).flatmap(lambda entry: comparisons(entry, moment)).map(tree.Clause)
