"""What a change reaches, as people read it and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output
from orchestrator.graph.compare import Change
from orchestrator.graph.impact import Break, Consequence, Effect, Impact
from orchestrator.graph.lineage import Point, called, label
from orchestrator.report.diagram import hop_json
from orchestrator.report.problems import printable
from orchestrator.report.traced import BACK, BOLD, CYAN, DIM, PLAIN, YELLOW, Pieces, painted

Where = Callable[[Break], str]
"""Where a reader that breaks is written."""


def reached(graph: Graph, meanings: Mapping[str, Meaning], found: Impact, *, width: int | None = None, colour: bool = False) -> str:
    """What columns reach: node by node, each line the last hop that led there."""
    starts = ", ".join(called(graph, p) for p in found.starts if len(found.starts) == 1 or not p.whole)
    lines: list[Pieces] = [((starts, BOLD), (f" reaches {counted(found)}", "")), *_things(graph, meanings, found)]
    return "\n".join(painted(line, width, colour=colour) for line in lines)


def since(
    graphs: tuple[Graph, Graph],
    meanings: Mapping[str, Meaning],
    found: Iterable[Consequence],
    title: str,
    where: Where,
    *,
    width: int | None = None,
    colour: bool = False,
) -> str:
    """What changed, what it reaches and what breaks. ``graphs`` are the earlier one and the one of now."""
    kept = list(found)
    broken = sum(bool(c.breaks) for c in kept)
    head = f"{_plural(len(kept), 'change') if kept else 'nothing changed'} {title}" + (f", {broken} of them breaking" if broken else "")
    lines: list[Pieces] = [((head, BOLD),)]
    for one in kept:
        graph = graphs[1] if one.change.node in graphs[1].nodes else graphs[0]
        lines += [(), *_change(graph, one, where)]
        lines += [(("  ", ""), *line) for line in _things(_both(graphs), meanings, one.impact)] if one.impact.starts else []
    return "\n".join(painted(line, width, colour=colour) for line in lines)


def counted(found: Impact) -> str:
    """How much is reached, in words.

    >>> counted(Impact(()))
    'nothing'
    """
    words = [
        _plural(len(found.columns), "column"),
        _plural(len(found.nodes), "table"),
        _plural(len(found.tests), "test"),
        _plural(len(found.exposures), "exposure"),
    ]
    said = [word for word in words if not word.startswith("0 ")]
    return ", ".join(said) or "nothing"


def as_json(found: Impact) -> dict[str, Any]:
    """What is reached as JSON has it: every effect with all hops that lead there."""
    return {
        "asked": [_point(p) for p in found.starts],
        "columns": [_effect(e) for e in found.columns],
        "tables": [_effect(e) for e in found.tables],
        "tests": [_effect(e) for e in found.tests],
        "exposures": [_effect(e) for e in found.exposures],
    }


def reached_json(found: Impact) -> str:
    """The text of :func:`as_json`."""
    return json.dumps({"version": 1, **as_json(found)}, indent=2, ensure_ascii=False)


def since_json(found: Iterable[Consequence], revision: str, commit: str) -> str:
    """Changes as JSON, each with what it reaches and breaks."""
    changes = [
        {
            "node": c.change.node,
            "category": c.change.category,
            "column": c.change.column or None,
            "before": c.change.before or None,
            "after": c.change.after or None,
            "breaks": [{"node": b.node, **({"start": b.start, "end": b.end} if b.start >= 0 else {})} for b in c.breaks],
            "reaches": as_json(c.impact),
        }
        for c in found
    ]
    return json.dumps({"version": 1, "since": revision, "commit": commit, "changes": changes}, indent=2, ensure_ascii=False)


def _things(graph: Graph, meanings: Mapping[str, Meaning], found: Impact) -> Iterator[Pieces]:
    by: dict[str, list[Effect]] = {}
    for effect in (*found.columns, *found.tables):
        by.setdefault(effect.point.node, []).append(effect)
    for node, here in by.items():
        yield ()
        yield ((called(graph, Point(node)), ""), (f"  {graph.nodes[node].path}", DIM))
        names = [e.point.column or "(all rows)" for e in here]
        room = max(map(len, names))
        for effect, name in zip(here, names, strict=True):
            yield ((f"  {printable(name):<{room}}  ", ""), *_reason(graph, effect), *_made(meanings, effect.point))
    for title, effects in (("tests", found.tests), ("exposures", found.exposures)):
        if effects:
            yield ()
            yield ((title, ""),)
            names = [label(graph.nodes[e.point.node]) for e in effects]
            room = max(map(len, names))
            yield from (((f"  {n:<{room}}  ", ""), *_reason(graph, e)) for e, n in zip(effects, names, strict=True))


def _reason(graph: Graph, effect: Effect) -> Pieces:
    hop = effect.path[-1]
    tested = graph.nodes[effect.point.node].kind in ("test", "unit_test")
    verb = "tests" if tested else BACK[hop.kind]
    why = ((f"  ? {hop.why}", YELLOW),) if hop.why else ()
    return ((f"{verb} ", CYAN), (called(graph, hop.parent), ""), *why)


def _made(meanings: Mapping[str, Meaning], point: Point) -> Pieces:
    meaning = meanings.get(point.node)
    output: Output | None = next((c for c in meaning.columns if c.name == point.column), None) if meaning is not None else None
    text = " ".join(printable(output.expression).split()) if output is not None else ""
    return () if not text or PLAIN.fullmatch(text) else ((f"  = {text}", CYAN),)


def _change(graph: Graph, one: Consequence, where: Where) -> Iterator[Pieces]:
    change = one.change
    name = called(graph, Point(change.node, change.before if change.category == "column renamed" else change.column))
    yield ((name, BOLD), (f"  {change.category}", YELLOW), *_told(change))
    if one.impact.starts:
        yield ((f"  reaches {counted(one.impact)}", ""),)
    for broken in one.breaks:
        yield ((f"  breaks {called(graph, Point(broken.node))}", YELLOW), (f"  {where(broken)}", DIM))


def _told(change: Change) -> Pieces:
    """What it was and what it is."""
    before, after = (" ".join(printable(text).split()) for text in (change.before, change.after))
    if before and after:
        return ((f"  {before} → {after}", CYAN),)
    return ((f"  {before or after}", CYAN),) if before or after else ()


def _both(graphs: tuple[Graph, Graph]) -> Graph:
    """A graph that knows the nodes that are gone, too."""
    return Graph({**graphs[0].nodes, **graphs[1].nodes}, {})


def _effect(effect: Effect) -> dict[str, Any]:
    return {**_point(effect.point), "path": [hop_json(h) for h in effect.path]}


def _point(point: Point) -> dict[str, Any]:
    return {"node": point.node, "column": point.column or None}


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
