"""Models with a `when`: asked when their turn comes, left out without a failure, and what becomes of those that read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects.conftest import Make

SUNDAYS = {
    "models/core_trips.sql": "{{ config(materialized='table') }} select * from (values (1, 10), (2, 20)) as t (id, fare)",
    "models/mart_earnings.sql": """
        {{ config(materialized='table', when="{{ weekday(var('day')) == 'Sun' }}") }}
        select sum(fare) as fare from {{ ref('core_trips') }}
    """,
    "models/report.sql": "select * from {{ ref('mart_earnings') }}",
    "models/models.yml": """
        models:
          - name: mart_earnings
            columns: [{name: fare, data_tests: [not_null]}]
    """,
}


def test_0_15_a_model_whose_condition_says_no_is_skipped_with_what_reads_it_and_nothing_failed(project: Make) -> None:
    there = project(SUNDAYS)
    result = there.orc("build", "--vars", "{day: 2026-01-03}").exits(0)
    assert result.statuses["mart_earnings"] == "skipped"
    assert result.messages["mart_earnings"] == "`when` says no: False"
    assert result.statuses["report"] == "skipped"
    assert "`model.p.mart_earnings` was left out by its `when`" in result.messages["report"]
    assert result.statuses["core_trips"] == "success"
    assert {s for n, s in result.statuses.items() if n.startswith("not_null")} == {"skipped"}
    result = there.orc("build", "--vars", "{day: 2026-01-04}").exits(0)
    assert {result.statuses[n] for n in ("mart_earnings", "report", "core_trips")} == {"success"}


@pytest.mark.parametrize(("rows", "built"), [(2, "mart_small"), (5, "mart_large")])
def test_0_15_of_two_branches_exactly_one_runs(project: Make, rows: int, built: str) -> None:
    there = project(
        {
            "models/core_trips.sql": f"{{{{ config(materialized='table') }}}} select * from range({rows}) as t (id)",
            "models/mart_small.sql": "{{ config(when=\"{{ row_count('core_trips') < 3 }}\") }} select * from {{ ref('core_trips') }}",
            "models/mart_large.sql": "{{ config(when=\"select count(*) >= 3 from {{ ref('core_trips') }}\") }} select count(*) as n from {{ ref('core_trips') }}",
        }
    )
    result = there.orc("build").exits(0)
    assert {n for n, s in result.statuses.items() if s == "success"} == {"core_trips", built}
    assert {n for n, s in result.statuses.items() if s == "skipped"} == {"mart_small", "mart_large"} - {built}


def test_who_is_content_with_what_was_there_before_runs_with_it(project: Make) -> None:
    there = project(
        {
            **SUNDAYS,
            "models/report.sql": "{{ config(materialized='table', when_upstream_skipped='run_with_last') }} select fare, {{ var('n', 1) }} as n from {{ ref('mart_earnings') }}",
            "models/last.sql": "select * from {{ ref('report') }}",
        }
    )
    there.orc("build", "--vars", "{day: 2026-01-04}").exits(0)
    result = there.orc("build", "--vars", "{day: 2026-01-05, n: 2}").exits(0)
    assert {n: result.statuses[n] for n in ("mart_earnings", "report", "last")} == {
        "mart_earnings": "skipped",
        "report": "success",
        "last": "success",
    }
    assert there.query("select fare, n from main.report") == [(30, 2)]


def test_content_does_not_mean_content_with_a_failure(project: Make) -> None:
    there = project(
        {
            "models/a.sql": "select no_such_column as x",
            "models/b.sql": "{{ config(when_upstream_skipped='run_with_last') }} select * from {{ ref('a') }}",
        }
    )
    assert there.orc("build").exits(1).statuses == {"a": "error", "b": "skipped"}


def test_a_condition_is_asked_when_its_parents_are_built_not_before(project: Make) -> None:
    there = project(
        {
            "models/a.sql": "{{ config(materialized='table') }} select {{ var('n') }} as n",
            "models/b.sql": "{{ config(when=\"select n > 1 from {{ ref('a') }}\") }} select * from {{ ref('a') }}",
        }
    )
    assert there.orc("build", "--vars", "{n: 2}").exits(0).statuses["b"] == "success"
    assert there.orc("build", "--vars", "{n: 1}").exits(0).statuses["b"] == "skipped"


def test_conditions_may_stand_in_properties_and_for_folders(project: Make) -> None:
    there = project(
        {
            "models/a.sql": "select 1 as x",
            "models/m/b.py": "def model(ctx):\n    import pandas as pd\n    return pd.DataFrame({'x': [1]})\n",
            "models/models.yml": "models: [{name: a, config: {when: \"{{ var('go', false) }}\"}}]",
            "pyproject.toml": "[tool.orchestrator]\nname = 'p'\n[tool.orchestrator.models.p.m]\n'+when' = false\n",
        }
    )
    assert there.orc("build").exits(0).statuses == {"a": "skipped", "b": "skipped"}
    assert there.orc("build", "--vars", "{go: true}").exits(0).statuses == {"a": "success", "b": "skipped"}


@pytest.mark.parametrize(
    ("when", "code"),
    [("perhaps", "X390"), ("select no_such_column", "X1"), ("{{ nobody }}", "R0")],
)
def test_a_condition_that_cannot_be_asked_fails_its_model(project: Make, when: str, code: str) -> None:
    there = project({"models/a.sql": f'{{{{ config(when="{when}") }}}} select 1 as x', "models/b.sql": "select * from {{ ref('a') }}"})
    result = there.orc("build").exits(1)
    assert result.statuses == {"a": "error", "b": "skipped"}
    assert code in result.stderr
    assert "models/a.sql" in result.stderr


@pytest.mark.parametrize("said", ["when=3", "when_upstream_skipped='always'"])
def test_what_is_no_condition_is_told_before_anything_runs(project: Make, said: str) -> None:
    wrong = project({"models/a.sql": f"{{{{ config({said}) }}}} select 1 as x"}).orc("build").exits(2)
    assert "N368" in wrong.stderr


def test_fail_fast_does_not_stop_at_a_condition(project: Make) -> None:
    there = project({"models/a.sql": "{{ config(when='no') }} select 1 as x", "models/b.sql": "select 2 as x"})
    assert there.orc("build", "--fail-fast", "--threads", "1").exits(0).statuses == {"a": "skipped", "b": "success"}


def test_a_condition_is_no_part_of_what_data_are_made_from(project: Make) -> None:
    """The fingerprint of a model does not change with its `when`: nothing has to be built for it."""
    from orchestrator.graph.fingerprint import _DATA_CONFIG

    assert not {"when", "when_upstream_skipped"} & set(_DATA_CONFIG)
