"""Materialized views: refreshed while they are what they should be, built aside and swapped when they are not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, SqlBody
from orchestrator.core.plan import Origin, Statement, Step
from orchestrator.core.snapshot import Existing
from orchestrator.plan.check_steps import check_steps
from orchestrator.plan.compile import is_late
from orchestrator.plan.expand.replace import replace_steps
from orchestrator.plan.situation import Situation
from orchestrator.plan.steps import clean, compiled, create_statements, docs, hooks, promote, statements
from orchestrator.sql.splice import Spliced

ON_CHANGE = ("apply", "continue", "fail")
"""What ``on_configuration_change`` may say."""


def materialized_view_steps(
    node: Node, relation: Relation, tests: Sequence[Node], before: tuple[str, ...], at: Situation
) -> tuple[tuple[Step, ...], frozenset[int]]:
    """Refresh it, check it, and only then commit (or check its query, and then refresh it); or build it anew like any table.

    Raises:
        PlanError: N315, ``on_configuration_change`` is none of its words. N304, ``indexes`` make no sense.
    """
    existing = at.snapshot.find(relation)
    if existing is None or not is_refreshed(node, existing, at):
        return replace_steps(node, relation, tests, before, at)
    changes = _changes(node, existing, at)
    names = replace(at, names=replace(at.names, instead={**at.names.instead, node.id: relation}))
    outside = None if at.dialect.transactions == "rows" else 0
    if changes is None or (changes and on_change(node) != "apply"):
        refused = Step(f"{node.id}/refuse", node.id, "refuse", (), before, payload={"problem": _changed(node)}, transaction=outside)
        first = (refused,) if on_change(node) == "fail" else ()
        needs = tuple(s.id for s in first) or before
        return (*first, *check_steps(tests, node.id, relation, names, needs=needs, prefix=node.id, transaction=outside)), frozenset()
    if at.dialect.transactions == "rows":
        return _looked_at_first(node, relation, tests, before, changes, at), frozenset()
    refresh = Step(f"{node.id}/refresh", node.id, "stage", (*statements(changes), *_refresh(node, relation, at)), before, relation)
    checks = check_steps(tests, node.id, relation, names, needs=(refresh.id,), prefix=node.id)
    done = promote(node, relation, (), (refresh.id, *(c.id for c in checks)), 0, at)
    after = hooks(node, "post_hook", needs=(done.id,))
    return (refresh, *checks, done, *after), frozenset()


def _looked_at_first(
    node: Node, relation: Relation, tests: Sequence[Node], before: tuple[str, ...], changes: Sequence[str], at: Situation
) -> tuple[Step, ...]:
    """Where nothing takes a refresh back, the tests look at what the query says now, through a view of it; then comes the refresh."""
    looked: tuple[Step, ...] = ()
    last: tuple[Statement, ...] = ()
    needs = before
    if tests:
        cleaned = clean(f"{node.id}/clean", node, at.snapshot.find(relation.stage), "", before, at)
        made = create_statements(at.dialect, relation.stage, _text(node, at), {"create": "view", "config": {}}, node.id)
        stage = Step(f"{node.id}/stage", node.id, "stage", made, (*before, *(c.id for c in cleaned)), relation.stage)
        names = replace(at, names=replace(at.names, instead={**at.names.instead, node.id: relation.stage}))
        checks = check_steps(tests, node.id, relation.stage, names, needs=(stage.id,), prefix=node.id)
        looked = (*cleaned, stage, *checks)
        needs = (stage.id, *(c.id for c in checks))
        last = statements((at.dialect.drop(Existing(relation.stage, "view")),))
    sql = (*statements(changes), *_refresh(node, relation, at))
    refresh = Step(f"{node.id}/refresh", node.id, "stage", sql, needs, relation)
    done = promote(node, relation, last, (*needs, refresh.id), 0, at)
    steps = (*looked, refresh, done, *docs(node, relation, done, at), *hooks(node, "post_hook", needs=(done.id,)))
    return tuple(replace(s, transaction=None) for s in steps)


def _refresh(node: Node, relation: Relation, at: Situation) -> Iterator[Statement]:
    """The statements that refresh; an error in the query leads back to it."""
    text = _text(node, at)
    for sql in at.dialect.refresh(relation, text.sql, node.config):
        yield Statement(sql, Origin(node.id, text.shifted(len(sql) - len(text.sql))) if sql.endswith(text.sql) else None)


def _text(node: Node, at: Situation) -> Spliced:
    body = at.names.graph.bodies[node.id]
    if not isinstance(body, SqlBody):
        raise AssertionError(node.id)
    return compiled(node, body.query, at)


def is_refreshed(node: Node, existing: Existing | None, at: Situation) -> bool:
    """Whether what is there has the node's own definition, as far as the ledger knows: then its rows are all that is old.

    A configuration that only a new one can have, and is to be applied, is a definition of its own.
    """
    published = at.snapshot.ledger.get(node.id)
    body = at.names.graph.bodies[node.id]
    configured = node.config.get("full_refresh")
    anew = at.full_refresh if configured is None else bool(configured)
    if existing is None or existing.kind != "materialized_view" or anew or published is None:
        return False
    if isinstance(body, SqlBody) and is_late(node, body, at.names):
        return False  # its text is known only when it is rendered again
    if published.fingerprint != node.fingerprint or at.names.empty:
        return False
    return on_change(node) != "apply" or _changes(node, existing, at) is not None


def left_as_it_is(node: Node, at: Situation) -> Iterator[Problem]:
    """A warning that a changed configuration is left as it is."""
    existing = at.snapshot.find(node.relation) if node.relation else None
    if existing is not None and is_refreshed(node, existing, at) and on_change(node) == "continue" and _changes(node, existing, at) != ():
        yield replace(_changed(node), severity="warning")


def on_change(node: Node) -> str:
    """What to do when the configuration of a materialized view changed and its query did not."""
    said = str(node.config.get("on_configuration_change") or "apply")
    if said not in ON_CHANGE:
        hint = did_you_mean(said, ON_CHANGE, also=f"choose {', '.join(ON_CHANGE)}")
        raise PlanError(Problem("N315", f"`on_configuration_change: {said}` means nothing", node.span, hint, node=node.id))
    return said


def _changes(node: Node, existing: Existing, at: Situation) -> tuple[str, ...] | None:
    try:
        return at.dialect.reconfigure(existing, node.config)
    except PlanError as error:
        raise PlanError(*(replace(p, span=node.span, node=node.id) for p in error.problems)) from None


def _changed(node: Node) -> Problem:
    message = f"the configuration of `{node.name}` changed, and `on_configuration_change: {on_change(node)}` leaves it as it is"
    return Problem("N316", message, node.span, "`apply` changes it; so does --full-refresh", node=node.id)
