"""``manifest.json``: the project as its readers know it, in the shape of dbt's version 12."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.core.graph import Graph
from orchestrator.core.project import Project, Properties
from orchestrator.publish.entries import entry
from orchestrator.publish.facts import Facts

SCHEMA = "manifest/v12"
SECTIONS: dict[str, str] = {"source": "sources", "exposure": "exposures", "unit_test": "unit_tests"}

Part = tuple[str, Any | Iterator[tuple[str, Any]]]
"""A key of the artifact and its value; a value made of thousands of entries comes one by one."""


def manifest(graph: Graph, project: Project, facts: Facts) -> dict[str, Any]:
    """The artifact as plain data: every node with its texts, and the edges in both directions. No absolute path, no secret."""
    return {key: dict(value) if isinstance(value, Iterator) else value for key, value in parts(graph, project, facts)}


def parts(graph: Graph, project: Project, facts: Facts) -> Iterator[Part]:
    """The artifact key by key: a large project's is never held in memory as a whole."""
    roots = manifest_roots(project)
    package = project.settings.name
    declared = {p.name: p for p in project.properties if p.section == "groups"}

    def entries(section: str) -> Iterator[tuple[str, Any]]:
        return ((id_, entry(n, graph, facts, roots)) for id_, n in graph.nodes.items() if SECTIONS.get(n.kind, "nodes") == section)

    yield "metadata", _metadata(project, facts)
    yield "nodes", entries("nodes")
    yield "sources", entries("sources")
    yield "macros", {id_: _macro(id_, path, facts.generated.timestamp(), facts.macros.get(id_, "")) for id_, path in graph.macros.items()}
    yield "docs", {}
    yield "exposures", entries("exposures")
    yield "metrics", {}
    yield "groups", {f"group.{package}.{name}": _group(name, p, package) for name, p in declared.items()}
    yield "selectors", {str(k): v for k, v in project.settings.selectors.items()}
    yield "disabled", {}
    yield "parent_map", ((id_, [p for p in node.depends_on if p in graph.nodes]) for id_, node in graph.nodes.items())
    yield "child_map", ((id_, list(children)) for id_, children in graph.children.items())
    yield "group_map", _members(graph, declared)
    yield "saved_queries", {}
    yield "semantic_models", {}
    yield "unit_tests", entries("unit_tests")
    yield "functions", {}


def _members(graph: Graph, declared: Mapping[str, Properties]) -> dict[str, list[str]]:
    members: dict[str, list[str]] = {name: [] for name in declared}
    for id_, node in graph.nodes.items():
        if group := node.config.get("group"):
            members.setdefault(str(group), []).append(id_)
    return members


def _metadata(project: Project, facts: Facts) -> dict[str, Any]:
    quoting = project.settings.quoting
    return {
        **facts.metadata(SCHEMA),
        "project_name": project.settings.name,
        "project_id": hashlib.md5(project.settings.name.encode(), usedforsecurity=False).hexdigest(),
        "user_id": None,
        "send_anonymous_usage_stats": False,
        "adapter_type": facts.adapter,
        "quoting": {part: quoting.get(part, True) for part in ("database", "schema", "identifier")} | {"column": None},
        "run_started_at": facts.started.isoformat(),
    }


def manifest_roots(project: Project) -> tuple[str, ...]:
    """Configured folders, longest first: a path is shown relative to the innermost one it is in."""
    s = project.settings
    roots = {*s.model_paths, *s.seed_paths, *s.test_paths, *s.macro_paths, *s.snapshot_paths, *s.analysis_paths}
    return tuple(sorted((f"{root.strip('/')}/" for root in roots), key=len, reverse=True))


def _macro(id_: str, path: str, created: float, text: str) -> dict[str, Any]:
    package, name = [*id_.split(".", 2), "", ""][1:3]
    return {
        "name": name,
        "resource_type": "macro",
        "package_name": package,
        "path": path,
        "original_file_path": path,
        "unique_id": id_,
        "macro_sql": text,
        "depends_on": {"macros": []},
        "description": "",
        "meta": {},
        "docs": {"show": True, "node_color": None},
        "config": {"meta": {}, "docs": {"show": True, "node_color": None}},
        "patch_path": None,
        "arguments": [],
        "created_at": created,
        "supported_languages": None,
    }


def _group(name: str, written: Properties, package: str) -> dict[str, Any]:
    owner = dict(written.data.get("owner") or {})
    return {
        "name": name,
        "resource_type": "group",
        "package_name": package,
        "path": written.path,
        "original_file_path": written.path,
        "unique_id": f"group.{package}.{name}",
        "owner": {"email": None, "name": None, **owner},
        "description": written.data.get("description"),
        "config": {"meta": dict((written.data.get("config") or {}).get("meta") or {})},
    }
