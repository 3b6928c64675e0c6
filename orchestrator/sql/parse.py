"""SQL text → :class:`Query`: the facts that everything after needs, read off the syntax tree once."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.errors import ParseError as SqlglotParseError
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

from orchestrator.core import marker
from orchestrator.core.errors import did_you_mean
from orchestrator.core.node import Query, Read
from orchestrator.sql.canon import canon
from orchestrator.sql.reads import reads

DEEPEST = 400
"""Parentheses inside each other; sqlglot's compiled parser would end the process at some thousands."""

_WITH = re.compile(r"(?:\s|--[^\n]*\n|/\*.*?\*/)*with(?:\s+recursive)?\b", re.IGNORECASE | re.DOTALL)


class Malformed(Exception):  # noqa: N818 - parse() raises it, the stage turns it into a Problem
    """The text is not one query: what is wrong, and the offset and length of the place."""

    def __init__(self, message: str, position: int, length: int = 1, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.length = length
        self.hint = hint


@lru_cache(maxsize=8)
def _dialect(name: str) -> Any:
    # What sqlglot warns of ends as a Malformed or does not matter; nobody asked for it on the console.
    logging.getLogger("sqlglot").addHandler(logging.NullHandler())
    return SqlglotDialect.get_or_raise(name)


def parse(text: str, dialect: str, quote: str = '"') -> Query:
    """Read one query. ``dialect`` is sqlglot's name of the engine's dialect, ``quote`` its identifier quote.

    The query's ``sql`` is the author's text without a closing semicolon; nothing else is touched.

    Raises:
        Malformed: no statement, several statements, a syntax error, or a statement that is not a query.
    """
    tree, tokens, end, arrays = _read(text, dialect)
    body = text[:end]
    return Query(
        sql=body,
        reads=reads(tree, text, quote, arrays=arrays),
        columns=columns(tree),
        with_at=_with_at(tokens),
        canon=canon(body, tokens),
    )


def syntax(text: str, dialect: str) -> exp.Expr:
    """The syntax tree of one query, for questions that :func:`parse` does not answer.

    Raises:
        Malformed: as :func:`parse`.
    """
    return _read(text, dialect)[0]


def _read(text: str, dialect: str) -> tuple[exp.Expr, list[Any], int, bool]:
    """The tree, its tokens, where the query ends, and whether FROM may name arrays."""
    engine = _dialect(dialect)
    try:
        tokens = engine.tokenize(text)
    except TokenError:
        raise _unclosed(text) from None
    tokens, end = _without_semicolons(tokens, text)
    if not tokens:
        raise Malformed("there is no SQL in this file", 0, hint="write one SELECT, or delete the file")
    if ";" in text[:end]:
        _refuse_second_statement(tokens)
    _refuse_depth(tokens, text)
    parser = engine.parser()
    try:
        tree = parser.parse(tokens, text)[0]
    except SqlglotParseError as error:
        raise _syntax(error, tokens) from None
    except RecursionError:
        raise _too_deep(tokens[0]) from None
    if not isinstance(tree, exp.Query | exp.Values | exp.Pivot | exp.Summarize):
        raise _not_a_query(tree, tokens)
    return tree, tokens, end, bool(parser.SUPPORTS_IMPLICIT_UNNEST)


def tree_of(sql: str, dialect: str) -> tuple[exp.Expr, list[Any]]:
    """The syntax tree of a query that :func:`parse` has read before, and its tokens."""
    engine = _dialect(dialect)
    tokens = engine.tokenize(sql)
    tree = engine.parser().parse(tokens, sql)[0]
    if tree is None:
        raise AssertionError("a query that was parsed before has no tree")
    return tree, tokens


def opaque(text: str, quote: str = '"') -> Query:
    """The facts of a query that is not to be parsed: its markers are all that is known."""
    body = text.rstrip().rstrip(";")
    found = tuple(Read(m.payload, m.start, m.end) for m in marker.find(body, quote))
    clause = _WITH.match(body)
    return Query(body, found, with_at=clause.end() if clause else None, canon=canon(body))


def _without_semicolons(tokens: list[Any], text: str) -> tuple[list[Any], int]:
    end = len(text)
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        end = tokens[-1].start
        tokens = tokens[:-1]
    return tokens, end


def _refuse_second_statement(tokens: list[Any]) -> None:
    semicolons = [i for i, token in enumerate(tokens) if token.token_type == TokenType.SEMICOLON]
    if semicolons:
        second = next(t for t in tokens[semicolons[0] :] if t.token_type != TokenType.SEMICOLON)
        raise Malformed(
            "a model is one query; a second statement starts here" if semicolons[0] else "a semicolon stands before the query",
            second.start if semicolons[0] else tokens[0].start,
            len(second.text) if semicolons[0] else 1,
            hint="put it into a model of its own, or into a pre_hook / post_hook" if semicolons[0] else "delete it",
        )


def _refuse_depth(tokens: list[Any], text: str) -> None:
    if text.count("(") <= DEEPEST:
        return
    depth = 0
    for token in tokens:
        depth += (token.token_type == TokenType.L_PAREN) - (token.token_type == TokenType.R_PAREN)
        if depth > DEEPEST:
            raise _too_deep(token)


def _too_deep(token: Any) -> Malformed:
    return Malformed("this query is nested too deeply to be read", token.start, hint="split it into models or CTEs")


def _not_a_query(tree: Any, tokens: list[Any]) -> Malformed:
    what = tokens[0].text if tree is None or isinstance(tree, exp.Command) else tree.key
    first = next((t for t in tokens if t.text.upper() == what.upper()), tokens[0])
    return Malformed(
        f"a model is one query; this is a `{first.text.upper()}` statement",
        first.start,
        len(first.text),
        hint="write the SELECT only: orc creates the table or view around it",
    )


def columns(tree: exp.Expr) -> tuple[str, ...] | None:
    """Output names where the author wrote them; ``None`` when one is a star or left to the engine (they differ in it)."""
    while isinstance(tree, exp.SetOperation) and not tree.args.get("by_name"):
        tree = tree.this
    match tree:
        case exp.SetOperation():
            left, right = columns(tree.this), columns(tree.expression)
            return None if left is None or right is None else tuple(dict.fromkeys([*left, *right]))
        case exp.Subquery():
            return None if tree.args.get("pivots") else columns(tree.this)
        case exp.Select() if not tree.args.get("kind"):  # BigQuery's SELECT AS STRUCT
            names = [_column(projection) for projection in tree.expressions]
            return None if not names or None in names else tuple(n for n in names if n is not None)
        case _:
            return None


def _column(projection: exp.Expr) -> str | None:
    match projection:
        case exp.Alias():
            return projection.alias or None
        case exp.Column() | exp.Dot() if not projection.is_star:
            return projection.output_name or None
        case _:
            return None


def _with_at(tokens: list[Any]) -> int | None:
    if tokens[0].token_type != TokenType.WITH:
        return None
    recursive = len(tokens) > 1 and tokens[1].token_type == TokenType.RECURSIVE
    return int(tokens[1 if recursive else 0].end) + 1


_STARTS = ("select", "with", "from", "values", "pivot", "unpivot", "summarize", "table")
_CLAUSES = ("from", "where", "group", "order", "having", "limit", "join", "union", "qualify", "window")


def _syntax(error: SqlglotParseError, tokens: list[Any]) -> Malformed:
    first = error.errors[0] if error.errors else {}
    place = (first.get("line"), first.get("col"))
    at = next((i for i, t in enumerate(tokens) if (t.line, t.col) == place), len(tokens) - 1)
    if tokens[0].token_type == TokenType.VAR:
        start = tokens[0]
        return Malformed(
            f"syntax error: no query starts with `{start.text}`", start.start, len(start.text), did_you_mean(start.text, _STARTS)
        )
    # A misspelt clause reads as an alias; what follows it is what does not fit.
    hint = did_you_mean(tokens[at - 1].text, _CLAUSES) if at and tokens[at - 1].token_type == TokenType.VAR else None
    token = tokens[at - 1] if hint else tokens[at]
    message = f"{_sentence(str(first.get('description') or error))} near `{token.text}`"
    return Malformed(message, token.start, token.end + 1 - token.start, hint)


_WORDS = (
    (r"Required keyword:.*|Expected \w+ but got.*|.*SENTINEL.*|.*<class .*", "something is missing"),
    (r"Invalid expression / Unexpected token", "this does not belong here"),
    (r"Expecting (\S+)", r"`\1` is missing"),
    (r"Expected (.+?)(?: but got .*)?", r"\1 is missing"),
)
"""sqlglot's sentences, and ours."""


def _sentence(message: str) -> str:
    """One plain line, without sqlglot's class names."""
    line = message.split("\n", 1)[0].rstrip(". ")
    for pattern, ours in _WORDS:
        found = re.fullmatch(pattern, line)
        if found:
            return "syntax error: " + found.expand(ours)
    return "syntax error: " + line[:1].lower() + line[1:]


def _unclosed(text: str) -> Malformed:
    position = _open_quote(text)
    if position is None:
        return Malformed("syntax error: a quote or a comment is never closed", max(len(text.rstrip()) - 1, 0))
    what = "comment" if text.startswith("/*", position) else "quote"
    return Malformed(
        f"syntax error: this {what} is never closed", position, 2 if what == "comment" else 1, f"close the {what} where it ends"
    )


def _open_quote(text: str) -> int | None:
    """Where the quote or comment that never closes opens (sqlglot's tokenizer gives no position)."""
    position, size = 0, len(text)
    while position < size:
        two = text[position : position + 2]
        if two == "--":
            stop = text.find("\n", position)
            position = size if stop < 0 else stop
        elif two == "/*":
            stop = text.find("*/", position + 2)
            if stop < 0:
                return position
            position = stop + 1
        elif text[position] in "'\"`":
            stop = text.find(text[position], position + 1)
            if stop < 0:
                return position
            position = stop
        position += 1
    return None
