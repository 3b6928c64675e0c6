"""The scheduler's turns: read what is known, decide, write it down, begin and end processes. The loop around it is its caller's."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from orchestrator.core.ports import Clock, Launcher, Timetable
from orchestrator.core.schedule import Board, Decision, Launch, LaunchStatus, Schedule
from orchestrator.record.process import alive
from orchestrator.schedule.decide import admit, decide
from orchestrator.schedule.signals import WAITING
from orchestrator.schedule.spec import Spec
from orchestrator.serve.signalling import Signalling

CRASHES = 3
"""How often a launch's process may die of something nobody asked for before the launch has failed."""

UNBORN = timedelta(seconds=15)
"""A launch whose process nobody wrote down after this long never got one."""

SKIPPED = 99
"""The exit code of a launch whose ``when`` said no."""

ASKED = (130, 143)
"""Exit codes of a process that was asked to end (Ctrl-C, SIGTERM) and did so in good order."""

_CODES: dict[int, LaunchStatus] = {0: "passed", 1: "failed", 2: "failed", SKIPPED: "skipped"}

Say = Callable[[str], None]


def run_of(launch: Launch) -> str:
    """The id of the run that a launch's next attempt makes: known before there is one, to whoever asked for it."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"orc:{launch.id}:{launch.queued.isoformat()}:{launch.attempt + 1}"))


class Scheduler:
    """One scheduler of a project: ``spec`` gives what the project says now, ``fence`` is that of a leader, 0 for one that only passes by.

    Ticks later than ``until`` are left to others, and everything but the launch ``only``, if that is given. ``order`` says what the
    process of a launch has to do, given the id of the run it makes. ``say`` hears what happens, a line each. ``told`` hears of launches
    that are over or late: alerts. ``signals`` has them asked; without, launches that wait for one do not begin. ``promises`` decides what
    has to be built that no schedule asks for.
    """

    def __init__(
        self,
        timetable: Timetable,
        launcher: Launcher,
        clock: Clock,
        spec: Callable[[], Spec],
        order: Callable[[Schedule, Launch, str], Mapping[str, Any]],
        say: Say,
        *,
        host: str,
        fence: int = 0,
        until: datetime | None = None,
        only: str | None = None,
        told: Callable[[Launch, str], None] = lambda _launch, _what: None,
        signals: Signalling | None = None,
        promises: Callable[[Spec, Board, datetime], Decision] | None = None,
    ) -> None:
        self._timetable = timetable
        self._launcher = launcher
        self._clock = clock
        self._spec = spec
        self._order = order
        self._say = say
        self._host = host
        self._fence = fence
        self._until = until
        self._only = only
        self._told = told
        self._signals = signals or Signalling(None)
        self._promises = promises
        self._mine: set[str] = set()
        self._draining = False
        self._waits: dict[str, str] = {}
        self.worst = 0
        """The highest exit code of the launches that this scheduler saw end."""

    @property
    def waiting(self) -> bool:
        """Whether a launch waits for something else than the future to begin, or a signal that just said no."""
        left = (each for each in self._timetable.board().launches if each.status == "queued" and self._only in (None, each.id))
        return any(self._only is not None or not self._signals.declined(each.id) for each in left)

    @property
    def idle(self) -> bool:
        """Whether no process of ours runs."""
        return not self._mine

    def turn(self, *, firing: bool = True) -> None:
        """Everything that is to be done now. Without ``firing`` nothing new begins: what runs is only seen to its end.

        Raises:
            StoreError: the state database refuses, or somebody else leads (S010).
        """
        self._collect(self._launcher.ended())
        if firing:
            self._decide()
            self._promised()
            self._start()
        self._stop()

    def recover(self) -> tuple[str, ...]:
        """Put back what a scheduler left running whose processes are gone; called until nothing of it is left. What still runs is named."""
        left: list[str] = []
        for each in self._timetable.board().launches:
            if each.status != "running" or each.id in self._mine:
                continue
            if each.host != self._host:  # of another machine's processes nothing is known but who leads
                if self._fence and each.fence and each.fence < self._fence:
                    self._return(each, "its scheduler is gone")
            elif not self._lives(each):
                self._return(each, "its process is gone")
            elif self._fence and each.fence and each.fence < self._fence:
                left.append(each.id)
        return tuple(left)

    def drain(self, *, kill: bool = False) -> None:
        """Have what still runs end now; whoever leads next goes on with it."""
        self._draining = True
        for id_ in sorted(self._mine):
            self._launcher.stop(id_, kill=kill)

    def _lives(self, launch: Launch) -> bool:
        if not launch.pid:
            return launch.started is not None and self._clock.now() - launch.started < UNBORN
        return alive(launch.pid, launch.born)

    def _return(self, launch: Launch, why: str) -> None:
        now = self._clock.now()
        if launch.stopping is not None:
            if self._timetable.end(launch.id, launch.stopping, now):
                self._say(f"{launch.id} {launch.stopping}: {launch.reason}")
        elif launch.attempt > CRASHES and not self._draining:
            if self._timetable.end(launch.id, "failed", now, reason=f"its process died {launch.attempt} times"):
                self._say(f"{launch.id} failed: its process died {launch.attempt} times")
        elif self._timetable.hand_over(launch.id, f"{why}; it goes on from where it was", self._fence or None):
            self._say(f"{launch.id} interrupted: {why}; it goes on from where it was")

    def _decide(self) -> None:
        while True:
            now = self._clock.now()
            board = self._timetable.board()
            decision = decide(self._spec(), board, now, self._until)
            if self._only is not None:
                decision = Decision(stops=tuple(stop for stop in decision.stops if stop[0] == self._only))
            if not decision:
                return
            for tick in self._timetable.commit(decision, now, self._fence or None):
                self._say(f"{tick.schedule} {tick.status.replace('_', ' ')} ({tick.at:%Y-%m-%d %H:%M:%S} UTC): {tick.reason}")
            late = {each.id: each for each in board.launches if each.id in decision.late}
            for id_, each in late.items():
                self._say(f"{id_} missed its deadline ({each.deadline:%Y-%m-%d %H:%M} UTC)")
                self._told(each, "deadline_missed")

    def _promised(self) -> None:
        """What promises ask for beside the schedules."""
        if self._promises is None or self._only is not None:
            return
        now = self._clock.now()
        decision = self._promises(self._spec(), self._timetable.board(), now)
        if decision:
            for tick in self._timetable.commit(decision, now, self._fence or None):
                self._say(f"{tick.launch}: {tick.reason}")

    def _start(self) -> None:
        spec, board, now = self._spec(), self._timetable.board(), self._clock.now()
        signalled = self._signals(spec, board, now)
        if signalled.stops:
            self._timetable.commit(Decision(stops=signalled.stops), now, self._fence or None)
            self.worst = max(self.worst, 1)
            for id_, status, why in signalled.stops:
                self._say(f"{id_} {status.replace('_', ' ')}: {why}")
            board = self._timetable.board()
        found, waits = admit(spec, board, now, signalled.waits)
        by_id = {each.id: each for each in board.launches}
        for id_, why in waits.items():
            if self._waits.get(id_, "").partition(" (")[0] != why.partition(" (")[0]:
                self._say(f"{id_} waits for {why.removeprefix(WAITING)}")
        if news := {id_: why for id_, why in waits.items() if by_id[id_].waits != why}:
            self._timetable.waiting(news)
        self._waits = waits
        for id_ in found:
            if self._only not in (None, id_):
                continue
            launch = by_id[id_]
            schedule = launch.entry or spec.entry(launch.schedule)
            if schedule is None:
                continue
            run = run_of(launch)
            if not self._timetable.begin(id_, run, self._clock.now(), self._fence):
                continue
            try:
                pid = self._launcher.start(launch, self._order(schedule, launch, run), run)
            except OSError as error:  # no memory for another process, say
                self._timetable.end(id_, "failed", self._clock.now(), reason=f"it could not be begun: {error}")
                self._say(f"{id_} failed: it could not be begun: {error}")
                continue
            self._mine.add(id_)
            self._timetable.process(id_, pid)
            self._say(f"{id_} begins{f' again, attempt {launch.attempt + 1}' if launch.attempt else ''} as run {run[:8]}")

    def _collect(self, ended: Iterable[tuple[str, int]]) -> None:
        board = {each.id: each for each in self._timetable.board().launches}
        for id_, code in ended:
            self._mine.discard(id_)
            launch = board.get(id_)
            if launch is None or launch.status != "running":
                continue
            self._over(launch, code)

    def _over(self, launch: Launch, code: int) -> None:
        now = self._clock.now()
        status = launch.stopping if launch.stopping is not None and code not in (0, SKIPPED) else _CODES.get(code)
        if status is None and code in ASKED and not self._draining:
            status = "cancelled"
        if status is None:
            self._return(launch, f"its process ended with {f'signal {-code}' if code < 0 else f'code {code}'}")
            return
        self._timetable.end(launch.id, status, now, code=code, reason=launch.reason)
        self.worst = max(self.worst, code if status == "failed" else int(status in ("cancelled", "timed_out")))
        took = f" after {(now - launch.started).total_seconds():.1f} s" if launch.started else ""
        self._say(f"{launch.id} {status.replace('_', ' ')}{took}")
        self._told(launch, status)

    def _stop(self) -> None:
        for each in self._timetable.board().launches:
            if each.id in self._mine and each.stopping is not None:
                self._launcher.stop(each.id)
