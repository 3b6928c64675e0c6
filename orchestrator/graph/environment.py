"""Where nodes are in an environment of its own, beside production: only relations change, names stay what they are."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation, shortened

_NAME = re.compile(r"[a-z0-9][a-z0-9_]{0,39}\Z")


def environment(text: str) -> str:
    """The name of an environment, as it ends schemas; every engine takes it.

    Raises:
        UsageError: U055, it is none.

    >>> environment("pr_482")
    'pr_482'
    """
    if not _NAME.match(text) or text.endswith("_") or "__" in text:
        hint = "up to 40 small letters, digits and single underscores, like pr_482"
        raise UsageError(Problem("U055", f"`{text}` cannot be the name of an environment", hint=hint))
    return text


def suffixed(schema: str, suffix: str, limit: int) -> str:
    """A schema's name in the environment ``suffix``: it always ends in it; one that gets longer than ``limit`` bytes is shortened before.

    >>> suffixed("marts", "pr_482", 63), len(suffixed("x" * 63, "pr_482", 63)), suffixed("x" * 63, "pr_482", 63)[-8:]
    ('marts__pr_482', 63, '__pr_482')
    """
    tail = f"__{suffix}"
    return shortened(schema, limit - len(tail)) + tail


def inside(relation: Relation, suffix: str) -> bool:
    """Whether a relation belongs to the environment ``suffix``.

    >>> inside(Relation(None, "marts__pr_48", "orders"), "pr_48"), inside(Relation(None, "marts__pr_482", "orders"), "pr_48")
    (True, False)
    """
    return (relation.schema or "").endswith(f"__{suffix}")


def isolated(graph: Graph, suffix: str, limit: int) -> Graph:
    """The graph with all that is built in schemas of the environment ``suffix``; sources are where they were.

    Whatever named the schemas (``generate_schema_name``, too) did so before: nothing can leave the environment. ``limit`` are the
    bytes that the engine allows a name.
    """

    def moved(relation: Relation) -> Relation:
        return replace(relation, schema=suffixed(relation.schema or "main", suffix, limit))

    nodes = {
        id_: replace(node, relation=moved(node.relation)) if node.has_data and node.relation is not None else node
        for id_, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes)


def deferred(
    graph: Graph, elsewhere: Mapping[str, Relation], here: Collection[str], present: Collection[str], *, favor: bool = False
) -> Graph:
    """The graph with nodes read from ``elsewhere`` that this run does not build and that are not ``present`` in their own place.

    ``here`` are the ids of what this run builds. With ``favor`` all others are read from elsewhere, also where they are present.
    Ephemeral models are nowhere: what they read is looked up in turn.
    """
    nodes = {
        id_: replace(node, relation=elsewhere[id_])
        if id_ in elsewhere and node.has_data and id_ not in here and (favor or id_ not in present)
        else node
        for id_, node in graph.nodes.items()
    }
    return replace(graph, nodes=nodes)
