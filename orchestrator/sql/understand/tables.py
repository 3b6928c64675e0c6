"""One item of FROM as a source: a parent, a CTE, a subquery, rows written out, a table function, an array."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from orchestrator.sql.understand.expressions import look
from orchestrator.sql.understand.gathered import Gathered
from orchestrator.sql.understand.names import key_of, place, spelled
from orchestrator.sql.understand.pivots import pivoted
from orchestrator.sql.understand.relations import Column, Made, Relation, Uses, merge
from orchestrator.sql.understand.scope import Context, Scope, Source, levels
from orchestrator.sql.understand.texts import spread
from orchestrator.sql.understand.types import element_of, family, fields_of, may_be_struct, of_cast, settled, unify


def source_of(
    ctx: Context, scope: Scope, item: Any, columns: list[Column] | None = None, complete: bool = True, unknown: str = ""
) -> Source:
    """The source that an item of FROM is; ``columns`` are those of a join in parentheses."""
    if columns is not None:
        return _titled(ctx, item, Relation(columns, complete, unknown))
    match item:
        case exp.Table() if isinstance(item.this, exp.Identifier):
            return _table(ctx, scope, item)
        case exp.Table():
            return _function(ctx, scope, item, item.this)
        case exp.Lateral() if isinstance(item.this, exp.Query):
            inner = item.this.this if isinstance(item.this, exp.Subquery) and item.this.args.get("with_") is None else item.this
            return _titled(ctx, item, ctx.solve(ctx, inner, scope.env, scope))
        case exp.Lateral():
            return _function(ctx, scope, item, item.this)
        case exp.Subquery():
            outer = scope if ctx.engine.sideways else scope.outer
            return _titled(ctx, item, ctx.solve(ctx, item.this if _only(item) else item, scope.env, outer))
        case exp.Values():
            return _titled(ctx, item, values(ctx, item, scope))
        case exp.Unnest():
            return _unnest(ctx, scope, item)
        case _:
            title = str(item.alias_or_name)
            return _titled(ctx, item, Relation([], complete=False, unknown=f"`{title or item.key}` is not understood"))


def _only(item: Any) -> bool:
    """Whether parentheses around a query hold nothing else that matters here."""
    return not any(item.args.get(key) for key in ("with_", "order", "limit", "offset"))


def _titled(ctx: Context, item: Any, relation: Relation, parts: tuple[str, ...] = (), name: str = "") -> Source:
    """A source under its alias, its columns under theirs, behind its pivots."""
    alias = item.args.get("alias")
    identifier = alias.this if isinstance(alias, exp.TableAlias) else None
    pivots = item.args.get("pivots") or []
    if pivots:
        relation = with_pivots(ctx, relation, pivots, Scope({}))
        inner = pivots[-1].args.get("alias")
        alias = inner if inner is not None else alias
        identifier = inner.this if isinstance(inner, exp.TableAlias) else identifier
    title = spelled(identifier, ctx.engine) if identifier is not None else name
    return Source(key_of(title, ctx.engine), title, renamed(ctx, relation, alias), parts)


def renamed(ctx: Context, relation: Relation, alias: Any, *, cte: bool = False) -> Relation:
    """A relation as others see it: under the alias's column names, literals with a type, no name twice where the engine sees to that.

    Names behind a ``cte`` that has fewer columns are nothing to DuckDB; to others, and anywhere else, they are an error.
    """
    given = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    columns = relation.columns
    if given and cte and ctx.engine.name == "duckdb" and relation.complete:
        given = given[: len(columns)]
    if given:
        if relation.complete and len(given) > len(columns):
            at = (place(_identifier(given[0]))[0], place(_identifier(given[-1]))[1])
            has = f"{len(columns)} column" + "s" * (len(columns) != 1)
            ctx.tell("S107", f"`{alias.name}` has {has}, and {len(given)} are named", at, "name as many columns as there are")
        columns = [_under(ctx, column, given[at]) if at < len(given) else column for at, column in enumerate(columns)]
        columns += [
            Column(
                n := spelled(_identifier(one), ctx.engine),
                key_of(n, ctx.engine),
                None,
                {},
                relation.unknown or f"`{n}` has no column behind it",
            )
            for one in given[len(columns) :]
        ]
    engine = ctx.engine.name
    if any(c.type is not None and c.type[0] in "'#N" for c in columns):
        columns = [c._replace(type=settled(c.type, engine)) for c in columns]
    if engine == "duckdb" and relation.doubles:
        columns = apart(columns)
    named = relation.named or (bool(given) and all(c.name for c in columns))
    if columns is relation.columns:
        return relation
    return Relation(columns, relation.complete, relation.unknown, relation.node, relation.rows, named)


def apart(columns: list[Column]) -> list[Column]:
    """DuckDB's way with a name that is there twice: the second ``a`` is ``a_1``."""
    seen: dict[str, int] = {}
    found = []
    for column in columns:
        count = seen.get(column.key, 0)
        seen[column.key] = count + 1
        found.append(column._replace(name=f"{column.name}_{count}", key=f"{column.key}_{count}") if count and column.name else column)
    return found


