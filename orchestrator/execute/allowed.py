"""A task that failed, and may: ``on_failure: skip``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from orchestrator.core.event import Event, NodeFinished, Noted, Status

if TYPE_CHECKING:
    from orchestrator.core.plan import Task
    from orchestrator.execute.task import Outcome
    from orchestrator.execute.workshop import Workshop

MAY = "failed, and may (on_failure: skip)"
"""What is said of it: before its own message, and to what reads it."""

_ENDS = (Status.FAILED, Status.CRASHED)


def allowed(outcome: Outcome, shop: Workshop) -> Outcome:
    """An outcome as a failure that fails nothing else, if its task may fail; any other as it is.

    Not *warned*: that is a node which was built. A node of which some intervals were built is partly there, and stays a failure.
    """
    own = outcome.task.node
    ends = [e for e in outcome.events if isinstance(e, NodeFinished) and e.node == own and e.status in _ENDS and e.problem]
    if not outcome.task.allowed or outcome.ok or not ends:
        return outcome
    told: list[Event] = []
    for event in outcome.events:
        if event not in ends or not isinstance(event, NodeFinished):
            told.append(warned(event, outcome.task))
            continue
        problem = replace(event.problem, severity="warning") if event.problem else None
        told.append(replace(event, status=Status.SKIPPED, message=f"{MAY}: {event.message}", problem=problem))
        said = f"{shop.graph.nodes[own].name} {MAY}: {event.message}"
        told.append(Noted(shop.clock.now(), "warn", said, own))
    return replace(outcome, events=tuple(told), word=MAY, declined=True, excused=True)


def warned(event: Event, task: Task) -> Event:
    """A failed test of a task that may fail keeps it from being published, and is a warning."""
    if isinstance(event, NodeFinished) and event.node in task.tests and event.status in _ENDS:
        problem = replace(event.problem, severity="warning") if event.problem else None
        return replace(event, status=Status.WARNED, problem=problem)
    return event
