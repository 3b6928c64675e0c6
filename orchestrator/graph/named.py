"""The column or table that somebody names: ``orders.amount``, ``orders``, ``raw.orders.amount``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning
from orchestrator.core.node import Node
from orchestrator.graph.lineage import TRACED, Point, label

Same = Callable[[str, str], bool]
"""Whether an engine takes two names for one column's."""


def named(graph: Graph, meanings: Mapping[str, Meaning], text: str, same: Same) -> tuple[Point, ...]:
    """The points that ``text`` names: one column, or a node as a whole and each of its columns.

    A node is named by its name, by the end of its dotted name, by ``schema.name``, a source table by ``source.table``; each may
    be followed by a column. Nodes' names are compared without case, columns' as the engine compares them (``same``); a column
    of a table that may have more than the known ones is taken at its word.

    Raises:
        UsageError: U035 there is no such node, U036 it has no such column, U037 the name means several things.
    """
    parts = _split(text)
    known = _index(graph)
    whole = known.get(_fold(parts), ())
    owners = known.get(_fold(parts[:-1]), ()) if len(parts) > 1 else ()
    tables = [id_ for id_ in owners if graph.nodes[id_].kind in TRACED]
    columns = [point for id_ in tables if (point := _column(meanings, id_, parts[-1], same)) is not None]
    if len(whole) + len(columns) > 1:
        raise UsageError(
            Problem("U037", f"`{text}` can mean {_listed(graph, whole, columns)}", hint="say more of its name, or give its id")
        )
    if whole:
        return (*(Point(whole[0], name) for name in _names(meanings, whole[0])), Point(whole[0]))
    if columns:
        return (columns[0],)
    if owners:
        raise UsageError(_no_column(graph, meanings, owners[0], parts[-1]))
    raise UsageError(_no_node(graph, text, parts))


def _split(text: str) -> tuple[str, ...]:
    """The parts between dots; what stands in quotes is one part.

    >>> _split('orders."Gross.Amount"'), _split("source:raw.orders")
    (('orders', 'Gross.Amount'), ('raw', 'orders'))
    """
    parts, quote = [""], ""
    for character in text.strip().removeprefix("source:").removeprefix("exposure:"):
        if quote or character in "\"`'":
            quote = "" if character == quote else quote or character
            parts[-1] += "" if character in "\"`'" else character
        elif character == ".":
            parts.append("")
        else:
            parts[-1] += character
    return tuple(parts)


def _fold(parts: Iterable[str]) -> tuple[str, ...]:
    return tuple(part.casefold() for part in parts)


def _index(graph: Graph) -> Mapping[tuple[str, ...], tuple[str, ...]]:
    """Ids by every name that people may use for them; a shorter name never hides what it names exactly."""
    found: dict[tuple[str, ...], dict[str, None]] = {}
    for node in graph.nodes.values():
        if node.kind in TRACED or node.kind == "exposure":
            for name in _spellings(node):
                found.setdefault(_fold(name), {})[node.id] = None
    return {name: _preferred(graph, tuple(ids)) for name, ids in found.items()}


def _spellings(node: Node) -> Iterable[tuple[str, ...]]:
    names = tuple(label(node).split("."))
    yield names
    yield tuple(node.id.split("."))
    yield from (node.fqn[at:] for at in range(len(node.fqn)) if node.fqn[-1:] and (node.kind != "source" or len(node.fqn) - at > 1))
    if node.kind == "source":
        yield names[-1:]
    elif node.config.get("version") is not None and str(node.config["version"]) == str(node.config.get("latest_version")):
        yield (node.name,)
    if node.relation is not None and node.relation.schema:
        yield (node.relation.schema, node.relation.name)


def _preferred(graph: Graph, ids: tuple[str, ...]) -> tuple[str, ...]:
    """A project's own nodes come before source tables of the same name, as in SQL, and anything before an exposure."""
    for kinds in (TRACED - {"source"}, TRACED):
        if own := tuple(id_ for id_ in ids if graph.nodes[id_].kind in kinds):
            return own
    return ids


def _names(meanings: Mapping[str, Meaning], id_: str) -> tuple[str, ...]:
    return tuple(c.name for c in meanings[id_].columns) if id_ in meanings else ()


def _column(meanings: Mapping[str, Meaning], id_: str, name: str, same: Same) -> Point | None:
    names = _names(meanings, id_)
    if name in names:
        return Point(id_, name)
    # An engine that tells case apart is right about queries; nobody who asks a question means another column.
    for alike in (same, lambda one, other: one.casefold() == other.casefold()):
        if (found := [known for known in names if alike(known, name)]) and len(found) == 1:
            return Point(id_, found[0])
    return None if not name or (id_ in meanings and meanings[id_].complete) else Point(id_, name)


def _listed(graph: Graph, whole: Iterable[str], columns: Iterable[Point]) -> str:
    return " and ".join([*(f"`{id_}`" for id_ in whole), *(f"the column `{p.column}` of `{label(graph.nodes[p.node])}`" for p in columns)])


def _no_column(graph: Graph, meanings: Mapping[str, Meaning], id_: str, name: str) -> Problem:
    node, names = graph.nodes[id_], _names(meanings, id_)
    if node.kind == "exposure":
        return Problem("U036", f"an exposure has no columns: `{node.name}`", node.span, f"ask for `{node.name}`")
    few = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return Problem("U036", f"`{label(node)}` has no column `{name}`", node.span, did_you_mean(name, names, also=f"it has: {few}"))


def _no_node(graph: Graph, text: str, parts: tuple[str, ...]) -> Problem:
    names = [label(n) for n in graph.nodes.values() if n.kind in TRACED or n.kind == "exposure"]
    dotted = ".".join(parts)
    for tried in dict.fromkeys((dotted, ".".join(parts[:-1]), parts[0])):
        if tried and (hint := did_you_mean(tried, names)):
            return Problem("U035", f"there is no model, seed, snapshot, source or exposure `{text}`", hint=hint)
    return Problem("U035", f"there is no model, seed, snapshot, source or exposure `{text}`", hint="`orc ls` lists them all")
