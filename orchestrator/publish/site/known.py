"""Everything the documentation site is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Described
from orchestrator.graph.inherit import Heritage
from orchestrator.graph.lineage import Point


@dataclass(frozen=True, slots=True)
class WrittenMacro:
    """A macro as its file says it. ``documented`` is its entry in a properties file, empty when it has none."""

    id: str
    path: str
    sql: str
    documented: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Past:
    """How a node or test ended in a past run, in the words of the artifacts; ``took`` is in seconds."""

    run: str
    at: datetime
    outcome: str
    took: float
    rows: int | None = None
    bytes: int | None = None
    failures: int | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a project, from every side; only the graph must be there.

    ``meanings`` and ``heritage`` say what columns are made of and what they inherit. ``compiled`` gives a node's query as it
    would be sent, ``None`` for what has none. ``quoted`` writes a relation in the engine's quoting. ``catalog`` holds what the
    warehouse says, by node; ``history`` a node's or test's results, newest first; ``groups`` the
    entries of properties files by group; ``arrivals`` the results of the last look at sources, by node, as ``sources.json``
    has them.
    """

    graph: Graph
    target: str
    engine: str
    version: str
    generated: datetime
    meanings: Mapping[str, Meaning] = field(default_factory=dict)
    heritage: Mapping[Point, Heritage] = field(default_factory=dict)
    compiled: Callable[[str], str | None] = lambda _: None
    quoted: Callable[[Relation], str] = str
    catalog: Mapping[str, Described] = field(default_factory=dict)
    history: Mapping[str, Sequence[Past]] = field(default_factory=dict)
    macros: Sequence[WrittenMacro] = ()
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arrivals: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    overview: str = ""
