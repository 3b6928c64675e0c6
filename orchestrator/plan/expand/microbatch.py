"""Incremental models that are built interval by interval: which batches, and the steps of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.core.config import listed
from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.interval import END_MARK, SIZES, START_MARK, BatchSize, Interval, batch_name, gaps, grid, instant, spelled, truncated
from orchestrator.core.names import Relation
from orchestrator.core.node import Node
from orchestrator.core.plan import Batches, Late, Statement, Step
from orchestrator.core.snapshot import Built, Existing
from orchestrator.plan.check_steps import check_steps
from orchestrator.plan.checks import check
from orchestrator.plan.expand.incremental import OPTIONS, OWN_POLICY, is_incremental, strategy
from orchestrator.plan.situation import Situation
from orchestrator.plan.steps import about, finish, hooks, promote, stage_step, statements


@dataclass(frozen=True, slots=True)
class Pace:
    """How a model says it is built: the column that has the event time, from when on, in batches of which size."""

    event_time: str
    begin: Any
    size: BatchSize
    lookback: int


def is_microbatch(node: Node) -> bool:
    """Whether the model is built interval by interval."""
    return node.materialized == "incremental" and strategy(node) == "microbatch"


def microbatch(
    node: Node, relation: Relation, tests: Sequence[Node], units: tuple[Step, ...], before: tuple[Step, ...], at: Situation
) -> tuple[Batches, str]:
    """The batches to build and the steps of each, and why these.

    A batch replaces its interval and records it, in one transaction. A full refresh does the same to a table aside, which the last
    batch's transaction swaps in.
    """
    pace = paced(node)
    existing = at.snapshot.find(relation)
    exists = existing is not None and existing.kind == "table"
    part = at.event_times is not None or node.id in at.batches
    refresh = exists and not part and not is_incremental(node, existing, at.refreshes(node))
    intervals, adopted, why = wanted(node, relation, pace, at, exists=exists, refresh=refresh)
    target = relation.stage if refresh else relation
    there = None if refresh else existing
    opening = (*units, *before, *_cleared(node, relation, target, tuple(s.id for s in (*units, *before)), at))
    opening += _records(node, relation, target, adopted, tuple(s.id for s in opening), at, exists=exists and not refresh)
    local = [t for t in tests if t.attached == node.id and check(t, at.names).local]
    create = _batch(node, target, there, local, pace, at, add=False, refresh=refresh)
    add = _batch(node, target, there, local, pace, at, add=True, refresh=refresh)
    whole = [t for t in tests if t not in local]
    closing = _closing(node, relation, existing, whole, at, refresh=refresh)
    if at.dialect.transactions == "rows":
        opening, create, add = (tuple(replace(s, transaction=s.transaction or None) for s in some) for some in (opening, create, add))
        create = tuple(replace(s, transaction=None) for s in create)
        closing = tuple(replace(s, transaction=None) for s in closing) if refresh else closing
    made = Batches(
        intervals,
        pace.size,
        at.now,
        opening,
        create,
        add,
        closing,
        exists and not refresh,
        refresh,
        recorded=not at.names.empty and at.sample is None,
    )
    return made, why


def shown(batches: Batches) -> tuple[Step, ...]:
    """What is sent for the first batch, and before and behind it: to look at."""
    steps = (*batches.opening, *(batches.add if batches.exists else batches.create), *batches.closing)
    if not batches.intervals:
        return steps
    first = batches.intervals[0]
    return tuple(s if isinstance(s.sql, Late) else replace(s, sql=tuple(replace(t, sql=first.filled(t.sql)) for t in s.sql)) for s in steps)


def paced(node: Node) -> Pace:
    """The model's configuration, understood.

    Raises:
        PlanError: N331, all that is missing or cannot be.
    """
    problems: list[Problem] = []

    def wrong(message: str, hint: str) -> None:
        problems.append(Problem("N331", f"microbatch model `{node.name}` {message}", node.span, hint, node=node.id))

    event_time, begin, size, lookback = (node.config.get(k) for k in ("event_time", "begin", "batch_size", "lookback"))
    if not isinstance(event_time, str) or not event_time.strip():
        wrong("needs `event_time`", "event_time: the column of its rows that says when they happened, in UTC")
    known = str(size or "").lower()
    if known not in SIZES:
        said = f"has `batch_size: {size}`, which is none of {', '.join(SIZES)}" if size else "needs `batch_size`"
        wrong(said, did_you_mean(known, SIZES) or f"batch_size: one of {', '.join(SIZES)}")
    start = None
    if begin is None:
        wrong("needs `begin`", "begin: the date of its first batch, such as '2025-01-01'")
    else:
        try:
            start = instant(begin)
        except ValueError:
            wrong(f"has `begin: {begin}`, which is no date", "begin: a date or a time in UTC, such as '2025-01-01'")
    back = 1 if lookback is None else lookback
    if not isinstance(back, int) or isinstance(back, bool) or back < 0:
        wrong(f"has `lookback: {lookback}`, which is no number of batches", "lookback: 0, 1, 2, …")
    if node.language != "sql":
        wrong("is written in Python", "models that are built by interval are SQL; a Python model can be a `table`")
    if problems:
        raise PlanError(*problems)
    return Pace(str(event_time).strip(), start, known, int(back))  # type: ignore[arg-type] # `known` is one of them


def wanted(
    node: Node, relation: Relation, pace: Pace, at: Situation, *, exists: bool, refresh: bool
) -> tuple[tuple[Interval, ...], Interval | None, str]:
    """The batches to build, oldest first; what of a table that somebody else built is taken as complete; and why.

    Gaps are what the interval ledger does not have between `begin` and now; the last batches are built anew in any case, because
    of rows that arrive late.
    """
    ready = grid(pace.begin, at.now, pace.size)
    if at.names.empty:
        return ready[-1:], None, "without rows"
    if node.id in at.batches:
        return tuple(sorted(at.batches[node.id])), None, "what failed in the last run"
    if at.event_times is not None:
        return grid(at.event_times.start, at.event_times.end, pace.size), None, "the event times asked for"
    if refresh or not exists:
        return ready, None, "full refresh" if refresh else "does not exist yet"
    known = at.snapshot.intervals.get(str(relation), ())
    recent = ready[-(pace.lookback + 1) :]
    adopted: Interval | None = None
    published = at.snapshot.ledger.get(node.id)
    if not known and recent and recent[0] != ready[0] and (published is None or published.relation != str(relation)):
        adopted = Interval(truncated(pace.begin, pace.size), recent[0].start)
        known = (adopted,)
    missing = gaps(ready, known)
    chosen = tuple(sorted({*missing, *recent}))
    filled = [batch_name(i.start, pace.size) for i in missing if i not in recent]
    why = f"fills {filled[0] if len(filled) == 1 else f'{len(filled)} gaps from {filled[0]} on'}" if filled else "adds what is new"
    return chosen, adopted, why


def _cleared(node: Node, relation: Relation, target: Relation, needs: tuple[str, ...], at: Situation) -> tuple[Step, ...]:
    """What is in the way of the stages: left by an earlier run, for inspection or because it was killed."""
    stages = dict.fromkeys((relation.stage, target.stage))
    there = [found for stage in stages if (found := at.snapshot.find(stage)) is not None]
    return (Step(f"{node.id}/clean", node.id, "clean", statements([at.dialect.drop(t) for t in there]), needs),) if there else ()


def _records(
    node: Node, relation: Relation, target: Relation, adopted: Interval | None, needs: tuple[str, ...], at: Situation, *, exists: bool
) -> tuple[Step, ...]:
    """Of a table that is not there nothing is complete, whatever the ledger says; of somebody else's, what is taken as it is."""
    texts: tuple[str, ...] = ()
    if not exists and str(target) in at.snapshot.intervals:
        texts = at.dialect.intervals_forget(str(target))
    if adopted is not None:
        built = Built(node.id, str(relation), spelled(adopted.start), spelled(adopted.end), "", at.run, at.now.isoformat())
        texts = at.dialect.intervals_write(built)
    return (Step(f"{node.id}/records", node.id, "clean", statements(texts), needs),) if texts else ()


