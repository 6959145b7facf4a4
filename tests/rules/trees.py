"""Generated rules: any tree that the language can write, sensible or not."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from segsync.rules import tree

NAMES = st.sampled_from(("number_of_orders", "customer_tags", "date", "hubspot.life-cycle", "metafields.facts.birth_date", "order", "in_x"))
REFUSED = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
TEXTS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters=REFUSED), max_size=12)
COMMENTS = TEXTS.map(str.strip)
NUMBERS = st.decimals(min_value=Decimal(-(10**12)), max_value=Decimal(10**12), allow_nan=False, places=3).map(tree.Number)
OFFSETS = st.builds(tree.Offset, st.integers(-9_999_999, 9_999_999), st.sampled_from(("d", "w", "m", "y", "h", "min")))
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(2199, 1, 1)).map(lambda at: tree.LocalTime(at.replace(microsecond=0)))  # noqa: DTZ001
VALUES = st.one_of(
    TEXTS.map(tree.Text),
    NUMBERS,
    OFFSETS,
    TIMES,
    st.dates(date(1900, 1, 1), date(2199, 1, 1)).map(tree.Day),
    st.booleans().map(tree.Flag),
    st.sampled_from(("today", "yesterday", "now")).map(lambda name: tree.Named(name)),
)
TESTS = st.one_of(
    st.builds(tree.Test, NAMES, st.sampled_from(("=", "!=", ">", ">=", "<", "<=")), st.tuples(VALUES)),
    st.builds(tree.Test, NAMES, st.just("BETWEEN"), st.tuples(VALUES, VALUES), st.booleans()),
    st.builds(tree.Test, NAMES, st.just("IN"), st.lists(VALUES, min_size=1, max_size=4).map(tuple), st.booleans()),
    st.builds(tree.Test, NAMES, st.sampled_from(("CONTAINS", "STARTS WITH", "ENDS WITH")), st.tuples(VALUES), st.booleans()),
    st.builds(tree.Test, NAMES, st.just("IS NULL"), st.just(()), st.booleans()),
)
PARAMETERS = st.lists(TESTS, max_size=3).map(tuple)
MATCHES = st.builds(tree.Matches, NAMES, PARAMETERS, st.booleans())
DURATIONS = st.builds(tree.Duration, st.integers(0, 9_999_999), st.sampled_from(("min", "h", "d", "w")))
SIZES = st.decimals(min_value=0, max_value=1000, allow_nan=False, places=1)
OUTCOMES = st.one_of(
    st.builds(tree.Test, st.just("anniversary"), st.sampled_from(("=", ">=")), st.tuples(OFFSETS)),
    st.builds(tree.Test, st.just("anniversary"), st.just("BETWEEN"), st.tuples(OFFSETS, OFFSETS)),
)
BODIES = st.one_of(
    TESTS,
    MATCHES,
    st.builds(tree.Rank, NAMES, st.sampled_from(("TOP", "BOTTOM")), SIZES, st.booleans(), st.booleans()),
    st.builds(tree.Sequence, st.builds(tree.Matches, NAMES, PARAMETERS), MATCHES, DURATIONS),
    st.builds(tree.Anniversary, TEXTS, OUTCOMES),
)
CLAUSES = st.one_of(
    BODIES.map(tree.Clause),
    st.builds(tree.Clause, BODIES, st.lists(COMMENTS, max_size=2).map(tuple), st.one_of(st.none(), COMMENTS)),
)
NODES: st.SearchStrategy[tree.Node] = st.recursive(
    CLAUSES,
    lambda nodes: st.one_of(
        nodes.map(tree.Not),
        st.lists(nodes, min_size=2, max_size=3).map(lambda items: tree.And(tuple(items))),
        st.lists(nodes, min_size=2, max_size=3).map(lambda items: tree.Or(tuple(items))),
    ),
    max_leaves=8,
)
RULES = st.builds(tree.Rule, NODES, st.lists(COMMENTS, max_size=2).map(tuple))
