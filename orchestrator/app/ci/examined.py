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

from orchestrator.app.checks.linting import lint
from orchestrator.app.ci.asked import Asked
from orchestrator.app.ci.breaks import breaks
from orchestrator.app.ci.production import Production
from orchestrator.app.ci.reviewed import Found, blocked, reviewed
from orchestrator.app.columns.meanings import known as shapes
from orchestrator.app.invocation import Invocation
from orchestrator.app.opening import Workspace, open_workspace
from orchestrator.core.errors import OrcError, Problem
from orchestrator.core.files import Span
from orchestrator.core.plan import Request
from orchestrator.core.review import Review
from orchestrator.graph.breaking import breaking
from orchestrator.graph.compare import Version, compare
from orchestrator.graph.impact import consequences
from orchestrator.graph.meanings import meanings as work_out
from orchestrator.graph.rebuild import rebuild

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
    allow_breaking: bool = False


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
    """As ``orc ci`` reviews what it trusts, but that nothing is built."""
    files = tuple(_different(before, after))
    was, now = _version(before), _version(after)
    changes = compare(was, now)
    found = consequences(was, now, changes)
    anew = rebuild(was, now, changes)
    building = dict.fromkeys((id_ for id_ in anew.ids if after.graph.nodes[id_].has_data), UNBUILT)
    known = Found(found, breaks(after, breaking(was, now, found)), anew, building, Production("", {}), None, {})
    target = after.project.target
    spared = tuple(after.graph.nodes[id_].name for id_ in anew.unaffected)
    head = Review("", "", "", target.name, target.type, "", unaffected=spared, project=after.project.settings.name)
    asked = Asked(Request("ci"), allow_breaking=job.allow_breaking)
    review = blocked(after, reviewed(after, before.graph, head, known), asked, ())
    findings = [p for p in lint(after, Request("lint")).problems if p.span is not None and p.span.path in files]
    findings += [w for w in after.graph.warnings if w.span is not None and w.span.path in files]
    told = {str(p.span) for p in review.blocking}  # what is said of a change is not said again of its reader
    wrong = [p for p in findings if p.severity == "error" and str(p.span) not in told]
    return replace(
        review,
        findings=tuple(_inside(p, job) for p in findings),
        blocking=tuple(_inside(p, job) for p in (*review.blocking, *wrong)),
    )


UNBUILT = "not built: the code is not trusted"


def _different(before: Workspace, after: Workspace) -> Iterator[str]:
    """The files that only one of the projects has, or that say something else."""
    trees = before.project.tree, after.project.tree
    paths = [set(tree.paths()) for tree in trees]
    for path in sorted(paths[0] | paths[1]):
        if path not in paths[0] or path not in paths[1] or trees[0].digest(path) != trees[1].digest(path):
            yield path


def _version(workspace: Workspace) -> Version:
    return Version(workspace.graph, work_out(workspace.graph, workspace.dialect, shapes(workspace)), workspace.dialect.sqlglot)


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
