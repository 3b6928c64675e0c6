"""Graph + what the warehouse holds + what was asked → the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from orchestrator.core.aftermath import aftermath
from orchestrator.core.errors import PlanError, Problem
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import BUILDABLE, HookBody, Node
from orchestrator.core.patience import patience
from orchestrator.core.plan import Late, Plan, Request, Statement, Step, Task, Verdict
from orchestrator.core.ports import Dialect
from orchestrator.core.snapshot import Snapshot
from orchestrator.plan.check_steps import check_steps
from orchestrator.plan.compile import Names
from orchestrator.plan.expand import expand
from orchestrator.plan.gates import blocking, gates, upstream
from orchestrator.plan.guard import claims, histories, outside
from orchestrator.plan.held import held as held_back
from orchestrator.plan.situation import Situation

BUILDS = frozenset({"run", "build", "seed", "snapshot", "retry"})
"""Commands that change tables."""

FOLLOW, CONTENT = "skip", "run_with_last"
"""What a node does when its `when` left one of its parents out: it is left out, too, or reads what was published before."""


def plan(
    graph: Graph,
    selected: Collection[str],
    snapshot: Snapshot,
    request: Request,
    dialect: Dialect,
    *,
    run: str,
    schema: str = "main",
    threads: int = 1,
    own: bool = True,
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC),
    sampled: Mapping[str, str] | None = None,
) -> Plan:
    """What to do about ``selected``, with the final SQL of everything that can be known now.

    ``now`` is the run's: every model that is built by interval ends there. ``sampled`` are the conditions of a sample, by the id of what is
    read.

    Raises:
        PlanError: a test's arguments or thresholds make no sense.
    """
    situation = Situation(
        Names(graph, dialect, empty=request.empty, sampled=sampled or {}),
        snapshot,
        run,
        request.full_refresh,
        request.store_failures,
        request.warn_error,
        own,
        schema,
        now,
        request.event_times,
        request.batches,
        environment=request.environment,
        sample=request.sample,
    )
    building = {id_ for id_ in selected if graph.nodes[id_].has_data} if request.command in BUILDS else set()
    tests, units = _tests(graph, selected, building, snapshot, request)
    gating = request.gates and request.command in BUILDS
    assigned = gates(graph, building, tests if gating else ())
    free = assigned.free if gating else tuple(sorted(tests))
    units_of: dict[str, list[Node]] = {}
    loose: list[Node] = []
    for id_ in sorted(units):
        node = graph.nodes[id_]
        if node.attached in building and gating:
            units_of.setdefault(node.attached or "", []).append(node)
        else:
            loose.append(node)
    held = blocking(graph, free, building) if request.command == "build" or gating else {}
    tasks: list[Task] = []
    problems: list[Problem] = []
    for id_ in assigned.order:
        node = graph.nodes[id_]
        needs = dict.fromkeys([*upstream(graph, node, building), *assigned.extra.get(id_, ()), *held.get(id_, ())])
        own_tests = [graph.nodes[t] for t in assigned.tests.get(id_, ())]
        with collecting(problems):
            tasks.append(expand(node, own_tests, units_of.get(id_, ()), tuple(needs), situation))
    for id_ in free:
        with collecting(problems):
            tasks.append(_test_task(graph.nodes[id_], building, situation))
    tasks += [_unit_task(u, building, situation) for u in loose]
    before_gates = held_back(graph, building, snapshot) if gating else ()
    problems += (replace(p, severity="error") for p in before_gates if request.warn_error)
    problems += (*outside(tasks, graph, request.environment), *histories(tasks, graph, request))
    tasks = [_conditional(_patient(t, graph.nodes[t.node], problems), graph.nodes[t.node], problems) for t in tasks]
    tasks = _lasting(tasks, graph, snapshot, problems)
    if not request.retries:
        tasks = [_once(t) for t in tasks]
    if problems:
        raise PlanError(*problems)
    before, after = _run_hooks(graph, dialect) if request.command in (*BUILDS, "test") else ((), ())
    prepare = (*_schemas(tasks, snapshot, dialect), *_ledger(tasks, request, dialect, narrow=snapshot.narrow), *claims(tasks, situation))
    warnings = (*(w for t in tasks for w in t.warnings), *before_gates)
    return Plan(request.command, tuple(tasks), before, after, prepare, request.fail_fast, request.threads or threads, warnings)


@contextmanager
def collecting(problems: list[Problem]) -> Iterator[None]:
    """Note a plan error and go on: the author sees all that is wrong at once."""
    try:
        yield
    except PlanError as error:
        problems += error.problems


def _patient(task: Task, node: Node, problems: list[Problem]) -> Task:
    """The task with what its node's config says about retries and timeouts."""
    if all(node.config.get(key) is None for key in ("retries", "timeout", "on_failure")):
        return task
    try:
        allowed = node.kind in BUILDABLE and aftermath(node.config).skip
        return replace(task, patience=patience(node.config), allowed=allowed)
    except ValueError as wrong:
        hint = "retries: {count: 2, delay: 10s, backoff: exponential, max_delay: 5m, jitter: 0.2, on: transient}, timeout: 30m"
        if "on_failure" in str(wrong):
            hint = "on_failure: [retry(2), skip, alert, {sql: 'insert into …'}, {command: './page.sh'}]"
        problems.append(Problem("N363", f"`{node.name}`: {wrong}", node.span, hint, node=node.id))
        return task


