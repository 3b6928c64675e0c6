"""What is known of the columns of an opened project: from its SQL, its files, and what was last seen of the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.app.columns.observed import observed
from orchestrator.app.columns.observed import stamp as seen_stamp
from orchestrator.app.opening import Workspace, garbage_kept
from orchestrator.core.errors import OrcError
from orchestrator.core.files import digest
from orchestrator.core.meaning import Shape
from orchestrator.graph.meanings import Meanings, has_columns, seed_shape
from orchestrator.graph.meanings import meanings as work_out

if TYPE_CHECKING:
    from orchestrator.graph.meanings import Understand
    from orchestrator.load.remembered import Remembered

NOTE = "meanings"
"""In the parse cache: names the project of which everything is remembered. Goes with the facts when those are written anew."""


def meanings(workspace: Workspace, understand: Understand | None = None) -> Meanings:
    """The meaning of every node that has columns, by id. On an unchanged project nothing is worked out, and only what is asked for is read.

    ``understand`` reads a query in place of :mod:`orchestrator.sql.understand`.
    """
    with garbage_kept():
        memory = _memory(workspace)
        if memory is None:
            return work_out(workspace.graph, workspace.dialect, known(workspace), understand=understand)
        stamp = _stamp(workspace)
        cache = workspace.cache
        if stamp is not None and cache is not None and cache.noted(NOTE) == stamp and memory.stamp() == stamp:
            kept = memory.all()
            if len(kept) == sum(map(has_columns, workspace.graph.nodes.values())):
                return Meanings(kept, anew=lambda: _worked_out(workspace, memory, stamp, understand, again=True))
        return _worked_out(workspace, memory, stamp, understand)


def known(workspace: Workspace) -> dict[str, Shape]:
    """Columns that no SQL tells: the headers of seeds, and what was seen of the warehouse."""
    from orchestrator.execute.seed import header

    found = observed(workspace)
    for id_, node in workspace.graph.nodes.items():
        if node.kind == "seed":
            try:
                location = workspace.project.tree.where(node.path)
                names = header(location, node.path, delimiter=str(node.config.get("delimiter") or ","))
            except OrcError:  # the seed will say so when it is loaded
                found.pop(id_, None)
                continue
            types = {name: workspace.dialect.declared_type(str(kind)) for name, kind in (node.config.get("column_types") or {}).items()}
            found[id_] = seed_shape(names, types, found.get(id_))
    return found


def _worked_out(
    workspace: Workspace, memory: Remembered, stamp: str | None, understand: Understand | None, *, again: bool = False
) -> Meanings:
    """Everything, from what is remembered and still true, else from the SQL; remembered for the next time."""
    if again:
        memory.forget()
    shapes = known(workspace)
    try:
        found = work_out(workspace.graph, workspace.dialect, shapes, memory.all(), understand=understand)
    except (LookupError, TypeError, ValueError):
        if again:
            raise
        return _worked_out(workspace, memory, stamp, understand, again=True)
    whole = memory.keep(found.fresh, found.kept, stamp)
    if whole and workspace.cache is not None:
        workspace.cache.note(NOTE, stamp)
    found.anew = lambda: _worked_out(workspace, memory, stamp, understand, again=True)
    return found


def _memory(workspace: Workspace) -> Remembered | None:
    from orchestrator.load.cache import engine_digest
    from orchestrator.load.remembered import Remembered

    cache = workspace.cache
    if cache is None:
        return None
    return Remembered(cache.folder, cache.path.stem, f"{engine_digest()}:{workspace.dialect.name}", cache.secrets)


def _stamp(workspace: Workspace) -> str | None:
    """Names all that the meanings follow from, by digests that are there when a project was opened; ``None`` when they are not."""
    from orchestrator.load.tree import DiskTree

    tree = workspace.project.tree
    if not isinstance(tree, DiskTree):
        return None
    files = [f"{path}\0{tree.digest(path)}" for path in tree.sources()]
    nodes = [f"{n.id}\0{n.fingerprint}" for n in workspace.graph.nodes.values() if has_columns(n)]
    return digest("\n".join([workspace.graph.key, seen_stamp(workspace), *files, *nodes]).encode())
