"""``catalog.json``: what is in the warehouse, in the shape of dbt's version 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Described, RelationKind
from orchestrator.publish.facts import Facts

SCHEMA = "catalog/v1"
TYPES: Mapping[RelationKind, str] = {
    "table": "BASE TABLE",
    "view": "VIEW",
    "materialized_view": "MATERIALIZED VIEW",
    "external": "EXTERNAL",
}


def catalog(graph: Graph, facts: Facts, found: Sequence[Described]) -> dict[str, Any]:
    """The artifact as plain data: an entry for each node and source whose relation exists."""
    there: dict[Relation, Described] = {d.relation: d for d in found}
    entries = {
        id_: _table(id_, there[node.relation]) for id_, node in graph.nodes.items() if node.relation is not None and node.relation in there
    }
    return {
        "metadata": facts.metadata(SCHEMA),
        "nodes": {id_: entry for id_, entry in entries.items() if graph.nodes[id_].kind != "source"},
        "sources": {id_: entry for id_, entry in entries.items() if graph.nodes[id_].kind == "source"},
        "errors": None,
    }


def _table(id_: str, found: Described) -> dict[str, Any]:
    relation = found.relation
    return {
        "metadata": {
            "type": TYPES[found.kind],
            "schema": relation.schema or "",
            "name": relation.name,
            "database": relation.database,
            "comment": found.comment,
            "owner": found.owner,
        },
        "columns": {
            name: {"type": type_, "index": index, "name": name, "comment": comment}
            for index, (name, type_, comment) in enumerate(found.columns, 1)
        },
        "stats": {"has_stats": _STATS},
        "unique_id": id_,
    }


_STATS = {"id": "has_stats", "label": "Has Stats?", "value": False, "include": False, "description": "Whether there are statistics here"}
"""dbt's adapters for these engines list none; readers that compare catalogs find ours equal."""
