"""Which column a name means, where it is written. A name that cannot be sure is unknown, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlglot import exp

from orchestrator.core.errors import did_you_mean
from orchestrator.core.meaning import Finding
from orchestrator.core.node import Read
from orchestrator.sql.understand.names import Engine, key_of, place, spelled
from orchestrator.sql.understand.relations import Column, Relation, Uses, merge
from orchestrator.sql.understand.texts import Text
from orchestrator.sql.understand.types import field_of


@dataclass(slots=True)
class Context:
    """What is the same everywhere in one query.

    ``source`` is its text, ``reads`` are its reads by the place where they end, ``parents`` the relations of those that are inputs by name.
    ``solve`` is the meaning of a query inside of this one. ``quiet`` is above zero while what is wrong was told before;
    ``joining`` while a join's condition is looked at. ``patterns``: there may be ``columns(…)`` somewhere.
    """

    source: Text
    engine: Engine
    reads: Mapping[int, Read]
    parents: Mapping[str, Relation]
    solve: Callable[[Context, Any, Env, Scope | None], Relation]
    findings: list[Finding] = field(default_factory=list)
    quiet: int = 0
    joining: bool = False
    patterns: bool = False

    @property
    def text(self) -> str:
        """The query as written."""
        return self.source.sql

    def tell(self, code: str, message: str, place: tuple[int, int], hint: str | None = None) -> None:
        """Add a finding, once."""
        finding = Finding(code, message, *self.source.closed(*place), hint)
        if not self.quiet and finding not in self.findings:
            self.findings.append(finding)


@dataclass(slots=True)
class Source:
    """Something in FROM. ``parts`` is its name as written, ``whole`` the column that its rows are when they are one value.

    ``merged`` are columns that USING made one with another source's; ``apart`` says that no star gives its columns (semi joins).
    """

    key: str
    title: str
    relation: Relation
    parts: tuple[str, ...] = ()
    whole: Column | None = None
    merged: set[str] = field(default_factory=set)
    apart: bool = False


Env = Mapping[str, Relation]
"""The CTEs that are visible, by key."""


@dataclass(slots=True)
class Scope:
    """What names mean in one SELECT: its sources, and the scope around it.

    ``merged`` are the columns of USING. ``aliases`` are names of this SELECT's own columns, ``clause`` where in it we are.
    ``parameters`` are those of lambdas we are in. ``reached`` counts the names that the scope around had to answer.
    ``vague`` says that a NATURAL join over something unknown may have merged any columns, ``surprise`` that the SELECT itself makes
    columns whose names only the engine knows, and that may be meant further right.
    """

    env: Env
    outer: Scope | None = None
    sources: list[Source] = field(default_factory=list)
    merged: dict[str, Column] = field(default_factory=dict)
    aliases: dict[str, Column] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)
    windows: dict[str, Any] = field(default_factory=dict)
    parameters: list[str] = field(default_factory=list)
    clause: str = ""
    reached: int = 0
    vague: bool = False
    surprise: bool = False


class Name(NamedTuple):
    """A column's name as written, with its place."""

    parts: tuple[str, ...]
    keys: tuple[str, ...]
    start: int
    end: int


def name_of(column: exp.Column, engine: Engine) -> Name:
    """The parts of a column's name, in front of its fields."""
    parts = [part for key in ("catalog", "db", "table", "this") if (part := column.args.get(key)) is not None]
    spellings = tuple(spelled(part, engine) for part in parts)
    return Name(spellings, tuple(key_of(s, engine) for s in spellings), place(parts[0])[0], place(parts[-1])[1])


def resolve(ctx: Context, scope: Scope, column: exp.Column) -> Column:
    """The column that a name means; unknown, with the reason, when it cannot be told."""
    name = name_of(column, ctx.engine)
    if len(name.keys) > 1:
        return _dotted(ctx, scope, name)
    key = name.keys[0]
    if key in scope.parameters:
        return Column(name.parts[0], key, None, {})
    found = _known(ctx, scope, name, key)
    if found is not None:
        return found
    if key in ctx.engine.bare and not _quoted(column):
        return Column(name.parts[0], key, None, {})
    if key in ctx.engine.hidden:
        return Column(name.parts[0], key, None, {})
    return _open(ctx, scope, name)


def _quoted(column: exp.Column) -> bool:
    return bool(column.this.args.get("quoted"))


