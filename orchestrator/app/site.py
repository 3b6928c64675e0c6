"""The documentation site: gathers what is known of a project, and puts it where readers find it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern
from typing import TYPE_CHECKING, Any

from orchestrator.app.artifacts import project_digest, target_folder
from orchestrator.app.invocation import Invocation
from orchestrator.app.opening import Workspace, text_of
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.files import digest
from orchestrator.core.snapshot import Described
from orchestrator.core.version import VERSION
from orchestrator.record.history import History

if TYPE_CHECKING:
    from orchestrator.publish.site.known import Known, Past, WrittenMacro

LARGE = 20_000_000
"""Bytes of a single file that a browser still opens without a wait."""

RECENT = 5
"""Runs that may still be under way: what they say decides whether anything is new."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What became of the site: where it is, how many files it has and how many changed; ``relations`` found in the warehouse."""

    where: Path
    files: int
    changed: int
    relations: int | None
    warnings: tuple[Problem, ...] = ()


def generate(
    workspace: Workspace,
    history: History,
    *,
    compiling: bool = True,
    offline: bool = False,
    output: Path | None = None,
    single: bool = False,
) -> Generated:
    """Write manifest, catalog and site; what is there already and still true is left as it is.

    Raises:
        UsageError: U049, the site's place is taken.
        WarehouseError: the warehouse does not answer, unless ``offline``.
        StoreError: the disk refuses.
    """
    from orchestrator.app import secrets
    from orchestrator.app.artifacts import compiled_texts, copy_assets, write_catalog, write_compiled_manifest
    from orchestrator.publish.site import place

    out = _place(output or target_folder(workspace) / ("docs.html" if single else "docs"), single=single)
    place.check(out if single else out / "index.html")
    found = None if offline else write_catalog(workspace)
    relations = None if found is None else len(found)
    copy_assets(workspace)
    project = project_digest(workspace)
    texts: Mapping[str, str] | None = write_compiled_manifest(workspace, project) if compiling else {}
    made_of = digest("\0".join([project, *_around(workspace, history, found, compiling=compiling)]).encode()) if project else ""
    if made_of and not single and (count := place.current(out, made_of)):
        return Generated(out, count, 0, relations)
    if texts is None:
        texts = compiled_texts(workspace)
    known = gather(workspace, history, found or (), texts)
    if single:
        return _written_single(_single(workspace, known), out, secrets(workspace), relations)
    count, changed = place.place(_folder(workspace, known), out, secrets(workspace), made_of)
    return Generated(out, count, changed, relations)


def _place(output: Path, *, single: bool) -> Path:
    """A single file in a folder has a name of its own there."""
    return output / "docs.html" if single and output.suffix.lower() not in (".html", ".htm") else output


def _around(workspace: Workspace, history: History, found: Sequence[Described] | None, *, compiling: bool) -> Iterator[str]:
    """What a site is made of besides the project's files, in words that are equal while that is."""
    yield f"{VERSION} {compiling}"
    yield repr(found)
    yield repr([(r.id, r.status, sorted(r.counts.items())) for r in history.runs(RECENT, workspace.project.target.name)])
    yield json.dumps(_arrivals(workspace), sort_keys=True)
    yield _overview(workspace)
    for path in _built():
        yield f"{path.name} {digest(path.read_bytes())}"


def gather(workspace: Workspace, history: History, found: Sequence[Described], texts: Mapping[str, str]) -> Known:
    """Everything that is known of the project, from every side."""
    from orchestrator.app.columns.meanings import meanings
    from orchestrator.graph.inherit import inherit
    from orchestrator.publish.site.known import Known

    graph, project = workspace.graph, workspace.project
    meant = meanings(workspace)
    target = project.target.name
    there = {d.relation: d for d in found}
    return Known(
        graph=graph,
        target=target,
        engine=project.target.type,
        version=VERSION,
        generated=workspace.invocation.clock.now(),
        meanings=meant,
        heritage=inherit(graph, meant),
        compiled=texts.get,
        quoted=workspace.dialect.relation,
        catalog={
            n.id: there[n.relation] for n in graph.nodes.values() if n.relation is not None and n.relation in there and n.kind != "test"
        },
        history=_history(history, target),
        macros=tuple(_macros(workspace)),
        groups={p.name: p.data for p in project.properties if p.section == "groups"},
        arrivals=_arrivals(workspace),
        overview=_overview(workspace),
    )


