"""Finding nodes by their dotted names: package, folders, name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import translate
from functools import cached_property

from orchestrator.core.graph import Graph
from orchestrator.core.node import Node

WILD = re.compile(r"[*?\[\]]")
"""What makes a name a pattern."""


@dataclass(frozen=True)
class Names:
    """A graph's dotted names (sources have none), arranged so that finding one does not look at every node."""

    graph: Graph

    def find(self, value: str) -> set[str]:
        """Nodes of that name, of that dotted name or below it, counted from the package or from the first folder on.

        A pattern matches whole dotted names, and one without a dot also bare names.

        >>> node = Node("model.shop.orders", "model", "orders", "shop", "models/mart/orders.sql", ("shop", "mart", "orders"), {})
        >>> names = Names(Graph({node.id: node}, {}))
        >>> [len(names.find(value)) for value in ("orders", "mart", "shop.mart", "mart.orders", "ord*", "art.orders")]
        [1, 1, 1, 1, 1, 0]
        """
        if value == "*":
            return {node.id for node in self._nodes}
        if WILD.search(value):
            return self._like(value)
        return {*self._by_name.get(value, ()), *self._exactly(value), *self._below(value)}

    def _like(self, pattern: str) -> set[str]:
        match = re.compile(translate(pattern)).match
        found = set(self._by_name.get(pattern, ()))
        for node in self._nodes:
            whole, inner = _names(node.fqn)
            if match(whole) or match(inner) or ("." not in pattern and match(_leaf(node))):
                found.add(node.id)
        return found

    def _exactly(self, value: str) -> Iterator[str]:
        """Nodes that ``value`` names in full, or in the two last parts when it names a version."""
        if "." not in value:
            return
        yield from (id_ for id_ in self._by_name.get("_".join(value.split(".")[-2:]), ()) if _versioned(self.graph.nodes[id_]))
        for id_ in self._by_name.get(value.rpartition(".")[2], ()):
            if value in _names(self.graph.nodes[id_].fqn):
                yield id_

    def _below(self, value: str) -> Iterator[str]:
        """Nodes in the folder ``value``."""
        inner = value + "."
        for paths, nodes, pointed in self._folders:
            for path in paths:
                if f"{path}.".startswith(inner):
                    yield from (node.id for node in nodes)
                elif pointed and (not path or value.startswith(f"{path}.")):
                    rest = inner[len(path) + 1 if path else 0 :]
                    yield from (node.id for node in pointed if f"{node.fqn[-1]}.".startswith(rest))

    @cached_property
    def _nodes(self) -> tuple[Node, ...]:
        return tuple(node for node in self.graph.nodes.values() if node.kind != "source" and node.fqn)

    @cached_property
    def _by_name(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = {}
        for node in self._nodes:
            if not _versioned(node):
                found.setdefault(node.fqn[-1], []).append(node.id)
                continue
            # A version answers to `orders`, and to `orders_v2` and `orders.v2` as well.
            for name in (node.fqn[-2], "_".join(node.fqn[-2:])):
                found.setdefault(name, []).append(node.id)
        return found

    @cached_property
    def _folders(self) -> tuple[tuple[tuple[str, str], list[Node], list[Node]], ...]:
        """Every folder: its names with and without the package, its nodes, and those with a dot in their very name.

        Such a dot reads like one between folders.
        """
        by_path: dict[tuple[str, ...], list[Node]] = {}
        for node in self._nodes:
            by_path.setdefault(node.fqn[:-1], []).append(node)
        return tuple((_names(path), nodes, [node for node in nodes if "." in node.fqn[-1]]) for path, nodes in by_path.items())


def _versioned(node: Node) -> bool:
    return node.kind == "model" and node.config.get("version") is not None and len(node.fqn) > 2


def _leaf(node: Node) -> str:
    """The bare name: a version's last part is the version, not the name."""
    return node.fqn[-2] if _versioned(node) else node.fqn[-1]


def _names(path: tuple[str, ...]) -> tuple[str, str]:
    """A path as people write it: with its package, and without."""
    whole = ".".join(path)
    return whole, whole[len(path[0]) + 1 :] if path else ""