def _lasting(tasks: list[Task], graph: Graph, snapshot: Snapshot, problems: list[Problem]) -> list[Task]:
    """The tasks with those of their needs whose version before they may read, should these fail and be allowed to."""
    there = {t.node for t in tasks if t.relation is not None and snapshot.find(t.relation) is not None}
    found: list[Task] = []
    for task in tasks:
        node = graph.nodes[task.node]
        said = node.config.get("when_upstream_failed", FOLLOW) if node.kind in BUILDABLE else FOLLOW
        if said not in (FOLLOW, CONTENT):
            message = f"`when_upstream_failed: {said}` of `{node.name}` is neither `{FOLLOW}` nor `{CONTENT}`"
            problems.append(Problem("N368", message, node.span, f"when_upstream_failed: {CONTENT}", node=node.id))
        found.append(replace(task, lasting=tuple(n for n in task.needs if n in there)) if said == CONTENT else task)
    return found


def _conditional(task: Task, node: Node, problems: list[Problem]) -> Task:
    """The task with what its node's config says about when it is done at all, and with which others at once."""
    if node.kind not in BUILDABLE:  # a test has words of its own
        return task
    if (pool := node.config.get("pool")) is not None:
        if not isinstance(pool, str) or not pool:
            problems.append(Problem("N368", f"`pool: {pool}` of `{node.name}` is no name", node.span, "pool: warehouse", node=node.id))
        task = replace(task, pool=str(pool))
    when, skipped = node.config.get("when"), node.config.get("when_upstream_skipped", FOLLOW)
    if skipped not in (FOLLOW, CONTENT):
        message = f"`when_upstream_skipped: {skipped}` of `{node.name}` is neither `{FOLLOW}` nor `{CONTENT}`"
        problems.append(Problem("N368", message, node.span, f"when_upstream_skipped: {CONTENT}", node=node.id))
    if when is None:
        return replace(task, content=True) if skipped == CONTENT else task
    if not isinstance(when, str | bool):
        hint = "when: \"{{ var('full') }}\", or a query whose first value is true or false"
        problems.append(Problem("N368", f"`when` of `{node.name}` is no text", node.span, hint, node=node.id))
        return task
    step = Step(f"{node.id}/when", node.id, "when", Late("when", node.id, {"text": str(when)}), transaction=None)
    return replace(task, when=step, content=skipped == CONTENT)


def _once(task: Task) -> Task:
    """The task, tried once: whoever called us tries again. What is tried again at once, without being asked to, stays."""
    said = task.patience.retries
    return task if said is None else replace(task, patience=replace(task.patience, retries=replace(said, count=0)))


