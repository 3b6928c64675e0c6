"""A model's rows in a file, beside the warehouse."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make

MODEL = "{{{{ config(materialized='{kind}', export={said}) }}}}\nselect n, n * 1.5 as half, date '2026-01-01' as day from range({{{{ var('rows', 3) }}}}) as t (n)"
PARQUET = "{'path': 'out/{name}.parquet'}"


def model(said: str, kind: str = "table") -> dict[str, str]:
    return {"models/numbers.sql": MODEL.format(kind=kind, said=said), "models/after.sql": "select count(*) as n from {{ ref('numbers') }}"}


@pytest.mark.parametrize("kind", ["table", "view"])
def test_0_2_a_model_is_a_parquet_file_that_reads_back_equal(project: Make, kind: str) -> None:
    import duckdb

    p = project(model(PARQUET, kind))
    p.orc("build").exits(0)
    path = p.root / "out" / "numbers.parquet"
    rows = duckdb.connect().execute(f"select * from '{path}' order by n").fetchall()
    assert rows == p.query("select * from numbers order by n")
    results = json.loads((p.root / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    told = next(r for r in results if r["unique_id"].endswith(".numbers"))["adapter_response"]
    assert told["exported"] == {"path": str(path), "rows": 3}
    assert [f.name for f in path.parent.iterdir()] == ["numbers.parquet"]


def test_0_2_what_gates_refuse_is_not_exported_and_nothing_of_environments_is(project: Make) -> None:
    few = {"tests/few.sql": "select n from {{ ref('numbers') }} where n > 3"}
    p = project({**model("{'format': 'csv', 'path': 'out/{name}.csv'}"), **{f"tests/assertions/{k[6:]}": v for k, v in few.items()}})
    p.orc("build").exits(0)
    path = p.root / "out" / "numbers.csv"
    before = path.read_text(encoding="utf-8")
    assert before.splitlines()[0] == '"n","half","day"'
    p.orc("build", "--vars", "{rows: 6}").exits(1)
    p.orc("build", "--environment", "pr_7", "--vars", "{rows: 2}").exits(0)
    assert path.read_text(encoding="utf-8") == before


def test_0_2_a_file_that_cannot_be_written_fails_the_model_and_leaves_its_table(project: Make) -> None:
    p = project({**model(PARQUET), "out": "a file where a folder has to be"})
    assert "X391" in p.orc("build").exits(1).stderr
    assert p.query("select count(*) from numbers") == [(3,)]
    assert "main.after" not in p.relations(), "what follows waits for the file"


@pytest.mark.parametrize("said", ["{'path': '../x.parquet'}", "{'format': 'xls'}", "{'file': 'x'}", "'x'", "{'path': 'gs://bucket/x'}"])
def test_0_2_what_cannot_be_exported_is_told_before_anything_runs(project: Make, said: str) -> None:
    p = project(model(said))
    assert "U137" in p.orc("build").exits(2).stderr
    assert p.relations() == {}


def test_0_2_a_retry_writes_the_file_that_could_not_be_written(project: Make) -> None:
    p = project({**model(PARQUET), "out": "a file where a folder has to be"})
    p.orc("build").exits(1)
    (p.root / "out").unlink()
    p.orc("retry").exits(0)
    assert (p.root / "out" / "numbers.parquet").is_file()
    assert "main.after" in p.relations()
