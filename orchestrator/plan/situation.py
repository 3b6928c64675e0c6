"""What the expansion of a node into steps needs to know besides the node."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.core.ports import Dialect
from orchestrator.core.snapshot import Snapshot
from orchestrator.plan.compile import Names


@dataclass(frozen=True, slots=True)
class Situation:
    """What expansion needs to know besides the node: where things are, what exists, and the flags."""

    names: Names
    snapshot: Snapshot
    run: str
    full_refresh: bool = False
    store_failures: bool | None = None
    warn_error: bool = False
    own: bool = True
    schema: str = "main"

    @property
    def dialect(self) -> Dialect:
        """What to say to the engine."""
        return self.names.dialect
