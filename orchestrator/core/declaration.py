"""What a project declares before anything is rendered, and what rendering makes of it. The values between load, render, parse and link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.files import Span
from orchestrator.core.node import Body, Docs, Kind, Node
from orchestrator.core.project import Properties


@dataclass(frozen=True, slots=True)
class Declaration:
    """One resource: its file, its entry in a properties file, and its config so far (project tree, then YAML).

    ``arguments``, ``column``, ``attached`` and ``test_name`` are a generic test's: ``attached`` is ``(kind, name)`` of what
    it tests. ``docs`` is what a properties file tells readers about it; ``patch`` is the whole entry, of those resources only
    that exist by being written there.
    """

    kind: Kind
    name: str
    package: str
    path: str
    fqn: tuple[str, ...]
    config: Mapping[str, Any]
    language: str = "sql"
    patch: Properties | None = None
    line: int = 1
    test_name: str | None = None
    column: str | None = None
    attached: tuple[Kind, str] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    text: str | None = None
    incremental: bool = False
    docs: Docs = field(default_factory=Docs)

    @property
    def span(self) -> Span:
        """Where it is declared."""
        return Span(self.path, self.line)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a render looked at besides its own text: what its result may be cached by.

    ``values`` maps ``var:NAME``, ``env:NAME``, ``target:KEY``, ``macro:NAME`` to a digest of the value seen. ``volatile``
    says the template asked for something that differs from run to run (clock, invocation id, the warehouse): never reuse
    its text for a run. ``asks_incremental`` says it called ``is_incremental()``: there is a second face.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    volatile: tuple[str, ...] = ()
    asks_incremental: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a piece of rendered text was written; ``caller`` is the place of the macro call that produced it."""

    path: str
    line: int
    column: int
    caller: Place | None = None
    macro: str | None = None


@dataclass(frozen=True, slots=True)
class Rendered:
    """A declaration and its text. ``config`` is what ``config()`` calls in the file said."""

    declaration: Declaration
    raw: str
    text: str
    incremental: str | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    inputs: Inputs = Inputs()
    macros: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """A node that knows what it reads by name only, and its body: what ``parse`` hands to ``link``.

    ``wants`` are names that must resolve although no query reads them (``-- depends_on``, config ``depends_on``, Python
    refs), as payloads of markers or plain names, with the line they are written on.
    """

    node: Node
    body: Body
    wants: tuple[tuple[str, int], ...] = ()
    inputs: Inputs = Inputs()
