"""From cache to graph: nothing changed → nothing parsed; some texts changed → only those."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import Any

from orchestrator.adapters import registry
from orchestrator.app.invocation import Invocation
from orchestrator.app.opening import (
    Workspace,
    declared,
    groups_of,
    open_anew,
    patient,
    place,
    source_text,
    stop_at_errors,
    target_of,
    templates_of,
    understand,
)  # fmt: skip
from orchestrator.app.shelf import FiledShelf
from orchestrator.core.declaration import Declaration, Rendered
from orchestrator.core.errors import Problem
from orchestrator.core.files import Span, digest
from orchestrator.core.graph import Graph
from orchestrator.core.node import Body, Node
from orchestrator.core.project import SECRET_PREFIXES, Project, Properties, Secret, Target
from orchestrator.load import packed as pack
from orchestrator.load.cache import Anew, Cache, CachedBodies, Filling, Seen, engine_digest, unchanged_environment
from orchestrator.load.tree import DiskTree

ROOT_FILES = ("pyproject.toml", "dbt_project.yml", "selectors.yml", "vars.yml", "profiles.yml", "packages.yml")
MOST_CHANGED = 200
"""More changed files than this are parsed with everything else: looking up each one's facts would not be cheaper."""


def reopen(invocation: Invocation) -> Workspace | None:
    """The workspace from the cache, brought up to date; ``None`` when it must be opened anew.

    Raises:
        OrcError: what is wrong with the files that changed.
    """
    cache = cache_of(invocation)
    head = cache.head()
    if head is None or head.get("engine") != engine_digest() or not unchanged_environment(head["env"], invocation.env):
        return None
    if head["root_files"] != _root_files(invocation.root) or head["profiles"] != _profiles(invocation):
        return None
    known = {path: (tuple(stat), text) for path, (stat, text) in head["stats"].items()}
    tree = DiskTree(invocation.root, known, now_ns=_now(invocation), folders=head["folders"], skip=head["skip"])
    files: Mapping[str, str] = head["files"]
    sources = tree.sources()
    if len(files) != len(sources) or any(path not in files for path in sources):
        return None
    changed = [path for path in sources if tree.digest(path) != files[path]]
    if len(changed) > MOST_CHANGED:
        return None
    try:
        workspace = _workspace(invocation, head, tree, cache)
    except (sqlite3.Error, ValueError, TypeError, KeyError):  # damaged, or another target
        return None
    if changed:
        return _patched(workspace, head, changed, tree)
    stats = tree.stats()
    if sum(stats[path] != known.get(path) for path in stats) > MOST_CHANGED:  # a fresh checkout: remember its times
        cache.update({**head, "stats": stats})
    return workspace


def lend(workspace: Workspace, there: Invocation) -> bool:
    """Put what is known of a project where :func:`reopen` looks for it at another place: there its files are compared by content.

    The profile there is the one that was read here. False when there is nothing to lend.
    """
    head = workspace.cache.head() if workspace.cache is not None else None
    if workspace.cache is None or head is None:
        return False
    cache = cache_of(there)
    root_files = {k: v for k, v in head["root_files"].items() if k != "profiles.yml"}
    root_files |= {k: v for k, v in _root_files(there.root).items() if k == "profiles.yml"}
    try:
        cache.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        copyfile(workspace.cache.path, cache.path)
    except OSError:
        return False
    cache.secrets = workspace.cache.secrets
    cache.update({**head, "stats": {}, "profiles": _profiles(there), "root_files": root_files})
    return True


def cache_of(invocation: Invocation) -> Cache:
    """The cache file for this way of calling."""
    said = [
        str(invocation.profiles_dir), invocation.profile, invocation.target, invocation.threads, invocation.vars,
        invocation.target_path, invocation.strict,
    ]  # fmt: skip
    return Cache(invocation.state_dir / "cache", digest(json.dumps(said, default=str, sort_keys=True).encode())[:16])


