"""Google's analyzer, and where its compiled form is kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from orchestrator.sql import googlesql_engine
from orchestrator.sql.googlesql import Analysis, Analyzer, GoogleSql, Mistake, NoAnalyzer, analyzer
from orchestrator.sql.googlesql_engine import Refused

TABLES = {
    "p.shop.orders": [("id", "INT64"), ("customer", "STRING"), ("items", "ARRAY<STRUCT<sku STRING, n INT64>>"), ("total", "NUMERIC")],
    "p.shop.customers": [("name", "STRING"), ("since", "DATE")],
}


@pytest.fixture(scope="module")
def google() -> Analyzer:
    found = analyzer(os.environ)
    if isinstance(found, NoAnalyzer):
        pytest.skip(found.reason)
    return found


def test_columns_types_and_what_is_read(google: Analyzer) -> None:
    sql = "select o.id, i.sku, sum(i.n) as n, any_value(total) as t from shop.orders as o, o.items as i join p.shop.customers on name = customer group by 1, 2"
    found = google.analyze(sql, TABLES)
    assert found == Analysis(
        (("id", "INT64"), ("sku", "STRING"), ("n", "INT64"), ("t", "NUMERIC")),
        {"p.shop.orders": ("id", "customer", "items", "total"), "p.shop.customers": ("name",)},
    )


@pytest.mark.parametrize(
    ("sql", "mistake"),
    [
        ("select\n  idd from `p.shop.orders`", Mistake("Unrecognized name: idd; Did you mean id?", 2, 3)),
        ("select id from shop.orders where nope", Mistake("Unrecognized name: nope", 1, 34)),
        ("select 1 from shop.nothing", Mistake("Table not found: shop.nothing", 1, 15)),
        ("selec 1", Mistake('Syntax error: Unexpected identifier "selec"', 1, 1)),
        ("create table x as select 1 as y", Mistake("not a query")),
    ],
)
def test_mistakes_have_their_place(google: Analyzer, sql: str, mistake: Mistake) -> None:
    assert google.analyze(sql, TABLES) == Analysis(mistake=mistake)


def test_a_type_that_is_none_is_an_error(google: Analyzer) -> None:
    with pytest.raises(ValueError, match="no type of BigQuery: VARCHAR2"):
        google.analyze("select 1 from t", {"t": [("x", "VARCHAR2")]})


def test_without_google_there_is_no_opinion(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(googlesql_engine, "find_spec", lambda name: None)
    nobody = analyzer({})
    assert isinstance(nobody, NoAnalyzer)
    assert "pip install 'sql-orchestrator[googlesql]'" in nobody.reason
    assert nobody.analyze("select 1", {}) is None


def test_a_crash_of_the_evaluator_leaves_a_working_one(google: Analyzer) -> None:
    assert isinstance(google, GoogleSql)
    engine = google._engine
    before = engine.generation
    import wasmtime

    def crash(*_: object) -> int:
        raise wasmtime.Trap("out of memory")

    engine._functions["wasm_malloc"] = crash
    with pytest.raises(Refused, match="GoogleSQL crashed"):
        engine.send("Analyze", b"")
    assert engine.generation == before + 1
    assert google.analyze("select 1 as x", {}) == Analysis((("x", "INT64"),))


def test_the_cache_is_our_own_and_closed(tmp_path: Path) -> None:
    assert googlesql_engine._private(tmp_path / "a" / "b")
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    (tmp_path / "open").mkdir(mode=0o777)
    (tmp_path / "open").chmod(0o777)
    assert googlesql_engine._private(tmp_path / "open")
    assert stat.S_IMODE((tmp_path / "open").stat().st_mode) == 0o700
    (tmp_path / "link").symlink_to(tmp_path / "open")
    assert not googlesql_engine._private(tmp_path / "link")


def test_native_code_that_others_could_have_written_is_not_loaded(tmp_path: Path) -> None:
    file = tmp_path / "x.cwasm"
    assert not googlesql_engine._mine(file)
    file.write_bytes(b"")
    file.chmod(0o600)
    assert googlesql_engine._mine(file)
    file.chmod(0o620)
    assert not googlesql_engine._mine(file)
    file.chmod(0o600)
    (tmp_path / "link").symlink_to(file)
    assert not googlesql_engine._mine(tmp_path / "link")
