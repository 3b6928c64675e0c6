"""Two resources with one name, or two models on one relation: errors before anything runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from orchestrator.core.errors import Problem
from orchestrator.core.node import Node


def duplicates(nodes: Iterable[Node]) -> Iterator[Problem]:
    """Every pair that would fight for a name (case is folded: engines and file systems do) or for a relation."""
    by_name: dict[tuple[str, str], Node] = {}
    by_relation: dict[tuple[str, str, str], Node] = {}
    for node in nodes:
        space = "data" if node.kind in ("model", "seed", "snapshot") else node.kind
        versioned = node.kind == "model" and node.config.get("version") is not None
        name = node.id if versioned or node.kind == "unit_test" or (node.kind == "test" and node.test_name) else node.name
        first = by_name.setdefault((space, name.casefold()), node)
        if first is not node:
            yield from _same_name(first, node)
            continue
        if node.relation is None or node.kind == "source" or node.is_ephemeral:
            continue
        first = by_relation.setdefault(node.relation.key, node)
        if first is not node:
            message = f"`{first.name}` and `{node.name}` would both be built as `{node.relation}`"
            hint = f"the other is {first.path}; give one of them an alias or another schema"
            yield Problem("L016", message, node.span, hint, node=node.id)


def _same_name(first: Node, second: Node) -> Iterator[Problem]:
    what = second.kind.replace("_", " ")
    if second.kind == "test" and second.test_name:
        message = f"the test `{second.name}` is declared twice"
        hint = f"the first is at {first.span}; delete one, or give it a `name`"
    elif first.name == second.name:
        message = (
            f"two resources are called `{second.name}`: a {first.kind} and a {what}"
            if first.kind != second.kind
            else f"two {what}s are called `{second.name}`"
        )
        hint = f"the other is {first.path}; names are unique across folders"
    else:
        message = f"`{first.name}` and `{second.name}` differ in case only"
        hint = f"the other is {first.path}; engines and file systems would confuse them"
    yield Problem("L010", message, second.span, hint, node=second.id)
