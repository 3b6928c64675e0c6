"""PIVOT and UNPIVOT: known where the list of values is written out."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from orchestrator.sql.understand.expressions import look
from orchestrator.sql.understand.gathered import Gathered
from orchestrator.sql.understand.names import key_of, spelled
from orchestrator.sql.understand.relations import Column, Made, Relation, RowUses, Uses, add_rows, merge, placed
from orchestrator.sql.understand.scope import Context, Scope, Source
from orchestrator.sql.understand.texts import spread
from orchestrator.sql.understand.types import settled, unify_all


def pivoted(ctx: Context, relation: Relation, pivot: Any) -> Relation:
    """The relation behind one PIVOT or UNPIVOT."""
    scope = Scope({}, None, [Source("", "", relation)])
    if pivot.args.get("unpivot"):
        return _unpivot(ctx, scope, relation, pivot)
    fields = pivot.args.get("fields") or []
    if not fields or not all(isinstance(f, exp.In) and f.expressions and all(_written_out(v) for v in f.expressions) for f in fields):
        return Relation(
            [], complete=False, unknown="the columns of a PIVOT without a list of values depend on the data", rows=dict(relation.rows)
        )
    return _pivot(ctx, scope, relation, pivot, fields)


def _written_out(e: Any) -> bool:
    while isinstance(e, exp.Alias | exp.PivotAlias | exp.Paren | exp.Neg | exp.Cast):
        e = e.this
    return isinstance(e, exp.Literal | exp.Boolean | exp.Null)


def _pivot(ctx: Context, scope: Scope, relation: Relation, pivot: Any, fields: list[Any]) -> Relation:
    deciding = Gathered()
    for one in fields:
        look(ctx, scope, one.this, deciding, "passed")
    spent = _mentioned(ctx, [f.this for f in fields])
    values: list[tuple[Uses, str | None, str, Made]] = []
    for e in pivot.expressions:
        own = Gathered()
        type_ = look(ctx, scope, e, own, "passed")
        merge(own.uses, deciding.uses, "conditional")
        spent |= _mentioned(ctx, [e])
        values.append((own.uses, type_, own.unknown, Made(None, 0, *ctx.source.closed(*spread(e.this if isinstance(e, exp.Alias) else e)))))
    rows: RowUses = dict(relation.rows)
    group = pivot.args.get("group")
    if group is not None:
        keys = _mentioned(ctx, group.expressions)
        kept = [c for c in relation.columns if c.key in keys]
        complete = True
    else:
        kept = [c for c in relation.columns if c.key not in spent]
        complete = relation.complete
    for column in kept:
        add_rows(rows, placed(column.uses, spread(pivot)).items(), "group")
    names = pivot.args.get("columns") or []
    columns = list(kept)
    for at, name in enumerate(names):
        uses, type_, unknown, made = values[at % len(values)]
        spelling = str(name.name)
        columns.append(
            Column(spelling, key_of(spelling, ctx.engine), settled(type_, ctx.engine.name), uses, unknown or deciding.unknown, made)
        )
    return Relation(columns, complete, relation.unknown, rows=rows)


def _mentioned(ctx: Context, expressions: list[Any]) -> set[str]:
    return {key_of(spelled(c.this, ctx.engine), ctx.engine) for e in expressions for c in e.find_all(exp.Column)}


def _unpivot(ctx: Context, scope: Scope, relation: Relation, pivot: Any) -> Relation:
    unknown = Relation([], complete=False, unknown="what this UNPIVOT gives is not understood", rows=dict(relation.rows))
    into = pivot.args.get("into")
    fields = pivot.args.get("fields") or []
    if into is not None:
        gone, names, value_names = list(pivot.expressions), [into.this], list(into.expressions)
    elif len(fields) == 1 and isinstance(fields[0], exp.In):
        gone, names, value_names = list(fields[0].expressions), [fields[0].this], list(pivot.expressions)
    else:
        return unknown
    gone = [e.this if isinstance(e, exp.Alias | exp.PivotAlias) else e for e in gone]
    if not all(isinstance(e, exp.Column) and isinstance(e.this, exp.Identifier) for e in gone) or len(value_names) != 1:
        return unknown
    found = Gathered()
    types = [look(ctx, scope, e, found, "transformed") for e in gone]
    spent = _mentioned(ctx, gone)
    made = Made(None, 0, *ctx.source.closed(*spread(pivot)))
    engine = ctx.engine.name
    name, value = (spelled(e.this if isinstance(e, exp.Column) else e, ctx.engine) for e in (names[0], value_names[0]))
    two = [
        Column(name, key_of(name, ctx.engine), settled("'", engine), {}, "", made),
        Column(value, key_of(value, ctx.engine), unify_all(types, engine), found.uses, found.unknown, made),
    ]
    kept = [c for c in relation.columns if c.key not in spent]
    if into is not None:
        kept = [c._replace(uses=placed(c.uses, (made.start, made.end)), made=c.made or made) for c in kept]
    return Relation(
        [*kept, *(reversed(two) if engine == "bigquery" else two)], relation.complete, relation.unknown, rows=dict(relation.rows)
    )
