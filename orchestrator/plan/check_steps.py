"""Steps that judge tests: those that can share a scan do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from orchestrator.core.errors import PlanError, Problem
from orchestrator.core.names import Relation, shortened
from orchestrator.core.node import Node
from orchestrator.core.plan import Late, Statement, Step, Verdict
from orchestrator.graph.environment import suffixed
from orchestrator.plan.checks import Check, check, is_late_check, scans, stored, verdict
from orchestrator.plan.situation import Situation

KEPT = ("table", "view", "ephemeral")
"""What ``store_failures_as`` may say; ``ephemeral`` keeps nothing."""


def check_steps(
    tests: Sequence[Node],
    under: str,
    relation: Relation,
    at: Situation,
    *,
    needs: tuple[str, ...],
    prefix: str,
    transaction: int | None = 0,
) -> tuple[Step, ...]:
    """Steps that judge ``tests`` while the node ``under`` test is at ``relation``; tests that can share a scan do."""
    names = at.names
    late = [t for t in tests if is_late_check(t, names)]
    known = [check(t, names) for t in tests if t not in late]
    kinds = {t.id: kept_as(t, at) for t in tests}
    if transaction is not None or at.later:  # a view would hold on to the stage, which is about to become something else
        kinds = {id_: kind and "table" for id_, kind in kinds.items()}
    audits = {t.id: audit(t, at) for t in tests if kinds[t.id]}
    parts: list[tuple[tuple[Statement, ...] | Late, tuple[Verdict, ...], dict[str, Any]]] = []
    parts += (((sql,), verdicts, {}) for sql, verdicts in scans([c for c in known if c.test.id not in audits], under, names))
    for one in (c for c in known if c.test.id in audits):
        kept = audits[one.test.id]
        judged = (verdict(one, f"select * from {at.dialect.relation(kept)}"),)
        if at.later:
            parts.append(((one.count,), judged, {"audit": kept, "rows": one.rows}))
        else:
            parts.append((stored(one, kept, at.dialect, kinds[one.test.id]), judged, {"audit": kept}))
    for test in late:
        table = None if at.later else audits.get(test.id)
        shown = f"select * from {at.dialect.relation(table)}" if table else ""
        sql = Late("render", test.id, {"instead": names.instead, "audit": table, "audit_as": kinds[test.id]})
        parts.append((sql, (verdict(Check(test, shown)),), {"audit": table} if table else {}))
    return tuple(
        Step(
            f"{prefix}/check{index}",
            verdicts[0].test,
            "check",
            sql,
            needs,
            relation,
            tuple(replace(v, warn_fails=True) for v in verdicts) if at.warn_error else verdicts,
            transaction,
            payload,
        )
        for index, (sql, verdicts, payload) in enumerate(parts)
    )


def kept_as(test: Node, at: Situation) -> str | None:
    """What the rows that fail ``test`` are kept as: ``table`` or ``view``, or not at all.

    Raises:
        PlanError: N012, ``store_failures_as`` is something else.
    """
    chosen = test.config.get("store_failures_as")
    if chosen is not None and chosen not in KEPT:
        hint = f"one of {', '.join(f'`{k}`' for k in KEPT)}"
        raise PlanError(Problem("N012", f"`store_failures_as` of `{test.name}` is `{chosen}`", test.span, hint, node=test.id))
    wanted = at.store_failures if at.store_failures is not None else bool(test.config.get("store_failures") or chosen)
    return None if chosen == "ephemeral" or not wanted else chosen or "table"


def audit(test: Node, at: Situation) -> Relation:
    """``store_failures``: the table that keeps the rows which fail ``test``."""
    attached = at.names.graph.nodes.get(test.attached or (test.depends_on[0] if test.depends_on else ""))
    near = attached.relation if attached else None
    schema = f"{at.schema}_{test.config.get('schema') or 'dbt_test__audit'}"
    if at.environment:
        schema = suffixed(schema, at.environment, at.dialect.max_identifier)
    name = shortened(str(test.config.get("alias") or test.name), at.dialect.max_identifier)
    return Relation(near.database if near else None, schema, name)
