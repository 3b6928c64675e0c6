"""Which signals to ask for which waiting launches now, and which launches have waited long enough. Nothing here asks anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from orchestrator.core.duration import spoken
from orchestrator.core.schedule import Board, Launch, LaunchStatus
from orchestrator.schedule.spec import Spec

WAITING = "waiting_signal: "
"""How it begins what a launch is said to wait for when it waits for a signal."""

FIRST = 5.0
"""Seconds between the first two questions; half as many more each time."""

LONGEST = 60.0
"""Seconds between two questions, at most."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What is known of one signal for one launch: how often it was asked, when last, whether it said yes, and what went wrong."""

    count: int = 0
    at: datetime | None = None
    yes: bool = False
    wrong: str = ""

    def again(self) -> datetime | None:
        """When to ask the next time.

        >>> from datetime import UTC
        >>> at = datetime(2026, 1, 1, tzinfo=UTC)
        >>> [(Answered(n, at).again() - at).total_seconds() for n in (1, 2, 3, 20)]
        [5.0, 7.5, 11.25, 60.0]
        """
        return None if self.at is None else self.at + timedelta(seconds=min(FIRST * 1.5 ** (min(self.count, 30) - 1), LONGEST))


Answers = Mapping[tuple[str, str], Answered]
"""By the launch's id and the signal's name."""


@dataclass(frozen=True, slots=True)
class Signals:
    """``ask`` are (launch, signal) whose time has come; ``waits`` says what launches wait for; ``stops`` are those that waited too long."""

    ask: tuple[tuple[str, str], ...] = ()
    waits: Mapping[str, str] = field(default_factory=dict)
    stops: tuple[tuple[str, LaunchStatus, str], ...] = ()


def signals(spec: Spec, board: Board, answers: Answers, now: datetime) -> Signals:
    """Look at the launches that wait. A signal that once said yes for a launch is not asked again for it.

    >>> from datetime import UTC
    >>> from orchestrator.core.schedule import Schedule
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> known = Spec({"n": Schedule("n", every=600, signals=("ready",))})
    >>> found = signals(known, Board(launches=(Launch("n@1", "n", "schedule", at),)), {}, at)
    >>> found.ask, dict(found.waits)
    ((('n@1', 'ready'),), {'n@1': 'waiting_signal: `ready`'})
    """
    ask: list[tuple[str, str]] = []
    waits: dict[str, str] = {}
    stops: list[tuple[str, LaunchStatus, str]] = []
    for launch, names, limit in _waiting(spec, board, now):
        left = [name for name in names if not answers.get((launch.id, name), Answered()).yes]
        if not left:
            continue
        told = ", ".join(_said(name, answers.get((launch.id, name), Answered())) for name in left)
        if limit is not None and now - _since(launch) > timedelta(seconds=limit):
            stops.append((launch.id, "timed_out", f"{WAITING}{told}; signal_timeout is {spoken(limit)}"))
            continue
        waits[launch.id] = f"{WAITING}{told}"
        for name in left:
            again = answers.get((launch.id, name), Answered()).again()
            if again is None or again <= now:
                ask.append((launch.id, name))
    return Signals(tuple(ask), waits, tuple(stops))


def _waiting(spec: Spec, board: Board, now: datetime) -> Iterator[tuple[Launch, tuple[str, ...], int | None]]:
    """Launches that have signals to wait for. One that was begun before goes on without asking again."""
    for each in board.launches:
        entry = spec.entry(each.schedule)
        waits = each.status == "queued" and not each.attempt and (each.not_before is None or each.not_before <= now)
        if waits and entry is not None and entry.signals:
            yield each, entry.signals, entry.signal_timeout


def _since(launch: Launch) -> datetime:
    return max(launch.queued, launch.not_before or launch.queued)


def _said(name: str, known: Answered) -> str:
    if known.at is None:
        return f"`{name}`"
    times = "once" if known.count == 1 else f"{known.count} times"
    return f"`{name}` (asked {times}, last at {known.at:%H:%M:%S} UTC{f': {known.wrong}' if known.wrong else ''})"
