"""Fingerprints: what would change a node's data if it changed, ancestors included."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

from orchestrator.core.files import digest
from orchestrator.core.node import Body, Node, PythonBody, SeedBody, SqlBody

_DATA_CONFIG = (
    "materialized", "unique_key", "incremental_strategy", "incremental_predicates", "merge_update_columns", "merge_exclude_columns",
    "partition_by", "cluster_by", "indexes", "column_types", "delimiter", "sql_header", "unlogged", "on_schema_change",
)  # fmt: skip
"""Config that shapes the data; tags, descriptions and the like do not."""


def fingerprints(nodes: Mapping[str, Node], bodies: Mapping[str, Body]) -> dict[str, Node]:
    """The same nodes with their fingerprints, which cover their own content, their data config and their parents' fingerprints."""
    waiting = {id_: sum(p in nodes for p in n.depends_on) for id_, n in nodes.items()}
    below: dict[str, list[str]] = {id_: [] for id_ in nodes}
    for node in nodes.values():
        for parent in node.depends_on:
            if parent in below:
                below[parent].append(node.id)
    ready = deque(id_ for id_, count in waiting.items() if not count)
    found: dict[str, str] = {}
    while ready:
        id_ = ready.popleft()
        node = nodes[id_]
        parents = [found.get(p, p) for p in node.depends_on]
        config = {k: node.config[k] for k in _DATA_CONFIG if k in node.config}
        said = json.dumps([own(bodies[id_]), config, parents, str(node.relation)], default=str, sort_keys=True)
        found[id_] = digest(said.encode())
        for child in below[id_]:
            waiting[child] -= 1
            if not waiting[child]:
                ready.append(child)
    return {id_: replace(node, fingerprint=found[id_]) for id_, node in nodes.items()}


def own(body: Body) -> str:
    """The content of a node itself, layout and comments left out."""
    match body:
        case SqlBody():
            return body.query.canon + (body.incremental.canon if body.incremental else "")
        case PythonBody():
            return digest(body.raw.encode())
        case SeedBody():
            return body.checksum
        case _:
            return ""
