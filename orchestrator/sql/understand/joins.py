"""FROM and JOIN: which sources there are, in which order a star gives their columns, and what joins them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from orchestrator.core.errors import did_you_mean
from orchestrator.sql.understand.expressions import decide
from orchestrator.sql.understand.names import key_of, place, spelled
from orchestrator.sql.understand.relations import Column, RowUses, Uses, add_rows, merge, placed
from orchestrator.sql.understand.scope import Context, Name, Scope, Source, belonging
from orchestrator.sql.understand.tables import source_of
from orchestrator.sql.understand.texts import spread
from orchestrator.sql.understand.types import unify
from orchestrator.sql.understand.verdicts import different_keys


@dataclass(slots=True)
class Listed:
    """The columns that ``*`` stands for, each with the key of its source (empty: of several); ``nodes`` may have further ones."""

    columns: list[tuple[str, Column]] = field(default_factory=list)
    complete: bool = True
    unknown: str = ""
    nodes: list[str] = field(default_factory=list)

    @property
    def node(self) -> str:
        """Whose further columns are: of the only source that may have some."""
        return self.nodes[0] if len(self.nodes) == 1 else ""


def from_clause(
    ctx: Context, scope: Scope, first: Any, joins: list[Any], laterals: list[Any] | None = None, rows: RowUses | None = None
) -> Listed:
    """Fill a scope with the sources of FROM, and ``rows`` with what joins them."""
    listed = Listed()
    if first is None:
        return listed
    rows = {} if rows is None else rows
    scope.clause = "on"
    group = _item(ctx, scope, first, listed, rows)
    for join in [*(first.args.get("joins") or [] if isinstance(first, exp.Table) else []), *joins]:
        if not any(join.args.get(k) for k in ("method", "side", "kind", "on", "using")):
            listed.columns += group
            group = _item(ctx, scope, join.this, listed, rows)
        else:
            group = _join(ctx, scope, join, group, listed, rows)
    listed.columns += group
    for lateral in laterals or ():
        listed.columns += _item(ctx, scope, lateral, listed, rows)
    return listed


Group = list[tuple[str, Column]]


def _item(ctx: Context, scope: Scope, item: Any, listed: Listed, rows: RowUses) -> Group:
    """One item of FROM: its sources become the scope's."""
    if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Table) and not item.alias and not item.args.get("pivots"):
        inner = from_clause(ctx, scope, item.this, [], None, rows)  # (a join b): its tables keep their names outside
        _incomplete(listed, inner.complete, inner.unknown, inner.nodes)
        return inner.columns
    if isinstance(item, exp.Subquery) and isinstance(item.this, exp.Table) and not item.args.get("pivots"):
        own = Scope(scope.env, scope.outer)
        inner = from_clause(ctx, own, item.this, [], None, rows)
        source = source_of(ctx, scope, item, [c for _, c in inner.columns], inner.complete, inner.unknown)
        for one in own.sources:
            for key, at in one.relation.rows.items():
                rows.setdefault(key, at)
    else:
        source = source_of(ctx, scope, item)
    scope.sources.append(source)
    _incomplete(listed, source.relation.complete, source.relation.unknown, [source.relation.node])
    return [(source.key, column) for column in source.relation.columns]


def _incomplete(listed: Listed, complete: bool, unknown: str, nodes: list[str]) -> None:
    if not complete:
        listed.nodes += nodes
        listed.complete = False
        listed.unknown = listed.unknown or unknown


def _join(ctx: Context, scope: Scope, join: Any, left: Group, listed: Listed, rows: RowUses) -> Group:
    before = len(scope.sources)
    kind = (join.args.get("kind") or "").upper()
    aside = Listed() if kind in ("SEMI", "ANTI") else listed
    right = _item(ctx, scope, join.this, aside, rows)
    on = join.args.get("on")
    if on is not None:
        scope.clause = "on"
        ctx.joining = True
        decide(ctx, scope, on, rows, "join")
        ctx.joining = False
    shared = [(spelled(u, ctx.engine), place(u)) for u in join.args.get("using") or ()]
    if (join.args.get("method") or "").upper() == "NATURAL":
        shared = _natural(scope, left, right, spread(join.this))
    merged: Group = []
    for written, at in shared:
        column = _using(ctx, scope, join, written, at, before, rows)
        merged.append(("", column))
    if kind in ("SEMI", "ANTI"):
        for source in scope.sources[before:]:
            source.apart = True
        return left
    return _order(ctx, left, right, merged)


def _order(ctx: Context, left: Group, right: Group, merged: Group) -> Group:
    """USING's columns come first, or where they stand on the left."""
    keys = {column.key: column for _, column in merged}
    if not keys:
        return left + right
    rest = [(source, column) for source, column in right if column.key not in keys]
    if ctx.engine.merged_first:
        return [*merged, *((s, c) for s, c in left if c.key not in keys), *rest]
    there = {column.key for _, column in left}
    return [*(("", keys[c.key]) if c.key in keys else (s, c) for s, c in left), *((s, c) for s, c in merged if c.key not in there), *rest]


def _natural(scope: Scope, left: Group, right: Group, at: tuple[int, int]) -> list[tuple[str, tuple[int, int]]]:
    if any(not s.relation.closed for s in scope.sources):
        scope.vague = True
    there = {column.key for _, column in right if column.name}
    return [(column.name, at) for _, column in left if column.key in there]


def _using(ctx: Context, scope: Scope, join: Any, written: str, at: tuple[int, int], before: int, rows: RowUses) -> Column:
    key = key_of(written, ctx.engine)
    one = _side(ctx, scope.sources[:before], scope.merged, written, key, at, "left")
    two = _side(ctx, scope.sources[before:], {}, written, key, at, "right")
    add_rows(rows, placed(one.uses, at).items(), "join")
    add_rows(rows, placed(two.uses, at).items(), "join")
    different_keys(ctx, written, one, two, at)
    side = (join.args.get("side") or "").upper()
    if side == "FULL":
        uses: Uses = {}
        merge(uses, one.uses, "transformed", at)
        merge(uses, two.uses, "transformed", at)
        column = Column(one.name, key, unify(one.type, two.type, ctx.engine.name), uses, one.unknown or two.unknown)
    else:
        column = (two if side == "RIGHT" else one)._replace(name=one.name, key=key)
        if ctx.engine.name != "postgres" and one.type != two.type:
            column = column._replace(type=None)
    scope.merged[key] = column
    for source in scope.sources:
        source.merged.add(key)
    return column


def _side(
    ctx: Context, sources: list[Source], merged: dict[str, Column], written: str, key: str, at: tuple[int, int], where: str
) -> Column:
    if key in merged:
        return merged[key]
    found = [s.relation.index[key] for s in sources if key in s.relation.index and key not in s.merged]
    if found:
        return found[0] if len(found) == 1 else Column(written, key, None, {}, f"`{written}` is in several tables on the {where}")
    name = Name((written,), (key,), *at)
    unclosed = [s for s in sources if not s.relation.closed]
    if len(unclosed) == 1:
        return belonging(unclosed[0], name, written)
    why = f"there is no column `{written}` on the {where} side of this join"
    if not unclosed:
        ctx.tell("S104", why, at, did_you_mean(written, (c.name for s in sources for c in s.relation.columns if c.name)))
    return Column(written, key, None, {}, why)
