"""One query inside of others: its WITH, its SELECT or set operation, and what they say about columns and rows."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from orchestrator.core.errors import did_you_mean
from orchestrator.sql.understand.expressions import decide, look
from orchestrator.sql.understand.gathered import Gathered
from orchestrator.sql.understand.joins import Listed, from_clause
from orchestrator.sql.understand.made_up import made_up
from orchestrator.sql.understand.names import key_of, place, spelled
from orchestrator.sql.understand.relations import Column, Made, Relation, RowUses, add_rows, placed
from orchestrator.sql.understand.scope import Context, Env, Scope, resolve
from orchestrator.sql.understand.sets import set_operation
from orchestrator.sql.understand.stars import expanded
from orchestrator.sql.understand.tables import renamed, values, with_pivots
from orchestrator.sql.understand.types import element_of, settled
from orchestrator.sql.understand.windows import folds


def solve(ctx: Context, query: Any, env: Env, outer: Scope | None) -> Relation:
    """The relation that a query is."""
    env = _with(ctx, query, env, outer)
    match query:
        case exp.Select():
            return _select(ctx, query, env, outer)
        case exp.SetOperation():
            relation = set_operation(ctx, query, env, outer)
            _order_result(ctx, query, relation)
            return relation
        case exp.Subquery():
            return _parenthesised(ctx, query, env, outer)
        case exp.Values():
            return values(ctx, query, Scope(env, outer))
        case exp.Pivot():
            return with_pivots(ctx, None, [query], Scope(env, outer))
        case exp.Summarize():
            return _summary(ctx)
        case exp.Table():
            scope = Scope(env, outer)
            listed = from_clause(ctx, scope, query, [])
            return Relation([c for _, c in listed.columns], listed.complete, listed.unknown)
        case _:
            return Relation([], complete=False, unknown=f"`{query.key}` is not understood")


def _summary(ctx: Context) -> Relation:
    text = settled("'", ctx.engine.name)
    names = ("column_name", "column_type", "min", "max", "approx_unique", "avg", "std", "q25", "q50", "q75", "count", "null_percentage")
    types = {"approx_unique": "BIGINT", "count": "BIGINT", "null_percentage": "DECIMAL(9,2)"}
    return Relation([Column(n, n, types.get(n, text), {}, "a summary of whatever columns there are") for n in names])


def _parenthesised(ctx: Context, query: Any, env: Env, outer: Scope | None) -> Relation:
    if isinstance(query.this, exp.Table):
        scope = Scope(env, outer)
        listed = from_clause(ctx, scope, query, [])
        relation = Relation([c for _, c in listed.columns], listed.complete, listed.unknown, rows=_rows(scope))
    else:
        relation = solve(ctx, query.this, env, outer)
        if query.args.get("pivots"):
            relation = with_pivots(ctx, relation, query.args["pivots"], Scope(env, outer))
    _order_result(ctx, query, relation)
    return relation


def _rows(scope: Scope) -> RowUses:
    rows: RowUses = {}
    for source in scope.sources:
        for key, at in source.relation.rows.items():
            rows.setdefault(key, at)
    return rows


def _with(ctx: Context, query: Any, env: Env, outer: Scope | None) -> Env:
    clause = query.args.get("with_")
    if clause is None:
        return env
    known = dict(env)
    for cte in clause.expressions:
        alias = cte.args["alias"]
        key = key_of(spelled(alias.this, ctx.engine), ctx.engine)
        if clause.args.get("recursive") and isinstance(cte.this, exp.SetOperation):
            relation = _recursive(ctx, cte, known, key, outer)
        else:
            relation = renamed(ctx, solve(ctx, cte.this, known, outer), alias, cte=True)
        known[key] = relation
    return known


def _recursive(ctx: Context, cte: Any, env: Env, key: str, outer: Scope | None) -> Relation:
    """A CTE that may read itself: its columns are those of its first branch, made of what any round adds to them."""
    alias, body = cte.args["alias"], cte.this
    ctx.quiet += 1
    anchor = body.this
    while isinstance(anchor, exp.SetOperation):
        anchor = anchor.this
    found = renamed(ctx, solve(ctx, anchor, _with(ctx, body, env, outer), outer), alias)
    for _ in range(5):
        again = renamed(ctx, solve(ctx, body, {**env, key: found}, outer), alias)
        stable = [(c.type, dict(c.uses)) for c in again.columns] == [(c.type, dict(c.uses)) for c in found.columns]
        found = again
        if stable:
            break
    ctx.quiet -= 1
    return renamed(ctx, solve(ctx, body, {**env, key: found}, outer), alias)


def _select(ctx: Context, query: Any, env: Env, outer: Scope | None) -> Relation:
    args = query.args
    scope = Scope(env, outer)
    rows: RowUses = {}
    clause = args.get("from_")
    listed = from_clause(ctx, scope, clause.this if clause is not None else None, args.get("joins") or [], args.get("laterals") or [], rows)
    for window in args.get("windows") or ():
        scope.windows[key_of(spelled(window.this, ctx.engine), ctx.engine)] = window
    scope.later = {
        key_of(spelled(p.args["alias"], ctx.engine), ctx.engine)
        for p in query.expressions
        if isinstance(p, exp.Alias) and isinstance(p.args["alias"], exp.Identifier)
    }
    relation = _projections(ctx, query, scope, listed)
    for key, at in _rows(scope).items():
        rows.setdefault(key, at)
    for key, at in relation.rows.items():
        rows.setdefault(key, at)
    relation.rows = rows
    _clauses(ctx, query, scope, relation)
    return relation


def _projections(ctx: Context, query: Any, scope: Scope, listed: Listed) -> Relation:
    columns: list[Column] = []
    complete, named, unknown = True, True, ""
    nodes: list[str] = []
    scope.clause = "select"
    unnamed = 0
    for at, projection in enumerate(query.expressions):
        stars = expanded(ctx, scope, projection, listed, query)
        if stars is not None:
            columns += stars.columns
            if not stars.complete:
                complete, unknown = False, unknown or stars.unknown
                nodes.append(stars.node)
                scope.surprise = scope.surprise or "select" in ctx.engine.reuse
            continue
        column = _projection(ctx, scope, query, at, projection, unnamed)
        unnamed += not isinstance(projection, exp.Alias | exp.Column | exp.Dot)
        named = named and bool(column.name)
        columns.append(column)
        if isinstance(projection, exp.Alias) and column.name:
            scope.aliases.setdefault(column.key, column)
    kind = query.args.get("kind")
    if kind == "VALUE":
        return Relation([], complete=False, unknown="`select as value` gives whatever the value holds")
    return Relation(columns, complete, unknown, nodes[0] if len(nodes) == 1 else "", named=named)


def _projection(ctx: Context, scope: Scope, query: Any, at: int, projection: Any, unnamed: int) -> Column:
    engine = ctx.engine
    e = projection.this if isinstance(projection, exp.Alias) else projection
    bare = e
    while isinstance(bare, exp.Paren):
        bare = bare.this
    name = spelled(projection.args["alias"], engine) if isinstance(projection, exp.Alias) else None
    if isinstance(bare, exp.Column) and not isinstance(bare.this, exp.Star):
        column = resolve(ctx, scope, bare)
        if name is None:
            name = (
                column.name
                if engine.name == "duckdb" and column.name and column.key == key_of(bare.name, engine)
                else spelled(bare.this, engine)
            )
        first = bare.args.get("catalog") or bare.args.get("db") or bare.args.get("table") or bare.this
        start, end = place(first)[0], place(bare.this)[1]
        if column.made is None:
            column = column._replace(made=Made(None, at, start, end))
        return column._replace(name=name, key=key_of(name, engine), uses=placed(column.uses, (start, end)))
    found = Gathered()
    type_ = look(ctx, scope, e, found, "passed")
    found.settle_rows()
    if name is None:
        name = made_up(ctx, e, unnamed, type_)
    if isinstance(bare, exp.Explode | exp.Unnest):
        type_ = element_of(type_)
    return Column(name, key_of(name, engine), type_, found.uses, found.unknown, Made(query, at))


def _clauses(ctx: Context, query: Any, scope: Scope, relation: Relation) -> None:
    args, rows = query.args, relation.rows
    for name, kind in (("where", "filter"), ("group", "group"), ("having", "filter"), ("qualify", "filter")):
        clause = args.get(name)
        if clause is None:
            continue
        scope.clause = name
        if name == "group":
            _group(ctx, query, clause, scope, relation)
        else:
            _conditions(ctx, scope, clause.this, rows, kind)
    distinct = args.get("distinct")
    if distinct is not None:
        scope.clause = "order"
        on = distinct.args.get("on")
        if on is None:
            for column in relation.columns:
                add_rows(rows, column.uses.items(), "group")
        for one in on.expressions if isinstance(on, exp.Tuple) else [on] if on is not None else ():
            _by(ctx, scope, one, relation, "group", rows)
    order = args.get("order")
    if order is not None:
        scope.clause = "order"
        limited = args.get("limit") is not None or args.get("offset") is not None or (distinct is not None and distinct.args.get("on"))
        _ordering(ctx, scope, order, relation, rows if limited else {})
    for window in scope.windows.values():
        _check_window(ctx, scope, window)


def _check_window(ctx: Context, scope: Scope, window: Any) -> None:
    """A named window nobody uses may still name what is not there."""
    for one in window.args.get("partition_by") or ():
        look(ctx, scope, one, Gathered(), "window")


def _conditions(ctx: Context, scope: Scope, e: Any, rows: RowUses, kind: Any) -> None:
    """Each part of a conjunction by itself: a part that compares with the query around is a join."""
    parts = [e]
    while parts:
        part = parts.pop()
        if isinstance(part, exp.And):
            parts += [part.expression, part.this]
            continue
        if isinstance(part, exp.Paren) and isinstance(part.this, exp.And):
            parts.append(part.this)
            continue
        before = scope.reached
        own: RowUses = {}
        decide(ctx, scope, part, own, kind)
        correlated = scope.reached > before
        for (node, column, how), at in own.items():
            rows.setdefault((node, column, "join" if correlated and how == kind else how), at)


def _group(ctx: Context, query: Any, clause: Any, scope: Scope, relation: Relation) -> None:
    if clause.args.get("all"):
        for projection, column in zip(query.expressions, relation.columns, strict=False):
            if len(query.expressions) == len(relation.columns) and not _folds(projection):
                add_rows(relation.rows, column.uses.items(), "group")
    stack = list(clause.expressions)
    for key in ("rollup", "cube", "grouping_sets"):
        stack += clause.args.get(key) or []
    while stack:
        one = stack.pop(0)
        if isinstance(one, exp.Rollup | exp.Cube | exp.GroupingSets | exp.Tuple):
            stack += one.expressions
        else:
            _by(ctx, scope, one, relation, "group", relation.rows)


def _folds(e: Any) -> bool:
    """Whether an aggregate stands in an expression, outside of windows and subqueries."""
    stack = [e]
    while stack:
        one = stack.pop()
        if isinstance(one, exp.Window | exp.Query):
            continue
        if folds(one):
            return True
        stack += one.iter_expressions()
    return False


def _by(ctx: Context, scope: Scope, e: Any, relation: Relation, kind: Any, rows: RowUses) -> None:
    """One item of GROUP BY, ORDER BY or DISTINCT ON: an ordinal, an alias, or an expression."""
    if isinstance(e, exp.Paren):
        e = e.this
    if isinstance(e, exp.Literal) and not e.args.get("is_string") and e.name.isdigit():
        at = int(e.name)
        if 1 <= at <= len(relation.columns) and relation.complete:
            add_rows(rows, relation.columns[at - 1].uses.items(), kind)
        return
    if isinstance(e, exp.Column) and scope.clause == "order" and e.args.get("table") is None and isinstance(e.this, exp.Identifier):
        key = key_of(spelled(e.this, ctx.engine), ctx.engine)
        if key in relation.index and (key in scope.aliases or key in relation.index):
            add_rows(rows, relation.index[key].uses.items(), kind)
            return
    decide(ctx, scope, e, rows, kind)


def _ordering(ctx: Context, scope: Scope, order: Any, relation: Relation, rows: RowUses) -> None:
    for item in order.expressions:
        e = item.this if isinstance(item, exp.Ordered) else item
        if isinstance(e, exp.Var) or (
            isinstance(e, exp.Column) and e.name.lower() == "all" and ctx.engine.name == "duckdb" and "all" not in relation.index
        ):
            for column in relation.columns:
                add_rows(rows, column.uses.items(), "sort")
            continue
        _by(ctx, scope, e, relation, "sort", rows)


def _order_result(ctx: Context, query: Any, relation: Relation) -> None:
    """ORDER BY behind a set operation or parentheses: it knows the result's columns."""
    order = query.args.get("order")
    if order is None:
        return
    limited = query.args.get("limit") is not None or query.args.get("offset") is not None
    scope = Scope({}, None, clause="order")
    for item in order.expressions:
        e = item.this if isinstance(item, exp.Ordered) else item
        rows: RowUses = relation.rows if limited else {}
        if isinstance(e, exp.Column) and e.args.get("table") is None:
            key = key_of(spelled(e.this, ctx.engine), ctx.engine)
            if key in relation.index:
                add_rows(rows, relation.index[key].uses.items(), "sort")
            elif relation.closed and isinstance(query, exp.SetOperation) and ctx.engine.name != "duckdb":
                names = [c.name for c in relation.columns]
                ctx.tell("S101", f"there is no column `{e.name}` in the result", place(e.this), did_you_mean(e.name, names))
        elif isinstance(e, exp.Literal):
            _by(ctx, scope, e, relation, "sort", rows)
