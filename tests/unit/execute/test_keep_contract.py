"""What a broken contract says."""

from __future__ import annotations

import pytest

from orchestrator.adapters import registry
from orchestrator.execute.keep_contract import differences

DUCKDB, POSTGRES = registry.dialect("duckdb"), registry.dialect("postgres")


@pytest.mark.parametrize(
    ("declared", "actual", "differs"),
    [
        ("INTEGER", "INTEGER", False),
        ("INTEGER", "BIGINT", True),
        ("DECIMAL(10,2)", "DECIMAL(38, 4)", False),
        ("DECIMAL(10,2)[]", "DECIMAL(38,4)[]", False),
        ("STRUCT(a INTEGER)", "STRUCT(a BIGINT)", True),
        ("INTEGER[]", "INTEGER", True),
        ("INTEGER", '"NULL"', False),
    ],
)
def test_types_on_duckdb(declared: str, actual: str, *, differs: bool) -> None:
    assert bool(differences([("a", declared)], [("A", actual)], DUCKDB)) is differs


@pytest.mark.parametrize(
    ("declared", "actual", "differs"),
    [
        ("numeric(10,2)", "numeric", False),
        ("character varying(20)", "text", False),
        ("text", "character(3)", False),
        ("text[]", "text", True),
        ("timestamp without time zone", "timestamp with time zone", True),
        ("timestamp(3) without time zone", "timestamp without time zone", False),
    ],
)
def test_types_on_postgres(declared: str, actual: str, *, differs: bool) -> None:
    assert bool(differences([("a", declared)], [("a", actual)], POSTGRES)) is differs


def test_names_that_differ_in_case_are_two_columns_on_postgres() -> None:
    assert [row[3] for row in differences([("id", "integer")], [("Id", "integer")], POSTGRES)] == [
        "missing in definition",
        "missing in contract",
    ]
