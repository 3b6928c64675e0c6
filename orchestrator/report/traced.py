"""Lineage as people read it: a tree that grows away from the column asked about, with what happens on each hop."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output
from orchestrator.graph.lineage import ROW_USES, Hop, HopKind, Point, Trace, called
from orchestrator.report.problems import columns as width_of
from orchestrator.report.problems import printable

ONWARD: Mapping[HopKind, str] = {
    "passed": "passed to",
    "renamed": "renamed to",
    "transformed": "transformed into",
    "aggregated": "aggregated into",
    "window": "windows",
    "conditional": "decides",
    "filter": "filters",
    "join": "joins",
    "group": "groups",
    "sort": "sorts",
    "reads": "read by",
    "unknown": "maybe used by",
}
"""What becomes of a column, in words before the name of what it becomes."""

BACK: Mapping[HopKind, str] = {
    "passed": "passed from",
    "renamed": "renamed from",
    "transformed": "transformed from",
    "aggregated": "aggregated from",
    "window": "windowed by",
    "conditional": "decided by",
    "filter": "filtered by",
    "join": "joined by",
    "group": "grouped by",
    "sort": "sorted by",
    "reads": "reads",
    "unknown": "maybe uses",
}
"""How a column is made, in words before the name of what it is made of."""

BOLD, DIM, CYAN, YELLOW, OFF = "\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[33m", "\x1b[0m"
PLAIN = re.compile(r'[\w."`]*[\w"`*]')

Pieces = Sequence[tuple[str, str]]
"""Parts of a line: the text, and how to paint it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer: what was asked about, where it comes from, where it goes, and what decides about the rows it is in."""

    starts: tuple[Point, ...]
    upstream: Trace | None = None
    downstream: Trace | None = None
    rows: tuple[Hop, ...] = ()


def traced(graph: Graph, meanings: Mapping[str, Meaning], asked: Asked, *, width: int | None = None, colour: bool = False) -> str:
    """An answer as text. Lines are cut to ``width`` columns; what was shown already is not shown again."""
    drawing = _Drawing(graph, meanings)
    lines: list[Pieces] = []
    for trace in (asked.upstream, asked.downstream):
        if trace is None:
            continue
        rows = asked.rows if trace.direction == "upstream" else ()
        lines += [*([()] if lines else ()), ((trace.direction, BOLD),), *drawing.section(trace, rows)]
    head = list(drawing.head(asked.starts))
    return "\n".join(painted(line, width, colour=colour) for line in (*head, *([()] if head else ()), *lines))


@dataclass(frozen=True, slots=True)
class _Drawing:
    graph: Graph
    meanings: Mapping[str, Meaning]

    def head(self, starts: Sequence[Point]) -> Iterator[Pieces]:
        """What was asked about; of a whole table its name alone, as its columns follow."""
        nodes = tuple(dict.fromkeys(p.node for p in starts))
        for node in nodes:
            columns = [p for p in starts if p.node == node and not p.whole]
            point = columns[0] if len(columns) == 1 else Point(node)
            output = self._output(point)
            yield (
                (called(self.graph, point), BOLD),
                *(((f"  {output.type}", DIM),) if output is not None and output.type else ()),
                (f"  {self.graph.nodes[node].path}", DIM),
            )
            if made := self._made(point):
                yield made

    def section(self, trace: Trace, rows: Sequence[Hop]) -> Iterator[Pieces]:
        """One direction: a tree for each start, and what decides about the rows of the start."""
        onward, shown = trace.onward, set[Point]()
        several = len(trace.starts) > 1
        found = False
        for start in trace.starts:
            if start not in onward and (start.whole or not several):
                continue
            found = True
            if several:
                alone = () if start in onward else ((f"  {self._end(trace, start)}", DIM),)
                yield (("  ", ""), *self._named(start), *self._made(start), *alone)
            yield from self._tree(trace, start, onward, shown, "  ")
        if not found and not rows:
            yield ((f"  nothing: {self._end(trace, trace.starts[0])}", DIM),)
        for kind in dict.fromkeys(hop.kind for hop in rows):
            names = ", ".join(dict.fromkeys(called(self.graph, hop.parent) for hop in rows if hop.kind == kind))
            yield (("  rows: ", DIM), (f"{BACK[kind]} ", YELLOW), (names, ""))

    def _end(self, trace: Trace, point: Point) -> str:
        """Why a tree is no more than its root."""
        if point in trace.cut:
            return "that is as far as --depth goes"
        if trace.direction == "downstream":
            return "nobody reads it"
        output = self._output(point)
        if output is not None and output.unknown:
            return f"its origin is unknown ({output.unknown})"
        kind = self.graph.nodes[point.node].kind
        if kind in ("source", "seed"):
            return f"a {kind} is where lineage begins"
        meaning = self.meanings.get(point.node)
        why = meaning.unknown if meaning is not None else "nothing is known of its columns"
        return f"its origin is unknown ({why})" if why else "it is made of no column"

    def _tree(
        self, trace: Trace, start: Point, onward: Mapping[Point, tuple[Hop, ...]], shown: set[Point], indent: str
    ) -> Iterator[Pieces]:
        """Depth first, without recursion: a chain of models may be longer than Python's stack."""
        shown.add(start)
        stack = [(indent, iter(_grouped(trace, onward.get(start, ()))))]
        while stack:
            indent, branches = stack[-1]
            branch = next(branches, None)
            if branch is None:
                stack.pop()
                continue
            point, hops, last = branch
            below = onward.get(point, ())
            again = bool(below) and point in shown
            yield (
                (f"{indent}{'└─' if last else '├─'} ", DIM),
                (", ".join((BACK if trace.direction == "upstream" else ONWARD)[h.kind] for h in hops), _tint(hops)),
                (" ", ""),
                *self._named(point),
                *self._made(point),
                *((f"  ? {hop.why}", YELLOW) for hop in hops[:1] if hop.why),
                *(((("  …", DIM),)) if point in trace.cut else ()),
                *((("  (shown above)", DIM),) if again else ()),
            )
            if below and not again:
                shown.add(point)
                stack.append((indent + ("   " if last else "│  "), iter(_grouped(trace, below))))

    def _named(self, point: Point) -> Pieces:
        kind = self.graph.nodes[point.node].kind if point.node in self.graph.nodes else ""
        rows = (("  (all rows)", DIM),) if point.whole and kind != "exposure" else ()
        ends = ((f"  {kind}", DIM),) if kind in ("source", "seed", "exposure") else ()
        return ((called(self.graph, point), ""), *rows, *ends)

    def _made(self, point: Point) -> Pieces:
        """What makes a column; a bare name says nothing that the next hop does not."""
        output = self._output(point)
        if output is None:
            return ()
        text = " ".join(printable(output.expression).split())
        said = () if not text or PLAIN.fullmatch(text) else ((f"  = {text}", CYAN),)
        return (*said, *(((f"  ? {output.unknown}", YELLOW),) if output.unknown else ()))

    def _output(self, point: Point) -> Output | None:
        meaning = self.meanings.get(point.node)
        return None if meaning is None or point.whole else next((c for c in meaning.columns if c.name == point.column), None)


