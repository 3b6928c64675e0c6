"""How two versions of a query differ: in which columns, and whether in their rows.

They are compared scope by scope, by name. What differs is led forward by name: a column is touched when its expression differs
or mentions a touched one, the rows are when a clause that chooses them does. That errs on one side only: what is called
unchanged is unchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from orchestrator.sql.parts import Clause, Parts, Scope


@dataclass(frozen=True, slots=True)
class Difference:
    """What two versions of a query may have different: outputs by folded name, and whether the rows are chosen differently.

    ``rest`` says that outputs whose names nobody knows (behind a star) may be made differently, too.
    """

    columns: frozenset[str]
    rows: bool
    rest: bool = False


def difference(before: Parts, after: Parts, names: Iterable[str] = ()) -> Difference:
    """What may differ between two versions of a query. ``names`` are outputs that are known to be behind its stars, folded.

    >>> from orchestrator.sql.parts import parts
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
