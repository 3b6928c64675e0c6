"""File tree → :class:`~orchestrator.core.project.Project`: what the files say, sorted by what they declare."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.core.errors import ConfigError, Problem
from orchestrator.core.files import FileTree, digest
from orchestrator.core.project import Project, Properties, Settings, SourceFile, Target
from orchestrator.load.profiles import choose_target, find_profiles
from orchestrator.load.properties import Found, duplicates, parse_properties, rendered, steering
from orchestrator.load.settings import merged_vars, read_settings, rendered_settings, rendered_trees
from orchestrator.load.tree import DiskTree

RenderValue = Callable[[str, Mapping[str, Any], Target | None], object]
"""Renders Jinja in a configuration value, given the variables and, once it is known, the target."""

_KINDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    # where to look, what is found there, by extension
    ("macro_paths", "macros", (".sql", ".jinja", ".jinja2", ".j2")),
    ("test_paths", "tests", (".sql",)),
    ("snapshot_paths", "snapshots", (".sql",)),
    ("analysis_paths", "analyses", (".sql",)),
    ("seed_paths", "seeds", (".csv",)),
    ("model_paths", "models", (".sql",)),
    ("model_paths", "python_models", (".py",)),
)
_PROPERTIES, _DOCS = (".yml", ".yaml"), (".md",)
_SKIPPED = ("dbt_packages", "dbt_modules", "logs", ".orchestrator")


def read_properties(tree: FileTree, path: str, own: bool) -> Found:
    """A properties file's entries and problems; what a cache replaces."""
    return parse_properties(path, tree.bytes(path), own)


def load(
    tree: FileTree,
    *,
    root: Path,
    env: Mapping[str, str],
    render_value: RenderValue,
    profiles_dir: Path | None = None,
    profile: str | None = None,
    target: str | None = None,
    threads: int | None = None,
    variables: Mapping[str, Any] | None = None,
    target_path: str | None = None,
    properties: Callable[[FileTree, str, bool], Found] = read_properties,
    render_profile: RenderValue | None = None,
) -> Project:
    """Read a project. ``root`` is its folder; ``profile``, ``target``, ``threads``, ``variables`` and ``target_path`` come from
    the command line and win over the files. ``render_profile`` renders the profile's values, where that is not ``render_value``.

    Raises:
        ConfigError: with everything that is wrong in the project file or, when that is fine, in all properties files.
        ProfileError: there is no such profile or target.
    """
    cli = dict(variables or {})
    settings, warnings = read_settings(tree, root.name)
    settings = rendered_settings(settings, lambda text: render_value(text, cli, None))
    if target_path is not None:
        settings = replace(settings, target_path=target_path)
    seen = merged_vars(settings, cli)
    profiles = find_profiles(root, profiles_dir, env)
    of_profile = render_profile or render_value
    where, more = choose_target(
        profiles, settings, lambda text: of_profile(text, cli, None), profile=profile, target=target, threads=threads
    )
    settings = rendered_trees(settings, lambda text: render_value(text, seen, where))
    if isinstance(tree, DiskTree):
        tree = tree.within(_roots(settings), skip=(settings.target_path, *_SKIPPED))
    files = sort_files(tree.paths(), settings)
    project = Project(settings, where, tree, seen, env, warnings=(*warnings, *more))
    declaring: dict[str, Any] = {kind: files[kind] for _, kind, _ in _KINDS}
    project = replace(project, docs_blocks=files["docs_blocks"], fixtures=files["fixtures"], **declaring)
    project = _something(project)
    project = _with_properties(project, files["properties"], properties, lambda text: render_value(text, seen, where))
    return replace(project, key=_key(project, [f for found in files.values() for f in found]))


