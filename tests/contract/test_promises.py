"""Every materialization keeps every promise, on every engine: through the command line, as users meet them.

BigQuery is shown every promise, and of each the cells that take ways of their own there (``some``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.shop import rows_sql

if TYPE_CHECKING:
    from tests.contract.shop import Row, Shop

OLD: list[Row] = [(1, "a"), (2, "b")]
NEW: list[Row] = [(2, "c"), (3, "d")]
BROKEN: list[Row] = [(4, "e"), (5, "e")]
TESTED = "models: [{name: m, columns: [{name: id, data_tests: [unique]}, {name: v, data_tests: [unique]}]}]\n"


@dataclass(frozen=True)
class Materialization:
    """How ``m`` is written when it holds ``rows``, and what it holds once ``new`` came after ``old``."""

    text: str
    path: str = "models/m.sql"
    after: tuple[Row, ...] = tuple(NEW)
    kind: str = "table"
    properties: str = TESTED

    def files(self, rows: list[Row]) -> Mapping[str, str]:
        if self.path.endswith(".csv"):
            return {self.path: "id,v\n" + "".join(f"{a},{b}\n" for a, b in rows), "models/props.yml": self.properties}
        return {self.path: self.text.replace("ROWS", rows_sql(rows)).replace("LIST", repr(rows)), "models/props.yml": self.properties}


def configured(**config: Any) -> str:
    return f"{{{{ config({', '.join(f'{k}={v!r}' for k, v in config.items())}) }}}} ROWS"


def python(config: str = "materialized='table'") -> str:
    return (
        f"import pandas as pd\n\ndef model(dbt, session):\n    dbt.config({config})\n    return pd.DataFrame(LIST, columns=['id', 'v'])\n"
    )


MERGED = ((1, "a"), (2, "c"), (3, "d"))
KINDS: dict[str, Materialization] = {
    "view": Materialization(configured(materialized="view"), kind="view"),
    "table": Materialization(configured(materialized="table")),
    "append": Materialization(configured(materialized="incremental", incremental_strategy="append"), after=(*OLD, *NEW), properties=""),
    "delete+insert": Materialization(
        configured(materialized="incremental", incremental_strategy="delete+insert", unique_key="id"), after=MERGED
    ),
    "merge": Materialization(configured(materialized="incremental", incremental_strategy="merge", unique_key="id"), after=MERGED),
    "seed": Materialization("", "seeds/m.csv", properties=TESTED.replace("models", "seeds")),
    "python": Materialization(python(), "models/m.py"),
    "python merge": Materialization(
        python("materialized='incremental', incremental_strategy='merge', unique_key='id'"), "models/m.py", after=MERGED
    ),
}
GATED = [name for name, kind in KINDS.items() if kind.properties]
SQL_KINDS = [name for name, kind in KINDS.items() if kind.path == "models/m.sql"]


@pytest.mark.parametrize("name", KINDS)
def test_what_is_built_and_built_again(shop: Shop, name: str) -> None:
    kind = KINDS[name]
    shop.write(kind.files(OLD)).orc("build")
    assert shop.rows("m") == sorted(OLD)
    assert shop.kinds() == {"m": kind.kind}
    first = shop.ledger()["m"]
    shop.write(kind.files(NEW)).orc("build")
    assert shop.rows("m") == sorted(kind.after)
    assert shop.kinds() == {"m": kind.kind}
    assert shop.ledger()["m"] != first


@pytest.mark.some("bigquery", ("name",), [("table",), ("merge",), ("seed",), ("python merge",)])
@pytest.mark.parametrize("name", [n for n in KINDS if n != "append"])
def test_building_twice_is_building_once(shop: Shop, name: str) -> None:
    shop.write(KINDS[name].files(OLD)).orc("build")
    shop.orc("build")
    assert shop.rows("m") == sorted(OLD)


@pytest.mark.some("bigquery", ("name",), [("view",), ("table",), ("merge",), ("seed",), ("python",)])
@pytest.mark.parametrize("name", GATED)
def test_a_failed_gate_keeps_the_old_version_and_skips_what_reads_it(shop: Shop, name: str) -> None:
    kind = KINDS[name]
    shop.write({**kind.files(OLD), "models/child.sql": "select id from {{ ref('m') }}"}).orc("build")
    before = shop.ledger()
    results = shop.write(kind.files(BROKEN)).orc("build", code=1)
    assert (results["m"]["status"], results["unique_m_v"]["status"], results["child"]["status"]) == ("error", "fail", "skipped")
    assert shop.rows("m") == sorted(OLD)
    assert shop.rows("child") == [(1,), (2,)]
    assert shop.ledger() == before
    shop.write(kind.files(NEW)).orc("build")
    assert shop.rows("m") == sorted(kind.after)
    assert set(shop.kinds()) == {"m", "child"}


@pytest.mark.some("bigquery", ("name",), [("view",), ("delete+insert",), ("seed",), ("python merge",)])
@pytest.mark.parametrize("name", GATED)
def test_a_first_version_that_fails_is_not_there(shop: Shop, name: str) -> None:
    shop.write(KINDS[name].files(BROKEN)).orc("build", code=1)
    assert "m" not in shop.kinds()
    assert "m" not in shop.ledger()


@pytest.mark.parametrize("name", ["delete+insert", "merge", "python merge"])
def test_a_key_that_comes_twice_is_not_published(shop: Shop, name: str) -> None:
    """By its gate, or by an engine that refuses such a merge before that: the table stays as it was."""
    kind = KINDS[name]
    shop.write(kind.files(OLD)).orc("build")
    before = shop.ledger()
    assert shop.write(kind.files([(2, "x"), (2, "y")])).orc("build", code=1)["m"]["status"] == "error"
    assert (shop.rows("m"), shop.ledger()) == (sorted(OLD), before)


CHANGES = [("view", "table"), ("table", "view"), ("merge", "view"), ("view", "append"), ("append", "table"), ("table", "delete+insert")]


@pytest.mark.some("bigquery", ("before", "after"), CHANGES)
@pytest.mark.parametrize("after", SQL_KINDS)
@pytest.mark.parametrize("before", SQL_KINDS)
def test_a_model_becomes_another_kind(shop: Shop, before: str, after: str) -> None:
    shop.write(KINDS[before].files(OLD)).orc("build")
    shop.write(KINDS[after].files(NEW)).orc("build", "--full-refresh")
    assert shop.rows("m") == sorted(NEW)
    assert shop.kinds() == {"m": KINDS[after].kind}


@pytest.mark.some("bigquery", ("name",), [("append",), ("python merge",)])
@pytest.mark.parametrize("name", [n for n in KINDS if n not in ("view", "seed")])
def test_a_full_refresh_begins_anew(shop: Shop, name: str) -> None:
    shop.write(KINDS[name].files(OLD)).orc("build")
    shop.write(KINDS[name].files(NEW)).orc("build", "--full-refresh")
    assert shop.rows("m") == sorted(NEW)


@pytest.mark.some("bigquery", ("name",), [("view",), ("table",), ("merge",)])
@pytest.mark.parametrize("name", SQL_KINDS)
def test_no_rows_are_a_table_all_the_same(shop: Shop, name: str) -> None:
    text = KINDS[name].text.replace("ROWS", "select * from (ROWS) as t where id < 0")
    shop.write({"models/m.sql": text.replace("ROWS", rows_sql(OLD))}).orc("build")
    assert shop.rows("m") == []
    assert shop.columns("m") == ["id", "v"]


INCREMENTAL = ["append", "delete+insert", "merge"]


@pytest.mark.some("bigquery", ("name",), [("append",), ("merge",)])
@pytest.mark.parametrize("name", INCREMENTAL)
def test_a_new_column_is_added_and_a_removed_one_is_refused(shop: Shop, name: str) -> None:
    text = KINDS[name].text
    shop.write({"models/m.sql": text.replace("ROWS", rows_sql(OLD))}).orc("run")
    shop.write({"models/m.sql": text.replace("ROWS", rows_sql([(3, "d", 7)], ("id", "v", "w")))}).orc("run")
    assert shop.rows("m", "id, v, w") == sorted([(1, "a", None), (2, "b", None), (3, "d", 7)], key=repr)
    results = shop.write({"models/m.sql": text.replace("ROWS", rows_sql([(4, 8)], ("id", "w")))}).orc("run", code=1)
    assert "removed: v" in results["m"]["message"]
    assert len(shop.rows("m")) == 3


NAMES = ["order", "Grüße", "Mixed Case", "tab'le", "x" * 60]


@pytest.mark.some("bigquery", ("name", "alias"), [("view", "order"), ("table", "Grüße"), ("merge", "Mixed Case"), ("seed", "x" * 60)])
@pytest.mark.parametrize("alias", NAMES)
@pytest.mark.parametrize("name", ["view", "table", "merge", "seed", "python"])
def test_any_name_will_do(shop: Shop, name: str, alias: str) -> None:
    kind = KINDS[name]
    section = "seeds" if name == "seed" else "models"
    escaped = alias.replace("'", "''")
    properties = f"{section}: [{{name: m, config: {{alias: '{escaped}'}}, columns: [{{name: id, data_tests: [unique]}}]}}]\n"
    files = {**kind.files(OLD), "models/props.yml": properties, "models/child.sql": "select m.id from {{ ref('m') }} as m"}
    shop.write(files).orc("build")
    shop.orc("build")
    assert shop.rows(alias) == sorted(OLD)
    assert shop.rows("child") == [(1,), (2,)]


@pytest.mark.some("bigquery", ("name",), [("table",), ("merge",)])
@pytest.mark.parametrize("name", ["table", "append", "delete+insert", "merge"])
def test_any_column_name_will_do(shop: Shop, name: str) -> None:
    with shop.session() as (warehouse, _):
        key, other = warehouse.dialect.quote("select"), warehouse.dialect.quote("Größe")
    text = KINDS[name].text.replace("'id'", "'select'").replace("ROWS", rows_sql(OLD, (key, other)))
    shop.write(
        {"models/m.sql": text, "models/props.yml": "models: [{name: m, columns: [{name: select, quote: true, data_tests: [not_null]}]}]\n"}
    )
    shop.orc("build")
    shop.orc("build")
    assert set(shop.rows("m")) == set(OLD)
    assert shop.columns("m") == ["select", "Größe"]


def test_a_read_while_it_is_replaced_sees_the_whole_of_one_version(shop: Shop) -> None:
    import threading

    big = "select a.id * 10 + b.id as id, {v} as v from (A) as a cross join (A) as b"
    ten = " union all ".join(f"select {i} as id" for i in range(10))
    text = "{{ config(materialized='table') }} " + big.replace("A", ten)
    shop.write({"models/m.sql": text.replace("{v}", "0")}).orc("run")
    seen: list[tuple[int, int, int]] = []
    done = threading.Event()
    with shop.session() as (warehouse, connection):
        query = f"select count(*), min(v), max(v) from {warehouse.dialect.relation(shop.relation('m'))}"

        def look() -> None:
            while not done.is_set():
                seen.append(tuple(connection.execute(query).rows[0]))

        reader = threading.Thread(target=look)
        reader.start()
        for version in range(1, 5):
            shop.write({"models/m.sql": text.replace("{v}", str(version))}).orc("run")
        done.set()
        reader.join()
    assert len(seen) > 4
    assert {count for count, _, _ in seen} == {100}
    assert all(low == high for _, low, high in seen)
    assert [low for _, low, _ in seen] == sorted(low for _, low, _ in seen)
