"""What a node's columns are made of in the warehouse: ephemeral models, which are no tables, seen through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Use, UseKind

_RISING: tuple[UseKind, ...] = ("passed", "renamed", "transformed", "aggregated")


def physical(graph: Graph, meanings: Mapping[str, Meaning], id_: str) -> Meaning:
    """A node's meaning in terms of relations that exist: uses of an ephemeral model's column are those of what makes the column,
    and what decides about the model's rows decides about the node's.
    """
    meaning = meanings[id_]
    columns = tuple(replace(c, uses=_distinct(_through(graph, meanings, c.uses))) for c in meaning.columns)
    inlined = (row for parent in graph.nodes[id_].depends_on if _ephemeral(graph, parent) for row in _rows(graph, meanings, parent))
    return replace(meaning, columns=columns, rows=_distinct((*_through(graph, meanings, meaning.rows), *inlined)))


def _through(graph: Graph, meanings: Mapping[str, Meaning], uses: Iterable[Use]) -> Iterator[Use]:
    for use in uses:
        if not _ephemeral(graph, use.node):
            yield use
            continue
        inner = meanings.get(use.node)
        made = next((c.uses for c in inner.columns if c.name == use.column), ()) if inner is not None else ()
        yield from (replace(u, kind=_joined(u.kind, use.kind), start=use.start, end=use.end) for u in _through(graph, meanings, made))


def _rows(graph: Graph, meanings: Mapping[str, Meaning], id_: str) -> Iterator[Use]:
    if id_ in meanings:
        yield from (replace(u, start=-1, end=-1) for u in _through(graph, meanings, meanings[id_].rows))
    for parent in graph.nodes[id_].depends_on:
        if _ephemeral(graph, parent):
            yield from _rows(graph, meanings, parent)


def _joined(inner: UseKind, outer: UseKind) -> UseKind:
    """The kind of two uses after each other: what decides about rows or choices stays that, of values the stronger one counts.

    >>> _joined("renamed", "aggregated"), _joined("transformed", "passed"), _joined("transformed", "filter"), _joined("window", "passed")
    ('aggregated', 'transformed', 'filter', 'window')
    """
    if outer not in _RISING:
        return outer
    return inner if inner not in _RISING else max(inner, outer, key=_RISING.index)


def _ephemeral(graph: Graph, id_: str) -> bool:
    return id_ in graph.nodes and graph.nodes[id_].is_ephemeral


def _distinct(uses: Iterable[Use]) -> tuple[Use, ...]:
    found: dict[tuple[str, str, str], Use] = {}
    for use in uses:
        found.setdefault((use.node, use.column, use.kind), use)
    return tuple(found.values())
