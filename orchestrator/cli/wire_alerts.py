"""The composition root's part about alerts: who keeps letters, who brings them, who watches beside a daemon's turns."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.cli import wire


def outbox(root: Path) -> Any:
    """A project's alerts that wait, or were sent."""
    from orchestrator.record.outbox import Outbox

    return Outbox(wire.state(root))


def sending(root: Path, options: Mapping[str, Any] | None = None) -> Any:
    """What it takes to send alerts. ``options`` are those that the project is opened with, when an exposure's address is wanted."""
    from orchestrator.adapters.courier import Courier
    from orchestrator.app.alerts.announcing import address
    from orchestrator.app.alerts.posting import Sending

    def exposure(id_: str) -> tuple[str, str]:
        from orchestrator.app.opening import open_workspace

        return address(open_workspace(wire.invocation({**(options or {}), "project_dir": str(root)}, "alerts")), id_)

    clock = wire.SystemClock()
    return Sending(root, outbox(root), Courier(clock.now), clock, dict(os.environ), exposure)


def watching(root: Path, say: Callable[[str], None], schedule: Callable[[str], Any]) -> tuple[Any, Any]:
    """What is known of a project's schedules, with alerts of what becomes of it; and a vigil. ``schedule`` gives one by its name."""
    from orchestrator.adapters.courier import ping
    from orchestrator.app.alerts.alarm import Alarm
    from orchestrator.app.alerts.vigil import Vigil

    letters = sending(root)
    alarm = Alarm(root, say, schedule, root / ".orchestrator" / "logs", letters.secrets)
    times = wire.timetable(root, alarm)
    return times, Vigil(alarm, letters, times, wire.history(root), say, ping)
