"""Wishes over HTTP: run something, end or repeat a run, let a schedule wait, come again, or run now. Bodies are data, never code."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from orchestrator.core.audit import Deed
from orchestrator.core.schedule import Launch, Schedule
from orchestrator.schedule.decide import asked as wanted
from orchestrator.serve.asking import Reply, received, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.scheduler import run_of
from orchestrator.serve.triggering import idempotency, shown

COMMANDS = ("build", "run", "test", "seed", "snapshot")

FIELDS: Mapping[str, type] = {
    "command": str,
    "select": list,
    "exclude": list,
    "selector": str,
    "vars": dict,
    "target": str,
    "threads": int,
    "full_refresh": bool,
}
"""What a run can be asked with."""

WORDS = 200
"""Words of a selection, at most."""

QUEUE = 1000
"""Launches that wait, at most: who asks for more has not understood something."""

_WORD = re.compile(r"(?!-)[^\x00-\x1f]{1,500}")
_TARGET = re.compile(r"\w[\w.-]{0,99}")
_VARIABLE = re.compile(r"[^\W\d]\w{0,99}")


def run(desk: Desk, asked: Asked) -> Reply:
    """Put a run of whatever is selected in the queue."""
    try:
        wish = wished(asked.request.body)
        key = idempotency(asked)
    except ValueError as error:
        return wrong(400, str(error))
    told = {name: value for name, value in wish.items() if name != "vars"} | ({"vars": sorted(wish["vars"])} if wish.get("vars") else {})
    return _queued(desk, asked, wish, "run.asked", told, key)


def wished(body: bytes) -> dict[str, Any]:
    """What a body asks to be run.

    >>> wished(b'{"select": ["tag:daily"], "vars": {"day": "2026-01-01"}}')
    {'command': 'build', 'select': ['tag:daily'], 'vars': {'day': '2026-01-01'}}

    Raises:
        ValueError: it asks for something that cannot be, with a sentence that says what.
    """
    wish = {"command": "build", **received(body, FIELDS)}
    if wish["command"] not in COMMANDS:
        raise ValueError(f"`command` is one of {', '.join(COMMANDS)}")
    for name in ("select", "exclude"):
        words = wish.get(name, [])
        if len(words) > WORDS or not all(isinstance(word, str) and _WORD.fullmatch(word) for word in words):
            raise ValueError(f"`{name}` is a list of at most {WORDS} words of the selection grammar")
    for name in ("selector", "target"):
        if name in wish and not _TARGET.fullmatch(wish[name]):
            raise ValueError(f"`{name}` is a name")
    if not all(_VARIABLE.fullmatch(name) for name in wish.get("vars", {})):
        raise ValueError("`vars` is an object: values by names of variables")
    if not 1 <= wish.get("threads", 1) <= 256:
        raise ValueError("`threads` is between 1 and 256")
    return wish


def retry(desk: Desk, asked: Asked) -> Reply:
    """Put in the queue what a run did not finish."""
    if desk.history is None or (past := desk.history.run(asked.places["run"])) is None:
        return wrong(404, f"there is no run `{asked.places['run']}`")
    if past.status == "running":
        return wrong(409, f"run {past.id[:8]} is not over")
    if not desk.history.unsuccessful(past.id):
        return wrong(409, f"run {past.id[:8]} left nothing to do")
    try:
        received(asked.request.body, {})
        key = idempotency(asked)
    except ValueError as error:
        return wrong(400, str(error))
    wish = {"command": "retry", "of": past.id, "target": past.target}
    return _queued(desk, asked, wish, "run.retry.asked", {"of": past.id, "target": past.target}, key)


def cancel(desk: Desk, asked: Asked) -> Reply:
    """End a run, waiting or running: by its id, or that of its launch."""
    id_, now = asked.places["run"], desk.now()
    launch = _launch_of(desk, id_)
    if launch is not None:
        with desk.timetable.together():
            if not desk.timetable.cancel(launch.id, f"{asked.caller} wants its end", now):
                return wrong(409, f"`{launch.id}` is over")
            desk.timetable.note(Deed(asked.actor, "run.cancel.asked", launch.id, run=run_id(launch)), now)
        return Reply(202, shown(desk.timetable.launch(launch.id) or launch))
    past = desk.history.run(id_) if desk.history is not None else None
    if past is None:
        return wrong(404, f"there is no run `{id_}`")
    if past.status != "running":
        return wrong(409, f"run {past.id[:8]} is over: {past.status}")
    if past.host != desk.host:
        return wrong(409, f"run {past.id[:8]} was begun by hand on {past.host}: it can be ended there")
    desk.timetable.note(Deed(asked.actor, "run.cancel.asked", past.id, run=past.id), now)
    if not desk.ask_to_end(past.pid):
        return wrong(409, f"run {past.id[:8]} is over")
    return Reply(202, {"run_id": past.id, "status": "running", "reason": f"{asked.caller} wants its end"})


def _launch_of(desk: Desk, id_: str) -> Launch | None:
    """The launch that a run belongs to, over or not."""
    if (named := desk.timetable.launch(id_)) is not None:
        return named
    board = (each for each in desk.timetable.board().launches if id_ in (*each.runs, run_of(each)))
    return next(board, None) or next((each for each in desk.timetable.launches(limit=QUEUE) if id_ in each.runs), None)


def run_id(launch: Launch) -> str:
    """The id of a launch's run: the one there is, or the one there will be."""
    return launch.runs[-1] if launch.runs else run_of(launch)


