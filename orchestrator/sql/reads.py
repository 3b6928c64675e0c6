"""Which relations a query reads, and where each is written. Scope-aware: a CTE is not a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from orchestrator.core import marker
from orchestrator.core.node import Read


def reads(tree: exp.Expr, text: str, quote: str = '"') -> tuple[Read, ...]:
    """Every place in ``text`` that names a relation, in order: markers anywhere, plain names where the syntax says table.

    Left out: CTE names where they are visible, table functions, files read by path, and ``table.column`` in a FROM list
    (implicit unnest).
    """
    bare: set[int] = set()
    plain: list[Read] = []
    for table in tree.find_all(exp.Table):
        if _is_marker(table):
            if not table.alias:
                bare.add(int(table.parts[0].meta.get("start", -1)))
        elif (read := _read(table, text)) is not None and not _is_cte(table) and not _is_unnest(table):
            plain.append(read)
    marked = [Read(m.payload, m.start, m.end, m.start in bare) for m in marker.find(text, quote)]
    return tuple(sorted([*marked, *plain], key=lambda r: r.start))


def name_of(parts: Iterator[str] | list[str]) -> str:
    """Join the parts of a name with dots; a part that has a dot itself is quoted.

    >>> name_of(["staging", "my.orders"])
    'staging."my.orders"'
    """
    return ".".join(f'"{p}"' if "." in p else p for p in parts)


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
    if text[start] == "'":  # select * from 'file.parquet'
        return None
    return Read(name_of([p.name for p in parts]), start, end, qualified=not table.alias)


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


def _is_unnest(table: exp.Table) -> bool:
    """``from orders o, o.items``: the first part is a sibling's name, so this is a column."""
    head = table.args.get("catalog") or table.args.get("db")
    select = table.find_ancestor(exp.Select)
    if head is None or select is None:
        return False
    clause = select.args.get("from_")
    siblings = [clause.this] if clause is not None else []
    siblings += [join.this for join in select.args.get("joins") or ()]
    name = head.name.casefold()
    return any(s is not table and not s.args.get("db") and s.alias_or_name.casefold() == name for s in siblings if isinstance(s, exp.Table))
