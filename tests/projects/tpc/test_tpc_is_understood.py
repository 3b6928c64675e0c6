"""What is known of TPC-H's and TPC-DS's queries without running them is true, and nothing is found in them that is no fault."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.projects.tpc.conftest import HERE, PROJECTS, Tpc, copied, duckdb_target
from tests.projects.tpc.understood import Understood, tables, understood

TYPED = {("duckdb", "tpch"): 1.0, ("duckdb", "tpcds"): 0.9946, ("postgres", "tpch"): 0.967, ("postgres", "tpcds"): 0.9946}
"""The least share of columns whose type is known; to be raised whenever more is."""


@cache
def read(root: Path) -> Understood:
    return understood(root)


def test_every_column_of_every_query_is_resolved(tpc: Tpc) -> None:
    meant = read(tpc.root).meanings
    assert {name: m.unknown for name, m in meant.items() if not m.complete} == {}
    assert [f"{name}.{c.name}: {c.unknown}" for name, m in meant.items() for c in m.columns if c.unknown] == []


def test_nothing_is_wrong_with_any_of_them(tpc: Tpc) -> None:
    assert read(tpc.root).said() == {}


def test_their_columns_are_called_what_the_engine_calls_them(tpc: Tpc) -> None:
    meant = read(tpc.root).meanings
    ours = {name: [c.name for c in meant[name].columns] for name in tpc.described()}
    assert ours == {name: [column for column, _ in columns] for name, columns in tpc.described().items()}


def test_a_type_that_is_stated_is_the_type(tpc: Tpc) -> None:
    meant = read(tpc.root).meanings
    wrong = [
        f"{name}.{ours.name} is said to be {ours.type}, and is {kind}: {ours.expression}"
        for name, columns in tpc.described().items()
        for ours, (_, kind) in zip(meant[name].columns, columns, strict=True)
        if ours.type is not None and spelled(ours.type) != spelled(kind)
    ]
    assert wrong == []


def test_as_many_types_are_known_as_there_ever_were(tpc: Tpc) -> None:
    columns = [c for meaning in read(tpc.root).meanings.values() for c in meaning.columns]
    share = sum(c.type is not None for c in columns) / len(columns)
    assert share >= TYPED[tpc.engine, tpc.name], sorted({c.expression for c in columns if c.type is None})


def spelled(kind: str) -> str:
    """A type without spaces, in capitals.

    >>> spelled("decimal(38, 2)")
    'DECIMAL(38,2)'
    """
    return re.sub(r"\s", "", kind).upper()


LESS = {
    "open": (r".*contract:.*\n", 0),  # there may be further columns
    "without types": (r", data_type: [^}]*", 0),
    "bare": (r".*contract:.*\n|.*columns:\n|.*- \{name:.*\n", 500),  # nothing is known of the tables but their names
}
"""What is taken out of the declarations of the sources, and of how many columns the origins must then be unknown, of TPC-DS's 741."""


@pytest.mark.parametrize("how", LESS)
@pytest.mark.parametrize("name", PROJECTS)
def test_the_less_is_declared_the_less_is_known_and_nothing_is_guessed(
    name: str, how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = understood(copied(name, tmp_path / "whole", duckdb_target(tmp_path), monkeypatch).root)
    less = copied(name, tmp_path / "less", duckdb_target(tmp_path), monkeypatch)
    sources = less.root / "models" / "sources.yml"
    pattern, unknown = LESS[how]
    sources.write_text(re.sub(pattern, "", sources.read_text(encoding="utf-8")), encoding="utf-8")
    found = understood(less.root)
    assert found.said() == {}
    known = {(model, c.name): c for model, meaning in whole.meanings.items() for c in meaning.columns}
    left = {(model, c.name): c for model, meaning in found.meanings.items() for c in meaning.columns}
    assert left.keys() == known.keys()
    assert [key for key, c in left.items() if c.type not in (None, known[key].type)] == []
    assert [key for key, c in left.items() if not c.unknown and {*c.uses} != {*known[key].uses}] == []
    assert sum(bool(c.unknown) for c in left.values()) >= (unknown if name == "tpcds" else 0)


@pytest.mark.parametrize(("name", "count", "columns"), [("tpch", 8, 61), ("tpcds", 24, 425)])
def test_the_sources_are_the_specification_s(name: str, count: int, columns: int) -> None:
    found = tables(HERE / name)
    assert (len(found), sum(map(len, found.values()))) == (count, columns)
