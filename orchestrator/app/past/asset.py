"""``orc asset``: what is known of one model without asking the warehouse: lineage, the age of its data, its tests, its last runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from orchestrator.app.columns.meanings import meanings
from orchestrator.app.fresh.facts import PASSING
from orchestrator.app.fresh.probing import limited
from orchestrator.app.opening import Workspace
from orchestrator.app.web.models import ended
from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.event import plain
from orchestrator.core.freshness import Probe
from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning
from orchestrator.core.node import BUILDABLE, Node
from orchestrator.graph.lineage import Point, label, upstream
from orchestrator.record.glance import Glance, Past
from orchestrator.record.probes import Probes

GOOD = frozenset({"success", "warn"})
RUNS = 10
"""Runs that are told."""

LOOKED_BACK = 50
"""Runs of a node, and looks at a source, that are searched."""


def asset(workspace: Workspace, glance: Glance, probes: Probes, word: str) -> dict[str, Any]:
    """All of it as JSON-able data; what nobody has seen is ``None``. Lags are seconds.

    ``data_time`` is up to when the model's rows tell what happened: for each source above it, what was seen of that at the last look
    before the build that read it; the oldest counts. It is unknown while a source above was not looked at before.

    Raises:
        UsageError: U080, there is no such model, seed or snapshot.
    """
    graph, target, now = workspace.graph, workspace.project.target.name, workspace.invocation.clock.now()
    node = _node(graph, word)
    past = glance.strip(node.id, RUNS, target)
    sources = list(_held(workspace, glance, probes, node, now))
    times = [found["data_time"] for found in sources]
    oldest = min(times) if times and None not in times else None
    words = {found["status"] for found in sources}
    tests = [n for n in graph.nodes.values() if n.kind in ("test", "unit_test") and (n.attached or (*n.depends_on, "")[0]) == node.id]
    return {
        "node": node.id,
        "name": label(node),
        "kind": node.kind,
        "path": node.path,
        "target": target,
        "owner": node.config.get("owner") or (node.config.get("meta") or {}).get("owner") or node.config.get("group"),
        "upstream": list(node.depends_on),
        "downstream": [i for i in graph.children[node.id] if graph.nodes[i].kind not in ("test", "unit_test")],
        "columns": list(_columns(graph, meanings(workspace), node)),
        "data_time": plain(oldest),
        "lag": None if oldest is None else (now - oldest).total_seconds(),
        "freshness_status": next((word for word in ("error", "warn", "pass") if word in words), None),
        "sources": [plain(found) for found in sources],
        "promise": plain(node.config.get("freshness")),
        "tests": [_test(n, glance.strip(n.id, 1, target)) for n in tests],
        "runs": [ended(p) for p in past],
    }


def _node(graph: Graph, word: str) -> Node:
    kept = [n for n in graph.nodes.values() if n.kind in BUILDABLE]
    found = next((n for n in kept if word in (n.id, n.name, label(n), ".".join(n.fqn), n.path)), None)
    if found is None:
        hint = did_you_mean(word, [label(n) for n in kept], also="`orc ls` lists the nodes")
        raise UsageError(Problem("U080", f"there is no model, seed or snapshot `{word}`", None, hint))
    return found


def _columns(graph: Graph, known: Mapping[str, Meaning], node: Node) -> Iterator[dict[str, Any]]:
    meaning = known.get(node.id)
    for output in meaning.columns if meaning is not None else ():
        hops = upstream(graph, known, [Point(node.id, output.name)]).hops
        lineage = [{"from": _point(h.parent), "to": _point(h.child), "kind": h.kind} for h in hops]
        yield {"name": output.name, "type": output.type, "expression": output.expression or None, "lineage": lineage}


def _point(point: Point) -> dict[str, str | None]:
    return {"node": point.node, "column": point.column or None}


def _held(workspace: Workspace, glance: Glance, probes: Probes, node: Node, now: datetime) -> Iterator[dict[str, Any]]:
    """The sources above a node, each with what was seen of it before it was read for the node's rows."""
    graph, target = workspace.graph, workspace.project.target.name
    above = graph.ancestors([node.id]) | {node.id}
    until: dict[str, datetime | None] = {node.id: now}  # by when each was read at the latest; None: nobody knows
    for id_ in reversed([i for i in graph.order if i in above]):
        one, bound = graph.nodes[id_], until[id_]
        if one.kind == "source":
            seen = (p for p in probes.past(target, id_, LOOKED_BACK) if bound is not None and p.at <= bound and p.data_time is not None)
            yield _source(graph, next(seen, None), id_, now)
            continue
        if bound is not None and one.has_data and one.materialized not in PASSING:
            bound = _begun(glance.strip(id_, LOOKED_BACK, target), bound)
        for parent in one.depends_on:
            before = until.get(parent, bound)
            until[parent] = None if bound is None or before is None else min(bound, before)


def _begun(past: Iterable[Past], bound: datetime) -> datetime | None:
    """When the rows that were there at a time began to be made."""
    return next((p.result.started or p.result.at for p in past if p.result.outcome in GOOD and p.result.at <= bound), None)


def _source(graph: Graph, seen: Probe | None, id_: str, now: datetime) -> dict[str, Any]:
    """``status`` judges the data that the node has by the source's own limits; ``None`` where there are none or nobody looked."""
    limits = limited(graph, [id_]).get(id_)
    data = seen.data_time if seen is not None else None
    status = None if limits is None or data is None else limits.judge((now - data).total_seconds())
    return {"node": id_, "data_time": data, "looked_at": seen.at if seen is not None else None, "status": status}


def _test(node: Node, past: tuple[Past, ...]) -> dict[str, Any]:
    told = ended(past[0]) if past else {}
    return {"node": node.id, "name": node.name, "column": node.column, "last_status": told.get("status"), "at": told.get("at")}