def _workspace(invocation: Invocation, head: Mapping[str, Any], tree: DiskTree, cache: Cache) -> Workspace:
    properties: tuple[Properties, ...] = ()
    if head["properties"]:
        from orchestrator.load.properties import from_json

        properties = tuple(from_json(p) for p in head["properties"])
    settings = pack.unpack_settings(head["settings"])
    target = target_of(invocation, settings) if head["secrets"] else pack.unpack_target(head["target"])
    if head["secrets"] and _told(target) != head["target"]:
        raise ValueError("another target")
    cache.secrets = guarded(target, invocation)
    target = patient(target, invocation)
    project = Project(
        settings=settings,
        target=target,
        tree=tree,
        vars=pack.revived(head["vars"]),
        env=invocation.env,
        macros=pack.unpack_files(head["macros"]),
        docs_blocks=pack.unpack_files(head["docs_blocks"]),
        properties=properties,
        key=head["key"],
    )
    nodes = cache.nodes(head)
    bodies = CachedBodies(cache, nodes, _anew(invocation))
    graph = Graph(
        nodes,
        bodies,
        tuple(pack.unpack_problem(w) for w in head["warnings"]),
        head["key"],
        head["project"],
        tuple(head["disabled"]),
        head["macro_paths"],
    )
    return Workspace(invocation, project, registry.dialect(target.type), graph, bodies.declaration, cache)


def _patched(workspace: Workspace, head: dict[str, Any], changed: list[str], tree: DiskTree) -> Workspace | None:
    """Render, parse and link again what changed; ``None`` when the change reaches further than the texts of SQL and Python nodes."""
    of_path: dict[str, list[Node]] = {path: [] for path in changed}
    for node in workspace.graph.nodes.values():
        if node.path in of_path:
            of_path[node.path].append(node)
    if any(
        len(nodes) != 1 or nodes[0].kind not in ("model", "test", "analysis") or path.endswith((".yml", ".yaml"))
        for path, nodes in of_path.items()
    ):
        return None
    from orchestrator.link.access import access
    from orchestrator.link.link import relink
    from orchestrator.parse.parse import node_id, parse
    from orchestrator.render.render import namer, render

    declarations = [workspace.declaration(nodes[0].id) for nodes in of_path.values()]
    problems: list[Problem] = []
    templates = templates_of(workspace.invocation, workspace.project, workspace.dialect)
    seen = Seen(workspace.invocation.env)
    templates = type(templates)(replace(templates.facts, env=seen), templates.library, templates.text_of)
    rendered = render(templates, ((d, source_text(workspace.project, d)) for d in declarations), problems)
    by_id: dict[str, Rendered] = {node_id(r.declaration): r for r in rendered}

    def locate(item: Rendered, offset: int, *, incremental: bool = False) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        return place(templates, item.declaration, item.raw, offset, incremental=incremental)

    def locate_id(id_: str, offset: int, incremental: bool) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        return locate(by_id[id_], offset, incremental=incremental)

    settings = workspace.project.settings
    drafts = parse(rendered, workspace.dialect, workspace.project.target, locate, problems, naming=namer(templates), own=settings.own)
    stop_at_errors(problems)
    graph = relink(workspace.graph, drafts, locate_id, problems, strict=workspace.invocation.strict)
    if graph is None:
        return None
    problems += access(graph.nodes, groups_of(workspace.project))
    stop_at_errors(problems)
    graph = replace(graph, warnings=(*graph.warnings, *(p for p in problems if p.severity != "error")))
    fresh = replace(workspace, graph=graph)
    if workspace.cache is not None:
        made = {node_id(d): d for d in declarations}
        rows = {id_: (pack.pack_body(body), pack.pack_declaration(d, body)) for id_, d in made.items() for body in [graph.bodies[id_]]}
        again = {
            **head,
            "files": {**head["files"], **{p: tree.digest(p) for p in changed}},
            "stats": tree.stats(),
            "env": {**head["env"], **seen.looked},
            **_graph_head(graph),
        }
        notes: dict[str, Any] = {}
        if (written := workspace.cache.noted("manifest")) is not None:  # the manifest is behind by these entries
            stale = {near for id_ in made for near in _around(id_, workspace.graph, graph)}
            notes["manifest"] = {**written, "changed": sorted({*written["changed"], *stale})}
        workspace.cache.update(again, graph.nodes.values(), rows, notes)
    return fresh


def _around(id_: str, before: Graph, after: Graph) -> tuple[str, ...]:
    """A node and the parents it has or had: what the manifest says about these may have changed."""
    return id_, *before.nodes[id_].depends_on, *after.nodes[id_].depends_on


