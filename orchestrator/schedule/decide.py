"""One turn of the scheduler as a function: what is known and what time it is → what is to be written down.

Nothing here looks at a clock, a file or a process. The same function decides in ``orc serve``, in ``orc schedule --once`` and in
``orc schedule --simulate``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from orchestrator.core.duration import spoken
from orchestrator.core.pool import wide
from orchestrator.core.schedule import Board, Decision, Launch, LaunchStatus, Limits, Schedule, Tick, Watch
from orchestrator.schedule.cron import DAY, deadline, instants
from orchestrator.schedule.remember import remembered
from orchestrator.schedule.signals import WAITING
from orchestrator.schedule.spec import Spec

GRACE = 60
"""Seconds after which a tick that nobody was there for counts as missed."""

AT_ONCE = 1_000
"""Ticks of one schedule that one decision deals with; after a long silence there are several decisions, oldest ticks first."""


@dataclass(frozen=True, slots=True)
class Due:
    """A tick to be decided: whether it runs by the policy for missed ones, why, and whether it ought to have been long ago."""

    at: datetime
    runs: bool
    reason: str
    late: bool = False


def decide(spec: Spec, board: Board, now: datetime, until: datetime | None = None) -> Decision:
    """What has to be written down at ``now``: every tick that is due (``until`` then, if given) gets its one final status.

    >>> from datetime import UTC
    >>> daily = Spec({"daily": Schedule("daily", cron="@daily")})
    >>> seen = datetime(2026, 1, 1, 12, tzinfo=UTC)
    >>> board = Board({"daily": Watch("daily", daily.schedules["daily"].timing, seen, seen)})
    >>> [(t.at.day, t.status) for t in decide(daily, board, datetime(2026, 1, 4, tzinfo=UTC)).ticks]
    [(2, 'missed'), (3, 'missed'), (4, 'fired')]
    """
    ticks: list[Tick] = []
    launches: list[Launch] = []
    watches: list[Watch] = []
    stops: dict[str, tuple[str, LaunchStatus, str]] = {}
    ended = tuple(each for each in board.launches if each.over and not each.followed)
    for name, schedule in sorted(spec.schedules.items()):
        watch = board.watches.get(name)
        if watch is None or watch.removed is not None or watch.timing != schedule.timing:
            ticks += _of_old_timing(watch, now)
            watches.append(Watch(name, schedule.timing, now, now, watch.paused if watch else None))
            continue
        idle = watch.paused is not None or not schedule.enabled
        due, seen = ([], watch.seen) if idle else _due(schedule, watch, now, until or now)
        due += _following(schedule, ended, idle=idle)
        for tick, launch, stopped in _overlapping(schedule, due, board.of(name), now):
            ticks.append(tick)
            launches += [launch] if launch else []
            stops |= {each[0]: each for each in stopped}
        if seen > watch.seen:
            watches.append(replace(watch, seen=seen))
    for name, watch in sorted(board.watches.items()):
        if spec.lacks(name) and watch.removed is None:
            ticks += _of_old_timing(watch, now)
            watches.append(replace(watch, removed=now))
    stops |= {each[0]: each for each in _stops(spec, board, now)}
    return Decision(
        tuple(ticks),
        tuple(launches),
        tuple(watches),
        tuple(stops.values()),
        tuple(each.id for each in ended),
        tuple(each.id for each in board.launches if not each.over and not each.late and each.deadline is not None and each.deadline < now),
    )


def _due(schedule: Schedule, watch: Watch, now: datetime, until: datetime) -> tuple[list[Due], datetime]:
    """The ticks in ``(seen, until]`` with their fate by the policy for missed ones, and how far that decides."""
    found: list[datetime] = []
    for at in islice(instants(schedule, watch.seen, until), AT_ONCE + 1):
        if at > until:
            break
        found.append(at)
    more = len(found) > AT_ONCE
    found = found[:AT_ONCE]
    return list(missed(schedule, found, now, more=more)), found[-1] if found else watch.seen


def missed(schedule: Schedule, due: Sequence[datetime], now: datetime, *, more: bool = False) -> Iterator[Due]:
    """Which of the ticks that are due run, by the schedule's policy. ``more`` says that later ones are due, too."""
    window = schedule.window if schedule.window is not None else DAY if schedule.missed == "all" else None
    newest = None if more or not due else due[-1]
    for at in due:
        age = (now - at).total_seconds()
        late = age > GRACE
        if window is not None and age > max(window, GRACE):
            yield Due(at, runs=False, reason=f"{spoken(age)} late, and catch_up_window is {spoken(window)}", late=late)
        elif schedule.missed == "all":
            yield Due(at, runs=True, reason=f"made up for, {spoken(age)} late" if late else "due", late=late)
        elif at != newest:
            yield Due(at, runs=False, reason="a later tick was due when the scheduler could look", late=late)
        elif late and schedule.missed == "skip":
            yield Due(at, runs=False, reason=f"{spoken(age)} late, and `missed` is skip", late=late)
        else:
            yield Due(at, runs=True, reason=f"the latest of {len(due)}, {spoken(age)} late" if late else "due", late=late)


