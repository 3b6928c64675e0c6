"""Boards that change: what a decision, a start and an end do to what is known. Tests and ``--simulate`` keep theirs this way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from orchestrator.core.schedule import Board, Decision, Launch, LaunchStatus, Schedule, Watch


def remembered(watch: Watch) -> Schedule:
    """A schedule as far as its timing goes, from what is kept of it.

    >>> from datetime import UTC
    >>> at = datetime(2026, 1, 1, tzinfo=UTC)
    >>> remembered(Watch("n", Schedule("n", every=600).timing, at, at)).every
    600
    """
    kept = json.loads(watch.timing)
    return Schedule(watch.name, kept["cron"], kept["every"], tuple(kept["after"]), kept["on"], kept["zone"])


def applied(board: Board, decision: Decision) -> Board:
    """A board after a decision. Launches that are over and followed leave it; waiting ones that are stopped are over at once."""
    stops = {id_: (status, reason) for id_, status, reason in decision.stops}

    def changed(launch: Launch) -> Launch:
        new = replace(launch, followed=launch.followed or launch.id in decision.followed, late=launch.late or launch.id in decision.late)
        if new.over or new.id not in stops:
            return new
        status, reason = stops[new.id]
        if new.status == "queued":
            return replace(new, status=status, reason=reason, finished=new.queued)
        return replace(new, stopping=status, reason=reason)

    known = {each.id for each in board.launches}
    launches = (*board.launches, *(each for each in decision.launches if each.id not in known))
    kept = tuple(new for each in launches if not ((new := changed(each)).over and new.followed))
    return Board({**board.watches, **{w.name: w for w in decision.watches}}, kept, board.pools)


def began(board: Board, id_: str, now: datetime) -> Board:
    """A board on which a launch runs."""
    return _with(board, id_, lambda e: replace(e, status="running", started=now, attempt=e.attempt + 1))


def ended(board: Board, id_: str, status: LaunchStatus, now: datetime) -> Board:
    """A board on which a launch is over."""
    return _with(board, id_, lambda e: replace(e, status=status, finished=now))


def _with(board: Board, id_: str, change: Callable[[Launch], Launch]) -> Board:
    return Board(board.watches, tuple(change(each) if each.id == id_ else each for each in board.launches), board.pools)
