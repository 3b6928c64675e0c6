"""How long each task of a plan will take, from how long it took before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from orchestrator.core.forecast import Forecast
from orchestrator.core.plan import Task

TESTS = ("test", "unit_test")


def forecast(tasks: Sequence[Task], past: Mapping[str, Sequence[float]]) -> Forecast:
    """The median of what each task took; of one that nobody knows yet, a middling one of its kind (tests, or all else).

    >>> task = lambda id_: Task(f"model.p.{id_}", "model", id_, ())
    >>> forecast([task("a"), task("b"), task("c")], {"model.p.a": (1.0, 3.0, 2.0), "model.p.b": (4.0,)}).seconds["model.p.c"]
    3.0
    """
    known = {task.node: median(past[task.node]) for task in tasks if past.get(task.node)}
    if not known:
        return Forecast()
    usual = median(known.values())
    kinds = {task.kind in TESTS for task in tasks}
    same = {kind: [known[t.node] for t in tasks if t.node in known and (t.kind in TESTS) == kind] for kind in kinds}
    middling = {kind: median(values) if values else usual for kind, values in same.items()}
    seconds = {task.node: known.get(task.node, middling[task.kind in TESTS]) for task in tasks}
    return Forecast(seconds, {task.node: task.needs for task in tasks}, len(known))
