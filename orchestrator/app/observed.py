"""What a warehouse was seen to hold of tables whose columns no SQL of ours tells: kept per target, for commands that do not connect."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.app.opening import Workspace
from orchestrator.core.files import digest
from orchestrator.core.meaning import Shape
from orchestrator.core.names import Relation
from orchestrator.core.node import Node

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


def hidden(node: Node) -> bool:
    """Whether a node's columns may have to be seen to be known, as far as that shows without its text."""
    return node.kind in ("source", "seed") or node.language == "python" or node.config.get("parse") is False


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
