"""Numbers and file names of the nodes that have a page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b

from orchestrator.core.graph import Graph
from orchestrator.core.node import Kind

SHOWN: tuple[Kind, ...] = ("model", "seed", "snapshot", "source", "exposure", "analysis")
"""Kinds with a page of their own; tests are shown where they test."""

LONGEST = 120
"""Characters of a file name: room for ``.json``, a temporary name and the longest path of any system."""

_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]*")


@dataclass(frozen=True, slots=True)
class Numbers:
    """Ids in the order of their numbers, numbers by id, and file names by id."""

    ids: tuple[str, ...]
    of: Mapping[str, int]
    files: Mapping[str, str]


def numbers_of(graph: Graph) -> Numbers:
    """Nodes in order of kind and id: a new one moves few others, and the same project gives the same numbers anywhere."""
    shown = sorted((n for n in graph.nodes.values() if n.kind in SHOWN), key=lambda n: (SHOWN.index(n.kind), n.id))
    ids = tuple(n.id for n in shown)
    return Numbers(ids, {id_: i for i, id_ in enumerate(ids)}, {id_: file_name(id_) for id_ in ids})


def file_name(id_: str) -> str:
    """The name of a node's file: needs no escape in a URL, and keeps apart where a file system does not know case.

    >>> file_name("model.shop.orders"), file_name("model.shop.Orders")[:18]
    ('model.shop.orders', 'model.shop.orders-')
    """
    if len(id_) <= LONGEST and _PLAIN.fullmatch(id_):
        return id_
    mark = blake2b(id_.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
    return f"{re.sub(r'[^a-z0-9_.-]+', '_', id_.lower())[: LONGEST - 20].strip('.') or 'node'}-{mark}"
