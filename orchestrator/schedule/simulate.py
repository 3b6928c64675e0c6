"""A stretch of time gone through with a clock of our own: what would fire, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.core.interval import Interval
from orchestrator.core.promise import Facts
from orchestrator.core.schedule import Board, Decision, Launch, Tick, Watch
from orchestrator.schedule.cron import instants
from orchestrator.schedule.decide import admit, decide
from orchestrator.schedule.freshness import NAME, freshness
from orchestrator.schedule.needs import longest, needs
from orchestrator.schedule.remember import applied, began, ended
from orchestrator.schedule.spec import Spec
from orchestrator.schedule.world import World, arrived, built


def simulate(
    spec: Spec,
    start: datetime,
    end: datetime,
    *,
    down: Iterable[Interval] = (),
    paused: Iterable[Interval] = (),
    takes: Mapping[str, float] | None = None,
    world: World | None = None,
) -> tuple[Tick, ...]:
    """The ticks from ``start`` (included) to ``end`` (excluded), in the order in which they are decided.

    In the intervals ``down`` no scheduler runs; in those of ``paused`` all schedules are paused. A run of a schedule takes so many seconds
    (default: none) and succeeds.
    With a ``world`` its promises about freshness are kept, too; those builds take what is known of their nodes.

    >>> from datetime import UTC
    >>> from orchestrator.core.schedule import Schedule
    >>> day = datetime(2026, 1, 1, tzinfo=UTC)
    >>> [str(t.at) for t in simulate(Spec({"n": Schedule("n", every=43200)}), day, day + timedelta(days=1))]
    ['2026-01-01 00:00:00+00:00', '2026-01-01 12:00:00+00:00']
    """
    before = start - timedelta(microseconds=1)
    promises = None if world is None else _Promises(world, spec, takes or {}, start)
    board = Board({n: Watch(n, s.timing, before, before) for n, s in spec.schedules.items()})
    absent, still = sorted(down), sorted(paused)
    ticks: list[Tick] = []
    now = start
    while now < end:
        if away := next((i for i in absent if i.start <= now < i.end), None):
            now = away.end
            continue
        asleep = any(i.start <= now < i.end for i in still)
        board = replace(board, watches={n: replace(w, paused=now if asleep else None) for n, w in board.watches.items()})
        while decision := decide(spec, board, now):
            ticks += decision.ticks
            board = applied(board, decision)
            for each in board.launches:
                if each.stopping:
                    board = ended(board, each.id, each.stopping, now)
        if promises is not None and not asleep:
            decision = promises.decide(board, now)
            ticks += decision.ticks
            board = applied(board, decision)
        for id_ in admit(spec, board, now)[0]:
            board = began(board, id_, now)
            if promises is not None:
                promises.began(id_)
        lasts = promises.takes if promises is not None else lambda each: (takes or {}).get(each.schedule, 0)
        board, over = _over(board, lasts, now)
        if promises is not None:
            promises.over(over, now)
        if not over:
            coming = promises.coming(now) if promises is not None else ()
            now = _next(spec, board, lasts, now, (*absent, *still), (end, *coming))
    return tuple(ticks)


class _Promises:
    """The world as the simulation goes on, and the builds that its promises asked for."""

    def __init__(self, world: World, spec: Spec, takes: Mapping[str, float], start: datetime) -> None:
        self._facts, self._arrivals = replace(world.facts, at=start), world.arrivals
        self._spec, self._takes = spec, takes
        self._next = {source: start + timedelta(seconds=every) for source, every in world.arrivals.items()}
        self._launches: dict[str, Launch] = {}
        self._began: dict[str, Facts] = {}
        self._outlook = needs(self._facts)
        self._begins: tuple[datetime, ...] = ()

    def decide(self, board: Board, now: datetime) -> Decision:
        """What promises ask for now."""
        for source, at in self._next.items():
            while self._next[source] <= now:
                self._facts = arrived(self._facts, source, self._next[source])
                self._next[source] += timedelta(seconds=self._arrivals[source])
            if at != self._next[source]:
                self._outlook = needs(self._facts)
        self._launches |= {each.id: each for each in board.launches if each.schedule == NAME}
        kept = sorted(self._launches.values(), key=lambda each: each.queued, reverse=True)
        ruling = freshness(self._outlook, kept, now, self._spec.freshness, fuse=self._spec.limits.fuse)
        self._begins = tuple(p.begins for p in ruling.prospects.values() if p.begins is not None and p.begins > now)
        self._launches |= {each.id: each for each in ruling.decision.launches}
        return ruling.decision

    def began(self, id_: str) -> None:
        """A launch began: what sources hold now is what it reads."""
        self._began[id_] = self._facts

    def takes(self, launch: Launch) -> float:
        """Seconds that a launch takes."""
        if launch.schedule != NAME or NAME in self._takes:
            return self._takes.get(launch.schedule, 0)
        return sum(seconds for _, seconds in longest(launch.keys.keys(), self._facts.nodes))

    def over(self, done: Iterable[Launch], now: datetime) -> None:
        """Launches ended well."""
        for each in done:
            if each.schedule == NAME:
                self._launches[each.id] = each
                self._facts = built(self._facts, each.keys.keys(), now, each.id, self._began.get(each.id))
                self._outlook = needs(self._facts)

    def coming(self, now: datetime) -> tuple[datetime, ...]:
        """When something may happen next."""
        return (*(at for at in self._next.values() if at > now), *self._begins)


def _over(board: Board, lasts: Callable[[Launch], float], now: datetime) -> tuple[Board, tuple[Launch, ...]]:
    """The board without the runs that have taken their time, and those as they ended."""
    done = [e.id for e in board.launches if e.status == "running" and e.started and _until(e.started, lasts(e)) <= now]
    for id_ in done:
        board = ended(board, id_, "passed", now)
    return board, tuple(e for e in board.launches if e.id in done)


def _until(started: datetime, seconds: float) -> datetime:
    return started + timedelta(seconds=seconds)


def _next(
    spec: Spec,
    board: Board,
    lasts: Callable[[Launch], float],
    now: datetime,
    marks: Iterable[Interval],
    ends: tuple[datetime, ...],
) -> datetime:
    """The next instant at which anything happens."""
    end = ends[0]
    coming = [*ends, *(at for i in marks for at in (i.start, i.end) if at > now)]
    coming += [_until(e.started, lasts(e)) for e in board.launches if e.status == "running" and e.started]
    coming += [
        e.deadline + timedelta(microseconds=1) for e in board.launches if e.deadline is not None and not e.over and e.deadline >= now
    ]
    coming += [
        _until(e.started, e.timeout) + timedelta(microseconds=1)
        for e in board.launches
        if e.status == "running" and e.started and e.timeout is not None
    ]
    coming += [at for s in spec.schedules.values() if s.enabled for at in [next(instants(s, now), end)]]
    return min(at for at in coming if at > now)
