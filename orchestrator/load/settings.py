"""The project file: ``[tool.orchestrator]``, ``dbt_project.yml``, or none at all."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from orchestrator.core.config import normal
from orchestrator.core.errors import ConfigError, OrcError, Problem
from orchestrator.core.files import FileTree, Span
from orchestrator.core.project import Settings
from orchestrator.load.emission import OPENLINEAGE
from orchestrator.load.lines import Document, Tree, child, children, line_of
from orchestrator.load.lint import FORMAT, LINT
from orchestrator.load.shape import Anything, Check, Flag, Free, Items, Key, Table, Text, Texts, is_template

OWN_FILE, DBT_FILE = "pyproject.toml", "dbt_project.yml"
OWN_TABLE = ("tool", "orchestrator")

DBT_SPOKEN = (1, 11, 0)
"""The dbt whose project files, Jinja names and artifacts are spoken here; what ``require-dbt-version`` is held against."""

_PATHS = Texts()
_TREE = Key(Free(), "Config by folder, package name first.")
_KEYS: dict[str, Key] = {
    "name": Key(Text(), "The project's name; letters, digits and underscores."),
    "version": Key(Text(), "The project's own version."),
    "profile": Key(Text(), "Which profile of profiles.yml to use."),
    "production": Key(Text(), "The target that is production: samples are not built there, unless beside it."),
    "config_version": Key(Anything()),
    "model_paths": Key(_PATHS, "Folders with models."),
    "seed_paths": Key(_PATHS, "Folders with CSV files to load."),
    "test_paths": Key(_PATHS, "Folders with singular SQL tests."),
    "macro_paths": Key(_PATHS, "Folders with Jinja macros and `{% test %}` blocks."),
    "snapshot_paths": Key(_PATHS, "Folders with snapshots."),
    "analysis_paths": Key(_PATHS, "Folders with queries that are compiled but not run."),
    "docs_paths": Key(_PATHS),
    "asset_paths": Key(_PATHS, "Folders that `orc docs generate` copies beside the documentation."),
    "function_paths": Key(_PATHS),
    "source_paths": Key(_PATHS, "Old spelling of `model-paths`.", renamed="model_paths"),
    "data_paths": Key(_PATHS, "Old spelling of `seed-paths`.", renamed="seed_paths"),
    "target_path": Key(Text(), "Where artifacts are written."),
    "log_path": Key(Text()),
    "packages_install_path": Key(Text()),
    "clean_targets": Key(_PATHS, "What `orc clean` removes."),
    "vars": Key(Free(), "Values for `var()`; those below the project's name win."),
    "models": _TREE,
    "seeds": _TREE,
    "snapshots": _TREE,
    "sources": _TREE,
    "data_tests": _TREE,
    "tests": Key(Free(), "Old spelling of `data_tests`.", renamed="data_tests"),
    "unit_tests": _TREE,
    "analyses": _TREE,
    "exposures": _TREE,
    "functions": _TREE,
    "metrics": _TREE,
    "semantic_models": _TREE,
    "saved_queries": _TREE,
    "on_run_start": Key(Texts(), "Statements sent before the first node."),
    "on_run_end": Key(Texts(), "Statements sent after the last node."),
    "dispatch": Key(
        Items(Table("a dispatch entry", {"macro_namespace": Key(Text(), required=True), "search_order": Key(Texts(), required=True)}))
    ),
    "query_comment": Key(Anything(), keeps_null=True),
    "quoting": Key(Free(Flag())),
    "flags": Key(Free()),
    "lint": Key(LINT, "How static checks are judged."),
    "format": Key(FORMAT, "How `orc format` writes SQL."),
    "require_dbt_version": Key(Texts(split=True)),
    "require_orc_version": Key(Texts(split=True), "Which versions of orc may run this project, e.g. `>=0.1,<1`."),
    "state": Key(Text(), "A Postgres server that keeps the history of runs for several hosts: `postgresql://user@host/database`."),
    "history": Key(Table("`history`", {"keep": Key(Text(), "For how long, e.g. `90d`.")}), "What is remembered of runs."),
    "openlineage": Key(OPENLINEAGE, "Where OpenLineage events go."),
    "restrict_access": Key(Flag()),
    "dbt_cloud": Key(Free()),
    "analysis": _TREE,
}


def settings_key(written: str) -> str:
    """A settings key's one spelling.

    >>> settings_key("model-paths")
    'model_paths'
    """
    return written.replace("-", "_")


SETTINGS = Table("the project file", _KEYS, spelled=settings_key)
OWN_SETTINGS = replace(SETTINGS, name="`[tool.orchestrator]`")


def find_root(start: Path) -> Path:
    """The project around ``start``: the nearest folder upward with a project file or a ``models`` folder.

    Raises:
        ConfigError: there is none.
    """
    here = start.absolute()
    for folder in (here, *here.parents):
        if is_root(folder):
            return folder
    hint = "make one with `orc init NAME`, or point at one with `--project-dir`"
    raise ConfigError(
        Problem("C202", f"no project in `{start}` or above: no dbt_project.yml, no [tool.orchestrator], no models folder", None, hint)
    )


def is_root(folder: Path) -> bool:
    """Whether a project starts in this folder."""
    own = folder / OWN_FILE
    try:
        if own.is_file() and re.search(rb"^\s*\[\s*tool\s*\.\s*orchestrator\b", own.read_bytes(), re.MULTILINE):
            return True
    except OSError:
        return False
    return (folder / DBT_FILE).is_file() or (folder / "models").is_dir()


def read_settings(tree: FileTree, folder: str) -> tuple[Settings, tuple[Problem, ...]]:
    """What the project file says, Jinja not yet rendered, and warnings. ``folder`` names a project that has no name.

    Raises:
        ConfigError: with everything that is wrong in the project file, ``vars.yml`` and ``selectors.yml``.
    """
    document, own = _document(tree)
    check = Check(document, own, "C203", "C204")
    data: dict[str, Any] = {}
    lines: Tree = 1
    if isinstance(document.data, Mapping):
        data, lines = (OWN_SETTINGS if own else SETTINGS).check(document.data, document.lines, check, None, document.path)
    elif document.data is not None:
        check.wrong("the project file must be a mapping of settings", document.lines)
    origin = None if document.data is None else document.path
    if "name" not in data and document.data is not None and not own:
        check.wrong("dbt_project.yml needs the key `name`", 1)
    name = str(data.get("name") or _project_name(tree) or folder)
    if "name" in data and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and not is_template(name):
        hint = f"for example `{as_name(name)}`"
        check.wrong(f"the name `{name}` must be letters, digits and underscores", child(data, lines, "name"), hint)
    _versions(data, lines, check)
    problems = list(check.problems)
    more, selectors = _vars(tree, data.get("vars") or {}, problems), _selectors(tree, problems)
    errors = [p for p in problems if p.severity == "error"]
    if errors:
        raise ConfigError(*problems)
    return _settings(data, vars_=more, selectors=selectors, name=name if "name" in data else as_name(name), own=own, origin=origin), tuple(
        problems
    )


def as_name(text: str) -> str:
    """The nearest thing to ``text`` that can name a project.

    >>> as_name("My shop-2"), as_name("2024")
    ('my_shop_2', 'p_2024')
    """
    clean = re.sub(r"\W+", "_", text.lower(), flags=re.ASCII).strip("_") or "project"
    return clean if not clean[0].isdigit() else f"p_{clean}"


def _document(tree: FileTree) -> tuple[Document, bool]:
    """The project file's content and whether it is of our own style."""
    paths = set(tree.paths())
    if OWN_FILE in paths:
        content = tree.bytes(OWN_FILE)
        if b"orchestrator" in content:
            from orchestrator.load.toml import read_toml

            document = read_toml(OWN_FILE, content, OWN_TABLE)
            if document.data is not None:
                return document, True
    if DBT_FILE in paths:
        from orchestrator.load.yaml import read_yaml

        document = read_yaml(DBT_FILE, tree.bytes(DBT_FILE))
        return (replace(document, data={}) if document.data is None else document), False
    return Document(OWN_FILE, None, 1), True


