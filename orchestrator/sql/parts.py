"""A query taken apart into what decides about its rows and what makes each of its columns: scope by scope (the query itself, its
CTEs and subqueries), in canonical text, with the names of the columns that each piece mentions.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError

Ref = tuple[str, str]
"""A column as it is mentioned: what stands before the dot (or nothing), and its name; folded."""


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of a query in canonical text, the columns it mentions, and the scopes that subqueries inside it read."""

    text: str
    refs: frozenset[Ref] = frozenset()
    inner: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """One SELECT, or a set operation over ``branches`` (paths of scopes).

    ``sources`` are the scopes it reads, by alias; tables are none of them. ``reads`` counts both. ``stars`` are its stars, as written.
    ``by_value``: which rows there are depends on the values of all its outputs, as with DISTINCT.
    """

    outputs: tuple[tuple[str, Clause], ...] = ()
    stars: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[Clause, ...] = ()
    branches: tuple[str, ...] = ()
    by_value: bool = False
    reads: int = 0


Parts = Mapping[str, Scope]
"""The scopes of a query by path; the query itself is the empty path."""


def parts(sql: str, dialect: str) -> Parts | None:
    """Take a query apart; ``None`` when it is none that can be.

    >>> sorted(parts("with a as (select 1 as x) select x from a", "duckdb"))
    ['', '/a']
    """
    logging.getLogger("sqlglot").addHandler(logging.NullHandler())
    try:
        tree = Dialect.get_or_raise(dialect).parse(sql)[0]
    except (SqlglotError, RecursionError, IndexError):
        return None
    if not isinstance(tree, exp.Query):
        return None
    found: dict[str, Scope] = {}
    try:
        _visit(tree, "", {}, found, dialect)
    except RecursionError:
        return None
    return found


def _visit(tree: Any, path: str, visible: Mapping[str, str], found: dict[str, Scope], dialect: str) -> None:
    while isinstance(tree, exp.Subquery | exp.Paren) and not tree.args.get("pivots") and not _ordered(tree):
        tree = tree.this
    names = dict(visible)
    recursive = bool((with_ := tree.args.get("with_")) and with_.args.get("recursive"))
    for cte in tree.ctes if isinstance(tree, exp.Query) else ():
        name = cte.alias.casefold()
        inner = f"{path}/{name}"
        _visit(cte.this, inner, {**names, name: inner} if recursive else names, found, dialect)
        names[name] = inner
    if isinstance(tree, exp.SetOperation):
        branches = (f"{path}/<", f"{path}/>")
        _visit(tree.this, branches[0], names, found, dialect)
        _visit(tree.expression, branches[1], names, found, dialect)
        how = Clause(f"{tree.key} {tree.args.get('distinct')} {tree.args.get('by_name')}")
        ends = tuple(_ends(tree, dialect, names))
        by_value = bool(tree.args.get("distinct") or ends) or not isinstance(tree, exp.Union)
        found[path] = Scope(rows=(how, *ends), branches=branches, by_value=by_value)
    elif isinstance(tree, exp.Select):
        found[path] = _select(tree, path, names, found, dialect)
    else:
        found[path] = Scope(rows=(_clause(tree, dialect, names),), stars=("*",))


def _ordered(tree: Any) -> bool:
    return any(tree.args.get(key) for key in ("limit", "offset", "order"))


def _select(tree: Any, path: str, names: Mapping[str, str], found: dict[str, Scope], dialect: str) -> Scope:
    sources: dict[str, str] = {}
    rows: list[Clause] = []
    for at, item in enumerate(_from(tree)):
        source = item.this if isinstance(item, exp.Join | exp.From) else item
        copy = item.copy()
        alias = source.alias_or_name.casefold()
        if isinstance(source, exp.Subquery) and isinstance(source.this, exp.Query) and not source.args.get("pivots"):
            inner = f"{path}/{alias or at}"
            _visit(source.this, inner, names, found, dialect)
            sources[alias or str(at)] = inner
            copy.set("this", exp.to_table(f"subquery_{at}", alias=alias or None))
        elif isinstance(source, exp.Table) and not source.args.get("db") and source.name.casefold() in names:
            sources[alias] = names[source.name.casefold()]
        plain = isinstance(source, exp.Table) or (alias or str(at)) in sources
        rows.append(_clause(copy, dialect, {} if plain else names))
        if plain and item.args.get("on") is not None:
            rows.append(_clause(item.args["on"], dialect, names))
    outputs, stars = _outputs(tree, dialect, names)
    rows += _chosen(tree, [clause for _, clause in outputs], dialect, names)
    return Scope(
        tuple(outputs),
        stars,
        sources,
        (*rows, *_ends(tree, dialect, names)),
        by_value=bool(tree.args.get("distinct")) or _counts(tree),
        reads=len(list(_from(tree))),
    )


