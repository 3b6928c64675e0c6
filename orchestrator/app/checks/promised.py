"""Broken promises about columns, led to the lines of the properties files they are written on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache

from orchestrator.app.opening import Workspace
from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.meaning import Meaning
from orchestrator.core.node import Node
from orchestrator.core.project import Properties
from orchestrator.graph.judging import Doubt
from orchestrator.graph.promises import Broken, promises

SECTIONS = {"model": "models", "seed": "seeds", "snapshot": "snapshots", "unit_test": "unit_tests"}


def promised(workspace: Workspace, chosen: Collection[str], meanings: Mapping[str, Meaning]) -> Iterator[tuple[Node, Doubt]]:
    """The promises of the chosen nodes, and of tests of chosen nodes, that are not kept. Files are read again only for those."""
    graph, own = workspace.graph, workspace.project.settings.own

    @cache
    def entries(path: str) -> tuple[Properties, ...]:
        from orchestrator.load.properties import parse_properties

        return parse_properties(path, workspace.project.tree.bytes(path), own)[0]

    for one in promises(graph, meanings, workspace.dialect):
        node = one.node
        if node.id in chosen or node.attached in chosen or (node.kind == "unit_test" and any(p in chosen for p in node.depends_on)):
            span = _place(one, entries(one.path)) if one.path.endswith((".yml", ".yaml")) and one.keys else None
            problem = Problem(one.code, one.message, span or Span(one.path, one.line), one.hint, node=node.name)
            yield _judge(graph.nodes.get(node.attached or ""), node), Doubt(problem)


def _judge(attached: Node | None, node: Node) -> Node:
    """Whose configuration decides: a test belongs to what it tests."""
    return attached if attached is not None and "lint" not in node.config else node


def _place(one: Broken, entries: tuple[Properties, ...]) -> Span | None:
    """The line of a promise; ``None`` when the entry cannot be told."""
    found = [e for e in entries if e.section == SECTIONS.get(one.node.kind) and e.name == one.node.name]
    if len(found) != 1:
        return None
    entry = found[0]
    keys: list[str | int] = list(one.keys)
    if len(keys) > 1 and keys[0] == "columns":
        columns = entry.data.get("columns") or []
        at = next((i for i, c in enumerate(columns) if isinstance(c, Mapping) and c.get("name") == keys[1]), None)
        keys = ["columns"] if at is None else ["columns", at, "name"]
    return entry.at(*keys)
