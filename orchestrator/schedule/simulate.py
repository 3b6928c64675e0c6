"""A stretch of time gone through with a clock of our own: what would fire, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from orchestrator.core.interval import Interval
from orchestrator.core.schedule import Board, Tick, Watch
from orchestrator.schedule.cron import instants
from orchestrator.schedule.decide import admit, decide
from orchestrator.schedule.remember import applied, began, ended
from orchestrator.schedule.spec import Spec


def simulate(
    spec: Spec,
    start: datetime,
    end: datetime,
    *,
    down: Iterable[Interval] = (),
    paused: Iterable[Interval] = (),
    takes: Mapping[str, float] | None = None,
) -> tuple[Tick, ...]:
    """The ticks from ``start`` (included) to ``end`` (excluded), in the order in which they are decided.

    In the intervals ``down`` no scheduler runs; in those of ``paused`` all schedules are paused. A run of a schedule takes so many seconds
    (default: none) and succeeds.

    >>> from datetime import UTC
    >>> from orchestrator.core.schedule import Schedule
    >>> day = datetime(2026, 1, 1, tzinfo=UTC)
    >>> [str(t.at) for t in simulate(Spec({"n": Schedule("n", every=43200)}), day, day + timedelta(days=1))]
    ['2026-01-01 00:00:00+00:00', '2026-01-01 12:00:00+00:00']
    """
    before = start - timedelta(microseconds=1)
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
        for id_ in admit(spec, board, now)[0]:
            board = began(board, id_, now)
        board, over = _over(board, takes or {}, now)
        if not over:
            now = _next(spec, board, takes or {}, now, (*absent, *still), end)
    return tuple(ticks)


def _over(board: Board, takes: Mapping[str, float], now: datetime) -> tuple[Board, bool]:
    """The board without the runs that have taken their time."""
    done = [e.id for e in board.launches if e.status == "running" and e.started and _until(e.started, takes.get(e.schedule, 0)) <= now]
    for id_ in done:
        board = ended(board, id_, "passed", now)
    return board, bool(done)


def _until(started: datetime, seconds: float) -> datetime:
    return started + timedelta(seconds=seconds)


def _next(spec: Spec, board: Board, takes: Mapping[str, float], now: datetime, marks: Iterable[Interval], end: datetime) -> datetime:
    """The next instant at which anything happens."""
    coming = [end, *(at for i in marks for at in (i.start, i.end) if at > now)]
    coming += [_until(e.started, takes.get(e.schedule, 0)) for e in board.launches if e.status == "running" and e.started]
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
