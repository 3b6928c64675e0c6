"""One node of the manifest: the fields dbt's version 12 gives each resource type."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, assert_never

from orchestrator.core.contract import promise
from orchestrator.core.graph import Graph
from orchestrator.core.node import (
    Body,
    Column,
    Docs,
    ExposureBody,
    Fixture,
    HookBody,
    NativeTestBody,
    Node,
    PythonBody,
    SeedBody,
    SourceBody,
    SqlBody,
    UnitTestBody,
)
from orchestrator.publish.config import CONTRACT, SHOWN, config
from orchestrator.publish.facts import Facts
from orchestrator.publish.layout import compiled_path, run_path

# Shared by all columns that have none: thousands of small containers cost more (in collector passes) than the text they make.
_NO_KEYS: dict[str, Any] = {}
_NO_ITEMS: list[Any] = []
_NO_CONFIG: dict[str, Any] = {"meta": _NO_KEYS, "tags": _NO_ITEMS}
_NOTHING_TO_CHECK = {"name": "none", "checksum": ""}


def entry(node: Node, graph: Graph, facts: Facts, roots: tuple[str, ...]) -> dict[str, Any]:
    """The node as plain data. ``roots`` are the configured folders, each ending in a slash, longest first."""
    body = graph.bodies[node.id]
    match body:
        case SourceBody():
            return _source(node, body, facts)
        case ExposureBody():
            return _exposure(node, body, graph, facts, roots)
        case UnitTestBody():
            return _unit_test(node, body, facts, roots)
        case SeedBody():
            return _node(node, body, facts, roots) | {"root_path": None, "depends_on": {"macros": []}}
        case SqlBody() | PythonBody() | NativeTestBody() | HookBody():
            return _node(node, body, facts, roots) | _compiled(node, body, graph, facts) | _own(node, body)
        case _:
            assert_never(body)


def _head(node: Node, facts: Facts, roots: tuple[str, ...]) -> dict[str, Any]:
    return {
        "name": node.name,
        "resource_type": node.kind,
        "package_name": node.package,
        "path": f"{node.name}.sql" if node.test_name else _below(node.path, roots),
        "original_file_path": node.path,
        "unique_id": node.id,
        "fqn": list(node.fqn),
        "created_at": facts.generated.timestamp(),
    }


def _place(node: Node, facts: Facts) -> dict[str, Any]:
    relation = node.relation
    return {
        "database": relation.database if relation else None,
        "schema": (relation.schema if relation else None) or "",
        "relation_name": facts.relation_name(node),
    }


def _node(node: Node, body: Body, facts: Facts, roots: tuple[str, ...]) -> dict[str, Any]:
    docs = body.docs
    effective = config(node)
    return {
        **_head(node, facts, roots),
        **_place(node, facts),
        "alias": node.relation.name if node.relation else node.name,
        "checksum": _checksum(node, body),
        "config": effective,
        "tags": effective["tags"],
        "description": docs.description,
        "columns": _columns(docs),
        "meta": effective["meta"],
        "group": effective["group"],
        "docs": effective.get("docs", SHOWN),
        "patch_path": _patch(node, docs),
        "build_path": f"{facts.target_path}/{run_path(node)}" if node.id in facts.sent else None,
        "unrendered_config": _NO_KEYS,
        "raw_code": _raw(node, body),
        "doc_blocks": _NO_ITEMS,
    }


def _compiled(node: Node, body: Body, graph: Graph, facts: Facts) -> dict[str, Any]:
    code = facts.compiled.get(node.id)
    effective = node.config.get("contract")
    contract = {**CONTRACT, **effective} if isinstance(effective, Mapping) else CONTRACT
    return {
        "language": node.language,
        **_references(node, graph),
        "functions": _NO_ITEMS,
        "depends_on": {"macros": list(body.macros) if isinstance(body, SqlBody) else [], "nodes": list(node.depends_on)},
        "compiled_path": None if code is None else f"{facts.target_path}/{compiled_path(node)}",
        "compiled": code is not None,
        "compiled_code": code,
        "extra_ctes_injected": code is not None,
        "extra_ctes": _NO_ITEMS,
        "contract": {**contract, "checksum": promise(node.config, body.docs.columns)},
    }


def _own(node: Node, body: SqlBody | PythonBody | NativeTestBody | HookBody) -> dict[str, Any]:
    """What only this resource type has."""
    if node.kind == "model":
        return {
            "access": str(node.config.get("access", "protected")),
            "constraints": [dict(c) for c in node.config.get("constraints", ())],
            "version": node.config.get("version"),
            "latest_version": node.config.get("latest_version"),
            "deprecation_date": None,
            "primary_key": _NO_ITEMS,
            "time_spine": None,
        }
    if isinstance(body, HookBody):
        return {"index": body.index}
    if node.test_name is None:
        return {}
    arguments = {} if isinstance(body, PythonBody) else dict(body.arguments)
    tested = _called(node.attached)
    namespace, _, short = node.test_name.rpartition(".")
    kwargs = {"column_name": node.column, **arguments} if node.column else arguments
    return {
        "column_name": node.column and node.column.strip('"`'),
        "file_key_name": f"{_called_section(node.attached)}.{tested}" if node.attached else None,
        "attached_node": node.attached,
        "test_metadata": {"name": short, "kwargs": {**kwargs, "model": _model_of(node)}, "namespace": namespace or None},
    }


def _source(node: Node, body: SourceBody, facts: Facts) -> dict[str, Any]:
    docs = body.docs
    meta = {**node.config.get("meta", {}), **docs.meta}
    return {
        **_head(node, facts, ()),
        **_place(node, facts),
        "relation_name": facts.quoted(node.relation) if node.relation else None,
        "source_name": node.source_name or "",
        "source_description": body.source_description,
        "loader": body.loader,
        "identifier": node.relation.name if node.relation else node.name,
        "quoting": {"database": None, "schema": None, "identifier": None, "column": None},
        "loaded_at_field": body.loaded_at_field,
        "loaded_at_query": body.loaded_at_query,
        "freshness": None if body.freshness is None else dict(body.freshness),
        "external": None if body.external is None else dict(body.external),
        "description": docs.description,
        "columns": _columns(docs),
        "meta": meta,
        "source_meta": _NO_KEYS,
        "tags": list(node.tags),
        "config": {"enabled": True, "event_time": node.config.get("event_time"), "tags": list(node.tags), "meta": meta},
        "patch_path": None,
        "unrendered_config": _NO_KEYS,
        "unrendered_database": None,
        "unrendered_schema": None,
        "doc_blocks": _NO_ITEMS,
    }


def _exposure(node: Node, body: ExposureBody, graph: Graph, facts: Facts, roots: tuple[str, ...]) -> dict[str, Any]:
    meta = {**node.config.get("meta", {}), **body.docs.meta}
    return {
        **_head(node, facts, roots),
        **_references(node, graph),
        "type": body.type,
        "owner": {"email": None, "name": None, **body.owner},
        "description": body.docs.description,
        "label": body.label,
        "maturity": body.maturity,
        "meta": meta,
        "tags": list(node.tags),
        "config": {"enabled": True, "tags": list(node.tags), "meta": meta},
        "unrendered_config": _NO_KEYS,
        "url": body.url,
        "depends_on": {"macros": [], "nodes": list(node.depends_on)},
    }


def _unit_test(node: Node, body: UnitTestBody, facts: Facts, roots: tuple[str, ...]) -> dict[str, Any]:
    return {
        **_head(node, facts, roots),
        "model": body.model,
        "given": [{"input": given.input, **_rows(given)} for given in body.given],
        "expect": _rows(body.expect),
        "description": body.docs.description,
        "overrides": dict(body.overrides) or None,
        "depends_on": {"macros": [], "nodes": list(node.depends_on)},
        "config": {"tags": list(node.tags), "meta": dict(body.docs.meta), "enabled": True},
        "checksum": None,
        "schema": node.relation.schema if node.relation else None,
        "versions": None,
        "version": None,
    }


def _rows(fixture: Fixture) -> dict[str, Any]:
    if fixture.sql is not None:
        return {"rows": fixture.sql, "format": "sql", "fixture": None}
    return {"rows": [dict(row) for row in fixture.rows or ()], "format": "dict", "fixture": None}


def _references(node: Node, graph: Graph) -> dict[str, Any]:
    refs: list[dict[str, Any]] = []
    sources: list[list[str]] = []
    for id_ in node.depends_on:
        upstream = graph.nodes.get(id_)
        if upstream is None:
            continue
        if upstream.kind == "source":
            sources.append([upstream.source_name or "", upstream.name])
        else:
            refs.append({"name": upstream.name, "package": None if upstream.package == node.package else upstream.package, "version": None})
    return {"refs": refs, "sources": sources, "metrics": _NO_ITEMS}


def _columns(docs: Docs) -> dict[str, Any]:
    return {column.name: _column(column) for column in docs.columns}


def _column(column: Column) -> dict[str, Any]:
    meta = dict(column.meta) if column.meta else _NO_KEYS
    tags = list(column.tags) if column.tags else _NO_ITEMS
    return {
        "name": column.name,
        "description": column.description,
        "meta": meta,
        "data_type": column.data_type,
        "constraints": [dict(c) for c in column.constraints] if column.constraints else _NO_ITEMS,
        "quote": column.quote or None,
        "config": {"meta": meta, "tags": tags} if meta or tags else _NO_CONFIG,
        "tags": tags,
        "granularity": None,
        "doc_blocks": _NO_ITEMS,
    }


def _checksum(node: Node, body: Body) -> dict[str, str]:
    if isinstance(body, SeedBody):
        return {"name": "blake2b", "checksum": body.checksum}
    if node.test_name or not isinstance(body, SqlBody | PythonBody):
        return _NOTHING_TO_CHECK
    return {"name": "sha256", "checksum": hashlib.sha256(body.raw.strip().encode("utf-8", "surrogatepass")).hexdigest()}


def _raw(node: Node, body: Body) -> str:
    if node.test_name:
        return f"{{{{ test_{node.test_name.rpartition('.')[2]}(**_dbt_generic_test_kwargs) }}}}"
    return body.raw if isinstance(body, SqlBody | PythonBody | HookBody) else ""


def _patch(node: Node, docs: Docs) -> str | None:
    return f"{node.package}://{docs.patch_path}" if docs.patch_path else None


def _called(id_: str | None) -> str:
    return id_.split(".", 2)[-1] if id_ else ""


def _called_section(id_: str) -> str:
    return f"{id_.split('.', 1)[0]}s"


def _model_of(node: Node) -> str:
    if node.attached and node.attached.startswith("source."):
        source, _, table = _called(node.attached).partition(".")
        return f"{{{{ get_where_subquery(source('{source}', '{table}')) }}}}"
    return f"{{{{ get_where_subquery(ref('{_called(node.attached)}')) }}}}"


def _below(path: str, roots: tuple[str, ...]) -> str:
    return next((path[len(root) :] for root in roots if path.startswith(root)), path)
