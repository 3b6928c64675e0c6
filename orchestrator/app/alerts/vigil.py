"""What a daemon does beside its turns: letters are sent, runs that may be late are told of, and somebody hears that it lives."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.alert.launches import at_risk, launch_posts
from orchestrator.alert.posts import post, recovery
from orchestrator.alert.remaining import remaining, usually
from orchestrator.app.alerts.alarm import Alarm
from orchestrator.app.alerts.posting import Sending, filled, send
from orchestrator.core.alert import Happening, Post
from orchestrator.core.duration import spoken
from orchestrator.core.errors import OrcError
from orchestrator.core.schedule import Launch

if TYPE_CHECKING:
    from orchestrator.record.history import History
    from orchestrator.record.timetable import Timetable
    from orchestrator.schedule.freshness import Prospect

HEARTBEAT = 60.0
"""Seconds between two signs of life."""

ROUND = 5.0
"""Seconds between two looks into the outbox."""

WATCH = 30.0
"""Seconds between two looks at runs that have a deadline."""

LOOKED_BACK = 30
"""Earlier runs and builds that say how long one takes."""

PATIENCE = 10.0
"""Seconds that whoever hears the heartbeat may take."""


@dataclass
class Vigil:
    """Called once each turn by a daemon that leads; nothing it does may fail or hold up a turn. ``ping`` asks for a web page."""

    alarm: Alarm
    sending: Sending
    timetable: Timetable
    history: History
    say: Callable[[str], None]
    ping: Callable[[str], None]
    prospects: Callable[[], Mapping[str, Prospect]] = dict
    _next: dict[str, float] = field(default_factory=dict)
    _threads: dict[str, threading.Thread] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)

    def __call__(self, *, beats: bool = True) -> None:
        """Do what is due; with ``beats`` somebody hears that schedules are looked after."""
        alerts = self.alarm.alerts
        if beats and alerts.heartbeat_url and self._due("heartbeat", HEARTBEAT):
            self._beside("heartbeat", lambda: self.ping(filled(alerts.heartbeat_url or "", self.sending.env)))
        if not alerts:
            return
        heard = frozenset[str]().union(*(rule.opening for rule in alerts.rules.values()))
        if self._due("watch", WATCH):
            if "deadline_at_risk" in heard:
                self._guarded("watch", self.watch)
            if heard & {"freshness_breached", "blocked"}:
                self._guarded("promises", self.promises)
        if self._due("round", ROUND):
            self._beside("round", self.round)

    def close(self, seconds: float = PATIENCE) -> None:
        """Send what is due for the last time, and wait for that so long."""
        for thread in self._threads.values():
            thread.join(seconds)
        if self.alarm.alerts:
            self._beside("round", self.round)  # what was written while the last one looked
            self._threads["round"].join(seconds)

    def round(self) -> None:
        """Send what is due."""
        for sealed, why in send(self.sending, alerts=self.alarm.alerts).refused:
            self.say(f"the alert `{sealed.rule}` has not arrived ({sealed.letter.title}): {why}")

    def watch(self) -> None:
        """Tell of the runs that will be late, as their history tells."""
        now = self.sending.clock.now()
        for launch in self.timetable.board().launches:
            if launch.over or launch.late or launch.deadline is None or launch.deadline <= now:
                continue
            needs = self.needs(launch, now)
            if needs > (launch.deadline - now).total_seconds():
                found = at_risk(launch, now, needs, self.alarm.tail(launch))
                self.sending.outbox.enclose(launch_posts(self.alarm.alerts, found, self.alarm.schedule(launch.schedule)))

    def promises(self) -> None:
        """Tell of promises about freshness that are broken, of builds that are not tried any more, and of those that are well again."""
        now = self.sending.clock.now()
        posts: list[Post] = []
        for id_, each in self.prospects().items():
            for kind, ill, why in (
                ("freshness_breached", each.age == "late", f"its data is {spoken(each.lag)} old"),
                ("blocked", each.state == "blocked", f"it is not built any more: {each.reason}"),
            ):
                found = Happening(frozenset({kind}), id_, each.need.name, now, why, commands=(f"orc freshness explain {each.need.name}",))
                for rule in self.alarm.alerts.rules.values():
                    if kind in rule.opening:
                        said = replace(found, what=f"{each.need.name} is well again")
                        posts.append(post(self.alarm.alerts, rule, [found]) if ill else recovery(self.alarm.alerts, rule, [said]))
        self.sending.outbox.enclose(posts)

    def needs(self, launch: Launch, now: datetime) -> float:
        """The seconds that a launch needs from now: by what is left of its nodes, and by what its schedule's runs took."""
        before = self.timetable.launches(launch.schedule, LOOKED_BACK)
        took = [(e.finished - e.started).total_seconds() for e in before if e.status == "passed" and e.started and e.finished]
        since = (now - launch.started).total_seconds() if launch.status == "running" and launch.started else 0.0
        as_a_whole = max(usually(took) - since, 0.0)
        return max(as_a_whole, self._by_node(launch, now)) if launch.status == "running" else as_a_whole

    def _by_node(self, launch: Launch, now: datetime) -> float:
        run = self.history.run(launch.runs[-1]) if launch.runs else None
        if run is None:
            return 0.0
        over = {event.node for event in self.history.results(run.id)}
        running: dict[str, float] = {}
        for _, body in self.history.events(run.id):
            if body["event"] == "NodeStarted" and body["node"] not in over:
                running[body["node"]] = (now - datetime.fromisoformat(body["at"])).total_seconds()
        parents = {id_: tuple(why.parts.get("upstream", {})) for id_, why in self.history.grounds(run.id).items()}
        left = [id_ for id_ in run.planned if id_ not in over]
        needs = {id_: usually(seconds) for id_, seconds in self.history.durations(run.target, left, LOOKED_BACK).items()} if left else {}
        return remaining(run.planned, over, running, needs, parents)

    # How it is done

    def _due(self, what: str, every: float) -> bool:
        now = self.sending.clock.monotonic()
        if now < self._next.get(what, float("-inf")):
            return False
        self._next[what] = now + every
        return True

    def _beside(self, what: str, work: Callable[[], None]) -> None:
        """Do it in a thread, unless the last one has not ended."""
        before = self._threads.get(what)
        if before is not None and before.is_alive():
            return
        thread = threading.Thread(target=self._guarded, args=(what, work), name=f"orc-{what}", daemon=True)
        self._threads[what] = thread
        thread.start()

    def _guarded(self, what: str, work: Callable[[], None]) -> None:
        """Whatever goes wrong is said once, and again when it is something else."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  # an alert's failure is no failure of the daemon
            text = str(error.first) if isinstance(error, OrcError) else f"{type(error).__name__}: {error}"
            if self._said.get(what) != text:
                self.say(f"alerts: {text}")
            self._said[what] = text
        else:
            self._said.pop(what, None)
