"""A rule as a merchant would say it."""

from __future__ import annotations

from segsync.rules import catalogue, tree
from segsync.rules.entries import Activity, Parameter, Type
from segsync.rules.phrases import amount_phrase, condition, date_phrase, quoted, several, value_phrase
from segsync.rules.vocabulary import NO_VOCABULARY, Vocabulary


def explain_rule(rule: tree.Rule, vocabulary: Vocabulary = NO_VOCABULARY) -> str:
    """One sentence, beginning with `Customers` and ending with a full stop. Any rule that parses has one."""
    return f"Customers {_node(rule.root, vocabulary, inner=False)}."


def explain_clause(body: tree.Body, vocabulary: Vocabulary = NO_VOCABULARY) -> str:
    """One condition as what follows `Customers`."""
    match body:
        case tree.Test():
            return _attribute(body, vocabulary)
        case tree.Rank():
            size = f"{body.size:f}%" if body.percent else f"{body.size:f} customers"
            return f"who are {'not ' if body.negated else ''}in the {body.end.lower()} {size} by {_label(body.name, vocabulary)}"
        case tree.Matches():
            return f"who {_activity(body)}"
        case tree.Sequence():
            within = several(body.within.amount, body.within.unit)
            return f"who {_activity(body.first)} and then {_activity(body.then, ever=False)} within {within}"
        case tree.Anniversary():
            entry = catalogue.attribute(body.field_name, vocabulary)
            what = entry.label if entry else quoted(body.field_name)
            return f"whose anniversary of {what} {condition(body.test, Type.DATE).replace('was', 'is', 1)}"


def _node(node: tree.Node, vocabulary: Vocabulary, inner: bool) -> str:
    match node:
        case tree.Clause():
            return explain_clause(node.body, vocabulary)
        case tree.Not():
            return f"who are not among those {_node(node.item, vocabulary, inner=True)}"
        case _:
            *others, last = (_node(item, vocabulary, inner=True) for item in node.items)
            both = isinstance(node, tree.And)
            joined = f"{'' if both else 'either '}{', '.join(others)} {'and' if both else 'or'} {last}"
            return f"({joined})" if inner else joined


def _label(name: str, vocabulary: Vocabulary) -> str:
    entry = catalogue.attribute(name, vocabulary)
    return entry.label if entry else name


def _attribute(test: tree.Test, vocabulary: Vocabulary) -> str:
    if test.name == "segments" and test.operator == "CONTAINS":
        return f"who are {'not ' if test.negated else ''}in the segment {value_phrase(test.values[0], Type.LIST)}"
    if test.name == "segments" and test.operator == "IS NULL":
        return f"who are in {'another segment' if test.negated else 'no other segment'}"
    entry = catalogue.attribute(test.name, vocabulary)
    label, kind = (entry.label, entry.type) if entry else (test.name, Type.TEXT)
    if test.operator == "IS NULL":
        if kind is Type.DATE:
            return f"who have {'a' if test.negated else 'no'} {label}"
        if kind is Type.LIST:
            return f"who have {'' if test.negated else 'no '}{label}"
        return f"whose {label} is {'' if test.negated else 'not '}known"
    if kind is Type.LIST and test.operator in ("CONTAINS", "=", "!="):
        lacks = test.negated != (test.operator == "!=")
        return f"whose {label} {'do not include' if lacks else 'include'} {value_phrase(test.values[0], kind)}"
    return f"whose {label} {condition(test, kind)}"


def _activity(body: tree.Matches, ever: bool = True) -> str:
    activity = catalogue.activity(body.name)
    if activity is None:
        return f"{'did not have' if body.negated else 'had'} any {body.name}"
    if body.negated and not body.parameters and ever:
        return f"never {activity.did} {activity.one}"
    count: tree.Test | None = None
    dates, rows, totals = "", [], []
    for test in body.parameters:
        parameter = activity.parameters.get(test.name)
        if test.name == "count" and count is None:
            count = test
        elif test.name == "date":
            dates += f" {date_phrase(test)}" if not dates else f" and {date_phrase(test)}"
        elif parameter and parameter.scope == "aggregate":
            totals.append(f"{parameter.label} {condition(test, parameter.type)}")
        else:
            rows.append(parameter_phrase(test, parameter))
    verb = activity.did_not if body.negated else activity.did
    where = f" ({', '.join(rows)})" if rows else ""
    in_all = f", where the {' and the '.join(totals)}" if totals else ""
    return f"{verb} {_object(activity, count)}{dates}{where}{in_all}"


def _object(activity: Activity, count: tree.Test | None) -> str:
    if count is None:
        return activity.one
    one, many = activity.counts or (activity.one.partition(" ")[2], activity.many)
    value = count.values[0]
    single = isinstance(value, tree.Number) and value.value == 1 and count.operator in ("=", ">=", "<=", ">", "<")
    none = isinstance(value, tree.Number) and value.value == 0 and count.operator == "=" and not count.negated
    amount = f"no {many}" if none else f"{amount_phrase(count)} {one if single else many}".replace("less than", "fewer than")
    return f"{activity.many} in {amount}" if activity.counts else amount


def parameter_phrase(test: tree.Test, parameter: Parameter | None) -> str:
    """What is asked of a row: `category is ‘Shoes’`, `not recovered`."""
    if parameter is None:
        return f"{test.name} {condition(test, Type.TEXT)}"
    if parameter.type is Type.FLAG and isinstance(test.values[0], tree.Flag):
        return parameter.label if test.values[0].value == (test.operator == "=") else f"not {parameter.label}"
    return f"{parameter.label} {condition(test, parameter.type)}"
