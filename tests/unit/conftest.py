from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.declaration import Declaration, Draft, Rendered
from orchestrator.core.errors import Problem
from orchestrator.core.files import MemoryTree, Span
from orchestrator.core.graph import Graph
from orchestrator.core.project import Project, Target
from orchestrator.link.link import link
from orchestrator.load.declare import declare
from orchestrator.load.load import load
from orchestrator.parse.parse import node_id, parse
from orchestrator.render.macros import library
from orchestrator.render.render import namer, render
from orchestrator.render.scope import Facts
from orchestrator.render.templates import Templates


@dataclass(frozen=True)
class Understood:
    """A project in memory, as far as it came."""

    project: Project
    declarations: tuple[Declaration, ...]
    drafts: Mapping[str, Draft]
    graph: Graph
    problems: tuple[Problem, ...]

    def said(self, *codes: str) -> list[tuple[str, str, str | None]]:
        """Message, place and hint of the problems with one of ``codes`` (of all, without codes)."""
        found = [p for p in (*self.problems, *self.graph.warnings) if not codes or p.code in codes]
        return [(p.message, str(p.span), p.hint) for p in found]


def understand(files: Mapping[str, str], *, strict: bool = False, own: bool = True) -> Understood:
    """load → declare → render → parse → link over files in memory; paths count from ``models/`` unless they name a folder of their own."""
    origin = {} if "pyproject.toml" in files or "dbt_project.yml" in files else {"pyproject.toml": "[tool.orchestrator]\nname = 'shop'\n"}
    if not own:
        origin = {
            "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\n",
            "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: w.duckdb}}}",
        }
    tree = MemoryTree({**origin, **files})

    def plain(text: str, _variables: Mapping[str, Any], _target: Target | None) -> object:
        return text

    project = load(tree, root=Path("/shop"), env={}, render_value=plain)
    declarations, found = declare(project)
    problems = list(found)
    macros, wrong = library([(f.path, tree.bytes(f.path).decode()) for f in project.macros], project.settings.name)
    problems += wrong
    dialect = registry.dialect("duckdb")
    facts = Facts(project.settings, project.target, dialect, project.vars, {}, "i", datetime(2026, 1, 1, tzinfo=UTC))

    def text(path: str) -> str:
        return tree.bytes(path).decode() if path in tree.files else ""

    templates = Templates(facts, macros, text)

    def source(of: Declaration) -> str:
        if of.kind == "snapshot":
            return of.text or ""
        return text(of.path) if of.language in ("sql", "python") else tree.digest(of.path) if of.language == "csv" else ""

    rendered = render(templates, [(d, source(d)) for d in declarations], problems)
    by_id = {node_id(r.declaration): r for r in rendered}

    def locate(item: Rendered, offset: int, *, incremental: bool = False) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        if "{" not in item.raw:  # nothing was rendered
            line_start = item.raw.rfind("\n", 0, offset)
            return Span(item.declaration.path, item.raw.count("\n", 0, offset) + 1, offset - line_start), ()
        place = templates.locate(item.declaration, item.raw, offset, incremental=incremental)
        return (Span(place.path, place.line, place.column) if place else item.declaration.span), ()

    drafts = parse(rendered, dialect, project.target, locate, problems, naming=namer(templates), own=project.settings.own)
    graph = link(
        drafts, "shop", lambda id_, offset, incremental: locate(by_id[id_], offset, incremental=incremental), problems, strict=strict
    )
    return Understood(project, declarations, {d.node.id: d for d in drafts}, graph, tuple(problems))


@pytest.fixture(name="understand")
def _understand() -> Callable[..., Understood]:
    return understand
