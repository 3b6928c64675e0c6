"""What a pull request does: compare it with where it began, build what is different beside production, test and compare that."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app import Interruptible, build
from orchestrator.app.ci import by_state
from orchestrator.app.ci.asked import Asked
from orchestrator.app.ci.breaks import breaks
from orchestrator.app.ci.production import Production, missing, production
from orchestrator.app.ci.reviewed import Found, blocked, reviewed
from orchestrator.app.ci.suspects import suspects
from orchestrator.app.ci.told import ALLOWING, environment, labels, told
from orchestrator.app.opening import Workspace, garbage_kept
from orchestrator.core.difference import Difference, Undone
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.plan import Request
from orchestrator.core.ports import Sink
from orchestrator.core.project import Target
from orchestrator.core.review import Review
from orchestrator.core.run import Run

if TYPE_CHECKING:
    from orchestrator.graph.breaking import Broken
    from orchestrator.graph.impact import Consequence
    from orchestrator.graph.rebuild import Rebuild
    from orchestrator.load.ancestry import Ancestry

FAIL_ON = ("data-diff", "warnings", "lint-warnings")
"""What may block besides breaking changes, failed builds, failed tests and errors of static checks."""


@dataclass(frozen=True, slots=True)
class Checkup:
    """A review, and the run that built it; ``None`` when there was nothing to build."""

    review: Review
    run: Run | None = None


def ci(
    workspace: Workspace, asked: Asked, sinks: Callable[[Workspace], Sequence[Sink]], interruptible: Interruptible = nullcontext
) -> Checkup:
    """Review the work tree against the commit where its branch began.

    Raises:
        UsageError: U055 and U060 to U062, there is nothing to compare with.
        OrcError: what is wrong with the project as it was, or with its target.
    """
    from orchestrator.load.ancestry import ancestry

    begun = workspace.invocation.clock.monotonic()
    env = workspace.invocation.env
    server = told(env)
    asked = replace(asked, allow_breaking=asked.allow_breaking or ALLOWING in labels(env, _event(env)))
    origin = ancestry(
        workspace.invocation.root, (asked.base.removeprefix("git:"),) if asked.base else server.bases, env, _by(asked, server.said_by)
    )
    name = environment(asked.environment, server, origin.branch)
    head = _reviewed_nothing(workspace, asked, origin, name)
    with garbage_kept():
        if not origin.files and not asked.request.state:
            return Checkup(_timed(workspace, head, begun))
        with _before(workspace, asked, origin) as before:
            known = _changes(workspace, before, asked, origin)
            head = replace(head, unaffected=tuple(workspace.graph.nodes[id_].name for id_ in known.rebuild.unaffected))
            found = _built(workspace, asked, name, before, known, sinks, interruptible)
            review = blocked(workspace, reviewed(workspace, before.graph, head, found), asked, origin.files)
    return Checkup(_timed(workspace, review, begun), found.run)


@dataclass(frozen=True, slots=True)
class _Known:
    """What was found out by reading."""

    consequences: tuple[Consequence, ...]
    broken: tuple[Broken, ...]
    rebuild: Rebuild


def _event(env: Mapping[str, str]) -> str:
    """What GitHub says about the event that the job runs for."""
    try:
        return Path(env["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8")
    except (OSError, KeyError, UnicodeDecodeError):
        return ""


def _by(asked: Asked, said_by: str) -> str:
    return "`--base`" if asked.base else f"`{said_by}`" if said_by else ""


def _timed(workspace: Workspace, review: Review, begun: float) -> Review:
    return replace(review, seconds=workspace.invocation.clock.monotonic() - begun)


def _reviewed_nothing(workspace: Workspace, asked: Asked, origin: Ancestry, name: str) -> Review:
    """What a review says before anything is known."""
    target = workspace.project.target
    head = f"{origin.head}-dirty" if origin.edited else origin.head
    production = asked.against or target.name
    return Review(
        origin.short, head, name, target.name, workspace.dialect.name, f"`{production}`", command=asked.command,
        project=workspace.project.settings.name, folder=origin.folder,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Before:
    """What to compare with: the ``graph`` as it was (the ``project`` is ``None`` when only a state tells of it), and what production is
    made of, in the target ``there``.
    """

    graph: Graph
    project: Workspace | None
    built: Graph
    there: Target


@contextmanager
def _before(workspace: Workspace, asked: Asked, origin: Ancestry) -> Iterator[_Before]:
    """The project as it was: to compare with, and as it is built in production."""
    from orchestrator.app.earlier import earlier

    here = workspace.project.target
    state = by_state.before(workspace, asked.request)
    if state is not None:
        yield _Before(state[0], None, state[0], here)
        return
    against = asked.against or _production(workspace) or here.name
    with earlier(workspace, origin.base) as (then, _):
        if against == here.name:
            yield _Before(then.graph, then, then.graph, here)
            return
        with earlier(workspace, origin.base, against) as (there, _):
            yield _Before(then.graph, then, there.graph, there.project.target)


def _production(workspace: Workspace) -> str | None:
    """The target that is production, as far as anybody says."""
    from orchestrator.load.profiles import find_profiles, production_of

    invocation = workspace.invocation
    if workspace.project.target.production:
        return workspace.project.target.name
    profiles = find_profiles(invocation.root, invocation.profiles_dir, invocation.env)
    return production_of(profiles, workspace.project.settings, invocation.profile)


def _changes(workspace: Workspace, before: _Before, asked: Asked, origin: Ancestry) -> _Known:
    """What is different, what that reaches, and whom it breaks."""
    from orchestrator.app.columns.meanings import meanings
    from orchestrator.app.earlier import version, version_then
    from orchestrator.graph.breaking import breaking
    from orchestrator.graph.compare import Version, compare
    from orchestrator.graph.impact import consequences
    from orchestrator.graph.rebuild import rebuild

    found = meanings(workspace)
    after = version(workspace, found)
    if before.project is None:
        then = Version(before.graph, {}, after.dialect)
        changes = tuple(by_state.changes(workspace, asked.request, before.graph))
    else:
        then = version_then(before.project, workspace, found)
        changes = compare(then, after, suspects(then.graph, after.graph, origin.files))
    reached = consequences(then, after, changes)
    needed = rebuild(then, after, changes, widen=asked.widen)
    if before.project is None:
        needed = replace(needed, tests=by_state.tests(workspace, asked.request))
    return _Known(reached, breaking(then, after, reached), needed)


def _built(
    workspace: Workspace,
    asked: Asked,
    name: str,
    before: _Before,
    known: _Known,
    sinks: Callable[[Workspace], Sequence[Sink]],
    interruptible: Interruptible,
) -> Found:
    """Build what is different in the environment, with what production lacks; read the rest from there; compare."""
    from orchestrator.app.ci.comparing import compared

    at = Production(before.there.name, {})
    building = {id_: "; ".join(why) for id_, why in known.rebuild.reasons.items()}
    run: Run | None = None
    differences: Mapping[str, Difference | Undone] = {}
    if building or known.rebuild.tests:
        at = production(workspace, before.built, before.there, known.rebuild.ids)
        needing = [*building, *(t for t in known.rebuild.tests if workspace.graph.nodes[t].kind == "test")]
        lacking = missing(workspace.graph, needing, at.relations)
        building |= dict.fromkeys((id_ for id_ in lacking if id_ not in building), "production does not have it")
        request = _request(asked.request, name, at)
        tests = _tests(workspace.graph, building, known.rebuild.tests, at)
        run = build(workspace, request, sinks, {*building, *tests}, interruptible)
        if asked.diff and not run.cancelled:
            differences = compared(workspace, request, asked, at, known.rebuild.ids, run)
    partial = asked.request.empty or asked.request.sample is not None
    return Found(known.consequences, breaks(workspace, known.broken), known.rebuild, building, at, run, differences, partial)


def _request(request: Request, name: str, at: Production) -> Request:
    """Everything anew: what an earlier push of the pull request left in the environment is of another version.

    The run is remembered with the environment's name, whoever chose it: `orc retry` must not do it again in production.
    """
    told = {**request.invocation, "environment": name, "full_refresh": True, "state": None}
    asked = replace(request, command="build", environment=name, state=None, full_refresh=True, gates=True, invocation=told)
    return replace(asked, elsewhere=dict(at.relations))


def _tests(graph: Graph, building: Collection[str], new: Collection[str], at: Production) -> Iterator[str]:
    """The tests of what is built, those that read it, and those that are new, as far as everything they read is there."""
    for id_, node in graph.nodes.items():
        if node.kind == "unit_test" and (id_ in new or node.attached in building):
            yield id_
        elif node.kind == "test":
            read = [n.id for n in graph.inputs(id_) if n.has_data]
            if (id_ in new or any(r in building for r in read)) and all(r in building or r in at.relations for r in read):
                yield id_


def checked(words: Sequence[str]) -> tuple[str, ...]:
    """What ``--fail-on`` names.

    Raises:
        UsageError: U017, something else.
    """
    found = tuple(dict.fromkeys(w for text in words for w in text.replace(",", " ").split()))
    for word in found:
        if word not in FAIL_ON:
            raise UsageError(Problem("U017", f"`--fail-on` takes {', '.join(FAIL_ON)}, not `{word}`"))
    return found
