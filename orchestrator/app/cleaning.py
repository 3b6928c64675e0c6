"""``orc clean``: delete generated folders, and nothing outside the project."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import PurePosixPath

from orchestrator.app.invocation import Invocation
from orchestrator.app.opening import load_project, open_workspace
from orchestrator.core.errors import ConfigError, Problem


def clean(invocation: Invocation) -> Iterator[str]:
    """Delete the folders of ``clean-targets`` and our cache; one line each.

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
            shutil.rmtree(path)
            yield f"Deleted {name}"


def clean_stages(invocation: Invocation) -> Iterator[str]:
    """Drop what failed gates left for inspection; one line each. Other projects may share a schema: only our own nodes' stages go."""
    from orchestrator.adapters import registry

    workspace = open_workspace(invocation)
    warehouse = registry.warehouse(workspace.project.target, str(invocation.root))
    try:
        relations = [n.relation for n in workspace.graph.nodes.values() if n.relation is not None and n.has_data]
        snapshot = warehouse.snapshot(relations)
        left = [there for r in relations if (there := snapshot.find(r.stage)) is not None]
        if left:
            connection = warehouse.connect()
            for there in left:
                connection.execute(warehouse.dialect.drop(there))
                yield f"Dropped {there.relation}"
    finally:
        warehouse.close()
