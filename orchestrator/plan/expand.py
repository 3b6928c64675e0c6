"""One node → its task: stage → check… → promote. Children wait for the promote; a failed check keeps the old version visible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.core.config import listed
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, PythonBody, Query, SeedBody, SqlBody
from orchestrator.core.plan import Late, Origin, Statement, Step, Task, Verdict
from orchestrator.core.ports import Dialect
from orchestrator.core.snapshot import Existing, Published, Snapshot
from orchestrator.plan.checks import Check, check, scans, verdict
from orchestrator.plan.compile import Names, compile_query
from orchestrator.sql.splice import Spliced


@dataclass(frozen=True, slots=True)
class Situation:
    """What expansion needs to know besides the node: where things are, what exists, and the flags."""

    names: Names
    snapshot: Snapshot
    run: str
    full_refresh: bool = False
    store_failures: bool | None = None
    own: bool = True
    hooks: Mapping[str, Any] = field(default_factory=dict)

    @property
    def dialect(self) -> Dialect:
        """What to say to the engine."""
        return self.names.dialect


def expand(node: Node, tests: Sequence[Node], unit_tests: Sequence[Node], needs: tuple[str, ...], at: Situation) -> Task:
    """The task that builds ``node`` and lets ``tests`` decide whether it is published."""
    relation = node.relation
    if relation is None:
        raise AssertionError(node.id)
    existing = at.snapshot.find(relation)
    incremental = is_incremental(node, existing, at.full_refresh)
    units = tuple(_unit_step(u, at) for u in unit_tests)
    before = _hooks(node, "pre_hook", at)
    stage = _stage(node, relation, at, incremental=incremental)
    stage = replace(stage, needs=tuple(s.id for s in (*units, *before)))
    if incremental:
        steps, keep = _incremental(node, relation, stage, tests, at)
    else:
        steps, keep = _replace(node, relation, stage, tests, existing, at)
    return Task(
        node.id,
        node.kind,
        label(node, relation),
        (*units, *before, *steps),
        needs,
        keep,
        (*(u.id for u in unit_tests), *(t.id for t in tests)),
        _reason(node, existing, incremental, at),
        relation,
    )


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
            if body.late:
                wrap = {**create, "incremental": incremental, "relation": relation.stage}
                return Step(f"{node.id}/stage", node.id, "stage", Late("render", node.id, wrap), relation=relation.stage, payload=create)
            query = body.incremental if incremental and body.incremental else body.query
            statement = create_statement(at.dialect, relation.stage, compiled(node, query, at), create, node.id, incremental=incremental)
            sql = (*_leftover(relation.stage, str(create["create"]), at), statement)
            return Step(f"{node.id}/stage", node.id, "stage", sql, relation=relation.stage, payload=create)
        case _:
            raise AssertionError(node.id)


def _leftover(stage: Relation, kind: str, at: Situation) -> tuple[Statement, ...]:
    """A stage that an earlier run left for inspection is replaced; one of the other kind must be dropped first."""
    there = at.snapshot.find(stage)
    return () if there is None or there.kind == kind else (Statement(at.dialect.drop(there)),)


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
    checks = check_steps(tests, relation.stage, replace(at, names=staged), needs=(stage.id,), prefix=node.id)
    view = stage.payload.get("create") == "view"
    promote = _promote_view(node, relation, at, existing) if view else _statements(at.dialect.swap(relation.stage, relation, existing))
    done = _promote(node, relation, promote, (stage.id, *(c.id for c in checks)), 0, at, view=view)
    after = _hooks(node, "post_hook", at, needs=(done.id,))
    return (stage, *checks, done, *after), frozenset({0})


def _promote_view(node: Node, relation: Relation, at: Situation, existing: Existing | None) -> tuple[Statement, ...]:
    """A view is replaced in place, by the text that was just checked."""
    drop = () if existing is None or existing.kind == "view" else _statements((at.dialect.drop(existing),))
    staged = Existing(relation.stage, "view")
    body = at.names.graph.bodies[node.id]
    if not isinstance(body, SqlBody):
        raise AssertionError(node.id)
    if body.late:
        return (*drop, *_statements((at.dialect.drop(staged),)))
    create = create_statement(at.dialect, relation, compiled(node, body.query, at), {"create": "view", "config": node.config}, node.id)
    return (*drop, create, *_statements((at.dialect.drop(staged),)))


def _incremental(node: Node, relation: Relation, stage: Step, tests: Sequence[Node], at: Situation) -> tuple[tuple[Step, ...], frozenset[int]]:
    """The delta is staged and judged row by row; then it is applied and the whole table judged, in one transaction with the ledger row."""
    staged = replace(at, names=replace(at.names, instead={**at.names.instead, node.id: relation.stage}))
    compiled_tests = [(t, check(t, staged.names)) for t in tests]
    local = [t for t, c in compiled_tests if c.local]
    whole = [t for t, c in compiled_tests if not c.local]
    first = check_steps(local, relation.stage, staged, needs=(stage.id,), prefix=f"{node.id}/delta")
    apply = Step(
        f"{node.id}/apply",
        node.id,
        "apply",
        needs=(stage.id, *(c.id for c in first)),
        relation=relation,
        transaction=1,
        payload={
            "stage": relation.stage,
            "strategy": strategy(node),
            "unique_key": listed(node.config.get("unique_key")),
            "on_schema_change": str(node.config.get("on_schema_change") or "ignore"),
            "options": {k: node.config[k] for k in ("incremental_predicates", "merge_update_columns", "merge_exclude_columns") if node.config.get(k)},
        },
    )
    second = check_steps(whole, relation, at, needs=(apply.id,), prefix=f"{node.id}/whole", transaction=1)
    drop = _statements((at.dialect.drop(Existing(relation.stage, "table")),))
    done = _promote(node, relation, drop, (apply.id, *(c.id for c in second)), 1, at, view=False)
    after = _hooks(node, "post_hook", at, needs=(done.id,), transaction=1)
    return (stage, *first, apply, *second, done, *after), frozenset({0})


def strategy(node: Node) -> str:
    """The incremental strategy: as configured, else delete+insert where there is a key, else append."""
    configured = node.config.get("incremental_strategy")
    return str(configured) if configured else ("delete+insert" if node.config.get("unique_key") else "append")


def _promote(
    node: Node, relation: Relation, statements: tuple[Statement, ...], needs: tuple[str, ...], transaction: int, at: Situation, *, view: bool
) -> Step:
    payload: dict[str, Any] = {
        "publish": Published(node.id, str(relation), node.fingerprint, at.run, ""),
        "view": view,
        "late_view": view and bool(getattr(at.names.graph.bodies[node.id], "late", False)),
        "config": node.config,
        "verify": at.dialect.ledger_read(node.id),
    }
    return Step(
        f"{node.id}/promote",
        node.id,
        "promote",
        (*statements, *_comments(node, relation, at)),
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
    if isinstance(known, SqlBody) and known.query.columns is not None:
        there = {c.casefold() for c in known.query.columns}
        columns = {k: v for k, v in columns.items() if k.casefold() in there}
    elif not isinstance(known, SeedBody):
        columns = {}
    return _statements(at.dialect.comment(relation, kind, described, columns))


def check_steps(
    tests: Sequence[Node], relation: Relation, at: Situation, *, needs: tuple[str, ...], prefix: str, transaction: int | None = 0
) -> tuple[Step, ...]:
    """Steps that judge ``tests`` on ``relation``; tests that can share a scan do."""
    compiled_checks = [check(t, at.names) for t in tests]
    steps: list[Step] = []
    for index, (sql, answered) in enumerate(scans(compiled_checks, relation, at.dialect)):
        stored = stored_failures(answered[0], at) if len(answered) == 1 else None
        statements = (*_statements(stored.statements), Statement(stored.count)) if stored else (Statement(sql),)
        verdicts = tuple(verdict(c, stored.inspect if stored else None) for c in answered)
        steps.append(Step(f"{prefix}/check{index}", verdicts[0].test, "check", statements, needs, relation, verdicts, transaction))
    return tuple(steps)


@dataclass(frozen=True, slots=True)
class _Stored:
    statements: tuple[str, ...]
    count: str
    inspect: str


def stored_failures(compiled_check: Check, at: Situation) -> _Stored | None:
    """``store_failures``: the failing rows become a table in the audit schema, and are counted there."""
    test = compiled_check.test
    wanted = at.store_failures if at.store_failures is not None else test.config.get("store_failures")
    if not wanted and not test.config.get("store_failures_as"):
        return None
    attached = at.names.graph.nodes.get(test.attached or (test.depends_on[0] if test.depends_on else ""))
    near = attached.relation if attached else None
    base = str(at.hooks.get("schema") or "main")
    schema = f"{base}_{test.config.get('schema') or 'dbt_test__audit'}"
    relation = Relation(near.database if near else None, schema, str(test.config.get("alias") or test.name)[: at.dialect.max_identifier])
    rows = f"{compiled_check.failing}\nlimit {compiled_check.limit}" if compiled_check.limit is not None else compiled_check.failing
    create = at.dialect.create_table(relation, rows, {})
    shown = at.dialect.relation(relation)
    count = f"select {compiled_check.fail_calc} as failures from {shown}"
    return _Stored((at.dialect.create_schema(relation), create), count, f"select * from {shown}")


def _unit_step(unit: Node, at: Situation) -> Step:
    judged = Verdict(unit.id)
    return Step(f"{unit.id}/check", unit.id, "check", Late("unit_test", unit.id), verdicts=(judged,), transaction=None)


def _hooks(node: Node, which: str, at: Situation, needs: tuple[str, ...] = (), transaction: int = 0) -> tuple[Step, ...]:
    """``pre_hook`` and ``post_hook``: inside the transaction unless the hook says ``transaction: false``."""
    steps: list[Step] = []
    for index, hook in enumerate(listed(node.config.get(which))):
        text = str(hook.get("sql", "")) if isinstance(hook, Mapping) else str(hook)
        inside = not (isinstance(hook, Mapping) and hook.get("transaction") is False)
        sql = Late("hook", node.id, {"text": text})
        steps.append(Step(f"{node.id}/{which}{index}", node.id, "hook", sql, needs, node.relation, transaction=transaction if inside else None))
    return tuple(steps)


def _statements(texts: Sequence[str]) -> tuple[Statement, ...]:
    return tuple(Statement(t) for t in texts)

