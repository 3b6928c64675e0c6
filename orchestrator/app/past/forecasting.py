"""A plan with what its tasks will take, where somebody remembers what they took."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

from orchestrator.core.plan import Plan


@runtime_checkable
class Remembers(Protocol):
    """Who heard of earlier runs."""

    def durations(self, target: str, nodes: Sequence[str]) -> Mapping[str, tuple[float, ...]]:
        """What the last good builds of nodes on a target took, in seconds."""
        ...


def forecasting(plan: Plan, target: str, listeners: Iterable[object]) -> Plan:
    """The plan with its forecast; as it is when it has nothing to order, or nobody among ``listeners`` remembers."""
    from orchestrator.plan.forecast import forecast

    history = next((each for each in listeners if isinstance(each, Remembers)), None)
    if history is None or len(plan.tasks) < 2:
        return plan
    return replace(plan, forecast=forecast(plan.tasks, history.durations(target, [task.node for task in plan.tasks])))
