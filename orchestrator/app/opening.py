"""load → render → parse → link: from a folder to a graph."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.app.invocation import Invocation
from orchestrator.app.shelf import HeldShelf, Shelf
from orchestrator.core.declaration import Declaration, Draft, Place, Rendered
from orchestrator.core.errors import ConfigError, DuplicateError, LinkError, OrcError, ParseError, Problem, RenderError
from orchestrator.core.files import Span
from orchestrator.core.graph import Graph
from orchestrator.core.ports import Dialect
from orchestrator.core.project import Project, Settings, Target
from orchestrator.core.state import State
from orchestrator.load.cache import Cache

if TYPE_CHECKING:
    from orchestrator.render.templates import Templates

_STAGE_OF: Mapping[str, type[OrcError]] = {"C": ConfigError, "R": RenderError, "P": ParseError, "L": LinkError}

AT_ONCE = 100
"""Declarations between load and link at one time: enough to share what a stage does once, few enough to weigh nothing."""


@dataclass(frozen=True)
class Workspace:
    """A project, opened: its graph, and what it takes to render one of its templates again.

    ``declaration`` gives the declaration of a node whose template may be rendered again. ``cache`` is the parse cache the
    graph came from or went to, ``None`` when there is none.
    """

    invocation: Invocation
    project: Project
    dialect: Dialect
    graph: Graph
    declaration: Callable[[str], Declaration]
    cache: Cache | None = None

    @cached_property
    def templates(self) -> Templates:
        """The project's templates; made when one must be rendered (again)."""
        return templates_of(self.invocation, self.project, self.dialect)

    @cached_property
    def states(self) -> Callable[[Path], State]:
        """Earlier states by the place of their manifest; each is read once."""
        from orchestrator.load.state import state

        return cache(state)

    def raw(self, id_: str) -> str:
        """The source text of a node."""
        declaration = self.declaration(id_)
        return declaration.text or source_text(self.project, declaration)

    def place(self, id_: str, offset: int, *, incremental: bool = False) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        """Where the character at ``offset`` of a node's rendered query was written."""
        return self.places(id_, incremental=incremental)(offset)

    def places(self, id_: str, *, incremental: bool = False) -> Callable[[int], tuple[Span, tuple[tuple[str, Span], ...]]]:
        """:meth:`place` for many offsets of one query."""
        return places(self.templates, self.declaration(id_), self.raw(id_), incremental=incremental)


def open_workspace(invocation: Invocation) -> Workspace:
    """Read the project and understand it; what is cached and still true is not read again.

    Raises:
        OrcError: everything that is wrong with it; the class is that of the first stage that failed.
    """
    with garbage_kept():
        if not invocation.cache:
            return open_anew(invocation)
        from orchestrator.app.reopening import open_and_keep, reopen

        return reopen(invocation) or open_and_keep(invocation)


@contextmanager
def garbage_kept() -> Iterator[None]:
    """Look for cycles among young objects only while thousands of values are made: syntax trees die young, the rest stays."""
    before = gc.get_threshold()
    gc.set_threshold(20_000, 20, 10_000)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def open_anew(invocation: Invocation) -> Workspace:
    """Read and understand everything, without a cache.

    Raises:
        OrcError: everything that is wrong.
    """
    project, declarations, problems = declared(invocation)
    shelf = HeldShelf()
    dialect, graph = understand(invocation, project, declarations, problems, shelf)
    return Workspace(invocation, project, dialect, graph, shelf.declaration)


def declared(invocation: Invocation, profile_env: Mapping[str, str] | None = None) -> tuple[Project, list[Declaration], list[Problem]]:
    """The project, what it declares, and what is odd about that. ``profile_env`` is the environment as the profile sees it.

    Properties that are part of a declaration now are let go: they are several times as large.

    Raises:
        OrcError: everything that is wrong with its files.
    """
    from orchestrator.load.declare import declare

    project = load_project(invocation, profile_env)
    declarations, problems = declare(project)
    kept = tuple(p for p in project.properties if p.section in ("groups", "macros"))
    return replace(project, properties=kept), list(declarations), list(problems)


