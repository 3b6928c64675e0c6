"""Canonical text: equal for two queries that differ in comments, layout or keyword case only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.core.files import digest

_QUOTES = frozenset("'\"`$")


def canon(sql: str, tokens: Sequence[Any] | None = None) -> str:
    """A digest of the ``tokens`` of ``sql``, as the dialect's tokenizer cut them; without them, of the text but for its edges.

    Tokens, not the syntax tree: they are at hand anyway, and every model of every parse pays for this. What ends in a quote
    keeps its case (strings, quoted names, prefixed and dollar-quoted strings alike), everything else is folded.

    >>> canon("select 1 ") == canon("select 1"), canon("select 'A'") == canon("select 'a'")
    (True, False)
    """
    if tokens is None:
        return digest(sql.strip().encode())
    words = [word if (word := sql[token.start : token.end + 1])[-1:] in _QUOTES else word.lower() for token in tokens]
    return digest("\x1f".join(words).encode())
