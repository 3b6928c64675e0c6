"""What a warehouse was seen to hold of tables whose columns no SQL of ours tells: kept per target, for commands that do not connect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.app.opening import Workspace
from orchestrator.core.event import Status
from orchestrator.core.files import digest
from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Shape
from orchestrator.core.names import Relation
from orchestrator.core.node import BUILDABLE, Node
from orchestrator.core.plan import Late, Task
from orchestrator.core.run import Run

if TYPE_CHECKING:
    from orchestrator.app import Prepared

FORMAT = 1

Columns = tuple[tuple[str, str | None], ...]


def observed(workspace: Workspace) -> dict[str, Shape]:
    """The columns last seen of the project's nodes and sources, by node id; complete, because an engine's catalog leaves none out."""
    there = _read(_path(workspace))
    if not there:
        return {}
    return {
        id_: Shape(columns, complete=True)
        for id_, node in workspace.graph.nodes.items()
        if node.relation is not None and (columns := there.get(node.relation.key)) is not None
    }


def observe(workspace: Workspace, looked: Iterable[Relation], found: Mapping[Relation, Columns]) -> None:
    """Remember what was seen of relations that were ``looked`` for: those not ``found`` are gone. A full disk means no, no more."""
    from orchestrator.app import secrets
    from orchestrator.core.errors import StoreError
    from orchestrator.publish.write import write

    path = _path(workspace)
    before = _read(path)
    after = {key: columns for key, columns in before.items() if key not in {r.key for r in looked}}
    after |= {relation.key: columns for relation, columns in found.items()}
    if after == before:
        return
    rows = [[*key, columns] for key, columns in sorted(after.items())]
    try:
        write({path.name: json.dumps({"format": FORMAT, "relations": rows})}, path.parent, secrets(workspace))
    except StoreError:
        return


def observe_run(ready: Prepared, run: Run) -> None:
    """After a run, look at what it built of tables that no SQL tells the columns of, if their code is new or nobody looked before.

    Costs nothing where there is no such table. What is wrong then was no part of the run, and is no part of its result.
    """
    from orchestrator.core.errors import OrcError

    workspace = ready.workspace
    passed = {r.node for r in run.results if r.status is Status.PASSED}
    built = [t for t in ready.plan.tasks if t.node in passed and t.relation is not None and t.kind in BUILDABLE]
    nodes = [workspace.graph.nodes[t.node] for t in built if _late(t) or _untold(workspace.graph.nodes[t.node])]
    there = _read(_path(workspace)) if nodes else {}
    ledger = ready.snapshot.ledger

    def new(node: Node, relation: Relation) -> bool:
        published = ledger.get(node.id)
        return relation.key not in there or published is None or published.fingerprint != node.fingerprint

    looked = [n.relation for n in nodes if n.relation is not None and new(n, n.relation)]
    if not looked:
        return
    try:
        found = ready.warehouse.catalog(looked)
    except OrcError:
        return
    observe(workspace, looked, {d.relation: tuple((name, type_) for name, type_, _ in d.columns) for d in found})


def hidden(node: Node, graph: Graph) -> bool:
    """Whether a node's columns have to be seen to be known."""
    return node.kind == "source" or _untold(node) or (node.kind in BUILDABLE and getattr(graph.bodies[node.id], "late", False))


def _untold(node: Node) -> bool:
    return node.kind == "seed" or node.language == "python" or node.config.get("parse") is False


def _late(task: Task) -> bool:
    return any(isinstance(step.sql, Late) and step.sql.what == "render" and step.sql.node == task.node for step in task.steps)


def stamp(workspace: Workspace) -> str:
    """Names what was seen: equal while nobody looked again and found something else."""
    try:
        return digest(_path(workspace).read_bytes())
    except OSError:
        return ""


def _path(workspace: Workspace) -> Path:
    """One file for each target: another target is another warehouse."""
    target = workspace.project.target
    place = digest("\0".join((target.profile, target.name, target.type, target.database or "")).encode())[:16]
    return workspace.invocation.state_dir / "observed" / f"{place}.json"


def _read(path: Path) -> dict[tuple[str, str, str], Columns]:
    try:
        said: Any = json.loads(path.read_bytes())
        if said["format"] != FORMAT:
            return {}
        return {(d, s, n): tuple((str(name), kind) for name, kind in columns) for d, s, n, columns in said["relations"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}
