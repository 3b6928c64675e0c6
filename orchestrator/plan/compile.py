"""A node's query with physical names in it: what is sent, minus the statement around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from orchestrator.core import marker
from orchestrator.core.errors import PlanError, Problem
from orchestrator.core.graph import Graph
from orchestrator.core.names import CTE_PREFIX, Relation, shortened
from orchestrator.core.node import Node, Query, Read, SqlBody
from orchestrator.core.ports import Dialect
from orchestrator.sql.splice import Spliced, splice


@dataclass(frozen=True, slots=True)
class Names:
    """Where nodes physically are in this run.

    ``instead`` replaces a node's relation (by its stage, while its gates run). ``ctes`` replaces nodes by the name of a CTE
    that stands in for them (unit test fixtures), ``standins`` by a query (of what is not built yet). ``empty`` reads every
    relation without its rows, ``sampled`` those of these ids where a condition holds. ``queries`` replaces the text of ephemeral
    models that had to be rendered again just now. ``window`` are the bounds that a model's own reads of parents with an
    ``event_time`` are limited to.
    """

    graph: Graph
    dialect: Dialect
    instead: Mapping[str, Relation] = field(default_factory=dict)
    ctes: Mapping[str, str] = field(default_factory=dict)
    standins: Mapping[str, str] = field(default_factory=dict)
    empty: bool = False
    sampled: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, Query] = field(default_factory=dict)
    window: tuple[str, str] | None = None

    def relation(self, id_: str) -> Relation | None:
        """Where a node is."""
        return self.instead.get(id_) or self.graph.nodes[id_].relation

    def text(self, id_: str, read: Read | None = None, *, limited: bool = False) -> str | None:
        """How a query names the node. ``read`` is the place: a bare name that is replaced by another stays addressable.

        ``limited`` reads only what is in the :attr:`window`.
        """
        node = self.graph.nodes[id_]
        if id_ in self.ctes:
            shown = last = self.ctes[id_]
        elif id_ in self.standins:
            shown, last = f"({self.standins[id_]})", ""
        elif node.is_ephemeral:
            shown = last = cte_name(node.name, self.dialect)
        else:
            relation = self.relation(id_)
            if relation is None:
                return None
            shown, last = self.dialect.relation(relation), relation.name
            if self.empty:
                shown, last = f"(select * from {shown} where false limit 0)", ""
            elif id_ in self.sampled and id_ not in self.instead:
                shown, last = f"(select * from {shown} where {self.sampled[id_]})", ""
        event_time = node.config.get("event_time")
        if limited and self.window and event_time:
            shown, last = f"(select * from {shown} where {self.dialect.within(str(event_time), *self.window)})", ""
        if read is not None and read.qualified:
            name = _bare(read)
            if name.casefold() != last.casefold():
                return f"{shown} as {self.dialect.quote(name)}"
        return shown


def _bare(read: Read) -> str:
    """The last part of a name as written; for a marker, the name it stands for."""
    kind, _, rest = read.name.partition(":")
    if kind == "ref" and rest:
        return rest.split(":")[1]
    if kind == "source" and rest:
        return rest.rpartition(":")[2]
    return read.name.rpartition(".")[2].strip('"')


def compile_query(node: Node, query: Query, names: Names) -> Spliced:
    """The final text of ``query``, a face of ``node``: physical names, and the CTEs of the ephemeral models it reads."""
    links = dict(node.links)

    def physical(read: Read) -> str | None:
        if read.name == "this" and node.id not in names.ctes:
            relation = names.relation(node.id)
            return names.dialect.relation(relation) if relation else None
        target = links.get(read.name)
        if target is None:
            return None
        return names.text(target, read, limited=not query.sql.startswith(f" {marker.WHOLE}", read.end))

    return splice(query, physical, ctes([links[r.name] for r in query.reads if r.name in links], names))


def ctes(read: Iterable[str], names: Names) -> list[tuple[str, str]]:
    """The ephemeral models among ``read``, and those they read themselves, as CTEs (name, SQL) in an order that works."""
    found: dict[str, str] = {}
    for id_ in ephemerals(read, names):
        node = names.graph.nodes[id_]
        query = _text_of(id_, names)
        if query is not None:
            links = dict(node.links)
            found[id_] = splice(query, lambda r, links=links: names.text(links[r.name], r) if r.name in links else None).sql  # type: ignore[misc]
    return [(cte_name(names.graph.nodes[id_].name, names.dialect), sql) for id_, sql in found.items()]


def cte_name(name: str, dialect: Dialect) -> str:
    """What stands for an ephemeral model in its readers; one the engine would cut off keeps its beginning and gets a digest."""
    return shortened(f"{CTE_PREFIX}{name}", dialect.max_identifier)


def column_names(node: Node, query: Query | None, dialect: Dialect) -> None:
    """Raise for output columns whose names the engine would cut off without a word.

    Raises:
        PlanError: N318, which they are.
    """
    long = [c for c in (query.columns if query else None) or () if len(c.encode()) > dialect.max_identifier]
    if long:
        shown = ", ".join(f"`{c}`" for c in long)
        message = f"`{node.name}` has columns whose names are longer than the {dialect.max_identifier} bytes {dialect.name} keeps: {shown}"
        raise PlanError(Problem("N318", message, node.span, "give them shorter aliases", node=node.id))


def ephemerals(read: Iterable[str], names: Names) -> tuple[str, ...]:
    """Ids of the ephemeral models among ``read`` and behind them, those that are read first."""
    found: dict[str, None] = {}

    def visit(id_: str) -> None:
        node = names.graph.nodes.get(id_)
        if node is None or not node.is_ephemeral or id_ in names.ctes or id_ in found:
            return
        query = _text_of(id_, names)
        links = dict(node.links)
        for inner in query.reads if query else ():
            if inner.name in links:
                visit(links[inner.name])
        found[id_] = None

    for id_ in read:
        visit(id_)
    return tuple(found)


def is_late(node: Node, body: SqlBody, names: Names) -> bool:
    """Whether the node's text can be known only just before its step: its own template says so, or an ephemeral's it reads."""
    if body.late:
        return True
    links = dict(node.links)
    reads = [links[r.name] for query in (body.query, body.incremental) if query for r in query.reads if r.name in links]
    return any(getattr(names.graph.bodies[id_], "late", False) for id_ in ephemerals(reads, names))


def _text_of(id_: str, names: Names) -> Query | None:
    """The query of an ephemeral model: as rendered just now, or as rendered for the graph."""
    if id_ in names.queries:
        return names.queries[id_]
    body = names.graph.bodies[id_]
    return body.query if isinstance(body, SqlBody) else None


def compile_text(text: str, node: Node, names: Names) -> str:
    """Any text with markers in it (a hook, a test's ``where``): markers replaced by physical names."""
    links = dict(node.links)
    out: list[str] = []
    cursor = 0
    for found in marker.find(text, names.dialect.quote_char):
        if found.payload == "this":
            relation = names.relation(node.id)
            shown = names.dialect.relation(relation) if relation else None
        else:
            shown = names.text(links[found.payload]) if found.payload in links else None
        out += [text[cursor : found.start], shown or text[found.start : found.end]]
        cursor = found.end
    return "".join([*out, text[cursor:]])
