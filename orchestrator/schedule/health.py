"""Whether schedules are kept: somebody is there to fire them, the last runs went well, nothing is late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from orchestrator.core.duration import spoken
from orchestrator.core.health import Finding
from orchestrator.core.schedule import Board, Launch, Tick
from orchestrator.schedule.cron import instants
from orchestrator.schedule.spec import Spec

LATE = timedelta(minutes=5)
"""A tick that nobody decided for so long has nobody who decides."""

RECENT = timedelta(days=1)
"""For how long a missed tick is worth knowing."""

NAMED = 5


def health(spec: Spec, board: Board, last: Mapping[str, Launch], ticks: Sequence[Tick], now: datetime) -> Iterator[Finding]:
    """All findings about schedules. ``last`` are the newest launches that are over, by schedule; ``ticks`` the newest ones."""
    if not spec.schedules and not spec.triggers:
        return
    live = {n: s for n, s in spec.schedules.items() if s.enabled}
    waiting = {n: overdue(spec, board, n, now) for n in live}
    late = [f"{n} since {at:%Y-%m-%d %H:%M} UTC" for n, at in waiting.items() if at is not None]
    unknown = [n for n, s in live.items() if n not in board.watches and not s.after]
    if late:
        yield Finding("bad", "scheduler", f"nobody runs what is due: {named(late)}", "`orc serve`, or `orc schedule --once` from cron")
    elif live and len(unknown) == len(live):
        yield Finding("note", "scheduler", "no scheduler has been here yet", "`orc serve`, or `orc schedule --once` from cron")
    elif live:
        yield Finding("ok", "scheduler", f"{len(live)} schedules, all ticks decided")
    for name in [*spec.schedules, *spec.triggers]:
        launch = last.get(name)
        if launch is not None and launch.status in ("failed", "timed_out"):
            ran = f", run {launch.runs[-1][:8]}" if launch.runs else ""
            word = launch.status.replace("_", " ")
            yield Finding("bad", f"schedule {name}", f"its last run {word}{ran} ({ago(launch, now)})", f"orc schedule run {name}")
    for launch in board.launches:
        if launch.late and not launch.over:
            yield Finding("bad", f"schedule {launch.schedule}", f"{launch.id} missed its deadline and is not over", "orc logs -f")
    paused = [n for n in live if n in board.watches and board.watches[n].paused is not None]
    if paused:
        yield Finding("note", "schedules", f"paused: {named(paused)}", f"orc schedule resume {paused[0]}")
    missed = [t for t in ticks if t.status == "missed" and now - t.at <= RECENT and t.schedule in live]
    if missed:
        names = named(sorted({t.schedule for t in missed}))
        yield Finding("note", "ticks", f"{len(missed)} missed in the last day: {names}", "orc schedule ticks")


def overdue(spec: Spec, board: Board, name: str, now: datetime) -> datetime | None:
    """The first tick of a schedule that should have been decided by now, and was not."""
    watch = board.watches.get(name)
    if watch is None or watch.paused is not None or watch.removed is not None or watch.timing != spec.schedules[name].timing:
        return None
    first = next(iter(instants(spec.schedules[name], watch.seen, now)), None)
    return first if first is not None and now - first > LATE else None


def ago(launch: Launch, now: datetime) -> str:
    """When a launch ended, in words."""
    return f"{spoken(max((now - (launch.finished or launch.queued)).total_seconds(), 0))} ago"


def named(names: Sequence[str]) -> str:
    """A few names, and how many more there are.

    >>> named(["a", "b"]), named(list("abcdefg"))
    ('a, b', 'a, b, c, d, e and 2 more')
    """
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
