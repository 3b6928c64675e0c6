"""One node → its task: stage → check… → promote. Children wait for the promote; a failed check keeps the old version visible."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, SqlBody
from orchestrator.core.plan import Task
from orchestrator.core.snapshot import Existing
from orchestrator.plan.compile import column_names
from orchestrator.plan.contract import contract, remarks
from orchestrator.plan.expand.incremental import incremental_steps, is_incremental, strategy
from orchestrator.plan.expand.materialized_view import is_refreshed, left_as_it_is, materialized_view_steps
from orchestrator.plan.expand.microbatch import is_microbatch, microbatch, shown
from orchestrator.plan.expand.replace import replace_steps
from orchestrator.plan.expand.snapshot import snapshot_steps
from orchestrator.plan.situation import Situation
from orchestrator.plan.steps import hooks, unit_step


def expand(node: Node, tests: Sequence[Node], unit_tests: Sequence[Node], needs: tuple[str, ...], at: Situation) -> Task:
    """The task that builds ``node`` and lets ``tests`` decide whether it is published."""
    relation = node.relation
    if relation is None:
        raise AssertionError(node.id)
    _known_materialization(node, at)
    _fits(node, relation, at)
    existing = at.snapshot.find(relation)
    incremental = is_incremental(node, existing, at.refreshes(node))
    units = tuple(unit_step(u) for u in unit_tests)
    before = hooks(node, "pre_hook", needs=tuple(u.id for u in units))
    judged = (*(u.id for u in unit_tests), *(t.id for t in tests))
    if at.dialect.transactions == "rows":
        before = tuple(dataclasses.replace(h, transaction=None) for h in before)
    agreed = contract(node, at)
    warnings = () if agreed is None else tuple(remarks(node, agreed, at))
    if is_microbatch(node):
        with _placed(node):
            batches, why = microbatch(node, relation, tests, units, before, at)
        return Task(
            node.id,
            node.kind,
            label(node, relation),
            shown(batches),
            needs,
            frozenset({0}),
            judged,
            why,
            relation,
            warnings,
            leased=True,
            batches=batches,
        )
    is_view = node.kind == "model" and node.materialized == "materialized_view"
    make = {"snapshot": snapshot_steps}.get(node.kind) or (materialized_view_steps if is_view else replace_steps)
    with _placed(node):
        steps, keep = (incremental_steps if incremental else make)(node, relation, tests, tuple(s.id for s in (*units, *before)), at)
    split = len({s.transaction for s in steps if s.transaction is not None}) > 1
    return Task(
        node.id,
        node.kind,
        label(node, relation),
        (*units, *before, *steps),
        needs,
        keep,
        judged,
        _reason(node, existing, at, adds=incremental),
        relation,
        warnings=(*warnings, *(left_as_it_is(node, at) if is_view else ())),
        leased=at.dialect.leases == "every" or split,
    )


@contextmanager
def _placed(node: Node) -> Iterator[None]:
    """What an engine refuses of a node's config is the node's problem: its file has the place."""
    try:
        yield
    except PlanError as error:
        raise PlanError(*(p if p.span else dataclasses.replace(p, span=node.span, node=node.id) for p in error.problems)) from None


def _fits(node: Node, relation: Relation, at: Situation) -> None:
    """Raise for a name that the engine would cut off: two such names could become one."""
    for word, name in (("name", relation.name), ("schema", relation.schema or "")):
        if len(name.encode()) > at.dialect.max_identifier:
            most = at.dialect.max_identifier
            message = f"the {word} `{name}` of `{node.name}` has {len(name.encode())} bytes; {at.dialect.name} allows {most}"
            raise PlanError(Problem("N303", message, node.span, "give it a shorter one with `alias`, or a shorter `schema`", node=node.id))
    body = at.names.graph.bodies[node.id]
    if isinstance(body, SqlBody):
        for query in (body.query, body.incremental):
            column_names(node, query, at.dialect)


_KINDS = {"sql": ("view", "table", "incremental", "ephemeral"), "python": ("table", "incremental")}


def _known_materialization(node: Node, at: Situation) -> None:
    """Raise for a materialization or an incremental strategy that nobody here can do."""
    known = _KINDS[node.language] if node.kind == "model" else (node.materialized,)
    if node.kind == "model" and node.language == "sql" and at.dialect.materialized_views:
        known = (*known, "materialized_view")
    if node.materialized not in known:
        message = (
            f"{node.language} {node.kind} `{node.name}` is materialized as `{node.materialized}`, which does not exist on {at.dialect.name}"
        )
        hint = did_you_mean(
            node.materialized.replace("materialized_view", ""), known, also=f"there is {', '.join(f'`{k}`' for k in known)}"
        )
        raise PlanError(Problem("N302", message, node.span, hint, node=node.id))
    if node.materialized == "incremental" and strategy(node) not in at.dialect.strategies:
        own = f"get_incremental_{strategy(node).replace('+', '_')}_sql"
        if any(macro.endswith(f".{own}") for macro in at.names.graph.macros):
            message = (
                f"`{node.name}` asks for the incremental strategy of the macro `{own}`: strategies of a project's own are not supported"
            )
            raise PlanError(Problem("N332", message, node.span, f"there is {', '.join(at.dialect.strategies)}", node=node.id))
        message = f"{at.dialect.name} has no incremental strategy `{strategy(node)}`"
        hint = did_you_mean(strategy(node), at.dialect.strategies, also=f"strategies are {', '.join(at.dialect.strategies)}")
        raise PlanError(Problem("N301", message, node.span, hint, node=node.id))
    if node.materialized == "incremental" and (needs := at.dialect.too_old(strategy(node), at.snapshot.server)):
        message = f"`{strategy(node)}` needs {needs}; this is {at.snapshot.server}"
        raise PlanError(Problem("N301", message, node.span, "`delete+insert` does the same on every version", node=node.id))
    if node.materialized == "incremental" and strategy(node) == "insert_overwrite" and not node.config.get("partition_by"):
        message = f"`{node.name}` overwrites partitions and does not say what they are"
        raise PlanError(Problem("N333", message, node.span, "partition_by: a column or an expression, or a list of them", node=node.id))


def label(node: Node, relation: Relation) -> str:
    """What the console calls the node: ``sql table model analytics.orders``."""
    where = f"{relation.schema}.{relation.name}"
    if node.kind == "seed":
        return f"seed file {where}"
    if node.kind == "snapshot":
        return f"snapshot {where}"
    how = "microbatch" if is_microbatch(node) else node.materialized
    return f"{node.language} {how} {node.kind} {where}"


def _reason(node: Node, existing: Existing | None, at: Situation, *, adds: bool) -> str:
    if existing is None:
        return "does not exist yet"
    if node.kind == "snapshot":
        return "writes down what changed"
    if adds:
        return "adds what is new"
    if node.materialized == "materialized_view" and is_refreshed(node, existing, at):
        return "refreshes its rows"
    published = at.snapshot.ledger.get(node.id)
    if published is None:
        return "was not published by orc before"
    return "code changed" if published.fingerprint != node.fingerprint else "selected"
