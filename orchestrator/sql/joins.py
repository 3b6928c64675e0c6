"""Joins that are not what they look like: nothing ties them, their condition is about others, a WHERE undoes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from orchestrator.core.meaning import Finding
from orchestrator.sql.rows import Ctes, fold, one_row

Span = Callable[[exp.Expr], tuple[int, int]]

_REJECTS_NULL = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Like, exp.ILike, exp.Between, exp.In)
"""What is not true of a null; `is distinct from` and the like are other classes."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One item of a FROM list. ``free``: it may go with every row before it: one row only, rows made of its neighbours, or asked for."""

    name: str
    node: exp.Expr
    join: exp.Join | None
    free: bool


def joins(select: exp.Select, ctes: Ctes, span: Span) -> Iterator[Finding]:
    """S302, S304 and S306 of one SELECT."""
    if not (select.args.get("joins") or (select.args.get("from_") is not None and select.args["from_"].this.args.get("joins"))):
        return
    sources = _sources(select, ctes)
    if sources is None:
        return
    conjuncts = [c for clause in ("where", "qualify", "having") for c in _conjuncts(_condition(select, clause))]
    astray = list(_astray(sources, conjuncts))
    for source, condition in astray:
        message = f"this condition does not mention `{source.name}`, which it joins"
        yield Finding("S304", message, *span(condition), f"tie `{source.name}` to the tables before it")
    if not astray:
        for source in _loose(sources, conjuncts):
            message = f"nothing ties `{source.name}` to the tables before it: each of its rows meets all of theirs"
            yield Finding(
                "S302", message, *span(source.node), "add the join condition, or write `cross join` where all combinations are wanted"
            )
    where = list(_conjuncts(_condition(select, "where")))
    for source in sources:
        if source.join is not None and (source.join.side or "").upper() == "LEFT" and not source.join.kind:
            for conjunct in where:
                if _rejects(conjunct, source.name):
                    message = f"this undoes the left join: rows without a `{source.name}` never pass it"
                    yield Finding("S306", message, *span(conjunct), "move it into the join's ON, or write `inner join`")
                    break


def _sources(select: exp.Select, ctes: Ctes) -> list[_Source] | None:
    """The FROM list; ``None`` when something in it is not understood (joins in parentheses, pivots, names that repeat)."""
    first = select.args["from_"].this
    items: list[tuple[exp.Expr, exp.Join | None]] = [(first, None)]
    items += [(join.this, join) for join in (*(first.args.get("joins") or ()), *(select.args.get("joins") or ()))]
    found: list[_Source] = []
    for node, join in items:
        inner = isinstance(node, exp.Subquery) and not isinstance(node.this, exp.Query | exp.Values)
        if inner or node.args.get("pivots") or (join is not None and node.args.get("joins")):
            return None
        name = fold(node.alias_or_name)
        if any(s.name == name for s in found):
            return None
        found.append(_Source(name, node, join, _is_free(node, found, ctes)))
    return found


def _is_free(node: exp.Expr, before: Sequence[_Source], ctes: Ctes) -> bool:
    if isinstance(node, exp.Table):
        if not isinstance(node.this, exp.Identifier):
            return True  # a function's rows
        head = node.args.get("catalog") or node.args.get("db")
        if head is not None and any(s.name == fold(head.name) for s in before):
            return True  # `from orders o, o.items`
    elif not isinstance(node, exp.Subquery):
        return True  # UNNEST, LATERAL, VALUES
    return one_row(node, ctes)


def _condition(select: exp.Select, clause: str) -> exp.Expr | None:
    found = select.args.get(clause)
    return None if found is None else found.this


def _conjuncts(condition: exp.Expr | None) -> Iterator[exp.Expr]:
    match condition:
        case None:
            return
        case exp.And():
            yield from _conjuncts(condition.this)
            yield from _conjuncts(condition.expression)
        case exp.Paren():
            yield from _conjuncts(condition.this)
        case _:
            yield condition