def _tests(
    graph: Graph, selected: Collection[str], building: Collection[str], snapshot: Snapshot, request: Request
) -> tuple[set[str], set[str]]:
    """Data tests and unit tests of this run: what was selected; ``run`` and its kind add the tests of what they build.

    A test that also looks at something that was never built cannot be judged: it comes only when it was asked for.
    """
    tests = {id_ for id_ in selected if graph.nodes[id_].kind == "test"}
    units = {id_ for id_ in selected if graph.nodes[id_].kind == "unit_test"}
    if request.command in BUILDS and request.command not in ("build", "retry") and request.gates:
        for id_ in building:
            tests |= {c for c in graph.children[id_] if graph.nodes[c].kind == "test" and _can_be_judged(graph, c, building, snapshot)}
    return tests, units


def _can_be_judged(graph: Graph, test: str, building: Collection[str], snapshot: Snapshot) -> bool:
    read = (n for n in graph.inputs(test) if n.has_data and n.id not in building)
    return all(n.relation is not None and snapshot.find(n.relation) is not None for n in read)


def _test_task(test: Node, building: Collection[str], at: Situation) -> Task:
    attached = at.names.graph.nodes.get(test.attached or "")
    relation = attached.relation if attached and attached.relation else None
    steps = check_steps([test], test.attached or "", relation or Relation(None, None, ""), at, needs=(), prefix=test.id, transaction=None)
    needs = upstream(at.names.graph, test, building)
    return Task(test.id, "test", test.name, steps, needs, tests=(test.id,), reason="selected")


def _unit_task(unit: Node, building: Collection[str], at: Situation) -> Task:
    step = Step(f"{unit.id}/check", unit.id, "check", Late("unit_test", unit.id), verdicts=(Verdict(unit.id),), transaction=None)
    needs = upstream(at.names.graph, unit, building)
    return Task(unit.id, "unit_test", unit.name, (step,), needs, tests=(unit.id,), reason="selected")


def _run_hooks(graph: Graph, dialect: Dialect) -> tuple[tuple[Task, ...], tuple[Task, ...]]:
    tasks: dict[str, list[tuple[int, Task]]] = {"start": [], "end": []}
    for id_, node in graph.nodes.items():
        if node.kind != "operation":
            continue
        body = graph.bodies[id_]
        if isinstance(body, HookBody):
            inside = 0 if dialect.transactions == "all" else None  # a hook may create things
            step = Step(f"{id_}/hook", id_, "hook", Late("hook", id_, {"text": body.raw}), transaction=inside)
            tasks[body.when].append((body.index, Task(id_, "operation", node.name, (step,), keep=frozenset())))
    start, end = (tuple(t for _, t in sorted(tasks[when], key=lambda pair: pair[0])) for when in ("start", "end"))
    return start, end


def _schemas(tasks: list[Task], snapshot: Snapshot, dialect: Dialect) -> tuple[Statement, ...]:
    """The schemas that are missing, those of kept failures too: created before anything runs in parallel."""
    missing: dict[tuple[str, str], Relation] = {}
    built = (t.relation for t in tasks)
    for relation in (*built, *(s.payload.get("audit") for t in tasks for s in t.steps)):
        if relation is not None and relation.schema:
            key = ((relation.database or "").casefold(), relation.schema.casefold())
            if key not in snapshot.schemas:
                missing.setdefault(key, replace(relation, name=""))
    return tuple(Statement(dialect.create_schema(r)) for r in missing.values())


def _ledger(tasks: list[Task], request: Request, dialect: Dialect, *, narrow: bool) -> tuple[Statement, ...]:
    """The ledger, with all its columns, and the leases where a task takes one."""
    leases = dialect.lease_setup() if any(t.leased for t in tasks) else ()
    intervals = dialect.intervals_setup() if any(t.batches for t in tasks) else ()
    widened = dialect.ledger_widen() if narrow else ()
    return tuple(Statement(s) for s in (*dialect.ledger_setup(), *widened, *leases, *intervals)) if request.command in BUILDS else ()
