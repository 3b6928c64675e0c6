"""The use cases. A build reads as one sentence: load → render → parse → link → plan → execute → record → publish."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from orchestrator.app.opening import Workspace, garbage_kept, open_workspace
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.event import Event, NodeFinished, Noted, RunFinished, RunStarted, Status
from orchestrator.core.graph import Graph
from orchestrator.core.node import BUILDABLE
from orchestrator.core.plan import Plan, Request, Task
from orchestrator.core.ports import Clock, Pools, Sink, Warehouse
from orchestrator.core.project import Secret
from orchestrator.core.run import Run
from orchestrator.core.sent import Watch
from orchestrator.core.snapshot import Snapshot
from orchestrator.core.version import VERSION

if TYPE_CHECKING:
    from orchestrator.app.fresh.staleness import Sifted
    from orchestrator.app.past.retrying import Again
    from orchestrator.execute.versions import Versions
    from orchestrator.graph.sampling import Sampling
    from orchestrator.graph.select import Selected
    from orchestrator.record.evidence import Evidence

Interruptible = Callable[[Callable[[], None]], AbstractContextManager[object]]

RESOURCES: Mapping[str, tuple[str, ...]] = {
    "run": ("model",),
    "seed": ("seed",),
    "test": ("test", "unit_test"),
    "build": ("model", "seed", "snapshot", "test", "unit_test"),
    "compile": ("model", "test", "analysis", "snapshot"),
    "snapshot": ("snapshot",),
    "source freshness": ("source",),
    "lint": ("model", "seed", "snapshot", "analysis", "test", "unit_test"),
}
"""The kinds of resources each command acts on when nothing else is asked."""

__all__ = ["VERSION", "Workspace", "build", "chosen", "open_workspace", "prepare", "secrets"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan, and the live things it needs. ``own`` is the graph without what is read from elsewhere: what artifacts tell. ``sample`` says
    by what tables are sampled.
    """

    workspace: Workspace
    plan: Plan
    warehouse: Warehouse
    snapshot: Snapshot
    selected: frozenset[str]
    request: Request
    warnings: tuple[Problem, ...] = ()
    own: Graph | None = None
    sample: Sampling | None = None
    versions: Versions | None = None
    sifted: Sifted | None = None


def build(
    workspace: Workspace,
    request: Request,
    sinks: Callable[[Workspace], Sequence[Sink]],
    only: Iterable[str] | None = None,
    interruptible: Interruptible = nullcontext,
    again: Again | None = None,
    evidence: Evidence | None = None,
) -> Run:
    """Plan and execute what is asked; record every event; write the artifacts.

    ``only`` narrows the selection to these ids; ``again`` to what an earlier run left to do (``retry``). ``interruptible`` wraps the
    execution: what asks the process to end meanwhile calls the function it is given. ``evidence`` is what is known of data besides them.

    Raises:
        OrcError: for what stops the run before it starts.
    """
    from orchestrator.app.artifacts import write_artifacts
    from orchestrator.app.columns.observed import observe_run
    from orchestrator.app.emitting import remark, watching
    from orchestrator.app.past.forecasting import forecasting
    from orchestrator.app.permitting import permitted
    from orchestrator.app.schedules.pooling import pooling
    from orchestrator.record.record import record

    if request.command != "test":
        permitted(workspace, request.environment)
    with garbage_kept():
        ready = prepare(workspace, request, only, again, evidence, hold=True)
    try:
        if request.max_bytes is not None:
            from orchestrator.app.planning import within_budget

            within_budget(ready, request.max_bytes)
        listeners = sinks(ready.workspace)
        ready = replace(ready, plan=forecasting(ready.plan, workspace.project.target.name, listeners))
        pools = pooling(workspace.invocation, ready.plan)
        with closing(pools) if pools is not None else nullcontext(), nullcontext() if ready.plan.tasks else garbage_kept():
            run = record(_events(ready, request, interruptible, watching(listeners), pools), listeners, secrets(workspace))
        remark(listeners, run.id, workspace.invocation.clock.now())
        with interruptible(_finish):
            observe_run(ready, run)
    finally:
        with interruptible(_finish):
            ready.warehouse.close()
    with interruptible(_finish):
        write_artifacts(ready, run)
    return run


def _finish() -> None:
    """Somebody wants an end while the warehouse closes or artifacts are written: it is near, and what happened goes on record."""


