"""A project as its files say it; nothing inferred."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.errors import Problem
from orchestrator.core.files import FileTree, Span

SECRET_PREFIXES = ("DBT_ENV_SECRET", "ORC_SECRET_")
"""Environment variables whose values are secrets."""


class Secret(str):
    """A string that never shows itself: ``str(secret)`` in a log prints stars; :meth:`reveal` is the one way in.

    >>> f"{Secret('hunter2')}", repr(Secret('hunter2')), Secret('hunter2').reveal()
    ('****', '****', 'hunter2')
    """

    __slots__ = ()

    def __str__(self) -> str:
        return "****"

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return "****"

    def reveal(self) -> str:
        """The value, for handing to a driver."""
        return str.__str__(self)


def mask(text: str, secrets: Iterable[Secret]) -> str:
    """A text with every secret's value replaced by stars. Values under four characters stay: they would blot out half the text.

    >>> mask("host=db password=hunter2", [Secret("hunter2")])
    'host=db password=****'
    """
    for value in sorted({s.reveal() for s in secrets}, key=len, reverse=True):
        if len(value) >= 4:
            text = text.replace(value, "****")
    return text


@dataclass(frozen=True, slots=True)
class Target:
    """Where to build: one output of a profile.

    ``settings`` are the output's keys as given (``path``, ``host``, …), secrets as :class:`Secret`. ``implicit`` says no
    profile was found and the embedded DuckDB file is used. ``production`` says that what is there is the real thing.
    ``allow`` are the beginnings of runs that may build there (``cli``, ``ci``, ``schedule``, …); none named: all.
    """

    profile: str
    name: str
    type: str
    database: str | None
    schema: str
    threads: int
    settings: Mapping[str, Any]
    implicit: bool = False
    production: bool = False
    allow: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """Every secret among the settings, at any depth."""
        return tuple(_secrets(self.settings))


def _secrets(value: Any) -> Iterator[Secret]:
    match value:
        case Secret():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _secrets(inner)
        case list() | tuple():
            for inner in value:
                yield from _secrets(inner)


@dataclass(frozen=True, slots=True)
class Settings:
    """``[tool.orchestrator]`` or ``dbt_project.yml``, normalised to underscores, with defaults filled in.

    ``models``, ``seeds``, ``snapshots``, ``sources``, ``data_tests``, ``unit_tests`` are the config trees by folder
    (package name first, as in dbt), keys as written. ``origin`` is the file they come from (``None``: no config file).
    ``production`` names the target that is production.
    ``own`` is true for our own project style, false for ``dbt_project.yml`` (some defaults differ).
    """

    name: str
    version: str = "1.0.0"
    profile: str | None = None
    model_paths: tuple[str, ...] = ("models",)
    seed_paths: tuple[str, ...] = ("seeds",)
    test_paths: tuple[str, ...] = ("tests/assertions",)
    macro_paths: tuple[str, ...] = ("macros",)
    snapshot_paths: tuple[str, ...] = ("snapshots",)
    analysis_paths: tuple[str, ...] = ("analyses",)
    asset_paths: tuple[str, ...] = ()
    target_path: str = "target"
    clean_targets: tuple[str, ...] = ("target",)
    vars: Mapping[str, Any] = field(default_factory=dict)
    models: Mapping[str, Any] = field(default_factory=dict)
    seeds: Mapping[str, Any] = field(default_factory=dict)
    snapshots: Mapping[str, Any] = field(default_factory=dict)
    sources: Mapping[str, Any] = field(default_factory=dict)
    data_tests: Mapping[str, Any] = field(default_factory=dict)
    unit_tests: Mapping[str, Any] = field(default_factory=dict)
    on_run_start: tuple[str, ...] = ()
    on_run_end: tuple[str, ...] = ()
    dispatch: tuple[Mapping[str, Any], ...] = ()
    query_comment: Any = None
    quoting: Mapping[str, bool] = field(default_factory=dict)
    flags: Mapping[str, Any] = field(default_factory=dict)
    selectors: Mapping[str, Any] = field(default_factory=dict)
    lint: Mapping[str, Any] = field(default_factory=dict)
    format: Mapping[str, Any] = field(default_factory=dict)
    openlineage: Mapping[str, Any] = field(default_factory=dict)
    own: bool = True
    origin: str | None = None
    production: str | None = None

    def folders(self, path: str) -> tuple[str, ...]:
        """The folders of a file below the configured path it was found under.

        >>> Settings("shop", model_paths=("src/models",)).folders("src/models/marts/orders.yml")
        ('marts',)
        """
        roots = (*self.model_paths, *self.seed_paths, *self.snapshot_paths, *self.test_paths, *self.analysis_paths)
        under = [len(r) for root in roots if path.startswith(f"{(r := root.strip('/').removeprefix('./'))}/")]
        inner = path[max(under) + 1 :] if under else path.partition("/")[2] or path
        return tuple(inner.split("/")[:-1])


@dataclass(frozen=True, slots=True)
class Properties:
    """One entry of a properties YAML file, e.g. one element of ``models:``.

    ``section`` is the list it stands in (``models``, ``sources``, ``unit_tests``, …). ``data`` is the entry as plain values.
    ``lines`` gives the line of each nested key or item, by path from the entry (``("columns", 2, "name")``); the empty path
    is the entry itself.
    """

    section: str
    name: str
    path: str
    data: Mapping[str, Any]
    lines: Mapping[tuple[str | int, ...], int]

    def at(self, *keys: str | int) -> Span:
        """Where ``keys`` (or the nearest enclosing thing with a known line) is written."""
        for end in range(len(keys), -1, -1):
            if keys[:end] in self.lines:
                return Span(self.path, self.lines[keys[:end]])
        return Span(self.path)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that declares one resource by existing. ``root`` is the configured path it was found under (``models``)."""

    path: str
    root: str

    @property
    def stem(self) -> str:
        """The file name without its extension: the resource's name."""
        return self.path.rsplit("/", 1)[-1].rsplit(".", 1)[0]

    @property
    def folders(self) -> tuple[str, ...]:
        """Folders between the root and the file."""
        inner = self.path[len(self.root) :].lstrip("/")
        return tuple(inner.split("/")[:-1])


@dataclass(frozen=True, slots=True)
class Project:
    """Everything ``load`` found: settings, target, and the files by what they declare."""

    settings: Settings
    target: Target
    tree: FileTree
    vars: Mapping[str, Any]
    env: Mapping[str, str]
    models: tuple[SourceFile, ...] = ()
    python_models: tuple[SourceFile, ...] = ()
    seeds: tuple[SourceFile, ...] = ()
    tests: tuple[SourceFile, ...] = ()
    analyses: tuple[SourceFile, ...] = ()
    snapshots: tuple[SourceFile, ...] = ()
    macros: tuple[SourceFile, ...] = ()
    properties: tuple[Properties, ...] = ()
    docs_blocks: tuple[SourceFile, ...] = ()
    fixtures: tuple[SourceFile, ...] = ()
    warnings: tuple[Problem, ...] = ()
    key: str = ""
