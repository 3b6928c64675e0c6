"""SQL text → :class:`Query`: the facts that everything after needs, read off the syntax tree once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect as SqlglotDialect
from sqlglot.errors import ParseError as SqlglotParseError
from sqlglot.errors import TokenError
from sqlglot.tokens import TokenType

from orchestrator.core import marker
from orchestrator.core.node import Query, Read
from orchestrator.sql.canon import canon
from orchestrator.sql.reads import reads


@dataclass(frozen=True, slots=True)
class Malformed(Exception):  # noqa: N818 - it is a value first: parse() raises it, the stage turns it into a Problem
    """The text is not one query: what is wrong and the offset and length of the place."""

    message: str
    position: int
    length: int = 1
    hint: str | None = None


@lru_cache(maxsize=8)
def _dialect(name: str) -> Any:
    return SqlglotDialect.get_or_raise(name)


def parse(text: str, dialect: str, quote: str = '"') -> Query:
    """Read one query. ``dialect`` is sqlglot's name of the engine's dialect, ``quote`` its identifier quote.

    The query's ``sql`` is the author's text without a closing semicolon; nothing else is touched.

    Raises:
        Malformed: no statement, several statements, a syntax error, or a statement that is not a query.
    """
    engine = _dialect(dialect)
    try:
        tokens = engine.tokenize(text)
    except TokenError as error:
        position = _open_quote(text)
        raise Malformed(_sentence(str(error.args[0])), position, hint="is a quote or comment left open?") from None
    tokens, end = _without_semicolons(tokens, text)
    if not tokens:
        raise Malformed("there is no SQL in this file", 0, hint="write one SELECT, or delete the file")
    _refuse_second_statement(tokens)
    try:
        tree = engine.parser().parse(tokens, text)[0]
    except SqlglotParseError as error:
        raise _syntax(error, text) from None
    if not isinstance(tree, exp.Query | exp.Values | exp.Pivot | exp.Summarize):
        first = tokens[0]
        raise Malformed(
            f"a model is one query; this is a `{first.text.upper()}` statement",
            first.start,
            len(first.text),
            hint="write the SELECT only: orc creates the table or view around it",
        )
    return Query(
        sql=text[:end],
        reads=reads(tree, text, quote),
        columns=_columns(tree),
        with_at=_with_at(tokens),
        canon=canon(text[:end]),
    )


def opaque(text: str, quote: str = '"') -> Query:
    """The facts of a query that is not to be parsed: its markers are all that is known."""
    body = text.rstrip().rstrip(";")
    found = tuple(Read(m.payload, m.start, m.end) for m in marker.find(body, quote))
    starts = body.lstrip()[:5].lower() == "with "
    return Query(body, found, with_at=body.lower().index("with") + 4 if starts else None, canon=canon(body))


def _without_semicolons(tokens: list[Any], text: str) -> tuple[list[Any], int]:
    end = len(text)
    while tokens and tokens[-1].token_type == TokenType.SEMICOLON:
        end = tokens[-1].start
        tokens = tokens[:-1]
    return tokens, end


def _refuse_second_statement(tokens: list[Any]) -> None:
    for i, token in enumerate(tokens):
        if token.token_type == TokenType.SEMICOLON:
            second = tokens[i + 1]
            raise Malformed(
                "a model is one query; a second statement starts here",
                second.start,
                len(second.text),
                hint="put it into a model of its own, or into a pre_hook / post_hook",
            )


def _columns(tree: exp.Expr) -> tuple[str, ...] | None:
    if not isinstance(tree, exp.Query):
        return None
    names = tuple(tree.named_selects)
    return None if not names or any(n in ("*", "") for n in names) else names


def _with_at(tokens: list[Any]) -> int | None:
    if tokens[0].token_type != TokenType.WITH:
        return None
    recursive = len(tokens) > 1 and tokens[1].token_type == TokenType.RECURSIVE
    return int(tokens[1 if recursive else 0].end) + 1


def _syntax(error: SqlglotParseError, text: str) -> Malformed:
    first = error.errors[0] if error.errors else {}
    highlight = str(first.get("highlight") or "")
    before = str(first.get("start_context") or "")
    around = before + highlight + str(first.get("end_context") or "")
    at = text.find(around) if around else -1
    position = at + len(before) if at >= 0 else max(len(text) - 1, 0)
    message = _sentence(str(first.get("description") or error))
    return Malformed(f"{message} near `{highlight}`" if highlight else message, position, max(len(highlight), 1))


def _sentence(message: str) -> str:
    """One plain line, without sqlglot's class names."""
    line = message.split("\n", 1)[0].split(" for <class", 1)[0].rstrip(". ")
    if line.startswith("Required keyword:"):
        return "syntax error: something is missing"
    return "syntax error: " + line[:1].lower() + line[1:]


def _open_quote(text: str) -> int:
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
    return 0
