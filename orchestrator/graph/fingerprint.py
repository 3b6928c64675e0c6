"""One node's fingerprint: its own content, the config that shapes its data, where it is, and the fingerprints of what it reads."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from orchestrator.core.files import digest
from orchestrator.core.graph import Graph
from orchestrator.core.node import Kind, Node

FED: frozenset[Kind] = frozenset({"model", "seed", "snapshot", "source"})
"""Kinds that data come from."""

_DATA_CONFIG = (
    "materialized", "unique_key", "incremental_strategy", "incremental_predicates", "predicates", "merge_update_columns",
    "merge_exclude_columns", "partition_by", "cluster_by", "indexes", "column_types", "delimiter", "sql_header", "unlogged",
    "on_schema_change",
    "strategy", "updated_at", "check_cols", "hard_deletes", "invalidate_hard_deletes", "dbt_valid_to_current", "snapshot_meta_column_names",
    "event_time", "begin",
)  # fmt: skip
"""Config that shapes the data; tags, descriptions and the like do not."""


def fingerprint(node: Node, parents: Sequence[str]) -> str:
    """A digest of all that would change the node's data; ``parents`` are the fingerprints of what it reads, in its order."""
    said = json.dumps([node.content, shaping(node), list(parents), str(node.relation)], default=str, sort_keys=True)
    return digest(said.encode())


def shaping(node: Node) -> dict[str, object]:
    """What of a node's config shapes its data."""
    return {k: node.config[k] for k in _DATA_CONFIG if k in node.config and not (k == "indexes" and _indexes_apart(node))}


def _indexes_apart(node: Node) -> bool:
    """A materialized view's indexes are compared with those it has: they change without it being built anew."""
    return node.materialized == "materialized_view"


def unchanged_itself(graph: Graph, id_: str, published: Mapping[str, str]) -> bool:
    """Whether only what a node reads is not what it was when it was published: made anew from what its parents were published as,
    its fingerprint is the published one.
    """
    known: dict[str, str] = {}

    def then(parent: str) -> str:
        if parent not in known:
            known[parent] = published.get(parent) or made(parent)
        return known[parent]

    def made(one: str) -> str:
        node = graph.nodes[one]
        return fingerprint(node, [then(p) for p in node.depends_on if p in graph.nodes and graph.nodes[p].kind in FED])

    return id_ in published and made(id_) == published[id_]
