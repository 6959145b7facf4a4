"""The GraphQL that the project sends: one operation per file in `queries/`, each checked against Shopify's schema by a test."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("queries")
METAFIELDS = "# the metafields asked for"
_SAME = re.compile(r"# the nodes of (?P<name>\w+)")
_OPERATION = re.compile(r"\A\s*(?P<kind>\w+)\s+\w+\s*\((?P<inputs>[^)]*)\)\s*\{(?P<body>.*)\}\s*\Z", re.DOTALL)


_OPTIONAL = re.compile(r"(?P<line>.*?)\s*# only with (?P<part>\w+)\s*")


@lru_cache(maxsize=256)  # each shop may ask for metafields of its own
def text(name: str, parts: frozenset[str] = frozenset(), metafields: str = "") -> str:
    """The document called `name`, as it is sent.

    A line marked `# only with PART` is in it when `parts` has that part; `metafields` are fields that take the place of the line
    `# the metafields asked for`.
    """
    chosen = "".join(kept for line in _written(name).splitlines(keepends=True) if (kept := _chosen(line, parts)))
    return chosen.replace(METAFIELDS, metafields) if metafields else chosen


@cache
def optional(name: str) -> frozenset[str]:
    """The parts that the document can do without."""
    return frozenset(marked["part"] for line in _written(name).splitlines() if (marked := _OPTIONAL.fullmatch(line)))


def digest(name: str) -> str:
    """What tells the document from what another version of SegSync sends under that name; the same whatever is left out of it."""
    return hashlib.sha256(text(name, optional(name)).encode()).hexdigest()[:12]


def _chosen(line: str, parts: frozenset[str]) -> str:
    marked = _OPTIONAL.fullmatch(line)
    if marked is None:
        return line
    return f"{marked['line']}\n" if marked["part"] in parts else ""


def _written(name: str) -> str:
    """The file's text; a line `# the nodes of NAME` stands for what the document NAME selects of each node, so that both stay alike."""
    written = (FOLDER / f"{name}.graphql").read_text(encoding="utf-8")
    return _SAME.sub(lambda found: _selection(found["name"]), written)


def _selection(name: str) -> str:
    """What stands between the braces of the document's first `nodes { … }`."""
    text = _written(name)
    begin = end = text.index("nodes {") + len("nodes {")
    depth = 1
    while depth:
        depth += {"{": 1, "}": -1}.get(text[end], 0)
        end += 1
    return text[begin : end - 1].strip()


def changes_nothing(name: str) -> bool:
    """Whether the document only reads, so that sending it twice is harmless."""
    return text(name).lstrip().startswith("query")


def batch(calls: Sequence[tuple[str, Mapping[str, Any]]]) -> tuple[str, dict[str, Any]]:
    """One document that carries out every call (a document's name with its variables), and its variables.

    The answer to `calls[n]` stands under the name `alias(n)`. Each document must hold one field with variables.
    """
    inputs: list[str] = []
    body: list[str] = []
    variables: dict[str, Any] = {}
    kind = ""
    for place, (name, values) in enumerate(calls):
        kind, taken, field = _parts(name)
        inputs.append(taken.replace("{n}", str(place)))
        body.append(f"{alias(place)}: {field.replace('{n}', str(place))}")
        variables |= {f"{key}_{place}": value for key, value in values.items()}
    newline = "\n  "
    return f"{kind} Batch({', '.join(inputs)}) {{{newline}{newline.join(body)}\n}}\n", variables


def alias(place: int) -> str:
    """The name under which a batch answers its call number `place`."""
    return f"call{place}"


@cache
def _parts(name: str) -> tuple[str, str, str]:
    found = _OPERATION.match(text(name))
    if found is None:
        raise ValueError(f"{name}.graphql cannot be part of a batch: it must be one operation with variables.")
    numbered = {part: re.sub(r"\$(\w+)", r"$\1_{n}", found[part].strip()) for part in ("inputs", "body")}
    return found["kind"], numbered["inputs"], numbered["body"]