def _batch(
    node: Node, target: Relation, there: Existing | None, local: Sequence[Node], pace: Pace, at: Situation, *, add: bool, refresh: bool
) -> tuple[Step, ...]:
    """The steps of a batch: stage and judge its rows; then, in another transaction, put them into the table and record the interval."""
    own = {node.id: target} if refresh else {}
    reading = replace(at, names=replace(at.names, instead={**at.names.instead, **own}, window=(START_MARK, END_MARK)))
    stage = _with_interval(stage_step(node, target, reading, incremental=add), own)
    options = {} if add or refresh else node.config
    made = (stage, *finish(node, target, stage, options, at))
    inside = at.dialect.within(pace.event_time, START_MARK, END_MARK)
    count = f"select count(*) from {at.dialect.relation(target.stage)}"
    strays = f"{count} where not ({inside}) or ({pace.event_time}) is null"
    if at.own or not node.config.get("unique_key"):
        within = Step(
            f"{node.id}/within",
            node.id,
            "within",
            statements([strays]),
            (made[-1].id,),
            target.stage,
            payload={"event_time": pace.event_time},
        )
        made = (*made, within)
    delta = replace(at, names=replace(at.names, instead={**at.names.instead, node.id: target.stage}))
    judged = check_steps(local, node.id, target.stage, delta, needs=tuple(s.id for s in made), prefix=f"{node.id}/delta")
    passed = tuple(s.id for s in (*made, *judged))
    if not add:
        moved = statements(at.dialect.swap(target.stage, target, there, {} if refresh else node.config))
        return (*made, *judged, _record(node, target, moved, passed, at))
    options = {k: node.config[k] for k in OPTIONS if node.config.get(k)}
    apply = Step(
        f"{node.id}/apply",
        node.id,
        "apply",
        needs=passed,
        relation=target,
        transaction=1,
        payload={
            "stage": target.stage,
            "strategy": "microbatch",
            "unique_key": listed(node.config.get("unique_key")),
            "on_schema_change": str(node.config.get("on_schema_change") or (OWN_POLICY if at.own else "ignore")),
            "options": {**options, "event_time": pace.event_time, "start": START_MARK, "end": END_MARK},
        },
    )
    if at.dialect.transactions == "rows":  # the stage is dropped when all is over: no drop fits into the transaction
        align = replace(apply, id=f"{node.id}/align", transaction=None, payload={**apply.payload, "only": "columns"})
        rows = replace(apply, needs=(align.id,), payload={**apply.payload, "only": "rows"})
        return (*made, *judged, align, rows, _record(node, target, (), (rows.id,), at))
    drop = statements((at.dialect.drop(Existing(target.stage, "table")),))
    return (*made, *judged, apply, _record(node, target, drop, (apply.id,), at))


