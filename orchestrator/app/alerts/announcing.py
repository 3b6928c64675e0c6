"""``on_success`` of exposures and models: which applications are told when their data is new, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.core.config import listed
from orchestrator.core.errors import ConfigError, Problem, UsageError, did_you_mean
from orchestrator.core.graph import Graph
from orchestrator.core.node import ExposureBody, Node

if TYPE_CHECKING:
    from orchestrator.alert.announce import Announced
    from orchestrator.app.opening import Workspace

KEYS = ("to", "secret", "target")
CONFIG = "on_success"


def wanted(workspace: Workspace) -> bool:
    """Whether anybody wants to be told."""
    return any(node.config.get(CONFIG) for node in workspace.graph.nodes.values())


def announced(workspace: Workspace) -> tuple[Announced, ...]:
    """Everybody who wants to be told.

    Raises:
        ConfigError: U095, an ``on_success`` that cannot be.
    """
    from orchestrator.alert.announce import Announced

    graph = workspace.graph
    problems: list[Problem] = []
    found: list[Announced] = []
    for node in graph.nodes.values():
        if not node.config.get(CONFIG):
            continue
        problems += faults(node)
        tables = (node.id,) if node.has_data else tuple(dict.fromkeys(_tables(graph, node.depends_on)))
        tests = frozenset(c for t in tables for c in graph.children[t] if graph.nodes[c].kind in ("test", "unit_test"))
        said = node.config[CONFIG]
        targets = tuple(map(str, listed(said.get("target")))) if isinstance(said, Mapping) else ()
        body = graph.bodies.get(node.id)
        facts = {"url": body.url, "owner": dict(body.owner)} if isinstance(body, ExposureBody) else {}
        found.append(Announced(node.id, node.name, tables, tests, targets, facts))
    if problems:
        raise ConfigError(*problems)
    return tuple(found)


def faults(node: Node) -> Iterator[Problem]:
    """What is wrong with a node's ``on_success``."""
    said = node.config[CONFIG]
    if not isinstance(said, Mapping):
        yield Problem("U095", f"`{CONFIG}` of `{node.name}` says where to: it is a mapping", node.span, "on_success: {to: 'json://…'}")
        return
    for key in said:
        if key not in KEYS:
            yield Problem(
                "U096",
                f"unknown key `{key}` in `{CONFIG}` of `{node.name}`",
                node.span,
                did_you_mean(str(key), KEYS, also="to, secret, target"),
            )
    if not isinstance(said.get("to"), str) or not said["to"]:
        yield Problem("U095", f"`{CONFIG}` of `{node.name}` does not say where to", node.span, "on_success: {to: 'json://…'}")


def address(workspace: Workspace, id_: str) -> tuple[str, str]:
    """Where somebody is told, and the secret that is signed with, both as written.

    Raises:
        UsageError: U098, nobody of this id wants to be told.
    """
    node = workspace.graph.nodes.get(id_)
    said: Any = node.config.get(CONFIG) if node is not None else None
    if not isinstance(said, Mapping) or not said.get("to"):
        raise UsageError(Problem("U098", f"`{id_}` has no `{CONFIG}` any more"))
    return str(said["to"]), str(said.get("secret") or "")


def _tables(graph: Graph, ids: Iterable[str]) -> Iterator[str]:
    """What holds the data: of a parent that is inlined into its readers, its own parents."""
    for id_ in ids:
        node = graph.nodes.get(id_)
        if node is not None and node.has_data:
            yield id_
        elif node is not None and node.is_ephemeral:
            yield from _tables(graph, node.depends_on)
