"""Which test gates which model, and the order in which models are built because of it.

A test gates the last of its parents to be built: it then sees that one's stage and the others as published. Where the graph
leaves the order open, the node a test is attached to comes last (a ``relationships`` test holds back the child, not the
parent). A test that gates nothing holds back what is built from everything it looks at.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from orchestrator.core.graph import Graph
from orchestrator.core.node import Node


@dataclass(frozen=True, slots=True)
class Gates:
    """``order`` is every building node, parents first; ``tests`` the tests that gate each; ``free`` the tests that gate none;
    ``extra`` the nodes that must be published before a node's gates run, beyond its parents.
    """

    order: tuple[str, ...]
    tests: Mapping[str, tuple[str, ...]]
    free: tuple[str, ...]
    extra: Mapping[str, tuple[str, ...]]


def gates(graph: Graph, building: Collection[str], tests: Collection[str]) -> Gates:
    """Assign ``tests`` to the nodes being built. A test of something ephemeral gates nothing: there is no stage to look at."""
    building = set(building)
    wanted: dict[str, set[str]] = {}
    parents_of: dict[str, tuple[str, ...]] = {}
    for test in tests:
        node = graph.nodes[test]
        parents = tuple(p for p in node.depends_on if p in building)
        if any(graph.nodes[p].is_ephemeral for p in node.depends_on if p in graph.nodes):
            parents = ()
        parents_of[test] = parents
        if len(parents) > 1 and node.attached in parents:
            wanted.setdefault(node.attached or "", set()).update(p for p in parents if p != node.attached)
    order = _order(graph, building, wanted)
    rank = {id_: i for i, id_ in enumerate(order)}
    assigned: dict[str, list[str]] = {}
    extra: dict[str, set[str]] = {}
    free: list[str] = []
    for test in sorted(tests):
        parents = parents_of[test]
        if not parents:
            free.append(test)
            continue
        last = max(parents, key=lambda p: rank[p])
        assigned.setdefault(last, []).append(test)
        extra.setdefault(last, set()).update(p for p in parents if p != last)
    return Gates(
        order,
        {k: tuple(v) for k, v in assigned.items()},
        tuple(free),
        {k: tuple(sorted(v, key=lambda p: rank[p])) for k, v in extra.items()},
    )


def blocking(graph: Graph, free: Collection[str], building: Collection[str]) -> dict[str, list[str]]:
    """Which of the ``free`` tests each building node waits for: dbt's rule, those whose every parent is upstream of the node.

    Only the nearest such nodes are named; the rest wait for those. No circle can come of it: what a test waits for is
    upstream of whatever waits for the test.
    """
    found: dict[str, list[str]] = {}
    below_of: dict[str, set[str]] = {}
    for test in free:
        parents = [p for p in graph.nodes[test].depends_on if p in graph.nodes]
        for parent in parents:
            if parent not in below_of:
                below_of[parent] = graph.descendants([parent])
        below = set.intersection(*(below_of[p] for p in parents)) if parents else set()
        held = below.intersection(building)
        for id_ in held:
            if held.isdisjoint(upstream(graph, graph.nodes[id_], building)):
                found.setdefault(id_, []).append(test)
    return found


def upstream(graph: Graph, node: Node, building: Collection[str]) -> tuple[str, ...]:
    """The building nodes that ``node`` waits for: its parents, seen through ephemeral models and whatever is not built now."""
    found: dict[str, None] = {}
    seen: set[str] = {node.id}
    stack = list(reversed(node.depends_on))
    while stack:
        id_ = stack.pop()
        if id_ in seen or id_ not in graph.nodes:
            continue
        seen.add(id_)
        if id_ in building:
            found[id_] = None
        else:
            stack += reversed(graph.nodes[id_].depends_on)
    return tuple(found)


def _order(graph: Graph, building: set[str], wanted: Mapping[str, set[str]]) -> tuple[str, ...]:
    """Parents first; among what is possible, ``wanted`` (before → after) is kept unless it would close a circle."""
    hard: dict[str, set[str]] = {id_: set(upstream(graph, graph.nodes[id_], building)) for id_ in graph.order if id_ in building}
    soft: dict[str, set[str]] = {id_: {w for w in wanted.get(id_, ()) if w in hard} - before for id_, before in hard.items()}
    after: dict[str, list[str]] = {id_: [] for id_ in hard}
    for id_, parents in hard.items():
        for before in parents | soft[id_]:
            after[before].append(id_)
    for waiting in after.values():
        waiting.sort()  # sets have no order: the same project must give the same plan
    ready = deque(id_ for id_ in hard if not hard[id_] and not soft[id_])
    placed: dict[str, None] = {}
    while len(placed) < len(hard):
        if not ready:  # only wishes are left in the way: drop those of the first node whose needs are met
            ready.append(next(id_ for id_ in hard if id_ not in placed and not hard[id_]))
        id_ = ready.popleft()
        if id_ in placed:
            continue
        placed[id_] = None
        for later in after[id_]:
            hard[later].discard(id_)
            soft[later].discard(id_)
            if not hard[later] and not soft[later] and later not in placed:
                ready.append(later)
    return tuple(placed)
