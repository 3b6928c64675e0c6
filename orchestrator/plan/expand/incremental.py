"""Incremental models: stage the delta, check it, apply it, check the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.core.config import listed
from orchestrator.core.names import Relation
from orchestrator.core.node import Node
from orchestrator.core.plan import Step
from orchestrator.core.snapshot import Existing
from orchestrator.plan.check_steps import check_steps
from orchestrator.plan.checks import check
from orchestrator.plan.situation import Situation
from orchestrator.plan.steps import about, docs, finish, hooks, promote, staged, statements

OWN_POLICY = "append_or_fail"
"""``on_schema_change`` of our own projects when they say nothing: new columns are added, anything else is an error."""

OPTIONS = (
    "incremental_predicates",
    "predicates",
    "merge_update_columns",
    "merge_exclude_columns",
    "partition_by",
    "partitions",
    "kms_key_name",
)
"""Config that the application of a delta heeds."""


def is_incremental(node: Node, existing: Existing | None, full_refresh: bool) -> bool:
    """Whether this build adds to what is there (dbt's rule): the table exists, the model is incremental, no full refresh."""
    if node.materialized != "incremental" or existing is None or existing.kind != "table":
        return False
    configured = node.config.get("full_refresh")
    return not (full_refresh if configured is None else bool(configured))


def incremental_steps(
    node: Node, relation: Relation, tests: Sequence[Node], before: tuple[str, ...], at: Situation
) -> tuple[tuple[Step, ...], frozenset[int]]:
    """The delta is staged and judged row by row; then it is applied and the whole table judged, in one transaction with the ledger row."""
    cleaned, stage = staged(node, relation, before, at, incremental=True)
    delta = replace(at, names=replace(at.names, instead={**at.names.instead, node.id: relation.stage}))
    compiled_tests = [(t, check(t, delta.names)) for t in tests]
    local = [t for t, c in compiled_tests if c.local and t.attached == node.id]
    whole = [t for t in tests if t not in local]
    made = (stage, *finish(node, relation, stage, {}, at))  # a delta needs no indexes
    first = check_steps(local, node.id, relation.stage, delta, needs=tuple(s.id for s in made), prefix=f"{node.id}/delta")
    apply = Step(
        f"{node.id}/apply",
        node.id,
        "apply",
        needs=tuple(s.id for s in (*made, *first)),
        relation=relation,
        transaction=1,
        payload={
            "stage": relation.stage,
            "strategy": strategy(node),
            "unique_key": listed(node.config.get("unique_key")),
            "on_schema_change": str(node.config.get("on_schema_change") or (OWN_POLICY if at.own else "ignore")),
            "options": {k: node.config[k] for k in OPTIONS if node.config.get(k)},
        },
    )
    second = check_steps(whole, node.id, relation, at, needs=(apply.id,), prefix=f"{node.id}/whole", transaction=1)
    if at.dialect.transactions == "rows":
        return _rows_only(node, relation, (*cleaned, *made, *first), apply, whole, at), frozenset()
    drop = statements((at.dialect.drop(Existing(relation.stage, "table")),))
    done = promote(node, relation, drop, (apply.id, *(c.id for c in second)), 1, at)
    after = hooks(node, "post_hook", needs=(done.id,), transaction=1)
    return (*cleaned, *made, *first, apply, *second, done, *docs(node, relation, done, at), *after), frozenset({0})


def _rows_only(
    node: Node, relation: Relation, before: tuple[Step, ...], apply: Step, whole: Sequence[Node], at: Situation
) -> tuple[Step, ...]:
    """Where a transaction holds changes of rows only: the table gets its columns before it, and all else happens after it."""
    outside = tuple(replace(s, transaction=None) for s in before)
    align = replace(apply, id=f"{node.id}/align", transaction=None, payload={**apply.payload, "only": "columns"})
    rows = replace(apply, needs=(align.id,), payload={**apply.payload, "only": "rows"})
    checks = check_steps(whole, node.id, relation, replace(at, later=True), needs=(rows.id,), prefix=f"{node.id}/whole", transaction=1)
    done = promote(node, relation, (), (rows.id, *(c.id for c in checks)), 1, at, described=False)
    texts = (*statements((at.dialect.drop(Existing(relation.stage, "table")),)), *about(node, relation, at))
    settle = Step(f"{node.id}/settle", node.id, "clean", texts, (done.id,), relation, transaction=None)
    after = tuple(replace(h, transaction=None) for h in hooks(node, "post_hook", needs=(settle.id,)))
    return (*outside, align, rows, *checks, done, settle, *docs(node, relation, settle, at), *after)


def strategy(node: Node) -> str:
    """The incremental strategy: as configured, else delete+insert where there is a key, else append."""
    configured = node.config.get("incremental_strategy")
    return str(configured) if configured else ("delete+insert" if node.config.get("unique_key") else "append")
