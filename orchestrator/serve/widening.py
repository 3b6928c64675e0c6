"""Pools over HTTP: how wide one is from now on, or as the project's files say again."""

from __future__ import annotations

from orchestrator.core.audit import Deed
from orchestrator.core.pool import wide
from orchestrator.serve.asking import Reply, received, wrong
from orchestrator.serve.desk import Asked, Desk

WIDEST = 10_000
"""Places of a pool, at most."""


def widened(desk: Desk, asked: Asked) -> Reply:
    """Set how wide a pool is; what runs goes on."""
    try:
        limit = received(asked.request.body, {"limit": int}).get("limit")
    except ValueError as error:
        return wrong(400, str(error))
    if limit is None or not 0 <= limit <= WIDEST:
        return wrong(400, f"`limit` is between 0 and {WIDEST}")
    return _changed(desk, asked, limit)


def reset(desk: Desk, asked: Asked) -> Reply:
    """Leave a pool to the project's files again."""
    try:
        received(asked.request.body, {})
    except ValueError as error:
        return wrong(400, str(error))
    return _changed(desk, asked, None)


def _changed(desk: Desk, asked: Asked, limit: int | None) -> Reply:
    name, now = asked.places["name"], desk.now()
    declared = desk.spec().limits.pools
    with desk.timetable.together():
        board = desk.timetable.board()
        if name not in {*declared, *board.pools, *(each.pool for each in board.launches)}:
            return wrong(404, f"there is no pool `{name}`")
        before = wide(declared.get(name, 1), board.pools.get(name), now)
        after = declared.get(name, 1) if limit is None else limit
        desk.timetable.widen(name, limit, now, str(asked.caller))
        action = "pool.reset" if limit is None else "pool.set"
        desk.timetable.note(Deed(asked.actor, action, name, {"limit": before}, {"limit": after}), now)
    return Reply(200, {"pool": name, "limit": after, "before": before})
