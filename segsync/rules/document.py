"""The JSON form of a rule, for the editor: versioned, plain values, every mistake named by its path.

`from_json(to_json(rule)) == rule` for every rule that parses. What it gives back is a tree as the parser makes them; `check_tree` says
whether it means something.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar, cast, get_args

from segsync.rules import tree
from segsync.rules.build import MAX_DECIMALS, MAX_OFFSET_DIGITS, MAX_WHOLE_DIGITS
from segsync.rules.scan import MAX_CHARACTERS, MAX_CLAUSES, MAX_DEPTH, MAX_LIST_VALUES, UNSEEN

T = TypeVar("T")
VERSION = 1
OPERATORS = get_args(tree.Operator)
COUNTS = {"BETWEEN": (2, 2), "IN": (1, MAX_LIST_VALUES), "IS NULL": (0, 0)}
NEVER_NEGATED = frozenset({"=", "!=", ">", ">=", "<", "<="})
KEYWORDS = "AND OR NOT BETWEEN IN CONTAINS STARTS ENDS WITH IS NULL MATCHES THEN WITHIN TOP BOTTOM TODAY YESTERDAY NOW TRUE FALSE"
RESERVED = frozenset(KEYWORDS.split())
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*)*")
NUMBER = re.compile(rf"-?[0-9]{{1,{MAX_WHOLE_DIGITS}}}(\.[0-9]{{1,{MAX_DECIMALS}}})?")
FARTHEST = 10**MAX_OFFSET_DIGITS - 1


class DocumentError(ValueError):
    """One mistake in a document: `path` says where (`root.items[2].values[0]`), `message` what; `str()` is both."""

    def __init__(self, path: str, message: str) -> None:
        """Keep the parts."""
        self.path = path
        self.message = message
        super().__init__(f"{path}: {message}")


def to_json(rule: tree.Rule) -> dict[str, Any]:
    """The document of a rule."""
    return {"version": VERSION, "root": _node(rule.root), "tail": list(rule.tail)}


def from_json(data: Any) -> tree.Rule:
    """The rule of a document. Raises DocumentError for the first mistake; the language's limits hold here too."""
    document = _object(data, "document", ("version", "root", "tail"))
    if document["version"] != VERSION:
        raise DocumentError("version", f"must be {VERSION}.")
    reader = _Reader()
    root = reader.node(document["root"], "root", 0)
    return tree.Rule(root, _comments(document["tail"], "tail"))


def _node(node: tree.Node) -> dict[str, Any]:
    match node:
        case tree.Clause():
            return {"type": "clause", "body": _body(node.body), "before": list(node.before), "after": node.after}
        case tree.Not():
            return {"type": "not", "item": _node(node.item)}
        case tree.And():
            return {"type": "and", "items": [_node(item) for item in node.items]}
        case tree.Or():
            return {"type": "or", "items": [_node(item) for item in node.items]}


def _body(body: tree.Body) -> dict[str, Any]:
    match body:
        case tree.Test():
            return {"type": "test", **_test(body)}
        case tree.Rank():
            return {"type": "rank", "name": body.name, "end": body.end, "size": f"{body.size:f}", "percent": body.percent, "negated": body.negated}
        case tree.Matches():
            return {"type": "matches", **_matches(body)}
        case tree.Sequence():
            within = {"amount": body.within.amount, "unit": body.within.unit}
            return {"type": "sequence", "first": _matches(body.first), "then": _matches(body.then), "within": within}
        case tree.Anniversary():
            return {"type": "anniversary", "field": body.field_name, "test": _test(body.test)}


def _test(test: tree.Test) -> dict[str, Any]:
    return {"name": test.name, "operator": test.operator, "values": [_value(value) for value in test.values], "negated": test.negated}


def _matches(body: tree.Matches) -> dict[str, Any]:
    return {"name": body.name, "parameters": [_test(test) for test in body.parameters], "negated": body.negated}


def _value(value: tree.Value) -> dict[str, Any]:
    match value:
        case tree.Text():
            return {"type": "text", "value": value.value}
        case tree.Number():
            return {"type": "number", "value": f"{value.value:f}"}
        case tree.Flag():
            return {"type": "flag", "value": value.value}
        case tree.Day():
            return {"type": "day", "value": value.value.isoformat()}
        case tree.LocalTime():
            return {"type": "time", "value": value.value.isoformat()}
        case tree.Offset():
            return {"type": "offset", "amount": value.amount, "unit": value.unit}
        case tree.Named():
            return {"type": "named", "name": value.name}


