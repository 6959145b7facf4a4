"""Text to tokens in one pattern: the terminals of `grammar.lark`, in a fraction of the time of the general lexer.

The grammar's terminals never overlap, save that a keyword looks like a name; so the words are told apart by a table and no state of the
parser is needed. Each value's own pattern is read from the grammar, which stays the only definition.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark import Token
from lark.common import LexerConf
from lark.exceptions import UnexpectedCharacters
from lark.lexer import Lexer, LexerState

# A keyword and its terminal. The grammar spells out the same; a test compares the two lexers.
KEYWORDS = {
    **{word: f"_{word}" for word in ("AND", "OR", "BETWEEN", "IN", "CONTAINS", "STARTS", "ENDS", "WITH", "IS", "MATCHES", "THEN", "WITHIN")},
    "NOT": "NOT",
    "NULL": "NULL",
    "TOP": "EDGE",
    "BOTTOM": "EDGE",
    "TRUE": "FLAG",
    "FALSE": "FLAG",
    **dict.fromkeys(("TODAY", "YESTERDAY", "NOW"), "NAMED"),
}
SIGNS = {"(": "_LPAR", ")": "RPAR", ",": "_COMMA", ":": "_COLON", "%": "PERCENT"}
WORD = r"(?P<WORD>[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*)*)"
VALUES = ("NUMBER", "DATE", "DATETIME", "OFFSET", "DURATION", "OLD_NAMED")
CONTINUED = re.compile(r"[\w.]")


class RuleLexer(Lexer):
    """The lexer that Lark is given. Raises UnexpectedCharacters where no terminal begins."""

    __future_interface__ = 2

    def __init__(self, lexer_conf: LexerConf) -> None:
        """Build the one pattern from the grammar's terminals."""
        terminals = {terminal.name: terminal.pattern.to_regexp() for terminal in lexer_conf.terminals}
        named = (f"(?P<{name}>{terminals[name]})" for name in ("STRING", *VALUES))
        parts = (f"(?P<SPACE>{terminals['SPACE']})", WORD, r"(?P<SIGN>[(),:%])", f"(?P<COMPARE>{terminals['COMPARE']})", *named)
        self._pieces = re.compile("|".join((*parts, "(?P<BAD>.)")), re.DOTALL).finditer

    def lex(self, lexer_state: LexerState, _parser_state: Any) -> Iterator[Token]:
        """The tokens of a whole text, each with its place; no token spans lines."""
        text: str = lexer_state.text.text
        keyword, make, size = KEYWORDS.get, str.__new__, len(text)
        line, line_start = 1, 0
        for found in self._pieces(text):
            kind = found.lastgroup
            if kind == "SPACE":
                if "\n" in (space := found.group()):
                    line += space.count("\n")
                    line_start = found.start() + space.rindex("\n") + 1
                continue
            value = found.group()
            start, stop = found.span()
            if kind == "SIGN":
                kind = SIGNS[value]
            elif kind == "WORD":
                kind = keyword(value.upper(), "NAME")
                if kind != "NAME" and stop < size and CONTINUED.match(text, stop):
                    kind = "NAME"
            elif kind == "BAD":
                raise UnexpectedCharacters(text, start, line, start - line_start + 1)  # type: ignore[no-untyped-call]  # the library ships no types
            # What Token() does, without its two calls.
            token = make(Token, value)
            token.type, token.value, token.start_pos, token.end_pos = kind or "", value, start, stop
            token.line, token.column, token.end_line, token.end_column = line, start - line_start + 1, line, stop - line_start + 1
            lexer_state.last_token = token
            yield token
