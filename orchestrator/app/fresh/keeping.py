"""Promises about freshness while a daemon runs: facts are asked for in a process of their own, and what they ask for is decided here."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from orchestrator.core.event import plain
from orchestrator.core.ports import Questions, Reply
from orchestrator.core.promise import Facts, facts_of
from orchestrator.core.schedule import Board, Decision
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.freshness import Condition, Prospect, Ruling, freshness
from orchestrator.schedule.needs import Outlook, needs, next_look
from orchestrator.schedule.spec import Spec

SHORTEST, LONGEST = 15.0, 900.0
"""Seconds between two looks, at least and at most, when nobody says otherwise."""

AGAIN = 30.0
"""Seconds after which a look that failed is tried again; twice as many each time."""

REMEMBERED = 500
"""Builds that are looked at to know what was tried."""

KEY = "facts"


@dataclass
class Keeping:
    """Decides what promises ask for, with the facts of the last look. ``files`` gives another value when the project's files change.

    ``told`` hears of promises that are late, or warned of, or kept again: once each time. A ``single`` look is enough for a process that
    will be gone.
    """

    questions: Questions
    timetable: Timetable
    say: Callable[[str], None]
    shared: Sequence[str] = ()
    files: Callable[[], object] = lambda: None
    told: Callable[[Prospect], None] = lambda _: None
    single: bool = False
    prospects: dict[str, Prospect] = field(default_factory=dict)
    _outlook: Outlook | None = None
    _asked: datetime | None = None
    _failed: int = 0
    _files: object = None
    _due: bool = True
    _running: frozenset[str] = frozenset()
    _looking: bool = False

    def __call__(self, spec: Spec, board: Board, now: datetime) -> Decision:
        """What to do now; nothing until somebody has looked."""
        for reply in self.questions.answers():
            self._hear(reply)
        self._look(spec, board, now)
        if self._outlook is None or not self._outlook.needs or not spec.promised:
            return Decision()
        return self._decided(self._outlook, spec, board, now).decision

    @property
    def looking(self) -> bool:
        """Whether somebody looks now, and nothing was decided on what they see."""
        return self._looking

    def close(self) -> None:
        """Ask no more."""
        self.questions.close()

    def _decided(self, outlook: Outlook, spec: Spec, board: Board, now: datetime) -> Ruling:
        ruling = _ruled(outlook, spec, board, self.timetable, now)
        for id_, each in ruling.prospects.items():
            before = self.prospects.get(id_)
            if each.age != (before.age if before else "kept"):
                self.say(f"`{each.need.name}` is {'fresh again' if each.age == 'kept' else spelled(each)}")
                self.told(each)
            if each.state == "blocked" and (before is None or before.state != "blocked"):
                self.say(f"`{each.need.name}` is not built any more: {each.reason}")
                self.told(each)
        self.prospects = dict(ruling.prospects)
        return ruling

    def _hear(self, reply: Reply) -> None:
        self._looking = False
        if reply.code:
            self._failed += 1
            if self._failed in (1, 10, 100):
                self.say(f"nobody knows how fresh the project is: {reply.why}")
            return
        self._failed = 0
        found = facts_of(json.loads(reply.said))
        if self._outlook is None and found.promised:
            self.say(f"{len(found.promised)} promises about freshness")
        self._outlook = needs(found)

    def _look(self, spec: Spec, board: Board, now: datetime) -> None:
        """Ask when files have changed, when a run has ended, and every so often."""
        if not spec.promised or (self.single and self._asked is not None):
            return
        running = frozenset(e.id for e in board.launches if e.status == "running")
        files = self.files()
        self._due |= files != self._files or bool(self._running - running) or self._late(spec, now)
        self._files, self._running = files, running
        if not self._due or any(e.schedule == spec.freshness.name and not e.over for e in board.launches):
            return
        pause = AGAIN * 2 ** min(self._failed - 1, 4) if self._failed else 0.0
        if self._asked is not None and (now - self._asked).total_seconds() < pause:
            return
        if self.questions.ask(KEY, ["freshness", "facts", *self.shared]):
            self._asked, self._due, self._looking = now, False, True

    def _late(self, spec: Spec, now: datetime) -> bool:
        if self._asked is None or self._failed:
            return True
        if self._outlook is None or not self._outlook.needs:
            return False
        facts = self._outlook.facts
        soon = next_look(facts, self._asked)
        return (now - self._asked).total_seconds() >= interval(spec, facts) or (soon is not None and soon <= now)


def ruled(facts: Facts, spec: Spec, board: Board, timetable: Timetable) -> Ruling:
    """What would be decided on some facts now; nothing is written down."""
    return _ruled(needs(facts), spec, board, timetable, facts.at)


def _ruled(outlook: Outlook, spec: Spec, board: Board, timetable: Timetable, now: datetime) -> Ruling:
    entry = spec.freshness
    watch = board.watches.get(entry.name)
    idle = "paused" if watch is not None and watch.paused is not None else "" if entry.enabled else "not enabled"
    return freshness(outlook, timetable.launches(entry.name, REMEMBERED), now, entry, fuse=spec.limits.fuse, idle=idle)


def interval(spec: Spec, facts: Facts) -> float:
    """Seconds between two looks: a quarter of the shortest age that was promised."""
    if spec.probe is not None:
        return float(spec.probe)
    lags = [p.promise.max_lag for p in facts.promised if p.promise is not None and p.promise.max_lag is not None]
    return max(SHORTEST, min(LONGEST, min(lags, default=LONGEST * 4) / 4))


def spelled(prospect: Prospect) -> str:
    """How old a node's rows are, for people."""
    from orchestrator.core.duration import spoken

    word = "late" if prospect.age == "late" else "about to be late"
    return f"{word}: its rows lack changes for {spoken(prospect.lag)} ({prospect.state}: {prospect.reason})"


def as_data(prospect: Prospect) -> dict[str, object]:
    """A prospect as JSON's values."""
    need = prospect.need
    return {
        "node": need.node,
        "name": need.name,
        "state": prospect.state,
        "reason": prospect.reason,
        "age": prospect.age,
        "lag_seconds": prospect.lag,
        "needed": plain(need.needed),
        "begins": plain(prospect.begins),
        "estimate_seconds": need.lead,
        "builds": list(need.stale),
        "promise": plain({name: getattr(need.promise, name) for name in need.promise.__slots__}),
        "conditions": [_condition(c) for c in prospect.conditions],
    }


def _condition(condition: Condition) -> dict[str, object]:
    found: dict[str, object] = plain(asdict(condition))
    return found