class _Reader:
    """Reads nodes and counts conditions on the way."""

    def __init__(self) -> None:
        self._clauses = 0

    def node(self, data: Any, path: str, depth: int) -> tree.Node:
        """One node, `depth` groups down."""
        if depth > MAX_DEPTH:
            raise DocumentError(path, f"groups may be nested at most {MAX_DEPTH} deep.")
        match _kind(data, path, ("clause", "not", "and", "or")):
            case "clause":
                self._clauses += 1
                if self._clauses > MAX_CLAUSES:
                    raise DocumentError(path, f"a rule may hold at most {MAX_CLAUSES} conditions.")
                known = _object(data, path, ("type", "body", "before", "after"))
                after = None if known["after"] is None else _comment(known["after"], f"{path}.after")
                return tree.Clause(read_body(known["body"], f"{path}.body"), _comments(known["before"], f"{path}.before"), after)
            case "not":
                return tree.Not(self.node(_object(data, path, ("type", "item"))["item"], f"{path}.item", depth + 1))
            case kind:
                items = _list(_object(data, path, ("type", "items"))["items"], f"{path}.items", 2, MAX_CLAUSES)
                read = tuple(self.node(item, f"{path}.items[{index}]", depth + 1) for index, item in enumerate(items))
                return tree.And(read) if kind == "and" else tree.Or(read)


def read_body(data: Any, path: str = "body") -> tree.Body:
    """One condition."""
    match _kind(data, path, ("test", "rank", "matches", "sequence", "anniversary")):
        case "test":
            return _read_test(data, path, ("type",))
        case "rank":
            known = _object(data, path, ("type", "name", "end", "size", "percent", "negated"))
            end = _one_of(known["end"], f"{path}.end", ("TOP", "BOTTOM"))
            size = _number(known["size"], f"{path}.size")
            return tree.Rank(_name(known["name"], f"{path}.name"), cast(Any, end), size, _flag(known, path, "percent"), _flag(known, path, "negated"))
        case "matches":
            return _read_matches(data, path, ("type",))
        case "sequence":
            known = _object(data, path, ("type", "first", "then", "within"))
            within = _object(known["within"], f"{path}.within", ("amount", "unit"))
            unit = _one_of(within["unit"], f"{path}.within.unit", ("min", "h", "d", "w"))
            length = tree.Duration(_whole(within["amount"], f"{path}.within.amount", 0), cast(Any, unit))
            first = _read_matches(known["first"], f"{path}.first")
            if first.negated:
                raise DocumentError(f"{path}.first.negated", "only the activity after THEN may be negated.")
            return tree.Sequence(first, _read_matches(known["then"], f"{path}.then"), length)
        case _:
            known = _object(data, path, ("type", "field", "test"))
            test = _read_test(known["test"], f"{path}.test")
            if test.name != "anniversary" or test.negated or test.operator not in (*NEVER_NEGATED, "BETWEEN"):
                raise DocumentError(f"{path}.test", "an anniversary is compared by name `anniversary`, with =, !=, >, >=, <, <= or BETWEEN.")
            return tree.Anniversary(_text(known["field"], f"{path}.field"), test)


def _read_test(data: Any, path: str, more: tuple[str, ...] = ()) -> tree.Test:
    known = _object(data, path, (*more, "name", "operator", "values", "negated"))
    operator = _one_of(known["operator"], f"{path}.operator", OPERATORS)
    least, most = COUNTS.get(operator, (1, 1))
    values = _list(known["values"], f"{path}.values", least, most)
    negated = _flag(known, path, "negated")
    if negated and operator in NEVER_NEGATED:
        raise DocumentError(f"{path}.negated", f"{operator} takes no NOT; put the condition into a `not`.")
    read = tuple(_read_value(value, f"{path}.values[{index}]") for index, value in enumerate(values))
    return tree.Test(_name(known["name"], f"{path}.name"), cast(tree.Operator, operator), read, negated)