def _known(ctx: Context, scope: Scope, name: Name, key: str) -> Column | None:
    """A column of a known source, an alias, or a whole row; of the nearest scope that has one."""
    level: Scope | None = scope
    open_inside: Source | None = None
    while level is not None:
        found = [level.merged[key]] if key in level.merged else []
        for source in level.sources:
            one = source.relation.index.get(key)
            if one is not None and key not in source.merged:
                if key in source.relation.doubles and not ctx.quiet:
                    found.append(one)
                found.append(one)
        alias = level.aliases.get(key) if not found and level.clause in ctx.engine.reuse else None
        row = next((s for s in level.sources if s.key == key), None) if not found and alias is None else None
        if found or alias is not None or row is not None:
            scope.reached += level is not scope
            if open_inside is not None:
                return _unknown(name, f"`{name.parts[0]}` may be a column of `{open_inside.title}`, or of the query around")
        if found:
            return found[0] if len(found) == 1 else _ambiguous(ctx, level, name, key, found)
        unclosed = next((s for s in level.sources if not s.relation.closed), None)
        if alias is not None:
            if unclosed is not None and level.clause in _COLUMNS_FIRST:
                return _unknown(name, f"`{name.parts[0]}` may be a column of `{unclosed.title}`, or the one that is made here")
            return alias
        if row is not None:
            if unclosed is not None and row.whole is None:
                return _unknown(name, f"`{name.parts[0]}` may be a column of `{unclosed.title}`, or a whole row")
            return whole_row(row, name)
        open_inside = open_inside or unclosed
        level = level.outer
    return None


_COLUMNS_FIRST = frozenset({"select", "where"})
"""Where an alias that hides nothing else is only meant when no source has such a column; what is grouped by must be it."""


def whole_row(source: Source, name: Name) -> Column:
    """A source's name where a column is expected: its row as one value."""
    if source.whole is not None:
        return source.whole
    uses: Uses = {}
    for column in source.relation.columns:
        merge(uses, column.uses, "transformed", (name.start, name.end))
    return Column(source.title, source.key, None, uses, "" if source.relation.complete else source.relation.unknown)


def _ambiguous(ctx: Context, scope: Scope, name: Name, key: str, found: list[Column]) -> Column:
    owners = [s.title for s in scope.sources if key in s.relation.index and key not in s.merged]
    if not scope.vague:
        both = " and ".join(f"`{o}`" for o in dict.fromkeys(owners))
        ctx.tell(
            "S102",
            f"`{name.parts[0]}` is a column of {both}" if len(set(owners)) > 1 else f"`{name.parts[0]}` is the name of several columns",
            (name.start, name.end),
            f"say which: `{owners[0]}.{name.parts[0]}`" if len(set(owners)) > 1 else None,
        )
    uses: Uses = {}
    for column in found:
        merge(uses, column.uses, "passed", (name.start, name.end))
    return _unknown(name, f"`{name.parts[0]}` may be a column of any of {', '.join(owners)}")


def _unknown(name: Name, why: str) -> Column:
    return Column(name.parts[-1], name.keys[-1], None, {}, why)


def levels(scope: Scope | None) -> Iterator[Scope]:
    """A scope and those around it."""
    while scope is not None:
        yield scope
        scope = scope.outer


def _open(ctx: Context, scope: Scope, name: Name) -> Column:
    """A name that no known source has: of the one source that may have more columns, if it is one."""
    candidates = [s for level in levels(scope) for s in level.sources if not s.relation.closed]
    if len(candidates) == 1:
        scope.reached += not any(s is candidates[0] for s in scope.sources)
        return belonging(candidates[0], name, name.parts[0])
    if candidates:
        return _unknown(name, f"`{name.parts[0]}` may be a column of any of {', '.join(dict.fromkeys(s.title for s in candidates))}")
    if scope.surprise:
        return _unknown(name, f"`{name.parts[0]}` may be one of the columns that this SELECT makes")
    every = [s for level in levels(scope) for s in level.sources]
    written = name.parts[0]
    if name.keys[0] in scope.aliases or name.keys[0] in scope.later:
        hint: str | None = (
            f"`{written}` is the name of a column of this SELECT, which {ctx.engine.title} does not know here: repeat its expression"
        )
    else:
        hint = did_you_mean(written, (c.name for s in every for c in s.relation.columns if c.name))
    message = f"there is no column `{written}`{_inside(scope)}"
    ctx.tell("S101", message, (name.start, name.end), hint)
    return _unknown(name, message)


def _inside(scope: Scope) -> str:
    """Where a name was looked for, in words."""
    of = [f"`{s.title}`" for s in scope.sources if s.title]
    if not scope.sources:
        return ": this SELECT reads nothing"
    if len(of) > 3:
        of = [*of[:2], f"{len(of) - 2} others"]
    return f" in {', '.join(of[:-1])} or {of[-1]}" if len(of) > 1 else "".join(f" in {one}" for one in of)