def _following(schedule: Schedule, ended: Iterable[Launch], *, idle: bool) -> list[Due]:
    """Ticks of a schedule that comes after others: the ends of their runs."""
    wanted: dict[str, frozenset[str]] = {
        "success": frozenset({"passed"}),
        "failure": frozenset({"failed", "timed_out"}),
        "any": frozenset({"passed", "failed", "timed_out", "cancelled", "skipped"}),
    }
    found = []
    for each in sorted(ended, key=lambda e: (e.finished or e.queued, e.id)):
        if each.schedule in schedule.after and each.status in wanted[schedule.on]:
            at = each.finished or each.queued
            reason = "paused" if idle and schedule.enabled else "not enabled" if idle else f"after `{each.schedule}`, which {each.status}"
            found.append(Due(at, runs=not idle, reason=reason))
    return list({each.at: each for each in reversed(found)}.values())[::-1]  # two ends at one instant are one tick


def _overlapping(
    schedule: Schedule, due: Iterable[Due], active: Sequence[Launch], now: datetime
) -> Iterator[tuple[Tick, Launch | None, tuple[tuple[str, LaunchStatus, str], ...]]]:
    """The final status of each tick, given the runs of the schedule that are not over; what runs joins those."""
    going = list(active)
    for each in due:
        if not each.runs:
            yield Tick(schedule.name, each.at, "missed", each.reason), None, ()
            continue
        made_up = schedule.missed == "all"  # each of those ticks is owed a run of its own
        waiting = next((g for g in going if g.status == "queued" and g.due is not None), None)
        stopped: tuple[tuple[str, LaunchStatus, str], ...] = ()
        if going and schedule.overlap == "skip" and not (made_up and each.late):
            yield (
                Tick(schedule.name, each.at, "skipped_overlap", f"`{going[0].id}` is not over, and `overlap` is skip", going[0].id),
                None,
                (),
            )
            continue
        if waiting and schedule.overlap == "queue" and not made_up:
            yield Tick(schedule.name, each.at, "coalesced", f"`{waiting.id}` has not begun yet: one run for both", waiting.id), None, ()
            continue
        if schedule.overlap == "cancel_running" and not (made_up and each.late):
            stopped = tuple((g.id, "cancelled", f"a later tick ({each.at:%Y-%m-%d %H:%M} UTC) takes its place") for g in going)
        launch = of_tick(schedule, each.at, now, each.reason)
        yield Tick(schedule.name, each.at, "fired", each.reason, launch.id), launch, stopped
        going = [launch] if stopped else [*going, launch]


