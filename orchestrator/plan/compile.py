"""A node's query with physical names in it: what is sent, minus the statement around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from orchestrator.core import marker
from orchestrator.core.graph import Graph
from orchestrator.core.names import CTE_PREFIX, Relation
from orchestrator.core.node import Node, Query, Read, SqlBody
from orchestrator.core.ports import Dialect
from orchestrator.sql.splice import Spliced, splice


@dataclass(frozen=True, slots=True)
class Names:
    """Where nodes physically are in this run.

    ``instead`` replaces a node's relation (by its stage, while its gates run). ``ctes`` replaces nodes by the name of a CTE
    that stands in for them (unit test fixtures). ``empty`` reads every relation without its rows.
    """

    graph: Graph
    dialect: Dialect
    instead: Mapping[str, Relation] = field(default_factory=dict)
    ctes: Mapping[str, str] = field(default_factory=dict)
    empty: bool = False

    def relation(self, id_: str) -> Relation | None:
        """Where a node is."""
        return self.instead.get(id_) or self.graph.nodes[id_].relation

    def text(self, id_: str, read: Read | None = None) -> str | None:
        """How a query names the node. ``read`` is the place: a bare name that is replaced by another stays addressable."""
        node = self.graph.nodes[id_]
        if id_ in self.ctes:
            shown = last = self.ctes[id_]
        elif node.is_ephemeral:
            shown = last = f"{CTE_PREFIX}{node.name}"
        else:
            relation = self.relation(id_)
            if relation is None:
                return None
            shown, last = self.dialect.relation(relation), relation.name
            if self.empty:
                shown, last = f"(select * from {shown} where false limit 0)", ""
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
        return None if target is None else names.text(target, read)

    return splice(query, physical, _ctes(node, query, names))


def _ctes(node: Node, query: Query, names: Names) -> list[tuple[str, str]]:
    """Ephemeral models that ``query`` reads, directly or through each other, in an order that works."""
    found: dict[str, str] = {}

    def visit(reader: Node, reads: tuple[Read, ...]) -> None:
        links = dict(reader.links)
        for read in reads:
            id_ = links.get(read.name)
            parent = names.graph.nodes.get(id_) if id_ else None
            if parent is None or not parent.is_ephemeral or parent.id in names.ctes:
                continue
            body = names.graph.bodies[parent.id]
            if parent.id in found or not isinstance(body, SqlBody):
                continue
            visit(parent, body.query.reads)
            inner = dict(parent.links)
            text = splice(body.query, lambda r, inner=inner: names.text(inner[r.name], r) if r.name in inner else None)  # type: ignore[misc]
            found[parent.id] = text.sql

    visit(node, query.reads)
    return [(f"{CTE_PREFIX}{names.graph.nodes[id_].name}", sql) for id_, sql in found.items()]


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