def _from(tree: Any) -> Iterator[Any]:
    if (first := tree.args.get("from_")) is not None:
        yield first
    yield from tree.args.get("joins") or ()
    yield from tree.args.get("laterals") or ()


def _outputs(tree: Any, dialect: str, names: Mapping[str, str]) -> tuple[list[tuple[str, Clause]], tuple[str, ...]]:
    outputs: list[tuple[str, Clause]] = []
    stars: list[str] = []
    for at, item in enumerate(tree.expressions):
        if item.is_star or item.find(exp.Columns):
            stars.append(_clause(item, dialect, names).text)
            star = item.find(exp.Star)
            made = [one for key in ("replace", "rename") for one in _listed(star.args.get(key) if star is not None else None)]
            outputs += [(one.alias.casefold(), _clause(one.unalias(), dialect, names)) for one in made if one.alias]
        else:
            outputs.append(((item.alias_or_name or item.output_name or f"column {at}").casefold(), _clause(item.unalias(), dialect, names)))
    return outputs, tuple(stars)


def _chosen(tree: Any, outputs: list[Clause], dialect: str, names: Mapping[str, str]) -> Iterator[Clause]:
    """The clauses that choose rows, and what in the list of columns does: aggregates without GROUP BY, functions that make rows."""
    for key in ("where", "having", "qualify", "windows", "pivots", "sample", "connect", "match"):
        for item in _listed(tree.args.get(key)):
            yield _clause(item, dialect, names)
    group = tree.args.get("group")
    if group is not None:
        yield _clause(group, dialect, names)
        for item in group.expressions:
            if isinstance(item, exp.Literal) and not item.is_string and item.this.isdigit() and 0 < int(item.this) <= len(outputs):
                yield outputs[int(item.this) - 1]
        if group.args.get("all"):
            yield from (_clause(i.unalias(), dialect, names) for i in tree.expressions if not i.find(exp.AggFunc))
    elif any(_aggregates(item) for item in tree.expressions):
        yield Clause("one row")
    yield from (_clause(item, dialect, names) for item in tree.expressions if item.find(exp.UDTF, exp.Explode, exp.Unnest))
    if distinct := tree.args.get("distinct"):
        yield _clause(distinct, dialect, names)


def _aggregates(item: Any) -> bool:
    return any(not _inside(found, item) for found in item.find_all(exp.AggFunc))


def _inside(found: Any, item: Any) -> bool:
    """Whether an aggregate stands in a window or a subquery of ``item``: it then folds no rows of the query itself."""
    above = found.parent
    while above is not None and above is not item.parent:
        if isinstance(above, exp.Window | exp.Query):
            return True
        above = above.parent
    return False


def _ends(tree: Any, dialect: str, names: Mapping[str, str]) -> Iterator[Clause]:
    """LIMIT and OFFSET, and the order where it decides which rows are left; an order alone leaves all of them."""
    limits = [item for key in ("limit", "offset") for item in _listed(tree.args.get(key))]
    if limits or _chooses(tree):
        yield from (_clause(item, dialect, names) for item in (*limits, *_listed(tree.args.get("order"))))


def _chooses(tree: Any) -> bool:
    """Whether there is a DISTINCT ON: it takes the first of several rows."""
    distinct = tree.args.get("distinct")
    return isinstance(distinct, exp.Distinct) and distinct.args.get("on") is not None


def _counts(tree: Any) -> bool:
    """Whether an order that decides about rows, or a grouping behind a star, names outputs by their place, or all of them."""
    cut = tree.args.get("limit") or tree.args.get("offset") or _chooses(tree)
    items = [o.this for o in tree.args["order"].expressions] if cut and tree.args.get("order") else []
    if (group := tree.args.get("group")) is not None and any(item.is_star for item in tree.expressions):
        items += [*group.expressions, *([exp.var("ALL")] if group.args.get("all") else [])]
    return any(isinstance(item, exp.Literal) or item.name.upper() == "ALL" for item in items)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [] if value is None else [value]


_QUOTED = re.compile(r"('(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`)")


def _clause(tree: Any, dialect: str, names: Mapping[str, str]) -> Clause:
    """Canonical text: comments gone, case folded outside of quotes, layout sqlglot's."""
    said = tree.sql(dialect=dialect, comments=False) if isinstance(tree, exp.Expr) else str(tree)
    text = "".join(piece if at % 2 else piece.casefold() for at, piece in enumerate(_QUOTED.split(said)))
    if not isinstance(tree, exp.Expr):
        return Clause(text)
    refs = frozenset((c.table.casefold(), c.name.casefold()) for c in tree.find_all(exp.Column))
    tables = (t.name.casefold() for t in tree.find_all(exp.Table) if not t.args.get("db"))
    return Clause(text, refs, frozenset(names[t] for t in tables if t in names))
