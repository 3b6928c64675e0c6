"""Snapshots: stage the rows as they are now, write what changed, check the whole table; one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.core.errors import PlanError, Problem
from orchestrator.core.history import history
from orchestrator.core.names import Relation
from orchestrator.core.node import Node
from orchestrator.core.plan import Step
from orchestrator.core.snapshot import Existing
from orchestrator.plan.check_steps import check_steps
from orchestrator.plan.situation import Situation
from orchestrator.plan.steps import about, docs, finish, hooks, promote, staged, statements


def snapshot_steps(
    node: Node, relation: Relation, tests: Sequence[Node], before: tuple[str, ...], at: Situation
) -> tuple[tuple[Step, ...], frozenset[int]]:
    """Nobody else writes from the first step on; a failed check gives all of it up: a history is never half written.

    ``--full-refresh`` makes no difference: what a snapshot remembers is nowhere else. With ``--empty`` nothing is held to be gone.
    """
    existing = at.snapshot.find(relation)
    _is_table(node, existing)
    lock = Step(f"{node.id}/lock", node.id, "clean", statements(at.dialect.history_lock(relation)), before, relation)
    locked = (lock,) if lock.sql else ()
    needs = (*before, *(s.id for s in locked))
    cleaned, stage = staged(node, relation, needs, at)
    made = (stage, *finish(node, relation, stage, {}, at))
    asked = history(node.config)
    asked = replace(asked, hard_deletes="ignore") if at.names.empty else asked
    payload = {"stage": relation.stage, "history": asked, "config": dict(node.config)}
    if at.dialect.transactions == "rows":
        write = _first if existing is None else _further
        return write(node, relation, tests, (*locked, *cleaned, *made), payload, at), frozenset()
    wrote = Step(f"{node.id}/history", node.id, "history", (), tuple(s.id for s in made), relation, payload=payload)
    checks = check_steps(tests, node.id, relation, at, needs=(wrote.id,), prefix=node.id)
    drop = statements((at.dialect.drop(Existing(relation.stage, "table")),))
    done = promote(node, relation, drop, (wrote.id, *(c.id for c in checks)), 0, at)
    after = hooks(node, "post_hook", needs=(done.id,))
    return (*locked, *cleaned, *made, wrote, *checks, done, *docs(node, relation, done, at), *after), frozenset()


def _first(
    node: Node, relation: Relation, tests: Sequence[Node], before: tuple[Step, ...], payload: Mapping[str, Any], at: Situation
) -> tuple[Step, ...]:
    """A new history where no transaction could hold a new table: built beside, tested there, then given its name."""
    first = {**payload, "only": "first"}
    wrote = Step(f"{node.id}/history", node.id, "history", (), tuple(s.id for s in before), relation, payload=first)
    beside = replace(at, names=replace(at.names, instead={**at.names.instead, node.id: relation.changes}))
    checks = check_steps(tests, node.id, relation.changes, beside, needs=(wrote.id,), prefix=node.id)
    visible = at.dialect.swap(relation.changes, relation, None, node.config)
    drop = at.dialect.drop(Existing(relation.stage, "table"))
    done = promote(node, relation, statements((*visible, drop)), (wrote.id, *(c.id for c in checks)), 0, at)
    after = hooks(node, "post_hook", needs=(done.id,))
    steps = (*before, wrote, *checks, done, *docs(node, relation, done, at), *after)
    return tuple(replace(s, transaction=None) for s in steps)


def _further(
    node: Node, relation: Relation, tests: Sequence[Node], before: tuple[Step, ...], payload: Mapping[str, Any], at: Situation
) -> tuple[Step, ...]:
    """What changed is worked out, and the table gets its columns, before the one transaction that ends and begins versions, tests them
    and writes the ledger row; what was needed for it goes away after it.
    """
    outside = tuple(replace(s, transaction=None) for s in before)
    needs = tuple(s.id for s in before)
    found = Step(f"{node.id}/changes", node.id, "history", (), needs, relation, transaction=None, payload={**payload, "only": "changes"})
    wrote = Step(f"{node.id}/history", node.id, "history", (), (found.id,), relation, transaction=1, payload={**payload, "only": "rows"})
    checks = check_steps(tests, node.id, relation, replace(at, later=True), needs=(wrote.id,), prefix=node.id, transaction=1)
    done = promote(node, relation, (), (wrote.id, *(c.id for c in checks)), 1, at, described=False)
    gone = (at.dialect.drop(Existing(r, "table")) for r in (relation.stage, relation.changes))
    texts = (*statements(tuple(gone)), *about(node, relation, at))
    settle = Step(f"{node.id}/settle", node.id, "clean", texts, (done.id,), relation, transaction=None)
    after = tuple(replace(h, transaction=None) for h in hooks(node, "post_hook", needs=(settle.id,)))
    return (*outside, found, wrote, *checks, done, settle, *docs(node, relation, settle, at), *after)


def _is_table(node: Node, existing: Existing | None) -> None:
    if existing is not None and existing.kind != "table":
        message = f"`{existing.relation}` is a {existing.kind.replace('_', ' ')}; the snapshot `{node.name}` keeps its history in a table"
        raise PlanError(Problem("N305", message, node.span, "drop or rename it, or give the snapshot another `alias`", node=node.id))
