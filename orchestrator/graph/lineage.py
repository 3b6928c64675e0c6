"""Where the values of a column come from and where they go: hops from column to column, through the whole graph.

A :class:`Point` is a column of a node, or with an empty column the node as a whole: which rows it has. A column that decides
about rows (a filter, a join, a group) leads to the whole node, and from there to every node that reads it: each of their
columns may be different when the rows are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, RowUse, Use, UseKind
from orchestrator.core.node import Kind, Node

HopKind = UseKind | Literal["reads", "unknown"]
"""A use of a column; ``reads``: the node has the rows of the other; ``unknown``: nobody can tell whether, only that it might."""

Direction = Literal["upstream", "downstream"]

TRACED: frozenset[Kind] = frozenset({"model", "seed", "snapshot", "source"})
"""Kinds of nodes that have columns; exposures are ends that have none."""

ROW_USES: frozenset[str] = frozenset(get_args(RowUse))


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A column of a node; with an empty ``column`` the node as a whole."""

    node: str
    column: str = ""

    @property
    def whole(self) -> bool:
        """Whether this is the node with all of its rows."""
        return not self.column


@dataclass(frozen=True, slots=True)
class Hop:
    """One step of lineage: ``child`` is made of ``parent``, or has its rows because of it.

    ``expression`` is what makes the child, ``start`` and ``end`` are where the child's rendered SQL first mentions the parent
    (-1: nowhere). ``why`` says of an ``unknown`` hop what could not be worked out.
    """

    parent: Point
    child: Point
    kind: HopKind
    expression: str = ""
    start: int = -1
    end: int = -1
    why: str = ""


@dataclass(frozen=True, slots=True)
class Trace:
    """All hops reached from ``starts``, the near ones first, each once. ``cut`` are the points where only the depth said stop."""

    direction: Direction
    starts: tuple[Point, ...]
    hops: tuple[Hop, ...] = ()
    cut: frozenset[Point] = frozenset()

    @property
    def points(self) -> tuple[Point, ...]:
        """Everything reached, the starts first, in the order of distance."""
        far = (hop.parent if self.direction == "upstream" else hop.child for hop in self.hops)
        return tuple(dict.fromkeys((*self.starts, *far)))

    @property
    def onward(self) -> Mapping[Point, tuple[Hop, ...]]:
        """The hops that leave each point, in the trace's direction."""
        found: dict[Point, list[Hop]] = {}
        for hop in self.hops:
            found.setdefault(hop.child if self.direction == "upstream" else hop.parent, []).append(hop)
        return {point: tuple(hops) for point, hops in found.items()}


def upstream(graph: Graph, meanings: Mapping[str, Meaning], starts: Iterable[Point], depth: int | None = None) -> Trace:
    """Everything that ``starts`` are made of, within ``depth`` hops.

    >>> from orchestrator.core.meaning import Output
    >>> made = {"m": Meaning((Output("b", uses=(Use("s", "a", "renamed"),)),)), "s": Meaning((Output("a"),))}
    >>> nodes = {i: Node(i, "model", i, "p", "", (), {}, depends_on=on) for i, on in (("s", ()), ("m", ("s",)))}
    >>> [(hop.parent.column, hop.kind) for hop in upstream(Graph(nodes, {}), made, [Point("m", "b")]).hops]
    [('a', 'renamed')]
    """
    known: dict[str, Mapping[Point, list[Hop]]] = {}

    def above(point: Point) -> Iterable[Hop]:
        if point.node not in known:
            known[point.node] = _by(lambda hop: hop.child, hops(graph, meanings, point.node))
        return known[point.node].get(point, ())

    return _walk("upstream", tuple(dict.fromkeys(starts)), above, depth)


def downstream(graph: Graph, meanings: Mapping[str, Meaning], starts: Iterable[Point], depth: int | None = None) -> Trace:
    """Everything that is made of ``starts``, or has its rows because of them, within ``depth`` hops; exposures at the ends."""
    begin = tuple(dict.fromkeys(starts))
    # One edge further than the hops go: what lies there tells where the depth has cut something off.
    reached = graph.descendants({point.node for point in begin}, None if depth is None else depth + 1)
    below = _by(lambda hop: hop.parent, (hop for id_ in graph.order if id_ in reached for hop in hops(graph, meanings, id_)))
    return _walk("downstream", begin, lambda point: below.get(point, ()), depth)


def hops(graph: Graph, meanings: Mapping[str, Meaning], id_: str) -> Iterator[Hop]:
    """Every hop that ends in a node: into each of its columns, and into its rows.

    A table that is built from its own earlier state is not its own parent here: lineage has no circles.
    """
    node = graph.nodes[id_]
    parents = [p for p in node.depends_on if p in graph.nodes and graph.nodes[p].kind in TRACED and p != id_]
    if node.kind == "exposure":
        for parent in parents:
            yield from (Hop(Point(parent, name), Point(id_), "reads") for name in ("", *_names(meanings, parent)))
        return
    if node.kind not in TRACED:
        return
    meaning = meanings.get(id_)
    yield from (Hop(Point(parent), Point(id_), "reads") for parent in parents)
    if meaning is not None:
        for output in meaning.columns:
            yield from (_hop(use, Point(id_, output.name), output.expression) for use in output.uses if use.node != id_)
        yield from (_hop(use, Point(id_)) for use in meaning.rows if use.node != id_)
    yield from _guesses(meanings, id_, meaning, parents)


