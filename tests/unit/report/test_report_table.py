"""Rows as people see them."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from orchestrator.report.problems import columns
from orchestrator.report.table import as_json, table, text

ROWS = [
    (1, "ann", 0.1 + 0.2, Decimal("10.50"), True, datetime(2026, 1, 2, 3, 4, 5)),  # noqa: DTZ001  # a warehouse TIMESTAMP has no zone
    (20, "日本", None, None, None, None),
    (-300, "x" * 80, 1e-9, Decimal("1E+3"), False, datetime(2026, 1, 2, tzinfo=UTC)),
]
NAMES = ["id", "name", "ratio", "price", "ok", "at"]


def test_columns_line_up_whatever_is_in_them() -> None:
    shown = table(NAMES, ROWS).splitlines()
    assert len({columns(line) for line in shown}) == 1
    assert shown[0].startswith("|   id | name ".replace("  id", "id  "))
    assert shown[2].startswith("|    1 | ann ")
    assert "…" in shown[4]
    assert shown[3].count("NULL") == 4


def test_a_table_can_be_made_to_fit() -> None:
    shown = table(NAMES, ROWS, width=80).splitlines()
    assert {columns(line) for line in shown} == {80}


def test_no_rows_show_the_columns() -> None:
    assert table(["a", "long name"], []) == "| a  | long name |\n| -- | --------- |"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (float("nan"), "nan"),
        (-0.0, "0"),
        (336776.25, "336776.25"),
        (1e20, "1e+20"),
        (date(2026, 1, 2), "2026-01-02"),
        (time(3, 4), "03:04:00"),
        (timedelta(days=1), "1 day, 0:00:00"),
        (b"\x00\xff", "\\x00ff"),
        ([1, {"a": None}], '[1, {"a": null}]'),
        ("tab\there", "tab\\there"),
        ("\x1b[2J", "\\x1b[2J"),
    ],
)
def test_values_on_one_line(value: object, shown: str) -> None:
    assert text(value) == shown


def test_json_keeps_numbers_and_says_null_for_what_is_none() -> None:
    values = (
        float("nan"),
        Decimal("NaN"),
        Decimal("1.10"),
        Decimal(3),
        Decimal("0.1234567890123456789012"),
        b"\x01",
        time(1),
        timedelta(seconds=1),
    )
    [row] = json.loads(as_json([f"c{i}" for i in range(8)], [values]), parse_constant=pytest.fail)
    assert list(row.values()) == [None, None, 1.1, 3, "0.1234567890123456789012", "01", "01:00:00", "0:00:01"]


def test_json_times_without_a_zone_stay_without() -> None:
    naive = datetime(2026, 1, 2, 3, 4)  # noqa: DTZ001  # a warehouse TIMESTAMP has no zone
    assert json.loads(as_json(["a", "b"], [(naive, datetime(2026, 1, 2, tzinfo=UTC))])) == [
        {"a": "2026-01-02T03:04:00", "b": "2026-01-02T00:00:00Z"}
    ]
