"""One node → its task: stage → check… → promote. Children wait for the promote; a failed check keeps the old version visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.core.config import listed
from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.names import Relation, shortened
from orchestrator.core.node import Node, PythonBody, Query, SeedBody, SqlBody
from orchestrator.core.plan import Late, Origin, Statement, Step, Task, Verdict
from orchestrator.core.ports import Dialect
from orchestrator.core.snapshot import Existing, Published, Snapshot
from orchestrator.plan.checks import Check, check, is_late_check, scans, stored, verdict
from orchestrator.plan.compile import Names, compile_query, is_late
from orchestrator.sql.splice import Spliced

OWN_POLICY = "append_or_fail"
"""``on_schema_change`` of our own projects when they say nothing: new columns are added, anything else is an error."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What expansion needs to know besides the node: where things are, what exists, and the flags."""

    names: Names
    snapshot: Snapshot
    run: str
    full_refresh: bool = False
    store_failures: bool | None = None
    warn_error: bool = False
    own: bool = True
    schema: str = "main"

    @property
    def dialect(self) -> Dialect:
        """What to say to the engine."""
        return self.names.dialect


def expand(node: Node, tests: Sequence[Node], unit_tests: Sequence[Node], needs: tuple[str, ...], at: Situation) -> Task:
    """The task that builds ``node`` and lets ``tests`` decide whether it is published."""
    relation = node.relation
    if relation is None:
        raise AssertionError(node.id)
    _known_materialization(node, at)
    _fits(node, relation, at)
    existing = at.snapshot.find(relation)
    incremental = is_incremental(node, existing, at.full_refresh)
    units = tuple(_unit_step(u) for u in unit_tests)
    before = _hooks(node, "pre_hook", needs=tuple(u.id for u in units))
    stage = _stage(node, relation, at, incremental=incremental)
    stage = replace(stage, needs=tuple(s.id for s in (*units, *before)))
    clean = _clean(f"{node.id}/clean", node, at.snapshot.find(relation.stage), str(stage.payload["create"]), stage.needs, at)
    if incremental:
        steps, keep = _incremental(node, relation, stage, tests, at)
    else:
        steps, keep = _replace(node, relation, stage, tests, existing, at)
    return Task(
        node.id,
        node.kind,
        label(node, relation),
        (*units, *before, *clean, *steps),
        needs,
        keep,
        (*(u.id for u in unit_tests), *(t.id for t in tests)),
        _reason(node, existing, incremental, at),
        relation,
    )


def _fits(node: Node, relation: Relation, at: Situation) -> None:
    """Raise for a name that the engine would cut off: two such names could become one."""
    for word, name in (("name", relation.name), ("schema", relation.schema or "")):
        if len(name.encode()) > at.dialect.max_identifier:
            most = at.dialect.max_identifier
            message = f"the {word} `{name}` of `{node.name}` has {len(name.encode())} bytes; {at.dialect.name} allows {most}"
            raise PlanError(Problem("N303", message, node.span, "give it a shorter one with `alias`, or a shorter `schema`", node=node.id))


_KINDS = {"sql": ("view", "table", "incremental", "ephemeral"), "python": ("table", "incremental")}


def _known_materialization(node: Node, at: Situation) -> None:
    """Raise for a materialization or an incremental strategy that nobody here can do."""
    known = _KINDS[node.language] if node.kind == "model" else (node.materialized,)
    if node.materialized not in known:
        message = (
            f"{node.language} {node.kind} `{node.name}` is materialized as `{node.materialized}`, which does not exist on {at.dialect.name}"
        )
        hint = did_you_mean(node.materialized, known, also=f"there is {', '.join(f'`{k}`' for k in known)}")
        raise PlanError(Problem("N302", message, node.span, hint, node=node.id))
    if node.materialized == "incremental" and strategy(node) not in at.dialect.strategies:
        message = f"{at.dialect.name} has no incremental strategy `{strategy(node)}`"
        hint = did_you_mean(strategy(node), at.dialect.strategies, also=f"strategies are {', '.join(at.dialect.strategies)}")
        raise PlanError(Problem("N301", message, node.span, hint, node=node.id))


