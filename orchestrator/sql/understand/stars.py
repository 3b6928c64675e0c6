"""``*`` and ``t.*`` with EXCEPT, REPLACE and RENAME: the columns they stand for."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from orchestrator.core.errors import did_you_mean
from orchestrator.sql.understand.expressions import look
from orchestrator.sql.understand.gathered import Gathered
from orchestrator.sql.understand.joins import Listed
from orchestrator.sql.understand.names import key_of, place, spelled
from orchestrator.sql.understand.relations import Column, Made, Relation, placed
from orchestrator.sql.understand.scope import Context, Name, Scope, levels, source_named
from orchestrator.sql.understand.texts import spread
from orchestrator.sql.understand.types import may_be_struct


def expanded(ctx: Context, scope: Scope, projection: Any, listed: Listed, query: Any) -> Relation | None:
    """The columns of a star; ``None`` for what is none."""
    if isinstance(projection, exp.Star):
        columns = [c for _, c in listed.columns]
        return _shaped(ctx, scope, projection, Relation(columns, listed.complete, listed.unknown, listed.node), query)
    if isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star):
        return _qualified(ctx, scope, projection, query)
    if ctx.patterns and projection.find(exp.Columns) is not None:
        return Relation([], complete=False, unknown="what `columns(…)` stands for is only known to the engine")
    pattern = projection.this if isinstance(projection, exp.Not) else projection
    if isinstance(pattern, exp.Binary) and isinstance(pattern.this, exp.Star):
        return Relation([], complete=False, unknown="a star with a pattern is only known to the engine")
    if isinstance(projection, exp.Dot) and isinstance(projection.expression, exp.Star):
        return Relation([], complete=False, unknown="the fields of a struct are not known")
    inner = projection.this if isinstance(projection, exp.Alias) else projection
    if isinstance(inner, exp.Explode | exp.Unnest):
        return _unnested(ctx, scope, inner)
    return None


def _unnested(ctx: Context, scope: Scope, projection: Any) -> Relation | None:
    """DuckDB's ``unnest(struct)`` in a SELECT gives a column for each field."""
    e = projection.this if projection.this is not None else projection.expressions[0]
    ctx.quiet += 1
    type_ = look(ctx, scope, e, Gathered(), "passed")
    ctx.quiet -= 1
    if ctx.engine.name == "duckdb" and may_be_struct(type_):
        look(ctx, scope, e, Gathered(), "passed")
        return Relation([], complete=False, unknown="what `unnest(…)` gives is only known to the engine")
    return None


def _qualified(ctx: Context, scope: Scope, projection: Any, query: Any) -> Relation:
    parts = [part for key in ("catalog", "db", "table") if (part := projection.args.get(key)) is not None]
    spellings = tuple(spelled(p, ctx.engine) for p in parts)
    keys = tuple(key_of(s, ctx.engine) for s in spellings)
    found = source_named(scope, Name((*spellings, "*"), (*keys, "*"), *place(parts[0])))
    if found is not None and found[1] == len(keys):
        relation = found[0].relation
        if found[0].whole is not None and not relation.columns:
            return Relation([], complete=False, unknown=relation.unknown)
        return _shaped(ctx, scope, projection.this, relation, query)
    if ctx.engine.fields:
        return (
            Relation([], complete=False, unknown=f"the fields of `{'.'.join(spellings)}` are not known")
            if _may_be_column(scope, keys[0])
            else _missing(ctx, scope, projection, spellings)
        )
    return _missing(ctx, scope, projection, spellings)


def _may_be_column(scope: Scope, key: str) -> bool:
    return any(key in s.relation.index or not s.relation.closed for level in levels(scope) for s in level.sources)


def _missing(ctx: Context, scope: Scope, projection: Any, spellings: tuple[str, ...]) -> Relation:
    message = f"`{'.'.join(spellings)}` is not in FROM"
    first = projection.args.get("catalog") or projection.args.get("db") or projection.args["table"]
    at = (place(first)[0], place(projection.args["table"])[1])
    ctx.tell("S105", message, at, did_you_mean(spellings[-1], (s.title for level in levels(scope) for s in level.sources if s.title)))
    return Relation([], complete=False, unknown=message)


def _shaped(ctx: Context, scope: Scope, star: Any, relation: Relation, query: Any) -> Relation:
    columns, complete = relation.columns, relation.complete
    start, end = place(star)
    if ctx.text[start:end] != "*":  # `from orders` alone
        start, end = spread(query.args["from_"].this)
    made = Made(None, -1, start, end)
    excepted = {key: e for e in star.args.get("except_") or () if (key := _key(ctx, e))}
    replaced = {_key(ctx, e.args["alias"]): e for e in star.args.get("replace") or () if isinstance(e, exp.Alias)}
    renames = {_key(ctx, e.this): e for e in star.args.get("rename") or () if isinstance(e, exp.Alias)}
    known = {c.key for c in columns}
    if complete and all(c.name for c in columns):
        _all_there(
            ctx,
            {**excepted, **{k: e.args["alias"] for k, e in replaced.items()}, **{k: e.this for k, e in renames.items()}},
            known,
            columns,
        )
    found = []
    for column in columns:
        if column.key in excepted:
            continue
        if column.key in replaced:
            found.append(_replacement(ctx, scope, column, replaced[column.key]))
            continue
        one = column._replace(uses=placed(column.uses, (start, end)), made=column.made or made, star=True)
        if column.key in renames:
            name = spelled(renames[column.key].args["alias"], ctx.engine)
            one = one._replace(name=name, key=key_of(name, ctx.engine))
        found.append(one)
    plain = not (excepted or replaced or renames)
    return Relation(found, complete, relation.unknown, relation.node if plain else "")


def _key(ctx: Context, e: Any) -> str:
    identifier = e.this if isinstance(e, exp.Column) else e
    return key_of(spelled(identifier, ctx.engine), ctx.engine) if isinstance(identifier, exp.Identifier) else ""


def _all_there(ctx: Context, wanted: dict[str, Any], known: set[str], columns: list[Column]) -> None:
    for key, e in wanted.items():
        if key and key not in known:
            identifier = e.this if isinstance(e, exp.Column) else e
            ctx.tell(
                "S104",
                f"the star has no column `{identifier.name}`",
                place(identifier),
                did_you_mean(identifier.name, (c.name for c in columns)),
            )


def _replacement(ctx: Context, scope: Scope, column: Column, e: Any) -> Column:
    found = Gathered()
    type_ = look(ctx, scope, e.this, found, "passed")
    found.settle_rows()
    bare = e.this.unnest()
    if not isinstance(bare, exp.Column):
        made = Made(None, -1, *ctx.source.closed(*spread(e.this)))
    else:
        made = Made(None, -1, *spread(bare))
    return column._replace(type=type_, uses=found.uses, unknown=found.unknown, made=made, star=False)
