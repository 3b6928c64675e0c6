"""What a change reaches: columns, tables, tests and exposures, each with the way that leads there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning
from orchestrator.core.node import Body, Node, Query, SqlBody
from orchestrator.graph.compare import Change, Version
from orchestrator.graph.lineage import Hop, Point, downstream, paths


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that is reached, and the fewest hops that lead there. Of a test the last hop is what it tests."""

    point: Point
    path: tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class Impact:
    """What ``starts`` reach. ``columns`` have other values, ``tables`` other rows, ``tests`` and ``exposures`` look at one of these."""

    starts: tuple[Point, ...]
    columns: tuple[Effect, ...] = ()
    tables: tuple[Effect, ...] = ()
    tests: tuple[Effect, ...] = ()
    exposures: tuple[Effect, ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        """The models, seeds and snapshots of which anything is reached."""
        return tuple(dict.fromkeys(e.point.node for e in (*self.columns, *self.tables)))


@dataclass(frozen=True, slots=True)
class Break:
    """A reader that asks for a column that is gone: a node and its place in its rendered SQL, or a test (without a place)."""

    node: str
    start: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Consequence:
    """A change, what it reaches, and which readers fail because of it."""

    change: Change
    impact: Impact
    breaks: tuple[Break, ...] = ()


def impact(graph: Graph, meanings: Mapping[str, Meaning], starts: Iterable[Point]) -> Impact:
    """What a change of ``starts`` reaches."""
    trace = downstream(graph, meanings, starts)
    ways = paths(trace)
    reached = [Effect(point, ways[point]) for point in trace.points if point.node in graph.nodes]
    moved = [e for e in reached if e.point not in trace.starts]
    return Impact(
        trace.starts,
        tuple(e for e in moved if not e.point.whole),
        tuple(e for e in moved if e.point.whole and graph.nodes[e.point.node].kind != "exposure"),
        tuple(_tests(graph, meanings, ways)),
        tuple(e for e in moved if graph.nodes[e.point.node].kind == "exposure"),
    )


def consequences(before: Version, after: Version, changes: Iterable[Change]) -> tuple[Consequence, ...]:
    """What each change reaches, and what it breaks. What is gone is followed through the project as it was."""
    found = []
    for change in changes:
        side = before if change.category in ("removed", "column removed", "column renamed") else after
        name = change.before if change.category == "column renamed" else change.column
        starts = [Point(change.node, name)] if name or change.category in ("row set changed", "removed") else []
        if change.category == "removed" and change.node in before.meanings:
            starts += [Point(change.node, c.name) for c in before.meanings[change.node].columns]
        broken = tuple(_breaks(before, after, change.node, name)) if change.category in ("column removed", "column renamed") else ()
        found.append(Consequence(change, impact(side.graph, side.meanings, starts) if starts else Impact(()), broken))
    return tuple(found)


def _tests(graph: Graph, meanings: Mapping[str, Meaning], ways: Mapping[Point, tuple[Hop, ...]]) -> Iterator[Effect]:
    by: dict[str, list[Point]] = {}
    for point in ways:
        by.setdefault(point.node, []).append(point)
    for node in graph.nodes.values():
        if node.kind in ("test", "unit_test") and not by.keys().isdisjoint(node.depends_on):
            seen = next((p for p in _looked_at(graph, meanings, node, by) if p in ways), None)
            if seen is not None:
                hop = Hop(seen, Point(node.id), "reads")
                yield Effect(hop.child, (*ways[seen], hop))


def _looked_at(graph: Graph, meanings: Mapping[str, Meaning], test: Node, reached: Mapping[str, list[Point]]) -> Iterator[Point]:
    """The points among those reached that a test looks at: a generic test at its column, a singular one at what its SQL uses."""
    meaning = meanings.get(test.id)
    if meaning is not None and not meaning.unknown:
        yield from (Point(u.node, u.column) for u in (*(u for c in meaning.columns for u in c.uses), *meaning.rows))
        yield from (Point(parent) for parent in test.depends_on)
        return
    arguments: Mapping[str, Any] = getattr(graph.bodies.get(test.id), "arguments", None) or {}
    for parent in test.depends_on:
        column = test.column if parent == test.attached else arguments.get("field")
        names = {str(column).casefold()} if column else _mentioned(arguments, meanings.get(parent))
        yield from (p for p in reached.get(parent, ()) if p.whole or not (names and test.test_name) or p.column.casefold() in names)


def _mentioned(arguments: Mapping[str, Any], meaning: Meaning | None) -> set[str]:
    """The columns of a table that a test's arguments name, folded; none when they name none, and the test may look at any."""
    words = {word.casefold() for word in re.findall(r"\w+", str([v for k, v in arguments.items() if k not in ("model", "to")]))}
    return {c.name.casefold() for c in meaning.columns if c.name.casefold() in words} if meaning is not None else set()


def _breaks(before: Version, after: Version, id_: str, column: str) -> Iterator[Break]:
    """Readers that still ask for a column by its name. One that took it by a star takes what is there now."""
    for reader in before.graph.children.get(id_, ()):
        node = after.graph.nodes.get(reader)
        if node is None:
            continue
        if node.kind == "test" and node.attached == id_ and node.column is not None and node.column.casefold() == column.casefold():
            yield Break(reader)
        now = [use for use in _uses(after.meanings.get(reader)) if (use.node, use.column) == (id_, column)]
        if now:
            yield Break(reader, now[0].start, now[0].end)
            continue
        if _text(before.graph.bodies.get(reader)) != _text(after.graph.bodies.get(reader)):
            continue  # its author was there, and it does not use the column any more
        then = [use for use in _uses(before.meanings.get(reader)) if (use.node, use.column) == (id_, column)]
        query = _query(after.graph.bodies.get(reader))
        named = [use for use in then if query is not None and column.casefold() in query.sql[use.start : use.end].casefold()]
        if named:
            yield Break(reader, named[0].start, named[0].end)


def _uses(meaning: Meaning | None) -> Iterator[Any]:
    if meaning is not None:
        yield from (use for output in meaning.columns for use in output.uses)
        yield from meaning.rows


def _query(body: Body | None) -> Query | None:
    return body.query if isinstance(body, SqlBody) else None


def _text(body: Body | None) -> object:
    query = _query(body)
    return query.canon if query is not None else getattr(body, "raw", None)
