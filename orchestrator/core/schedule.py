"""When to run what: schedules, the ticks that fall due, the launches they cause, and what a scheduler knows at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from orchestrator.core.pool import Pool

Missed = Literal["latest", "skip", "all"]
Overlap = Literal["queue", "skip", "cancel_running", "allow"]
After = Literal["success", "failure", "any"]

TickStatus = Literal["fired", "missed", "skipped_overlap", "coalesced"]
"""How a tick ended; each is final. *coalesced* ticks share the launch that was already waiting."""

LaunchStatus = Literal["queued", "running", "passed", "failed", "cancelled", "timed_out", "skipped"]
"""*skipped* is a run whose ``when`` said no; *failed* has exit codes 1 and 2."""

OVER: frozenset[LaunchStatus] = frozenset({"passed", "failed", "cancelled", "timed_out", "skipped"})
"""Statuses a launch never leaves."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One entry of ``schedules.yml``. Exactly one of ``cron``, ``every`` (seconds) and ``after`` says when.

    ``window`` (``catch_up_window``) and ``timeout`` are seconds. ``deadline`` is a time of day in ``zone`` (``"08:00"``), or
    seconds after the tick. ``on`` says which ends of the schedules in ``after`` count. ``select`` and ``exclude`` are words of the
    selection grammar, ``when`` is a query that has to say true; ``signals`` are asked again and again until they do, for at most
    ``signal_timeout`` seconds. ``older_than`` are seconds without a build after which ``clean`` takes an environment away, ``keep``
    those for which ``prune`` lets runs be remembered.
    """

    name: str
    cron: str | None = None
    every: int | None = None
    after: tuple[str, ...] = ()
    on: After = "success"
    zone: str = "UTC"
    command: str = "build"
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None
    target: str | None = None
    threads: int | None = None
    full_refresh: bool = False
    stale: bool = False
    vars: Mapping[str, Any] = field(default_factory=dict)
    missed: Missed = "latest"
    window: int | None = None
    overlap: Overlap = "queue"
    timeout: int | None = None
    deadline: str | int | None = None
    priority: int = 0
    pool: str | None = None
    when: str | None = None
    enabled: bool = True
    tags: tuple[str, ...] = ()
    owner: str | None = None
    description: str = ""
    signals: tuple[str, ...] = ()
    signal_timeout: int | None = None
    older_than: int | None = None
    keep: int | None = None

    @property
    def timing(self) -> str:
        """All that decides when it ticks, as JSON: another text is another series of ticks."""
        import json

        return json.dumps({"cron": self.cron, "every": self.every, "after": list(self.after), "on": self.on, "zone": self.zone})


@dataclass(frozen=True, slots=True)
class Limits:
    """What all launches together may take. ``pools`` are named limits; a pool nobody set is 1 wide. ``drain`` is in seconds.

    ``fuse`` is how many builds an hour may see that nobody asked for but promises about freshness.
    """

    max_runs: int = 4
    pools: Mapping[str, int] = field(default_factory=dict)
    drain: int = 300
    fuse: int = 20


@dataclass(frozen=True, slots=True)
class Trigger:
    """Something outside that starts a run by a request: ``debounce`` (seconds) lets requests that come close together share one run."""

    name: str
    schedule: Schedule
    debounce: int = 0


@dataclass(frozen=True, slots=True)
class Watch:
    """What is remembered of a schedule: ``since`` when its ``timing`` is known, and up to when (``seen``) its ticks are decided."""

    name: str
    timing: str
    since: datetime
    seen: datetime
    paused: datetime | None = None
    removed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Launch:
    """A run somebody asked the scheduler for: a tick, a request, a person. ``id`` says which; ``attempt`` counts its processes.

    ``due`` is the tick's instant. ``nodes`` are what exactly to build, where that is not its schedule's business, and ``keys`` name by
    node what it would be built from. ``waits`` says what a waiting one waits for. ``runs`` are the ids of its attempts in the history of
    runs, newest last. ``followed`` says that schedules ``after`` it have heard of its end, ``late`` that it was told to have missed its
    deadline. ``stopping`` is the status it will end in because somebody wants its end. ``fence`` is that of the leader that began it.
    ``wish`` is what somebody asked for who named no schedule and no trigger: a command with its options, or the run to retry (``of``).
    ``trace`` is the span (``traceparent``) of who asked for it.
    """

    id: str
    schedule: str
    trigger: str
    queued: datetime
    status: LaunchStatus = "queued"
    due: datetime | None = None
    reason: str = ""
    actor: str = ""
    priority: int = 0
    pool: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    not_before: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    deadline: datetime | None = None
    timeout: int | None = None
    attempt: int = 0
    runs: tuple[str, ...] = ()
    code: int | None = None
    pid: int = 0
    born: str = ""
    host: str = ""
    fence: int = 0
    followed: bool = False
    late: bool = False
    stopping: LaunchStatus | None = None
    nodes: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    waits: str | None = None
    wish: Mapping[str, Any] | None = None
    trace: str | None = None

    @property
    def entry(self) -> Schedule | None:
        """What a launch that belongs to no schedule has to do, as one; ``None`` for all others."""
        if self.wish is None:
            return None
        given: dict[str, Any] = {name: value for name, value in self.wish.items() if name not in ("of", "vars")}
        given |= {name: tuple(given[name]) for name in ("select", "exclude") if name in given}
        return Schedule(self.schedule, overlap="allow", **given)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.status in OVER


@dataclass(frozen=True, slots=True)
class Tick:
    """An instant a schedule was due at, and what became of it. ``launch`` is the run it started or joined."""

    schedule: str
    at: datetime
    status: TickStatus
    reason: str
    launch: str | None = None


@dataclass(frozen=True, slots=True)
class Board:
    """What a scheduler knows at one moment: watches by name; launches that are not over, or that nobody has followed yet.

    ``pools`` are those that somebody set, or that an engine was too small for.
    """

    watches: Mapping[str, Watch] = field(default_factory=dict)
    launches: tuple[Launch, ...] = ()
    pools: Mapping[str, Pool] = field(default_factory=dict)

    def of(self, schedule: str) -> tuple[Launch, ...]:
        """The launches of a schedule that are not over."""
        return tuple(each for each in self.launches if each.schedule == schedule and not each.over)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written down, all of it or nothing: final ticks, the launches of those that fired, how far each schedule is decided.

    ``stops`` are launches to end, each with the status it ends in and the reason; ``followed`` those whose followers have been told;
    ``late`` those that miss their deadline now.
    """

    ticks: tuple[Tick, ...] = ()
    launches: tuple[Launch, ...] = ()
    watches: tuple[Watch, ...] = ()
    stops: tuple[tuple[str, LaunchStatus, str], ...] = ()
    followed: tuple[str, ...] = ()
    late: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.ticks or self.launches or self.watches or self.stops or self.followed or self.late)