def of_tick(schedule: Schedule, at: datetime, now: datetime, reason: str) -> Launch:
    """The launch of a tick. Its id says which tick: whoever else decides the same makes the same."""
    precise = "microseconds" if at.microsecond else "seconds"
    id_ = f"{schedule.name}@{at.replace(tzinfo=None).isoformat(timespec=precise)}Z"
    return asked(schedule, id_, "schedule", now, due=at, reason=reason, deadline_at=deadline(schedule, at))


def asked(
    schedule: Schedule,
    id_: str,
    trigger: str,
    now: datetime,
    *,
    due: datetime | None = None,
    reason: str = "",
    actor: str = "",
    deadline_at: datetime | None = None,
) -> Launch:
    """A launch of a schedule, waiting to begin."""
    return Launch(
        id_,
        schedule.name,
        trigger,
        now,
        due=due,
        reason=reason,
        actor=actor,
        priority=schedule.priority,
        pool=schedule.pool,
        vars=schedule.vars,
        deadline=deadline_at,
        timeout=schedule.timeout,
    )


def _of_old_timing(watch: Watch | None, now: datetime) -> Iterator[Tick]:
    """What a schedule still owed when it was changed or taken out: ticks that nobody will run any more."""
    if watch is None or watch.removed is not None:
        return
    before = remembered(watch)
    for at in islice(instants(before, watch.seen, now), AT_ONCE):
        if at > now:
            return
        yield Tick(watch.name, at, "missed", "the schedule was changed before anybody could run it")


def _stops(spec: Spec, board: Board, now: datetime) -> Iterator[tuple[str, LaunchStatus, str]]:
    """Launches that took too long, and waiting ones whose schedule is gone."""
    for each in board.launches:
        if each.over or each.stopping:
            continue
        if each.status == "running" and each.started is not None and each.timeout is not None:
            if now - each.started > timedelta(seconds=each.timeout):
                yield each.id, "timed_out", f"still running after its timeout of {spoken(each.timeout)}"
        elif each.status == "queued" and each.wish is None and spec.lacks(each.schedule):
            yield each.id, "cancelled", f"`{each.schedule}` is not in the project any more"


def admit(spec: Spec, board: Board, now: datetime, held: Mapping[str, str] | None = None) -> tuple[tuple[str, ...], dict[str, str]]:
    """Which waiting launches may begin now, the most urgent first, and what each of the others waits for.

    ``held`` are those that wait for something else, and for what.
    """
    running = [each for each in board.launches if each.status == "running"]
    slots = _slots(spec.limits, running)
    busy = {each.schedule for each in running}
    pools: dict[str, int] = {}
    for each in running:
        if each.pool:
            pools[each.pool] = pools.get(each.pool, 0) + 1
    found: list[str] = []
    waits: dict[str, str] = {}
    for each in sorted((e for e in board.launches if e.status == "queued"), key=lambda e: (-e.priority, e.due or e.queued, e.queued, e.id)):
        entry = each.entry or spec.entry(each.schedule)
        if entry is None:
            waits[each.id] = f"`{each.schedule}` to be known"
        elif each.not_before is not None and each.not_before > now:
            waits[each.id] = f"more requests until {each.not_before:%H:%M:%S} UTC"
        elif held and each.id in held:
            waits[each.id] = held[each.id]
        elif held is None and each.waits and each.waits.startswith(WAITING):  # somebody else asks the signals
            waits[each.id] = each.waits
        elif each.schedule in busy and entry.overlap != "allow":
            waits[each.id] = f"the run of `{each.schedule}` before it"
        elif each.pool and pools.get(each.pool, 0) >= wide(spec.limits.pools.get(each.pool, 1), board.pools.get(each.pool), now):
            waits[each.id] = f"the pool `{each.pool}`"
        elif slots <= 0:
            waits[each.id] = f"one of {spec.limits.max_runs} runs to end"
        else:
            found.append(each.id)
            slots -= 1
            busy.add(each.schedule)
            if each.pool:
                pools[each.pool] = pools.get(each.pool, 0) + 1
    return tuple(found), waits


def _slots(limits: Limits, running: Sequence[Launch]) -> int:
    return limits.max_runs - len(running)
