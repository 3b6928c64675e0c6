"""What types say against each other. Said only of what every version of the engine refuses, or what is surely not meant."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from orchestrator.sql.understand.relations import Column
from orchestrator.sql.understand.scope import Context
from orchestrator.sql.understand.texts import spread
from orchestrator.sql.understand.types import MOMENTS, NUMBERS, family, settled

_COMPARISONS = frozenset({exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ})
_SUMS = frozenset({exp.Sum, exp.Avg})
_SIGNS = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.IntDiv: "//"}

Types = dict[str, Any]


def judge(ctx: Context, e: Any, types: Types) -> None:
    """Look at an expression whose arguments have these types."""
    kind = type(e)
    if kind in _COMPARISONS:
        _compare(ctx, e, types.get("this"), types.get("expression"))
    elif kind is exp.In:
        for one in types.get("expressions") or ():
            _compare(ctx, e, types.get("this"), one)
    elif kind is exp.Between:
        _compare(ctx, e, types.get("this"), types.get("low"))
        _compare(ctx, e, types.get("this"), types.get("high"))
    elif kind in _SUMS:
        _sum(ctx, e, types.get("this"))
    elif kind in _SIGNS:
        _calculate(ctx, e, types.get("this"), types.get("expression"))


def sort_of(type_: str | None, engine: str) -> str:
    """Sorts of types that compare among each other: ``number text boolean moment uuid``; empty where it is not sure."""
    kind = family(type_, engine)
    if kind in NUMBERS:
        return "number"
    if kind in MOMENTS:
        return "moment"
    return kind if kind in ("text", "boolean", "uuid") else ""


def unlike(left: str | None, right: str | None, engine: str) -> bool:
    """Whether the engine compares no values of these types."""
    sorts = {sort_of(left, engine), sort_of(right, engine)}
    if "" in sorts or len(sorts) == 1:
        return False
    if engine == "duckdb":
        return sorts in ({"number", "moment"}, {"boolean", "moment"}, {"uuid", "number"}, {"uuid", "moment"}, {"uuid", "boolean"})
    return True


def _compare(ctx: Context, e: Any, left: str | None, right: str | None) -> None:
    engine = ctx.engine.name
    keys = type(e) is exp.EQ and ctx.joining and isinstance(e.this.unnest(), exp.Column) and isinstance(e.expression.unnest(), exp.Column)
    if keys and _far_apart(left, right, engine):
        ctx.tell("S202", f"join keys of different types: {_says(e.this, left)}, {_says(e.expression, right)}", spread(e), _CAST)
    elif unlike(left, right, engine):
        ctx.tell("S201", f"{_word(left, engine)} is compared with {_word(right, engine)}", spread(e), _CAST)


_CAST = "cast one side so that both have one type"


def _says(e: Any, type_: str | None) -> str:
    return f"`{e.unnest().name}` is {type_}"


def _word(type_: str | None, engine: str) -> str:
    return settled(type_, engine) or "NULL"


def _far_apart(left: str | None, right: str | None, engine: str) -> bool:
    sorts = {sort_of(left, engine), sort_of(right, engine)}
    return "" not in sorts and len(sorts) == 2 and sorts != {"text", "uuid"}


def different_keys(ctx: Context, written: str, left: Column, right: Column, at: tuple[int, int]) -> None:
    """S202: the two columns that USING makes one have different types."""
    if _far_apart(left.type, right.type, ctx.engine.name):
        ctx.tell("S202", f"`{written}` is {left.type} on the left side of this join and {right.type} on the right", at, _CAST)


def _sum(ctx: Context, e: Any, type_: str | None) -> None:
    engine = ctx.engine.name
    sort = sort_of(type_, engine)
    wrong = (
        sort in ("text", "uuid")
        or (sort == "boolean" and (engine != "duckdb" or type(e) is exp.Avg))
        or (sort == "moment" and type(e) is exp.Sum)
    )
    if wrong:
        ctx.tell("S203", f"{type(e).__name__.lower()} of {_word(type_, engine)}", spread(e), "cast it to a number, or count it")


def _calculate(ctx: Context, e: Any, left: str | None, right: str | None) -> None:
    engine = ctx.engine.name
    sorts = [sort_of(left, engine), sort_of(right, engine)]
    wrong = [t for t, sort in zip((left, right), sorts, strict=True) if sort in ("text", "boolean")]
    if wrong and "" not in sorts:
        ctx.tell("S205", f"`{_SIGNS[type(e)]}` with {_word(wrong[0], engine)}", spread(e), "cast it to a number")


def clash(ctx: Context, query: Any, left: Column, right: Column) -> None:
    """S204: columns of a set operation that no type holds both of."""
    engine = ctx.engine.name
    if unlike(left.type, right.type, engine):
        one, two = _word(left.type, engine), _word(right.type, engine)
        name = f"column `{left.name}`" if left.name else "a column"
        ctx.tell("S204", f"{name} of this {query.key.upper()} is {one} on one side and {two} on the other", spread(query.expression), _CAST)
