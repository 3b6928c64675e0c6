"""What an engine cannot keep or do is an error of the plan, not a surprise in the warehouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.core.errors import PlanError
from orchestrator.core.plan import Plan, Request
from orchestrator.core.snapshot import Snapshot
from orchestrator.plan.plan import plan

POSTGRES = registry.dialect("postgres")
INCREMENTAL = {"models/t.sql": "{{ config(materialized='incremental', unique_key='id'%s) }} select 1 as id"}


@pytest.fixture
def on_postgres(understand: Callable[..., Any]) -> Callable[..., Plan]:
    """A plan for a server of some version."""

    def make(files: Mapping[str, str], server: int = 0) -> Plan:
        graph = understand(files).graph
        return plan(graph, list(graph.nodes), Snapshot(server=server), Request("run"), POSTGRES, run="r")

    return make


@pytest.mark.parametrize(("strategy", "server"), [("merge", 15), ("merge", 18), ("merge", 0), (None, 12), ("append", 12)])
def test_a_strategy_the_server_knows_is_planned(on_postgres: Callable[..., Plan], strategy: str | None, server: int) -> None:
    more = f", incremental_strategy='{strategy}'" if strategy else ""
    assert len(on_postgres({"models/t.sql": INCREMENTAL["models/t.sql"] % more}, server).tasks) == 1


def test_merge_before_postgres_15_is_refused_with_what_to_do(on_postgres: Callable[..., Plan]) -> None:
    with pytest.raises(PlanError) as caught:
        on_postgres({"models/t.sql": INCREMENTAL["models/t.sql"] % ", incremental_strategy='merge'"}, 14)
    problem = caught.value.first
    assert (problem.code, problem.message) == ("N301", "`merge` needs Postgres 15; this is 14")
    assert problem.hint is not None
    assert "delete+insert" in problem.hint


def test_columns_the_engine_would_cut_off_are_named(on_postgres: Callable[..., Plan]) -> None:
    fits, long = "é" * 31, "é" * 32  # 62 and 64 bytes
    on_postgres({"models/t.sql": f'select 1 as "{fits}"'})
    with pytest.raises(PlanError, match=f"N318.*`{long}`"):
        on_postgres({"models/t.sql": f'select 1 as "{fits}", 2 as "{long}"'})


def test_ephemeral_models_with_long_names_stay_apart(on_postgres: Callable[..., Plan]) -> None:
    one, two = f"{'x' * 60}_one", f"{'x' * 60}_two"
    files = {f"models/{n}.sql": f"{{{{ config(materialized='ephemeral') }}}} select '{n[-3:]}' as which" for n in (one, two)}
    made = on_postgres({**files, "models/t.sql": f"select * from {one} union all select * from {two}"})
    step = next(s for s in made.tasks[0].steps if s.does == "stage")
    assert isinstance(step.sql, tuple)
    names = [line.split(" as ")[0].split()[-1] for line in step.sql[0].sql.splitlines() if line.endswith(" as (")]
    assert len(set(names)) == 2
    assert all(len(n.encode()) <= 63 for n in names)
    assert step.sql[0].sql.splitlines()[-1].count(names[0]) >= 1
