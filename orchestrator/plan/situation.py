"""What the expansion of a node into steps needs to know besides the node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.core.interval import Interval
from orchestrator.core.node import Node
from orchestrator.core.ports import Dialect
from orchestrator.core.snapshot import Snapshot, marked, share_of
from orchestrator.plan.compile import Names


@dataclass(frozen=True, slots=True)
class Situation:
    """What expansion needs to know besides the node: where things are, what exists, the flags, and the run's one ``now``.

    ``sample`` is the share of keys that a build beside the real thing reads.
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
    sample: float | None = None

    @property
    def dialect(self) -> Dialect:
        """What to say to the engine."""
        return self.names.dialect

    def refreshes(self, node: Node) -> bool:
        """Whether an incremental model begins anew: when asked to, and where a sample and the real thing would end up in one table."""
        row = self.snapshot.ledger.get(node.id)
        return self.full_refresh or (row is not None and share_of(row.fingerprint) != self.sample and bool(row.fingerprint))

    def fingerprint(self, node: Node) -> str:
        """What the ledger says a node was built from."""
        return marked(node.fingerprint, self.sample)
