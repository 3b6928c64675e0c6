"""The steps that materializations are made of: clean, stage, finish, promote, hooks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.core.config import listed
from orchestrator.core.contract import Contract
from orchestrator.core.errors import PlanError
from orchestrator.core.names import Relation
from orchestrator.core.node import Column, Node, PythonBody, Query, SeedBody, SqlBody
from orchestrator.core.plan import Late, Origin, Statement, Step, Verdict
from orchestrator.core.ports import Dialect
from orchestrator.core.snapshot import Existing, Published, RelationKind, recorded
from orchestrator.plan.compile import compile_query, compile_text, is_late
from orchestrator.plan.contract import contract
from orchestrator.plan.situation import Situation
from orchestrator.sql.splice import Spliced


def staged(
    node: Node, relation: Relation, before: tuple[str, ...], at: Situation, *, incremental: bool = False
) -> tuple[tuple[Step, ...], Step]:
    """What makes the stage possible, and the step that fills it; all after ``before``.

    First what is in the stage's place goes away, if it is of another kind. A contract is looked at before anything is made.
    """
    agreed = contract(node, at)
    headed = header(node, before, at)
    before = tuple(s.id for s in headed) or before
    stage = replace(stage_step(node, relation, at, agreed, incremental=incremental), needs=before)
    # where nothing is undone, a stage may be left over from a model that had other partitions: it is not replaced as it is
    kind = str(stage.payload["create"]) if at.dialect.transactions == "all" else ""
    cleaned = clean(f"{node.id}/clean", node, at.snapshot.find(relation.stage), kind, before, at)
    if at.dialect.transactions == "rows":
        stage = replace(stage, needs=(*before, *(c.id for c in cleaned)))
    if agreed is None:
        return (*headed, *cleaned), stage
    held, made = _held(node, relation, stage, agreed, at, incremental=incremental)
    return (*headed, *cleaned, *held), made


def header(node: Node, needs: tuple[str, ...], at: Situation) -> tuple[Step, ...]:
    """The author's ``sql_header``: sent on the same session, just before the model is looked at and built."""
    text = str(node.config.get("sql_header") or "").strip().rstrip(";")
    if not text or not isinstance(at.names.graph.bodies[node.id], SqlBody):
        return ()
    sql = Statement(compile_text(text, node, at.names))
    return (Step(f"{node.id}/header", node.id, "hook", (sql,), needs, node.relation),)


def _held(
    node: Node, relation: Relation, stage: Step, agreed: Contract, at: Situation, *, incremental: bool
) -> tuple[tuple[Step, ...], Step]:
    """What comes before a stage that has a contract, and the stage."""
    held = Step(f"{node.id}/contract", node.id, "contract", (), stage.needs, payload={"contract": agreed})
    if stage.does == "python":  # its columns are known when it ran
        raw = relation.aside
        ran = replace(stage, id=f"{node.id}/python", relation=raw)
        held = replace(held, needs=(ran.id,), relation=raw)
        rows = Spliced(f"select * from {at.dialect.relation(raw)}", ())
        made = declared_statements(at.dialect, relation.stage, rows, stage.payload, node.id)
        dropped = Statement(at.dialect.drop(Existing(raw, "table")))
        return (ran, held), Step(stage.id, node.id, "stage", (*made, dropped), (held.id,), relation.stage, payload=stage.payload)
    if isinstance(stage.sql, Late):
        held = replace(held, sql=replace(stage.sql, wrap={**stage.sql.wrap, "bare": True}))
        stage = replace(stage, sql=replace(stage.sql, wrap={**stage.sql.wrap, "again": True}))
    else:
        text = compiled(node, _face(node, at, incremental=incremental), at)
        held = replace(held, sql=(query_statement(text, node.id, incremental=incremental),))
    return (held,), replace(stage, needs=(held.id,))


def _face(node: Node, at: Situation, *, incremental: bool) -> Query:
    body = at.names.graph.bodies[node.id]
    if not isinstance(body, SqlBody):
        raise AssertionError(node.id)
    return body.incremental if incremental and body.incremental else body.query


