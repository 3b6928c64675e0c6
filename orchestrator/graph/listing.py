"""Nodes as lines of text: what ``orc ls`` prints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.graph import Graph
from orchestrator.core.node import BUILDABLE, Node
from orchestrator.core.project import Secret

OUTPUTS = ("selector", "name", "path", "json")

DEFAULT_KEYS = (
    "alias",
    "name",
    "package_name",
    "depends_on",
    "tags",
    "config",
    "resource_type",
    "source_name",
    "original_file_path",
    "unique_id",
)
"""What a JSON line says when nobody asks for anything else."""


def listing(graph: Graph, ids: Iterable[str], output: str = "selector", keys: Sequence[str] | None = None) -> Iterator[str]:
    """One line per node, in order of id: a selection that finds it, its name, its file, or a JSON object.

    ``keys`` choose what a JSON object holds (``config.materialized`` reaches inside); a key that a node has not is left out.
    Raises ``UsageError``, before the first line: U017 for an output, U019 for a key that no node has.

    >>> node = Node("model.shop.orders", "model", "orders", "shop", "models/mart/orders.sql", ("shop", "mart", "orders"), {})
    >>> graph = Graph({node.id: node}, {})
    >>> [*listing(graph, [node.id]), *listing(graph, [node.id], "path"), *listing(graph, [node.id], "json", ["name"])]
    ['shop.mart.orders', 'models/mart/orders.sql', '{"name": "orders"}']
    """
    if output not in OUTPUTS:
        raise UsageError(Problem("U017", f"`--output` is one of {', '.join(OUTPUTS)}, not `{output}`", hint=did_you_mean(output, OUTPUTS)))
    wanted = tuple(key for given in keys or () for key in given.replace(",", " ").split()) or DEFAULT_KEYS
    unknown = [key for key in wanted if key.partition(".")[0] not in _FIELDS]
    if unknown:
        raise UsageError(*(Problem("U019", f"`--output-keys`: no node has a key `{k}`", hint=did_you_mean(k, _FIELDS)) for k in unknown))
    nodes = (graph.nodes[id_] for id_ in sorted(ids))
    match output:
        case "name":
            return map(_name, nodes)
        case "path":
            return (node.path for node in nodes)
        case "json":
            return (json.dumps(_object(graph, node, wanted), default=str, ensure_ascii=False) for node in nodes)
        case _:
            return map(_selector, nodes)


def _selector(node: Node) -> str:
    match node.kind:
        case "source":
            return f"source:{node.package}.{node.source_name}.{node.name}"
        case "exposure" | "unit_test":
            return f"{node.kind}:{node.package}.{node.name}"
        case _:
            return ".".join(node.fqn)


def _name(node: Node) -> str:
    if node.kind == "source":
        return f"{node.source_name}.{node.name}"
    version = node.config.get("version") if node.kind == "model" else None
    return node.name if version is None else f"{node.name}.v{version}"


def _object(graph: Graph, node: Node, keys: Iterable[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key in keys:
        top, *inner = key.split(".")
        value = _FIELDS[top](graph, node)
        for step in inner:
            value = value.get(step) if isinstance(value, Mapping) else None
        if value is not None:
            found[key] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    """The value as JSON has it, secrets masked (a secret is a string, which an encoder would spell out)."""
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((_plain(inner) for inner in value), key=str)
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _depends_on(graph: Graph, node: Node) -> Mapping[str, Sequence[str]] | None:
    if node.kind in {"source", "seed"}:
        return None if node.kind == "source" else {"macros": ()}
    return {"macros": getattr(graph.bodies.get(node.id), "macros", ()), "nodes": node.depends_on}


def _alias(_: Graph, node: Node) -> str | None:
    if node.kind not in BUILDABLE and node.kind not in {"test", "analysis"}:
        return None
    return str(node.config.get("alias") or (node.relation.name if node.relation else node.name))


def _docs(ask: Callable[[Any], Any]) -> Callable[[Graph, Node], Any]:
    return lambda graph, node: ask(graph.bodies[node.id].docs) if node.id in graph.bodies else None


def _columns(docs: Any) -> dict[str, dict[str, Any]]:
    return {
        c.name: {"name": c.name, "description": c.description, "meta": c.meta, "data_type": c.data_type, "quote": c.quote, "tags": c.tags}
        for c in docs.columns
    }


_FIELDS: Mapping[str, Callable[[Graph, Node], Any]] = {
    "alias": _alias,
    "name": lambda _, node: node.name,
    "package_name": lambda _, node: node.package,
    "depends_on": _depends_on,
    "tags": lambda _, node: None if node.kind == "unit_test" else node.tags,
    "config": lambda _, node: node.config,
    "resource_type": lambda _, node: node.kind,
    "source_name": lambda _, node: node.source_name,
    "original_file_path": lambda _, node: node.path,
    "unique_id": lambda _, node: node.id,
    "fqn": lambda _, node: node.fqn,
    "database": lambda _, node: node.relation and node.relation.database,
    "schema": lambda _, node: node.relation and node.relation.schema,
    "identifier": lambda _, node: node.relation and node.relation.name,
    "relation_name": lambda _, node: node.relation and str(node.relation),
    "language": lambda _, node: node.language if node.kind in {"model", "test", "analysis"} else None,
    "group": lambda _, node: node.config.get("group"),
    "access": lambda _, node: (node.config.get("access") or "protected") if node.kind == "model" else None,
    "version": lambda _, node: node.config.get("version"),
    "latest_version": lambda _, node: node.config.get("latest_version"),
    "attached_node": lambda _, node: node.attached,
    "column_name": lambda _, node: node.column,
    "test_name": lambda _, node: node.test_name,
    "fingerprint": lambda _, node: node.fingerprint or None,
    "description": _docs(lambda docs: docs.description),
    "columns": _docs(_columns),
    "meta": _docs(lambda docs: docs.meta),
    "patch_path": _docs(lambda docs: docs.patch_path),
    "raw_code": lambda graph, node: getattr(graph.bodies.get(node.id), "raw", None),
}
