"""How each source is looked at: what its properties say, put into the engine's words."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from orchestrator.core.freshness import Limits, Look, limits
from orchestrator.core.graph import Graph
from orchestrator.core.node import Node, SourceBody

if TYPE_CHECKING:
    from orchestrator.core.ports import Dialect

_THIS = re.compile(r"\{\{\s*this\s*\}\}")


def looks(graph: Graph, ids: Iterable[str], dialect: Dialect) -> tuple[Look, ...]:
    """How to look at sources, in the order of their ids."""
    return tuple(_look(graph.nodes[id_], body, dialect) for id_ in sorted(ids) if isinstance(body := graph.bodies[id_], SourceBody))


def limited(graph: Graph, ids: Iterable[str]) -> dict[str, Limits]:
    """The limits of those sources that have some, by id."""
    found = {id_: limits(body.freshness) for id_ in ids if isinstance(body := graph.bodies[id_], SourceBody)}
    return {id_: one for id_, one in found.items() if one is not None}


def _look(node: Node, body: SourceBody, dialect: Dialect) -> Look:
    if node.relation is None:
        raise AssertionError(node.id)
    table = dialect.relation(node.relation)
    if body.loaded_at_query:
        text = _THIS.sub(lambda _: table, body.loaded_at_query).strip().rstrip(";")
        return Look(node.id, node.relation, "query", text)
    if body.loaded_at_field:
        only = (body.freshness or {}).get("filter")
        where = f" where {only}" if only else ""
        return Look(
            node.id, node.relation, "field", f"select max({body.loaded_at_field}) as loaded_at, count(*) as found from {table}{where}"
        )
    return Look(node.id, node.relation, "metadata")
