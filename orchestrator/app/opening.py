"""load → render → parse → link: from a folder to a graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from orchestrator.adapters import registry
from orchestrator.app.invocation import Invocation
from orchestrator.core.declaration import Declaration, Place, Rendered
from orchestrator.core.errors import LinkError, OrcError, ParseError, Problem, RenderError
from orchestrator.core.files import Span
from orchestrator.core.graph import Graph
from orchestrator.core.ports import Dialect
from orchestrator.core.project import Project, Target
from orchestrator.load import load
from orchestrator.load.declare import declare
from orchestrator.load.tree import DiskTree

if TYPE_CHECKING:
    from orchestrator.render.templates import Templates

_STAGE_OF = {"R": RenderError, "P": ParseError, "L": LinkError}


@dataclass(frozen=True)
class Workspace:
    """A project, opened: its graph, and what it takes to render one of its templates again."""

    invocation: Invocation
    project: Project
    dialect: Dialect
    graph: Graph

    @cached_property
    def templates(self) -> Templates:
        """The project's templates; made when one must be rendered (again)."""
        return templates_of(self.invocation, self.project, self.dialect)

    @cached_property
    def declarations(self) -> Mapping[str, Declaration]:
        """Declarations by node id."""
        from orchestrator.parse.parse import node_id

        found, _ = declare(self.project)
        return {node_id(d): d for d in found}

    def raw(self, id_: str) -> str:
        """The source text of a node."""
        declaration = self.declarations[id_]
        return declaration.text or source_text(self.project, declaration)

    def place(self, id_: str, offset: int, *, incremental: bool = False) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        """Where the character at ``offset`` of a node's rendered query was written."""
        declaration = self.declarations[id_]
        return place(self.templates, declaration, self.raw(id_), offset, incremental=incremental)


def open_workspace(invocation: Invocation) -> Workspace:
    """Read the project and understand it.

    Raises:
        OrcError: everything that is wrong with it; the class is that of the first stage that failed.
    """
    project = load_project(invocation)
    dialect = registry.dialect(project.target.type)
    problems: list[Problem] = []
    declarations, found = declare(project)
    problems += found
    graph = understand(invocation, project, dialect, declarations, problems)
    errors = [p for p in problems if p.severity == "error"]
    if errors:
        raise _STAGE_OF.get(errors[0].code[0], OrcError)(*errors) if not _duplicate(errors) else _duplicate_error(errors)
    warnings = [*project.warnings, *(p for p in problems if p.severity != "error"), *graph.warnings]
    return Workspace(invocation, project, dialect, replace(graph, warnings=tuple(warnings)))


def _duplicate(errors: list[Problem]) -> bool:
    return errors[0].code in ("L010", "L016")


def _duplicate_error(errors: list[Problem]) -> OrcError:
    from orchestrator.core.errors import DuplicateError

    return DuplicateError(*errors)


def understand(invocation: Invocation, project: Project, dialect: Dialect, declarations: tuple[Declaration, ...], problems: list[Problem]) -> Graph:
    """render → parse → link, all problems collected."""
    from orchestrator.link.link import link
    from orchestrator.parse.parse import node_id, parse
    from orchestrator.render.render import namer, render

    templates = templates_of(invocation, project, dialect, problems)
    rendered = render(templates, ((d, source_text(project, d)) for d in declarations), problems)
    by_id: dict[str, Rendered] = {node_id(r.declaration): r for r in rendered}

    def locate(item: Rendered, offset: int, *, incremental: bool = False) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        return place(templates, item.declaration, item.raw, offset, incremental=incremental)

    def locate_id(id_: str, offset: int, incremental: bool) -> tuple[Span, tuple[tuple[str, Span], ...]]:
        return locate(by_id[id_], offset, incremental=incremental)

    drafts = parse(rendered, dialect, project.target, locate, problems, naming=namer(templates), own=project.settings.own)
    if any(p.severity == "error" for p in problems):
        # Names of what failed are missing now: further complaints would be about our own gaps.
        return Graph({}, {})
    graph = link(drafts, project.settings.name, locate_id, problems, strict=invocation.strict, key=project.key)
    macros = {m.id: m.path for package in templates.library.packages.values() for m in package.values()}
    return replace(graph, macros=macros)


def load_project(invocation: Invocation) -> Project:
    """Read the project's files and find the target's database."""
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
    )
    target = project.target
    if invocation.lock_timeout is not None:
        target = replace(target, settings={**target.settings, "lock_timeout": invocation.lock_timeout})
    if target.database is None:
        target = replace(target, database=registry.database(target, str(invocation.root)))
    return replace(project, target=target)


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
    )

    def text(path: str) -> str:
        return own[path] if path in own else text_of(project, path)

    return Templates(facts, found, text)


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
    if declaration.language != "sql":
        return declaration.span, ()
    found: Place | None
    if "{" not in raw:
        found = Place(declaration.path, raw.count("\n", 0, offset) + 1, offset - raw.rfind("\n", 0, offset))
    else:
        try:
            found = templates.locate(declaration, raw, offset, incremental=incremental)
        except OrcError:
            found = None
    if found is None:
        return declaration.span, ()
    trail: list[tuple[str, Span]] = []
    caller = found.caller
    while caller is not None:
        trail.append(("called from", Span(caller.path, caller.line, caller.column)))
        caller = caller.caller
    return Span(found.path, found.line, found.column), tuple(trail)