def _identifier(one: Any) -> Any:
    return one.this if isinstance(one, exp.ColumnDef) else one


def _under(ctx: Context, column: Column, given: Any) -> Column:
    name = spelled(_identifier(given), ctx.engine)
    return column._replace(name=name, key=key_of(name, ctx.engine))


def _table(ctx: Context, scope: Scope, item: Any) -> Source:
    name = spelled(item.this, ctx.engine)
    parts = tuple(key_of(spelled(p, ctx.engine), ctx.engine) for p in item.parts)
    if len(parts) == 1:
        key = next((k for k in scope.env if k.casefold() == name.casefold()), None)
        if key is not None:
            return _titled(ctx, item, scope.env[key], parts, name)
    if len(parts) > 1:
        head = next((s for level in levels(scope) for s in level.sources if s.key == parts[0]), None)
        if head is not None and ctx.engine.name == "bigquery":
            return _items(ctx, scope, item, name)
    read = ctx.reads.get(place(item.parts[-1])[1])
    parent = ctx.parents.get(read.name) if read is not None else None
    if parent is None:
        written = ctx.text[read.start : read.end] if read is not None else str(item.name)
        parent = Relation([], complete=False, unknown=f"`{written}` is not part of the project")
    return _titled(ctx, item, parent, parts, name)


def _items(ctx: Context, scope: Scope, item: Any, name: str) -> Source:
    """BigQuery's ``from orders o, o.items``: the rows of an array."""
    column = exp.Column(this=item.this, table=item.args.get("db"))
    found = Gathered()
    type_ = look(ctx, scope, column, found, "transformed")
    return _value_source(ctx, item, found, element_of(type_), name)


def _value_source(ctx: Context, item: Any, found: Gathered, type_: str | None, name: str) -> Source:
    """Rows that are one value each."""
    title = str(item.alias) or name
    made = Made(None, 0, *spread(item.this if item.args.get("this") else item))
    return _of_values(ctx, Column(title, key_of(title, ctx.engine), type_, found.uses, found.unknown, made))


def _of_values(ctx: Context, whole: Column) -> Source:
    """Rows that are one value each: of an array of structs the fields are columns, too."""
    relation = Relation([whole])
    if may_be_struct(whole.type):
        uses: Uses = {}
        merge(uses, whole.uses, "transformed")
        fields = [Column(name, key_of(name, ctx.engine), type_, uses, whole.unknown) for name, type_ in fields_of(whole.type)]
        relation = Relation(
            fields, complete=bool(fields), unknown="" if fields else f"what the items of `{whole.name or 'unnest'}` hold is not known"
        )
    return Source(whole.key, whole.name, relation, (), whole)


def values(ctx: Context, item: Any, scope: Scope) -> Relation:
    """Rows written out: all of one length, columns with the type that holds every row's value."""
    rows = [row.expressions if isinstance(row, exp.Tuple) else [row] for row in item.expressions]
    width = len(rows[0]) if rows else 0
    for at, row in enumerate(rows):
        if len(row) != width:
            ctx.tell(
                "S107", f"row {at + 1} of VALUES is not as long as the first: {len(row)} against {width}", spread(item.expressions[at])
            )
    gathered = [Gathered() for _ in range(width)]
    types: list[str | None] = ["NULL"] * width
    for row in rows:
        for at, e in enumerate(row[:width]):
            types[at] = unify(types[at], look(ctx, scope, e, gathered[at], "transformed"), ctx.engine.name)
    first = 1 if ctx.engine.name == "postgres" else 0
    word = "column" if ctx.engine.name == "postgres" else "col"
    columns = []
    for at in range(width):
        made = Made(None, at, *spread(rows[0][at]))
        columns.append(Column(f"{word}{at + first}", f"{word}{at + first}", types[at], gathered[at].uses, gathered[at].unknown, made))
    return Relation(columns)


_SERIES = (exp.GenerateSeries, exp.ExplodingGenerateSeries)


def _function(ctx: Context, scope: Scope, item: Any, function: Any) -> Source:
    """A table function: of a few the columns are known, of others those that the alias names."""
    found = Gathered()
    for e in _arguments(ctx, function):
        look(ctx, scope, e, found, "transformed")
    engine = ctx.engine.name
    alias = item.args.get("alias")
    given = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
    written = ctx.text[slice(*place(function))] if place(function)[0] >= 0 else function.key
    if isinstance(function, exp.Unnest | exp.Explode):
        inner = function.this if function.this is not None else function.expressions[0]
        return _single(ctx, item, function, found, element_of(look(ctx, scope, inner, Gathered(), "transformed")), "unnest")
    if isinstance(function, _SERIES):
        return _single(ctx, item, function, found, _step(ctx, scope, function), written.lower() if engine != "bigquery" else "")
    if given and all(isinstance(one, exp.ColumnDef) for one in given):
        columns = [
            Column(n := spelled(one.this, ctx.engine), key_of(n, ctx.engine), of_cast(one.args["kind"], engine), found.uses)
            for one in given
        ]
        return _titled(ctx, item, Relation(columns))
    if given and engine == "postgres":
        columns = [Column(str(one.name), str(one.name), None, found.uses, found.unknown) for one in given]
        return _titled(ctx, item, Relation(columns, complete=False, unknown=f"the columns of `{written}` are not known"))
    source = _titled(ctx, item, Relation([], complete=False, unknown=f"the columns of `{written}` are not known"), (), written)
    if found.uses:  # whatever it gives, it makes it of these
        source.whole = Column(source.title, source.key, None, found.uses, found.unknown, _made(ctx, function))
    return source