def belonging(source: Source, name: Name, written: str) -> Column:
    """A column that must be the source's, of which more is not known."""
    if source.whole is not None:
        uses: Uses = {}
        merge(uses, source.whole.uses, "transformed", (name.start, name.end))
        return Column(written, name.keys[-1], field_of(source.whole.type, written), uses, source.whole.unknown)
    relation = source.relation
    if relation.node:
        return Column(written, name.keys[-1], None, {(relation.node, written): ("passed", name.start, name.end)})
    return Column(written, name.keys[-1], None, {}, relation.unknown or f"the columns of `{source.title}` are not known")


def _dotted(ctx: Context, scope: Scope, name: Name) -> Column:
    """``source.column``, ``schema.table.column``, ``column.field`` and what can be made of them."""
    found = source_named(scope, name)
    if found is not None:
        source, width = found
        return _of_source(ctx, scope, source, width, name)
    if ctx.engine.fields:
        head = Name(name.parts[:1], name.keys[:1], name.start, name.end)
        ctx.quiet += 1
        column = _known(ctx, scope, head, name.keys[0])
        ctx.quiet -= 1
        if column is not None:
            return accessed(column, name, 1)
        if name.keys[0] in scope.parameters or name.keys[0] in ctx.engine.hidden:
            return Column(name.parts[-1], name.keys[-1], None, {})
        candidates = [s for level in levels(scope) for s in level.sources if not s.relation.closed]
        if len(candidates) == 1:
            return accessed(belonging(candidates[0], head, name.parts[0]), name, 1)
        if candidates:
            titles = ", ".join(dict.fromkeys(s.title for s in candidates))
            return _unknown(name, f"`{name.parts[0]}` may be a column of any of {titles}")
    if scope.surprise:
        return _unknown(name, f"`{name.parts[0]}` may be one of the columns that this SELECT makes")
    around = [s.title for level in levels(scope) for s in level.sources if s.title]
    called = next((s.title for level in levels(scope) for s in level.sources if s.parts and s.parts[-1] == name.keys[-2]), None)
    message = f"`{'.'.join(name.parts[:-1])}` is not in FROM"
    hint = f"it is called `{called}` here" if called else did_you_mean(name.parts[-2], around)
    ctx.tell("S105", message, (name.start, name.end), hint)
    return _unknown(name, message)


def source_named(scope: Scope, name: Name) -> tuple[Source, int] | None:
    """The source that the beginning of a name means, and how many parts of the name it takes."""
    keys = name.keys
    for level in levels(scope):
        for source in level.sources:
            if source.key == keys[0]:
                if level is not scope:
                    scope.reached += 1
                return source, 1
            for width in range(2, len(keys)):
                if source.key == keys[width - 1] and source.parts[-width:] == keys[:width]:
                    if level is not scope:
                        scope.reached += 1
                    return source, width
    return None


def _of_source(ctx: Context, scope: Scope, source: Source, width: int, name: Name) -> Column:
    key, written = name.keys[width], name.parts[width]
    one = source.relation.index.get(key)
    if one is not None and key in source.relation.doubles and ctx.engine.folds:
        ctx.tell("S102", f"`{source.title}` has several columns called `{written}`", (name.start, name.end))
        return _unknown(name, f"`{source.title}` has several columns called `{written}`")
    if one is None and width == 1 and ctx.engine.fields and len(name.keys) > 1:
        # a column and a table of one name: the field of the column
        column = next((s.relation.index[name.keys[0]] for s in scope.sources if name.keys[0] in s.relation.index), None)
        if column is not None:
            return accessed(column, name, 1)
    if one is None and key in ctx.engine.hidden:
        return Column(written, key, None, {})
    if one is None and source.relation.closed and source.whole is None:
        message = f"`{source.title}` has no column `{written}`"
        ctx.tell("S101", message, (name.start, name.end), did_you_mean(written, (c.name for c in source.relation.columns if c.name)))
        return _unknown(name, message)
    if one is None:
        one = belonging(source, Name(name.parts[: width + 1], name.keys[: width + 1], name.start, name.end), written)
    return accessed(one, name, width + 1)


def accessed(column: Column, name: Name, width: int) -> Column:
    """What the parts of a name behind the column's own are: fields of it."""
    if len(name.parts) == width:
        return column
    type_ = column.type
    for part in name.parts[width:]:
        type_ = field_of(type_, part)
    uses: Uses = {}
    merge(uses, column.uses, "transformed", (name.start, name.end))
    return Column(name.parts[-1], name.keys[-1], type_, uses, column.unknown)
