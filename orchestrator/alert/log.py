"""Events as lines of a log, for messages."""

from __future__ import annotations

from datetime import UTC

from orchestrator.core.duration import spoken
from orchestrator.core.event import Event, NodeFinished, NodeRetried, NodeStarted, Noted, Status


def line(event: Event) -> str:
    """One line, or nothing for what nobody needs to read.

    >>> from datetime import datetime
    >>> line(Noted(datetime(2026, 1, 1, 9, 14, tzinfo=UTC), "warn", "no rows"))
    '09:14:00Z WARN no rows'
    """
    match event:
        case NodeStarted():
            again = f" (attempt {event.attempt})" if event.attempt > 1 else ""
            said = f"START {event.label}{again}"
        case NodeRetried():
            said = f"RETRY {event.label}: {event.message}"
        case NodeFinished() if event.status is not Status.SKIPPED:
            message = f": {event.message}" if event.message else ""
            said = f"{event.outcome.upper()} {event.label} [{spoken(event.seconds)}]{message}"
        case Noted():
            said = f"{event.level.upper()} {event.message}"
        case _:
            return ""
    return f"{event.at.astimezone(UTC):%H:%M:%S}Z {' '.join(said.split())}"
