"""``--stale``: what of a selection is fresh, what has to be built, and what stays as it is because of what it reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from orchestrator.core.errors import Problem
from orchestrator.core.freshness import Limits, Probe
from orchestrator.core.graph import Graph
from orchestrator.core.plan import Plan, Request, Task
from orchestrator.core.snapshot import Snapshot
from orchestrator.execute.versions import Versions
from orchestrator.graph.recipe import Recipes
from orchestrator.graph.stale import Known, Stale, known, stale

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace
    from orchestrator.core.node import Node, SourceBody
    from orchestrator.core.ports import Warehouse
    from orchestrator.record.evidence import Evidence, Failing


@dataclass(frozen=True, slots=True)
class Sifted:
    """What is left to do of a selection: ``fresh`` are tasks without steps, ``withheld`` those that are not to be done now, each with the
    id that is to blame; ``blamed`` are the sources among those, and what is wrong with them. ``perhaps`` may turn out to be fresh.
    """

    fresh: Mapping[str, Task] = field(default_factory=dict)
    withheld: tuple[tuple[Task, str], ...] = ()
    blamed: Mapping[str, Problem] = field(default_factory=dict)
    perhaps: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    probes: Mapping[str, Probe] = field(default_factory=dict)
    state: Known = field(default_factory=Known)

    @property
    def settled(self) -> frozenset[str]:
        """The ids that no task is planned for."""
        return frozenset(self.fresh) | {task.node for task, _ in self.withheld}


def sources_read(recipes: Recipes, ids: Iterable[str]) -> frozenset[str]:
    """The sources whose versions decide about some nodes: those they read, through views, too."""
    found: set[str] = set()
    seen: set[str] = set()
    edge = list(ids)
    while edge:
        id_ = edge.pop()
        for input_ in recipes.inputs(id_):
            if recipes.graph.nodes[input_].kind == "source":
                found.add(input_)
            elif input_ not in seen and recipes.live(input_):
                seen.add(input_)
                edge.append(input_)
    return frozenset(found)


def probed(workspace: Workspace, ids: Collection[str], warehouse: Warehouse) -> dict[str, Probe]:
    """A look at sources now."""
    from orchestrator.app.fresh.probing import looks
    from orchestrator.execute.looking import looking

    if not ids:
        return {}
    asked = looks(workspace.graph, ids, workspace.dialect)
    threads = workspace.project.target.threads
    seen = looking(asked, warehouse, workspace.invocation.clock, threads)
    return {s.probe.source: s.probe for s in seen if s.probe is not None}


def sifted(
    workspace: Workspace,
    request: Request,
    ids: tuple[Collection[str], Collection[str]],
    snapshot: Snapshot,
    warehouse: Warehouse,
    evidence: Evidence | None = None,
) -> Sifted:
    """What has to be done of ``ids`` (what is selected, and what of that is built), and what has not."""
    graph, (selected, building) = workspace.graph, ids
    recipes = Recipes(graph)
    probes = probed(workspace, sources_read(recipes, building), warehouse)
    target = workspace.project.target.name
    if evidence is not None:
        evidence.probes.add(target, probes.values())
    late = _too_old(graph, probes)
    state = known(recipes, snapshot, {id_: p.version for id_, p in probes.items()}, {id_: p.message for id_, p in late.items()})
    if evidence is not None:
        state = replace(state, bad={**_failed(graph, selected, state, evidence.failing(target)), **state.bad})
    found = stale(graph, building, snapshot, state, workspace.invocation.started, anew=request.full_refresh or bool(request.event_times))
    reused = {id_: _task(graph, id_, why) for id_, why in found.fresh.items()}
    withheld = [(_task(graph, id_, why), blamed) for id_, (blamed, why) in found.held.items()]
    for id_ in graph.order:
        node = graph.nodes[id_]
        if id_ not in selected or node.kind not in ("test", "unit_test"):
            continue
        missing = next((p for p in node.depends_on if p in found.held and state.versions.get(p) is None), None)
        if missing is not None:
            withheld.append((_task(graph, id_, found.held[missing][1]), found.held[missing][0]))
        elif settled := _settled(graph, node, found, state):
            reused[id_] = _task(graph, id_, settled)
    blamed = {id_: late[id_] for id_ in dict.fromkeys(who for _, who in withheld) if id_ in late}
    return Sifted(reused, tuple(withheld), blamed, found.perhaps, found.reasons, probes, state)


def _task(graph: Graph, id_: str, reason: str) -> Task:
    from orchestrator.plan.expand import label

    node = graph.nodes[id_]
    said = label(node, node.relation) if node.has_data and node.relation is not None else node.name
    return Task(id_, node.kind, said, (), reason=reason, relation=node.relation)


def _settled(graph: Graph, test: Node, found: Stale, state: Known) -> str:
    """Why a test need not be asked again: all it looks at is fresh, and has passed it; empty when it has to be."""
    from orchestrator.core.freshness import passed

    recipes = state.recipes
    looked_at = recipes.inputs(test.id)
    if not looked_at or any(i not in found.fresh for i in looked_at if graph.nodes[i].has_data):
        return ""
    for id_ in looked_at:
        said = state.made.get(id_)
        if said is None:
            continue
        digest, others = recipes.gate(test.id, id_)
        if passed(digest, {o: state.versions.get(o) for o in others}) in said.gates:
            return f"`{graph.nodes[id_].name}` has passed it, and did not change"
    return ""


def _too_old(graph: Graph, probes: Mapping[str, Probe]) -> dict[str, Problem]:
    """Sources that are older than their ``error_after``, and whose readers are not to be built from them."""
    from orchestrator.app.fresh.freshness import sentence
    from orchestrator.app.fresh.probing import limited
    from orchestrator.graph.lineage import label

    found: dict[str, Problem] = {}
    for id_, limits in limited(graph, probes).items():
        probe, node = probes[id_], graph.nodes[id_]
        if probe.error or limits.judge(probe.age) != "error" or not _withholds(graph, id_):
            continue
        message = f"`{label(node)}` is stale: {sentence(probe, Limits(None, limits.error_after))}"
        found[id_] = Problem("X372", message, node.span, "`on_error: build` in its `freshness` builds all the same", node=id_)
    return found


def _withholds(graph: Graph, id_: str) -> bool:
    body = cast("SourceBody", graph.bodies[id_])
    return (body.freshness or {}).get("on_error") != "build"


def _failed(graph: Graph, selected: Collection[str], state: Known, failing: Mapping[str, Failing]) -> dict[str, str]:
    """Nodes whose version that is published now failed a test after it was; a gate's failure publishes nothing.

    A test that is asked again in this run says by itself who has to wait.
    """
    from orchestrator.graph.stale import moment

    found: dict[str, str] = {}
    for test, failed in failing.items():
        node = graph.nodes.get(test)
        looked_at = node.attached if node is not None else None
        row = state.rows.get(looked_at or "")
        if node is None or not looked_at or row is None or test in selected or looked_at in failed.unpublished:
            continue
        if moment(row.at) < failed.at:
            found[looked_at] = f"the test `{node.name}` failed on `{graph.nodes[looked_at].name}` as it is"
    return found


Readers = Mapping[str, Mapping[str, tuple[str, ...] | None]]
"""By node, the columns that each of those reads of it who may turn out to be fresh (``None``: all, or it is not known which)."""


def versions(graph: Graph, request: Request, snapshot: Snapshot, found: Sifted | None, reading: Readers) -> Versions:
    """What a run keeps of the versions of data."""
    doubt = "it was built without rows" if request.empty else "it was built from a sample" if request.sample is not None else ""
    probes = found.probes if found is not None else {}
    return Versions(
        graph,
        Recipes(graph, doubt) if doubt or found is None else found.state.recipes,
        {id_: row for id_, row in snapshot.ledger.items() if id_ in graph.nodes},
        {id_: (p.version, p.data_time) for id_, p in probes.items()},
        frozenset(found.perhaps) if found is not None else frozenset(),
        reading,
        found is not None and not request.full_refresh and not request.event_times and not doubt,
    )


def readers(workspace: Workspace, found: Sifted) -> Readers:
    """What is read by those who may turn out to be fresh."""
    if not found.perhaps:
        return {}
    from orchestrator.app.columns.meanings import meanings

    graph, recipes = workspace.graph, found.state.recipes
    meant = meanings(workspace)
    read: dict[str, dict[str, tuple[str, ...] | None]] = {}
    for id_ in found.perhaps:
        plain = not any(graph.nodes[p].is_ephemeral for p in graph.nodes[id_].depends_on if p in graph.nodes)
        for input_ in recipes.inputs(id_):
            if graph.nodes[input_].has_data and not recipes.live(input_):
                read.setdefault(input_, {})[id_] = _columns(meant.get(id_), input_) if plain else None
    return read


def _columns(meaning: object, parent: str) -> tuple[str, ...] | None:
    """The columns of a parent that decide about a node's rows and values; ``None`` when that is not known."""
    from orchestrator.core.meaning import Meaning

    if not isinstance(meaning, Meaning) or not meaning.complete or meaning.unknown or any(c.unknown for c in meaning.columns):
        return None
    uses = [u for c in meaning.columns for u in c.uses] + list(meaning.rows)
    return tuple(sorted({u.column for u in uses if u.node == parent}))


def explained(work: Plan, found: Sifted) -> Plan:
    """A plan that says of each task why it is not fresh, and what is withheld."""
    tasks = tuple(replace(t, reason="; ".join(found.reasons.get(t.node, ())) or found.perhaps.get(t.node) or t.reason) for t in work.tasks)
    return replace(work, tasks=tasks, withheld=found.withheld, blamed=tuple(found.blamed.items()))


def saved(graph: Graph, spared: Iterable[str], state: Known) -> str:
    """What was not built because it is fresh, and what that took when it was built last."""
    from orchestrator.core.duration import spoken

    nodes = [id_ for id_ in spared if graph.nodes[id_].has_data]
    kinds = {graph.nodes[id_].kind for id_ in nodes}
    word = "model" if kinds <= {"model"} else "node"
    took = sum(said.seconds for id_ in nodes if (said := state.made.get(id_)) is not None)
    return f"saved: {len(nodes):,} {word}{'' if len(nodes) == 1 else 's'}, ~{spoken(took)}"