def _mentioned(condition: exp.Expr, names: frozenset[str]) -> tuple[set[str], int, int]:
    """Which sources a condition names; how many of its columns could be anybody's; how many columns it has."""
    found: set[str] = set()
    unknown = count = 0
    for column in condition.find_all(exp.Column):
        count += 1
        parts = {fold(p.name) for p in column.parts[:-1]}
        if column.parts[:-1] and parts & names:
            found |= parts & names
        else:
            unknown += 1
    return found, unknown, count


def _astray(sources: Sequence[_Source], conjuncts: Sequence[exp.Expr]) -> Iterator[tuple[_Source, exp.Expr]]:
    """Joins whose condition names other tables only, and that nothing else ties either."""
    names = frozenset(s.name for s in sources)
    for source in sources:
        if source.join is None or source.free:
            continue
        on = source.join.args.get("on")
        if on is None or _by_design(source.join):
            continue
        found, unknown, count = _mentioned(on, names)
        if not count or unknown or source.name in found:
            continue
        others = [_mentioned(c, names) for c in (*conjuncts, *_ons(sources, but=source))]
        if not any(source.name in named or unsure for named, unsure, _ in others):
            yield source, on


def _ons(sources: Sequence[_Source], but: _Source | None = None) -> Iterator[exp.Expr]:
    for source in sources:
        if source is not but and source.join is not None:
            yield from _conjuncts(source.join.args.get("on"))


def _by_design(join: exp.Join) -> bool:
    """Joins that say in other ways how rows meet, or that all of them do."""
    return bool((join.kind or "").upper() == "CROSS" or join.method or join.args.get("using"))


def _loose(sources: Sequence[_Source], conjuncts: Sequence[exp.Expr]) -> Iterator[_Source]:
    """Sources that no condition ties to the ones before."""
    names = frozenset(s.name for s in sources)
    group = {s.name: s.name for s in sources}

    def tie(some: set[str]) -> None:
        chosen = {group[n] for n in some}
        for name in names:
            if group[name] in chosen:
                group[name] = min(chosen)

    pinned: set[str] = set()
    for condition in (*conjuncts, *_ons(sources)):
        found, unknown, count = _mentioned(condition, names)
        if unknown and (count > 1 or isinstance(condition, exp.EQ)):
            return  # a bare column may be anybody's: what it ties cannot be told
        if isinstance(condition, exp.EQ) and count == 1:
            pinned |= found  # one key's rows only
        tie(found)
    pinned |= {s.name for s in sources if any(_chosen(c, s.name, names) for c in _ons([s]))}
    earlier: list[_Source] = []
    for source in sources:
        join = source.join
        asked = join is not None and (_by_design(join) or (join.args.get("on") is not None and join.args["on"].find(exp.Column) is None))
        if asked:
            tie({source.name, *(s.name for s in earlier[:1])})
        if not (source.free or source.name in pinned):
            earlier.append(source)
    for index, source in enumerate(earlier[1:], 1):
        if not any(group[source.name] == group[e.name] for e in earlier[:index]):
            yield source
            tie({source.name, earlier[0].name})


def _chosen(condition: exp.Expr, name: str, names: frozenset[str]) -> bool:
    """Whether a join's own condition picks rows of the joined table by a value: `on p.valid_from <= current_date`."""
    found, unknown, count = _mentioned(condition, names)
    return count == 1 and not unknown and found == {name}


def _rejects(condition: exp.Expr, name: str) -> bool:
    """Whether a condition cannot be true of a row whose columns of ``name`` are all null."""
    if not isinstance(condition, _REJECTS_NULL) or isinstance(condition.args.get("expression"), exp.Null):
        return False
    sides = (
        [condition.this] if isinstance(condition, exp.Between | exp.In | exp.Like | exp.ILike) else [condition.this, condition.expression]
    )
    return any(
        isinstance(s, exp.Column) and not isinstance(s.this, exp.Star) and fold(s.table) == name and len(s.parts) == 2 for s in sides
    )
