"""Views and tables: build aside, check, swap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, SqlBody
from orchestrator.core.plan import Late, Statement, Step
from orchestrator.core.snapshot import Existing
from orchestrator.plan.check_steps import check_steps
from orchestrator.plan.situation import Situation
from orchestrator.plan.steps import clean, compiled, create_statements, docs, finish, hooks, promote, relation_kind, staged, statements


def replace_steps(
    node: Node, relation: Relation, tests: Sequence[Node], before: tuple[str, ...], at: Situation
) -> tuple[tuple[Step, ...], frozenset[int]]:
    """Views and tables: build aside, check, swap; one transaction; a failed check keeps only the stage."""
    existing = at.snapshot.find(relation)
    cleaned, stage = staged(node, relation, before, at)
    names = replace(at.names, instead={**at.names.instead, node.id: relation.stage})
    made = (stage, *finish(node, relation, stage, node.config, at))
    checks = check_steps(tests, node.id, relation.stage, replace(at, names=names), needs=tuple(s.id for s in made), prefix=node.id)
    passed = tuple(s.id for s in (*made, *checks))
    kind = relation_kind(node)
    moved = None if kind == "table" else at.dialect.swap_view(relation.stage, relation, existing)
    visible: tuple[Step, ...] = ()
    if moved is not None:
        last = statements(moved)
    elif kind != "table":
        visible = _view(node, relation, stage, passed, existing, at)
        last = statements((at.dialect.drop(Existing(relation.stage, kind)),))
    else:
        swap = at.dialect.swap_rows if is_in_place(node) else at.dialect.swap
        last = statements(swap(relation.stage, relation, existing, node.config))
    done = promote(node, relation, last, (*passed, *(s.id for s in visible)), 0, at)
    after = hooks(node, "post_hook", needs=(done.id,))
    steps = (*cleaned, *made, *checks, *visible, done, *docs(node, relation, done, at), *after)
    if at.dialect.transactions == "rows":  # no transaction could hold them; their order is what protects the readers
        return tuple(replace(s, transaction=None) for s in steps), frozenset()
    return steps, frozenset({0})


def is_in_place(node: Node) -> bool:
    """Whether a table keeps its identity and only its rows are replaced.

    Raises:
        PlanError: N317, ``publish`` is neither ``swap`` nor ``in_place``.
    """
    said = str(node.config.get("publish") or "swap")
    if said not in ("swap", "in_place"):
        hint = did_you_mean(said, ("swap", "in_place"), also="choose `swap` or `in_place`")
        raise PlanError(Problem("N317", f"`publish: {said}` means nothing", node.span, hint, node=node.id))
    return said == "in_place" and relation_kind(node) == "table"


def _view(
    node: Node, relation: Relation, stage: Step, needs: tuple[str, ...], existing: Existing | None, at: Situation
) -> tuple[Step, ...]:
    """A view, materialized or not, is replaced in place, by the text that was just checked."""
    body = at.names.graph.bodies[node.id]
    if not isinstance(body, SqlBody):
        raise AssertionError(node.id)
    kind = relation_kind(node)
    stays = existing is not None and at.dialect.replaces(existing, kind, node.config)
    cleaned = () if stays else clean(f"{node.id}/drop", node, existing, "", needs, at)
    sql: tuple[Statement, ...] | Late
    if isinstance(stage.sql, Late):
        sql = Late("render", node.id, {**stage.payload, "relation": relation, "again": True})
    else:
        sql = create_statements(at.dialect, relation, compiled(node, body.query, at), stage.payload, node.id)
    return (*cleaned, Step(f"{node.id}/view", node.id, "stage", sql, (*needs, *(c.id for c in cleaned)), relation))
