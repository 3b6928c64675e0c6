"""UNION, EXCEPT, INTERSECT: columns by position, or by name."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from orchestrator.sql.understand.relations import Column, Relation, RowUses, Uses, add_rows, merge
from orchestrator.sql.understand.scope import Context, Env, Scope
from orchestrator.sql.understand.texts import spread
from orchestrator.sql.understand.types import settled, unify
from orchestrator.sql.understand.verdicts import clash


def set_operation(ctx: Context, query: Any, env: Env, outer: Scope | None) -> Relation:
    """The relation that a chain of set operations is; long ones lean to the left, so the chain is walked and not descended."""
    chain = []
    node = query
    while isinstance(node, exp.SetOperation) and (
        node is query or (node.args.get("with_") is None and node.args.get("order") is None and node.args.get("limit") is None)
    ):
        chain.append(node)
        node = node.this
    relation = ctx.solve(ctx, node, env, outer)
    for one in reversed(chain):
        right = ctx.solve(ctx, one.expression, env, outer)
        relation = _by_name(ctx, one, relation, right) if one.args.get("by_name") else _by_position(ctx, one, relation, right)
    return relation


def _rows(query: Any, left: Relation, right: Relation) -> RowUses:
    rows: RowUses = dict(left.rows)
    for key, at in right.rows.items():
        rows.setdefault(key, at)
    if not (isinstance(query, exp.Union) and query.args.get("distinct") is False):
        for column in (*left.columns, *right.columns):
            add_rows(rows, column.uses.items(), "join")
    return rows


def _by_position(ctx: Context, query: Any, left: Relation, right: Relation) -> Relation:
    rows = _rows(query, left, right)
    if left.complete and right.complete:
        if len(left.columns) != len(right.columns):
            word = query.key.upper()
            start, end = spread(query.expression)
            ctx.tell(
                "S103",
                f"{word} of {_count(len(left.columns))} with {_count(len(right.columns))}",
                (start, end),
                "both sides must have as many columns",
            )
            why = f"the sides of {word} have {len(left.columns)} and {len(right.columns)} columns"
            return Relation([_bare(c, why) for c in left.columns], rows=rows, named=left.named)
        pairs = zip(left.columns, right.columns, strict=True)
        both = not isinstance(query, exp.Except)  # which only compares with the right side
        columns = [_together(ctx, query, a, b if both else None, b) for a, b in pairs]
        return Relation(columns, rows=rows, named=left.named)
    why = left.unknown or right.unknown or "a star over something unknown"
    return Relation([_bare(c, why) for c in left.columns], left.complete, left.unknown, rows=rows, named=left.named)


def _count(columns: int) -> str:
    return f"{columns} column" + "s" * (columns != 1)


def _bare(column: Column, why: str) -> Column:
    return column._replace(type=None, unknown=column.unknown or why)


def _together(ctx: Context, query: Any, left: Column, right: Column | None, typed: Column) -> Column:
    uses: Uses = dict(left.uses)
    if right is not None:
        merge(uses, right.uses, "passed")
    unknown = left.unknown or (right.unknown if right is not None else "")
    clash(ctx, query, left, typed)
    return left._replace(uses=uses, unknown=unknown, type=_type(ctx, left.type, typed.type))


def _type(ctx: Context, left: str | None, right: str | None) -> str | None:
    """A literal's own type counts here, except that a text may still be taken for something else."""
    engine = ctx.engine.name
    one, two = (t if t is None or t[0] != "#" else settled(t, engine) for t in (left, right))
    if engine == "duckdb" and "'" in (one, two) and one != two and "NULL" not in (one, two):
        one, two = settled(one, engine), settled(two, engine)
    return unify(one, two, engine)


def _by_name(ctx: Context, query: Any, left: Relation, right: Relation) -> Relation:
    rows = _rows(query, left, right)
    columns = []
    for column in left.columns:
        other = right.index.get(column.key)
        if other is not None:
            columns.append(_together(ctx, query, column, other, other))
        else:
            columns.append(column if right.complete else _bare(column, right.unknown))
    known = {c.key for c in left.columns}
    columns += [c if left.complete else _bare(c, left.unknown) for c in right.columns if c.key not in known]
    return Relation(columns, left.complete and right.complete, left.unknown or right.unknown, rows=rows, named=left.named and right.named)