def prepare(
    workspace: Workspace,
    request: Request,
    only: Iterable[str] | None = None,
    again: Again | None = None,
    evidence: Evidence | None = None,
    *,
    hold: bool = False,
) -> Prepared:
    """Select, look at the warehouse once, and plan. ``hold`` connects to it for good first, since what is planned is to be built."""
    from orchestrator.adapters import registry
    from orchestrator.app.environments.placing import at, placed
    from orchestrator.app.environments.sampled import conditions, sample
    from orchestrator.app.fresh.staleness import explained, readers, sifted, versions
    from orchestrator.plan.plan import BUILDS, plan

    if request.warn_error and (warnings := workspace.graph.warnings):
        raise UsageError(*(replace(w, severity="error") for w in warnings))
    found = selection(workspace, request)
    selected = found.ids if only is None else found.ids & frozenset(only)
    selected = selected if again is None else selected & frozenset(again.planned)
    project = workspace.project
    warehouse = registry.warehouse(project.target, str(workspace.invocation.root), workspace.invocation.id)
    try:
        building = {id_ for id_ in selected if workspace.graph.nodes[id_].has_data} if request.command in BUILDS else set()
        if hold and building:  # two first runs at once would both see that there is no file yet, and the later one find tables in it
            warehouse.connect().close()
        where = placed(workspace, request, building, warehouse.snapshot)
        workspace = at(workspace, where.graph)
        reused: tuple[Task, ...] = ()
        if again is not None:
            from orchestrator.app.past.retrying import reusable

            kept = reusable(again, selected, where.graph, where.snapshot)
            selected -= kept.keys()
            reused = tuple(kept.values())
        sift = None
        if request.stale and request.command in BUILDS:
            building = building & selected
            sift = sifted(workspace, request, (selected, building), where.snapshot, warehouse, evidence)
            selected, building = selected - sift.settled, building - sift.settled
            reused += tuple(sift.fresh.values())
        taken = sample(workspace, request, (selected, building), where.snapshot, warehouse)
        work = plan(
            workspace.graph,
            selected,
            where.snapshot,
            request,
            workspace.dialect,
            run=workspace.invocation.id,
            schema=project.target.schema,
            threads=project.target.threads,
            own=project.settings.own,
            now=workspace.invocation.started,
            sampled=conditions(workspace, request, taken),
        )
        work = replace(work if sift is None else explained(work, sift), reused=reused)
        tracked = versions(workspace.graph, request, where.snapshot, sift, readers(workspace, sift) if sift else {})
    except BaseException:
        warehouse.close()
        raise
    return Prepared(workspace, work, warehouse, where.snapshot, selected, request, found.warnings, where.own, taken, tracked, sift)


def chosen(workspace: Workspace, request: Request) -> frozenset[str]:
    """The ids a request selects, limited to the kinds the command acts on."""
    return selection(workspace, request).ids


def selection(workspace: Workspace, request: Request) -> Selected:
    """What a request selects, and a warning for every word of it that matches nothing."""
    from orchestrator.app.compare.changed import by_git
    from orchestrator.app.compare.comparing import methods
    from orchestrator.app.fresh.by_stale import by_stale
    from orchestrator.graph.select import select
    from orchestrator.graph.selectors import Selectors, selectors

    earlier = methods(workspace, request) if request.state else {}
    definitions = workspace.project.settings.selectors
    known = selectors(definitions, own=workspace.project.settings.own) if definitions else Selectors()
    kinds = request.resource_types or RESOURCES.get(request.command)
    return select(
        workspace.graph,
        request.select,
        request.exclude,
        selector=request.selector,
        selectors=known,
        indirect=request.indirect,
        resource_types=kinds,
        exclude_resource_types=request.exclude_resource_types,
        methods={"git": by_git(workspace), **earlier, **by_stale(workspace, request, earlier.get("state"))},
    )


def secrets(workspace: Workspace) -> tuple[Secret, ...]:
    """Every secret of this invocation: masked in all that is written."""
    from orchestrator.core.project import SECRET_PREFIXES

    return (
        *workspace.project.target.secrets,
        *(Secret(v) for k, v in workspace.invocation.env.items() if k.startswith(SECRET_PREFIXES) and v),
    )


