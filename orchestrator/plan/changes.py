"""A plan against what was published, or against an earlier version: which nodes are new, changed, affected, the same, or gone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from statistics import median

from orchestrator.core.graph import Graph
from orchestrator.core.interval import Interval, batch_name, grid
from orchestrator.core.node import Node
from orchestrator.core.plan import Change, Plan, Task
from orchestrator.core.snapshot import Snapshot
from orchestrator.graph.fingerprint import unchanged_itself
from orchestrator.graph.rebuild import Rebuild
from orchestrator.plan.expand.microbatch import is_microbatch, paced


def changes(
    plan: Plan, graph: Graph, snapshot: Snapshot, *, whole: bool = True, since: Rebuild | None = None, full_refresh: bool = False
) -> tuple[Change, ...]:
    """One change for each task that builds something, in the plan's order; then, for the ``whole`` project, what was removed.

    With ``since``, what is different from an earlier version decides, else what was published. A table that keeps rows of before, and
    would keep them although its code changed, needs a backfill; not in a full refresh.
    """
    tasks = [task for task in plan.tasks if task.kind not in ("test", "unit_test")]
    built = {id_: row.fingerprint for id_, row in snapshot.ledger.items()}
    if since is not None:
        found = [_since(task, since) for task in tasks]
    else:
        found = [_published(task, graph, snapshot, built) for task in tasks]
    gone = [published for id_, published in sorted(snapshot.ledger.items()) if id_ not in graph.nodes] if whole else []
    removed = [Change(p.node, "removed", p.node, f"no longer in the project; {p.relation} is left as it is") for p in gone]
    return (*(c if full_refresh else backfilled(c, graph.nodes[c.node], snapshot) for c in found), *removed)


def timed(found: tuple[Change, ...], history: Mapping[str, tuple[float, ...]]) -> tuple[Change, ...]:
    """The same, each with the median of what its last builds took, in seconds."""
    return tuple(replace(c, seconds=median(history[c.node])) if history.get(c.node) and c.what != "removed" else c for c in found)


def _since(task: Task, since: Rebuild) -> Change:
    details = since.reasons.get(task.node, ())
    if task.node not in since.ids:
        return Change(task.node, "unchanged", task.label, task.reason)
    if "added" in details:
        return Change(task.node, "added", task.label, task.reason)
    return Change(task.node, "modified" if task.node in since.changed else "affected", task.label, task.reason, details)


def _published(task: Task, graph: Graph, snapshot: Snapshot, built: Mapping[str, str]) -> Change:
    node = graph.nodes[task.node]
    if node.relation is None or snapshot.find(node.relation) is None:
        return Change(node.id, "added", task.label, task.reason)
    if built.get(node.id) == node.fingerprint:
        return Change(node.id, "unchanged", task.label, task.reason)
    if unchanged_itself(graph, node.id, built):
        other = [p.name for p in graph.inputs(node.id) if p.id in built and built[p.id] != p.fingerprint]
        return Change(node.id, "affected", task.label, "what it reads changed" + (f": {', '.join(other)}" if other else ""))
    return Change(node.id, "modified", task.label, task.reason)


def backfilled(change: Change, node: Node, snapshot: Snapshot) -> Change:
    """The change with what of the node's table stays as it was built before: which rows, and how to build them."""
    existing = snapshot.find(node.relation) if node.relation else None
    if existing is None or change.what not in ("modified", "affected") or node.materialized != "incremental":
        return change
    if is_microbatch(node):
        size = paced(node).size
        held = snapshot.intervals.get(str(node.relation), ())
        if held:
            times = ", ".join(_span(one, len(grid(one.start, one.end, size)), size) for one in held)
            first, last = held[0].start, held[-1].end
            again = f"orc run -s {node.name} --event-time-start {first:%Y-%m-%dT%H:%M} --event-time-end {last:%Y-%m-%dT%H:%M}"
            return replace(change, backfill=times, again=again)
    return replace(change, backfill="all rows that are there", again=f"orc run -s {node.name} --full-refresh")


def _span(one: Interval, count: int, size: str) -> str:
    """An interval in words.

    >>> from orchestrator.core.interval import instant
    >>> _span(Interval(instant("2025-01-01"), instant("2025-02-01")), 31, "day")
    '2025-01-01 to 2025-02-01 (31 batches of a day)'
    """
    begin, end = (batch_name(at, size) for at in (one.start, one.end))  # type: ignore[arg-type] # a size of the model
    article = "an" if size == "hour" else "a"
    return f"{begin} to {end} ({count} {'batch' if count == 1 else 'batches'} of {article} {size})"
