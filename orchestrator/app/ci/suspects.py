"""Which nodes may have changed at all: most of a project need not be looked at."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.core.graph import Graph
from orchestrator.core.node import Node


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