def _events(
    ready: Prepared, request: Request, interruptible: Interruptible, watch: Watch | None = None, pools: Pools | None = None
) -> Iterator[Event]:
    from orchestrator.app.alerts.failing import failing
    from orchestrator.app.commenting import commenting
    from orchestrator.app.environments.sampled import conditions, told
    from orchestrator.app.explain import explainer
    from orchestrator.app.handoff.filing import filing
    from orchestrator.app.late import LateSql
    from orchestrator.app.loaders import python_loader, seed_loader
    from orchestrator.execute.execute import execute
    from orchestrator.execute.lease import Leasing
    from orchestrator.execute.workshop import Workshop
    from orchestrator.plan.compile import Names

    workspace, clock = ready.workspace, ready.workspace.invocation.clock
    names = Names(workspace.graph, workspace.dialect, empty=request.empty, sampled=conditions(workspace, request, ready.sample))
    prints: deque[Noted] = deque()

    def notice(node: str, line: str, level: str) -> None:
        prints.append(Noted(clock.now(), level, line, node))

    late = LateSql(workspace, names, notice, {"selected_resources": sorted(ready.selected), **_places(ready.plan)})
    shop = Workshop(workspace.graph, workspace.dialect, clock, late, {}, explainer(workspace))
    loaders = {"seed": seed_loader(workspace), "python": python_loader(workspace, names, shop.cancelled, notice)}
    patience = workspace.project.target.settings.get("lock_timeout")
    leasing = Leasing(workspace.invocation.id, request.on_conflict, None if patience is None else float(patience))
    shop = replace(shop, loaders=loaders, interruptible=interruptible, leasing=leasing, started=workspace.invocation.started)
    shop = replace(shop, versions=ready.versions, file=filing(ready))
    shop = replace(shop, comment=commenting(workspace, secrets(workspace)), said=lambda: _emptied(prints), watch=watch, pools=pools)
    spared: list[str] = []
    for event in failing(execute(ready.plan, workspace.graph, ready.warehouse, shop, _started(ready, request)), ready, late):
        if isinstance(event, RunStarted):
            yield event
            yield from (
                Noted(clock.now(), "warn", w.message, w.node, w) for w in (*workspace.graph.warnings, *ready.warnings, *ready.plan.warnings)
            )
            yield from (Noted(clock.now(), "info", line) for line in told(workspace, request, ready.sample))
            if not ready.plan.tasks and not ready.plan.reused:
                yield Noted(clock.now(), "info", "Nothing to do: the selection names nothing that this command acts on")
            continue
        yield from _emptied(prints)
        if isinstance(event, RunFinished):
            yield from _saved(ready, spared, clock)
        if isinstance(event, NodeFinished) and event.status is Status.REUSED:
            spared.append(event.node)
        yield event


def _saved(ready: Prepared, spared: Iterable[str], clock: Clock) -> Iterator[Noted]:
    """What a run did not have to do."""
    from orchestrator.app.fresh.staleness import saved

    if ready.sifted is not None:
        yield Noted(clock.now(), "info", saved(ready.workspace.graph, spared, ready.sifted.state))


def _emptied(prints: deque[Noted]) -> Iterator[Noted]:
    """What was said meanwhile, oldest first; other threads may add to it."""
    while prints:
        yield prints.popleft()


def _places(plan: Plan) -> dict[str, object]:
    """``schemas`` and ``database_schemas`` of on-run-end hooks: where this run builds."""
    relations = [t.relation for t in plan.tasks if t.relation is not None and t.kind in BUILDABLE]
    return {
        "schemas": sorted({r.schema for r in relations if r.schema}),
        "database_schemas": sorted({(r.database or "", r.schema) for r in relations if r.schema}),
    }


def _started(ready: Prepared, request: Request) -> RunStarted:
    workspace = ready.workspace
    from orchestrator.app.past.grounds import circumstances, grounds

    began = circumstances(workspace.invocation)
    planned = tuple(
        id_
        for t in (*ready.plan.reused, *(task for task, _ in ready.plan.withheld), *ready.plan.tasks)
        for id_ in ([*t.tests] if t.kind in ("test", "unit_test") else [*t.tests, t.node])
    )
    return RunStarted(
        workspace.invocation.clock.now(),
        workspace.invocation.id,
        request.command,
        VERSION,
        workspace.project.target.name,
        ready.plan.threads,
        ready.plan.total,
        counts(workspace.graph),
        {**request.invocation},
        planned,
        began.trigger,
        began.actor,
        began.git_sha,
        began.dirty,
        grounds(ready.plan, workspace, ready.sifted.fresh if ready.sifted else ()),
        ready.plan.forecast,
    )


def counts(graph: Graph) -> dict[str, int]:
    """Resources by kind, for the ``Found …`` line."""
    found: dict[str, int] = {}
    for node in graph.nodes.values():
        found[node.kind] = found.get(node.kind, 0) + 1
    return {**found, "macro": len(graph.macros)}
