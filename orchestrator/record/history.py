"""What the history of runs can be asked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from orchestrator.core.chronicle import Recorded, RunStatus, Sought, Tried
from orchestrator.core.event import Grounds, NodeFinished, NodeRetried, Noted, Status

__all__ = [
    "BUILT",
    "GOOD",
    "REMEMBERED",
    "UNTOLD",
    "History",
    "Recorded",
    "RunStatus",
    "Sought",
    "Tried",
    "is_attempt",
    "tried",
    "unsuccessful",
]

REMEMBERED = 10
"""How many of its last builds say how long a node takes."""

GOOD = frozenset({Status.PASSED, Status.WARNED, Status.REUSED, Status.NOTHING})
"""Statuses a retry has nothing to do for."""

BUILT = (Status.PASSED, Status.WARNED)
"""Statuses of what was done to its end, and so took its time."""


class History(Protocol):
    """A sink that can be asked about the runs it heard of."""

    def runs(self, limit: int = 20, target: str | None = None, sought: Sought | None = None) -> tuple[Recorded, ...]:
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

    def durations(self, target: str, nodes: Sequence[str], last: int = REMEMBERED) -> Mapping[str, tuple[float, ...]]:
        """What the last good builds of nodes on a target took, in seconds, newest first; those of a part of the rows do not count."""
        ...

    def newest(self, target: str, runs: int) -> tuple[tuple[str, NodeFinished], ...]:
        """The newest result of each node and test in the last ``runs`` runs on a target, with its run's id; without statements."""
        ...

    def notes(self, id_: str, node: str | None = None, attempt: int | None = None) -> tuple[Noted, ...]:
        """A run's notes, in order; of one node, of one attempt at it."""
        ...

    def attempts(self, id_: str, node: str | None = None) -> tuple[Tried, ...]:
        """A run's attempts, in order of their ends."""
        ...

    def grounds(self, id_: str) -> Mapping[str, Grounds]:
        """Why each node was in a run, and what it would have been built from, by id."""
        ...

    def events(self, id_: str, after: int = -1) -> tuple[tuple[int, Mapping[str, Any]], ...]:
        """A run's events behind number ``after``, as JSON without statements, each with its number."""
        ...

    def prune(self, before: datetime) -> int:
        """Forget the runs that ended before an instant, and what only they knew; returns how many."""
        ...

    def unsuccessful(self, id_: str) -> tuple[str, ...]:
        """Ids a retry has to do again: what failed, crashed, was skipped or cancelled, and what the run did not get to."""
        ...


UNTOLD = frozenset({"sql", "planned", "arguments"})
"""Fields of an event that its JSON in history leaves out: they are kept elsewhere, once."""


def is_attempt(event: NodeRetried | NodeFinished) -> bool:
    """Whether an event ends an attempt: somebody tried, and it was no test, of which a model's attempt is made."""
    return isinstance(event, NodeRetried) or (
        event.status not in (Status.SKIPPED, Status.REUSED) and event.kind not in ("test", "unit_test")
    )


def tried(event: NodeRetried | NodeFinished) -> Tried:
    """The attempt that an event ends."""
    cause, wait = event.cause, event.wait if isinstance(event, NodeRetried) else None
    ended = (event.started, event.at, event.seconds, wait, event.message, event.problem, event.sql)
    return Tried(event.node, event.attempt, event.label, event.status, cause, *ended)


def unsuccessful(planned: Iterable[str], statuses: Mapping[str, Status]) -> tuple[str, ...]:
    """Planned ids without a good result, in order; and ids with a bad one that nobody planned.

    >>> unsuccessful(["a", "b", "c"], {"a": Status.PASSED, "b": Status.FAILED})
    ('b', 'c')
    """
    expected = dict.fromkeys((*planned, *statuses))
    return tuple(node for node in expected if statuses.get(node) not in GOOD)
