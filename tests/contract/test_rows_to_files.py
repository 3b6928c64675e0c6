"""`export`: a model's rows in a Parquet file, from every engine."""

from __future__ import annotations

from tests.contract.project import Make


def test_rows_are_in_a_file_after_each_build(project: Make) -> None:
    import pyarrow.parquet

    made = project({
        "models/orders.sql": "{{ config(materialized='table', export={'path': 'out/{name}.parquet'}) }}"
        " select 1 as id, 10 as amount union all select 2 as id, {{ var('amount', 20) }} as amount"
    })  # fmt: skip
    for amount in (20, 30):
        made.orc("build", "--vars", f"{{amount: {amount}}}")
        there = pyarrow.parquet.read_table(made.root / "out" / "orders.parquet").to_pylist()
        assert sorted((row["id"], row["amount"]) for row in there) == [(1, 10), (2, amount)]
