"""Nodes and what they are made of, drawn: what ``orc ls --output mermaid`` and ``dot`` print."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.graph.lineage import label
from orchestrator.report.diagram import entities, quoted

Form = Literal["mermaid", "dot"]


def drawn(graph: Graph, ids: Iterable[str], form: Form) -> str:
    """The chosen nodes, parents first, and the edges between them, in Mermaid's or Graphviz's language.

    Boxes are numbered: a name is text in a box, whatever is in it.

    >>> a, b = (Node(f"model.p.{n}", "model", n, "p", "", (), {}, depends_on=up) for n, up in (("a", ()), ("b", ("model.p.a",))))
    >>> print(drawn(Graph({a.id: a, b.id: b}, {}), [b.id, a.id], "mermaid"))
    flowchart LR
      n0["a"]
      n1["b"]
      n0 --> n1
    """
    wanted = frozenset(ids)
    numbers = {id_: at for at, id_ in enumerate(id_ for id_ in graph.order if id_ in wanted)}
    edges = [(numbers[up], at) for id_, at in numbers.items() for up in dict.fromkeys(graph.nodes[id_].depends_on) if up in numbers]
    words = {at: _words(graph.nodes[id_]) for id_, at in numbers.items()}
    if form == "mermaid":
        boxes = [f'  n{at}["{entities(text)}"]' for at, text in words.items()]
        return "\n".join(["flowchart LR", *boxes, *(f"  n{a} --> n{b}" for a, b in edges)])
    boxes = [f"  n{at} [label={quoted(text)}];" for at, text in words.items()]
    lines = ["digraph project {", "  rankdir=LR;", "  node [shape=box, style=rounded];"]
    return "\n".join([*lines, *boxes, *(f"  n{a} -> n{b};" for a, b in edges), "}"])


def _words(node: Node) -> str:
    """A node's name, and its kind where that is not the usual one."""
    return label(node) if node.kind == "model" else f"{label(node)} ({node.kind.replace('_', ' ')})"