def _made(ctx: Context, e: Any) -> Made:
    return Made(None, 0, *ctx.source.closed(*spread(e)))


def _arguments(ctx: Context, function: Any) -> list[Any]:
    """What a table function is called with; DuckDB writes named arguments as ``name = value``."""
    if ctx.engine.name != "duckdb" or not isinstance(function, exp.Func):
        return [function]
    given = list(function.iter_expressions())
    return [e.expression if isinstance(e, exp.EQ) and isinstance(e.this, exp.Column) else e for e in given]


def _step(ctx: Context, scope: Scope, function: Any) -> str | None:
    engine = ctx.engine.name
    types = [look(ctx, scope, e, Gathered(), "passed") for k in ("start", "end") if (e := function.args.get(k)) is not None]
    numbers = all(family(t, engine) == "integer" for t in types)
    if engine == "duckdb" and numbers:
        return "BIGINT"
    return settled(unify(types[0], types[1], engine), engine) if engine == "postgres" and numbers and len(types) == 2 else None


def _single(ctx: Context, item: Any, function: Any, found: Gathered, type_: str | None, name: str) -> Source:
    """A function that gives one column: it is called like the source, unless the alias names it."""
    title = str(item.alias) or name
    key = key_of(title, ctx.engine)
    columns = [Column(title, key, type_, found.uses, found.unknown, _made(ctx, function))]
    if item.args.get("ordinality"):
        columns.append(Column("ordinality", "ordinality", "bigint", {}))
    return _titled(ctx, item, Relation(columns), (), title)


def _unnest(ctx: Context, scope: Scope, item: Any) -> Source:
    made = Made(None, 0, *ctx.source.called(*spread(item.expressions[0])))
    found: list[tuple[Gathered, str | None]] = []
    for e in item.expressions:
        own = Gathered()
        type_ = look(ctx, scope, e, own, "transformed")
        found.append((own, element_of(type_)))
    engine = ctx.engine.name
    alias = item.args.get("alias")
    offset = item.args.get("offset")
    given = list(alias.args.get("columns") or []) if isinstance(alias, exp.TableAlias) else []
    if engine == "bigquery":
        name = str(given[0].name) if given else ""
        own, type_ = found[0]
        source = _of_values(ctx, Column(name, key_of(name, ctx.engine), type_, own.uses, own.unknown, made))
        if isinstance(offset, exp.Identifier):
            word = key_of(str(offset.name), ctx.engine)
            number = Column(str(offset.name), word, "INT64", {}, "", Made(None, 0, *place(offset)))
            relation = source.relation
            source.relation = Relation([*relation.columns, number], relation.complete, relation.unknown)
        return source
    title = str(item.alias) or "unnest"
    if len(found) == 1 and any(may_be_struct(t) for _, t in found) and not given:
        why = f"what the items of `{title}` hold is not known"
        source = Source(key_of(title, ctx.engine), title, Relation([], complete=False, unknown=why))
        own, type_ = found[0]
        if engine == "duckdb":  # a list of structs stays one column there
            column = Column(title, key_of(title, ctx.engine), type_, own.uses, own.unknown, made)
            return Source(source.key, title, Relation([column]))
        source.whole = Column(title, key_of(title, ctx.engine), type_, own.uses, own.unknown)
        return source
    columns = [
        Column(title if len(found) == 1 else "unnest", key_of(title, ctx.engine), type_, own.uses, own.unknown, made)
        for own, type_ in found
    ]
    if offset:
        columns.append(Column("ordinality", "ordinality", "bigint" if engine == "postgres" else "BIGINT", {}))
        if isinstance(offset, exp.Identifier):
            columns[-1] = columns[-1]._replace(name=str(offset.name), key=key_of(spelled(offset, ctx.engine), ctx.engine))
    return _titled(ctx, item, Relation(columns), (), title)


def with_pivots(ctx: Context, relation: Relation | None, pivots: list[Any], scope: Scope) -> Relation:
    """A relation behind its PIVOT and UNPIVOT clauses; ``None``: the statement itself is one."""
    for pivot in pivots:
        if relation is None:
            relation = source_of(ctx, scope, pivot.this).relation if pivot.this is not None else Relation([], complete=False)
        relation = pivoted(ctx, relation, pivot)
    return relation if relation is not None else Relation([], complete=False)
