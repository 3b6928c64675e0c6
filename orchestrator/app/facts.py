"""What is known of the nodes that somebody promised to keep fresh: from the graph, the ledger, looks at sources, and past runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.event import NodeFinished, Status
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.patience import patience
from orchestrator.core.promise import Fact, Facts, Look, Promise, promise, versions
from orchestrator.core.snapshot import Published, Snapshot
from orchestrator.record.history import History

PASSING = frozenset({"view", "ephemeral"})
"""Materializations without rows of their own."""

RUNS = 20
"""Builds of a node that say how long the next one takes."""

Looks = Callable[[Sequence[str]], Mapping[str, tuple[Sequence[Look], str]]]
"""What looks at some sources saw, by id; and why the newest saw nothing, if so."""


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


def facts(workspace: Workspace, history: History, look: Looks, now: datetime) -> Facts:
    """Gather them. The warehouse is asked only when something was promised.

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
    finally:
        warehouse.close()
    seen = look(sources)
    took = _took(history.latest(workspace.project.target.name, RUNS, tests=False))
    found: dict[str, Fact] = {}
    for id_ in wanted:
        node = graph.nodes[id_]
        if node.kind == "source":
            looks, wrong = seen.get(id_, ((), "nobody looked at it"))
            known = versions(looks)
            found[id_] = Fact(
                id_, node.name, "source", versions=known, version=known[-1].key if known and not wrong else None, unknown=wrong
            )
        else:
            found[id_] = _node(node, graph, snapshot, found, said.get(id_), took.get(id_))
    return Facts(now, found)


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


def _node(node: Node, graph: Graph, snapshot: Snapshot, found: Mapping[str, Fact], said: Promise | None, seconds: float | None) -> Fact:
    inputs = tuple(p.id for p in graph.inputs(node.id))
    passes = node.kind == "exposure" or (node.kind == "model" and node.materialized in PASSING)
    row = snapshot.ledger.get(node.id)
    there = row is not None and node.relation is not None and snapshot.find(node.relation) is not None
    at = _at(row.at) if row is not None and there else None
    return Fact(
        node.id,
        node.name,
        node.kind,
        inputs,
        said,
        passes,
        "" if node.kind == "exposure" else node.fingerprint,
        row.fingerprint if row is not None and there else None,
        at,
        row.run if row is not None and there else "",
        _version(node, row if there else None, [found[i].version for i in inputs if i in found], passes=passes),
        _used(at, inputs, found, seconds or 0.0),
        seconds=seconds,
        retries=_retries(node),
        path=".".join(node.fqn),
    )


def _version(node: Node, row: Published | None, below: Sequence[str | None], *, passes: bool) -> str | None:
    from orchestrator.core.files import digest

    if not passes:
        return None if row is None else f"{row.at} by {row.run}"
    return None if any(v is None for v in below) else digest("\n".join([node.fingerprint, *map(str, below)]).encode())[:16]


def _used(at: datetime | None, inputs: Sequence[str], found: Mapping[str, Fact], seconds: float) -> dict[str, str]:
    """From which versions of its inputs a node was built, as far as times tell: what was there when its build began."""
    from datetime import timedelta

    used: dict[str, str] = {}
    for id_ in inputs if at is not None else ():
        parent = found.get(id_)
        if parent is None or at is None:
            continue
        if parent.is_source:
            there = [v.key for v in parent.versions if v.seen <= at - timedelta(seconds=seconds)]
            used |= {id_: there[-1]} if there else {}
        elif parent.version is not None and _newest(parent, found) <= at:
            used[id_] = parent.version
    return used


def _newest(fact: Fact, found: Mapping[str, Fact]) -> datetime:
    """When rows that a node hands on were last published."""
    never = datetime(1, 1, 1, tzinfo=UTC)
    if not fact.passes:
        return fact.at or never
    return max((_newest(found[i], found) if not found[i].is_source else found[i].versions[-1].seen for i in fact.inputs), default=never)


def _retries(node: Node) -> int:
    retries = patience(node.config).retries
    return 0 if retries is None else retries.count


def _took(results: Iterable[tuple[str, NodeFinished]]) -> dict[str, float]:
    """How long nine of ten builds of each node took at most."""
    seconds: dict[str, list[float]] = {}
    for _, each in results:
        if each.status in (Status.PASSED, Status.WARNED):
            seconds.setdefault(each.node, []).append(each.seconds)
    return {node: sorted(taken)[ceil(0.9 * len(taken)) - 1] for node, taken in seconds.items()}


def _at(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
