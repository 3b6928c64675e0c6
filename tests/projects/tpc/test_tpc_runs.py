"""Every query of TPC-H and TPC-DS, written as a model, is SQL that both engines run: built over the specification's tables, empty."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.projects.tpc.conftest import PROJECTS, Tpc, copied, postgres_target

VARIANTS = (14, 23, 24, 39)
"""Queries of TPC-DS that are two statements."""

QUERIES = {
    "tpch": {f"q{n:02}" for n in range(1, 23)},
    "tpcds": {f"q{n:02}{v}" for n in range(1, 100) for v in (("a", "b") if n in VARIANTS else ("",))},
}


def test_each_query_of_the_specification_is_a_model(tpc: Tpc) -> None:
    assert QUERIES[tpc.name] <= {path.stem for path in tpc.models}
    further = {path.stem for path in tpc.models} - QUERIES[tpc.name]
    texts = {path.stem: path.read_text(encoding="utf-8") for path in tpc.models}
    for name in further:  # what is no query is there to be read by one
        assert any(name in text for reader, text in texts.items() if reader != name), name


def test_duckdb_builds_them_all(tpc: Tpc) -> None:
    kinds = {name: there.kind for name, there in tpc.existing().items()}
    assert kinds.keys() == {path.stem for path in tpc.models} - tpc.ephemeral
    assert kinds == {name: "table" if name == "q24_ssales" else "view" for name in kinds}


def test_duckdb_runs_them_all(tpc: Tpc) -> None:
    """A view that could be created need not run: scalar subqueries, divisions and windows see no rows here, and cope."""
    rows = tpc.rows(sorted(QUERIES[tpc.name]))
    assert {name: found for name, found in rows.items() if found not in (0, 1)} == {}


@pytest.mark.parametrize("name", PROJECTS)
def test_postgres_builds_them_all(name: str, tmp_path: Path, empty_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tpc = copied(name, tmp_path, postgres_target(empty_postgres), monkeypatch)
    tpc.create_sources()
    results = tpc.orc("build", "--quiet")
    assert {r["status"] for r in results.values()} == {"success"}
    assert tpc.existing().keys() == {path.stem for path in tpc.models} - tpc.ephemeral
    rows = tpc.rows(sorted(QUERIES[name]))
    told = {query: found for query, found in rows.items() if found not in (0, 1)}
    assert told.keys() == ({"q90"} if name == "tpcds" else set()), told  # a ratio of two counts, and there is nothing to count
    assert all("division by zero" in str(found) for found in told.values())
