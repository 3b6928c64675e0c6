"""How a difference is printed."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from textwrap import dedent

from orchestrator.core.difference import MASK, ColumnDifference, Difference, Spread, Undone
from orchestrator.report.differences import as_json, differences, differing, markdown, moved
from orchestrator.report.problems import columns as width_of

FOUND = Difference(
    before="dw.prod.orders",
    after="dw.dev.orders",
    how="exact",
    rows_before=1000,
    rows_after=1004,
    key=("id",),
    key_from="test unique_orders_id",
    added=6,
    removed=2,
    changed=30,
    same=968,
    columns=(
        ColumnDifference("id", "BIGINT", "BIGINT", 998, 998, Spread(0, 1000, 1, 1000, 500.5), Spread(0, 1004, 1, 1006, 503.5)),
        ColumnDifference(
            "status", "VARCHAR", "VARCHAR", 998, 988, Spread(0, 2, "open", "paid"), Spread(3, 3, "late", "paid"),
            samples=(((7,), "open", "late"), ((9,), "paid", None)),
        ),
        ColumnDifference(
            "amount", "INTEGER", "DECIMAL(12,2)", 998, 970, Spread(0, 99, 1, 9), Spread(0, 99, Decimal("1.00"), Decimal("9.00")),
            samples=(((8,), Decimal("5.00"), Decimal("5.50")),), compared_as="decimal(38, 2)",
        ),
        ColumnDifference("day", "DATE", "DATE", 998, 998),
        ColumnDifference("mail", "VARCHAR", "VARCHAR", 998, 998),
    ),
    columns_added=(("discount", "INTEGER"),),
    columns_removed=(("old", "VARCHAR"),),
    samples_added=((1001, "open", Decimal("1.00"), date(2026, 1, 1), MASK),),
    samples_removed=((3, "paid", Decimal("2.00"), date(2026, 1, 2), MASK),),
    shown=("id", "status", "amount", "day", "mail"),
    seconds=1.23,
)  # fmt: skip


def test_the_whole_story() -> None:
    expected = """\
        orders  dw.prod.orders → dw.dev.orders
          compared by id (test unique_orders_id) in 1.2 s
          rows     1,000 → 1,004 rows (+4, +0.4%)
                   6 added   2 removed   30 changed   968 same
          schema
            + discount  INTEGER
            - old       VARCHAR
            ~ amount    INTEGER → DECIMAL(12,2), compared as decimal(38, 2)
          columns
            amount  28 different  97.19% match
              id 8  5.00 → 5.50
            status  10 different  99% match
              id 7  open → late
              id 9  paid → NULL
            2 columns are the same in every matched row
          added
            | id   | status | amount | day        | mail |
            | ---- | ------ | ------ | ---------- | ---- |
            | 1001 | open   |   1.00 | 2026-01-01 | **** |
          removed
            | id | status | amount | day        | mail |
            | -- | ------ | ------ | ---------- | ---- |
            |  3 | paid   |   2.00 | 2026-01-02 | **** |
          spreads that moved
            id      greatest  1000 → 1006
            id      mean      500.5 → 503.5
            status  nulls     0 → 3
            status  distinct  2 → 3
            status  least     open → late"""
    assert differences("orders", FOUND) == dedent(expected)


def test_no_line_is_wider_than_the_terminal() -> None:
    for width in (40, 60, 80):
        assert max(width_of(line) for line in differences("orders", FOUND, width=width).splitlines()) <= width


def test_colours_change_nothing_but_colours() -> None:
    import re

    painted = differences("orders", FOUND, colour=True)
    assert "\x1b[" in painted
    plain = [line.rstrip() for line in re.sub(r"\x1b\[\d+m", "", painted).splitlines()]
    assert plain == differences("orders", FOUND).splitlines()


def test_the_worst_column_comes_first() -> None:
    assert [c.name for c in differing(FOUND)] == ["amount", "status"]


def test_rows_that_are_not_matched_are_told() -> None:
    odd = replace(FOUND, duplicates_before=1, unmatched_before=3, nulls_before=1, unmatched_differ=True)
    told = differences("orders", odd)
    assert "3 → 0 rows not matched (keys that are there more than once: 1 → 0; rows without a whole key: 1 → 0)" in told
    assert "what differs is among the rows that are not matched" in told


def test_a_bag_has_no_changed_rows_and_says_why() -> None:
    bag = Difference("a", "b", "counted", 4, 4, added=1, removed=1, same=3, note="no key: nothing is unique")
    assert differences("t", bag).splitlines()[1:] == [
        "  compared as a bag of rows in 0.0 s",
        "  rows     4 rows",
        "           1 added   1 removed   3 same",
        "  note: no key: nothing is unique",
    ]


def test_what_was_not_compared_says_why() -> None:
    assert differences("t", Undone("model.x.t", "it is not there")) == "t  not compared\n  it is not there"
    assert markdown("t", Undone("model.x.t", "it is not there")) == "**t**: not compared: it is not there"


def test_estimates_that_may_be_equal_did_not_move() -> None:
    def column(before: int, after: int) -> ColumnDifference:
        return ColumnDifference("c", "int", "int", before=Spread(0, before), after=Spread(0, after))

    assert moved(column(1000, 1010)) == []
    assert moved(column(1000, 1100)) == [("distinct", "1,000", "1,100")]
    assert moved(column(7, 8)) == [("distinct", "7", "8")]


def test_for_programs() -> None:
    one, two = json.loads(as_json([("model.shop.orders", FOUND), ("model.shop.gone", Undone("model.shop.gone", "it is not there"))]))
    assert (one["node"], one["how"], one["differs"], one["added"]) == ("model.shop.orders", "exact", True, 6)
    assert one["columns"][2]["samples"] == [[[8], 5, 5.5]]
    assert one["samples_added"] == [[1001, "open", 1, "2026-01-01", MASK]]
    assert (two["how"], two["why"]) == ("undone", "it is not there")


def test_as_markdown() -> None:
    expected = """\
        **orders**: 1,000 → 1,004 rows (+4, +0.4%): 6 added, 2 removed, 30 changed (`dw.prod.orders` → `dw.dev.orders`)

        - `+ discount` INTEGER
        - `- old` VARCHAR
        - `~ amount` INTEGER → DECIMAL(12,2), compared as decimal(38, 2)

        | column | different | match  | before | after |
        | ------ | --------- | ------ | ------ | ----- |
        | amount |        28 | 97.19% | 5.00   | 5.50  |
        | status |        10 | 99%    | open   | late  |"""
    assert markdown("orders", FOUND) == dedent(expected)
