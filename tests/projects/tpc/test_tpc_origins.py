"""Where the columns of TPC-H's and TPC-DS's queries come from, twice: as we read it in one walk, and as sqlglot traces it column by column."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest
from sqlglot import exp, parse_one
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import build_scope
from sqlglot.schema import MappingSchema

from orchestrator.core.meaning import Output, ValueUse
from tests.projects.tpc.conftest import PROJECTS, copied, duckdb_target
from tests.projects.tpc.understood import Understood, understood

Origins = set[tuple[str, str]]

FURTHER = {
    **{
        # which rows a scalar subquery sees decides about its value
        ("q09", f"bucket{n}"): {("source.tpcds.tpcds.store_sales", "ss_quantity")}
        for n in range(1, 6)
    },
    # a window that is declared behind the query, under a name
    ("q57", "avg_monthly_sales"): {
        ("source.tpcds.tpcds.call_center", "cc_name"),
        ("source.tpcds.tpcds.date_dim", "d_year"),
        ("source.tpcds.tpcds.item", "i_brand"),
        ("source.tpcds.tpcds.item", "i_category"),
    },
}
"""What we say of a column's origins that sqlglot does not."""


@pytest.mark.parametrize("name", PROJECTS)
def test_sqlglot_traces_every_column_to_the_same_origins(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = understood(copied(name, tmp_path, duckdb_target(tmp_path), monkeypatch).root)
    ours: dict[tuple[str, str], Origins] = {}
    theirs: dict[tuple[str, str], Origins] = {}
    for model, meaning in found.meanings.items():
        ours |= {(model, column.name): origins(column) - FURTHER.get((model, column.name), set()) for column in meaning.columns}
        theirs |= {(model, column): leaves for column, leaves in traced(found, model).items()}
    assert ours == theirs
    assert len(ours) == {"tpch": 91, "tpcds": 741}[name]


def origins(column: Output) -> Origins:
    """The columns that take part in a column's values."""
    return {(use.node, use.column) for use in column.uses if use.kind in get_args(ValueUse)}


def traced(found: Understood, model: str) -> dict[str, Origins]:
    """The same, by sqlglot's own means: the query is qualified, and each column followed through its scopes to the tables."""
    query = found.queries[model]
    links = found.links[model]
    nodes = {f"t{n}": id_ for n, id_ in enumerate(sorted(set(links.values())))}
    flat = {id_: table for table, id_ in nodes.items()}
    text, at = "", 0
    for read in query.reads:
        id_ = links[read.name]
        alias = f" as {id_.rpartition('.')[2]}" if read.qualified else ""
        text, at = f"{text}{query.sql[at : read.start]}{flat[id_]}{alias}", read.end
    schema = MappingSchema({table: dict.fromkeys(found.columns[id_], "int") for table, id_ in nodes.items()}, dialect="duckdb")
    tree = qualify(parse_one(text + query.sql[at:], dialect="duckdb"), schema=schema, dialect="duckdb")
    scope = build_scope(tree)
    return {
        column.name: set(_leaves(lineage(column.name, tree, schema={}, scope=scope, dialect="duckdb", trim_selects=False).walk(), nodes))
        for column in found.meanings[model].columns
    }


def _leaves(steps: Iterable[object], nodes: dict[str, str]) -> Iterable[tuple[str, str]]:
    for step in steps:
        table = getattr(step, "expression", None)
        if isinstance(table, exp.Table):
            yield nodes[table.name], str(getattr(step, "name", "")).rpartition(".")[2].strip('"')
