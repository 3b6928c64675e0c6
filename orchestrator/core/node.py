"""Nodes: everything a project declares, in one type with several bodies.

A :class:`Node` is the light half: what selection, ordering and planning ask about. Its *body* is the heavy half (texts,
reads, documentation) and is looked up in :class:`~orchestrator.core.graph.Graph` by id, so a warm command that only lists
or orders nodes never decodes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.core.files import Span
from orchestrator.core.names import Relation

Kind = Literal["model", "seed", "snapshot", "source", "test", "unit_test", "analysis", "exposure", "operation"]

BUILDABLE: frozenset[Kind] = frozenset({"model", "seed", "snapshot"})
"""Kinds that become relations."""


@dataclass(frozen=True, slots=True)
class Column:
    """A documented column. ``data_type`` is the author's spelling, or ``None`` when nobody said."""

    name: str
    description: str = ""
    data_type: str | None = None
    tags: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    quote: bool = False
    constraints: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Node:
    """One resource of the project, as linked: every edge resolved.

    ``id`` is dbt's unique id (``model.shop.orders``). ``config`` is effective: all levels already merged.
    ``links`` maps each name as the author wrote it (or ``ref``/``source`` marker) to the id it means.
    ``depends_on`` are the ids of upstream nodes, in order of first appearance. ``relation`` is where the node is (to be)
    built in the current target, ``None`` for what has no relation. ``attached`` is, for tests, the node under test.
    ``content`` is a digest of the node's own text, ``fingerprint`` covers everything that would change its data if it
    changed: content, data config, ancestors.
    """

    id: str
    kind: Kind
    name: str
    package: str
    path: str
    fqn: tuple[str, ...]
    config: Mapping[str, Any]
    language: str = "sql"
    relation: Relation | None = None
    depends_on: tuple[str, ...] = ()
    links: tuple[tuple[str, str], ...] = ()
    attached: str | None = None
    column: str | None = None
    test_name: str | None = None
    source_name: str | None = None
    fingerprint: str = ""
    content: str = ""
    line: int = 1

    @property
    def materialized(self) -> str:
        """``view``, ``table``, ``incremental``, ``ephemeral``, ``seed``, …"""
        return str(self.config.get("materialized", "view"))

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of all config levels."""
        return tuple(self.config.get("tags", ()))

    @property
    def is_ephemeral(self) -> bool:
        """Whether the node is inlined into its readers instead of being built."""
        return self.kind == "model" and self.materialized == "ephemeral"

    @property
    def has_data(self) -> bool:
        """Whether building this node changes data in the warehouse."""
        return self.kind in BUILDABLE and not self.is_ephemeral

    @property
    def span(self) -> Span:
        """Where the node is declared."""
        return Span(self.path, self.line)


@dataclass(frozen=True, slots=True)
class Read:
    """One place in a rendered query that names a relation: ``sql[start:end]`` is ``name`` as written.

    ``qualified`` says that columns may be addressed through the bare name (no alias was given), so a splice that changes
    the last part must alias it back.
    """

    name: str
    start: int
    end: int
    qualified: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Rendered SQL and the facts that were read off it once.

    ``columns`` are the output column names, ``None`` where a star or an unparsed text hides them. ``with_at`` is where a
    further CTE can be inserted right behind an existing ``WITH [RECURSIVE]``; ``None`` when the query has no ``WITH``.
    ``canon`` changes exactly when a token does: comments and layout do not count.
    """

    sql: str
    reads: tuple[Read, ...] = ()
    columns: tuple[str, ...] | None = None
    with_at: int | None = None
    canon: str = ""


@dataclass(frozen=True, slots=True)
class Docs:
    """What the author tells readers about a node. ``line`` is where its columns are written, in ``patch_path``."""

    description: str = ""
    columns: tuple[Column, ...] = ()
    patch_path: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    line: int = 1


@dataclass(frozen=True, slots=True)
class SqlBody:
    """A SQL model, singular test, custom generic test, or analysis.

    ``incremental`` is the face rendered with ``is_incremental()`` true, when the template asks. ``late`` marks a template
    that must be rendered again just before its step (it asks the warehouse, the clock or physical names).
    ``arguments`` are a generic test's arguments, to show and to document.
    """

    raw: str
    query: Query
    incremental: Query | None = None
    late: bool = False
    docs: Docs = Docs()
    macros: tuple[str, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PythonBody:
    """A Python model: the source, read with ``ast`` and never imported to build the graph."""

    raw: str
    docs: Docs = Docs()


@dataclass(frozen=True, slots=True)
class SeedBody:
    """A CSV file; ``checksum`` is the content's digest."""

    checksum: str
    docs: Docs = Docs()


@dataclass(frozen=True, slots=True)
class NativeTestBody:
    """One of the four built-in generic tests; compiled to SQL by the plan, never rendered."""

    arguments: Mapping[str, Any]
    docs: Docs = Docs()


@dataclass(frozen=True, slots=True)
class Fixture:
    """Rows given to, or expected from, a unit test. ``rows`` when written as dict or CSV, ``sql`` otherwise."""

    input: str
    rows: tuple[Mapping[str, Any], ...] | None = None
    sql: str | None = None


@dataclass(frozen=True, slots=True)
class UnitTestBody:
    """A model, inputs to stand in for its parents, and the rows that must come out."""

    model: str
    given: tuple[Fixture, ...]
    expect: Fixture
    overrides: Mapping[str, Any] = field(default_factory=dict)
    docs: Docs = Docs()


@dataclass(frozen=True, slots=True)
class SourceBody:
    """A table somebody else writes."""

    docs: Docs = Docs()
    source_description: str = ""
    loader: str = ""
    loaded_at_field: str | None = None
    freshness: Mapping[str, Any] | None = None
    external: Mapping[str, Any] | None = None
    loaded_at_query: str | None = None


@dataclass(frozen=True, slots=True)
class ExposureBody:
    """A dashboard, notebook or application that reads the project's tables."""

    type: str
    owner: Mapping[str, Any]
    docs: Docs = Docs()
    label: str | None = None
    url: str | None = None
    maturity: str | None = None


@dataclass(frozen=True, slots=True)
class HookBody:
    """One statement of ``on-run-start`` or ``on-run-end``: a template, rendered when it is sent."""

    raw: str
    when: Literal["start", "end"]
    index: int
    docs: Docs = Docs()


Body = SqlBody | PythonBody | SeedBody | NativeTestBody | UnitTestBody | SourceBody | ExposureBody | HookBody
