"""A run, as a fold over its events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from orchestrator.core.event import (
    BatchFinished,
    BatchStarted,
    Event,
    NodeFinished,
    NodeRetried,
    NodeStarted,
    Noted,
    RunFinished,
    RunStarted,
    Status,
)

BAD = frozenset({Status.FAILED, Status.CRASHED, Status.CANCELLED, Status.PARTIAL})


@dataclass(frozen=True, slots=True)
class Run:
    """What is known about a run so far. ``results`` are in order of completion."""

    id: str = ""
    command: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    results: tuple[NodeFinished, ...] = ()
    notes: tuple[Noted, ...] = ()
    cancelled: bool = False
    seconds: float = 0.0

    def apply(self, event: Event) -> Run:
        """This run, one event later."""
        match event:
            case RunStarted():
                return replace(self, id=event.run, command=event.command, started=event.at, arguments=event.arguments)
            case NodeStarted() | NodeRetried() | BatchStarted() | BatchFinished():
                return self
            case NodeFinished():
                return replace(self, results=(*self.results, event))
            case Noted():
                return replace(self, notes=(*self.notes, event))
            case RunFinished():
                return replace(self, finished=event.at, cancelled=event.cancelled, seconds=event.seconds)

    @classmethod
    def of(cls, events: Iterable[Event]) -> Run:
        """The run that ``events`` tell of. Same value as applying them one by one, in linear time."""
        kept = list(events)
        results = tuple(e for e in kept if isinstance(e, NodeFinished))
        run = cls()
        for event in kept:
            if not isinstance(event, NodeFinished):
                run = run.apply(event)
        return replace(run, results=results)

    @property
    def ok(self) -> bool:
        """Whether everything asked was done and passed (warnings included)."""
        return not self.cancelled and not any(r.status in BAD for r in self.results)

    @property
    def exit_code(self) -> int:
        """0 success, 1 a node or test failed, 130 interrupted."""
        if self.cancelled:
            return 130
        return 0 if self.ok else 1

    def count(self, *statuses: Status) -> int:
        """How many results have one of ``statuses``."""
        return sum(r.status in statuses for r in self.results)
