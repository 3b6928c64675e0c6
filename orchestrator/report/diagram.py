"""Lineage for other programs: JSON, Mermaid and Graphviz."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning
from orchestrator.graph.lineage import Hop, Point, Trace, label
from orchestrator.report.traced import Asked

VERSION = 1
"""Of the JSON: what is there keeps its meaning; what may come is further keys."""


def as_json(graph: Graph, meanings: Mapping[str, Meaning], asked: Asked) -> str:
    """An answer as JSON: points, and hops that refer to them by node id and column (``null``: the node as a whole)."""
    traces = [t for t in (asked.upstream, asked.downstream) if t is not None]
    points = dict.fromkeys([*asked.starts, *(p for t in traces for p in t.points), *(h.parent for h in asked.rows)])
    found: dict[str, Any] = {
        "version": VERSION,
        "asked": [_point(p) for p in asked.starts],
        "columns": [_column(graph, meanings, p) for p in points],
        "rows": [hop_json(h) for h in asked.rows],
    }
    for trace in traces:
        found[trace.direction] = {"hops": [hop_json(h) for h in trace.hops], "cut": [_point(p) for p in sorted(trace.cut)]}
    return json.dumps(found, indent=2, ensure_ascii=False)


def hop_json(hop: Hop) -> dict[str, Any]:
    """A hop as JSON has it; ``start`` and ``end`` only where there is a place, ``why`` only where something is unknown."""
    place = {"start": hop.start, "end": hop.end} if hop.start >= 0 else {}
    why = {"why": hop.why} if hop.why else {}
    return {"from": _point(hop.parent), "to": _point(hop.child), "kind": hop.kind, "expression": hop.expression, **place, **why}


def _point(point: Point) -> dict[str, Any]:
    return {"node": point.node, "column": point.column or None}


def _column(graph: Graph, meanings: Mapping[str, Meaning], point: Point) -> dict[str, Any]:
    node = graph.nodes[point.node]
    meaning = meanings.get(point.node)
    output = next((c for c in meaning.columns if c.name == point.column), None) if meaning is not None and not point.whole else None
    more = {} if output is None else {"type": output.type, "expression": output.expression, "unknown": output.unknown or None}
    return {**_point(point), "name": label(node), "kind": node.kind, "path": node.path, **more}


def mermaid(graph: Graph, asked: Asked) -> str:
    """An answer as a Mermaid flowchart: a box for each node, its columns inside, the kind of use on each arrow.

    >>> mermaid(Graph({}, {}), Asked(()))
    'flowchart LR'
    """
    numbers, hops = _numbered(asked)
    lines = ["flowchart LR"]
    for at, (node, points) in enumerate(_boxes(numbers)):
        lines.append(f'  subgraph s{at}["{entities(label(graph.nodes[node]))}"]')
        lines += [f'    p{numbers[p]}["{entities(p.column or "(all rows)")}"]' for p in points]
        lines.append("  end")
    for hop in hops:
        arrow = "-.->" if _faint(hop) else "-->"
        lines.append(f'  p{numbers[hop.parent]} {arrow}|"{entities(hop.kind)}"| p{numbers[hop.child]}')
    if asked.starts:
        lines.append(f"  style {','.join(f'p{numbers[p]}' for p in asked.starts if p in numbers)} stroke-width:3px")
    return "\n".join(lines)


def dot(graph: Graph, asked: Asked) -> str:
    """An answer in Graphviz's language, with the expression of each hop as a tooltip.

    >>> print(dot(Graph({}, {}), Asked(())))
    digraph lineage {
      rankdir=LR;
      node [shape=box, style=rounded];
    }
    """
    numbers, hops = _numbered(asked)
    lines = ["digraph lineage {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    for at, (node, points) in enumerate(_boxes(numbers)):
        lines.append(f"  subgraph cluster_{at} {{")
        lines.append(f"    label={quoted(label(graph.nodes[node]))};")
        for p in points:
            thick = ", penwidth=3" if p in asked.starts else ""
            lines.append(f"    p{numbers[p]} [label={quoted(p.column or '(all rows)')}{thick}];")
        lines.append("  }")
    for hop in hops:
        faint = ", style=dashed" if _faint(hop) else ""
        tip = f", tooltip={quoted(' '.join(hop.expression.split()))}" if hop.expression else ""
        lines.append(f"  p{numbers[hop.parent]} -> p{numbers[hop.child]} [label={quoted(hop.kind)}{tip}{faint}];")
    return "\n".join([*lines, "}"])


def _numbered(asked: Asked) -> tuple[dict[Point, int], tuple[Hop, ...]]:
    """A number for each point: names of columns may be anything, identifiers of diagrams may not."""
    traces: Iterable[Trace] = [t for t in (asked.upstream, asked.downstream) if t is not None]
    hops = tuple(dict.fromkeys(h for t in traces for h in t.hops))
    linked = {p for h in hops for p in (h.parent, h.child)}
    # Of a whole table only what takes part: a start without a hop would be a lonely box.
    starts = [p for p in asked.starts if p in linked or len(asked.starts) == 1]
    points = dict.fromkeys([*starts, *(p for t in traces for p in t.points if p in linked)])
    return {point: at for at, point in enumerate(points)}, hops


def _boxes(numbers: Mapping[Point, int]) -> list[tuple[str, list[Point]]]:
    by: dict[str, list[Point]] = {}
    for point in numbers:
        by.setdefault(point.node, []).append(point)
    return list(by.items())


def _faint(hop: Hop) -> bool:
    return hop.kind in ("window", "conditional", "filter", "join", "group", "sort", "reads", "unknown")


def entities(text: str) -> str:
    """A text inside quotes in Mermaid, where every character that could end or format it is a numbered entity.

    >>> entities('say "hi"'), entities("a[1]")
    ('say #34;hi#34;', 'a#91;1#93;')
    """
    return "".join(c if c.isalnum() or c in " _.,-()" else f"#{ord(c)};" for c in text)


def quoted(text: str) -> str:
    r"""A text as Graphviz quotes it.

    >>> quoted('a "b" \\n')
    '"a \\"b\\" \\\\n"'
    """
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
