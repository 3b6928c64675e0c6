"""Builds beside production, on every engine: schemas of their own, the rest read from production, and what is left afterwards."""

from __future__ import annotations

from orchestrator.adapters import registry
from orchestrator.core.names import Relation
from tests.contract.project import Built, Make

TABLE = "{{ config(materialized='table') }} "
SHOP = {
    "models/orders.sql": TABLE + "select 1 as id, 10 as amount union all select 2 as id, 20 as amount",
    "models/big.sql": "{{ config(materialized='ephemeral') }} select * from {{ ref('orders') }} where amount > 10",
    "models/totals.sql": TABLE + "select id, sum(amount) as total from {{ ref('big') }} group by id",
    "models/seen.sql": "select id from {{ ref('totals') }}",
    "models/log.sql": "{{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}"
    "select id, amount from {{ ref('orders') }}",
    "models/props.yml": "models: [{name: totals, columns: [{name: id, data_tests: [unique]}]}]\n",
}


def inside(made: Built, suffix: str) -> dict[str, str]:
    """What is in the environment's schema, and its kind."""
    home = made.relation("x")
    schema = f"{home.schema}__{suffix}"
    warehouse = registry.warehouse(made.target, str(made.root))
    try:
        found = warehouse.snapshot([Relation(home.database, schema, "x")]).relations.values()
        return {e.relation.name: e.kind for e in found if e.relation.schema == schema}
    finally:
        warehouse.close()


def rows(made: Built, name: str, suffix: str) -> list[tuple[object, ...]]:
    home = made.relation(name)
    warehouse = registry.warehouse(made.target, str(made.root))
    try:
        there = warehouse.dialect.relation(Relation(home.database, f"{home.schema}__{suffix}", name))
        return sorted(tuple(r) for r in warehouse.connect().execute(f"select * from {there}").rows)
    finally:
        warehouse.close()


def test_beside_production_and_gone_again(project: Make) -> None:
    made = project(SHOP)
    made.orc("build")
    before = made.query("select * from {totals} order by 1")
    made.orc("build", "--environment", "pr_7", "-s", "totals+")
    assert inside(made, "pr_7") == {"totals": "table", "seen": "view"}
    assert rows(made, "totals", "pr_7") == [(2, 20)]
    made.write({"models/orders.sql": TABLE + "select 7 as id, 70 as amount"})
    made.orc("build", "--environment", "pr_7")
    assert rows(made, "seen", "pr_7") == [(7,)]
    assert made.query("select * from {totals} order by 1") == before
    made.write(SHOP)
    made.orc("plan", "--exit-code")  # production's ledger says that nothing changed
    made.orc("clean", "--environment", "pr_7", "--dry-run")
    assert len(inside(made, "pr_7")) == 4
    made.orc("clean", "--environment", "pr_7")
    assert inside(made, "pr_7") == {}
    assert "Dropped schema" in made.told
    assert made.query("select * from {totals} order by 1") == before
    made.orc("build")


def test_a_sample_finds_its_partners(project: Make) -> None:
    numbers = " union all ".join(f"select {n} as id, '{n}' as code" for n in range(60))
    made = project(
        {
            "models/customers.sql": TABLE + numbers,
            "models/orders.sql": TABLE + "select code as customer, id from {{ ref('customers') }}",
            "models/joined.sql": TABLE
            + "select o.id from {{ ref('orders') }} as o join {{ ref('customers') }} as c on c.code = o.customer",
        }
    )
    made.orc("run")
    made.orc("run", "--environment", "pr_7", "--sample", "50%", "-s", "joined")
    sampled = rows(made, "joined", "pr_7")
    assert 10 < len(sampled) < 50
    assert made.query("select count(*) from {joined}") == [(60,)]
    made.orc("clean", "--environment", "pr_7")


def test_what_somebody_else_depends_on_stays_and_is_named(project: Make) -> None:
    """Postgres keeps what a view reads; the other engines let it go."""
    made = project(SHOP)
    made.orc("build")
    made.orc("build", "--environment", "pr_7")
    home, dialect = made.relation("watch"), registry.dialect(made.target.type)
    there = dialect.relation(Relation(home.database, f"{home.schema}__pr_7", "orders"))
    warehouse = registry.warehouse(made.target, str(made.root))
    try:
        warehouse.connect().execute(f"create view {dialect.relation(home)} as select * from {there}")
    finally:
        warehouse.close()
    made.orc("clean", "--environment", "pr_7")
    left = set(inside(made, "pr_7"))
    assert left == ({"orders"} if made.engine == "postgres" else set())
    assert ("__pr_7.orders: " in made.told) == bool(left)