def pause(desk: Desk, asked: Asked) -> Reply:
    """Let a schedule's ticks wait."""
    found, now = _schedule(desk, asked), desk.now()
    if isinstance(found, Reply):
        return found
    with desk.timetable.together():
        watch = desk.timetable.board().watches.get(found.name)
        before = watch is not None and watch.paused is not None
        if not before:
            desk.timetable.pause(found.name, found.timing, now, str(asked.caller))
            desk.timetable.note(Deed(asked.actor, "schedule.paused", found.name, {"paused": False}, {"paused": True}), now)
    return Reply(200, {"schedule": found.name, "paused": True, "changed": not before})


def resume(desk: Desk, asked: Asked) -> Reply:
    """Let a paused schedule's ticks come again."""
    found = _schedule(desk, asked)
    if isinstance(found, Reply):
        return found
    with desk.timetable.together():
        changed = desk.timetable.resume(found.name)
        if changed:
            desk.timetable.note(Deed(asked.actor, "schedule.resumed", found.name, {"paused": True}, {"paused": False}), desk.now())
    return Reply(200, {"schedule": found.name, "paused": False, "changed": changed})


def run_now(desk: Desk, asked: Asked) -> Reply:
    """Put a schedule's run in the queue, whatever the time is."""
    found, now = _schedule(desk, asked), desk.now()
    if isinstance(found, Reply):
        return found
    try:
        key = idempotency(asked)
    except ValueError as error:
        return wrong(400, str(error))
    with desk.one, desk.timetable.together():
        going = desk.timetable.board().of(found.name)
        if going and found.overlap == "skip":
            return wrong(409, f"`{going[0].id}` is not over, and `overlap` is skip")
        id_ = f"{found.name}@{now:%Y-%m-%dT%H:%M:%S.%fZ}"
        launch = wanted(found, id_, "api", now, reason="asked for over HTTP", actor=str(asked.caller))
        there = desk.timetable.ask(launch, None if key is None else f"{found.name}:{key}")
        if there.id == id_:
            desk.timetable.note(Deed(asked.actor, "schedule.run", found.name, after={"launch": id_}, run=run_id(there)), now)
    return Reply(202, shown(there))


def _schedule(desk: Desk, asked: Asked) -> Schedule | Reply:
    """The schedule that a request names; a body brings nothing."""
    try:
        received(asked.request.body, {})
    except ValueError as error:
        return wrong(400, str(error))
    found = desk.spec().schedules.get(asked.places["name"])
    return wrong(404, f"there is no schedule `{asked.places['name']}`") if found is None else found


def _queued(desk: Desk, asked: Asked, wish: Mapping[str, Any], action: str, told: Mapping[str, Any], key: str | None) -> Reply:
    now = desk.now()
    with desk.one, desk.timetable.together():
        waiting = sum(each.status == "queued" for each in desk.timetable.board().launches)
        if waiting >= QUEUE:
            return wrong(429, f"{waiting} runs wait already", {"Retry-After": "60"})
        launch = _launch(wish, str(asked.caller), now)
        there = desk.timetable.ask(launch, None if key is None else f"{asked.caller}:{key}")
        if there.id == launch.id:
            desk.timetable.note(Deed(asked.actor, action, there.id, after=told, run=run_id(there)), now)
    return Reply(202, shown(there))


def _launch(wish: Mapping[str, Any], who: str, now: datetime) -> Launch:
    """A launch that belongs to no schedule: its wish says all that is to be done."""
    name = f"asked:{wish['command']}"
    id_ = f"{name}@{now:%Y-%m-%dT%H:%M:%S.%fZ}-{uuid.uuid4().hex[:6]}"
    entry = Schedule(name, overlap="allow")
    return replace(wanted(entry, id_, "api", now, reason="asked for over HTTP", actor=who), wish=wish, vars=wish.get("vars") or {})
