"""Tree to canonical text: keywords in capitals, one layout, every comment kept. `parse_rule(format_rule(rule)) == rule`."""

from __future__ import annotations

from segsync.rules import tree

WIDTH = 100
INDENT = "  "


def format_rule(rule: tree.Rule) -> str:
    """The canonical text, without a line end after its last line. Formatting that text again changes nothing."""
    return "\n".join([*_lines(rule.root, WIDTH), *(_comment(text) for text in rule.tail)])


def format_clause(body: tree.Body) -> str:
    """One condition on one line."""
    match body:
        case tree.Test():
            return f"{body.name} {_condition(body)}"
        case tree.Rank():
            amount = f"{body.size:f}{'%' if body.percent else ''}"
            return f"{body.name} {'NOT ' if body.negated else ''}IN {body.end} {amount}"
        case tree.Matches():
            parameters = ", ".join(f"{test.name} {_condition(test)}" for test in body.parameters)
            return f"{body.name} {'NOT ' if body.negated else ''}MATCHES ({parameters})"
        case tree.Sequence():
            within = f"{body.within.amount}{body.within.unit}"
            return f"{format_clause(body.first)} THEN {format_clause(body.then)} WITHIN {within}"
        case tree.Anniversary():
            return f"anniversary({_quoted(body.field_name)}) {_condition(body.test)}"


def format_node(node: tree.Node) -> str:
    """Any part of a rule on one line, its comments left out."""
    return _flat(node, False)


def format_value(value: tree.Value) -> str:
    """One value as it is written in a rule; a text is quoted so that nothing in it can leave the quotes."""
    match value:
        case tree.Text():
            return _quoted(value.value)
        case tree.Number():
            return f"{value.value:f}"
        case tree.Flag():
            return "true" if value.value else "false"
        case tree.Day() | tree.LocalTime():
            return value.value.isoformat()
        case tree.Offset():
            return f"{value.amount:+d}{value.unit}" if value.amount else f"-0{value.unit}"
        case tree.Named():
            return value.name


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _condition(test: tree.Test) -> str:
    not_ = "NOT " if test.negated else ""
    values = [format_value(value) for value in test.values]
    match test.operator:
        case "IS NULL":
            return f"IS {not_}NULL"
        case "BETWEEN":
            return f"{not_}BETWEEN {values[0]} AND {values[1]}"
        case "IN":
            return f"{not_}IN ({', '.join(values)})"
        case _:
            return f"{not_}{test.operator} {values[0]}"


def _comment(text: str) -> str:
    return f"-- {text}".rstrip()


def _flat(node: tree.Node, inner: bool) -> str:
    match node:
        case tree.Clause():
            return format_clause(node.body)
        case tree.Not():
            return f"NOT ({_flat(node.item, False)})"
        case _:
            joined = f" {_connective(node)} ".join(_flat(item, True) for item in node.items)
            return f"({joined})" if inner and _bracketed(node) else joined


def _connective(node: tree.And | tree.Or) -> str:
    return "AND" if isinstance(node, tree.And) else "OR"


def _bracketed(node: tree.Node) -> bool:
    """Every group within a group stands in brackets, so that nobody has to know which of AND and OR binds tighter."""
    return isinstance(node, tree.And | tree.Or)


def _block(node: tree.Node, width: int) -> tuple[list[str], list[str]]:
    """The comment lines that go above a part of a group, and the part's own lines."""
    if isinstance(node, tree.Clause):
        return [_comment(text) for text in node.before], [format_clause(node.body) + _ending(node)]
    if isinstance(node, tree.Not) and isinstance(node.item, tree.Clause):
        clause = node.item
        return [_comment(text) for text in clause.before], [f"NOT ({format_clause(clause.body)}){_ending(clause)}"]
    if isinstance(node, tree.Not):
        return [], _bracket_lines("NOT (", node.item, width)
    return [], _bracket_lines("(", node, width)


def _bracket_lines(opening: str, node: tree.Node, width: int) -> list[str]:
    if (flat := _one_line(node, width - len(opening) - 1)) is not None:
        text, ending = flat
        return [f"{opening}{text}){ending}"]
    return [opening, *(INDENT + line for line in _lines(node, width - len(INDENT))), ")"]


def _ending(clause: tree.Clause) -> str:
    return "" if clause.after is None else f"  {_comment(clause.after)}"


def _one_line(node: tree.Node, width: int) -> tuple[str, str] | None:
    """The node on one line and the comment that ends it, or None when it is too wide or a comment stands in its midst."""
    *others, last = tree.clauses(node)
    if last.before or any(clause.before or clause.after is not None for clause in others):
        return None
    text = _flat(node, False)
    return (text, _ending(last)) if len(text) <= width else None


def _lines(node: tree.Node, width: int) -> list[str]:
    if (flat := _one_line(node, width)) is not None:
        return ["".join(flat)]
    if isinstance(node, tree.Clause | tree.Not):
        comments, lines = _block(node, width)
        return [*comments, *lines]
    out: list[str] = []
    for index, item in enumerate(node.items):
        prefix = f"{_connective(node)} " if index else ""
        comments, lines = _block(item, width - len(prefix))
        out += comments
        out += [prefix + lines[0], *lines[1:]]
    return out