def site_folder(invocation: Invocation, output: Path | None) -> Path:
    """Where a site is that was generated, found without understanding the project: it may be broken by now.

    Raises:
        UsageError: U045, nothing was generated there.
    """
    from orchestrator.app.opening import value_renderer
    from orchestrator.load.settings import read_settings, rendered_settings
    from orchestrator.load.tree import DiskTree

    if output is None:
        settings, _ = read_settings(DiskTree(invocation.root, now_ns=0), invocation.root.name)
        render = value_renderer(invocation)
        settings = rendered_settings(settings, lambda text: render(text, dict(invocation.vars), None))
        output = invocation.root / (invocation.target_path or settings.target_path) / "docs"
    if not (output / "index.html").is_file():
        raise UsageError(Problem("U045", f"there is no site in `{output}` yet", None, "orc docs generate writes it"))
    return output


def _history(history: History, target: str) -> dict[str, list[Past]]:
    """Past results by node: all that a page shows, and of tests the last."""
    from orchestrator.publish.site.known import Past
    from orchestrator.publish.site.results import RUNS

    found: dict[str, list[Past]] = {}
    for tests, limit in ((True, 1), (False, RUNS)):
        for run, r in history.latest(target, limit, tests=tests):
            size = r.response.get("bytes_processed")
            past = Past(intern(run), r.at, r.outcome, r.seconds, r.rows, size if isinstance(size, int) else None, r.failures, r.message)
            found.setdefault(r.node, []).append(past)
    return found


def _macros(workspace: Workspace) -> Iterator[WrittenMacro]:
    """Every macro that a template may call."""
    from orchestrator.publish.site.known import WrittenMacro
    from orchestrator.render.library import BUILTIN
    from orchestrator.render.macros import definition, library

    project = workspace.project
    name = project.settings.name
    documented = {p.name: p.data for p in project.properties if p.section == "macros"}
    found, _ = library([(f.path, text_of(project, f.path)) for f in project.macros], name, BUILTIN)
    every = [m for package in found.packages.values() for m in package.values()]
    for macro in sorted(every, key=lambda m: (m.package != name, m.id)):
        yield WrittenMacro(macro.id, macro.path, definition(macro), documented.get(macro.name, {}) if macro.package == name else {})


def _arrivals(workspace: Workspace) -> dict[str, Any]:
    """What the last look at sources found, as its artifact says it."""
    try:
        told = json.loads((target_folder(workspace) / "sources.json").read_text(encoding="utf-8"))
        return {r["unique_id"]: r for r in told["results"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}


def _overview(workspace: Workspace) -> str:
    """What the project says about itself: its block ``__overview__``, else its README."""
    from orchestrator.render.docs import docs_blocks

    project = workspace.project
    blocks = docs_blocks((f.path, text_of(project, f.path)) for f in project.docs_blocks)
    if "__overview__" in blocks:
        return blocks["__overview__"]
    return text_of(project, "README.md")


def _folder(workspace: Workspace, known: Known) -> Iterator[tuple[str, str]]:
    from orchestrator.publish.site.page import BUILT, index
    from orchestrator.publish.site.site import site
    from orchestrator.publish.site.site import text_of as json_of
    from orchestrator.publish.site.tested import tested

    built = Path(BUILT)
    for path in _built():
        if path.parent.name == "assets":
            yield f"assets/{path.name}", path.read_text(encoding="utf-8")
    for name, text in site(known):
        yield name, _nowhere(text, workspace)
    yield "data/tests.json", json_of(tested(known.graph))
    yield "index.html", index((built / "index.html").read_text(encoding="utf-8"), known.graph.project)


def _built() -> list[Path]:
    """The files of the built page."""
    from orchestrator.publish.site.page import BUILT

    return sorted(p for p in Path(BUILT).rglob("*") if p.is_file())


def _single(workspace: Workspace, known: Known) -> Iterator[tuple[str, str]]:
    from orchestrator.publish.site.page import BUILT, single
    from orchestrator.publish.site.site import site

    built = (Path(BUILT) / "single.html").read_text(encoding="utf-8")
    data = ((name.removeprefix("data/"), _nowhere(text, workspace)) for name, text in site(known))
    for piece in single(built, known.graph.project, data):
        yield "", piece


def _written_single(files: Iterator[tuple[str, str]], out: Path, hidden: Any, relations: int | None) -> Generated:
    from orchestrator.publish.write import write

    changed = write({out.name: (piece for _, piece in files)}, out.parent, hidden)
    size = out.stat().st_size
    warning = Problem(
        "U047",
        f"`{out.name}` has {size // 1_000_000} MB: browsers take their time to open it",
        hint="without --single-file the page loads what it shows",
        severity="warning",
    )
    return Generated(out, 1, len(changed), relations, (warning,) if size > LARGE else ())


def _nowhere(text: str, workspace: Workspace) -> str:
    """A text of the site without the place of the project on this machine."""
    from orchestrator.publish.site.nowhere import nowhere

    env = workspace.invocation.env
    return nowhere(text, str(workspace.invocation.root), env.get("HOME") or env.get("USERPROFILE") or "")
