"""By which column each table is sampled, so that joins still find their partners: the project's own joins say which columns are one key."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Use
from orchestrator.core.node import SqlBody
from orchestrator.graph.lineage import Point

PASSED = ("passed", "renamed")
_EQUALS = re.compile(r"\s*=\s*")


@dataclass(frozen=True, slots=True)
class Sampling:
    """``keys`` are the columns that tables are sampled by, by id; ``whole`` are the tables that are read as they are, and why."""

    keys: Mapping[str, str] = field(default_factory=dict)
    whole: Mapping[str, str] = field(default_factory=dict)


def sampling(graph: Graph, meanings: Mapping[str, Meaning], tables: Collection[str], rows: Mapping[str, int] | None = None) -> Sampling:
    """How to sample ``tables``. Columns that are joined with each other somewhere, as they are or under another name, are one key; of all
    keys the one counts that most rows have (``rows``, as far as known), then the one that most tables have.

    A table that does not have that key is read whole. Without any join each table has its own unique column.
    """
    classes = _classes(graph, meanings)
    known = rows or {}
    usual = sorted(known.values())[len(known) // 2] if known else 1
    best: dict[str, str] = {}
    for points in classes:
        found: dict[str, str] = {}
        for point in sorted(points):
            if point.node in tables:
                found.setdefault(point.node, point.column)
        if _weight(found, known, usual) > _weight(best, known, usual):
            best = found
    if len(best) < 2:
        best |= {id_: column for id_ in sorted(tables) if id_ not in best and not classes and (column := _unique(graph, id_)) is not None}
    return Sampling(
        {id_: best[id_] for id_ in graph.order if id_ in best},
        {id_: "no key in common" for id_ in graph.order if id_ in tables and id_ not in best},
    )


def _weight(found: Mapping[str, str], rows: Mapping[str, int], usual: int) -> tuple[int, int]:
    return sum(rows.get(id_, usual) for id_ in found), len(found)


def _classes(graph: Graph, meanings: Mapping[str, Meaning]) -> list[frozenset[Point]]:
    """The columns of each key: those that are joined, and what they are made of by passing on."""
    above: dict[Point, Point] = {}

    def root(point: Point) -> Point:
        while (parent := above.setdefault(point, point)) != point:
            point = parent
        return point

    joined: set[Point] = set()
    for id_ in graph.order:
        meaning = meanings.get(id_)
        if meaning is None:
            continue
        for output in meaning.columns:
            values = [u for u in output.uses if u.kind in PASSED]
            if len(values) == 1 == sum(u.kind not in ("conditional", "window") for u in output.uses):
                above[root(Point(id_, output.name))] = root(Point(values[0].node, values[0].column))
        for one, other in _pairs(graph, id_, meaning):
            joined |= {one, other}
            above[root(one)] = root(other)
    found: dict[Point, set[Point]] = {}
    for point in list(above):
        found.setdefault(root(point), set()).add(point)
    keys = {root(point) for point in joined}
    return [frozenset(points) for top, points in sorted(found.items()) if top in keys]


def _pairs(graph: Graph, id_: str, meaning: Meaning) -> Iterator[tuple[Point, Point]]:
    """Columns of two tables that a query compares for equality in a join; by ``using``, and where only the names tell, of one name."""
    body = graph.bodies.get(id_)
    sql = body.query.sql if isinstance(body, SqlBody) else ""
    uses = [u for u in meaning.rows if u.kind == "join" and u.column]
    for at, one in enumerate(uses):
        for other in uses[at + 1 :]:
            if one.node != other.node and (_compared(one, other, sql) or one.column.casefold() == other.column.casefold()):
                yield Point(one.node, one.column), Point(other.node, other.column)


def _compared(one: Use, other: Use, sql: str) -> bool:
    first, second = sorted((one, other), key=lambda use: use.start)
    return 0 <= first.end <= second.start and _EQUALS.fullmatch(sql, first.end, second.start) is not None


def _unique(graph: Graph, id_: str) -> str | None:
    """A column that tells a table's rows apart, as its tests say."""
    tests = (graph.nodes[c] for c in graph.children.get(id_, ()))
    return next((t.column for t in tests if t.kind == "test" and t.attached == id_ and t.test_name == "unique" and t.column), None)
