"""Triggers over HTTP: a request puts a run in the queue, and asks later what became of it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from orchestrator.core.audit import Deed
from orchestrator.core.schedule import Launch, Trigger
from orchestrator.core.sent import traceparent
from orchestrator.schedule.decide import asked as wanted
from orchestrator.serve.asking import Reply, parsed, wrong
from orchestrator.serve.desk import Asked, Desk
from orchestrator.serve.scheduler import run_of

_KEY = re.compile(r"[\x21-\x7e]{1,128}")


def triggered(desk: Desk, asked: Asked) -> Reply:
    """Put a trigger's run in the queue."""
    name = asked.places["name"]
    trigger = desk.spec().triggers.get(name)
    if trigger is None:
        return wrong(404, f"there is no trigger `{name}`")
    try:
        given = variables(trigger, asked.request.body)
        key = idempotency(asked)
    except ValueError as error:
        return wrong(400, str(error))
    with desk.one, desk.timetable.together():  # two requests that look for company at once would both find none
        return _queued(desk, asked, trigger, given, key, traceparent(asked.request.headers.get("traceparent")))


def launched(desk: Desk, asked: Asked) -> Reply:
    """What became of a launch."""
    launch = desk.timetable.launch(asked.places["launch"])
    return wrong(404, f"there is no launch `{asked.places['launch']}`") if launch is None else Reply(200, shown(launch))


def idempotency(asked: Asked) -> str | None:
    """The key that a sender gave a request, so that sending it twice is sending it once.

    Raises:
        ValueError: it is none.
    """
    key = asked.request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise ValueError("an Idempotency-Key is up to 128 plain characters")
    return key


def _queued(desk: Desk, asked: Asked, trigger: Trigger, given: Mapping[str, Any], key: str | None, trace: str | None) -> Reply:
    now, board, who = desk.now(), desk.timetable.board(), str(asked.caller)
    going = board.of(trigger.name)
    waits = now + timedelta(seconds=trigger.debounce) if trigger.debounce else None
    if waits is not None:
        shared = next((g for g in going if g.status == "queued" and g.not_before is not None and dict(g.vars) == dict(given)), None)
        if shared is not None and desk.timetable.join(shared.id, waits):
            desk.timetable.note(_accepted(asked, trigger, shared), now)
            return Reply(202, {**shown(shared), "joined": True})
    if going and trigger.schedule.overlap == "skip":
        return wrong(409, f"`{going[0].id}` is not over, and `overlap` is skip")
    launch = wanted(trigger.schedule, f"{trigger.name}@{now:%Y-%m-%dT%H:%M:%S.%fZ}", "api", now, reason="asked for over HTTP", actor=who)
    launch = replace(launch, vars=given, not_before=waits, trace=trace)
    there = desk.timetable.ask(launch, None if key is None else f"{trigger.name}:{key}")
    if there.id == launch.id:
        desk.timetable.note(_accepted(asked, trigger, there), now)
    return Reply(202, shown(there))


def _accepted(asked: Asked, trigger: Trigger, launch: Launch) -> Deed:
    """What the audit hears: never the values that came, which may be private."""
    run = launch.runs[-1] if launch.runs else run_of(launch)
    return Deed(asked.actor, "trigger.accepted", trigger.name, after={"launch": launch.id}, run=run)


def variables(trigger: Trigger, body: bytes) -> dict[str, Any]:
    """The variables of a request: those that the trigger declares, each of the type of its value there (any, where that is null).

    Raises:
        ValueError: the body is something else.

    >>> from orchestrator.core.schedule import Schedule
    >>> variables(Trigger("t", Schedule("t", vars={"day": "2026-01-01", "n": 1})), b'{"n": 2}')
    {'day': '2026-01-01', 'n': 2}
    """
    declared = dict(trigger.schedule.vars)
    given = parsed(body)
    for name, value in given.items():
        if name not in declared:
            raise ValueError(f"the trigger declares no variable `{name}` (it has {', '.join(declared) or 'none'})")
        default = declared[name]
        if default is not None and (type(value) is not type(default) and not (type(default) is float and type(value) is int)):
            raise ValueError(f"`{name}` has to be of the type of {json.dumps(default, default=str)}")
    return {**declared, **given}


def shown(launch: Launch) -> dict[str, Any]:
    """A launch for whoever asked for it."""
    times = {"due": launch.due, "queued": launch.queued, "started": launch.started, "finished": launch.finished}
    return {
        "launch": launch.id,
        "run_id": launch.runs[-1] if launch.runs else run_of(launch),
        "status": launch.status,
        "reason": launch.reason,
        "attempt": launch.attempt,
        "vars": dict(launch.vars),
        **{name: None if at is None else at.isoformat() for name, at in times.items()},
    }
