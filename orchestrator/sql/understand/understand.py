"""One query → :class:`Meaning`: its columns, where each comes from and what is done with it, and what decides about its rows.

One walk over the tree, from the inside out: each query expression becomes a relation whose columns carry the parents'
columns they are made of, so whoever reads it composes and never looks inside again. Nothing is rewritten: places in the
author's text stay what they are.

A table that is no input is not part of the project: columns that can only be its own are known to exist and have no
origin; ``unknown`` says so.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from orchestrator.core.meaning import Meaning, Output, Shape, Use
from orchestrator.core.node import Query
from orchestrator.sql.parse import tree_of
from orchestrator.sql.structure import structure
from orchestrator.sql.understand.names import Engine, engine_of, key_of
from orchestrator.sql.understand.relations import Column, Relation
from orchestrator.sql.understand.scope import Context
from orchestrator.sql.understand.selects import solve
from orchestrator.sql.understand.tables import apart
from orchestrator.sql.understand.texts import Text, sliced, spread
from orchestrator.sql.understand.types import canonical, settled


def understand(query: Query, inputs: Mapping[str, tuple[str, Shape]], dialect: str, *, strict: bool = False) -> Meaning:
    """What a query means. ``inputs`` says for each of its reads (by name as in ``query.reads``) which node it is and what that holds.

    ``dialect`` is sqlglot's name of the engine's dialect. SQL that is beyond us gives a meaning that is not complete, and says
    so; with ``strict`` it raises instead, for tests.
    """
    try:
        return _understood(query, inputs, dialect)
    except Exception as error:
        if strict:
            raise
        return Meaning(complete=False, unknown=f"this query is not understood ({type(error).__name__})")


def _understood(query: Query, inputs: Mapping[str, tuple[str, Shape]], dialect: str) -> Meaning:
    engine = engine_of(dialect)
    tree, tokens = tree_of(query.sql, dialect)
    parents = {name: _parent(node, shape, engine) for name, (node, shape) in inputs.items()}
    text = Text(query.sql, tokens)
    ctx = Context(text, engine, {r.end: r for r in query.reads}, parents, solve, patterns="columns" in query.sql.lower())
    relation = solve(ctx, tree, {}, None)
    twice(ctx, tree, relation)
    columns = apart(relation.columns) if engine.name == "duckdb" and relation.doubles else relation.columns
    outputs = tuple(_output(ctx, column, text) for column in columns if column.name)
    rows = tuple(Use(node, column, kind, *at) for (node, column, kind), at in relation.rows.items())
    complete, unknown = relation.complete, relation.unknown
    if complete and len(outputs) < len(columns):
        nameless = next(at for at, c in enumerate(columns) if not c.name)
        complete, unknown = False, f"column {nameless + 1} has no name of its own: the engine makes one up"
    findings = tuple(sorted([*ctx.findings, *structure(tree, query)], key=lambda f: (f.start, f.end, f.code)))
    return Meaning(outputs, rows, complete, "" if complete else unknown, findings)


def _parent(node: str, shape: Shape, engine: Engine) -> Relation:
    """A parent as a relation: its columns are its own."""
    columns = []
    for name, type_ in shape.columns:
        word = canonical(type_, engine.name) if type_ else None
        columns.append(Column(name, key_of(name, engine), word, {(node, name): ("passed", -1, -1)}))
    return Relation(columns, shape.complete, shape.unknown or ("" if shape.complete else "its columns are not known"), node)


def _output(ctx: Context, column: Column, text: Text) -> Output:
    uses = []
    for (node, name), (kind, start, end) in column.uses.items():
        same = key_of(name, ctx.engine) == column.key
        uses.append(Use(node, name, "renamed" if kind == "passed" and not same else kind, start, end))
    start, end = sliced(text, column.made)
    expression = text.sql[start:end] if start >= 0 else ""
    return Output(column.name, settled(column.type, ctx.engine.name), tuple(uses), expression, start, end, column.unknown)


def twice(ctx: Context, tree: object, relation: Relation) -> None:
    """S106: two columns of one name. DuckDB tells them apart by itself, so there only names that somebody wrote count."""
    if not relation.doubles or not isinstance(tree, exp.Select):
        return
    seen: dict[str, Column] = {}
    for at, column in enumerate(relation.columns):
        first = seen.setdefault(column.key, column)
        if first is column or not column.name or column.name == "?column?":
            continue
        if ctx.engine.name == "duckdb" and (first.star or column.star):
            continue
        written = tree.expressions[at] if len(tree.expressions) == len(relation.columns) else None
        place = spread(written.args["alias"] if isinstance(written, exp.Alias) else written) if written is not None else _stars(tree)
        hint = f"DuckDB calls the second one `{column.name}_1`" if ctx.engine.name == "duckdb" else "give one of them another name"
        ctx.tell("S106", f"two columns are called `{column.name}`", place, hint)


def _stars(tree: exp.Select) -> tuple[int, int]:
    return next((spread(e) for e in tree.expressions if e.is_star), (-1, -1))
