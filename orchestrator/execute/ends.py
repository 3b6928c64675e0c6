"""The events that say how a task and its tests ended."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

from orchestrator.core.errors import Problem
from orchestrator.core.event import NodeFinished, Status
from orchestrator.core.plan import Task, Verdict
from orchestrator.execute.judge import sentence
from orchestrator.execute.workshop import Workshop


def judged(
    verdict: Verdict, failures: float, status: Status, shop: Workshop, seconds: float, started: datetime, sql: str, detail: str
) -> NodeFinished:
    """How a test ended that was judged."""
    node = shop.graph.nodes[verdict.test]
    message = detail if status is Status.PASSED or detail else sentence(verdict, failures, status)
    problem = Problem("X303", message, node.span, node=node.id) if status is Status.FAILED else None
    inspect = verdict.inspect or None if status in (Status.FAILED, Status.WARNED) else None
    thread = threading.current_thread().name
    return NodeFinished(
        shop.clock.now(),
        node.id,
        node.kind,
        node.name,
        0,
        status,
        seconds,
        thread,
        message,
        failures=int(failures),
        sql=sql,
        inspect=inspect,
        problem=problem,
        started=started,
    )


def test_end(test: str, shop: Workshop, status: Status, message: str, problem: Problem | None, because: str | None) -> NodeFinished:
    """How a test ended that was not judged."""
    node = shop.graph.nodes[test]
    return NodeFinished(
        shop.clock.now(),
        test,
        node.kind,
        node.name,
        0,
        status,
        0.0,
        threading.current_thread().name,
        message,
        problem=problem,
        because=because if status is Status.SKIPPED else None,
    )


def finished(task: Task, shop: Workshop, status: Status, seconds: float, **more: Any) -> NodeFinished:
    """How a node ended."""
    thread = threading.current_thread().name
    relation = str(task.relation) if task.relation else None
    return NodeFinished(shop.clock.now(), task.node, task.kind, task.label, 0, status, seconds, thread, relation=relation, **more)
