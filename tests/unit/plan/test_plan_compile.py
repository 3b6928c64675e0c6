from __future__ import annotations

from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.names import Relation
from orchestrator.plan.compile import Names, compile_query, compile_text

DUCKDB = registry.dialect("duckdb")
STATES = {"seeds/states.csv": "code\na\n"}


@pytest.fixture(name="sql")
def _sql(understand: Any) -> Any:
    def of(text: str, *, incremental: bool = False, files: dict[str, str] | None = None, **how: Any) -> str:
        found = understand({"models/m.sql": text, **STATES, **(files or {})})
        assert not found.problems
        node = found.graph.nodes["model.shop.m"]
        body = found.graph.bodies[node.id]
        names = Names(found.graph, DUCKDB, **how)
        return compile_query(node, body.incremental if incremental else body.query, names).sql

    return of


EPHEMERAL = "{{ config(materialized='ephemeral') }}"
NESTED = {"models/one.sql": f"{EPHEMERAL}select * from states", "models/two.sql": f"{EPHEMERAL}select * from one join states using (code)"}
W = '"warehouse"."main"."states"'


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("select * from states", f"select * from {W}"),
        ("select states.code from {{ ref('states') }}", f"select states.code from {W}"),
        ("select s.code from states s", f"select s.code from {W} s"),
        ("select s.code from states as s, {{ ref('states') }} r", f"select s.code from {W} as s, {W} r"),
        ("with states as (select 1 as code) select * from states", "with states as (select 1 as code) select * from states"),
        ("select '{{ ref('states') }}' as t", f"select '{W}' as t"),
        ("select 1 -- from states", "select 1 -- from states"),
    ],
)
def test_names_become_relations_and_nothing_else_changes(sql: Any, written: str, sent: str) -> None:
    assert sql(written) == sent


def test_ephemeral_models_are_nested_in_the_order_they_need(sql: Any) -> None:
    assert sql("select * from two t, one o", files=NESTED) == (
        f"with __dbt__cte__one as (\nselect * from {W}\n),\n"
        f'__dbt__cte__two as (\nselect * from __dbt__cte__one as "one" join {W} using (code)\n)\n'
        "select * from __dbt__cte__two t, __dbt__cte__one o"
    )


def test_ephemerals_go_before_the_ctes_that_are_there_also_recursive_ones(sql: Any) -> None:
    sent = sql("with recursive a as (select 1 as n union all select n + 1 from a where n < 3) select * from a, one", files=NESTED)
    assert sent.startswith("with recursive __dbt__cte__one as (")
    assert '"one"' in sent


def test_this_is_the_model_itself(sql: Any) -> None:
    text = "{{ config(materialized='incremental') }}select 1 as x{% if is_incremental() %} from {{ this }}{% endif %}"
    assert sql(text, incremental=True) == 'select 1 as x from "warehouse"."main"."m"'
    staged = {"model.shop.m": Relation("warehouse", "main", "m__orc_stage")}
    assert sql(text, incremental=True, instead=staged).endswith('from "warehouse"."main"."m__orc_stage"')


def test_empty_reads_everything_without_rows(sql: Any) -> None:
    nothing = f"(select * from {W} where false limit 0)"
    assert sql("select s.code from states s", empty=True) == f"select s.code from {nothing} s"
    assert sql("select states.code from states", empty=True) == f'select states.code from {nothing} as "states"'
    assert nothing in sql("select * from one", files=NESTED, empty=True)


def test_a_cte_stands_in_for_a_node(sql: Any) -> None:
    assert sql("select states.code from states", ctes={"seed.shop.states": "given"}) == 'select states.code from given as "states"'


def test_markers_in_any_text(understand: Any) -> None:
    found = understand({"models/m.sql": "select * from {{ ref('states') }}", **STATES})
    node = found.graph.nodes["model.shop.m"]
    names = Names(found.graph, DUCKDB)
    text = 'grant select on "__orc"."this"."m" to x; select * from "__orc"."ref::states:"."states", "__orc"."ref::other:"."other"'
    assert (
        compile_text(text, node, names) == f'grant select on "warehouse"."main"."m" to x; select * from {W}, "__orc"."ref::other:"."other"'
    )
