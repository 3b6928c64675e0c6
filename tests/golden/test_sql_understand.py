"""What queries mean, case by case. `GOLDEN=write pytest` writes what is understood now; read the difference before it is committed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.core.meaning import Meaning, Shape, Use
from orchestrator.sql.parse import parse
from orchestrator.sql.understand.understand import understand

FOLDER = Path(__file__).parent / "sql" / "understand"
LINE = "-------\n"
QUOTE = {"duckdb": '"', "postgres": '"', "bigquery": "`"}
NESTED = {
    "duckdb": (("id", "integer"), ("payload", "STRUCT(a INTEGER, b VARCHAR)"), ("tags", "VARCHAR[]"), ("items", "STRUCT(sku VARCHAR)[]")),
    "postgres": (("id", "integer"), ("payload", "jsonb"), ("tags", "text[]"), ("address", "shop.address")),
    "bigquery": (
        ("id", "INT64"),
        ("payload", "STRUCT<a INT64, b STRING>"),
        ("tags", "ARRAY<STRING>"),
        ("items", "ARRAY<STRUCT<sku STRING>>"),
    ),
}


def inputs(dialect: str) -> dict[str, tuple[str, Shape]]:
    """The project that all cases are queries in."""
    closed = {
        "orders": (
            ("id", "integer"),
            ("customer_id", "integer"),
            ("amount", "numeric(10,2)"),
            ("status", "text"),
            ("created_at", "timestamp"),
        ),
        "customers": (("id", "integer"), ("name", "text"), ("country", "text")),
        "payments": (("order_id", "integer"), ("amount", "numeric(10,2)"), ("method", "text"), ("paid_on", "date")),
        "legacy": (("id", "text"), ("Name", "text"), ("active", "boolean")),
        "events": NESTED[dialect],
    }
    known = {name: (name, Shape(columns, complete=True)) for name, columns in closed.items()}
    known["staging.orders"] = known["ref::orders:"] = known["orders"]
    known["partial"] = ("partial", Shape((("a", "integer"),), complete=False, unknown="`partial` reads a star of `raw.dump`"))
    known["blank"] = ("blank", Shape())
    return known


@dataclass(frozen=True)
class Case:
    title: str
    dialect: str
    sql: str
    said: str


def cases(path: Path) -> list[Case]:
    return [case(block) for block in path.read_text(encoding="utf-8").split(LINE)[1:]]


def case(block: str) -> Case:
    lines = block.splitlines()
    facts = dict(line.removeprefix("-- ").split(": ", 1) for line in lines if line.startswith(("-- title: ", "-- dialect: ")))
    sql = [line for line in lines if not line.startswith("-- ")]
    said = [line for line in lines if line.startswith(("-- = ", "-- ~ ", "-- ? ", "-- ! "))]
    return Case(facts["title"], facts.get("dialect", "duckdb"), "\n".join(sql), "\n".join(said))


def every() -> list[Case]:
    found: list[Case] = []
    for path in sorted(FOLDER.glob("*.sql")):
        if os.environ.get("GOLDEN") == "write":
            path.write_text(LINE.join([path.read_text(encoding="utf-8").split(LINE)[0], *map(block, cases(path))]), encoding="utf-8")
        found += cases(path)
    return found


def block(case: Case) -> str:
    """A case as it stands in its file, with what is understood now."""
    head = [f"-- title: {case.title}", *([f"-- dialect: {case.dialect}"] if case.dialect != "duckdb" else [])]
    return "\n".join([*head, case.sql, *understood(case).splitlines(), ""])


def understood(case: Case) -> str:
    query = parse(case.sql, case.dialect, QUOTE[case.dialect])
    meaning = understand(query, inputs(case.dialect), case.dialect, strict=True)
    return "\n".join(told(meaning, query.sql))


def told(meaning: Meaning, sql: str) -> Iterator[str]:
    """`=` a column, its type, what it is made of and how; `~` what decides about rows; `?` why more is not known; `!` what is wrong."""
    for column in meaning.columns:
        made = ", ".join(f"{origin(use)} {use.kind}" for use in column.uses)
        unknown = f" ? {column.unknown}" if column.unknown else ""
        expression = " ".join(column.expression.split())
        yield f"-- = {column.name} {column.type or '?'} [{expression}]{': ' if made else ''}{made}{unknown}"
    if meaning.rows:
        yield f"-- ~ {', '.join(f'{use.kind} {origin(use)}' for use in meaning.rows)}"
    if not meaning.complete:
        yield f"-- ? {meaning.unknown}"
    for finding in (f for f in meaning.findings if f.code < "S3"):  # what structure alone says has cases of its own
        hint = f" ({finding.hint})" if finding.hint else ""
        yield f"-- ! {finding.code} [{sql[finding.start : finding.end]}] {finding.message}{hint}"


def origin(use: Use) -> str:
    return f"{use.node}.{use.column}"


@pytest.mark.parametrize("case", every(), ids=lambda case: f"{case.dialect}: {case.title}")
def test_meaning(case: Case) -> None:
    assert understood(case) == case.said


@pytest.mark.parametrize("case", every(), ids=lambda case: f"{case.dialect}: {case.title}")
def test_a_use_is_where_it_says(case: Case) -> None:
    """The place of every use holds its column's name, or a star, or what USING and pivots repeat."""
    query = parse(case.sql, case.dialect, QUOTE[case.dialect])
    meaning = understand(query, inputs(case.dialect), case.dialect, strict=True)
    for use in [*(u for c in meaning.columns for u in c.uses), *meaning.rows]:
        assert 0 <= use.start < use.end, use
