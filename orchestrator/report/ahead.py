"""How much longer a run will take, from what its tasks took before."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from orchestrator.core.forecast import Forecast
from orchestrator.graph.order import order
from orchestrator.graph.simulate import simulate


def ahead(forecast: Forecast, ended: Collection[str], running: Mapping[str, float], threads: int) -> float:
    """Seconds until the last task ends. ``running`` are the tasks under way, with the seconds each has had.

    >>> forecast = Forecast({"a": 4.0, "b": 2.0}, {"a": (), "b": ("a",)}, 2)
    >>> ahead(forecast, (), {}, 4), ahead(forecast, (), {"a": 3.0}, 4), ahead(forecast, ("a",), {"b": 5.0}, 4)
    (6.0, 3.0, 0.0)
    """
    needs = {task: before for task, before in forecast.needs.items() if task not in ended}
    seconds = {task: max(forecast.seconds[task] - running.get(task, 0.0), 0.0) for task in needs}
    first = [*(task for task in needs if task in running), *(task for task in order(needs, seconds) if task not in running)]
    return simulate(needs, seconds, max(threads, len(running), 1), first).makespan