def paths(trace: Trace) -> Mapping[Point, tuple[Hop, ...]]:
    """The fewest hops from a start to each point that is reached, the start's own first."""
    # Hops come in order of distance, so the first way there is a shortest one.
    found: dict[Point, tuple[Hop, ...]] = dict.fromkeys(trace.starts, ())
    for hop in trace.hops:
        near, far = (hop.child, hop.parent) if trace.direction == "upstream" else (hop.parent, hop.child)
        if far not in found:
            found[far] = (*found[near], hop)
    return found


def opaque(meaning: Meaning | None) -> bool:
    """Whether nothing is known about what a node does with the columns it reads: a Python model, a text nobody can parse."""
    if meaning is None:
        return True
    return bool(meaning.unknown) and not meaning.rows and not any(c.uses for c in meaning.columns)


def label(node: Node) -> str:
    """What people call a node: its name, a source table's with its source, a version's with its number.

    >>> label(Node("source.p.raw.orders", "source", "orders", "p", "", (), {}, source_name="raw"))
    'raw.orders'
    """
    if node.kind == "source":
        return node.name if node.source_name and node.name.startswith(f"{node.source_name}.") else f"{node.source_name}.{node.name}"
    version = node.config.get("version") if node.kind == "model" else None
    return node.name if version is None else f"{node.name}.v{version}"


def called(graph: Graph, point: Point) -> str:
    """What people call a point: ``orders.amount``, or ``orders`` for the node as a whole."""
    name = label(graph.nodes[point.node]) if point.node in graph.nodes else point.node
    return name if point.whole else f"{name}.{point.column}"


def _hop(use: Use, child: Point, expression: str = "") -> Hop:
    return Hop(Point(use.node, use.column), child, use.kind, expression, use.start, use.end)


def _names(meanings: Mapping[str, Meaning], id_: str) -> tuple[str, ...]:
    meaning = meanings.get(id_)
    return () if meaning is None else tuple(c.name for c in meaning.columns)


def _guesses(meanings: Mapping[str, Meaning], id_: str, meaning: Meaning | None, parents: Iterable[str]) -> Iterator[Hop]:
    """Hops that may or may not be there: silence about them would say that nothing reads the column."""
    blind = opaque(meaning)
    if meaning is not None and meaning.complete and not blind and not any(c.unknown for c in meaning.columns):
        return
    why = _why(meaning, blind=blind)
    taken = {(use.node, use.column) for c in meaning.columns for use in c.uses} if meaning is not None else set()
    doubtful = [c for c in meaning.columns if c.unknown] if meaning is not None else []
    for parent in parents:
        above = meanings.get(parent)
        open_ended = meaning is not None and not meaning.complete and (above is None or not above.complete)
        if not (blind or open_ended or doubtful):
            continue
        for name in _names(meanings, parent):
            if blind or (open_ended and (parent, name) not in taken):
                yield Hop(Point(parent, name), Point(id_), "unknown", why=why)
            for output in doubtful:
                if (parent, name) not in {(u.node, u.column) for u in output.uses} and _mentions(output.expression, name):
                    yield Hop(Point(parent, name), Point(id_, output.name), "unknown", output.expression, why=output.unknown)


def _why(meaning: Meaning | None, *, blind: bool) -> str:
    if meaning is None:
        return "nothing is known of its columns"
    return next((c.unknown for c in meaning.columns if c.unknown), meaning.unknown) if blind else meaning.unknown


def _mentions(expression: str, name: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", expression, re.IGNORECASE) is not None


def _by(key: Callable[[Hop], Point], found: Iterable[Hop]) -> Mapping[Point, list[Hop]]:
    """Hops by a point of theirs. The same columns with the same kind of use are one hop: a column may be mentioned many times."""
    kept: dict[Point, list[Hop]] = {}
    seen: set[tuple[Point, Point, HopKind]] = set()
    for hop in found:
        what = (hop.parent, hop.child, hop.kind)
        if what not in seen:
            seen.add(what)
            kept.setdefault(key(hop), []).append(hop)
    return kept


def _walk(direction: Direction, starts: tuple[Point, ...], step: Callable[[Point], Iterable[Hop]], depth: int | None) -> Trace:
    seen, edge, found = set(starts), list(starts), list[Hop]()
    while edge and (depth is None or depth > 0):
        beyond: list[Point] = []
        for point in edge:
            for hop in step(point):
                found.append(hop)
                far = hop.parent if direction == "upstream" else hop.child
                if far not in seen:
                    seen.add(far)
                    beyond.append(far)
        edge = beyond
        depth = None if depth is None else depth - 1
    return Trace(direction, starts, tuple(found), frozenset(point for point in edge if any(True for _ in step(point))))
