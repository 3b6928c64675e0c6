"""What is wrong or doubtful about how a query is put together, whatever its tables hold.

Each of these is hardly ever meant. A query that could be meant as written is left alone: what decides is always in the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlglot import exp

from orchestrator.core.meaning import Finding
from orchestrator.core.node import Query
from orchestrator.sql.joins import joins
from orchestrator.sql.rows import Ctes, fold, named

Range = tuple[int, int]

_COMPARED = re.compile(r"[\s)]*(?:=|==|<>|!=)\s*null\b", re.IGNORECASE)
_WHEN = re.compile(r"\bwhen\s+null\b", re.IGNORECASE)
_LEAVES = (exp.Identifier, exp.Literal, exp.DataType)
_IN_ORDER = (exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist)
"""Window functions that mean nothing without an order."""


def structure(tree: exp.Expr, query: Query) -> tuple[Finding, ...]:
    """S301 to S307 of one parsed query, in the order of the text. ``query`` is what ``tree`` was read from."""
    nodes = list(_walk(tree))
    ctes = named(n for n in nodes if isinstance(n, exp.CTE))
    found = [*_unused(nodes, query.sql), *_stars(tree, ctes, query.sql)]
    for node in nodes:
        match node:
            case exp.Select():
                found += joins(node, ctes, lambda n: span(n, query.sql))
            case exp.EQ() | exp.NEQ() | exp.In() | exp.If():
                found += _null(node, query.sql)
            case exp.Window():
                found += _unordered(node, query.sql)
    return tuple(sorted(dict.fromkeys(found), key=lambda f: (f.start, f.code)))


def span(node: exp.Expr, sql: str) -> Range:
    """Where a node is written, from its first word to its last as far as they are known; what cannot be told is at its parent."""
    here: exp.Expr | None = node
    while here is not None:
        places = [
            (int(m["start"]), int(m["end"]) + 1)
            for n in here.walk()
            if "start" in (m := n.meta or {}) and m.get("start") is not None and m.get("end") is not None
        ]
        if places:
            start, end = min(a for a, _ in places), max(b for _, b in places)
            return start, min(end, len(sql))
        here = here.parent
    return 0, 1


def _walk(tree: exp.Expr) -> Iterator[exp.Expr]:
    """All nodes but leaves, in any order."""
    stack = [tree]
    while stack:
        node = stack.pop()
        yield node
        for value in node.args.values():
            if type(value) is list:
                stack += [item for item in value if isinstance(item, exp.Expr) and not isinstance(item, _LEAVES)]
            elif isinstance(value, exp.Expr) and not isinstance(value, _LEAVES):
                stack.append(value)


def _unused(nodes: Sequence[exp.Expr], sql: str) -> Iterator[Finding]:
    """CTEs that nothing names but themselves. A name counts wherever it stands: one CTE may hide another of its name."""
    ctes = [n for n in nodes if isinstance(n, exp.CTE)]
    if not ctes:
        return
    tables = [n for n in nodes if isinstance(n, exp.Table)]
    for cte in ctes:
        name = fold(cte.alias)
        if not isinstance(cte.this, exp.Query | exp.Values) or any(_names(t, name) and not _inside(t, cte) for t in tables):
            continue
        alias = cte.args["alias"].this
        yield Finding("S301", f"nothing reads the CTE `{cte.alias}`", *span(alias, sql), "delete it, or read from it")


def _names(table: exp.Table, name: str) -> bool:
    """Whether any part of a table's name is ``name``: ``orders.items`` reads the CTE ``orders`` where FROM may name arrays."""
    return any(fold(p.name) == name for p in table.parts)


def _inside(node: exp.Expr, outer: exp.Expr) -> bool:
    here = node.parent
    while here is not None and here is not outer:
        here = here.parent
    return here is outer


