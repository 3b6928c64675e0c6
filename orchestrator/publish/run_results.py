"""``run_results.json``: what became of each node, in the shape of dbt's version 6."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from orchestrator.core.event import NodeFinished, Status, plain
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.run import Run
from orchestrator.publish.facts import Facts, instant

SCHEMA = "run-results/v6"
_KINDS = (("X1", "Database"), ("W", "Database"), *((c, "Compilation") for c in ("X31", "X35", "X36", "R", "P", "L", "N")))
"""Beginnings of problem codes: what the warehouse refused, and what was found wrong without its refusal."""
_NOT_DONE = (Status.SKIPPED, Status.CANCELLED, Status.REUSED, Status.NOTHING)


def run_results(run: Run, graph: Graph, facts: Facts) -> dict[str, Any]:
    """The artifact as plain data, results in order of completion."""
    return {
        "metadata": {**facts.metadata(SCHEMA), "invocation_id": run.id or facts.invocation},
        "results": [_result(event, graph, facts) for event in run.results],
        "elapsed_time": plain(run.seconds) or 0.0,
        "args": {**plain(run.arguments), "which": run.command, "invocation_command": f"orc {run.command}"},
    }


def _result(event: NodeFinished, graph: Graph, facts: Facts) -> dict[str, Any]:
    node = graph.nodes.get(event.node)
    compiled = facts.compiled.get(event.node) or event.sql
    has_sql = node is not None and node.kind != "seed" and event.status not in _NOT_DONE
    return {
        "status": event.outcome,
        "timing": _timing(event),
        "thread_id": event.thread,
        "execution_time": plain(event.seconds) or 0.0,
        "adapter_response": plain(event.response),
        "message": _message(event, node),
        "failures": event.failures,
        "unique_id": event.node,
        "compiled": compiled is not None if has_sql else None,
        "compiled_code": compiled if has_sql else None,
        "relation_name": facts.relation_name(node) if node else None,
        "batch_results": _batches(event),
    }


def _batches(event: NodeFinished) -> dict[str, list[list[str]]] | None:
    """The intervals of a model that is built by interval."""
    if event.batches is None:
        return None
    return {how: [[start.isoformat(), end.isoformat()] for start, end in event.batches.get(how, ())] for how in ("successful", "failed")}


def _message(event: NodeFinished, node: Node | None) -> str | None:
    if event.status not in (Status.FAILED, Status.CRASHED) or event.failures is not None or not event.problem or node is None:
        return _said(event) or None
    heading = f"{_blamed(event.problem.code)} Error in {node.kind.replace('_', ' ')} {node.name} ({node.path})"
    return "\n".join([heading, *(f"  {line}".rstrip() for line in _said(event).splitlines())])


def _said(event: NodeFinished) -> str:
    if event.problem and event.problem.message not in event.message:
        return f"{event.message}\n{event.problem}".strip()
    return event.message


def _blamed(code: str) -> str:
    """Which of dbt's kinds of error a problem is: those who read the artifact sort messages by their first words.

    >>> [_blamed(code) for code in ("X102", "X310", "R002", "X201")]
    ['Database', 'Compilation', 'Compilation', 'Runtime']
    """
    return next((kind for start, kind in _KINDS if code.startswith(start)), "Runtime")


def _timing(event: NodeFinished) -> list[dict[str, Any]]:
    if event.status in _NOT_DONE:
        return []
    seconds: float = plain(event.seconds) or 0.0
    started = event.started or event.at - timedelta(seconds=seconds)
    # Compiling happened before the run; readers expect the phase to be listed.
    return [
        {"name": "compile", "started_at": instant(started), "completed_at": instant(started)},
        {"name": "execute", "started_at": instant(started), "completed_at": instant(started + timedelta(seconds=seconds))},
    ]
