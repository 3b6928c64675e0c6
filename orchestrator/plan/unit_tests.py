"""A unit test → one query for the rows that differ: the model's own SQL over fixture rows against the rows expected."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator.core.errors import PlanError, Problem, did_you_mean
from orchestrator.core.graph import Graph
from orchestrator.core.node import Fixture, Node, Query, UnitTestBody
from orchestrator.core.ports import Dialect
from orchestrator.plan.compile import Names, compile_query, cte_name

SHOWN = 20
"""Differing rows that a failing unit test shows."""

Types = Mapping[str, str]


def inputs(test: Node, body: UnitTestBody, model: Node, query: Query, graph: Graph) -> dict[str, Fixture | None]:
    """The nodes the model reads, each with the fixture given for it (``None``: no rows).

    Raises:
        PlanError: N021, a fixture for something the model does not read.
    """
    links = dict(model.links)
    read = dict.fromkeys([*(links[r.name] for r in query.reads if r.name in links), *model.depends_on])
    if any(r.name == "this" for r in query.reads):
        read[model.id] = None
    given: dict[str, Fixture | None] = dict.fromkeys(read)
    by_name = {graph.nodes[id_].name: id_ for id_ in read if id_ in graph.nodes} | {"this": model.id}
    for fixture in body.given:
        name = _bare(fixture.input)
        id_ = by_name.get(name) or by_name.get(name.rpartition(".")[2])
        if id_ is None:
            hint = did_you_mean(name, by_name, also=f"it reads {', '.join(f'`{n}`' for n in by_name if n != 'this')}")
            raise PlanError(
                Problem(
                    "N021",
                    f"unit test `{test.name}` gives rows for `{name}`, which `{model.name}` does not read",
                    test.span,
                    hint,
                    node=test.id,
                )
            )
        given[id_] = fixture
    return {id_: fixture for id_, fixture in given.items() if id_ in graph.nodes}


def _bare(text: str) -> str:
    """``ref('orders')`` → ``orders``; ``source('shop', 'orders')`` → ``shop.orders``; a plain name stays.

    >>> _bare("source('shop', 'orders')")
    'shop.orders'
    """
    call, _, rest = text.strip().partition("(")
    if not rest:
        return text.strip()
    names = [part.strip().strip("'\"") for part in rest.rstrip(") ").split(",")]
    return ".".join(names) if call.strip() == "source" else names[-1]


def unit_test(
    test: Node,
    body: UnitTestBody,
    model: Node,
    query: Query,
    types: Mapping[str, Types],
    names: Names,
    describe: Callable[[str], Sequence[tuple[str, str]]],
) -> str:
    """The query for the differing rows: how many there are, ``expected`` or ``actual``, the columns compared; the first few, rows that
    nearly agree side by side.

    ``types`` are the column types of each input as far as known; columns a fixture leaves out are NULL. ``describe`` tells
    the output columns of a query without running it: expected values are compared as the model's own types.

    Raises:
        PlanError: N022, a fixture or the expectation names a column that does not exist.
    """
    given = inputs(test, body, model, query, names.graph)
    fixtures: list[tuple[str, str]] = []
    ctes: dict[str, str] = {}
    for number, (id_, fixture) in enumerate(given.items()):
        name = names.graph.nodes[id_].name.replace(".", "_")
        cte = cte_name(f"{'this' if id_ == model.id else number}_{name}", names.dialect)
        ctes[id_] = cte
        fixtures.append((cte, _rows(test, fixture, types.get(id_, {}), names.dialect)))
    stand_ins = Names(names.graph, names.dialect, ctes=ctes)
    inner = compile_query(_with_this(model), query, stand_ins).sql
    block = ",\n".join(f"{name} as (\n{sql}\n)" for name, sql in fixtures)
    actual = f"with {block}\nselect * from (\n{inner}\n) as orc_actual" if fixtures else inner
    columns = describe(actual)
    expected, shown = _expected(test, body.expect, dict(columns), names.dialect)
    kinds = dict(columns)
    listed = ", ".join(names.dialect.quote(c) for c in shown)
    compared = [_compared(c, kinds.get(c, ""), names.dialect) for c in shown]
    missing = names.dialect.surplus("orc_expected", "orc_actual", compared)
    extra = names.dialect.surplus("orc_actual", "orc_expected", compared)
    order = ", ".join(["3", "2 desc", *(str(n) for n in range(4, len(shown) + 3))])  # the first column is mostly the key
    return (
        f"with orc_actual as (\n{actual}\n), orc_expected as (\n{expected}\n), orc_missing as (\n{missing}\n), orc_extra as (\n{extra}\n"
        "), orc_difference as (\n"
        f"select 'expected' as orc_row, {listed} from orc_missing\nunion all\nselect 'actual' as orc_row, {listed} from orc_extra\n)\n"
        f"select count(*) over () as orc_count, orc_row, {listed} from orc_difference\norder by {order}\nlimit {SHOWN}"
    )


def _compared(column: str, kind: str, dialect: Dialect) -> str:
    """A column as its values can be compared; its name stays."""
    quoted = dialect.quote(column)
    value = dialect.comparable(quoted, kind)
    return quoted if value == quoted else f"{value} as {quoted}"


def _with_this(model: Node) -> Node:
    """The model as a reader of itself: ``this`` is an input like any other."""
    return replace(model, links=(*model.links, ("this", model.id)))


def _rows(test: Node, fixture: Fixture | None, types: Types, dialect: Dialect) -> str:
    if fixture is not None and fixture.sql is not None:
        return fixture.sql
    rows = fixture.rows if fixture is not None and fixture.rows else ()
    known = {name.casefold(): (name, kind) for name, kind in types.items()}
    for row in rows:
        for column in row:
            if known and column.casefold() not in known:
                hint = did_you_mean(column, types)
                raise PlanError(
                    Problem(
                        "N022",
                        f"unit test `{test.name}`: `{fixture.input if fixture else ''}` has no column `{column}`",
                        test.span,
                        hint,
                        node=test.id,
                    )
                )
    columns: list[tuple[str, str | None]] = list(types.items()) or [(c, None) for c in dict.fromkeys(c for row in rows for c in row)]
    if not columns:
        columns = [("orc_nothing_is_known", None)]
    selects = ["select " + ", ".join(_cell(row, name, kind, dialect) for name, kind in columns) for row in rows]
    if not selects:
        return "select " + ", ".join(_cell({}, name, kind, dialect) for name, kind in columns) + " limit 0"
    return "\nunion all\n".join(selects)


def _cell(row: Mapping[str, Any], name: str, kind: str | None, dialect: Dialect) -> str:
    folded = {k.casefold(): v for k, v in row.items()}
    value = folded.get(name.casefold())
    if isinstance(value, Mapping):
        import json

        value = json.dumps(value)
    shown = dialect.cast(value, _roomy(kind)) if kind else dialect.literal(value)
    return f"{shown} as {dialect.quote(name)}"


def _roomy(kind: str) -> str:
    """A type that cuts no fixture's text short without a word.

    >>> _roomy("character varying(5)"), _roomy("numeric(10,2)"), _roomy("STRING(5)")
    ('character varying', 'numeric(10,2)', 'STRING')
    """
    return re.sub(r"^(character varying|varchar|string|bytes) *\(\d+\)$", r"\1", kind, flags=re.IGNORECASE)


def _expected(test: Node, expect: Fixture, types: Types, dialect: Dialect) -> tuple[str, list[str]]:
    if expect.sql is not None:
        return expect.sql, list(types)
    rows = expect.rows or ()
    known = {name.casefold(): name for name in types}
    wanted = list(dict.fromkeys(c for row in rows for c in row)) or list(types)
    for column in wanted:
        if column.casefold() not in known:
            hint = did_you_mean(column, types)
            raise PlanError(
                Problem(
                    "N022",
                    f"unit test `{test.name}` expects a column `{column}`, which the model does not have",
                    test.span,
                    hint,
                    node=test.id,
                )
            )
    shown = list(dict.fromkeys(known[c.casefold()] for c in wanted))
    used = {name: types[name] for name in shown}
    return _rows(test, Fixture("", rows), used, dialect), shown
