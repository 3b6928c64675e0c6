"""What the warehouse said about a statement, as a problem at the place its author wrote."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import ExecuteError, OrcError, Problem
from orchestrator.core.plan import Statement


def explainer(workspace: Workspace) -> Callable[[ExecuteError, Statement | None, str], Problem]:
    """``(error, statement, node)`` → problem. A position in the author's part of the statement leads to the template line."""

    def explain(error: ExecuteError, statement: Statement | None, node: str) -> Problem:
        problem = replace(error.first, node=node)
        if problem.span is not None:
            return problem
        declared = workspace.graph.nodes[node].span
        origin = statement.origin if statement else None
        if origin is None or error.position is None:
            return replace(problem, span=declared)
        offset = origin.rendered(error.position)
        if offset is None:
            return replace(problem, span=declared)
        try:
            span, trail = workspace.place(origin.node, offset, incremental=origin.incremental)
        except OrcError:
            return replace(problem, span=declared)
        return replace(problem, span=replace(span, length=_word(statement, error.position)), trail=trail)

    return explain


def _word(statement: Statement | None, position: int) -> int:
    """The length of the word at ``position``, for the caret line."""
    text = statement.sql[position:] if statement else ""
    end = next((i for i, c in enumerate(text) if not (c.isalnum() or c in "_.")), len(text))
    return max(end, 1)
