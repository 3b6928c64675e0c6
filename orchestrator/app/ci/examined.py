"""What two trees of files say about a pull request, without a warehouse and without running anything of theirs.

Runs in a cage (:mod:`orchestrator.app.ci.sandboxed`): whatever these files contain, nothing happens but that they are read.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.app.invocation import Invocation
from orchestrator.app.linting import lint
from orchestrator.app.meanings import known
from orchestrator.app.opening import Workspace, open_workspace
from orchestrator.core.errors import OrcError, Problem
from orchestrator.core.files import Span
from orchestrator.core.node import ExposureBody
from orchestrator.core.plan import Request
from orchestrator.core.review import Breaking, Changed, Review, Reviewed
from orchestrator.graph.compare import Version, compare
from orchestrator.graph.impact import Consequence, consequences
from orchestrator.graph.meanings import meanings as work_out

NOWHERE = Path("/nonexistent")


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be examined: two folders, where the profile of placeholders is, and what the command line says."""

    root: str
    base: str
    profiles: str
    profile: str | None
    target: str | None
    vars: Mapping[str, Any]
    env: Mapping[str, str]


class _StoppedClock:
    """Templates that ask for the time get one; it need not be the right one."""

    def now(self) -> datetime:
        return datetime(2000, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return 0.0


def examined(job: Job) -> Review:
    """What the pull request changes, breaks, and does doubtfully. What is wrong with its files is among ``blocking``."""
    try:
        before = _opened(job, job.base)
    except OrcError as error:
        return _refused("", "", [_at_base(p) for p in error.problems], job)
    project = before.project
    try:
        after = _opened(job, job.root)
        return _compared(before, after, job)
    except OrcError as error:
        return _refused(project.target.name, project.target.type, list(error.problems), job)


def _opened(job: Job, root: str) -> Workspace:
    """A project, opened without a cache. What is kept in its folder of earlier commands is a stranger's as well, and not looked at."""
    clock = _StoppedClock()
    invocation = Invocation(
        id=str(uuid.UUID(int=0)),
        root=Path(root),
        started=clock.now(),
        clock=clock,
        env=job.env,
        profiles_dir=Path(job.profiles),
        profile=job.profile,
        target=job.target,
        vars=job.vars,
        cache=False,
    )
    found = open_workspace(invocation)
    return replace(found, invocation=replace(invocation, root=NOWHERE))


def _compared(before: Workspace, after: Workspace, job: Job) -> Review:
    was = _version(before, {})
    now = _version(after, was.meanings)
    found = consequences(was, now, compare(was, now))
    reviewed = tuple(_reviewed(was, now, found, after))
    paths = {n.path for n in reviewed}
    findings = [p for p in lint(after, Request("lint")).problems if p.span is not None and p.span.path in paths]
    findings += [w for w in after.graph.warnings if w.span is None or w.span.path in paths]
    broken = [_blocking(b) for n in reviewed for b in n.breaking]
    told = {str(p.span) for p in broken}  # what is said of a change is not said again of its reader
    blocking = [*broken, *(p for p in findings if p.severity == "error" and str(p.span) not in told)]
    touched = {n.id for n in reviewed}
    descendants = after.graph.descendants({i for i in touched if i in after.graph.nodes})
    target = after.project.target
    return Review(
        "",
        "",
        "",
        target.name,
        target.type,
        "",
        nodes=reviewed,
        findings=tuple(_inside(p, job) for p in findings),
        blocking=tuple(_inside(p, job) for p in blocking),
        exposures=tuple(_exposures(after, found)),
        unaffected=tuple(i for i in after.graph.order if i in descendants - touched and after.graph.nodes[i].kind in _SHOWN),
    )


_SHOWN = ("model", "seed", "snapshot")


def _version(workspace: Workspace, remembered: Mapping[str, Any]) -> Version:
    found = work_out(workspace.graph, workspace.dialect, known(workspace), getattr(remembered, "kept", None))
    return Version(workspace.graph, found, workspace.dialect.sqlglot)


def _reviewed(was: Version, now: Version, found: tuple[Consequence, ...], after: Workspace) -> Iterator[Reviewed]:
    """The nodes that changed, in order, and then those that are reached."""
    own: dict[str, list[Consequence]] = {}
    for one in found:
        own.setdefault(one.change.node, []).append(one)
    for id_, ones in own.items():
        graph = now.graph if id_ in now.graph.nodes else was.graph
        node = graph.nodes[id_]
        whole = next((c.change.category for c in ones if c.change.category in ("added", "removed")), None)
        what: Any = whole or "modified"
        changes = tuple(Changed(c.change.category, c.change.column, c.change.before, c.change.after) for c in ones)
        breaking = tuple(_breaking(c, b, after) for c in ones for b in c.breaks)
        yield Reviewed(
            id_, node.name, node.kind, node.path, what, changes, breaking, reason=UNBUILT, parents=node.depends_on, line=node.line
        )
    reached = dict.fromkeys(id_ for one in found for id_ in one.impact.nodes if id_ not in own and id_ in now.graph.nodes)
    for id_ in reached:
        node = now.graph.nodes[id_]
        if node.kind in _SHOWN:
            yield Reviewed(id_, node.name, node.kind, node.path, "affected", reason=UNBUILT, parents=node.depends_on, line=node.line)


UNBUILT = "not built: the code is not trusted"


def _breaking(one: Consequence, broken: Any, after: Workspace) -> Breaking:
    node = after.graph.nodes[broken.node]
    change = one.change
    span = after.place(node.id, broken.start)[0] if broken.start >= 0 else node.span
    name = change.before if change.category == "column renamed" else change.column
    what = f"`{change.node.rsplit('.', 1)[-1]}.{name}` is {'renamed' if change.category == 'column renamed' else 'gone'}"
    hint = f"it is `{change.after}` now" if change.category == "column renamed" else None
    place = Problem("U074", f"{what}, and `{node.name}` still reads it", span, hint, node=node.name)
    return Breaking(what, node.name, place, str(node.config.get("group") or ""))


def _blocking(one: Breaking) -> Problem:
    return one.place or Problem("U074", f"{one.what}, and `{one.reader}` still reads it")


def _exposures(after: Workspace, found: tuple[Consequence, ...]) -> Iterator[tuple[str, str]]:
    for id_ in dict.fromkeys(e.point.node for one in found for e in one.impact.exposures):
        body = after.graph.bodies.get(id_)
        if isinstance(body, ExposureBody):
            yield after.graph.nodes[id_].name, str(body.owner.get("name") or body.owner.get("email") or "")


def _refused(target: str, engine: str, problems: list[Problem], job: Job) -> Review:
    told = tuple(_inside(p, job) for p in problems)
    return Review("", "", "", target, engine, "", findings=told, blocking=tuple(p for p in told if p.severity == "error") or told)


def _at_base(problem: Problem) -> Problem:
    place = f" ({problem.span})" if problem.span else ""
    return replace(problem, message=f"in the base: {problem.message}{place}", span=None, trail=())


def _inside(problem: Problem, job: Job) -> Problem:
    """A problem without the folders of this machine."""

    def told(text: str) -> str:
        for folder in (job.root, job.base, job.profiles):
            text = text.replace(folder.rstrip("/") + "/", "").replace(folder, ".")
        return text

    def at(span: Span) -> Span:
        return replace(span, path=told(span.path))

    return replace(
        problem,
        message=told(problem.message),
        hint=None if problem.hint is None else told(problem.hint),
        span=None if problem.span is None else at(problem.span),
        trail=tuple((told(what), at(span)) for what, span in problem.trail),
    )
