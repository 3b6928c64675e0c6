"""A plan against what was published: which nodes are new, changed, the same, or gone from the project."""

from __future__ import annotations

from orchestrator.core.graph import Graph
from orchestrator.core.plan import Change, Plan
from orchestrator.core.snapshot import Snapshot


def changes(plan: Plan, graph: Graph, snapshot: Snapshot, *, whole: bool = True) -> tuple[Change, ...]:
    """One change for each task that builds something, in the plan's order; then, for the ``whole`` project, what was removed."""
    found = [_change(task.node, task.label, task.reason, graph, snapshot) for task in plan.tasks if task.kind not in ("test", "unit_test")]
    gone = [published for id_, published in sorted(snapshot.ledger.items()) if id_ not in graph.nodes] if whole else []
    removed = [Change(p.node, "removed", p.node, f"no longer in the project; {p.relation} is left as it is") for p in gone]
    return (*found, *removed)


def _change(id_: str, label: str, reason: str, graph: Graph, snapshot: Snapshot) -> Change:
    node = graph.nodes[id_]
    published = snapshot.ledger.get(id_)
    if node.relation is None or snapshot.find(node.relation) is None:
        return Change(id_, "added", label, reason)
    same = published is not None and published.fingerprint == node.fingerprint
    return Change(id_, "unchanged" if same else "modified", label, reason)
