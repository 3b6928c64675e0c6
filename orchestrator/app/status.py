"""Is everything fine? What history and schedules say, without asking the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from orchestrator.app.chronicle import name
from orchestrator.app.opening import Workspace
from orchestrator.app.perf import perf
from orchestrator.app.scheduling import scheduling
from orchestrator.core.duration import spoken
from orchestrator.core.errors import OrcError
from orchestrator.core.event import Status
from orchestrator.core.health import Finding
from orchestrator.core.run import BAD
from orchestrator.record.history import History
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.health import health, named
from orchestrator.schedule.models import model_schedules

LOOKED_BACK = 50
"""Runs whose results are looked at: of each node the newest one counts."""

LAST = 10
"""Builds that say how long a model usually takes."""

TICKS = 200

UNDONE = BAD | {Status.SKIPPED}


def status(
    workspace: Workspace | OrcError,
    root: Path,
    target: str | None,
    history: History,
    timetable: Callable[[], Timetable | None],
    now: datetime,
) -> tuple[Finding, ...]:
    """All findings, what is wrong first. A project that cannot be read is one; ``timetable`` is ``None`` where there is no state yet."""
    found = [*_project(workspace)]
    if isinstance(workspace, Workspace):
        target = workspace.project.target.name
    found += _runs(workspace, target, history, now)
    found += _schedules(workspace, root, timetable, now)
    return tuple(sorted(found, key=lambda f: ("bad", "note", "ok").index(f.level)))


def _project(workspace: Workspace | OrcError) -> Iterator[Finding]:
    if isinstance(workspace, OrcError):
        more = f" (and {len(workspace.problems) - 1} more)" if len(workspace.problems) > 1 else ""
        yield Finding("bad", "project", f"it cannot be read: {workspace.first}{more}", "orc parse")


def _runs(workspace: Workspace | OrcError, target: str | None, history: History, now: datetime) -> Iterator[Finding]:
    runs = history.runs(1, target)
    if not runs:
        yield Finding("note", "last run", "nothing was ever run" + (f" on target `{target}`" if target else ""), "orc build")
        return
    last = runs[0]
    about = f"run {last.id[:8]} ({last.command}, {spoken((now - last.started).total_seconds())} ago) {last.status}"
    level = {"passed": "ok", "running": "ok", "cancelled": "note"}.get(last.status, "bad")
    hint = "" if level == "ok" else f"orc runs show {last.id[:8]}"
    yield Finding("bad" if level == "bad" else "note" if level == "note" else "ok", "last run", about, hint)
    nodes = workspace.graph.nodes if isinstance(workspace, Workspace) else None
    newest = [r for _, r in history.newest(last.target, LOOKED_BACK) if nodes is None or r.node in nodes]
    for kind, these in (
        ("models", [r for r in newest if r.kind not in ("test", "unit_test", "operation")]),
        ("tests", [r for r in newest if r.kind in ("test", "unit_test")]),
    ):
        broken = [name(r.node, r) for r in these if r.status in BAD]
        skipped = [name(r.node, r) for r in these if r.status in UNDONE - BAD]
        if broken:
            yield Finding("bad", kind, f"{len(broken)} of {len(these)} failed when last run: {named(broken)}", "orc retry")
        elif these and not skipped:
            yield Finding("ok", kind, f"{len(these)} of {len(these)} well when last run")
        if skipped:
            yield Finding("bad", kind, f"{len(skipped)} of {len(these)} were skipped when last run: {named(skipped)}", "orc retry")
    if isinstance(workspace, Workspace):
        slow = [t for t in perf(workspace, history, workspace.graph.nodes, LAST) if t.pace.slow]
        if slow:
            told = named([f"{t.name} ({t.pace.newest:.1f}s, usually {t.pace.p50:.1f}s)" for t in slow])
            yield Finding("note", "slow", told, "orc perf")


def _schedules(workspace: Workspace | OrcError, root: Path, timetable: Callable[[], Timetable | None], now: datetime) -> Iterator[Finding]:
    from dataclasses import replace

    try:
        spec = scheduling(root)
    except OrcError as error:
        yield Finding("bad", "schedules", f"they cannot be read: {error.first}", "orc schedule list")
        return
    if isinstance(workspace, Workspace):
        spec = replace(spec, schedules={**model_schedules(workspace.graph.nodes.values()), **spec.schedules})
    if not spec.schedules and not spec.triggers:
        return
    table = timetable()
    if table is None:
        yield Finding("note", "scheduler", "no scheduler has been here yet", "`orc serve`, or `orc schedule --once` from cron")
        return
    try:
        names = [*spec.schedules, *spec.triggers]
        last = {n: one for n in names if (one := next((x for x in table.launches(n, 20) if x.over), None)) is not None}
        yield from health(spec, table.board(), last, table.ticks(None, TICKS), now)
    finally:
        table.close()