def _project_name(tree: FileTree) -> str | None:
    """The Python project's name, which our own may share."""
    if OWN_FILE not in tree.paths():
        return None
    content = tree.bytes(OWN_FILE)
    if b"orchestrator" not in content:
        return None
    from orchestrator.load.toml import read_toml

    name = read_toml(OWN_FILE, content, ("project", "name")).data
    return as_name(name) if isinstance(name, str) else None


def _vars(tree: FileTree, given: Mapping[str, Any], problems: list[Problem]) -> dict[str, Any]:
    """``vars`` of the project file and of ``vars.yml``; one variable has one place."""
    path = "vars.yml"
    if path not in tree.paths():
        return dict(given)
    from orchestrator.load.yaml import read_yaml

    try:
        document = read_yaml(path, tree.bytes(path))
    except ConfigError as error:
        problems += error.problems
        return dict(given)
    data, lines = document.data or {}, document.lines
    if isinstance(data, Mapping) and list(data) == ["vars"]:
        data, lines = data["vars"] or {}, child(data, lines, "vars")
    if not isinstance(data, Mapping):
        problems.append(Problem("C205", "vars.yml must be a mapping of variables", Span(path, line_of(lines))))
        return dict(given)
    for key, _, below in children(data, lines):
        if key in given:
            problems.append(
                Problem("C205", f"the variable `{key}` is also set in the project file", Span(path, line_of(below)), "keep one of them")
            )
    return {**given, **data}


