"""What one render looked at. Caching is only safe because nothing a template can see goes unrecorded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from orchestrator.core.declaration import Inputs
from orchestrator.core.files import digest


def fact(value: object) -> str:
    """A digest of a value a template saw."""
    return digest(repr(value).encode())


@dataclass(slots=True)
class Recorder:
    """Takes notes during one render; the only mutable thing in this stage, thrown away with it."""

    values: dict[str, str] = field(default_factory=dict)
    volatile: dict[str, None] = field(default_factory=dict)
    macros: dict[str, None] = field(default_factory=dict)
    config: list[dict[str, Any]] = field(default_factory=list)
    depends_on: dict[str, None] = field(default_factory=dict)
    asks_incremental: bool = False

    def saw(self, what: str, value: object) -> None:
        """The template read ``what`` (``var:x``, ``env:X``, ``target:schema``) and got ``value``."""
        self.values[what] = fact(value)

    def saw_digest(self, what: str, content: str) -> None:
        """The template used something that already has a digest (a macro's file)."""
        self.values[what] = content

    def asked(self, what: str) -> None:
        """The template asked for something that differs from run to run."""
        self.volatile[what] = None

    @property
    def inputs(self) -> Inputs:
        """The notes, frozen."""
        return Inputs(dict(self.values), tuple(self.volatile), self.asks_incremental)
