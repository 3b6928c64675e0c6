"""One expression: which columns take part in it and how, and its type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from orchestrator.core.meaning import UseKind
from orchestrator.sql.understand.arithmetic import number
from orchestrator.sql.understand.functions import result
from orchestrator.sql.understand.gathered import Gathered
from orchestrator.sql.understand.names import key_of, place, spelled
from orchestrator.sql.understand.relations import Relation, RowUses, Uses, add_rows, composed, merge
from orchestrator.sql.understand.scope import Context, Scope, resolve
from orchestrator.sql.understand.types import NULL, TEXT, element_of, field_of, list_of, of_cast, settled, unify_all
from orchestrator.sql.understand.windows import folds


def look(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """Add what takes part in ``e`` to ``into``, as something used in the way of ``kind``; the answer is its type."""
    seen = _LOOKS.get(type(e))
    if seen is not None:
        return seen(ctx, scope, e, into, kind)
    if isinstance(e, exp.Query):
        return _subquery(ctx, scope, e, into, kind)
    if type(e) in _CHAINED and type(e.this) in _CHAINED:
        return _chain(ctx, scope, e, into, composed("transformed", kind))
    inner = composed("aggregated" if folds(e) else "transformed", kind)
    return result(ctx, e, _children(ctx, scope, e, into, inner))


_CHAINED = frozenset({exp.Add, exp.Sub, exp.Mul, exp.Div, exp.And, exp.Or, exp.DPipe})


def _chain(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """``a or b or c …``: generated SQL has hundreds of them, more than Python likes to descend."""
    links = []
    while type(e) in _CHAINED:
        links.append(e)
        e = e.this
    type_ = look(ctx, scope, e, into, kind)
    for link in reversed(links):
        type_ = result(ctx, link, {"this": type_, "expression": look(ctx, scope, link.expression, into, kind)})
    return type_


Types = dict[str, Any]


def _children(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> Types:
    """Look at all arguments of an expression; their types by argument."""
    types: Types = {}
    for name, value in e.args.items():
        if type(value) is list:
            types[name] = [look(ctx, scope, one, into, kind) if isinstance(one, exp.Expr) else None for one in value]
        elif isinstance(value, exp.Expr):
            types[name] = look(ctx, scope, value, into, kind)
    return types


def _column(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    if type(e.this) is exp.Star:
        for source in scope.sources:
            if e.args.get("table") is None or source.key == key_of(spelled(e.args["table"], ctx.engine), ctx.engine):
                for one in source.relation.columns:
                    merge(into.uses, one.uses, kind, place(e.this))
        return None
    column = resolve(ctx, scope, e)
    at = (-1, -1)
    for uses in column.uses.values():
        if uses[1] < 0:
            first = e.args.get("catalog") or e.args.get("db") or e.args.get("table") or e.this
            at = (place(first)[0], place(e.this)[1])
        break
    merge(into.uses, column.uses, kind, at)
    if column.unknown and not into.unknown:
        into.unknown = column.unknown
    return column.type


def _subquery(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """A scalar subquery: its column is the value, its rows only decide which one."""
    relation = _solved(ctx, scope, e, into)
    uses: Uses = {}
    for column in relation.columns:
        merge(uses, column.uses, kind)
    merge(into.uses, uses, "passed")
    into.unknown = into.unknown or relation.unknown or next((c.unknown for c in relation.columns if c.unknown), "")
    struct = e.unnest().args.get("kind")  # select as struct
    return relation.columns[0].type if len(relation.columns) == 1 and relation.complete and not struct else None


def _solved(ctx: Context, scope: Scope, e: Any, into: Gathered) -> Relation:
    relation = ctx.solve(ctx, e, scope.env, scope)
    for key, at in relation.rows.items():
        into.rows.setdefault(key, at)
    return relation


def _compared(ctx: Context, scope: Scope, query: Any, into: Gathered) -> Relation:
    """A subquery that rows are looked up in: its columns join."""
    relation = _solved(ctx, scope, query, into)
    for column in relation.columns:
        merge(into.joins, column.uses, "passed")
        into.unknown = into.unknown or column.unknown
    into.unknown = into.unknown or relation.unknown
    return relation


def _in(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    query = e.args.get("query")
    if query is None:
        inner = composed("transformed", kind)
        return result(ctx, e, _children(ctx, scope, e, into, inner))
    own = Gathered()
    left = look(ctx, scope, e.this, own, composed("transformed", kind))
    relation = _compared(ctx, scope, query, own)
    merge(own.joins, own.uses, "passed")
    into.absorb(own)
    types = {"this": left, "expressions": [relation.columns[0].type]} if len(relation.columns) == 1 else {}
    return result(ctx, e, types)


def _exists(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    if not isinstance(e.this, exp.Query):
        return result(ctx, e, _children(ctx, scope, e, into, composed("transformed", kind)))
    _solved(ctx, scope, e.this, into)
    return result(ctx, e, {})


def _quantified(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """``any (select …)``, ``all (…)``."""
    inside = e.this.unnest() if isinstance(e.this, exp.Expr) else e.this
    if isinstance(inside, exp.Query):
        relation = _compared(ctx, scope, inside, into)
        if isinstance(e.parent, exp.Binary) and e.parent.this is not e:
            beside = Gathered()
            ctx.quiet += 1
            look(ctx, scope, e.parent.this, beside, "passed")
            ctx.quiet -= 1
            merge(into.joins, beside.uses, "passed")
        return relation.columns[0].type if len(relation.columns) == 1 else None
    return element_of(look(ctx, scope, e.this, into, kind))


def _literal(ctx: Context, _scope: Scope, e: Any, _into: Gathered, _kind: UseKind) -> str | None:
    if e.args.get("is_string"):
        return TEXT
    if "start" not in e.meta and e.name.startswith("0."):  # `.5`, which the tree has as 0.5
        return number(e.name[1:], ctx.engine.name)
    return number(e.name, ctx.engine.name)


def _case(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    decides = composed("conditional", kind) if kind != "window" else kind
    value = composed("transformed", kind)
    if e.this is not None:
        look(ctx, scope, e.this, into, decides)
    types = []
    for branch in e.args["ifs"]:
        look(ctx, scope, branch.this, into, decides)
        types.append(look(ctx, scope, branch.args["true"], into, value))
    default = e.args.get("default")
    types.append(look(ctx, scope, default, into, value) if default is not None else NULL)
    return unify_all(types, ctx.engine.name)


def _if(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    look(ctx, scope, e.this, into, composed("conditional", kind) if kind != "window" else kind)
    value = composed("transformed", kind)
    types = [look(ctx, scope, one, into, value) for key in ("true", "false") if (one := e.args.get(key)) is not None]
    return unify_all(types, ctx.engine.name)


def _filter(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    type_ = look(ctx, scope, e.this, into, kind)
    look(ctx, scope, e.expression.this, into, "conditional" if kind != "window" else kind)
    return type_


def _best(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """``max_by(value, by)``: the second only decides."""
    type_ = look(ctx, scope, e.this, into, composed("aggregated", kind))
    look(ctx, scope, e.expression, into, composed("conditional", kind))
    return type_


def _ordered(ctx: Context, scope: Scope, e: Any, into: Gathered, _kind: UseKind) -> str | None:
    """``array_agg(x order by y)``: an ORDER BY inside of an aggregate."""
    type_ = look(ctx, scope, e.this, into, _kind) if e.this is not None else None
    for one in e.expressions:
        look(ctx, scope, one.this if isinstance(one, exp.Ordered) else one, into, "window")
    return type_


def _window(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    type_ = look(ctx, scope, e.this, into, kind)
    _frame(ctx, scope, e, into)
    return type_


def _frame(ctx: Context, scope: Scope, e: Any, into: Gathered) -> None:
    """What partitions and orders a window, also the named one that it begins with."""
    for one in e.args.get("partition_by") or ():
        look(ctx, scope, one, into, "window")
    order = e.args.get("order")
    for one in order.expressions if order is not None else ():
        look(ctx, scope, one.this if isinstance(one, exp.Ordered) else one, into, "window")
    alias = e.args.get("alias")
    named = scope.windows.get(key_of(spelled(alias, ctx.engine), ctx.engine)) if alias is not None else None
    if named is not None and named is not e:
        _frame(ctx, scope, named, into)


def _lambda(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    names = [key_of(spelled(one, ctx.engine), ctx.engine) for one in e.expressions if isinstance(one, exp.Identifier)]
    scope.parameters += names
    look(ctx, scope, e.this, into, composed("transformed", kind))
    del scope.parameters[len(scope.parameters) - len(names) :]
    return None


def _comprehension(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    inner = composed("transformed", kind)
    look(ctx, scope, e.args["iterator"], into, inner)
    names = [key_of(spelled(one, ctx.engine), ctx.engine) for one in e.expression.find_all(exp.Identifier)]
    scope.parameters += names
    for one in (e.this, e.args.get("condition")):
        if one is not None:
            look(ctx, scope, one, into, inner)
    del scope.parameters[len(scope.parameters) - len(names) :]
    return None


def _value_of(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """``name := value``: only the value is one."""
    return look(ctx, scope, e.expression, into, kind)


def _struct(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    inner = composed("transformed", kind)
    fields: list[str | None] = []
    for one in e.expressions:
        if isinstance(one, exp.PropertyEQ | exp.Kwarg):
            name, value = str(one.this.name), one.expression
        else:
            name, value = str(one.alias_or_name), one
        word = settled(look(ctx, scope, value, into, inner), ctx.engine.name)
        plain = name.isidentifier() and ctx.engine.name != "postgres"
        fields.append(f"{name} {word}" if word is not None and plain else None)
    if not fields or None in fields:
        return None
    inside = ", ".join(f for f in fields if f)
    return f"STRUCT<{inside}>" if ctx.engine.name == "bigquery" else f"STRUCT({inside})"


def _array(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    inner = composed("transformed", kind)
    types = [look(ctx, scope, one, into, inner) for one in e.expressions]
    return list_of(unify_all(types, ctx.engine.name), ctx.engine.name)


def _cast(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    look(ctx, scope, e.this, into, composed("transformed", kind))
    return of_cast(e.args["to"], ctx.engine.name)


def _dot(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """A field of something, or a function of a namespace."""
    if isinstance(e.expression, exp.Identifier):
        if isinstance(e.this, exp.Identifier):  # a lambda's parameter
            return None
        type_ = look(ctx, scope, e.this, into, composed("transformed", kind))
        return field_of(type_, e.expression.name)
    if not isinstance(e.this, exp.Identifier):
        look(ctx, scope, e.this, into, composed("transformed", kind))
    look(ctx, scope, e.expression, into, composed("transformed", kind))
    return None


def _same(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    return look(ctx, scope, e.this, into, kind) if isinstance(e.this, exp.Expr) else None


def _nothing(_ctx: Context, _scope: Scope, _e: Any, _into: Gathered, _kind: UseKind) -> str | None:
    return None


def _star(_ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """A star inside of an expression: ``count(*)`` uses nothing, ``to_json(*)`` everything."""
    if not isinstance(e.parent, exp.Count):
        for source in scope.sources:
            for one in source.relation.columns:
                merge(into.uses, one.uses, kind, place(e))
            if not source.relation.complete:
                into.unknown = into.unknown or source.relation.unknown
    return None


def _interval(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    if e.this is not None:
        look(ctx, scope, e.this, into, composed("transformed", kind))
    return "interval" if ctx.engine.name == "postgres" else "INTERVAL"


def _columns(_ctx: Context, _scope: Scope, _e: Any, into: Gathered, _kind: UseKind) -> str | None:
    into.unknown = into.unknown or "what `columns(…)` stands for is only known to the engine"
    return None


def _within(ctx: Context, scope: Scope, e: Any, into: Gathered, kind: UseKind) -> str | None:
    """``percentile_cont(0.5) within group (order by x)``: what it orders by is what it computes with."""
    look(ctx, scope, e.this, into, kind)
    for one in e.expression.expressions:
        look(ctx, scope, one.this if isinstance(one, exp.Ordered) else one, into, composed("aggregated", kind))
    return None


_LOOKS: dict[type, Callable[[Context, Scope, Any, Gathered, UseKind], str | None]] = {
    exp.Column: _column,
    exp.Literal: _literal,
    exp.Null: lambda *_: NULL,
    exp.Paren: _same,
    exp.Alias: _same,
    exp.Distinct: lambda ctx, scope, e, into, kind: ([look(ctx, scope, one, into, kind) for one in e.expressions] or [None])[0],
    exp.IgnoreNulls: _same,
    exp.RespectNulls: _same,
    exp.Where: _same,
    exp.Case: _case,
    exp.If: _if,
    exp.Filter: _filter,
    exp.ArgMax: _best,
    exp.ArgMin: _best,
    exp.HavingMax: _best,
    exp.Order: _ordered,
    exp.WithinGroup: _within,
    exp.Window: _window,
    exp.WindowSpec: _nothing,
    exp.Lambda: _lambda,
    exp.Comprehension: _comprehension,
    exp.PropertyEQ: _value_of,
    exp.Kwarg: _value_of,
    exp.Struct: _struct,
    exp.Array: _array,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Dot: _dot,
    exp.Star: _star,
    exp.In: _in,
    exp.Exists: _exists,
    exp.Any: _quantified,
    exp.All: _quantified,
    exp.Interval: _interval,
    exp.Columns: _columns,
    exp.Identifier: _nothing,
    exp.Var: _nothing,
    exp.DataType: _nothing,
    exp.Placeholder: _nothing,
    exp.Parameter: _nothing,
}


def decide(ctx: Context, scope: Scope, e: Any, rows: RowUses, kind: UseKind) -> str:
    """Add what takes part in a condition to ``rows``; the answer says why some origins are not known."""
    found = Gathered()
    look(ctx, scope, e, found, "passed")
    only = {key: use for key, use in found.uses.items() if key not in found.joins}
    add_rows(rows, only.items(), kind)
    add_rows(rows, found.joins.items(), "join")
    for key, at in found.rows.items():
        rows.setdefault(key, at)
    return found.unknown