def stop_at_errors(problems: Sequence[Problem]) -> None:
    """Raise all errors among ``problems`` at once, as the class of the first."""
    errors = [p for p in problems if p.severity == "error"]
    if errors:
        kind = DuplicateError if errors[0].code in ("L010", "L016") else _STAGE_OF.get(errors[0].code[0], OrcError)
        raise kind(*errors)


def understand(
    invocation: Invocation, project: Project, declarations: list[Declaration], problems: list[Problem], shelf: Shelf
) -> tuple[Dialect, Graph]:
    """From declarations to a graph: they are taken off the list, rendered and parsed a few at a time, their bodies put on the shelf.

    Raises:
        OrcError: everything that is wrong.
    """
    from orchestrator.adapters import registry
    from orchestrator.link.access import access
    from orchestrator.link.link import link
    from orchestrator.parse.parse import parse
    from orchestrator.render.render import namer, render

    dialect = registry.dialect(project.target.type)
    templates = templates_of(invocation, project, dialect, problems)
    naming = namer(templates)
    unparsed: list[Problem] = []

    def locate(item: Rendered, offset: int, *, incremental: bool = False) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        return place(templates, item.declaration, item.raw, offset, incremental=incremental)

    def locate_id(id_: str, offset: int, incremental: bool) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        declaration = shelf.declaration(id_)
        return place(templates, declaration, source_text(project, declaration), offset, incremental=incremental)

    drafts: list[Draft] = []
    declarations.reverse()
    while declarations:
        few = [declarations.pop() for _ in range(min(AT_ONCE, len(declarations)))]
        for item in render(templates, ((d, source_text(project, d)) for d in few), problems):
            found = parse([item], dialect, project.target, locate, unparsed, naming=naming, own=project.settings.own)
            drafts += [shelf.put(draft, item.declaration) for draft in found]
    problems += unparsed
    # Names of what failed are missing now: complaints of `link` would be about our own gaps.
    stop_at_errors(problems)
    graph = link(drafts, project.settings.name, locate_id, problems, strict=invocation.strict, key=project.key)
    problems += access(graph.nodes, groups_of(project))
    stop_at_errors(problems)
    macros = {m.id: m.path for package in templates.library.packages.values() for m in package.values()}
    warnings = [*project.warnings, *(p for p in problems if p.severity != "error"), *graph.warnings]
    return dialect, replace(graph, macros=macros, warnings=tuple(warnings))


def groups_of(project: Project) -> tuple[str, ...]:
    """The groups a project declares."""
    return tuple(p.name for p in project.properties if p.section == "groups")


def load_project(invocation: Invocation, profile_env: Mapping[str, str] | None = None) -> Project:
    """Read the project's files and find the target's database."""
    from orchestrator.adapters import registry
    from orchestrator.load.load import load
    from orchestrator.load.tree import DiskTree

    tree = DiskTree(invocation.root, now_ns=int(invocation.started.timestamp() * 1e9))
    project = load(
        tree,
        root=invocation.root,
        env=invocation.env,
        render_value=value_renderer(invocation),
        profiles_dir=invocation.profiles_dir,
        profile=invocation.profile,
        target=invocation.target,
        threads=invocation.threads,
        variables=invocation.vars,
        target_path=invocation.target_path,
        render_profile=None if profile_env is None else value_renderer(replace(invocation, env=profile_env)),
    )
    target = project.target
    database = registry.database(target, str(invocation.root))
    return replace(project, target=patient(replace(target, database=database or target.database), invocation))


def target_of(invocation: Invocation, settings: Settings) -> Target:
    """The target alone, read again. Raises ``ProfileError`` when there is none any more."""
    from orchestrator.adapters import registry
    from orchestrator.load.profiles import choose_target, find_profiles

    render = value_renderer(invocation)
    target, _ = choose_target(
        find_profiles(invocation.root, invocation.profiles_dir, invocation.env),
        settings,
        lambda text: render(text, dict(invocation.vars or {}), None),
        profile=invocation.profile,
        target=invocation.target,
        threads=invocation.threads,
    )
    return replace(target, database=registry.database(target, str(invocation.root)) or target.database)


def patient(target: Target, invocation: Invocation) -> Target:
    """The target, told how long to wait for a database that somebody else holds."""
    if invocation.lock_timeout is None:
        return target
    return replace(target, settings={**target.settings, "lock_timeout": invocation.lock_timeout})


