"""Files and properties entries → declarations: one for every resource, with its config levels merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.core.config import listed, merge, walk
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import ConfigError, Problem, did_you_mean
from orchestrator.core.files import Span
from orchestrator.core.node import Column, Docs, Kind
from orchestrator.core.project import Project, Properties, Settings, SourceFile
from orchestrator.load.decoded import decoded
from orchestrator.load.fixtures import with_fixtures
from orchestrator.load.generic_tests import generic_tests
from orchestrator.load.snapshots import blocks, query
from orchestrator.load.versions import versions

_SECTIONS: dict[str, Kind] = {"models": "model", "seeds": "seed", "snapshots": "snapshot", "analyses": "analysis", "data_tests": "test"}
_TOP_LEVEL_CONFIG = (
    "docs",
    "access",
    "group",
    "meta",
    "tags",
    "enabled",
    "alias",
    "schema",
    "database",
    "quote_columns",
    "latest_version",
    "deprecation_date",
)


def declare(project: Project) -> tuple[tuple[Declaration, ...], tuple[Problem, ...]]:
    """Every resource of the project, in a stable order: files first, then what properties files declare."""
    patches = {(_SECTIONS[p.section], p.name): p for p in project.properties if p.section in _SECTIONS}
    of_version = versions(p for p in patches.values() if p.section == "models")
    problems: list[Problem] = []
    found: list[Declaration] = []
    described: list[tuple[Declaration, Properties]] = []
    for kind, files, language in (
        ("model", project.models, "sql"),
        ("model", project.python_models, "python"),
        ("seed", project.seeds, "csv"),
        ("analysis", project.analyses, "sql"),
        ("test", project.tests, "sql"),
    ):
        for file in files:
            patch = (of_version.get(file.stem) if kind == "model" else None) or patches.get((kind, file.stem))  # type: ignore[arg-type] # kinds, not strings
            if patch is None and kind == "seed" and not project.settings.own:
                patch = patches.pop(("model", file.stem), None)  # dbt lets `models:` describe a seed
            found.append(_from_file(project.settings, file, kind, language, patch))  # type: ignore[arg-type]
            if patch is not None and kind != "analysis":
                described.append((found[-1], patch))
    for declaration, patch in _snapshots(project, patches, problems):
        found.append(declaration)
        if patch is not None:
            described.append((declaration, patch))
    problems += _orphans(patches, {(d.kind, d.name) for d in found})
    sources = [(_source(project.settings, p), p) for p in project.properties if p.section == "sources"]
    found += [declaration for declaration, _ in sources]
    for declaration, entry in (*described, *sources):
        tests, wrong = generic_tests(declaration, entry, project.settings)
        found += tests
        problems += wrong
    found += [_unit_test(project.settings, with_fixtures(p, project)) for p in project.properties if p.section == "unit_tests"]
    found += [_exposure(project.settings, p) for p in project.properties if p.section == "exposures"]
    found += list(_hooks(project.settings))
    return tuple(found), tuple(problems)


def _snapshots(
    project: Project, patches: Mapping[tuple[Kind, str], Properties], problems: list[Problem]
) -> Iterator[tuple[Declaration, Properties | None]]:
    """Every block of every file, then the entries that name a relation; what is wrong with them is added to ``problems``."""
    settings = project.settings
    for file in project.snapshots:
        try:
            found, wrong = blocks(file.path, decoded(file.path, project.tree.bytes(file.path)))
        except ConfigError as error:
            problems += error.problems
            continue
        problems += wrong
        if not found and not wrong:
            hint = "write the query between {% snapshot name %} and {% endsnapshot %}"
            problems.append(Problem("C132", "this file declares no snapshot", Span(file.path), hint, severity="warning"))
        for block in found:
            patch = patches.get(("snapshot", block.name))
            fqn = (settings.name, *file.folders, file.stem, block.name)
            yield _snapshot(settings, block.name, file.path, fqn, block.text, block.line, patch), patch
    for (kind, name), entry in patches.items():
        if kind == "snapshot" and entry.data.get("relation"):
            text, problem = query(entry)
            if problem is not None:
                problems.append(problem)
                continue
            fqn = (settings.name, *settings.folders(entry.path), name)
            yield _snapshot(settings, name, entry.path, fqn, text, entry.at().line, entry), entry


def _snapshot(
    settings: Settings, name: str, path: str, fqn: tuple[str, ...], text: str, line: int, patch: Properties | None
) -> Declaration:
    config = merge([_DEFAULTS["snapshot"], _OWN["snapshot"] if settings.own else {}, *walk(settings.snapshots, fqn), *_said(patch)])
    return Declaration("snapshot", name, settings.name, path, fqn, config, "sql", line=line, text=text, docs=_docs(patch, config))


def _said(patch: Properties | None) -> list[Mapping[str, Any]]:
    """The config levels of a properties entry."""
    if patch is None:
        return []
    constraints = patch.data.get("constraints")
    own = {k: v for k in _TOP_LEVEL_CONFIG if (v := patch.data.get(k)) is not None}
    return [own, patch.data.get("config") or {}, {"constraints": list(constraints)} if constraints else {}]


def _from_file(settings: Settings, file: SourceFile, kind: Kind, language: str, patch: Properties | None) -> Declaration:
    version = (patch.data.get("config") or {}).get("version") if patch is not None and kind == "model" else None
    name = patch.name if patch is not None and version is not None else file.stem
    fqn = (settings.name, *file.folders, name) if version is None else (settings.name, *file.folders, name, f"v{version}")
    tree = {"model": settings.models, "seed": settings.seeds, "test": settings.data_tests}.get(kind, {})
    config = merge([_DEFAULTS.get(kind, {}), _OWN.get(kind, {}) if settings.own else {}, *walk(tree, fqn), *_said(patch)])
    return Declaration(kind, name, settings.name, file.path, fqn, config, language, docs=_docs(patch, config))


_NOTHING: Mapping[str, Any] = {}


def _docs(entry: Properties | None, config: Mapping[str, Any]) -> Docs:
    """What an entry tells readers. The entry itself is several times as large."""
    if entry is None:
        return Docs()
    columns = tuple(_column(c) for c in entry.data.get("columns") or ())
    return Docs(str(entry.data.get("description") or ""), columns, entry.path, config.get("meta") or _NOTHING, entry.at("columns").line)


def _column(entry: Mapping[str, Any]) -> Column:
    config = entry.get("config") or {}
    return Column(
        str(entry["name"]),
        str(entry.get("description") or ""),
        entry.get("data_type"),
        tuple(listed(entry.get("tags") or config.get("tags"))),
        entry.get("meta") or config.get("meta") or _NOTHING,
        bool(entry.get("quote")),
        tuple(entry.get("constraints") or ()),
    )


_DEFAULTS: dict[Kind, Mapping[str, Any]] = {
    "model": {"materialized": "view", "enabled": True, "tags": [], "meta": {}},
    "seed": {"materialized": "seed", "enabled": True, "tags": [], "meta": {}},
    "snapshot": {"materialized": "snapshot", "enabled": True, "tags": [], "meta": {}},
    "test": {"materialized": "test", "enabled": True, "tags": [], "meta": {}, "severity": "ERROR"},
    "analysis": {"enabled": True, "tags": [], "meta": {}},
    "source": {"enabled": True, "tags": [], "meta": {}},
    "exposure": {"enabled": True, "tags": [], "meta": {}},
    "unit_test": {"enabled": True, "tags": [], "meta": {}},
}
_OWN: dict[Kind, Mapping[str, Any]] = {
    "model": {"persist_docs": {"relation": True, "columns": True}},
    "seed": {"persist_docs": {"relation": True, "columns": True}},
    "snapshot": {"persist_docs": {"relation": True, "columns": True}},
}
"""Defaults of our own projects on top of dbt's."""


