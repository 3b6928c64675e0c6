"""What the expansion of a node into steps needs to know besides the node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.core.interval import Interval
from orchestrator.core.ports import Dialect
from orchestrator.core.snapshot import Snapshot
from orchestrator.plan.compile import Names


@dataclass(frozen=True, slots=True)
class Situation:
    """What expansion needs to know besides the node: where things are, what exists, the flags, and the run's one ``now``.

    ``environment`` is where a build beside production goes.
    ``later`` says that no table can be made where a check runs: rows that fail are kept when its transaction is over.
    """

    names: Names
    snapshot: Snapshot
    run: str
    full_refresh: bool = False
    store_failures: bool | None = None
    warn_error: bool = False
    own: bool = True
    schema: str = "main"
    now: datetime = datetime(1970, 1, 1, tzinfo=UTC)
    event_times: Interval | None = None
    batches: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    later: bool = False
    environment: str = ""

    @property
    def dialect(self) -> Dialect:
        """What to say to the engine."""
        return self.names.dialect
