"""What keeps a build beside production beside it: nothing outside of the environment's schemas is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.core.errors import Problem
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.plan import Statement, Task
from orchestrator.core.snapshot import Published, recorded
from orchestrator.graph.environment import inside
from orchestrator.plan.situation import Situation

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


def claims(tasks: Iterable[Task], at: Situation) -> tuple[Statement, ...]:
    """The ledger's rows for what an environment keeps besides nodes (rows that failed tests): whoever cleans up finds them there."""
    if not at.environment:
        return ()
    kept = {s.node: s.payload["audit"] for t in tasks for s in t.steps if s.payload.get("audit") is not None}
    return tuple(
        Statement(sql)
        for test, relation in sorted(kept.items())
        for sql in at.dialect.ledger_write(
            Published(recorded(test, at.environment), str(relation), "", at.run, at.now.isoformat()), known=test in at.snapshot.ledger
        )
    )
