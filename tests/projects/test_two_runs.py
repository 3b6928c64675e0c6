"""Two runs in one process build one DuckDB file at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

import orchestrator
from orchestrator.adapters.duckdb.connection import DuckDBConnection
from orchestrator.core.run import Run

NUMBERS = "{{ config(materialized='incremental') }} select {% if is_incremental() %}(select max(id) from {{ this }}) + 1{% else %}1{% endif %} as id"
TESTED = "models: [{name: numbers, columns: [{name: id, data_tests: [unique, not_null]}]}]\n"


def test_no_row_is_appended_twice_and_nobody_fails(tmp_path: Path) -> None:
    """Each run appends the number after the last one; what two runs computed from one state would be there twice."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "numbers.sql").write_text(NUMBERS, encoding="utf-8")
    (tmp_path / "models" / "props.yml").write_text(TESTED, encoding="utf-8")
    (tmp_path / "models" / "total.sql").write_text(
        "{{ config(materialized='table') }} select count(*) as n from {{ ref('numbers') }}", encoding="utf-8"
    )

    def build(_: int) -> Run:
        return orchestrator.Project(tmp_path).build()

    build(0)
    rounds = 5
    with ThreadPoolExecutor(2) as two:
        for _ in range(rounds):
            for run in two.map(build, range(2)):
                assert run.ok, [r.message for r in run.results]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        assert connection.execute("select id from numbers order by 1").fetchall() == [(n,) for n in range(1, 2 * rounds + 2)]
        assert connection.execute("select n from total").fetchall() == [(2 * rounds + 1,)]
        assert connection.execute("select count(*) from _orc.ledger").fetchall() == [(2,)]
        assert connection.execute("select table_name from duckdb_tables() where table_name ~ 'stage'").fetchall() == []


def test_a_delta_that_is_staged_is_applied_before_another_run_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run stands still between its two transactions; the one that comes then must wait for it, not compute the same delta."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "numbers.sql").write_text(NUMBERS, encoding="utf-8")
    project = orchestrator.Project(tmp_path)
    assert project.run().ok
    commit, runs = DuckDBConnection.commit, list[Run]()
    second = threading.Thread(target=lambda: runs.append(project.run()))

    def committing(session: DuckDBConnection) -> None:
        commit(session)
        if second.ident is None:
            second.start()
            second.join(1.5)
            assert second.is_alive()

    monkeypatch.setattr(DuckDBConnection, "commit", committing)
    first = project.run()
    second.join()
    assert (first.ok, runs[0].ok) == (True, True)
    assert [n.message.partition(",")[0] for n in runs[0].notes] == [f"waiting for run {first.id[:8]}"]
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:
        assert connection.execute("select id from numbers order by 1").fetchall() == [(1,), (2,), (3,)]