def open_and_keep(invocation: Invocation) -> Workspace:
    """Read and understand everything, and put it into the cache on the way, body by body.

    A project that cannot be cached (a secret in what its templates say, a full disk) is opened as if there were no cache.
    Secrets of the profile are not written, nor which variables they came from: the profile is read again each time.

    Raises:
        OrcError: everything that is wrong.
    """
    seen, of_profile = Seen(invocation.env), Seen(invocation.env)
    watched = replace(invocation, env=seen)
    project, declarations, problems = declared(watched, of_profile)
    cache = cache_of(invocation)
    cache.secrets = guarded(project.target, invocation)
    if not project.target.secrets:
        seen.looked.update(of_profile.looked)
    try:
        facts = _project_head(project, invocation)
        with closing(Filling(cache)) as filling:
            dialect, graph = understand(watched, project, declarations, problems, FiledShelf(filling))
            filling.finish({**facts, **_seen_head(project, seen), **_graph_head(graph)}, graph.nodes.values())
    except pack.Unpackable:
        return open_anew(invocation)
    bodies = CachedBodies(cache, graph.nodes, _anew(invocation))
    return Workspace(invocation, replace(project, env=invocation.env), dialect, replace(graph, bodies=bodies), bodies.declaration, cache)


def _told(target: Target) -> Any:
    """The target as the cache knows it: all of it, or, of one with secrets, a digest (a misspelt key may hold one, too)."""
    packed = pack.pack_target(target)
    return digest(json.dumps(packed, sort_keys=True).encode()) if target.secrets else packed


def guarded(target: Target, invocation: Invocation) -> tuple[str, ...]:
    """Values that no cache may see. What the profile also says openly (the user `postgres` with the password `postgres`) is no secret."""
    known = [*(s.reveal() for s in target.secrets), *(v for k, v in invocation.env.items() if k.startswith(SECRET_PREFIXES))]
    said = {str(v) for v in target.settings.values() if not isinstance(v, Secret)}
    return tuple({value for value in known if len(value) >= 4 and value not in said})


def _anew(invocation: Invocation) -> Anew:
    def anew() -> tuple[Mapping[str, Body], Callable[[str], Declaration]]:
        workspace = open_anew(invocation)
        return workspace.graph.bodies, workspace.declaration

    return anew


def _project_head(project: Project, invocation: Invocation) -> dict[str, Any]:
    """What is known before anything is rendered; raises :class:`~orchestrator.load.packed.Unpackable` early."""
    from orchestrator.load.properties import to_json

    target = project.target
    if invocation.lock_timeout is not None:
        target = replace(target, settings={k: v for k, v in target.settings.items() if k != "lock_timeout"})
    return {
        "engine": engine_digest(),
        "root_files": _root_files(invocation.root),
        "profiles": _profiles(invocation),
        "settings": pack.pack_settings(project.settings),
        "target": _told(target),
        "secrets": bool(target.secrets),
        "vars": pack.plain(dict(project.vars)),
        "macros": pack.pack_files(project.macros),
        "docs_blocks": pack.pack_files(project.docs_blocks),
        "properties": [to_json(p) for p in project.properties],
        "key": project.key,
    }


def _seen_head(project: Project, seen: Seen) -> dict[str, Any]:
    """What was looked at: the environment and the files."""
    tree = project.tree
    if not isinstance(tree, DiskTree):
        raise pack.Unpackable("files that are not on a disk")
    return {
        "env": seen.looked,
        "folders": list(tree.folders),
        "skip": sorted(tree.skip),
        "files": {path: tree.digest(path) for path in tree.sources()},
        "stats": tree.stats(),
    }


def _graph_head(graph: Graph) -> dict[str, Any]:
    return {
        "project": graph.project,
        "warnings": [pack.pack_problem(w) for w in graph.warnings],
        "disabled": list(graph.disabled),
        "macro_paths": dict(graph.macros),
    }


def _root_files(root: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ROOT_FILES:
        try:
            found[name] = digest((root / name).read_bytes())
        except OSError:
            continue
    return found


def _profiles(invocation: Invocation) -> list[list[str | None]]:
    """The places where profiles.yml may be, and what is there."""
    env = invocation.env
    home = env.get("HOME") or env.get("USERPROFILE")
    folders = [
        invocation.profiles_dir,
        env.get("ORC_PROFILES_DIR"),
        env.get("DBT_PROFILES_DIR"),
        invocation.root,
        Path(home, ".dbt") if home else None,
    ]
    found: list[list[str | None]] = []
    for folder in folders:
        if folder:
            try:
                content: str | None = digest((Path(folder) / "profiles.yml").read_bytes())
            except OSError:
                content = None
            found.append([str(folder), content])
    return found


def _now(invocation: Invocation) -> int:
    return int(invocation.started.timestamp() * 1e9)
