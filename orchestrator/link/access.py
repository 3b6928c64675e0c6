"""Who may refer to whom: a private model is for its own group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from orchestrator.core.errors import Problem, did_you_mean
from orchestrator.core.node import Node

LEVELS = ("private", "protected", "public")


def access(nodes: Mapping[str, Node], groups: Iterable[str]) -> Iterator[Problem]:
    """Every group that is not declared, every unknown access level, and every reader of a private model outside its group."""
    declared = frozenset(groups)
    for node in nodes.values():
        group, level = node.config.get("group"), node.config.get("access")
        if group is not None and group not in declared:
            hint = did_you_mean(str(group), declared, also="declare it under `groups:` in a properties file")
            message = f"{node.kind} `{node.name}` is in the group `{group}`, which is not declared"
            yield Problem("L021", message, node.span, hint, node=node.id)
        if level is not None and level not in LEVELS:
            message = f"`access: {level}` of `{node.name}` is none of {', '.join(LEVELS)}"
            yield Problem("L022", message, node.span, did_you_mean(str(level), LEVELS), node=node.id)
        if node.kind in ("test", "unit_test"):
            continue
        for parent in (nodes[p] for p in node.depends_on if p in nodes):
            if parent.config.get("access") == "private" and parent.config.get("group") != group:
                message = f"{node.kind} `{node.name}` reads `{parent.name}`, which is private to the group `{parent.config.get('group')}`"
                hint = f"make `{parent.name}` protected, or put `{node.name}` into its group"
                yield Problem("L020", message, node.span, hint, node=node.id)
