"""Matters of style, as sqlfluff sees them: it reads what is sent, and only what its author wrote is told of."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestrator.app import Workspace
from orchestrator.app.opening import text_of
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.files import Span
from orchestrator.core.node import Node, Query, Read, SqlBody
from orchestrator.core.plan import Origin
from orchestrator.graph.judging import Doubt
from orchestrator.sql.splice import splice
from orchestrator.sql.style import INDENT, LAYOUT, NoSqlfluff, Style, style

_PLAIN = re.compile(r"[^\W\d]\w*")
_LEFT = frozenset({"LT12", "LT13", "LT15", "ST03"})
"""Rules about a file's edges and blank lines, which rendering changes, and those that are ours, too (S301)."""


def stylist(workspace: Workspace) -> Style:
    """The judge for a project's dialect.

    Raises:
        UsageError: U042, sqlfluff is not installed.
    """
    try:
        return style(workspace.dialect.sqlglot)
    except NoSqlfluff:
        raise UsageError(Problem("U042", "sqlfluff is not installed", None, "pip install 'sql-orchestrator[lint]'")) from None


def styled(workspace: Workspace, node: Node, body: SqlBody, judge: Style) -> tuple[Doubt, ...] | None:
    """What sqlfluff says of a query, at the template's places; ``None`` when it cannot read it.

    Left out is all that came out of an expression or a macro, and what is said of the layout of lines that the template does not
    have like that.
    """
    spliced = splice(body.query, lambda read: _called(read, body.query, workspace.dialect.quote_char))
    found = judge(spliced.sql, str(workspace.invocation.root / node.path))
    if found is None:
        return None
    origin = Origin(node.id, spliced.pieces)
    place = workspace.places(node.id)
    template = text_of(workspace.project, node.path).split("\n")
    sent = spliced.sql.split("\n")
    blocks = any("{%" in line for line in template)

    def doubts() -> Iterator[Doubt]:
        for one in found:
            offset = origin.rendered(one.start)
            if offset is None or one.code in _LEFT:
                continue
            span, trail = place(offset)
            if trail or span.path != node.path or span.line > len(template):
                continue
            line = template[span.line - 1]
            at = spliced.sql.count("\n", 0, one.start)
            if one.code == INDENT and blocks:
                continue
            if one.code.startswith(LAYOUT):
                if line != sent[at] or (at and span.line > 1 and template[span.line - 2] != sent[at - 1]):
                    continue
            elif line[span.column - 1 : span.column] != spliced.sql[one.start : one.start + 1]:
                continue
            length = min(one.end - one.start, max(len(line) - span.column + 1, 1))
            yield Doubt(Problem(one.code, one.message, Span(span.path, span.line, span.column, length), node=node.name), span.line)

    return tuple(doubts())


def _called(read: Read, query: Query, quote: str) -> str | None:
    """The plain name that a marker stands for."""
    written = query.sql[read.start : read.end]
    if not written.startswith(f"{quote}__orc{quote}"):
        return None
    name = written.rpartition(".")[2]
    bare = name.strip(quote)
    return bare if _PLAIN.fullmatch(bare) else name
