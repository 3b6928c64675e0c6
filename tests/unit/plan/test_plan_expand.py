"""What every materialization sends, word for word: a change of this file is a change of what users run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.plan import Plan

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "plan"

PROPERTIES = """
models:
  - name: orders
    description: All orders
    columns:
      - {name: id, description: The key, tests: [unique, not_null]}
      - name: state
        tests:
          - accepted_values: {arguments: {values: [a, b]}, config: {severity: warn}}
          - relationships: {arguments: {to: ref('states'), field: code}}
"""
STATES = {"seeds/states.csv": "code\na\nb\n"}
SELECT = "select 1 as id, 'a' as state"


def orders(config: str, body: str = SELECT, **more: str) -> dict[str, str]:
    return {"models/orders.sql": f"{{{{ config({config}) }}}}\n{body}\n", "models/p.yml": PROPERTIES, **STATES, **more}


CASES: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "view": (orders("materialized='view'"), {}),
    "view_over_table": (orders("materialized='view'"), {"there": {"orders": "table", "orders__orc_stage": "table", "states": "table"}}),
    "table": (orders("materialized='table'"), {"there": {"states": "table"}}),
    "table_over_table": (orders("materialized='table'"), {"there": {"orders": "table", "states": "table"}}),
    "incremental_first": (orders("materialized='incremental', unique_key='id'"), {"there": {"states": "table"}}),
    "incremental_delta": (
        orders("materialized='incremental', unique_key='id'", f"{SELECT}{{% if is_incremental() %}} where 1 = 1{{% endif %}}"),
        {"there": {"orders": "table", "states": "table"}},
    ),
    "incremental_full_refresh": (
        orders("materialized='incremental', unique_key='id'", f"{SELECT}{{% if is_incremental() %}} where 1 = 1{{% endif %}}"),
        {"there": {"orders": "table", "states": "table"}, "full_refresh": True},
    ),
    "seed": ({**STATES, "seeds/p.yml": "seeds: [{name: states, columns: [{name: code, tests: [unique]}]}]"}, {}),
    "python": (
        {"models/orders.py": "def model(ctx):\n    return ctx.ref('states').df()\n", **STATES},
        {"there": {"orders__orc_stage": "view", "states": "table"}},
    ),
    "ephemeral": (
        {
            "models/one.sql": "{{ config(materialized='ephemeral') }}select * from states",
            "models/two.sql": "{{ config(materialized='ephemeral') }}select * from {{ ref('one') }}",
            "models/orders.sql": "with a as (select 1) select two.* from two, a",
            **STATES,
        },
        {},
    ),
    "late": (
        orders("materialized='view'", "select '{{ invocation_id }}' as id, 'a' as state"),
        {"there": {"orders": "table", "states": "table"}},
    ),
    "hooks": (
        orders(
            "materialized='table', pre_hook=['select 1', {'sql': 'select 2', 'transaction': False}],"
            " post_hook=[{'sql': 'select 3', 'transaction': False}, 'select 4']"
        ),
        {"there": {"states": "table"}},
    ),
    "store_failures": (orders("materialized='table'"), {"there": {"states": "table"}, "store_failures": True}),
    "empty": (orders("materialized='table'", "select code as id, 'a' as state from states"), {"empty": True, "command": "build"}),
    "no_gates": (orders("materialized='table'"), {"gates": False, "command": "build"}),
    "test": (orders("materialized='table'"), {"command": "test"}),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_sent(listing: Any, case: str) -> None:
    files, asked = CASES[case]
    select = ("orders",) if asked.get("command", "run") == "run" and case != "seed" else None
    assert listing(files, select=select, **asked) == (GOLDEN / f"{case}.txt").read_text(encoding="utf-8").rstrip("\n")


def steps_of(made: Any, name: str = "orders") -> Mapping[str, Any]:
    (task,) = (t for t in made.tasks if t.node.endswith(f".{name}"))
    return {s.id.removeprefix(f"{task.node}/"): s for s in task.steps}


def test_schemas_and_the_ledger_come_before_everything(planned: Any) -> None:
    made = planned(orders("materialized='table'"), "build", store_failures=True)
    assert [s.sql for s in made.prepare] == [
        'create schema if not exists "warehouse"."main"',
        'create schema if not exists "warehouse"."main_dbt_test__audit"',
        'create schema if not exists "_orc"',
        'create table if not exists "_orc"."ledger" ("node" text, "relation" text, "fingerprint" text, "run" text, "at" text, "rows" bigint, "made" text)',
    ]


@pytest.mark.parametrize(
    ("own", "config", "policy"), [(True, "", "append_or_fail"), (False, "", "ignore"), (True, ", on_schema_change='fail'", "fail")]
)
def test_what_a_changed_schema_means(planned: Any, own: bool, config: str, policy: str) -> None:
    made = planned(
        {"models/orders.sql": f"{{{{ config(materialized='incremental'{config}) }}}} {SELECT}"}, there={"orders": "table"}, own=own
    )
    assert steps_of(made)["apply"].payload["on_schema_change"] == policy


def test_a_position_in_what_is_sent_leads_to_the_rendered_text(planned: Any) -> None:
    made = planned({"models/orders.sql": "select nope from states", **STATES}, select=("orders",))
    for step in ("stage", "view"):
        (statement,) = steps_of(made)[step].sql
        assert statement.origin.rendered(statement.sql.index("nope")) == len("select ")
        assert statement.origin.rendered(statement.sql.index("create")) is None


def test_a_late_test_is_compiled_when_it_is_sent(planned: Any) -> None:
    files = orders(
        "materialized='table'", **{"tests/assertions/late.sql": "select * from {{ ref('orders') }} where '{{ invocation_id }}' = ''"}
    )
    made = planned(files, select=("orders",), there={"states": "table"})
    late = next(s for s in steps_of(made).values() if s.node.endswith(".late"))
    assert late.sql.what == "render"
    assert [str(r) for r in late.sql.wrap["instead"].values()] == ["warehouse.main.orders__orc_stage"]


def test_a_reader_of_a_late_ephemeral_is_late(planned: Any) -> None:
    files = {
        "models/now.sql": "{{ config(materialized='ephemeral') }}select '{{ invocation_id }}' as i",
        "models/middle.sql": "{{ config(materialized='ephemeral') }}select * from now",
        "models/orders.sql": "select * from middle",
        "models/other.sql": "select 1 as x",
    }
    made = planned(files)
    assert steps_of(made)["stage"].sql.what == "render"
    assert steps_of(made, "other")["stage"].sql[0].sql.endswith("select 1 as x")


def test_warn_error_makes_every_warning_fail(planned: Any) -> None:
    made = planned(orders("materialized='table'"), select=("orders",), there={"states": "table"}, warn_error=True)
    assert {v.warn_fails for s in steps_of(made).values() for v in s.verdicts} == {True}


@pytest.mark.parametrize(("engine", "transaction"), [("duckdb", 0), ("postgres", 0), ("bigquery", None)])
def test_a_runs_hook_is_in_a_transaction_where_that_can_create_things(
    planned: Callable[..., Plan], engine: str, transaction: int | None
) -> None:
    project = """
        [tool.orchestrator]
        name = "p"
        on-run-start = ["create schema if not exists calendar"]
        """
    (hook,) = planned({"pyproject.toml": project, "models/a.sql": "select 1 as x"}, engine=engine).before
    assert [step.transaction for step in hook.steps] == [transaction]
