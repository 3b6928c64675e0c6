"""What a run is called in alerts: its schedule, or the command as it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.core.alert import COMMAND, SCHEDULE
from orchestrator.core.config import listed

OPTIONS = (("--select", "select"), ("--exclude", "exclude"), ("--selector", "selector"), ("--target", "target"))


def subject(trigger: str, command: str, arguments: Mapping[str, Any]) -> tuple[str, str]:
    """The subject of incidents of a run, and its name for people. A later run of the same subject says whether it is well again.

    >>> subject("schedule:nightly", "build", {}), subject("cli", "build", {"select": ["tag:daily"]})
    (('schedule:nightly', 'nightly'), ('orc build --select tag:daily', 'orc build --select tag:daily'))
    """
    _, colon, name = trigger.partition(":")
    if colon and name:
        return f"{SCHEDULE}{name}", name
    words = [f"{option} {' '.join(map(str, listed(given)))}" for option, key in OPTIONS if (given := arguments.get(key))]
    said = " ".join([f"{COMMAND}{command}", *words])
    return said, said
