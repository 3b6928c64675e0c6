"""Which nodes have to be built again because of a change, and which are spared."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.graph.compare import Change
from orchestrator.graph.impact import Consequence

TOLD = frozenset({"tags", "meta", "docs", "group", "access", "description", "lint", "enabled", "full_refresh", "severity", "on_error"})
"""Keys of the configuration that change nothing about a table."""

SAID = frozenset({"cosmetic", "moved", "config", "removed"})
"""Categories that do not by themselves mean that a table is another."""


@dataclass(frozen=True, slots=True)
class Reach:
    """``ids`` are to be built, with the reason for each; ``spared`` read what changed, but nothing of the change. ``tests`` are new, or
    say something else.
    """

    ids: Mapping[str, str]
    spared: tuple[str, ...] = ()
    tests: frozenset[str] = frozenset()


def reach(before: Graph, after: Graph, found: Iterable[Consequence], files: Collection[str], *, widen: bool = False) -> Reach:
    """What a change reaches. ``files`` are the paths that are different; with ``widen`` all descendants are built."""
    ids: dict[str, str] = {}
    roots: dict[str, None] = {}
    consequences = tuple(found)
    for one in consequences:
        node = after.nodes.get(one.change.node)
        if node is not None and _is_another(before, node, one.change):
            roots.setdefault(node.id)
            ids.setdefault(node.id, one.change.category)
    for one in consequences:
        name = _named(after, one.change)
        for id_ in one.impact.nodes:
            if id_ in after.nodes and id_ != one.change.node:
                ids.setdefault(id_, f"it reads {name}")
    descendants = after.descendants(roots)
    if widen:
        for id_ in descendants:
            ids.setdefault(id_, "it is a descendant of what changed")
    ids = {id_: ids[id_] for id_ in after.order if id_ in ids and after.nodes[id_].kind in ("model", "seed", "snapshot")}
    spared = tuple(id_ for id_ in after.order if id_ in descendants and id_ not in ids and after.nodes[id_].has_data)
    return Reach(ids, spared, frozenset(_tests(before, after, files)))


def suspects(before: Graph, after: Graph, files: Collection[str]) -> frozenset[str] | None:
    """The ids of nodes that may not be what they were; all others need not be compared. ``None``: any may.

    What a node says besides its data is in its file, or in one that describes it; everything about its data is in its fingerprint.
    """
    if any(not path.endswith((".sql", ".py", ".csv")) for path in files):
        return None
    changed = set(files)
    ids = before.nodes.keys() | after.nodes.keys()
    return frozenset(id_ for id_ in ids if _differs(before.nodes.get(id_), after.nodes.get(id_), changed))


def _differs(one: Node | None, other: Node | None, files: Collection[str]) -> bool:
    return one is None or other is None or one.path in files or other.path in files or one != other


def _is_another(before: Graph, node: Node, change: Change) -> bool:
    """Whether the node's own table has to be built because of a change."""
    old = before.nodes.get(node.id)
    match change.category:
        case "config":
            keys = (old.config.keys() if old else set()) | node.config.keys()
            return old is not None and any(old.config.get(k) != node.config.get(k) for k in keys - TOLD)
        case "moved":
            return old is not None and old.relation != node.relation
        case category:
            return category not in SAID


def _named(graph: Graph, change: Change) -> str:
    node = graph.nodes.get(change.node)
    name = node.name if node is not None else change.node.rpartition(".")[2]
    column = change.before if change.category == "column renamed" else change.column
    return f"`{name}.{column}`" if column else f"the rows of `{name}`"


def _tests(before: Graph, after: Graph, files: Collection[str]) -> Iterator[str]:
    """Tests that are new or were changed: they have to be passed by what is there already, too."""
    for id_, node in after.nodes.items():
        if node.kind not in ("test", "unit_test"):
            continue
        old = before.nodes.get(id_)
        if old is None or old.content != node.content or old.config != node.config:
            yield id_
        elif node.path in files and _told(before, id_) != _told(after, id_):
            yield id_


def _told(graph: Graph, id_: str) -> object:
    body = graph.bodies[id_]
    return [getattr(body, name, None) for name in ("arguments", "given", "expect", "overrides")]
