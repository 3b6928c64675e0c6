"""What the history of runs can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from orchestrator.core.event import NodeFinished, Noted, Status

RunStatus = Literal["running", "passed", "failed", "cancelled", "interrupted"]
"""*interrupted* is a run whose process died before it could say how it ended; *cancelled* was asked for."""

GOOD = frozenset({Status.PASSED, Status.WARNED, Status.REUSED, Status.NOTHING})
"""Statuses a retry has nothing to do for."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run as history keeps it. ``counts`` are results by status, ``planned`` the ids results were expected for."""

    id: str
    command: str
    target: str
    version: str
    status: RunStatus
    started: datetime
    finished: datetime | None = None
    seconds: float | None = None
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    planned: tuple[str, ...] = ()
    pid: int = 0
    host: str = ""


class History(Protocol):
    """A sink that can be asked about the runs it heard of."""

    def runs(self, limit: int = 20, target: str | None = None) -> tuple[Recorded, ...]:
        """The newest runs, newest first."""
        ...

    def run(self, id_: str) -> Recorded | None:
        """A run by its id, or by the beginning of its id when only one run's begins so."""
        ...

    def last_run(self, target: str | None = None, commands: Iterable[str] = ()) -> Recorded | None:
        """The newest run that is over, however it ended; of one target, or of some commands, when given."""
        ...

    def results(self, id_: str) -> tuple[NodeFinished, ...]:
        """A run's results, in order of completion."""
        ...

    def latest(self, target: str, limit: int, *, tests: bool) -> Iterator[tuple[str, NodeFinished]]:
        """The newest results on a target of each test, or of each other node: at most ``limit``, newest first, node by node,
        with the ids of their runs; without the statements that were sent.
        """
        ...

    def notes(self, id_: str) -> tuple[Noted, ...]:
        """A run's notes, in order."""
        ...

    def unsuccessful(self, id_: str) -> tuple[str, ...]:
        """Ids a retry has to do again: what failed, crashed, was skipped or cancelled, and what the run did not get to."""
        ...


def unsuccessful(planned: Iterable[str], statuses: Mapping[str, Status]) -> tuple[str, ...]:
    """Planned ids without a good result, in order; and ids with a bad one that nobody planned.

    >>> unsuccessful(["a", "b", "c"], {"a": Status.PASSED, "b": Status.FAILED})
    ('b', 'c')
    """
    expected = dict.fromkeys((*planned, *statuses))
    return tuple(node for node in expected if statuses.get(node) not in GOOD)
