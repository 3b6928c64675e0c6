"""`orc diff` between two Postgres databases, which no session sees both of."""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg
import pytest

from tests.contract.shop import Shop

ORDERS = """
    {{ config(materialized='table') }}
    select i as id, 'a' || i as name, {{ '(i / 100)' if target.name == 'dev' else '0' }} + i * 0.5 as amount, now() - now() as nothing
    from generate_series({{ 3 if target.name == 'dev' else 0 }}, {{ 1999 if target.name == 'dev' else 1989 }}) i
"""


@pytest.fixture
def two(shop: Shop, empty_postgres: str) -> Iterator[Shop]:
    with psycopg.connect(empty_postgres, autocommit=True) as connection:
        other = f"{connection.info.dbname[:50]}_other"
        connection.execute(f"drop database if exists {other} with (force)".encode())
        connection.execute(f"create database {other}".encode())
    said = json.loads((shop.root / "profiles.yml").read_text(encoding="utf-8"))
    outputs = said["shop"]["outputs"]
    name = next(key for key in ("dbname", "database") if key in outputs["dev"])
    outputs["prod"] = {**outputs["dev"], name: other}
    yield shop.write({"profiles.yml": json.dumps(said), "models/orders.sql": ORDERS})
    with psycopg.connect(empty_postgres, autocommit=True) as connection:
        connection.execute(f"drop database {other} with (force)".encode())


@pytest.mark.parametrize("shop", ["postgres"], indirect=True)
def test_rows_of_two_databases_are_matched(two: Shop) -> None:
    two.orc("run", "-t", "prod")
    two.orc("run")
    two.orc("diff", "orders", "--against", "prod", "--format", "json")
    (said,) = json.loads(two.told)
    assert (said["how"], said["key"], said["key_from"]) == ("exact", ["id"], "inferred")
    assert (said["added"], said["removed"], said["changed"], said["same"]) == (10, 3, 1890, 97)
    columns = {c["name"]: c for c in said["columns"]}
    assert (columns["amount"]["compared"], columns["amount"]["equal"]) == (1987, 97)
    assert columns["amount"]["samples"][0] == [[100], 50, 51]
    assert columns["name"]["equal"] == columns["nothing"]["equal"] == 1987
    assert [row[0] for row in said["samples_removed"]] == [0, 1, 2]
    two.orc("diff", "orders", "--against", "prod", "--columns", "name", "--where", "id between 10 and 1000", "--exit-code")
    assert "identical: 991 rows" in two.told


@pytest.mark.parametrize("shop", ["postgres"], indirect=True)
def test_without_a_key_two_databases_cannot_be_compared(two: Shop) -> None:
    two.write(
        {
            "models/orders.sql": "{{ config(materialized='table') }} select 1 as a, {{ 1 if target.name == 'dev' else 2 }} as b union all select 1, 3 union all select 1, 3"
        }
    )
    two.orc("run", "-t", "prod")
    two.orc("run")
    two.orc("diff", "orders", "--against", "prod", code=1)
    assert "no key is known or found" in two.told