def _with_interval(stage: Step, instead: Mapping[str, Relation]) -> Step:
    """A template that is rendered for each batch has to know which one, and which table is its own."""
    if not isinstance(stage.sql, Late):
        return stage
    return replace(stage, sql=replace(stage.sql, wrap={**stage.sql.wrap, "interval": None, "instead": dict(instead)}))


def _record(node: Node, target: Relation, visible: tuple[Statement, ...], needs: tuple[str, ...], at: Situation) -> Step:
    """Record the interval in the transaction that makes its rows visible."""
    payload: dict[str, Any] = {"publish": Built(node.id, str(target), START_MARK, END_MARK, node.fingerprint, at.run, "")}
    if not at.dialect.trusts_commit:
        payload["verify"] = at.dialect.intervals_read(str(target), START_MARK)
    return Step(f"{node.id}/interval", node.id, "promote", visible, needs, target, transaction=1, payload=payload)


def _closing(
    node: Node, relation: Relation, existing: Existing | None, whole: Sequence[Node], at: Situation, *, refresh: bool
) -> tuple[Step, ...]:
    """What is done once, behind the last batch: tests that need the whole table, the ledger row, and hooks."""
    needs = (f"{node.id}/interval",)
    made: tuple[Step, ...] = ()
    place = relation.stage if refresh else relation
    looking = replace(at, names=replace(at.names, instead={**at.names.instead, node.id: place}))
    if refresh and (texts := at.dialect.finish(place, node.config)):
        made = (Step(f"{node.id}/finish-all", node.id, "finish", statements(texts), needs, place, transaction=1),)
    ready = (*needs, *(s.id for s in made))
    split = at.dialect.transactions == "rows"
    looking = replace(looking, later=split and not refresh)
    judged = check_steps(whole, node.id, place, looking, needs=ready, prefix=f"{node.id}/whole", transaction=1)
    visible: tuple[Statement, ...] = ()
    if refresh:
        moved = at.dialect.intervals_move(str(place), str(relation))
        visible = statements((*at.dialect.swap(place, relation, existing, node.config), *moved))
    done = promote(node, relation, visible, (*ready, *(c.id for c in judged)), 1, at, described=not split)
    if not split:
        return (*made, *judged, done, *hooks(node, "post_hook", needs=(done.id,), transaction=1))
    tidy = (*statements((at.dialect.drop(Existing(place.stage, "table")),)), *about(node, relation, at))
    settle = Step(f"{node.id}/settle", node.id, "clean", tidy, (done.id,), relation, transaction=None)
    after = tuple(replace(h, transaction=None) for h in hooks(node, "post_hook", needs=(settle.id,)))
    return (*made, *judged, done, settle, *after)