def is_incremental(node: Node, existing: Existing | None, full_refresh: bool) -> bool:
    """Whether this build adds to what is there (dbt's rule): the table exists, the model is incremental, no full refresh."""
    if node.materialized != "incremental" or existing is None or existing.kind != "table":
        return False
    configured = node.config.get("full_refresh")
    return not (full_refresh if configured is None else bool(configured))


def label(node: Node, relation: Relation) -> str:
    """What the console calls the node: ``sql table model analytics.orders``."""
    where = f"{relation.schema}.{relation.name}"
    if node.kind == "seed":
        return f"seed file {where}"
    return f"{node.language} {node.materialized} {node.kind} {where}"


def _reason(node: Node, existing: Existing | None, incremental: bool, at: Situation) -> str:
    if existing is None:
        return "does not exist yet"
    if incremental:
        return "adds what is new"
    published = at.snapshot.ledger.get(node.id)
    if published is None:
        return "was not published by orc before"
    return "code changed" if published.fingerprint != node.fingerprint else "selected"


def _stage(node: Node, relation: Relation, at: Situation, *, incremental: bool) -> Step:
    body = at.names.graph.bodies[node.id]
    config = dict(node.config)
    create = {"create": "view" if node.materialized == "view" else "table", "config": config}
    match body:
        case PythonBody():
            payload = {"python": body.raw, "path": node.path, "incremental": incremental, **create}
            return Step(f"{node.id}/stage", node.id, "python", (), relation=relation.stage, payload=payload)
        case SeedBody():
            return Step(f"{node.id}/stage", node.id, "seed", (), relation=relation.stage, payload={"path": node.path, **create})
        case SqlBody():
            if is_late(node, body, at.names):
                late = Late("render", node.id, {**create, "incremental": incremental, "relation": relation.stage})
                return Step(f"{node.id}/stage", node.id, "stage", late, relation=relation.stage, payload=create)
            query = body.incremental if incremental and body.incremental else body.query
            statement = create_statement(at.dialect, relation.stage, compiled(node, query, at), create, node.id, incremental=incremental)
            return Step(f"{node.id}/stage", node.id, "stage", (statement,), relation=relation.stage, payload=create)
        case _:
            raise AssertionError(node.id)


def _clean(id_: str, node: Node, there: Existing | None, kind: str, needs: tuple[str, ...], at: Situation) -> tuple[Step, ...]:
    """What is in the way of a relation of another ``kind`` is dropped first; one of the same kind is replaced as it is.

    A stage is in the way when an earlier run left it for inspection and the model has changed since then.
    """
    if there is None or there.kind == kind:
        return ()
    return (Step(id_, node.id, "clean", (Statement(at.dialect.drop(there)),), needs, there.relation),)


def compiled(node: Node, query: Query, at: Situation) -> Spliced:
    """The node's query as sent, with the author's ``sql_header`` left to the engine's dialect."""
    return compile_query(node, query, at.names)


def create_statement(
    dialect: Dialect, relation: Relation, text: Spliced, create: Mapping[str, Any], node: str, *, incremental: bool = False
) -> Statement:
    """Create the stage from a query; positions in the statement lead back to the query."""
    make = dialect.create_view if create["create"] == "view" else dialect.create_table
    sql = make(relation, text.sql, dict(create["config"]))
    return Statement(sql, Origin(node, text.shifted(len(sql) - len(text.sql)), incremental))


def _replace(
    node: Node, relation: Relation, stage: Step, tests: Sequence[Node], existing: Existing | None, at: Situation
) -> tuple[tuple[Step, ...], frozenset[int]]:
    """Build aside, check, swap: one transaction; a failed check keeps only the stage."""
    staged = replace(at.names, instead={**at.names.instead, node.id: relation.stage})
    made = (stage, *_finish(node, relation, stage, node.config, at))
    checks = check_steps(tests, node.id, relation.stage, replace(at, names=staged), needs=tuple(s.id for s in made), prefix=node.id)
    passed = tuple(s.id for s in (*made, *checks))
    moved = at.dialect.swap_view(relation.stage, relation, existing) if stage.payload["create"] == "view" else None
    visible: tuple[Step, ...] = ()
    if moved is not None:
        promote = _statements(moved)
    elif stage.payload["create"] == "view":
        visible = _view(node, relation, stage, passed, existing, at)
        promote = _statements((at.dialect.drop(Existing(relation.stage, "view")),))
    else:
        promote = _statements(at.dialect.swap(relation.stage, relation, existing))
    done = _promote(node, relation, promote, (*passed, *(s.id for s in visible)), 0, at)
    after = _hooks(node, "post_hook", needs=(done.id,))
    return (*made, *checks, *visible, done, *after), frozenset({0})