def sort_files(paths: Iterable[str], settings: Settings) -> dict[str, tuple[SourceFile, ...]]:
    """Files by what they declare: the deepest configured folder around a file decides.

    >>> found = sort_files(["models/a.sql", "models/a.yml", "macros/m.sql", "README.md"], Settings("shop"))
    >>> {kind: [f.path for f in files] for kind, files in found.items() if files}
    {'macros': ['macros/m.sql'], 'models': ['models/a.sql'], 'properties': ['models/a.yml']}
    """
    roots = [(_clean(root), kind, ends) for attribute, kind, ends in _KINDS for root in getattr(settings, attribute)]
    roots.sort(key=lambda item: -len(item[0]))
    found: dict[str, list[SourceFile]] = {kind: [] for kind in (*(kind for _, kind, _ in _KINDS), "properties", "docs_blocks", "fixtures")}
    for path in paths:
        around = [item for item in roots if item[0] == "" or path.startswith(item[0] + "/")]
        if not around:
            continue
        name = path.rsplit("/", 1)[-1]
        end = "." + name.rsplit(".", 1)[-1].lower() if "." in name else ""
        root, first, _ = around[0]
        inner = path[len(root) :].lstrip("/")
        if first == "tests" and inner.startswith("fixtures/"):
            found["fixtures"].append(SourceFile(path, root))
            continue
        if end in _PROPERTIES and (root or "/" in path):
            found["properties"].append(SourceFile(path, root))
        elif end in _DOCS and (root or "/" in path):
            found["docs_blocks"].append(SourceFile(path, root))
        elif first == "tests" and end == ".sql" and inner.startswith("generic/"):
            found["macros"].append(SourceFile(path, root))
        elif name != "__init__.py":
            kind = next(((kind, base) for base, kind, ends in around if end in ends), None)
            if kind is not None:
                found[kind[0]].append(SourceFile(path, kind[1]))
    return {kind: tuple(files) for kind, files in found.items()}


def _clean(folder: str) -> str:
    path = folder.replace("\\", "/").strip("/").removeprefix("./")
    return "" if path == "." else path


def _roots(settings: Settings) -> tuple[str, ...]:
    return tuple(dict.fromkeys(root for attribute, _, _ in _KINDS for root in getattr(settings, attribute)))


def _something(project: Project) -> Project:
    """A project that would build nothing is more likely a wrong folder than a wish.

    One of dbt's is told so and goes on, as it does with dbt; and it may hold macros or tests alone.
    """
    alone = () if project.settings.own else (*project.macros, *project.tests, *project.properties)
    if project.models or project.python_models or project.seeds or project.snapshots or alone:
        return project
    folders = ", ".join(f"`{folder}/`" for folder in project.settings.model_paths)
    hint = f"put a SELECT in a file such as {project.settings.model_paths[0] if project.settings.model_paths else 'models'}/orders.sql"
    problem = Problem("C502", f"no models in {folders} of the project `{project.settings.name}`", None, hint)
    if project.settings.own:
        raise ConfigError(problem)
    return replace(project, warnings=(*project.warnings, problem.as_warning()))


def _with_properties(
    project: Project,
    files: tuple[SourceFile, ...],
    read: Callable[[FileTree, str, bool], Found],
    render_value: Callable[[str], object],
) -> Project:
    entries: list[Properties] = []
    problems: list[Problem] = []
    for file in files:
        try:
            found, wrong = read(project.tree, file.path, project.settings.own)
            problems += wrong
            entries += [rendered(entry, render_value) for entry in found]
        except ConfigError as error:
            problems += error.problems
    problems += (*steering(entries), *duplicates(entries))
    if any(p.severity == "error" for p in problems):
        raise ConfigError(*problems)
    return replace(project, properties=tuple(entries), warnings=(*project.warnings, *problems))


def _key(project: Project, files: list[SourceFile]) -> str:
    """Names everything the files and the request say; environment variables are recorded where they are read."""
    settings, target = project.settings, project.target
    parts = [
        repr(settings),
        target.type,
        str(target.database),
        target.schema,
        target.name,
        target.profile,
        repr(sorted(project.vars.items(), key=str)),
    ]
    parts += [f"{file.path}\0{project.tree.digest(file.path)}" for file in files]
    return digest("\n".join(parts).encode())
