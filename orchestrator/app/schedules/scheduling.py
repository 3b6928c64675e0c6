"""Schedules of a project: what its files say, what a launch does, what a stretch of time would bring."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator.core.duration import spoken
from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.interval import Interval, instant
from orchestrator.core.schedule import Launch, Schedule
from orchestrator.load.schedules import FILE, read_schedules, unreadable
from orchestrator.schedule.cron import instants
from orchestrator.schedule.spec import Spec, spec

REBUILDING = ("build", "run", "seed", "snapshot")
"""Commands that can be told to rebuild from nothing."""


def scheduling(root: Path) -> Spec:
    """What a project says about when to run what; nothing when it has no ``schedules.yml``.

    Raises:
        ConfigError: U085 to U088, all that is wrong with it.
    """
    path = root / FILE
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Spec()
    except OSError as error:
        raise unreadable(FILE, error) from error
    return spec(read_schedules(content))


def named(known: Spec, name: str) -> Schedule:
    """A schedule by its name.

    Raises:
        UsageError: U089, there is none.
    """
    if name in known.schedules or name == known.freshness.name:
        return known.schedules.get(name, known.freshness)
    hint = did_you_mean(name, known.schedules, also=f"`{FILE}` is where schedules are written" if not known.schedules else "")
    raise UsageError(Problem("U089", f"there is no schedule `{name}`", None, hint))


def order(schedule: Schedule, launch: Launch, run: str, shared: Iterable[str] = ()) -> dict[str, Any]:
    """What the process of a launch has to do; ``shared`` are words that every command line gets (folders, profile, target).

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> order(Schedule("n", select=("tag:x",), target="prod"), Launch("n@1", "n", "schedule", at), "r1")["words"]
    ['build', '--select', 'tag:x', '--target', 'prod']
    """
    words = [*_command(schedule), *shared]
    for option, values in (("--select", launch.nodes or schedule.select), ("--exclude", schedule.exclude)):
        for value in values:
            words += [option, value]
    single: dict[str, str | int | None] = {"--selector": schedule.selector, "--target": schedule.target, "--threads": schedule.threads}
    words += [word for option, value in single.items() if value is not None for word in (option, str(value))]
    # what a promise asks for may have been built by somebody else while it waited
    words += ["--stale"] if launch.nodes or (schedule.stale and schedule.command in REBUILDING) else []
    words += ["--full-refresh"] if schedule.full_refresh and schedule.command in REBUILDING else []
    given = {**schedule.vars, **launch.vars}
    if launch.wish is not None and "of" in launch.wish:
        words = ["retry", "--of", launch.wish["of"], *shared, *(["--target", schedule.target] if schedule.target is not None else [])]
    words += ["--vars", json.dumps(given, default=str)] if given else []
    return {
        "words": words,
        "shared": [*shared, *(["--target", schedule.target] if schedule.target is not None else [])],
        "run": run,
        "before": list(launch.runs),
        "when": schedule.when,
        "vars": json.dumps(given, default=str),
        "env": {
            "ORC_TRIGGER": f"{launch.trigger}:{launch.schedule}",
            **({"ORC_ACTOR": launch.actor} if launch.actor else {}),
            **({"TRACEPARENT": launch.trace} if launch.trace else {}),
        },
        "told": {"launch": launch.id, "attempt": launch.attempt + 1},
    }


def _command(schedule: Schedule) -> list[str]:
    """The command, with what it tidies up.

    >>> _command(Schedule("n", command="clean", older_than=604_800))
    ['clean', '--stages', '--older-than', '7d']
    """
    if schedule.command == "clean":
        return ["clean", "--stages", *(["--older-than", spoken(schedule.older_than)] if schedule.older_than is not None else [])]
    if schedule.command == "prune":
        return ["runs", "prune", *(["--keep", spoken(schedule.keep)] if schedule.keep is not None else [])]
    return [schedule.command]


def stretch(text: str, option: str) -> Interval:
    """``FROM..TO``, in UTC unless it says otherwise; a date is its midnight.

    Raises:
        UsageError: U090, it is no stretch of time.
    """
    hint = f"{option} 2026-01-01..2026-01-08, or with times: 2026-01-01T12:00..2026-01-01T18:00+01:00"
    start, dots, end = text.partition("..")
    try:
        found = Interval(instant(start), instant(end))
    except ValueError:
        raise UsageError(Problem("U090", f"`{option} {text}` is no stretch of time", None, hint)) from None
    if not dots or found.start >= found.end:
        raise UsageError(Problem("U090", f"`{option} {text}`: the end comes after the start", None, hint))
    return found


def coming(known: Spec, after: datetime, count: int, paused: Mapping[str, bool]) -> list[tuple[str, datetime]]:
    """The next ticks of each schedule that is enabled and not paused, soonest first."""
    found: list[tuple[str, datetime]] = []
    for name, schedule in known.schedules.items():
        if schedule.enabled and not paused.get(name):
            ticks = instants(schedule, after)
            found += [(name, at) for _, at in zip(range(count), ticks, strict=False)]
    return sorted(found, key=lambda pair: (pair[1], pair[0]))
