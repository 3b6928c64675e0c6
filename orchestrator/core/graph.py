"""The graph of a project: closed and acyclic by construction (``link`` made it so)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from orchestrator.core.errors import Problem
from orchestrator.core.node import Body, Node


@dataclass(frozen=True)
class Graph:
    """Nodes by id, their bodies, and what was noticed on the way (``warnings``).

    ``bodies`` may decode lazily: ask for one only when its text is needed. ``key`` names the content the graph was made of.
    """

    nodes: Mapping[str, Node]
    bodies: Mapping[str, Body]
    warnings: tuple[Problem, ...] = ()
    key: str = ""
    project: str = ""
    disabled: tuple[str, ...] = ()
    macros: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Ids of direct downstream nodes, for every id."""
        down: dict[str, list[str]] = {id_: [] for id_ in self.nodes}
        for node in self.nodes.values():
            for parent in node.depends_on:
                if parent in down:
                    down[parent].append(node.id)
        return {id_: tuple(below) for id_, below in down.items()}

    @cached_property
    def order(self) -> tuple[str, ...]:
        """All ids, parents first; ties in order of declaration."""
        waiting = {id_: sum(p in self.nodes for p in n.depends_on) for id_, n in self.nodes.items()}
        ready = deque(id_ for id_, count in waiting.items() if not count)
        found: list[str] = []
        while ready:
            id_ = ready.popleft()
            found.append(id_)
            for child in self.children[id_]:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)
        return tuple(found)

    def ancestors(self, ids: Iterable[str], depth: int | None = None) -> set[str]:
        """Everything upstream of ``ids`` within ``depth`` edges, ``ids`` excluded unless reached."""
        return self._reach(ids, lambda id_: self.nodes[id_].depends_on, depth)

    def descendants(self, ids: Iterable[str], depth: int | None = None) -> set[str]:
        """Everything downstream of ``ids`` within ``depth`` edges, ``ids`` excluded unless reached."""
        return self._reach(ids, lambda id_: self.children[id_], depth)

    def inputs(self, id_: str) -> tuple[Node, ...]:
        """What a node's query reads in the end: its parents, ephemeral ones seen through."""
        below = dict.fromkeys(self.nodes[id_].depends_on)
        found: list[Node] = []
        while below:
            parent = self.nodes[next(iter(below))]
            del below[parent.id]
            if parent.is_ephemeral:
                below |= dict.fromkeys(parent.depends_on)
            elif parent not in found:
                found.append(parent)
        return tuple(found)

    def _reach(self, ids: Iterable[str], step: Callable[[str], Iterable[str]], depth: int | None) -> set[str]:
        seen: set[str] = set()
        edge = [id_ for id_ in ids if id_ in self.nodes]
        while edge and (depth is None or depth > 0):
            reached = {near for id_ in edge for near in step(id_) if near in self.nodes} - seen
            seen |= reached
            edge = list(reached)
            depth = None if depth is None else depth - 1
        return seen
