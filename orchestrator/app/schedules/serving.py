"""``orc serve`` and ``orc schedule --once``: the loop around the scheduler's turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from orchestrator.app.alerts.vigil import Vigil
from orchestrator.app.fresh.keeping import Keeping
from orchestrator.app.schedules.scheduling import order
from orchestrator.app.schedules.watching import Reading
from orchestrator.core.errors import StoreError
from orchestrator.core.ports import Clock, Leadership, Questions
from orchestrator.core.schedule import Launch, Schedule
from orchestrator.record.timetable import Deposed, Timetable
from orchestrator.schedule.freshness import Prospect
from orchestrator.schedule.spec import Spec
from orchestrator.serve.children import Children
from orchestrator.serve.leading import remote
from orchestrator.serve.questions import Children as Asked
from orchestrator.serve.scheduler import Scheduler
from orchestrator.serve.signalling import Signalling

BEAT = 5.0
"""Seconds between two signs of life of a leader."""

ENDING = 40.0
"""Seconds that runs get to end when they are asked to, before they are ended."""

WAIT = "600"
"""Seconds that a launch waits for a warehouse that another one holds, unless ``ORC_LOCK_TIMEOUT`` says otherwise."""

SHORTLY = "20"
"""Seconds that a question waits for it."""


@dataclass
class Pulse:
    """What others may know of the loop: when it last went round, whether it leads, what the project says, the state of its files, and
    what becomes of promises about freshness.
    """

    at: datetime = field(default_factory=lambda: datetime.now(UTC))
    leads: bool = False
    spec: Spec = field(default_factory=Spec)
    files: int | None = None
    prospects: Callable[[], Mapping[str, Prospect]] = dict


@dataclass(frozen=True, slots=True)
class Daemon:
    """What the loop needs of its surroundings. ``shared`` are words for every command line; ``ending`` says that somebody wants an end."""

    root: Path
    timetable: Timetable
    clock: Clock
    env: Mapping[str, str]
    host: str
    say: Callable[[str], None]
    ending: Callable[[], bool]
    shared: tuple[str, ...] = ()
    poll: float = 1.0
    pulse: Pulse = field(default_factory=Pulse)
    sleep: Callable[[float], None] = time.sleep
    vigil: Vigil | None = None

    def keeping(self, files: Callable[[], object] = lambda: None, *, single: bool = False) -> Keeping:
        """Promises about freshness in these surroundings; ``files`` gives another value when the project's files change."""
        return Keeping(self.questions(), self.timetable, self.say, self.shared, files, single=single)

    @property
    def state(self) -> Path:
        """Where locks and logs are."""
        return self.root / ".orchestrator"

    def children(self) -> Children:
        """Processes for launches."""
        return Children(self.root, self.state / "logs", {"ORC_LOCK_TIMEOUT": WAIT, **self.env})

    def ordered(self, schedule: Schedule, launch: Launch, run: str) -> dict[str, Any]:
        """What a launch's process has to do."""
        return order(schedule, launch, run, self.shared)

    def questions(self) -> Questions:
        """Short questions, each in a process of its own: they do not wait long for whoever holds the warehouse."""
        return Asked(self.root, {"ORC_LOCK_TIMEOUT": SHORTLY, **self.env})

    def scheduler(self, spec: Callable[[], Spec], **more: Any) -> Scheduler:
        """A scheduler in these surroundings."""
        return Scheduler(self.timetable, self.children(), self.clock, spec, self.ordered, self.say, host=self.host, **more)


def once(daemon: Daemon, spec: Spec, *, only: str | None = None) -> int:
    """Decide what is due now, run it with what follows it, and return the worst exit code; or run ``only`` one launch."""
    until = daemon.clock.now()
    daemon.pulse.spec = spec
    signals, keeping = (
        Signalling(daemon.questions(), daemon.shared),
        daemon.keeping(single=True) if spec.promised and only is None else None,
    )
    if daemon.vigil is not None and keeping is not None:
        daemon.vigil.prospects = lambda: keeping.prospects
    try:
        return _once(daemon, daemon.scheduler(lambda: spec, until=until, only=only, signals=signals, promises=keeping), only, keeping)
    finally:
        signals.close()
        if keeping is not None:
            keeping.close()
        if daemon.vigil is not None:
            daemon.vigil.close()


def _once(daemon: Daemon, scheduler: Scheduler, only: str | None, keeping: Keeping | None) -> int:
    scheduler.recover()
    while True:
        scheduler.turn(firing=not daemon.ending())
        if daemon.vigil is not None:
            daemon.vigil(beats=only is None)
        looking = keeping is not None and keeping.looking
        if scheduler.idle and (daemon.ending() or not (scheduler.waiting or looking)):
            return scheduler.worst if only is None else _end_of(daemon, only, scheduler.worst)
        if daemon.ending():
            scheduler.drain()
        daemon.sleep(min(daemon.poll, 0.2))