def _read_matches(data: Any, path: str, more: tuple[str, ...] = ()) -> tree.Matches:
    known = _object(data, path, (*more, "name", "parameters", "negated"))
    parameters = _list(known["parameters"], f"{path}.parameters", 0, MAX_LIST_VALUES)
    read = tuple(_read_test(test, f"{path}.parameters[{index}]") for index, test in enumerate(parameters))
    return tree.Matches(_name(known["name"], f"{path}.name"), read, _flag(known, path, "negated"))


def _read_value(data: Any, path: str) -> tree.Value:
    kind = _kind(data, path, ("text", "number", "flag", "day", "time", "offset", "named"))
    if kind == "offset":
        known = _object(data, path, ("type", "amount", "unit"))
        unit = _one_of(known["unit"], f"{path}.unit", get_args(tree.OffsetUnit))
        return tree.Offset(_whole(known["amount"], f"{path}.amount", -FARTHEST), cast(tree.OffsetUnit, unit))
    if kind == "named":
        name = _one_of(_object(data, path, ("type", "name"))["name"], f"{path}.name", ("today", "yesterday", "now"))
        return tree.Named(cast(Any, name))
    value, place = _object(data, path, ("type", "value"))["value"], f"{path}.value"
    match kind:
        case "text":
            return tree.Text(_text(value, place))
        case "number":
            return tree.Number(_number(value, place))
        case "flag":
            return tree.Flag(_flag({"value": value}, path, "value"))
        case "day":
            return tree.Day(_moment(value, place, re.compile(r"\d{4}-\d\d-\d\d", re.ASCII), dt.date.fromisoformat))
        case _:
            return tree.LocalTime(_moment(value, place, re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", re.ASCII), dt.datetime.fromisoformat))


def _moment(value: Any, path: str, form: re.Pattern[str], read: Callable[[str], T]) -> T:
    if isinstance(value, str) and form.fullmatch(value):
        try:
            return read(value)
        except ValueError:
            pass
    raise DocumentError(path, "must be a day (2026-01-31) or a time (2026-01-31T16:00:00) that exists.")


def _object(data: Any, path: str, names: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(data, dict):
        raise DocumentError(path, "must be an object.")
    if unknown := sorted(str(name) for name in data if name not in names):
        raise DocumentError(f"{path}.{unknown[0]}", f"is not known here; known are {', '.join(names)}.")
    if missing := next((name for name in names if name not in data), None):
        raise DocumentError(f"{path}.{missing}", "is missing.")
    return data


def _kind(data: Any, path: str, kinds: tuple[str, ...]) -> str:
    if not isinstance(data, dict):
        raise DocumentError(path, "must be an object.")
    return _one_of(data.get("type"), f"{path}.type", kinds)


def _one_of(value: Any, path: str, words: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in words:
        raise DocumentError(path, f"must be one of {', '.join(words)}.")
    return value


def _list(value: Any, path: str, least: int, most: int) -> list[Any]:
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise DocumentError(path, f"must be a list of {least}." if least == most else f"must be a list of {least} to {most}.")
    return value


def _flag(data: Mapping[str, Any], path: str, name: str) -> bool:
    if not isinstance(data[name], bool):
        raise DocumentError(f"{path}.{name}", "must be true or false.")
    return bool(data[name])


def _whole(value: Any, path: str, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= FARTHEST:
        raise DocumentError(path, f"must be a whole number from {least:,} to {FARTHEST:,}.")
    return value


def _number(value: Any, path: str) -> Decimal:
    if not isinstance(value, str) or not NUMBER.fullmatch(value):
        raise DocumentError(path, f"must be a number as text, with at most {MAX_WHOLE_DIGITS} digits before the point and {MAX_DECIMALS} after it.")
    return Decimal(value)


def _name(value: Any, path: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS or not NAME.fullmatch(value) or value.partition(".")[0].upper() in RESERVED:
        raise DocumentError(path, "must be a name of the language, such as number_of_orders.")
    return value


def _text(value: Any, path: str) -> str:
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS or "\n" in value or "\t" in value or UNSEEN.search(value):
        raise DocumentError(path, "must be a text on one line, without characters that cannot be seen.")
    return value


def _comment(value: Any, path: str) -> str:
    return _text(value, path).strip()


def _comments(value: Any, path: str) -> tuple[str, ...]:
    return tuple(_comment(text, f"{path}[{index}]") for index, text in enumerate(_list(value, path, 0, MAX_CLAUSES * 10)))
