"""What keeps a build beside production beside it: nothing outside of the environment's schemas is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.core.errors import Problem
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import BUILDABLE
from orchestrator.core.plan import Request, Statement, Task
from orchestrator.core.snapshot import Published, recorded
from orchestrator.graph.environment import inside
from orchestrator.plan.situation import Situation

AT_ONCE = 500
"""Rows of the ledger in one statement."""

READ_ONLY = frozenset({"check", "within"})
"""Steps that only look at their relation; what they keep is looked at on its own."""


def outside(tasks: Iterable[Task], graph: Graph, environment: str) -> list[Problem]:
    """N350 for every node that would write to a relation outside of ``environment``; nothing when there is none.

    Schemas are named before this is asked: it does not matter who named them, or how.
    """
    if not environment:
        return []
    problems: dict[str, Problem] = {}
    for task in tasks:
        for relation in _written(task):
            if not inside(relation, environment):
                node = graph.nodes[task.node]
                message = f"`{node.name}` would write to `{relation}`, which is outside of the environment `{environment}`"
                hint = f"its schemas end in `__{environment}`: nothing was built"
                problems.setdefault(task.node, Problem("N350", message, node.span, hint, node=node.id))
    return list(problems.values())


def _written(task: Task) -> Iterator[Relation]:
    if task.kind not in ("test", "unit_test") and task.relation is not None:
        yield task.relation
    inner = task.batches
    batched = (*inner.opening, *inner.create, *inner.add, *inner.closing) if inner else ()
    for step in (*task.steps, *batched):
        if step.relation is not None and step.does not in READ_ONLY:
            yield step.relation
        if step.payload.get("audit") is not None:
            yield step.payload["audit"]


def histories(tasks: Iterable[Task], graph: Graph, request: Request) -> list[Problem]:
    """N352 for every snapshot that would take what is not in a sample for deleted."""
    if request.sample is None or request.environment:
        return []
    hint = "leave it out (`--exclude resource_type:snapshot`), or build it beside: `--environment NAME`"
    nodes = (graph.nodes[t.node] for t in tasks if t.kind == "snapshot")
    return [Problem("N352", f"the snapshot `{n.name}` keeps its history, and a sample is none", n.span, hint, node=n.id) for n in nodes]


def claims(tasks: Iterable[Task], at: Situation) -> tuple[Statement, ...]:
    """The ledger's rows for what an environment is about to get, rows that failed tests included: whoever cleans up finds it there,
    also when nothing was published in the end. What is there already and nobody recorded is somebody else's.
    """
    if not at.environment:
        return ()
    found: dict[str, Relation] = {}
    for task in tasks:
        if task.kind in BUILDABLE and task.relation is not None:
            found[task.node] = task.relation
        found |= {s.node: s.payload["audit"] for s in task.steps if s.payload.get("audit") is not None}
    new = {id_: r for id_, r in found.items() if id_ not in at.snapshot.ledger and at.snapshot.find(r) is None}
    rows = [Published(recorded(id_, at.environment), str(r), "", at.run, at.now.isoformat()) for id_, r in sorted(new.items())]
    return tuple(Statement(at.dialect.ledger_claim(rows[i : i + AT_ONCE])) for i in range(0, len(rows), AT_ONCE))
