"""Alerts of what a scheduler does: the rules as they are now, and what they are told of ticks and launches."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

from orchestrator.alert.launches import failed, late, launch_posts, launch_recovery, missed, well
from orchestrator.alert.letter import LINES
from orchestrator.alert.posts import posts
from orchestrator.app.alerts.alerting import FILE, alerting
from orchestrator.core.alert import Alerts, Happening, Post
from orchestrator.core.errors import OrcError
from orchestrator.core.project import Secret, mask
from orchestrator.core.schedule import Launch, Schedule, Tick


class Alarm:
    """The rules of a project, read again when their file changes; one that cannot be read leaves what was known.

    ``schedule`` says what the project says of a schedule now, ``logs`` is the folder of what runs printed, ``secrets`` are in no letter.
    """

    def __init__(
        self,
        root: Path,
        say: Callable[[str], None],
        schedule: Callable[[str], Schedule | None] = lambda _name: None,
        logs: Path | None = None,
        secrets: Sequence[Secret] = (),
    ) -> None:
        self._root = root
        self._say = say
        self.schedule = schedule
        self._logs = logs
        self._secrets = tuple(secrets)
        self._mark: tuple[int, int, int] | bool | None = False
        self._known = Alerts()

    @property
    def alerts(self) -> Alerts:
        """The rules as of now."""
        try:
            facts = (self._root / FILE).stat()
            mark = (facts.st_mtime_ns, facts.st_size, facts.st_ino)
        except OSError:
            mark = None
        if mark != self._mark:
            try:
                self._known = alerting(self._root)
            except OrcError as error:
                for problem in error.problems:
                    self._say(f"{FILE} is not taken over: {problem}")
            self._mark = mark
        return self._known

    def of_ticks(self, ticks: Iterable[Tick], now: datetime) -> Sequence[Post]:
        """What is told of ticks that were just decided."""
        known = self.alerts
        return [p for each in missed(ticks, now) for p in launch_posts(known, each, self.schedule(each.name))] if known else []

    def of_late(self, launch: Launch, now: datetime) -> Sequence[Post]:
        """What is told of a launch that just missed its deadline."""
        known = self.alerts
        return launch_posts(known, late(launch, now, self.tail(launch)), self.schedule(launch.schedule)) if known else []

    def of_end(self, launch: Launch, now: datetime, *, told: bool) -> Sequence[Post]:
        """What is told of a launch that just ended; ``told`` says that its run has written down how it went."""
        known = self.alerts
        if not known:
            return []
        if launch.status == "passed":
            return launch_recovery(known, well(launch, now))
        if launch.status == "timed_out" or (launch.status == "failed" and not told):
            return launch_posts(known, failed(launch, now, self.tail(launch)), self.schedule(launch.schedule))
        return []

    def of(self, happenings: Iterable[Happening]) -> Sequence[Post]:
        """What is told of other things that happen: promises about freshness that are broken, builds that are blocked."""
        known = self.alerts
        return list(posts(known, happenings)) if known else []

    def tail(self, launch: Launch) -> tuple[str, ...]:
        """The last lines that a launch's newest run printed."""
        if self._logs is None or not launch.runs:
            return ()
        try:
            with (self._logs / f"{launch.runs[-1]}.log").open(encoding="utf-8", errors="replace") as lines:
                return tuple(mask(line.rstrip(), self._secrets) for line in deque(lines, LINES) if line.strip())
        except OSError:
            return ()
