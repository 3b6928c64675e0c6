"""An earlier state of a project, as its manifest tells of it: what was where, made of which text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.core.names import Relation


@dataclass(frozen=True, slots=True)
class Told:
    """A node as a manifest tells of it. ``raw`` is its text as written, ``checksum`` that of its file (a seed's rows).

    ``relation`` is where it was built, ``None`` for what is built nowhere. ``rest`` is what else its kind says about it (what a test
    is given, where a source is, who owns an exposure), as plain values.
    """

    id: str
    kind: str
    relation: Relation | None = None
    raw: str = ""
    checksum: str = ""
    path: str = ""
    fqn: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    description: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    contract: str = ""
    depends_on: tuple[str, ...] = ()
    macros: tuple[str, ...] = ()
    rest: Any = None


@dataclass(frozen=True, slots=True)
class State:
    """What a manifest tells. ``macros`` are the texts of macros by id. ``path`` is the file, ``generated`` when it was written.

    ``results`` are the outcomes of the run beside it by node (``run_results.json``), ``None`` when there is no such file; so are
    ``sources``, the states of sources and how fresh they were (``sources.json``).
    """

    path: str
    nodes: Mapping[str, Told]
    macros: Mapping[str, str] = field(default_factory=dict)
    generated: str = ""
    results: Mapping[str, str] | None = None
    sources: Mapping[str, tuple[str, datetime | None]] | None = None
