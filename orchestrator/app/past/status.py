"""Is everything fine? What history and schedules say, without asking the warehouse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from orchestrator.app.fresh.probing import limited
from orchestrator.app.opening import Workspace
from orchestrator.app.past.chronicle import name
from orchestrator.app.past.perf import perf
from orchestrator.app.schedules.scheduling import scheduling
from orchestrator.core.duration import spoken
from orchestrator.core.errors import OrcError
from orchestrator.core.event import Status
from orchestrator.core.health import Finding
from orchestrator.core.run import BAD
from orchestrator.record.database import Place
from orchestrator.record.history import History
from orchestrator.record.outbox import Outbox
from orchestrator.record.probes import Probes
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
    workspace: Workspace | OrcError, root: Path, target: str | None, history: History, place: Place | None, now: datetime
) -> tuple[Finding, ...]:
    """All findings, what is wrong first. A project that cannot be read is one; ``place`` of the state is ``None`` where there is none."""
    found = [*_project(workspace)]
    if isinstance(workspace, Workspace):
        target = workspace.project.target.name
    found += _runs(workspace, target, history, now)
    found += _schedules(workspace, root, place, now)
    if place is not None:
        found += _sources(workspace, place, now)
        found += _alerts(place)
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


def _schedules(workspace: Workspace | OrcError, root: Path, place: Place | None, now: datetime) -> Iterator[Finding]:
    try:
        spec = scheduling(root)
    except OrcError as error:
        yield Finding("bad", "schedules", f"they cannot be read: {error.first}", "orc schedule list")
        return
    if isinstance(workspace, Workspace):
        spec = replace(spec, schedules={**model_schedules(workspace.graph.nodes.values()), **spec.schedules})
    if not spec.schedules and not spec.triggers:
        return
    if place is None:
        yield Finding("note", "scheduler", "no scheduler has been here yet", "`orc serve`, or `orc schedule --once` from cron")
        return
    table = Timetable(place, pid=0, host="")
    try:
        names = [*spec.schedules, *spec.triggers]
        last = {n: one for n in names if (one := next((x for x in table.launches(n, 20) if x.over), None)) is not None}
        yield from health(spec, table.board(), last, table.ticks(None, TICKS), now)
    finally:
        table.close()


def _sources(workspace: Workspace | OrcError, place: Place, now: datetime) -> Iterator[Finding]:
    """Sources with limits, as they were when somebody last looked at them."""
    if isinstance(workspace, OrcError):
        return
    graph = workspace.graph
    limits = limited(graph, (id_ for id_, node in graph.nodes.items() if node.kind == "source"))
    seen = {id_: probe for id_, probe in Probes(place).latest(workspace.project.target.name).items() if id_ in limits} if limits else {}
    verdicts = {id_: "error" if p.error else limits[id_].judge(p.age) for id_, p in seen.items()}
    for word, level in (("error", "bad"), ("warn", "note")):
        stale = [
            f"{id_.split('.', 2)[-1]} ({spoken(max((now - seen[id_].at).total_seconds(), 0))} ago)"
            for id_ in sorted(seen)
            if verdicts[id_] == word
        ]
        if stale:
            detail = f"too old, or not to be seen, when last looked at: {named(stale)}"
            yield Finding("bad" if level == "bad" else "note", "sources", detail, "orc source freshness")
    if seen and all(word == "pass" for word in verdicts.values()):
        yield Finding("ok", "sources", f"{len(seen)} of {len(limits)} looked at, and fresh enough then")


def _alerts(place: Place) -> Iterator[Finding]:
    """Alerts that nobody got."""
    outbox = Outbox(place)
    try:
        lost = outbox.counts().get("failed", 0)
        incidents = outbox.incidents(LOOKED_BACK)
    finally:
        outbox.close()
    if lost:
        yield Finding("note", "alerts", f"{lost} {'was' if lost == 1 else 'were'} given up: nobody got them", "orc alerts list")
    if incidents:
        told = named(sorted({f"{each.rule}: {each.subject.split('.', 2)[-1]}" for each in incidents}))
        yield Finding("note", "alerts", f"open: {told}", "orc alerts list")