def _orphans(patches: Mapping[tuple[Kind, str], Properties], known: set[tuple[Kind, str]]) -> Iterator[Problem]:
    for (kind, name), patch in patches.items():
        if (kind, name) not in known:
            what = "neither a block nor a `relation`" if kind == "snapshot" else f"no file for a {kind} of this name"
            hint = did_you_mean(name, (n for k, n in known if k == kind), also=f"there is {what}")
            yield Problem(
                "C120", f"properties describe the {kind} `{name}`, which does not exist", patch.at("name"), hint, severity="warning"
            )


def _source(settings: Settings, entry: Properties) -> Declaration:
    source: Mapping[str, Any] = entry.data.get("source") or {}
    source_name = str(source.get("name", ""))
    fqn = (settings.name, *settings.folders(entry.path), source_name, entry.name)
    levels = [
        _DEFAULTS["source"],
        *walk(settings.sources, fqn),
        {k: v for k in ("tags", "meta", "enabled") if (v := source.get(k)) is not None},
        source.get("config") or {},
        {k: v for k in ("tags", "meta", "enabled") if (v := entry.data.get(k)) is not None},
        entry.data.get("config") or {},
    ]
    name = f"{source_name}.{entry.name}"
    config = merge(levels)
    line = entry.at().line
    return Declaration("source", name, settings.name, entry.path, fqn, config, "yaml", entry, line, docs=_docs(entry, config))


def _unit_test(settings: Settings, entry: Properties) -> Declaration:
    model = str(entry.data.get("model", ""))
    fqn = (settings.name, *settings.folders(entry.path), model, entry.name)
    config = merge([_DEFAULTS["unit_test"], *walk(settings.unit_tests, fqn), entry.data.get("config") or {}])
    return Declaration(
        "unit_test", entry.name, settings.name, entry.path, fqn, config, "yaml", entry, line=entry.at().line, attached=("model", model)
    )


def _exposure(settings: Settings, entry: Properties) -> Declaration:
    own = {k: v for k in ("tags", "meta", "enabled") if (v := entry.data.get(k)) is not None}
    config = merge([_DEFAULTS["exposure"], own, entry.data.get("config") or {}])
    fqn = (settings.name, *settings.folders(entry.path), entry.name)
    line = entry.at().line
    return Declaration("exposure", entry.name, settings.name, entry.path, fqn, config, "yaml", entry, line, docs=_docs(entry, config))


def _hooks(settings: Settings) -> Iterator[Declaration]:
    path = settings.origin or "pyproject.toml"
    for when, statements in (("start", settings.on_run_start), ("end", settings.on_run_end)):
        for index, text in enumerate(statements):
            name = f"{settings.name}-on-run-{when}-{index}"
            fqn = (settings.name, "hooks", name)
            yield Declaration(
                "operation", name, settings.name, path, fqn, {"enabled": True, "when": when, "index": index}, "hook", text=text
            )
