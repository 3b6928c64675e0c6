"""``orc backfill``: a range of event times, piece by piece. What is done is known: a second call goes on where the first one ended."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from orchestrator.app import Interruptible, Workspace, build, prepare
from orchestrator.core.duration import duration
from orchestrator.core.errors import Problem, UsageError
from orchestrator.core.interval import SIZES, Interval, gaps, grid
from orchestrator.core.plan import Request
from orchestrator.core.ports import Sink
from orchestrator.plan.expand.microbatch import is_microbatch, paced
from orchestrator.record.history import History


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the range: which models still lack it. With none missing it is done."""

    interval: Interval
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Backfill:
    """What is to be done: ``pieces`` in the order in which they are built, and the ids (models and their tests) of each build."""

    key: str
    models: tuple[str, ...]
    ids: frozenset[str]
    pieces: tuple[Piece, ...]
    request: Request

    @property
    def left(self) -> tuple[Piece, ...]:
        """The pieces that are not done."""
        return tuple(piece for piece in self.pieces if piece.missing)


def backfill(
    workspace: Workspace, request: Request, batch: str, history: History, *, again: bool = False, reverse: bool = False
) -> Backfill:
    """What a range needs, by the ledger of intervals beside the data; with ``again`` all of it, but for what an earlier such call did.

    Raises:
        UsageError: U093, the range or the batch is none; U094, nothing selected is built by interval.
    """
    if request.event_times is None:
        raise UsageError(Problem("U093", "a backfill needs a range", None, "--start 2026-01-01 --end 2026-02-01"))
    ready = prepare(workspace, request)
    ready.warehouse.close()
    nodes = ready.workspace.graph.nodes
    models = tuple(sorted(id_ for id_ in ready.selected if is_microbatch(nodes[id_])))
    if not models:
        message = f"nothing that `{' '.join(request.select) or 'the project'}` selects is built by interval"
        raise UsageError(Problem("U094", message, None, "models with incremental_strategy: microbatch are"))
    ids = {*models, *(id_ for id_ in ready.selected if nodes[id_].attached in models)}
    begins = {id_: paced(nodes[id_]).begin for id_ in models}
    key = f"{' '.join(models)} {request.event_times.start:%Y%m%dT%H%M}-{request.event_times.end:%Y%m%dT%H%M} {batch}"
    done = _earlier(history, key) if again else frozenset()
    known = {id_: () if again else ready.snapshot.intervals.get(str(nodes[id_].relation), ()) for id_ in models}
    found = []
    for piece in pieces(request.event_times, batch):
        lacking = (id_ for id_ in models if gaps(_within(piece, begins[id_]), known[id_]))
        found.append(Piece(piece, () if piece.start.isoformat() in done else tuple(lacking)))
    return Backfill(key, models, frozenset(ids), tuple(reversed(found) if reverse else found), request)


def _within(piece: Interval, begin: datetime) -> tuple[Interval, ...]:
    """The part of a piece in which a model has rows at all."""
    return (Interval(max(piece.start, begin), piece.end),) if piece.end > begin else ()


def _earlier(history: History, key: str) -> frozenset[str]:
    """The beginnings of pieces that a backfill with the same key has built, newest backfill only if it did not finish."""
    runs = [run for run in history.runs(10_000) if run.arguments.get("backfill") == key]
    if runs and runs[0].arguments.get("backfill_last") and runs[0].status == "passed":
        return frozenset()  # that one came to its end: this is a new one
    found = []
    for run in runs:
        if run.arguments.get("backfill_last") and run.status == "passed":
            break
        if run.status == "passed":
            found.append(str(run.arguments["backfill_start"]))
    return frozenset(found)


def pieces(span: Interval, batch: str) -> tuple[Interval, ...]:
    """A range in pieces of an hour, a day, a month, a year, or a length of time; the ends are those of the range.

    Raises:
        UsageError: U093, ``batch`` is none of these.

    >>> from orchestrator.core.interval import instant
    >>> [f"{p.start:%d}-{p.end:%d}" for p in pieces(Interval(instant("2026-01-01"), instant("2026-01-10")), "7d")]
    ['01-08', '08-10']
    """
    if (size := batch.strip().lower()) in SIZES:
        whole = grid(span.start, span.end, next(s for s in SIZES if s == size))
        return tuple(Interval(max(i.start, span.start), min(i.end, span.end)) for i in whole)
    hint = "--batch hour, day, month, year, or a length of an hour or more, like 7d"
    try:
        seconds = duration(batch)
    except ValueError as error:
        raise UsageError(Problem("U093", f"`--batch {batch}`: {error}", None, hint)) from None
    if seconds < 3600:
        raise UsageError(Problem("U093", f"`--batch {batch}` is less than an hour", None, hint))
    found, at = [], span.start
    while at < span.end:
        found.append(Interval(at, min(at + timedelta(seconds=seconds), span.end)))
        at = found[-1].end
    return tuple(found)


def filled(
    workspace: Workspace,
    plan: Backfill,
    sinks: Callable[[Workspace], Sequence[Sink]],
    say: Callable[[str], None],
    interruptible: Interruptible = nullcontext,
) -> int:
    """Build what is left, piece by piece, each a run of its own; the first that fails ends it. The exit code."""
    left = plan.left
    for number, piece in enumerate(left, 1):
        say(f"{number} of {len(left)}: {spelled(piece.interval)}")
        now = workspace.invocation.clock.now()
        fresh = (
            workspace if number == 1 else replace(workspace, invocation=replace(workspace.invocation, id=str(uuid.uuid4()), started=now))
        )
        marks = {"backfill": plan.key, "backfill_start": piece.interval.start.isoformat(), "backfill_last": number == len(left)}
        request = replace(plan.request, event_times=piece.interval, invocation={**plan.request.invocation, **marks})
        run = build(fresh, request, sinks, plan.ids, interruptible)
        if run.exit_code:
            say(f"ended at {spelled(piece.interval)}; the same command goes on there")
            return run.exit_code
    return 0


def spelled(interval: Interval) -> str:
    """A piece for people."""
    return f"{interval.start:%Y-%m-%d %H:%M} to {interval.end:%Y-%m-%d %H:%M} UTC"


def listed(plan: Backfill, names: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Each piece with what it lacks."""
    for piece in plan.pieces:
        start, end = (f"{at:%Y-%m-%d %H:%M}" for at in (piece.interval.start, piece.interval.end))
        yield start, end, _named(piece.missing, names)


def _named(ids: Iterable[str], names: Mapping[str, str]) -> str:
    return ", ".join(names[id_] for id_ in ids) or "done"