def _selectors(tree: FileTree, problems: list[Problem]) -> Mapping[str, Any]:
    """``selectors.yml`` as written; what it means is a question about graphs."""
    path = "selectors.yml"
    if path not in tree.paths():
        return {}
    from orchestrator.load.yaml import read_yaml

    try:
        document = read_yaml(path, tree.bytes(path))
    except ConfigError as error:
        problems += error.problems
        return {}
    if document.data is not None and not isinstance(document.data, Mapping):
        problems.append(Problem("C206", "selectors.yml must be a mapping with the key `selectors`", Span(path, line_of(document.lines))))
        return {}
    return document.data or {}


def _settings(
    data: Mapping[str, Any], *, vars_: Mapping[str, Any], selectors: Mapping[str, Any], name: str, own: bool, origin: str | None
) -> Settings:
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in Settings.__dataclass_fields__}
    if not own:
        # dbt's defaults differ from ours here
        given.setdefault("test_paths", ("tests",))
    target_path = given.get("target_path", "target")
    given.setdefault("clean_targets", (target_path,))
    if not own and "query_comment" not in data:
        given["query_comment"] = {}  # a dbt project that says nothing has the usual comment
    given |= {"name": name, "vars": vars_, "selectors": selectors, "own": own, "origin": origin}
    return Settings(**given)


def rendered_settings(settings: Settings, render_value: Callable[[str], object]) -> Settings:
    """The settings with Jinja in names and paths replaced. Config trees wait for :func:`rendered_trees`."""
    names = ("name", "version", "profile", "target_path")
    lists = ("model_paths", "seed_paths", "test_paths", "macro_paths", "snapshot_paths", "analysis_paths", "asset_paths", "clean_targets")
    changed: dict[str, Any] = {
        k: str(v) for k in names if (v := _rendered(getattr(settings, k), settings, render_value)) != getattr(settings, k)
    }
    changed |= {
        k: tuple(map(str, v))
        for k in lists
        if (v := _rendered(list(getattr(settings, k)), settings, render_value)) != list(getattr(settings, k))
    }
    return replace(settings, **changed) if changed else settings


def rendered_trees(settings: Settings, render_value: Callable[[str], object]) -> Settings:
    """The settings with Jinja in config trees replaced, now that the target is known; hooks are rendered when they are sent."""
    trees = (
        "models",
        "seeds",
        "snapshots",
        "sources",
        "data_tests",
        "unit_tests",
        "dispatch",
        "quoting",
        "flags",
        "lint",
        "format",
        "openlineage",
    )
    changed = {k: v for k in trees if (v := _rendered(getattr(settings, k), settings, render_value)) is not getattr(settings, k)}
    return replace(settings, **changed) if changed else settings


