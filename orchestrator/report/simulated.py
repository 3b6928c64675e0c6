"""Runs on paper as a table: what so many threads would take."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.forecast import Forecast
from orchestrator.graph.simulate import Simulated
from orchestrator.report.planned import shown_seconds
from orchestrator.report.table import table

STEPS = 8
"""How many steps of the critical path are named."""


def simulated(found: Sequence[Simulated], forecast: Forecast, names: Mapping[str, str], *, width: int | None = None) -> str:
    """A row for each number of threads, the critical path, and how much of it is history."""
    rows = [(s.threads, shown_seconds(s.makespan), f"{s.busy:.0%}", _spare(s)) for s in found]
    lines = [table(("threads", "takes", "busy", "over the least possible"), rows, width=width), ""]
    if found:
        path = found[0].path
        longest = sorted(path, key=lambda id_: -forecast.seconds[id_])[:STEPS]
        steps = [f"{names.get(id_, id_)} {shown_seconds(forecast.seconds[id_])}" for id_ in path if id_ in longest]
        rest = f" (the {STEPS} longest of {len(path)} steps)" if len(path) > len(steps) else ""
        lines.append(f"Critical path {shown_seconds(found[0].bound)}{rest}: {' → '.join(steps)}")
    total = len(forecast.seconds)
    unknown = "" if forecast.known == total else f"; {total - forecast.known} of {total} never ran here, and are taken for middling ones"
    return "\n".join([*lines, f"As long as the last builds took{unknown}"])


def as_json(found: Sequence[Simulated], forecast: Forecast) -> str:
    """The same for programs; times in seconds."""
    rows: list[dict[str, Any]] = [
        {"threads": s.threads, "makespan": s.makespan, "utilisation": s.busy, "least": s.least, "work": s.work} for s in found
    ]
    path = [{"node": id_, "seconds": forecast.seconds[id_]} for id_ in found[0].path] if found else []
    told = {"runs": rows, "critical_path": path, "critical_seconds": found[0].bound if found else None}
    return json.dumps({**told, "known": forecast.known, "tasks": len(forecast.seconds)}, indent=2)


def _spare(one: Simulated) -> str:
    more = one.makespan / one.least - 1 if one.least else 0.0
    return f"+{more:.0%}"