def value_renderer(invocation: Invocation) -> Any:
    """Renders Jinja in configuration values; Jinja is imported only when a value has a tag."""

    def render_value(text: str, variables: Mapping[str, Any], target: Target | None) -> object:
        if "{{" not in text and "{%" not in text:
            return text
        from orchestrator.render.values import render_value as render

        return render(text, variables, target, invocation.env)

    return render_value


def templates_of(invocation: Invocation, project: Project, dialect: Dialect, problems: list[Problem] | None = None) -> Templates:
    """The project's templates, ready to render."""
    from orchestrator.render.docs import docs_blocks
    from orchestrator.render.library import BUILTIN
    from orchestrator.render.macros import library
    from orchestrator.render.scope import Facts
    from orchestrator.render.templates import Templates

    files = [(f.path, text_of(project, f.path)) for f in project.macros]
    found, wrong = library(files, project.settings.name, BUILTIN)
    if problems is not None:
        problems += wrong
    own = {path: text for package, path, text in BUILTIN}
    facts = Facts(
        settings=project.settings,
        target=project.target,
        dialect=dialect,
        vars=project.vars,
        env=project.env,
        invocation=invocation.id,
        started=invocation.started,
        flags=invocation.flags,
        docs=docs_blocks((f.path, text_of(project, f.path)) for f in project.docs_blocks),
        notice=_warnings(problems),
    )

    def text(path: str) -> str:
        return own[path] if path in own else text_of(project, path)

    return Templates(facts, found, text)


def _warnings(problems: list[Problem] | None) -> Callable[[str, str], None]:
    """``exceptions.warn`` in a template becomes a warning of the project; what it logs while it is only read, nobody hears."""

    def notice(level: str, text: str) -> None:
        if level == "warn" and problems is not None:
            problems.append(Problem("R030", text, severity="warning"))

    return notice


def text_of(project: Project, path: str) -> str:
    """A file's text.

    Raises:
        ParseError: P010, it is not UTF-8.
    """
    try:
        content = project.tree.bytes(path)
    except FileNotFoundError:
        return ""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        message = f"not UTF-8: byte 0x{content[error.start]:02x} at offset {error.start}"
        raise ParseError(Problem("P010", message, Span(path, line), "save the file as UTF-8")) from None


def source_text(project: Project, declaration: Declaration) -> str:
    """What a declaration's template says: the file, for what a file declares; a seed's content is named, not read."""
    if declaration.kind == "snapshot":
        return declaration.text or ""
    match declaration.language:
        case "sql" | "python":
            return text_of(project, declaration.path)
        case "csv":
            return project.tree.digest(declaration.path)
        case _:
            return ""


def place(
    templates: Templates, declaration: Declaration, raw: str, offset: int, *, incremental: bool = False
) -> tuple[Span, tuple[tuple[str, Span], ...]]:
    """Lead an offset in rendered text back to the author's file, with the macro calls on the way."""
    return places(templates, declaration, raw, incremental=incremental)(offset)


def places(
    templates: Templates, declaration: Declaration, raw: str, *, incremental: bool = False
) -> Callable[[int], tuple[Span, tuple[tuple[str, Span], ...]]]:
    """:func:`place` for many offsets of one text."""
    if declaration.language != "sql":
        return lambda _: (declaration.span, ())
    if "{" not in raw:
        return lambda offset: _led(
            declaration, Place(declaration.path, raw.count("\n", 0, offset) + 1, offset - raw.rfind("\n", 0, offset))
        )
    try:
        locate = templates.locator(declaration, raw, incremental=incremental)
    except OrcError:
        return lambda _: (declaration.span, ())
    return lambda offset: _led(declaration, locate(offset))


def _led(declaration: Declaration, found: Place | None) -> tuple[Span, tuple[tuple[str, Span], ...]]:
    if found is None:
        return declaration.span, ()
    if declaration.kind == "snapshot" and found.path == declaration.path and not found.path.endswith(".sql"):
        return Span(found.path, found.line), ()  # the text around the name is ours
    trail: list[tuple[str, Span]] = []
    caller = found.caller
    while caller is not None:
        trail.append(("called from", Span(caller.path, caller.line, caller.column)))
        caller = caller.caller
    return Span(found.path, found.line, found.column), tuple(trail)
