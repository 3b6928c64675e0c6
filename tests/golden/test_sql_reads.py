from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.core import marker
from orchestrator.sql.parse import parse

QUOTE = {"duckdb": '"', "postgres": '"', "bigquery": "`"}


@dataclass(frozen=True)
class Case:
    title: str
    dialect: str
    reads: list[str]
    columns: tuple[str, ...] | None
    sql: str


def cases() -> list[Case]:
    text = (Path(__file__).parent / "sql" / "reads.sql").read_text(encoding="utf-8")
    return [case(block) for block in text.split("-------\n")[1:]]


def case(block: str) -> Case:
    facts = {"dialect": "duckdb"}
    sql = []
    for line in block.splitlines():
        key, colon, value = line.removeprefix("-- ").partition(":")
        if line.startswith("-- ") and colon and key in ("title", "dialect", "reads", "columns"):
            facts[key] = value.strip()
        else:
            sql.append(line)
    reads = [name.strip() for name in facts["reads"].split(",") if name.strip()]
    columns = None if facts["columns"] == "?" else tuple(name.strip() for name in facts["columns"].split(","))
    return Case(facts["title"], facts["dialect"], reads, columns, "\n".join(sql))


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.dialect}: {case.title}")
def test_reads_and_columns(case: Case) -> None:
    query = parse(case.sql, case.dialect, QUOTE[case.dialect])
    assert [read.name for read in query.reads] == case.reads
    assert query.columns == case.columns
    for read in query.reads:
        written = case.sql[read.start : read.end].replace('"', "").replace("`", "")
        assert written == read.name.replace('"', "")


@pytest.mark.parametrize("dialect", QUOTE)
def test_markers_are_found_anywhere_and_know_whether_they_have_an_alias(dialect: str) -> None:
    quote = QUOTE[dialect]
    orders = marker.write(marker.ref("orders"), "orders", quote)
    raw = marker.write(marker.source("shop", "raw"), "raw", quote)
    sql = f"-- {orders}\nwith orders as (select '{raw}' as said from {raw} r) select * from orders join {orders} using (id)"
    found = parse(sql, dialect, quote).reads
    assert [(r.name, r.qualified) for r in found] == [
        ("ref::orders:", False),
        ("source:shop:raw", False),
        ("source:shop:raw", False),
        ("ref::orders:", True),
    ]
    assert all(sql[r.start : r.end] in (orders, raw) for r in found)