def _rendered(value: Any, settings: Settings, render_value: Callable[[str], object]) -> Any:
    if isinstance(value, str):
        if not is_template(value):
            return value
        try:
            return render_value(value)
        except OrcError as error:
            place = Span(settings.origin or OWN_FILE)
            hint = f"in `{value}`"
            raise ConfigError(*(replace(p, span=place, hint=p.hint or hint) for p in error.problems)) from None
    if isinstance(value, Mapping):
        later = ("pre_hook", "post_hook")
        changed = {
            k: new for k, v in value.items() if normal(str(k)) not in later and (new := _rendered(v, settings, render_value)) is not v
        }
        return {**value, **changed} if changed else value
    if isinstance(value, list | tuple):
        items = [_rendered(v, settings, render_value) for v in value]
        return value if all(a is b for a, b in zip(items, value, strict=True)) else items
    return value


def merged_vars(settings: Settings, cli: Mapping[str, Any]) -> dict[str, Any]:
    """What ``var()`` sees in the project's own files: the command line over the project's scope over global values.

    >>> merged_vars(Settings("shop", vars={"a": 1, "b": 1, "c": 1, "shop": {"b": 2, "c": 2}}), {"c": 3})
    {'a': 1, 'b': 2, 'c': 3}
    """
    scope = settings.vars.get(settings.name)
    if not isinstance(scope, Mapping):
        return {**settings.vars, **cli}
    return {**{k: v for k, v in settings.vars.items() if k != settings.name}, **scope, **cli}


def _versions(data: Mapping[str, Any], lines: Tree, check: Check) -> None:
    """Hold ``require-…-version`` against what runs."""
    if wanted := data.get("require_orc_version"):
        from importlib.metadata import PackageNotFoundError, version

        try:
            running = version("sql-orchestrator")
        except PackageNotFoundError:
            return  # run from a folder that was never installed: there is no version to hold against
        tree = child(data, lines, "require_orc_version")
        if not _satisfied(wanted, _numbers(running), tree, check):
            check.wrong(
                f"this project needs orc {','.join(wanted)}, but this is {running}",
                tree,
                f"install another: `pip install 'sql-orchestrator{','.join(wanted)}'`",
            )
    if wanted := data.get("require_dbt_version"):
        tree = child(data, lines, "require_dbt_version")
        if not _satisfied(wanted, DBT_SPOKEN, tree, check):
            spoken = ".".join(map(str, DBT_SPOKEN[:2]))
            problem = Problem(
                "C207", f"this project needs dbt {','.join(wanted)}; orc speaks dbt {spoken}", Span(check.document.path, line_of(tree))
            )
            check.problems.append(problem.as_warning())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.match(r"\d+(?:\.\d+)*", version)[0].split(".")) if re.match(r"\d", version) else ()  # type: ignore[index]


_HOLDS: Mapping[str, Callable[[tuple[int, ...], tuple[int, ...]], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    "": operator.eq,
}


def _satisfied(wanted: list[str], running: tuple[int, ...], tree: Tree, check: Check) -> bool:
    """Whether a version is in all ranges; what is not a range is reported and holds."""
    for item in wanted:
        found = re.fullmatch(r"\s*(>=|<=|==|=|!=|~=|>|<|)\s*v?(\d+(?:\.\d+){0,2})(?:[-.a-z0-9]*)\s*", item)
        if not found:
            if not is_template(item):
                check.wrong(f"`{item}` is not a version range", tree, "for example `>=1.8,<2`")
            continue
        asked = _numbers(found[2])
        width = max(len(asked), len(running))
        left, right = running + (0,) * (width - len(running)), asked + (0,) * (width - len(asked))
        good = left >= right and left[: len(asked) - 1] == asked[:-1] if found[1] == "~=" else _HOLDS[found[1]](left, right)
        if not good:
            return False
    return True
