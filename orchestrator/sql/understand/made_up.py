"""What each engine calls a column that nobody named. Where that is not sure the name is empty, and so nobody can mean it."""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from orchestrator.sql.understand.names import place
from orchestrator.sql.understand.scope import Context

_WORD = re.compile(r"[A-Za-z_]\w*")

_POSTGRES_TYPES = {
    "integer": "int4",
    "bigint": "int8",
    "smallint": "int2",
    "double precision": "float8",
    "real": "float4",
    "boolean": "bool",
    "character varying": "varchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "numeric": "numeric",
    "text": "text",
    "date": "date",
    "json": "json",
    "jsonb": "jsonb",
    "uuid": "uuid",
    "interval": "interval",
}
_WORDS: dict[type, str] = {
    exp.Extract: "",  # date_part and extract look alike here, and are not called alike
    exp.Exists: "exists",
    exp.Array: "array",
    exp.CurrentDate: "current_date",
    exp.StrPosition: "position",
    exp.Trim: "btrim",
    exp.Substring: "substring",
    exp.Interval: "interval",
}


def made_up(ctx: Context, e: Any, unnamed: int, type_: str | None) -> str:
    """The name of a column without an alias and with this type; ``unnamed`` counts those to its left."""
    if isinstance(e, exp.Dot) and isinstance(e.expression, exp.Identifier):
        return str(e.expression.name)
    if ctx.engine.name == "bigquery":
        return f"f{unnamed}_"
    return _postgres(ctx, e, type_) if ctx.engine.name == "postgres" else _duckdb(e)


def _written(ctx: Context, e: Any) -> str:
    """A function's name as the author wrote it."""
    start, end = place(e)
    word = ctx.text[start:end] if start >= 0 else ""
    return word if _WORD.fullmatch(word) and ctx.text[end : end + 1] == "(" else ""


def _postgres(ctx: Context, e: Any, type_: str | None) -> str:
    """The column's, function's or type's name that an expression is built around."""
    while isinstance(e, exp.Paren | exp.Window | exp.Filter | exp.WithinGroup | exp.Bracket | exp.Collate):
        e = e.this
    if isinstance(e, exp.Column):
        return str(e.this.name) if e.this.args.get("quoted") else str(e.this.name).lower()
    if isinstance(e, exp.Dot) and isinstance(e.expression, exp.Identifier):
        return str(e.expression.name)
    if isinstance(e, exp.Cast):
        inner = _postgres(ctx, e.this, None)
        return inner if inner not in ("?column?", "case") else _POSTGRES_TYPES.get((type_ or "").partition("(")[0], "")
    if isinstance(e, exp.Case):
        default = e.args.get("default")
        inner = _postgres(ctx, default, None) if isinstance(default, exp.Column) else "case"
        return inner if default is None or isinstance(default, exp.Column | exp.Literal | exp.Null | exp.Binary) else ""
    if isinstance(e, exp.Subquery):
        select = e.this
        if not isinstance(select, exp.Select) or len(select.expressions) != 1:
            return ""
        only = select.expressions[0]
        return str(only.alias) if isinstance(only, exp.Alias) else _postgres(ctx, only, None)
    word = _written(ctx, e)
    if word:
        return word.lower()
    if type(e) in _WORDS:
        return _WORDS[type(e)]
    return "?column?" if isinstance(e, exp.Literal | exp.Null | exp.Binary | exp.Neg | exp.Not) else ""


def _duckdb(e: Any) -> str:
    """DuckDB writes the expression again in its own way: here only what every version writes alike."""
    if isinstance(e, exp.Literal):
        return f"'{e.name}'" if e.args.get("is_string") and "'" not in e.name else str(e.name)
    if isinstance(e, exp.Count) and isinstance(e.this, exp.Star):
        return "count_star()"
    if (
        isinstance(e, exp.Count | exp.Sum | exp.Avg | exp.Min | exp.Max)
        and isinstance(e.this, exp.Column)
        and not e.args.get("expressions")
    ):
        column = ".".join(part.name for part in e.this.parts)
        plain = all(_WORD.fullmatch(part.name) and part.name == part.name.lower() for part in e.this.parts)
        return f"{type(e).__name__.lower()}({column})" if plain else ""
    return ""
