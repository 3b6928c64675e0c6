"""How much of a project's column lineage is known, and why the rest is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning
from orchestrator.graph.lineage import TRACED, opaque


@dataclass(frozen=True, slots=True)
class Coverage:
    """One node's columns: how many have known origins, and the reasons of the others with how many each concerns.

    ``open_ended`` says why there may be further columns, and is empty when there are none.
    """

    node: str
    resolved: int
    unresolved: int
    reasons: tuple[tuple[str, int], ...] = ()
    open_ended: str = ""

    @property
    def total(self) -> int:
        """All columns that are known by name."""
        return self.resolved + self.unresolved


def coverage(graph: Graph, meanings: Mapping[str, Meaning]) -> tuple[Coverage, ...]:
    """What is known of each node that has columns, parents first. Sources and seeds are ends: their columns need no origin."""
    return tuple(_one(graph, meanings.get(id_), id_) for id_ in graph.order if graph.nodes[id_].kind in TRACED)


def reasons(found: tuple[Coverage, ...]) -> tuple[tuple[str, int, int], ...]:
    """Why columns are unresolved, the most frequent first: the reason, how many columns, in how many nodes.

    A node with unknown further columns counts as a node, its columns cannot be counted.
    """
    columns: Counter[str] = Counter()
    nodes: Counter[str] = Counter()
    for one in found:
        for why, count in one.reasons:
            columns[why] += count
        nodes.update({why for why, _ in one.reasons} | ({one.open_ended} if one.open_ended else set()))
    return tuple((why, columns[why], count) for why, count in sorted(nodes.items(), key=lambda n: (-columns[n[0]], -n[1], n[0])))


def _one(graph: Graph, meaning: Meaning | None, id_: str) -> Coverage:
    if meaning is None:
        return Coverage(id_, 0, 0, (), "nothing is known of its columns")
    end = graph.nodes[id_].kind in ("source", "seed")
    blind = not end and opaque(meaning)
    why = Counter(c.unknown or meaning.unknown for c in meaning.columns if not end and (c.unknown or blind))
    unresolved = sum(why.values())
    rest = "" if meaning.complete else meaning.unknown or "there may be further columns"
    return Coverage(id_, len(meaning.columns) - unresolved, unresolved, tuple(sorted(why.items(), key=lambda w: (-w[1], w[0]))), rest)
