"""A query taken apart into what decides about its rows and what makes each of its columns, and how two queries differ in that.

Two versions of a query are compared scope by scope (the query itself, its CTEs and subqueries, by name). What differs is led
forward by name: a column is touched when its expression differs or mentions a touched one, the rows are when a clause that
chooses them does. That errs on one side only: what is called unchanged is unchanged.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping
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


@dataclass(frozen=True, slots=True)
class Difference:
    """What two versions of a query may have different: outputs by folded name, and whether the rows are chosen differently.

    ``rest`` says that outputs whose names nobody knows (behind a star) may be made differently, too.
    """

    columns: frozenset[str]
    rows: bool
    rest: bool = False


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


def difference(before: Parts, after: Parts, names: Iterable[str] = ()) -> Difference:
    """What may differ between two versions of a query. ``names`` are outputs that are known to be behind its stars, folded.

    >>> one, other = (parts(f"with a as (select {x} as x, y from t) select x, y from a where y > 1", "duckdb") for x in ("p", "q"))
    >>> difference(one, other)
    Difference(columns=frozenset({'x'}), rows=False, rest=False)
    """
    judge = _Judge(before, after)
    every = _names(after, "") | _names(before, "") | frozenset(names)
    return Difference(frozenset(n for n in every if judge.touched("", n)), judge.rows(), judge.touched("", NOBODY))


NOBODY = "\0"
"""A name that no column has: what is true of it is true of all columns that are not written out."""


@dataclass
class _Judge:
    before: Parts
    after: Parts
    known: dict[tuple[str, str], bool] = field(default_factory=dict)

    def touched(self, path: str, name: str) -> bool:
        """Whether the output ``name`` of a scope may have other values than before."""
        if (path, name) not in self.known:
            self.known[path, name] = False  # a recursive CTE mentions itself; that alone changes nothing
            self.known[path, name] = self._touched(path, name)
        return self.known[path, name]

    def _touched(self, path: str, name: str) -> bool:
        now, then = self.after.get(path), self.before.get(path)
        if now is None or then is None:
            return True
        if now.branches or then.branches:
            return self._branches(now, then, name)
        made, was = dict(now.outputs).get(name), dict(then.outputs).get(name)
        if made is not None and was is not None:
            return was.text != made.text or self.mentions(now, then, made)
        # By a star or by its name is the same column, where there is only one table it can be of.
        explicit = made or was
        if explicit is not None and not (_bare(explicit, name) and now.reads == then.reads == 1 and (now if was else then).stars == ("*",)):
            return True
        if explicit is None and not now.stars and not then.stars:
            return False
        if (explicit is None and now.stars != then.stars) or dict(now.sources) != dict(then.sources):
            return True
        return any(self.touched(source, name) for source in now.sources.values())

    def _branches(self, now: Scope, then: Scope, name: str) -> bool:
        """In a set operation, columns are made by position: all branches' at the place that ``name`` has in the first."""
        if now.branches != then.branches:
            return True
        places = [_place(self.after, now.branches[0], name), _place(self.before, then.branches[0], name)]
        if None in places or places[0] != places[1]:
            return name in _names(self.after, now.branches[0]) or any(_open(self.after, b) for b in now.branches)
        at = places[0]
        return any(
            (column := _at(self.after, b, at)) is None or column != _at(self.before, b, at) or self.touched(b, column) for b in now.branches
        )

    def whole(self, path: str) -> bool:
        """Whether anything at all about a scope may be different."""
        if (path, "") not in self.known:
            self.known[path, ""] = False
            names = _names(self.after, path) | _names(self.before, path) | {NOBODY}
            self.known[path, ""] = any(self.touched(path, n) for n in names) or self.rows(path)
        return self.known[path, ""]

    def mentions(self, now: Scope, then: Scope, clause: Clause) -> bool:
        """Whether any of the columns that a clause mentions is touched, or anything that its subqueries read."""
        if any(self.whole(path) for path in clause.inner):
            return True
        for before_dot, name in clause.refs:
            only = [(self.after, now.sources[a]) for a in now.sources.keys() - then.sources.keys()]
            only += [(self.before, then.sources[a]) for a in then.sources.keys() - now.sources.keys()]
            if before_dot and (before_dot in now.sources) != (before_dot in then.sources):
                return True
            if not before_dot and any(name in _names(found, path) or _open(found, path) for found, path in only):
                return True  # it may be a column of another scope now
            sources = [now.sources[before_dot]] if before_dot in now.sources else [] if before_dot else list(now.sources.values())
            if any(self.touched(s, name) for s in sources if name in _names(self.after, s) or _open(self.after, s)):
                return True
        return False

    def rows(self, start: str = "") -> bool:
        """Whether a scope, or any that it reads, chooses its rows differently."""
        for path in _reached(self.after, start):
            now, then = self.after[path], self.before.get(path)
            if then is None or [c.text for c in now.rows] != [c.text for c in then.rows]:
                return True
            if dict(now.sources) != dict(then.sources):
                return True
            for clause in now.rows:
                own = dict(now.outputs)
                if self.mentions(now, then, clause) or any(
                    not q and n in own and own[n].text != n and self.touched(path, n) for q, n in clause.refs
                ):
                    return True
            if now.by_value and any(
                _names(self.after, p) != _names(self.before, p) or any(self.touched(p, n) for n in (*_names(self.after, p), NOBODY))
                for p in (now.branches or (path,))
            ):
                return True
        return False


def _bare(clause: Clause, name: str) -> bool:
    """Whether a clause is a column under its own name, and nothing else."""
    plain = clause.text.replace('"', "").replace("`", "")
    return plain in {name, *(f"{before_dot}.{name}" for before_dot, _ in clause.refs)}


def _reached(found: Parts, start: str) -> Iterator[str]:
    """A scope and those it reads: a CTE that nobody reads does not matter."""
    waiting, seen = [start], set[str]()
    while waiting:
        path = waiting.pop()
        if path not in seen and path in found:
            seen.add(path)
            yield path
            waiting += [*found[path].sources.values(), *found[path].branches]


def _names(found: Parts, path: str) -> frozenset[str]:
    """The names a scope gives its outputs, those behind its stars included as far as CTEs tell."""
    seen, waiting, names = set[str](), [path], set[str]()
    while waiting:
        at = waiting.pop()
        scope = found.get(at)
        if scope is None or at in seen:
            continue
        seen.add(at)
        names.update(name for name, _ in scope.outputs)
        waiting += scope.branches[:1]
        if scope.stars:
            waiting += scope.sources.values()
    return frozenset(names)


def _open(found: Parts, path: str) -> bool:
    """Whether a scope may have outputs that are not written in it."""
    scope = found.get(path)
    return scope is None or bool(scope.stars) or any(_open(found, b) for b in scope.branches)


def _place(found: Parts, path: str, name: str) -> int | None:
    scope = found.get(path)
    if scope is None or scope.stars:
        return None
    if scope.branches:
        return _place(found, scope.branches[0], name)
    return next((at for at, (output, _) in enumerate(scope.outputs) if output == name), None)


def _at(found: Parts, path: str, place: int | None) -> str | None:
    scope = found.get(path)
    if scope is None or scope.stars or place is None:
        return None
    if scope.branches:
        return _at(found, scope.branches[0], place)
    return scope.outputs[place][0] if place < len(scope.outputs) else None


# From a syntax tree to scopes


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