def stage_step(node: Node, relation: Relation, at: Situation, agreed: Contract | None = None, *, incremental: bool) -> Step:
    """Fill the stage: from the node's query, its Python function or its CSV file.

    With a contract it gets the declared columns; a delta goes without constraints, the table it goes into has them.
    """
    body = at.names.graph.bodies[node.id]
    config = dict(node.config)
    create: dict[str, Any] = {"create": relation_kind(node), "config": config}
    if agreed is not None and create["create"] == "table":
        create["contract"] = replace(agreed, constraints=()) if incremental else agreed
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
            text = compiled(node, _face(node, at, incremental=incremental), at)
            made = create_statements(at.dialect, relation.stage, text, create, node.id, incremental=incremental)
            return Step(f"{node.id}/stage", node.id, "stage", made, relation=relation.stage, payload=create)
        case _:
            raise AssertionError(node.id)


def relation_kind(node: Node) -> RelationKind:
    """What a node is in the warehouse."""
    if node.materialized == "materialized_view":
        return "materialized_view"
    return "view" if node.materialized == "view" else "table"


def clean(id_: str, node: Node, there: Existing | None, kind: str, needs: tuple[str, ...], at: Situation) -> tuple[Step, ...]:
    """What is in the way of a relation of another ``kind`` is dropped first; one of the same kind is replaced as it is.

    A stage is in the way when an earlier run left it for inspection and the model has changed since then.
    """
    if there is None or there.kind == kind:
        return ()
    return (Step(id_, node.id, "clean", (Statement(at.dialect.drop(there)),), needs, there.relation),)


def compiled(node: Node, query: Query, at: Situation) -> Spliced:
    """The node's query as sent."""
    return compile_query(node, query, at.names)


def create_statements(
    dialect: Dialect, relation: Relation, text: Spliced, create: Mapping[str, Any], node: str, *, incremental: bool = False
) -> tuple[Statement, ...]:
    """Create the stage from a query; positions in the statements lead back to the query."""
    if "contract" in create and create["create"] == "table":
        return declared_statements(dialect, relation, text, create, node, incremental=incremental)
    makers = {"view": dialect.create_view, "materialized_view": dialect.create_materialized_view}
    make = makers.get(create["create"], dialect.create_table)
    sql = make(relation, text.sql, dict(create["config"]))
    return (Statement(sql, Origin(node, text.shifted(len(sql) - len(text.sql)), incremental)),)


def declared_statements(
    dialect: Dialect, relation: Relation, text: Spliced, create: Mapping[str, Any], node: str, *, incremental: bool = False
) -> tuple[Statement, ...]:
    """Create a table as its contract says, and fill it from a query, columns matched by name."""
    agreed: Contract = create["contract"]
    sql = dialect.insert_query(relation, tuple(name for name, _ in agreed.columns), text.sql)
    insert = Statement(sql, Origin(node, text.shifted(sql.index(text.sql)), incremental))
    return Statement(dialect.create_declared(relation, agreed, create["config"])), insert


def query_statement(text: Spliced, node: str, *, incremental: bool = False) -> Statement:
    """The query alone, to be looked at."""
    return Statement(text.sql, Origin(node, text.pieces, incremental))


def finish(node: Node, relation: Relation, stage: Step, config: Mapping[str, Any], at: Situation) -> tuple[Step, ...]:
    """What a staged table still needs: constraints, indexes, statistics; tests and readers want them."""
    try:
        agreed = stage.payload.get("contract")
        more = at.dialect.constrain(relation.stage, agreed) if agreed is not None else ()
        texts = (*more, *at.dialect.finish(relation.stage, config)) if stage.payload["create"] != "view" else ()
    except PlanError as error:
        raise PlanError(*(replace(p, span=node.span, node=node.id) for p in error.problems)) from None
    return (Step(f"{node.id}/finish", node.id, "finish", statements(texts), (stage.id,), relation.stage),) if texts else ()


