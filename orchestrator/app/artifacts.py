"""The files of an invocation: what was compiled, sent and recorded, written under the target folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.app.opening import Workspace, garbage_kept
from orchestrator.core.event import Status
from orchestrator.core.files import digest
from orchestrator.core.node import Node, SqlBody
from orchestrator.core.run import Run
from orchestrator.core.snapshot import Described

if TYPE_CHECKING:
    from orchestrator.app import Prepared
    from orchestrator.plan.compile import Names
    from orchestrator.publish.facts import Facts

TOLD = "DBT_ENV_CUSTOM_ENV_"
"""Environment variables of this prefix are told to readers of artifacts, without it."""


def macro_texts(workspace: Workspace) -> dict[str, str]:
    """The texts of the project's own macros, by id."""
    from orchestrator.app.opening import text_of
    from orchestrator.render.macros import definition, library

    project = workspace.project
    if not project.macros:
        return {}
    found, _ = library([(f.path, text_of(project, f.path)) for f in project.macros], project.settings.name)
    return {m.id: definition(m) for m in found.packages.get(project.settings.name, {}).values()}


def write_artifacts(ready: Prepared, run: Run) -> None:
    """manifest.json, run_results.json, compiled/ and run/ of a finished run.

    Of a run that found everything fresh there are only results to tell: a manifest of this very project stays as it is.
    """
    if _settled(ready, run) and _is_current(ready.workspace):
        _write_results(ready, run)
        return
    from orchestrator.plan.compile import Names
    from orchestrator.publish.publish import publish
    from orchestrator.publish.write import write

    workspace = ready.workspace
    names = Names(workspace.graph, workspace.dialect)
    # A gate that passed is in its model's own file; written again it would only cost.
    judging = ready.plan.command in ("test", "build")
    done = {r.node for r in run.results if judging or r.status is not Status.PASSED or workspace.graph.nodes[r.node].kind != "test"}
    compiled = {id_: sql for id_ in done if (sql := compiled_sql(workspace.graph.nodes[id_], names)) is not None}
    tasks = {t.node for t in ready.plan.tasks}
    sent = {r.node: r.sql for r in run.results if r.sql and r.node in tasks}
    kept = {s.node: s.payload["audit"] for t in ready.plan.tasks for s in t.steps if "audit" in s.payload}
    facts = replace(facts_of(workspace, compiled, sent, macro_texts(workspace)), kept=kept)
    from orchestrator.app import secrets

    write(publish(ready.own or workspace.graph, workspace.project, facts, run), target_folder(workspace), secrets(workspace))
    if _plain(ready) and workspace.cache is not None:
        workspace.cache.note("manifest", {"stamp": _stamp(target_folder(workspace) / "manifest.json"), "changed": []})


def _settled(ready: Prepared, run: Run) -> bool:
    return _plain(ready) and bool(run.results) and all(r.status is Status.REUSED for r in run.results)


def _plain(ready: Prepared) -> bool:
    """Whether what was built is the project as its files say it is, everything in its own place."""
    return not ready.request.environment and (ready.own is None or ready.own is ready.workspace.graph)


def _is_current(workspace: Workspace) -> bool:
    """Whether manifest.json was written for exactly this graph."""
    known = workspace.cache.noted("manifest") if workspace.cache is not None else None
    return known is not None and not known["changed"] and known["stamp"] == _stamp(target_folder(workspace) / "manifest.json")


def _write_results(ready: Prepared, run: Run) -> None:
    from orchestrator.app import secrets
    from orchestrator.publish.publish import as_text
    from orchestrator.publish.run_results import run_results
    from orchestrator.publish.write import write

    workspace = ready.workspace
    made = as_text(run_results(run, workspace.graph, facts_of(workspace, {}, {})))
    write({"run_results.json": made}, target_folder(workspace), secrets(workspace))


def write_manifest(workspace: Workspace, compiled: Mapping[str, str] | None = None) -> None:
    """manifest.json, and what was compiled."""
    from orchestrator.app import secrets
    from orchestrator.publish.publish import publish
    from orchestrator.publish.write import write

    facts = facts_of(workspace, compiled or {}, {}, macro_texts(workspace))
    with garbage_kept():
        write(publish(workspace.graph, workspace.project, facts), target_folder(workspace), secrets(workspace))


