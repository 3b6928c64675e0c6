"""What each node is made by: a name for all that it says itself, what it reads, and why the same might give other rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from orchestrator.core.files import digest
from orchestrator.core.freshness import Recipe
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node, PythonBody, SqlBody
from orchestrator.graph.fingerprint import FED
from orchestrator.sql.volatile import volatile

LIVE = ("view", "materialized_view")
"""Materializations through which what they read shows at once, or may."""

_UNCOUNTED = frozenset(
    """
    access cron deprecation_date deterministic description docs enabled error_if fail_calc freshness full_refresh group limit lint
    memory_limit meta on_configuration_change on_error owner pool priority retries severity store_failures store_failures_as tags timeout
    warn_if when when_upstream_failed when_upstream_skipped
    """.split()  # noqa: SIM905 - a table of words reads better than a hundred quotes
)
"""Config of a table that changes neither its rows nor anything else about it: when it runs, who is told, what is documented."""

_TOLD = frozenset({"meta", "tags", "description", "docs", "group"})
"""Config of a test that does not change how it judges."""


class Recipes:
    """The recipes of a graph's nodes; each is worked out when it is asked for. ``why`` is a doubt about all of them, if there is one."""

    def __init__(self, graph: Graph, why: str = "") -> None:
        self.graph = self._graph = graph
        self._why = why
        self._codes: dict[str, str] = {}
        self._inputs: dict[str, tuple[str, ...]] = {}
        self._live: dict[str, bool] = {}

    def code(self, id_: str) -> str:
        """A name for all that a node says itself, ephemeral models that it reads included."""
        if id_ not in self._codes:
            nodes = self._graph.nodes
            node = nodes[id_]
            parents = [p for p in node.depends_on if p in nodes and nodes[p].kind in FED]
            inner = [self.code(p) if nodes[p].is_ephemeral else str(nodes[p].relation) for p in parents if _told(nodes[p])]
            config = {k: v for k, v in node.config.items() if k not in _UNCOUNTED and v not in (None, [], {})}
            said = json.dumps([node.content, config, parents, inner, str(node.relation)], default=str, sort_keys=True)
            self._codes[id_] = digest(said.encode())[:24]
        return self._codes[id_]

    def inputs(self, id_: str) -> tuple[str, ...]:
        """What a node reads in the end, ephemeral models seen through: ids of what data come from."""
        if id_ not in self._inputs:
            nodes = self._graph.nodes
            fed = [nodes[p] for p in self._graph.nodes[id_].depends_on if p in nodes and nodes[p].kind in FED]
            if not any(p.is_ephemeral for p in fed):
                self._inputs[id_] = tuple(dict.fromkeys(p.id for p in fed))
            else:
                self._inputs[id_] = tuple(p.id for p in self._graph.inputs(id_) if p.kind in FED)
        return self._inputs[id_]

    def live(self, id_: str) -> bool:
        """Whether what a node reads shows through it."""
        if id_ not in self._live:
            node = self._graph.nodes[id_]
            self._live[id_] = node.kind == "model" and node.materialized in LIVE
        return self._live[id_]

    def recipe(self, id_: str) -> Recipe:
        """All of it; looks at the node's text."""
        return Recipe(self.code(id_), self.inputs(id_), self.live(id_), self._why or self.doubt(id_), dict(self._gates(id_)))

    def gate(self, test: str, node: str) -> tuple[str, tuple[str, ...]]:
        """A digest of a test, and what it looks at besides a node."""
        found = self._graph.nodes[test]
        config = {k: v for k, v in found.config.items() if k not in _TOLD and v not in (None, [], {})}
        said = json.dumps([test, found.content, config], default=str, sort_keys=True)
        return digest(said.encode())[:24], tuple(p for p in self.inputs(test) if p != node)

    def _gates(self, id_: str) -> Iterable[tuple[str, tuple[str, tuple[str, ...]]]]:
        for child in self._graph.children.get(id_, ()):
            if self._graph.nodes[child].kind in ("test", "unit_test"):
                yield child, self.gate(child, id_)

    def doubt(self, id_: str) -> str:
        """Why a node's inputs do not decide about its rows alone, itself or an ephemeral model that it reads; empty when they do."""
        node, nodes = self._graph.nodes[id_], self._graph.nodes
        said = node.config.get("deterministic")
        if said is False:
            return "its config says that it is not deterministic"
        own = "" if said is True else _own_doubt(self._graph, node)
        if own:
            return own
        for parent in node.depends_on:
            if parent in nodes and nodes[parent].is_ephemeral and (found := self.doubt(parent)):
                return f"`{nodes[parent].name}`, which it reads: {found}"
        return ""


def _told(parent: Node) -> bool:
    """Whether what reads a parent has to say what it is: nobody else does."""
    return parent.is_ephemeral or parent.kind == "source"


def _own_doubt(graph: Graph, node: Node) -> str:
    if node.config.get("incremental_strategy") == "microbatch":
        return "it is built by interval: time alone brings the next one"
    body = graph.bodies[node.id]
    if isinstance(body, PythonBody):
        return "a Python model may do anything (`deterministic: true` says that it does not)"
    if not isinstance(body, SqlBody):
        return ""
    if body.late:
        return "its template looks at the warehouse or the clock"
    links: Mapping[str, str] = dict(node.links)
    for query in (body.query, body.incremental):
        if query is None:
            continue
        if (word := volatile(query.sql)) is not None:
            return f"it calls {word}" if word.endswith("()") else f"it reads {word}" if " " in word else f"it says {word}"
        if unknown := next((r.name for r in query.reads if r.name != "this" and r.name not in links), None):
            return f"it reads `{unknown}`, which is not declared"
    return ""
