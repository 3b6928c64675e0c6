"""Schedules over HTTP: when they tick, what became of the last ticks, what holds by their policies, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any

from orchestrator.app.web.seen import Unclear, limit
from orchestrator.core.duration import spoken
from orchestrator.core.event import plain
from orchestrator.core.pool import wide
from orchestrator.core.schedule import Board, Launch, Schedule, Tick
from orchestrator.schedule.cron import instants, local
from orchestrator.schedule.decide import admit
from orchestrator.serve.asking import Reply, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.triggering import shown

NEXT = 5
"""Ticks to come that are told of each schedule."""

LAST = 10
"""Ticks that were, of each schedule."""

_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MISSED = {
    "latest": "of ticks nobody was there for the last one runs",
    "skip": "ticks nobody was there for do not run",
    "all": "every tick nobody was there for is made up for, oldest first",
}
_OVERLAP = {
    "queue": "while a run goes on, one more waits",
    "skip": "while a run goes on, ticks are skipped",
    "cancel_running": "a tick ends the run that goes on",
    "allow": "runs may go on beside each other",
}


def schedules(desk: Desk, _asked: Asked) -> Reply:
    """All schedules and triggers, each with its next and its last ticks."""
    spec, board, now = desk.spec(), desk.timetable.board(), desk.now()
    waits = admit(spec, board, now)[1]
    return Reply(
        200,
        {
            "now": plain(now),
            "schedules": [_schedule(desk, each, board, now, waits) for each in spec.schedules.values()],
            "triggers": [
                {
                    "name": t.name,
                    "path": f"/api/v1/triggers/{t.name}",
                    "words": [f"requests within {spoken(t.debounce)} share a run"] if t.debounce else [],
                    "variables": plain(t.schedule.vars),
                    **_what(t.schedule),
                    "going": [_going(g, waits) for g in board.of(t.name)],
                    "last": [shown(launch) for launch in desk.timetable.launches(t.name, NEXT)],
                }
                for t in spec.triggers.values()
            ],
        },
    )


def _schedule(desk: Desk, each: Schedule, board: Board, now: datetime, waits: Mapping[str, str]) -> dict[str, Any]:
    watch, going = board.watches.get(each.name), board.of(each.name)
    paused = watch.paused if watch else None
    running = any(g.status == "running" for g in going)
    state = "disabled" if not each.enabled else "paused" if paused else "running" if running else "waiting" if going else "enabled"
    coming = [] if each.after or paused or not each.enabled else islice(instants(each, now), NEXT)
    return {
        "name": each.name,
        "state": state,
        "paused_since": plain(paused),
        "when": when(each),
        "words": list(policy(each)),
        "zone": each.zone,
        **_what(each),
        "next": [_at(at, each.zone) for at in coming],
        "last": [ticked(tick) for tick in desk.timetable.ticks(each.name, LAST)],
        "going": [_going(g, waits) for g in going],
    }


def _what(each: Schedule) -> dict[str, Any]:
    """What it runs."""
    words = [each.command, *each.select, *(f"--exclude {word}" for word in each.exclude)]
    said = {
        "owner": each.owner,
        "description": each.description,
        "tags": list(each.tags),
        "target": each.target,
        "pool": each.pool,
        "priority": each.priority or None,
    }
    return {"what": " ".join([*words, *([f"--selector {each.selector}"] if each.selector else [])]), **{k: v for k, v in said.items() if v}}


def _going(launch: Launch, waits: Mapping[str, str]) -> dict[str, Any]:
    return {**shown(launch), "waits_for": waits.get(launch.id), "late": launch.late, "deadline": plain(launch.deadline)}


def _at(at: datetime, zone: str) -> dict[str, str]:
    return {"at": plain(at), "local": local(at, zone).isoformat(timespec="minutes")}


def ticked(tick: Tick) -> dict[str, Any]:
    """What became of a tick."""
    return {"schedule": tick.schedule, "at": plain(tick.at), "status": tick.status, "reason": tick.reason, "launch": tick.launch}


def when(each: Schedule) -> str:
    """When a schedule ticks, as people say it.

    >>> when(Schedule("n", cron="30 2 * * *")), when(Schedule("n", every=900)), when(Schedule("n", cron="0 9 * * mon"))
    ('every day at 02:30', 'every 15m', '0 9 * * mon')
    """
    if each.every:
        return f"every {spoken(each.every)}"
    if each.after:
        ends = {"success": "succeeds", "failure": "fails", "any": "ends"}[each.on]
        return f"after {' or '.join(each.after)} {ends}"
    return _cron(each.cron or "")


def _cron(pattern: str) -> str:
    named = {
        "@hourly": "every hour",
        "@daily": "every day at 00:00",
        "@weekly": "every Sunday at 00:00",
        "@monthly": "on the 1st of a month",
    }
    if pattern in named:
        return named[pattern]
    fields = pattern.split()
    if len(fields) != 5:
        return pattern
    minute, hour, day, month, weekday = fields
    if (day, month) == ("*", "*") and minute.isdigit() and hour.isdigit():
        at = f"{int(hour):02}:{int(minute):02}"
        if weekday == "*":
            return f"every day at {at}"
        if weekday.isdigit() and int(weekday) <= 7:
            return f"every {_DAYS[int(weekday) % 7]} at {at}"
    if (hour, day, month, weekday) == ("*", "*", "*", "*"):
        if minute.isdigit():
            return f"every hour at :{int(minute):02}"
        if minute.startswith("*/") and minute[2:].isdigit():
            return f"every {int(minute[2:])} minutes"
    return pattern


def policy(each: Schedule) -> Iterator[str]:
    """What else holds, in words.

    >>> list(policy(Schedule("n", cron="@daily", overlap="skip", timeout=3600)))[1:]
    ['while a run goes on, ticks are skipped', 'ended after 1h']
    """
    if not each.after:
        window = f", up to {spoken(each.window)} late" if each.window is not None else ""
        yield _MISSED[each.missed] + window
    yield _OVERLAP[each.overlap]
    if each.timeout is not None:
        yield f"ended after {spoken(each.timeout)}"
    if isinstance(each.deadline, str):
        yield f"to be done by {each.deadline}"
    elif each.deadline is not None:
        yield f"to be done within {spoken(each.deadline)}"
    if each.when:
        yield "only when its query says so"
    if each.pool:
        yield f"takes a place in the pool {each.pool}"


def launches(desk: Desk, asked: Asked) -> Reply:
    """The newest launches, newest first; of one ``schedule``."""
    try:
        most = limit(asked)
    except Unclear as error:
        return wrong(400, str(error))
    found = desk.timetable.launches(asked.request.query.get("schedule") or None, most)
    waits = admit(desk.spec(), desk.timetable.board(), desk.now())[1]
    told = [
        {**_going(each, waits), "schedule": each.schedule, "trigger": each.trigger, "actor": each.actor, "code": each.code}
        for each in found
    ]
    return Reply(200, {"launches": told})


def pools(desk: Desk, _asked: Asked) -> Reply:
    """Pools: how wide each is, who is in it, who waits."""
    spec, board, now = desk.spec(), desk.timetable.board(), desk.now()
    waits = admit(spec, board, now)[1]
    names = sorted({*spec.limits.pools, *board.pools, *(each.pool for each in board.launches if each.pool and not each.over)})
    open_ = [each for each in board.launches if not each.over]

    def pool(name: str) -> dict[str, Any]:
        own = [each for each in open_ if each.pool == name]
        return {
            "name": name,
            "limit": wide(spec.limits.pools.get(name, 1), board.pools.get(name), now),
            "holders": [shown(each) for each in own if each.status == "running"],
            "waiters": [_going(each, waits) for each in own if each.status == "queued"],
        }

    running = sum(each.status == "running" for each in open_)
    return Reply(200, {"max_runs": spec.limits.max_runs, "running": running, "pools": [pool(name) for name in names]})