def promote(
    node: Node,
    relation: Relation,
    visible: tuple[Statement, ...],
    needs: tuple[str, ...],
    transaction: int,
    at: Situation,
    *,
    described: bool = True,
) -> Step:
    """Make the next version visible: the statements that do it, comments, grants, and the ledger row.

    ``described`` is false where comments and grants cannot be part of the transaction: another step sees to them.
    """
    row = recorded(node.id, at.environment)
    payload: dict[str, Any] = {
        "publish": Published(row, str(relation), at.fingerprint(node), at.run, ""),
        "known": node.id in at.snapshot.ledger or bool(at.environment),
    }
    if not at.dialect.trusts_commit:
        payload["verify"] = at.dialect.ledger_read(row)
    return Step(
        f"{node.id}/promote",
        node.id,
        "promote",
        (*visible, *(about(node, relation, at) if described else ())),
        needs,
        relation,
        transaction=transaction,
        payload=payload,
    )


def _documented(node: Node, at: Situation) -> tuple[str | None, dict[str, Column]]:
    """What ``persist_docs`` wants in the warehouse: the relation's description, and columns that have one."""
    persist = node.config.get("persist_docs") or {}
    docs = at.names.graph.bodies[node.id].docs
    columns = {c.name: c for c in docs.columns if c.description} if persist.get("columns") else {}
    return docs.description if persist.get("relation") and docs.description else None, columns


def _certain(node: Node, columns: Collection[str], at: Situation) -> bool:
    """Whether the plan knows that the columns will be there, spelled so; else somebody must look at the relation."""
    body = at.names.graph.bodies[node.id]
    known = body.query.columns if isinstance(body, SqlBody) and not is_late(node, body, at.names) else None
    return not columns or (known is not None and all(c == c.lower() and c in known for c in columns))


def _comments(node: Node, relation: Relation, at: Situation) -> tuple[Statement, ...]:
    described, columns = _documented(node, at)
    if not _certain(node, columns, at):
        columns = {}
    if described is None and not columns:
        return ()
    return statements(at.dialect.comment(relation, relation_kind(node), described, {name: c.description for name, c in columns.items()}))


def docs(node: Node, relation: Relation, done: Step, at: Situation) -> tuple[Step, ...]:
    """Column comments, where only the published relation knows which of the documented columns there are."""
    _, columns = _documented(node, at)
    if _certain(node, columns, at):
        return ()
    sql = Late("docs", node.id, {"relation": relation, "kind": relation_kind(node), "columns": columns})
    return (Step(f"{node.id}/docs", node.id, "finish", sql, (done.id,), relation, transaction=done.transaction),)


def _tags(node: Node, relation: Relation, at: Situation) -> tuple[Statement, ...]:
    columns = at.names.graph.bodies[node.id].docs.columns
    tags = {c.name: tuple(str(t) for t in listed(c.meta.get("policy_tags"))) for c in columns if c.meta.get("policy_tags")}
    return statements(at.dialect.tag_columns(relation, relation_kind(node), tags))


def about(node: Node, relation: Relation, at: Situation) -> tuple[Statement, ...]:
    """What belongs to a relation besides its rows: descriptions, tags, privileges."""
    granted = statements(at.dialect.grants(relation, node.config.get("grants") or {}))
    return (*_comments(node, relation, at), *_tags(node, relation, at), *granted)


def unit_step(unit: Node) -> Step:
    """Judge a unit test: before anything of its model is built."""
    judged = Verdict(unit.id)
    return Step(f"{unit.id}/check", unit.id, "check", Late("unit_test", unit.id), verdicts=(judged,), transaction=None)


def hooks(node: Node, which: str, needs: tuple[str, ...] = (), transaction: int = 0) -> tuple[Step, ...]:
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


def statements(texts: Sequence[str]) -> tuple[Statement, ...]:
    """Texts of the plan's own, as statements."""
    return tuple(Statement(t) for t in texts)
