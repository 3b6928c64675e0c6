"""OpenLineage's facets about columns: what the spec calls ``columnLineage`` (version 1-2-0) and ``schema`` (1-1-1) of a dataset.

How a column takes part is said in the spec's words. Values are ``DIRECT``: taken as they are, transformed, or aggregated. What
orders a window or decides which value is taken is ``INDIRECT`` for that field; what decides about rows is ``INDIRECT`` for the
whole ``dataset``. ``masking`` is left out: whether an expression hides its input is not something a name tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Use, UseKind
from orchestrator.core.names import Relation
from orchestrator.core.version import VERSION
from orchestrator.graph.physical import physical

LINEAGE_SCHEMA = "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
COLUMNS_SCHEMA = "https://openlineage.io/spec/facets/1-1-1/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
PRODUCER = f"urn:sql-orchestrator:{VERSION}"
"""Who says so, as a URI."""

TRANSFORMATIONS: Mapping[UseKind, tuple[str, str]] = {
    "passed": ("DIRECT", "IDENTITY"),
    "renamed": ("DIRECT", "IDENTITY"),
    "transformed": ("DIRECT", "TRANSFORMATION"),
    "aggregated": ("DIRECT", "AGGREGATION"),
    "window": ("INDIRECT", "WINDOW"),
    "conditional": ("INDIRECT", "CONDITIONAL"),
    "filter": ("INDIRECT", "FILTER"),
    "join": ("INDIRECT", "JOIN"),
    "group": ("INDIRECT", "GROUP_BY"),
    "sort": ("INDIRECT", "SORT"),
}
"""Our kinds of use in the spec's types and subtypes."""


def openlineage(graph: Graph, meanings: Mapping[str, Meaning], ids: Iterable[str], namespace: str) -> list[dict[str, Any]]:
    """The datasets of ``ids`` with both facets; what is no relation of its own is left out. ``namespace`` names the warehouse."""
    found = []
    for id_ in ids:
        relation = graph.nodes[id_].relation
        if relation is None or graph.nodes[id_].is_ephemeral or id_ not in meanings:
            continue
        facets: dict[str, Any] = {"schema": columns(meanings[id_])}
        if (lineage := column_lineage(graph, meanings, id_, namespace)) is not None:
            facets["columnLineage"] = lineage
        found.append({"namespace": namespace, "name": dataset_name(relation), "facets": facets})
    return found


def columns(meaning: Meaning) -> dict[str, Any]:
    """The ``schema`` facet: the columns that are known, with their types where these are."""
    fields = [{"name": c.name, **({"type": c.type} if c.type else {})} for c in meaning.columns]
    return {"_producer": PRODUCER, "_schemaURL": COLUMNS_SCHEMA, "fields": fields}


def column_lineage(graph: Graph, meanings: Mapping[str, Meaning], id_: str, namespace: str) -> dict[str, Any] | None:
    """The ``columnLineage`` facet of a node: only relations that exist are inputs. ``None`` for what has no inputs, or none known."""
    meaning = physical(graph, meanings, id_)
    fields = {c.name: {"inputFields": _inputs(graph, c.uses, namespace, c.expression)} for c in meaning.columns if c.uses}
    rows = _inputs(graph, meaning.rows, namespace, "")
    if not fields and not rows:
        return None
    return {"_producer": PRODUCER, "_schemaURL": LINEAGE_SCHEMA, "fields": fields, "dataset": rows}


def dataset_name(relation: Relation) -> str:
    """A relation's name within its namespace: database, schema and table."""
    return str(relation)


def _inputs(graph: Graph, uses: Iterable[Use], namespace: str, expression: str) -> list[dict[str, Any]]:
    """One entry for each input column, with all that is done with it."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    for use in uses:
        relation = graph.nodes[use.node].relation if use.node in graph.nodes else None
        if relation is not None:
            type_, subtype = TRANSFORMATIONS[use.kind]
            told = {"description": expression} if expression and use.kind not in ("passed", "renamed") else {}
            found.setdefault((dataset_name(relation), use.column), []).append({"type": type_, "subtype": subtype, **told})
    return [{"namespace": namespace, "name": name, "field": field, "transformations": done} for (name, field), done in found.items()]