def write_catalog(workspace: Workspace) -> Sequence[Described]:
    """catalog.json; returns what the warehouse holds of the project's nodes and sources."""
    from orchestrator.adapters import registry
    from orchestrator.app import secrets
    from orchestrator.app.columns.observed import hidden, observe
    from orchestrator.core.node import BUILDABLE
    from orchestrator.publish.catalog import catalog
    from orchestrator.publish.publish import as_text
    from orchestrator.publish.write import write

    graph = workspace.graph
    relations = [n.relation for n in graph.nodes.values() if n.relation is not None and (n.kind in BUILDABLE or n.kind == "source")]
    warehouse = registry.warehouse(workspace.project.target, str(workspace.invocation.root), workspace.invocation.id)
    try:
        found = warehouse.catalog(dict.fromkeys(relations))
    finally:
        warehouse.close()
    columns = {d.relation: tuple((name, type_) for name, type_, _ in d.columns) for d in found}
    unseen = dict.fromkeys(n.relation for n in graph.nodes.values() if n.relation is not None and hidden(n, graph))
    observe(workspace, unseen, {relation: columns[relation] for relation in unseen if relation in columns})
    made = as_text(catalog(graph, facts_of(workspace, {}, {}), found))
    write({"catalog.json": made}, target_folder(workspace), secrets(workspace))
    return found


def compiled_texts(workspace: Workspace) -> dict[str, str]:
    """The final SQL of every node that has one, by id."""
    from orchestrator.plan.compile import Names

    names = Names(workspace.graph, workspace.dialect)
    return {id_: sql for id_, node in workspace.graph.nodes.items() if (sql := compiled_sql(node, names)) is not None}


def write_compiled_manifest(workspace: Workspace, made_of: str) -> dict[str, str] | None:
    """manifest.json and target/compiled with every query, unless those that are there were ``made_of`` the same project.

    Returns the final SQL by id, ``None`` when nothing had to be compiled.
    """
    cache, path = workspace.cache, target_folder(workspace) / "manifest.json"
    if made_of and cache is not None and (stamp := _stamp(path)) and cache.noted("compiled") == [made_of, stamp]:
        return None
    texts = compiled_texts(workspace)
    write_manifest(workspace, texts)
    if cache is not None:
        cache.note("compiled", [made_of, _stamp(path)])
    return texts


def project_digest(workspace: Workspace) -> str:
    """Names everything a project was understood from: its files, configuration, and what was looked at; empty when that is not known."""
    from orchestrator.load.tree import DiskTree

    cache, tree = workspace.cache, workspace.project.tree
    head = cache.head() if cache is not None else None
    if head is None or not isinstance(tree, DiskTree):
        return ""
    files = {path: tree.digest(path) for path in tree.sources()}
    return digest(json.dumps({**head, "stats": None, "files": files}, sort_keys=True).encode())


def copy_assets(workspace: Workspace) -> None:
    """The project's assets (``asset-paths``) to the target folder."""
    from shutil import copytree

    for folder in workspace.project.settings.asset_paths:
        if (given := workspace.invocation.root / folder).is_dir():
            copytree(given, target_folder(workspace) / folder, dirs_exist_ok=True)


def write_current_manifest(workspace: Workspace) -> None:
    """manifest.json, unless the one that is there was written for exactly this graph; entries of changed nodes are replaced in it."""
    path = target_folder(workspace) / "manifest.json"
    cache = workspace.cache
    known = cache.noted("manifest") if cache is not None else None
    if known is not None and known["stamp"] == _stamp(path):
        if not known["changed"]:
            return
        _patch_manifest(workspace, path, known["changed"])
    else:
        write_manifest(workspace)
    if cache is not None:
        cache.note("manifest", {"stamp": _stamp(path), "changed": []})


def _patch_manifest(workspace: Workspace, path: Path, changed: list[str]) -> None:
    from orchestrator.app import secrets
    from orchestrator.publish.publish import patched
    from orchestrator.publish.write import write

    with path.open("rb") as lines:
        pieces = patched(lines, workspace.graph, workspace.project, facts_of(workspace, {}, {}), frozenset(changed))
        write({"manifest.json": pieces}, path.parent, secrets(workspace))


def _stamp(path: Path) -> list[int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns]


def target_folder(workspace: Workspace) -> Path:
    """Where artifacts go."""
    return workspace.invocation.root / workspace.project.settings.target_path


def facts_of(workspace: Workspace, compiled: Mapping[str, str], sent: Mapping[str, str], macros: Mapping[str, str] | None = None) -> Facts:
    """What artifacts say about this invocation."""
    from orchestrator.app import VERSION
    from orchestrator.publish.facts import Facts

    invocation = workspace.invocation
    return Facts(
        invocation.id,
        invocation.clock.now(),
        invocation.started,
        workspace.project.target.type,
        VERSION,
        workspace.project.settings.target_path,
        workspace.dialect.relation,
        compiled,
        sent,
        {k.removeprefix(TOLD): v for k, v in invocation.env.items() if k.startswith(TOLD)},
        macros=macros or {},
    )


def compiled_sql(node: Node, names: Names) -> str | None:
    """A node's own query as it is sent: a model's SELECT, a test's failing rows."""
    from orchestrator.plan.checks import check
    from orchestrator.plan.compile import compile_query

    body = names.graph.bodies[node.id]
    if node.kind == "test":
        return check(node, names).failing
    return compile_query(node, body.query, names).sql if isinstance(body, SqlBody) else None
