"""Which relations a query reads, and where each is written. Scope-aware: a CTE is not a table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlglot import exp

from orchestrator.core import marker
from orchestrator.core.node import Read

_FRONT = re.compile(r"(?:(?:`[^`]*`|[\w-]+)\s*\.\s*)+\Z")
"""The parts of a name in front of its last token."""


def reads(tree: exp.Expr, text: str, quote: str = '"', *, arrays: bool = False) -> tuple[Read, ...]:
    """Every place in ``text`` that names a relation, in order: markers anywhere, plain names where the syntax says table.

    Left out: CTE names where they are visible, table functions, files read by path, aliases that ``FOR UPDATE OF`` repeats,
    and, in dialects where FROM may name an array (``arrays``), ``orders.items`` beside ``orders``.
    """
    bare: set[int] = set()
    plain: list[Read] = []
    for table in _tables(tree):
        if _is_marker(table):
            if not table.alias:
                bare.add(int(table.parts[0].meta.get("start", -1)))
        elif (read := _read(table, text)) is not None and not (_is_cte(table) or (arrays and _is_array(table)) or _is_lock(table)):
            plain.append(read)
    marked = [Read(m.payload, m.start, m.end, m.start in bare) for m in marker.find(text, quote)]
    return tuple(sorted([*marked, *plain], key=lambda r: r.start))


def _tables(tree: exp.Expr) -> Iterator[exp.Table]:
    """All tables of a tree, in any order: a walk that enters no leaves is twice as fast as sqlglot's own, and every model pays for it."""
    stack: list[exp.Expr] = [tree]
    while stack:
        node = stack.pop()
        kind = type(node)
        if kind is exp.Column or kind is exp.Identifier or kind is exp.Literal:
            continue
        if isinstance(node, exp.Table):
            yield node
        for value in node.args.values():
            if type(value) is list:
                stack += [item for item in value if isinstance(item, exp.Expr)]
            elif isinstance(value, exp.Expr):
                stack.append(value)


def name_of(parts: Iterable[str]) -> str:
    """Join the parts of a name with dots; a part that could be taken for something else is quoted.

    >>> name_of(["staging", "my.orders"]), name_of(["this"])
    ('staging."my.orders"', '"this"')
    """
    return ".".join(f'"{p}"' if "." in p or ":" in p or p == "this" else p for p in parts)


def _is_marker(table: exp.Table) -> bool:
    catalog = table.args.get("catalog")
    return catalog is not None and catalog.name == marker.PREFIX


def _read(table: exp.Table, text: str) -> Read | None:
    parts = list(table.parts)
    if not parts or not all(isinstance(p, exp.Identifier) for p in parts):
        return None
    first, last = parts[0].meta, parts[-1].meta
    if "start" not in first or "end" not in last:
        return None
    start, end = int(first["start"]), int(last["end"]) + 1
    if len(parts) > 1 and start == int(last["start"]) and (before := _FRONT.search(text, 0, start)) is not None:
        start = before.start()  # `project.dataset`.orders: where quotes hold several parts, all of them are said to be in the last token
    if text[start] == "'":  # select * from 'file.parquet'
        return None
    return Read(name_of(p.name for p in parts), start, end, qualified=not table.alias)


def _is_lock(table: exp.Table) -> bool:
    """``for update of o`` repeats a name of the FROM list."""
    return isinstance(table.parent, exp.Lock)


def _is_cte(table: exp.Table) -> bool:
    """Whether the nearest enclosing WITH that knows the table's name makes it a CTE here."""
    if table.args.get("db"):
        return False
    name = table.name.casefold()
    came_from: Any = table
    node: Any = table.parent
    inside: exp.CTE | None = None  # the CTE whose body we are climbing out of
    while node is not None:
        if isinstance(node, exp.CTE):
            inside = node
        elif isinstance(node, exp.With):
            if _visible(name, node, inside):
                return True
        else:
            clause = node.args.get("with_")
            if clause is not None and clause is not came_from and _visible(name, clause, None):
                return True
        came_from, node = node, node.parent
    return False


def _visible(name: str, clause: exp.With, inside: exp.CTE | None) -> bool:
    """A CTE is visible to later ones, and to itself when the WITH is recursive."""
    for cte in clause.expressions:
        if cte is inside:
            return bool(clause.args.get("recursive")) and any(c.alias.casefold() == name for c in clause.expressions)
        if cte.alias.casefold() == name:
            return True
    return False


def _is_array(table: exp.Table) -> bool:
    """``from orders o, o.items``, also in a subquery: the first part is what a FROM list around calls a table, so this is a column."""
    head = table.args.get("catalog") or table.args.get("db")
    if head is None:
        return False
    name = head.name.casefold()
    return any(s is not table and s.alias_or_name.casefold() == name for s in _in_view(table))


def _in_view(table: exp.Table) -> Iterator[exp.Expr]:
    """What the FROM lists around a table name: its own query's and, unless a CTE is between, those of the queries around."""
    node: Any = table.parent
    while node is not None and not isinstance(node, exp.CTE):
        if isinstance(node, exp.Select):
            clause = node.args.get("from_")
            yield from [clause.this] if clause is not None else []
            yield from (join.this for join in node.args.get("joins") or ())
        node = node.parent
