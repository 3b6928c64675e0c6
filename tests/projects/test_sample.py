"""`--sample`: a part of the rows, chosen by a key that the project's joins have in common, so that joins still find their partners."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

TABLE = "{{ config(materialized='table') }} "
INCREMENTAL = "{{ config(materialized='incremental', unique_key='id') }} "
SHOP = {
    "models/sources.yml": "sources: [{name: raw, tables: [{name: orders}, {name: customers}, {name: countries}]}]\n",
    "models/stg_orders.sql": "select id, cust as customer_id, amount from {{ source('raw', 'orders') }}",
    "models/customers.sql": TABLE + "select c.id, c.country from {{ source('raw', 'customers') }} as c",
    "models/joined.sql": TABLE
    + "select o.id, c.id as customer, n.name from {{ ref('stg_orders') }} as o join {{ ref('customers') }} as c on o.customer_id = c.id"
    " join {{ source('raw', 'countries') }} as n on n.code = c.country",
    "models/log.sql": INCREMENTAL + "select id from {{ source('raw', 'orders') }}",
    "models/everybody.py": "def model(dbt, session):\n    dbt.config(materialized='table')\n    return dbt.source('raw', 'customers').df()\n",
}


@pytest.fixture
def shop(project: Make) -> Project:
    p = project(SHOP)
    p.change(
        "create schema raw;"
        " create table raw.customers as select range::bigint as id, case when range % 2 = 0 then 'de' else 'fr' end as country from range(2000);"
        " create table raw.orders as select range as id, (range % 2000)::varchar as cust, 1 as amount from range(6000);"
        " create table raw.countries as select * from (values ('de', 'Germany'), ('fr', 'France')) as t(code, name)"
    )
    return p


def test_partners_are_found_across_tables_and_types(shop: Project) -> None:
    done = shop.orc("run", "--sample", "10%").exits(0)
    assert "A sample of 10% of the keys:" in done.stderr
    assert "raw.orders: sampled by cust" in done.stderr
    assert "raw.customers: sampled by id" in done.stderr
    assert "raw.countries: whole, no key in common" in done.stderr
    ((customers,),) = shop.query("select count(*) from main.customers")
    assert 120 < customers < 280
    assert shop.query("select count(*) from main.joined") == [(3 * customers,)]  # nobody lost a partner
    assert shop.query("select count(*) from main.everybody") == [(customers,)]
    before = shop.query("select id from main.customers order by 1")
    shop.orc("run", "--sample", "0.1").exits(0)
    assert shop.query("select id from main.customers order by 1") == before


def test_what_was_built_from_a_sample_never_counts_as_the_real_thing(shop: Project) -> None:
    shop.orc("run", "--sample", "10%").exits(0)
    assert "modified" in shop.orc("plan").exits(0).stdout.splitlines()[0]
    shop.orc("run").exits(0)
    assert shop.query("select count(*) from main.log") == [(6000,)]  # an incremental model begins anew
    shop.orc("run", "--sample", "10%").exits(0)
    ((rows,),) = shop.query("select count(*) from main.log")
    assert rows < 1000  # … in both directions
    shop.orc("run").exits(0)
    assert "5 unchanged" in shop.orc("plan").exits(0).stdout.splitlines()[0]


def test_beside_production_also_what_is_read_from_there_is_sampled(shop: Project) -> None:
    shop.orc("run").exits(0)
    shop.orc("run", "--environment", "pr_1", "--sample", "10%", "-s", "joined").exits(0)
    ((rows,),) = shop.query("select count(*) from main__pr_1.joined")
    assert 360 < rows < 840
    assert shop.query("select count(*) from main.joined") == [(6000,)]


PROFILES = "shop: {target: prod, outputs: {prod: {type: duckdb, path: warehouse.duckdb%s}}}\n"


@pytest.mark.parametrize(("marked", "named"), [(", production: true", ""), ("", "production = 'prod'\n")])
def test_a_target_that_is_production_takes_no_sample(shop: Project, marked: str, named: str) -> None:
    shop.write({"profiles.yml": PROFILES % marked, "pyproject.toml": f"[tool.orchestrator]\nname = 'shop'\nprofile = 'shop'\n{named}"})
    assert "error[N351]" in shop.orc("run", "--sample", "10%").exits(2).stderr
    assert "main.joined" not in shop.relations()
    shop.orc("run", "--environment", "pr_1", "--sample", "10%").exits(0)
    assert "main__pr_1.joined" in shop.relations()


def test_a_snapshot_keeps_its_history(shop: Project) -> None:
    text = "{% snapshot s %}{{ config(strategy='check', unique_key='id', check_cols='all') }} select * from {{ source('raw', 'orders') }}{% endsnapshot %}"
    shop.write({"snapshots/s.sql": text})
    assert "error[N352]" in shop.orc("build", "--sample", "10%", "-s", "s").exits(2).stderr
    shop.orc("build", "--sample", "10%", "--environment", "pr_1", "-s", "s").exits(0)


@pytest.mark.parametrize("share", ["0", "101%", "x", "-1"])
def test_a_share_that_is_none(shop: Project, share: str) -> None:
    assert shop.orc("run", "--sample", share).code == 2