def _grouped(trace: Trace, hops: Iterable[Hop]) -> list[tuple[Point, list[Hop], bool]]:
    """The hops to each point in one branch: values first, then what decides about rows, then guesses. The last is marked."""
    by: dict[Point, list[Hop]] = {}
    for hop in sorted(hops, key=_rank):
        by.setdefault(hop.parent if trace.direction == "upstream" else hop.child, []).append(hop)
    return [(point, found, at == len(by)) for at, (point, found) in enumerate(by.items(), 1)]


def _rank(hop: Hop) -> int:
    return 1 if hop.kind in ROW_USES else 2 if hop.kind == "reads" else 3 if hop.kind == "unknown" else 0


def _tint(hops: Sequence[Hop]) -> str:
    return (CYAN, YELLOW, DIM, YELLOW)[_rank(hops[0])]


def painted(line: Pieces, width: int | None, *, colour: bool) -> str:
    """A line, cut where the terminal ends: an expression may be a page long."""
    out, room = "", width
    for text, tint in line:
        cut = text if room is None or width_of(text) <= room else _cut(text, room)
        out += f"{tint}{cut}{OFF}" if colour and tint and cut else cut
        room = None if room is None else room - width_of(cut)
        if cut != text:
            break
    return out if colour else out.rstrip()


def _cut(text: str, room: int) -> str:
    if room <= 0:
        return ""
    kept = ""
    for character in text:
        if width_of(kept + character) > room - 1:
            break
        kept += character
    return kept + "…"