def _finish(node: Node, relation: Relation, stage: Step, config: Mapping[str, Any], at: Situation) -> tuple[Step, ...]:
    """Indexes and statistics of a staged table: tests and readers want them."""
    try:
        texts = at.dialect.finish(relation.stage, config) if stage.payload["create"] == "table" else ()
    except PlanError as error:
        raise PlanError(*(replace(p, span=node.span, node=node.id) for p in error.problems)) from None
    return (Step(f"{node.id}/finish", node.id, "finish", _statements(texts), (stage.id,), relation.stage),) if texts else ()


def _view(
    node: Node, relation: Relation, stage: Step, needs: tuple[str, ...], existing: Existing | None, at: Situation
) -> tuple[Step, ...]:
    """A view is replaced in place, by the text that was just checked."""
    body = at.names.graph.bodies[node.id]
    if not isinstance(body, SqlBody):
        raise AssertionError(node.id)
    clean = _clean(f"{node.id}/drop", node, existing, "view", needs, at)
    sql: tuple[Statement, ...] | Late
    if isinstance(stage.sql, Late):
        sql = Late("render", node.id, {**stage.payload, "relation": relation, "again": True})
    else:
        sql = (create_statement(at.dialect, relation, compiled(node, body.query, at), stage.payload, node.id),)
    return (*clean, Step(f"{node.id}/view", node.id, "stage", sql, (*needs, *(c.id for c in clean)), relation))


def _incremental(
    node: Node, relation: Relation, stage: Step, tests: Sequence[Node], at: Situation
) -> tuple[tuple[Step, ...], frozenset[int]]:
    """The delta is staged and judged row by row; then it is applied and the whole table judged, in one transaction with the ledger row."""
    staged = replace(at, names=replace(at.names, instead={**at.names.instead, node.id: relation.stage}))
    compiled_tests = [(t, check(t, staged.names)) for t in tests]
    local = [t for t, c in compiled_tests if c.local and t.attached == node.id]
    whole = [t for t in tests if t not in local]
    made = (stage, *_finish(node, relation, stage, {}, at))  # a delta needs no indexes
    first = check_steps(local, node.id, relation.stage, staged, needs=tuple(s.id for s in made), prefix=f"{node.id}/delta")
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
            "options": {
                k: node.config[k] for k in ("incremental_predicates", "merge_update_columns", "merge_exclude_columns") if node.config.get(k)
            },
        },
    )
    second = check_steps(whole, node.id, relation, at, needs=(apply.id,), prefix=f"{node.id}/whole", transaction=1)
    drop = _statements((at.dialect.drop(Existing(relation.stage, "table")),))
    done = _promote(node, relation, drop, (apply.id, *(c.id for c in second)), 1, at)
    after = _hooks(node, "post_hook", needs=(done.id,), transaction=1)
    return (*made, *first, apply, *second, done, *after), frozenset({0})


def strategy(node: Node) -> str:
    """The incremental strategy: as configured, else delete+insert where there is a key, else append."""
    configured = node.config.get("incremental_strategy")
    return str(configured) if configured else ("delete+insert" if node.config.get("unique_key") else "append")


def _promote(
    node: Node, relation: Relation, statements: tuple[Statement, ...], needs: tuple[str, ...], transaction: int, at: Situation
) -> Step:
    payload: dict[str, Any] = {
        "publish": Published(node.id, str(relation), node.fingerprint, at.run, ""),
        "known": node.id in at.snapshot.ledger,
    }
    if not at.dialect.trusts_commit:
        payload["verify"] = at.dialect.ledger_read(node.id)
    return Step(
        f"{node.id}/promote",
        node.id,
        "promote",
        (*statements, *_comments(node, relation, at), *_statements(at.dialect.grants(relation, node.config.get("grants") or {}))),
        needs,
        relation,
        transaction=transaction,
        payload=payload,
    )


