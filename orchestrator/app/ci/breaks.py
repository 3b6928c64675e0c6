"""What breaks, led to the lines that rely on it."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.node import Node
from orchestrator.core.review import Breaking
from orchestrator.graph.breaking import Broken

CODE = "U063"


def breaks(workspace: Workspace, found: Iterable[Broken]) -> dict[str, tuple[Breaking, ...]]:
    """Breaking changes by the node that breaks others."""
    made: dict[str, list[Breaking]] = {}
    for one in found:
        made.setdefault(one.node, []).append(_led(workspace, one))
    return {id_: tuple(some) for id_, some in made.items()}


def _led(workspace: Workspace, one: Broken) -> Breaking:
    reader = workspace.graph.nodes[one.reader]
    span, trail = (reader.span, ()) if one.start < 0 else _place(workspace, one)
    if one.reader == one.node:
        return Breaking(one.what, "", Problem(CODE, one.what, _described(workspace, reader), node=reader.id))
    message = f"{one.what}, and {_said(reader)} reads it" + (f" (owner: {one.owner})" if one.owner else "")
    return Breaking(one.what, reader.name, Problem(CODE, message, span, None, trail, node=reader.id), one.owner)


def _place(workspace: Workspace, one: Broken) -> tuple[Span, tuple[tuple[str, Span], ...]]:
    span, trail = workspace.place(one.reader, one.start)
    last, _ = workspace.place(one.reader, max(one.end - 1, one.start))
    if (last.path, last.line) == (span.path, span.line) and last.column >= span.column:
        return Span(span.path, span.line, span.column, last.column - span.column + 1), trail
    return span, trail


def _described(workspace: Workspace, node: Node) -> Span:
    """Where a node's columns are written."""
    docs = workspace.graph.bodies[node.id].docs
    return Span(docs.patch_path.rpartition("://")[2], docs.line) if docs.patch_path else node.span


def _said(node: Node) -> str:
    return f"the {node.kind.replace('_', ' ')} `{node.name}`"


def allowed(node: Node) -> bool:
    """Whether a node's author says that others are to follow: `meta: {allow_breaking: true}`."""
    meta = node.config.get("meta")
    return bool(meta.get("allow_breaking")) if isinstance(meta, dict) else False
