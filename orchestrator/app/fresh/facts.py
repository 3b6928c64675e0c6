"""What is known of the nodes that somebody promised to keep fresh: from the graph, the ledger, looks at sources, and past runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil

from orchestrator.app.fresh.probing import looks
from orchestrator.app.opening import Workspace
from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.event import NodeFinished, Status
from orchestrator.core.freshness import Made, Probe
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.patience import patience
from orchestrator.core.promise import Fact, Facts, Promise, promise, versions
from orchestrator.core.snapshot import Published, Snapshot
from orchestrator.execute.looking import looking
from orchestrator.graph.recipe import Recipes
from orchestrator.graph.stale import Known, known, moment
from orchestrator.record.history import History
from orchestrator.record.probes import Probes

PASSING = frozenset({"view", "ephemeral"})
"""Materializations without rows of their own."""

LOOKS = 200
"""Looks at a source that are remembered here."""

RUNS = 20
"""Builds of a node that say how long the next one takes."""


def promises(graph: Graph) -> dict[str, Promise]:
    """What models, snapshots, seeds and exposures promise, by id.

    Raises:
        ConfigError: U112, a promise that is none.
    """
    found: dict[str, Promise] = {}
    problems: list[Problem] = []
    for node in graph.nodes.values():
        if not node.has_data and node.kind != "exposure":
            continue
        try:
            said = promise(node.config.get("freshness"))
            if said is not None:
                found[node.id] = _zoned(said)
        except ValueError as error:
            hint = "freshness: {max_lag: 1h, warn: 45m}, or {by: '07:00', timezone: Europe/Berlin}"
            problems.append(Problem("U112", f"`{node.name}`: {error}", node.span, hint, node=node.id))
    if problems:
        raise ConfigError(*problems)
    return found


def _zoned(said: Promise) -> Promise:
    from orchestrator.schedule.cron import local

    local(datetime(2026, 1, 1, tzinfo=UTC), said.zone)
    return said


def facts(workspace: Workspace, history: History, probes: Probes, now: datetime, *, keep: bool) -> Facts:
    """Gather them; ``keep`` what was seen of sources. The warehouse is asked only when something was promised.

    Raises:
        OrcError: it cannot be asked, or a promise is none.
    """
    from orchestrator.adapters import registry

    graph = workspace.graph
    said = promises(graph)
    if not said:
        return Facts(now)
    wanted = _wanted(graph, said)
    sources = [i for i in wanted if graph.nodes[i].kind == "source"]
    warehouse = registry.warehouse(workspace.project.target, str(workspace.invocation.root))
    try:
        relations = [r for i in wanted if (r := graph.nodes[i].relation) is not None]
        snapshot = warehouse.snapshot(relations).within("")
        looked = looking(looks(graph, sources, workspace.dialect), warehouse, workspace.invocation.clock, workspace.project.target.threads)
        seen = {each.probe.source: each.probe for each in looked if each.probe is not None}
    finally:
        warehouse.close()
    target = workspace.project.target.name
    if keep:
        probes.add(target, seen.values())
    past = _Past.of(history.latest(target, RUNS, tests=False))
    recipes = Recipes(graph)
    state = known(recipes, snapshot, {id_: probe.version for id_, probe in seen.items()})
    everything = _Known(graph, snapshot, state, recipes, past)
    found: dict[str, Fact] = {}
    for id_ in wanted:
        node = graph.nodes[id_]
        if node.kind == "source":
            found[id_] = _source(node, seen.get(id_), probes.past(target, id_, LOOKS))
        else:
            found[id_] = _node(node, everything, found, said.get(id_))
    return Facts(now, found)


def rested(facts: Facts, at: datetime) -> Facts:
    """The same project, as if everything had been built from what there is: where a simulation begins."""
    from orchestrator.schedule.world import arrived, built

    for id_ in [i for i, fact in facts.nodes.items() if fact.is_source]:
        facts = arrived(facts, id_, at)
    return built(facts, [i for i, fact in facts.nodes.items() if not fact.is_source and fact.kind != "exposure"], at, "before")


@dataclass(frozen=True, slots=True)
class _Known:
    """What facts about nodes are made of."""

    graph: Graph
    snapshot: Snapshot
    state: Known
    recipes: Recipes
    past: _Past


@dataclass(frozen=True, slots=True)
class _Past:
    """How long nine of ten builds of each node took at most, and when a run began with it."""

    seconds: Mapping[str, float]
    began: Mapping[tuple[str, str], datetime]

    @classmethod
    def of(cls, results: Iterable[tuple[str, NodeFinished]]) -> _Past:
        """From the newest results."""
        taken: dict[str, list[float]] = {}
        began: dict[tuple[str, str], datetime] = {}
        for run, each in results:
            if each.status in (Status.PASSED, Status.WARNED):
                taken.setdefault(each.node, []).append(each.seconds)
            if each.started is not None:
                began[run, each.node] = each.started
        return cls({node: sorted(some)[ceil(0.9 * len(some)) - 1] for node, some in taken.items()}, began)


def _wanted(graph: Graph, said: Iterable[str]) -> list[str]:
    """What promises are about and what that reads, parents first; what is inlined into its readers is seen through."""
    wanted: set[str] = set()
    edge = list(said)
    while edge:
        id_ = edge.pop()
        if id_ not in wanted:
            wanted.add(id_)
            edge += [p.id for p in graph.inputs(id_)]
    return [i for i in graph.order if i in wanted]


def _source(node: Node, newest: Probe | None, past: Sequence[Probe]) -> Fact:
    looks = [*past, newest] if newest is not None else list(past)
    known = versions(looks)
    wrong = "nobody looked at it" if newest is None else newest.error
    return Fact(node.id, node.name, "source", versions=known, version=known[-1].key if known and not wrong else None, unknown=wrong)


def _node(node: Node, known: _Known, found: Mapping[str, Fact], said: Promise | None) -> Fact:
    inputs = tuple(p.id for p in known.graph.inputs(node.id))
    exposed = node.kind == "exposure"
    row = known.state.rows.get(node.id) if node.relation is not None and known.snapshot.find(node.relation) is not None else None
    made = known.state.made.get(node.id) if row is not None else None
    return Fact(
        node.id,
        node.name,
        node.kind,
        inputs,
        said,
        exposed or (node.kind == "model" and node.materialized in PASSING),
        "" if exposed else node.fingerprint,
        "" if exposed or made is None else known.recipes.code(node.id),
        None if row is None else made.code if made is not None else row.fingerprint,
        None if row is None else moment(row.at),
        "" if row is None else row.run,
        known.state.versions.get(node.id) if row is not None else None,
        {} if row is None else _used(row, made, [found[i] for i in inputs if i in found], found, known.past),
        seconds=known.past.seconds.get(node.id),
        retries=_retries(node),
        path=".".join(node.fqn),
    )


def _used(row: Published, made: Made | None, inputs: Iterable[Fact], found: Mapping[str, Fact], past: _Past) -> dict[str, str]:
    """From which versions of its inputs a node was built. The ledger says so; of what its run did not look at, times tell: what had been
    there when the build began.
    """
    began = past.began.get((row.run, row.node)) or moment(row.at)
    used: dict[str, str] = {}
    for parent in inputs:
        said = made.inputs.get(parent.id) if made is not None else None
        if said is not None:
            used[parent.id] = said
        elif parent.is_source:
            there = [v.key for v in parent.versions if v.seen <= began]
            used |= {parent.id: there[-1]} if there else {}
        elif parent.version is not None and _newest(parent, found) <= began:
            used[parent.id] = parent.version
    return used


def _newest(fact: Fact, found: Mapping[str, Fact]) -> datetime:
    """When the rows that a node gives its readers were last another's."""
    own = [v.seen for v in fact.versions[-1:]] if fact.is_source else [fact.at] if fact.at is not None else []
    below = [_newest(found[i], found) for i in fact.inputs if i in found] if fact.passes else []
    return max((*own, *below), default=datetime(1, 1, 1, tzinfo=UTC))


def _retries(node: Node) -> int:
    retries = patience(node.config).retries
    return 0 if retries is None else retries.count