def _null(node: exp.Expr, sql: str) -> Iterator[Finding]:
    """Comparisons with NULL: they are never true."""
    hint = "write `is null` or `is not null`"
    match node:
        case exp.EQ() | exp.NEQ() if isinstance(node.this, exp.Null) != isinstance(node.expression, exp.Null):
            if isinstance(node.parent, exp.Func | exp.Tuple) and not isinstance(node.parent, exp.Connector | exp.If | exp.Case):
                return  # `f(option = null)` names an argument
            start, end = span(node, sql)
            more = _COMPARED.match(sql, end)
            sign = "=" if isinstance(node, exp.EQ) else "<>"
            yield Finding("S305", f"`{sign} null` is never true", start, more.end() if more else end, hint)
        case exp.In() if isinstance(node.parent, exp.Not) and any(isinstance(e, exp.Null) for e in node.expressions):
            yield Finding("S305", "`not in` a list with a null is never true", *span(node, sql), "take the null out of the list")
        case exp.If() if isinstance(node.this, exp.Null) and isinstance(node.parent, exp.Case) and node.parent.this is not None:
            operand = span(node.parent.this, sql)
            when = _WHEN.search(sql, operand[1])
            place = operand if when is None else when.span()
            yield Finding("S305", "`when null` never matches: nothing equals null", *place, "write `case when … is null`")


def _unordered(window: exp.Window, sql: str) -> Iterator[Finding]:
    """Functions of a row's neighbours or rank, over rows in no order."""
    function = window.this
    while isinstance(function, exp.IgnoreNulls | exp.RespectNulls | exp.Filter | exp.Paren):
        function = function.this
    if not isinstance(function, _IN_ORDER) or window.args.get("order") or function.find(exp.Order) is not None:
        return
    if window.args.get("alias") is not None and not _named_without_order(window):
        return
    start, end = span(function, sql)
    word = re.match(r"\w+", sql[start:end])
    called = word[0] if word else function.key
    yield Finding("S307", f"`{called.lower()}` over rows in no order", start, start + len(called), "add `order by` inside `over (…)`")


def _named_without_order(window: exp.Window) -> bool:
    """Whether ``over w`` names a window of this query that has no order; windows made of others are left alone."""
    select = window.find_ancestor(exp.Select)
    name = fold(window.args["alias"].name)
    for one in select.args.get("windows") or () if select is not None else ():
        if fold(one.name) == name:
            return not one.args.get("order") and one.args.get("alias") is None
    return False


def _stars(tree: exp.Expr, ctes: Ctes, sql: str) -> Iterator[Finding]:
    """Stars of the final output that stand for whatever a table will have."""
    for star, source in _open_stars(tree, ctes, frozenset()):
        start, end = span(star, sql)
        if sql[start:end].strip()[-1:] != "*" and "*" not in sql[start:end]:  # `from t` has its star unwritten
            start, end = span(source, sql)
        yield Finding(
            "S303", f"`*` takes whatever columns `{source.name}` will have", start, end, "list the columns that readers may rely on"
        )


def _open_stars(query: exp.Expr | None, ctes: Ctes, seen: frozenset[str]) -> Iterator[tuple[exp.Expr, exp.Table]]:
    match query:
        case exp.SetOperation():
            yield from _open_stars(query.this, ctes, seen)
            yield from _open_stars(query.expression, ctes, seen)
        case exp.Subquery() if not query.args.get("pivots"):
            yield from _open_stars(query.this, ctes, seen)
        case exp.Select():
            for projection in query.expressions:
                if isinstance(projection, exp.Star) or (isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)):
                    table = fold(projection.table) if isinstance(projection, exp.Column) else ""
                    yield from ((projection, t) for t in _behind(query, table, ctes, seen))


def _behind(select: exp.Select, name: str, ctes: Ctes, seen: frozenset[str]) -> Iterator[exp.Table]:
    """The tables whose columns a star stands for, through CTEs and subqueries that have stars themselves."""
    for source in _from(select):
        if name and fold(source.alias_or_name) != name:
            continue
        if source.args.get("pivots"):
            continue
        if isinstance(source, exp.Subquery):
            yield from (t for _, t in _open_stars(source.this, ctes, seen))
        elif isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
            cte = fold(source.name)
            if source.args.get("db") or cte not in ctes:
                yield source
            elif cte not in seen:
                for body in ctes[cte]:
                    yield from (t for _, t in _open_stars(body, ctes, seen | {cte}))


def _from(select: exp.Select) -> Iterator[exp.Expr]:
    first = select.args.get("from_")
    if first is None:
        return
    yield first.this
    for join in (*(first.this.args.get("joins") or ()), *(select.args.get("joins") or ())):
        if not (join.kind or "").upper().startswith(("SEMI", "ANTI")):
            yield join.this
