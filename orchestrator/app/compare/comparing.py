"""Selection by an earlier state: what is there now, told as a manifest tells it, against what was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING

from orchestrator.app.environments.placing import earlier
from orchestrator.core.errors import UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.plan import Request
from orchestrator.core.state import State, Told

if TYPE_CHECKING:
    from orchestrator.app.opening import Workspace

Method = Callable[[Graph, tuple[str, ...], str], Iterable[str]]


def methods(workspace: Workspace, request: Request) -> Mapping[str, Method]:
    """The selection methods that look at an earlier state; none when no state was given.

    Raises:
        UsageError: U056, U057, the state is none that can be read.
    """
    before = earlier(workspace, request)
    if before is None:
        return {}
    now = _Now(workspace)

    def state(graph: Graph, arguments: tuple[str, ...], value: str) -> Iterable[str]:
        from orchestrator.graph.state import by_state

        return by_state(before, now.nodes, now.macros)(graph, arguments, value)

    def result(graph: Graph, arguments: tuple[str, ...], value: str) -> Iterable[str]:
        from orchestrator.graph.state import by_result

        return by_result(before)(graph, arguments, value)

    def source_status(graph: Graph, arguments: tuple[str, ...], value: str) -> Iterable[str]:
        from orchestrator.graph.state import by_source_status

        return by_source_status(before, _current(workspace))(graph, arguments, value)

    return {"state": state, "result": result, "source_status": source_status}


class _Now:
    """The project as a manifest would tell it; worked out when somebody asks."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @cached_property
    def nodes(self) -> Mapping[str, Told]:
        """What is there now."""
        return told_now(self._workspace)

    @cached_property
    def macros(self) -> Mapping[str, str]:
        """The project's own macros, by id."""
        from orchestrator.app.artifacts import macro_texts

        return macro_texts(self._workspace)


def told_now(workspace: Workspace) -> dict[str, Told]:
    """Every node as our manifest would tell of it. A seed has the digests that ours and dbt's manifests give it."""
    from dataclasses import replace

    from orchestrator.app.artifacts import facts_of
    from orchestrator.load.state import told
    from orchestrator.publish.entries import entry
    from orchestrator.publish.manifest import manifest_roots

    graph, roots = workspace.graph, manifest_roots(workspace.project)
    facts = facts_of(workspace, {}, {})
    found: dict[str, Told] = {}
    for id_, node in graph.nodes.items():
        one = told(entry(node, graph, facts, roots))
        if node.kind == "seed":
            content = workspace.project.tree.bytes(node.path)
            theirs = (sha256(content), sha256(content.strip()))
            one = replace(one, checksum=" ".join([one.checksum, *(d.hexdigest() for d in theirs), node.path]))
        found[id_] = one
    return found


def _current(workspace: Workspace) -> State | None:
    """What the target folder holds of the last look at sources."""
    from orchestrator.app.artifacts import target_folder

    try:
        return workspace.states(target_folder(workspace))
    except UsageError as error:
        if any(p.code == "U056" for p in error.problems):
            return None
        raise
