"""How many rows a query can have, as far as its text tells; and the CTEs of a text by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import exp

Ctes = Mapping[str, tuple[exp.Expr, ...]]
"""The queries of all CTEs by folded name; several where names repeat."""


def fold(name: str) -> str:
    """A name as it is compared here: taking two for one is the safe side.

    >>> fold("Orders")
    'orders'
    """
    return name.casefold()


def named(ctes: Iterable[exp.Expr]) -> Ctes:
    """The CTEs by name."""
    found: dict[str, tuple[exp.Expr, ...]] = {}
    for cte in ctes:
        found[fold(cte.alias)] = (*found.get(fold(cte.alias), ()), cte.this)
    return found


def one_row(source: exp.Expr | None, ctes: Ctes, seen: frozenset[str] = frozenset()) -> bool:
    """Whether a query or source has one row at most, or may have: an aggregate of the whole, no FROM, ``limit 1``."""
    match source:
        case exp.Subquery():
            return one_row(source.this, ctes, seen)
        case exp.Values():
            return len(source.expressions) == 1
        case exp.Table() if isinstance(source.this, exp.Identifier) and not source.args.get("db"):
            name = fold(source.name)
            return name in ctes and name not in seen and any(one_row(body, ctes, seen | {name}) for body in ctes[name])
        case exp.Select():
            return _selects_one(source, ctes, seen)
        case _:
            return False


def _selects_one(select: exp.Select, ctes: Ctes, seen: frozenset[str]) -> bool:
    limit = select.args.get("limit")
    count = None if limit is None else limit.args.get("expression") or limit.args.get("count")
    if isinstance(count, exp.Literal) and count.name in ("0", "1"):
        return True
    first = select.args.get("from_")
    if first is None:
        return True
    if not select.args.get("group") and any(_folds(p) for p in (*select.expressions, select.args.get("having")) if p is not None):
        return True
    alone = not (select.args.get("joins") or select.args.get("laterals") or first.this.args.get("joins"))
    return alone and one_row(first.this, ctes, seen)


def _folds(expression: exp.Expr) -> bool:
    """Whether an expression has an aggregate of its own level in it; a function that nobody knows may be one."""
    stack: list[exp.Expr] = [expression]
    while stack:
        node = stack.pop()
        if isinstance(node, exp.AggFunc | exp.Anonymous):
            return True
        if not isinstance(node, exp.Window | exp.Subquery | exp.Query):
            stack += list(node.iter_expressions())
    return False