def _end_of(daemon: Daemon, id_: str, code: int) -> int:
    """The exit code of one launch; an `orc serve` may have been quicker to begin it."""
    told = False
    while (launch := daemon.timetable.launch(id_)) is not None and not launch.over and not daemon.ending():
        if not told:
            daemon.say(f"{id_} is run by `orc serve`")
            told = True
        _pause(daemon, daemon.poll)
    if launch is None or not told:
        return code
    return 0 if launch.status in ("passed", "skipped") else launch.code if launch.status == "failed" and launch.code else 1


def serve(daemon: Daemon, leading: Leadership) -> None:
    """Lead when nobody else does, and do what is due, until somebody wants an end.

    Raises:
        StoreError: S010, somebody else leads though we have the lock; S011, the lock cannot be had here.
        ConfigError: ``schedules.yml`` cannot be read at the start.
    """
    reading = Reading(daemon.root, daemon.say, daemon.clock.monotonic, daemon.shared, daemon.env)
    found = reading()
    daemon.say(f"{len(found.schedules)} schedules, {len(found.triggers)} triggers")
    if kind := remote(daemon.state):
        daemon.say(f"warning: {daemon.state} is on {kind}: a lock there may not hold between machines; serve from one host only")
    try:
        _serve(daemon, reading, leading)
    finally:
        reading.close()


def _serve(daemon: Daemon, reading: Reading, leading: Leadership) -> None:
    standby = False
    while not daemon.ending():
        daemon.pulse.at, daemon.pulse.spec, daemon.pulse.files = daemon.clock.now(), reading(), reading.files
        try:
            leads = leading.take()
        except StoreError as error:
            if error.first.code != "S008":  # a server may come back
                raise
            daemon.say(str(error))
            leads = False
        if leads:
            standby = False
            daemon.pulse.leads = True
            _lead(daemon, reading, leading)
            daemon.pulse.leads = False
            leading.leave()
            _pause(daemon, daemon.poll)
            continue
        if not standby:
            daemon.say("another `orc serve` leads here: standing by")
            standby = True
        _pause(daemon, daemon.poll)


def _lead(daemon: Daemon, reading: Reading, leading: Leadership) -> None:
    """Lead until somebody wants an end, or the lock is lost."""
    try:
        fence = daemon.timetable.lead(daemon.clock.now())
    except StoreError as error:  # busy: the next turn tries again, or another daemon does
        daemon.say(str(error))
        return
    daemon.say(f"leading (term {fence})")
    signals, keeping = Signalling(daemon.questions(), daemon.shared), daemon.keeping(lambda: reading.mark)
    scheduler = daemon.scheduler(reading, fence=fence, signals=signals, promises=keeping)
    if daemon.vigil is not None:
        daemon.vigil.prospects = lambda: keeping.prospects
    daemon.pulse.prospects = lambda: keeping.prospects
    try:
        _leads(daemon, scheduler, reading, leading, fence)
    finally:
        daemon.pulse.prospects = dict
        signals.close()
        keeping.close()


def _leads(daemon: Daemon, scheduler: Scheduler, reading: Reading, leading: Leadership, fence: int) -> None:
    beaten = daemon.clock.monotonic()
    left: tuple[str, ...] = ("what was before",)
    while not daemon.ending():
        daemon.pulse.at, daemon.pulse.spec, daemon.pulse.files = daemon.clock.now(), reading(), reading.files
        try:
            if left:
                left = scheduler.recover()
            scheduler.turn()
            if daemon.vigil is not None:
                daemon.vigil()
            if daemon.clock.monotonic() - beaten >= BEAT:
                if not leading.take():
                    daemon.say("the lock is lost: what runs is ended, another may lead")
                    scheduler.drain(kill=True)
                    return
                daemon.timetable.beat(fence, daemon.clock.now())
                beaten = daemon.clock.monotonic()
                scheduler.recover()  # what `orc schedule --once` began and did not end
        except Deposed:
            scheduler.drain(kill=True)
            raise
        except StoreError as error:  # busy, or a full disk: what runs goes on, and the next turn tries again
            daemon.say(str(error))
        _pause(daemon, daemon.poll)
    _drain(daemon, scheduler, reading)


def _drain(daemon: Daemon, scheduler: Scheduler, reading: Reading) -> None:
    """Let runs end by themselves, then ask them, then end them; what did not end goes on under the next leader."""
    limit = reading().limits.drain
    if not scheduler.idle:
        daemon.say(f"stopping: nothing new begins; what runs has {limit} s")
    _until_idle(daemon, scheduler, limit)
    for kill in (False, True):
        if not scheduler.idle:
            scheduler.drain(kill=kill)
            _until_idle(daemon, scheduler, ENDING)
    if daemon.vigil is not None:
        daemon.vigil.close()
    daemon.say("stopped")


def _until_idle(daemon: Daemon, scheduler: Scheduler, seconds: float) -> None:
    until = daemon.clock.monotonic() + seconds
    while not scheduler.idle and daemon.clock.monotonic() < until:
        scheduler.turn(firing=False)
        daemon.sleep(min(daemon.poll, 0.2))


def _pause(daemon: Daemon, seconds: float) -> None:
    """Sleep in small pieces: a signal's flag is looked at soon."""
    until = daemon.clock.monotonic() + seconds
    while not daemon.ending() and (left := until - daemon.clock.monotonic()) > 0:
        daemon.sleep(min(left, 0.2))