def _comments(node: Node, relation: Relation, at: Situation) -> tuple[Statement, ...]:
    persist = node.config.get("persist_docs") or {}
    docs = at.names.graph.bodies[node.id].docs
    columns = {c.name: c.description for c in docs.columns if c.description} if persist.get("columns") else {}
    described = docs.description if persist.get("relation") and docs.description else None
    if described is None and not columns:
        return ()
    kind = "view" if node.materialized == "view" else "table"
    known = at.names.graph.bodies[node.id]
    if isinstance(known, SqlBody) and known.query.columns is not None and not is_late(node, known, at.names):
        there = {c.casefold() for c in known.query.columns}
        columns = {k: v for k, v in columns.items() if k.casefold() in there}
    elif not isinstance(known, SeedBody):
        columns = {}
    return _statements(at.dialect.comment(relation, kind, described, columns))


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
    audits = {t.id: audit(t, at) for t in tests if keeps_failures(t, at)}
    parts: list[tuple[tuple[Statement, ...] | Late, tuple[Verdict, ...]]] = []
    parts += (((sql,), verdicts) for sql, verdicts in scans([c for c in known if c.test.id not in audits], under, names))
    parts += (
        (stored(c, audits[c.test.id], at.dialect), (verdict(c, f"select * from {at.dialect.relation(audits[c.test.id])}"),))
        for c in known
        if c.test.id in audits
    )
    for test in late:
        kept = audits.get(test.id)
        shown = f"select * from {at.dialect.relation(kept)}" if kept else ""
        parts.append((Late("render", test.id, {"instead": names.instead, "audit": kept}), (verdict(Check(test, shown)),)))
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
            {"audit": audits[verdicts[0].test]} if verdicts[0].test in audits else {},
        )
        for index, (sql, verdicts) in enumerate(parts)
    )


def keeps_failures(test: Node, at: Situation) -> bool:
    """Whether the rows that fail ``test`` are wanted as a table."""
    if at.store_failures is not None:
        return at.store_failures
    return bool(test.config.get("store_failures") or test.config.get("store_failures_as"))


def audit(test: Node, at: Situation) -> Relation:
    """``store_failures``: the table that keeps the rows which fail ``test``."""
    attached = at.names.graph.nodes.get(test.attached or (test.depends_on[0] if test.depends_on else ""))
    near = attached.relation if attached else None
    schema = f"{at.schema}_{test.config.get('schema') or 'dbt_test__audit'}"
    name = shortened(str(test.config.get("alias") or test.name), at.dialect.max_identifier)
    return Relation(near.database if near else None, schema, name)


def _unit_step(unit: Node) -> Step:
    judged = Verdict(unit.id)
    return Step(f"{unit.id}/check", unit.id, "check", Late("unit_test", unit.id), verdicts=(judged,), transaction=None)


def _hooks(node: Node, which: str, needs: tuple[str, ...] = (), transaction: int = 0) -> tuple[Step, ...]:
    """``pre_hook`` and ``post_hook``: inside the transaction unless the hook says ``transaction: false``.

    Those outside come first before a model and last after it, whatever their order: a transaction has no holes.
    """
    steps: list[Step] = []
    for index, hook in enumerate(listed(node.config.get(which))):
        text = str(hook.get("sql", "")) if isinstance(hook, Mapping) else str(hook)
        inside = not (isinstance(hook, Mapping) and hook.get("transaction") is False)
        sql = Late("hook", node.id, {"text": text})
        steps.append(
            Step(f"{node.id}/{which}{index}", node.id, "hook", sql, needs, node.relation, transaction=transaction if inside else None)
        )
    return tuple(sorted(steps, key=lambda s: (s.transaction is None) == (which == "post_hook")))


def _statements(texts: Sequence[str]) -> tuple[Statement, ...]:
    return tuple(Statement(t) for t in texts)
