"""Parents whose newest version did not pass its gates: whoever is built without them reads the version before."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from orchestrator.core.errors import Problem
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.core.snapshot import Snapshot


def held(graph: Graph, building: Collection[str], snapshot: Snapshot) -> tuple[Problem, ...]:
    """A warning (N364) for each parent that is not built now and whose last build left its stage behind, naming who reads it.

    A stage is what a failed gate leaves; a build that is published, and ``orc clean --stages``, take it away.
    """
    readers: dict[str, list[str]] = {}
    for id_ in sorted(building):
        for parent in _read(graph, id_):
            if parent.id not in building and parent.relation is not None and snapshot.find(parent.relation.stage) is not None:
                readers.setdefault(parent.id, []).append(graph.nodes[id_].name)
    return tuple(_told(graph.nodes[id_], names, snapshot) for id_, names in readers.items())


def _read(graph: Graph, id_: str) -> Iterator[Node]:
    """What a node reads that has data, seen through what is ephemeral."""
    pending, seen = list(graph.inputs(id_)), set()
    while pending:
        node = pending.pop()
        if node.id in seen:
            continue
        seen.add(node.id)
        if node.is_ephemeral:
            pending += graph.inputs(node.id)
        elif node.has_data:
            yield node


def _told(parent: Node, readers: list[str], snapshot: Snapshot) -> Problem:
    row = snapshot.ledger.get(parent.id)
    what = f"the version of run {row.run[:8]}" if row is not None else "what was there before"
    message = f"the newest version of `{parent.name}` did not pass its gates: {', '.join(f'`{r}`' for r in readers)} reads {what}"
    hint = f"`orc why {parent.name}` shows the rows; `--warn-error` builds nothing then, `orc clean --stages` forgets that version"
    return Problem("N364", message, parent.span, hint, severity="warning", node=parent.id)
