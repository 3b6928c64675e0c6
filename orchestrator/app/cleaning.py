"""``orc clean``: delete generated folders, and nothing outside the project."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from orchestrator.app.opening import load_project, open_workspace
from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.snapshot import Lease

if TYPE_CHECKING:
    from orchestrator.app.invocation import Invocation
    from orchestrator.core.names import Relation
    from orchestrator.core.ports import Connection, Warehouse
    from orchestrator.core.snapshot import Existing


def clean(invocation: Invocation, *, dry_run: bool = False) -> Iterator[str]:
    """Delete the folders of ``clean-targets`` and our cache; one line each. With ``dry_run`` they stay.

    Raises:
        ConfigError: C510, a folder leads out of the project or is one of its source folders.
    """
    project = load_project(invocation)
    settings = project.settings
    kinds = ("model", "seed", "macro", "test", "snapshot", "analysis")
    sources = {path for kind in kinds for path in getattr(settings, f"{kind}_paths")}
    root = invocation.root.resolve()
    targets = dict.fromkeys([*settings.clean_targets, settings.target_path])
    for name in targets:
        path = (root / name).resolve()
        inside = path != root and path.is_relative_to(root)
        if not inside or any(PurePosixPath(s).is_relative_to(PurePosixPath(name)) for s in sources):
            raise ConfigError(Problem("C510", f"clean-targets names `{name}`, which is not a folder of generated files inside the project"))
    for name in (*targets, ".orchestrator/cache", ".orchestrator/tmp"):
        path = root / name
        if path.is_dir():
            if not dry_run:
                shutil.rmtree(path)
            yield f"{'Would delete' if dry_run else 'Deleted'} {name}"


def clean_stages(invocation: Invocation, *, dry_run: bool = False) -> Iterator[str]:
    """Drop what failed gates left for inspection; one line each. With ``dry_run`` nothing goes.

    Other projects may share a schema: only our own nodes' stages go. Nor does what a run is just filling: who drops holds the lease.
    """
    from orchestrator.adapters import registry

    workspace = open_workspace(invocation)
    warehouse = registry.warehouse(workspace.project.target, str(invocation.root), invocation.id)
    try:
        relations = [n.relation for n in workspace.graph.nodes.values() if n.relation is not None and n.has_data]
        snapshot = warehouse.snapshot(relations)
        left = [(r, there) for r in relations if (there := snapshot.find(r.stage)) is not None]
        if dry_run:
            yield from (f"Would drop {there.relation}" for _, there in left)
        elif left:
            connection = warehouse.connect()
            for statement in warehouse.dialect.lease_setup():
                connection.execute(statement)
            for relation, there in left:
                yield _dropped(relation, there, warehouse, connection, invocation.id)
    finally:
        warehouse.close()


def _dropped(relation: Relation, stage: Existing, warehouse: Warehouse, connection: Connection, run: str) -> str:
    """Drop one stage under the lease of what it is a stage of, unless a run has that."""
    rows: tuple[tuple[object, ...], ...] = ()
    for statement in warehouse.dialect.lease_claim(relation, run):
        rows = connection.execute(statement).rows
    holder, fence = str(rows[0][0]), int(str(rows[0][1]))
    if holder != run:
        return f"Left {stage.relation}: run {holder[:8]} builds `{relation}`"
    try:
        connection.execute(warehouse.dialect.drop(stage))
    finally:
        for statement in warehouse.dialect.lease_end(Lease(relation, run, fence), published=False):
            connection.execute(statement)
    return f"Dropped {stage.relation}"
