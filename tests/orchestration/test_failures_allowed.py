"""1.15: a model that may fail (`on_failure: skip`), and what becomes of those that read it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.orchestration.mailbox import sink

if TYPE_CHECKING:
    from tests.projects.conftest import Make

WELL = "{{ config(materialized='table') }} select {{ var('n', 1) }} as x"
BROKEN = "{{ config(materialized='table') }} select nothing as x from (select 1 as y)"


def shop(on_failure: str = "skip", *, last: bool = False) -> dict[str, str]:
    more = ", when_upstream_failed: run_with_last" if last else ""
    return {
        "models/a.sql": WELL,
        "models/b.sql": "select x, {{ var('n', 1) }} as n from {{ ref('a') }}",
        "models/c.sql": "select * from {{ ref('b') }}",
        "models/other.sql": "select 1 as x",
        "models/a.yml": f"""
models:
  - name: a
    config: {{on_failure: {on_failure}}}
    columns: [{{name: x, data_tests: [{{accepted_values: {{values: [1]}}}}]}}]
  - name: b
    config: {{materialized: table{more}}}
""",
    }


def test_1_15_a_model_that_may_fail_fails_no_run_and_skips_what_reads_it(project: Make) -> None:
    made = project(shop()).write({"models/a.sql": BROKEN})
    found = made.orc("build", "--fail-fast", "--threads", "1").exits(0)
    assert {n: found.statuses[n] for n in "abc"} == dict.fromkeys("abc", "skipped")
    assert found.statuses["other"] == "success"
    assert found.messages["a"].startswith("failed, and may (on_failure: skip): ")
    assert '"nothing"' in found.messages["a"]
    assert found.messages["b"] == found.messages["c"] == "`model.p.a` failed, and may (on_failure: skip)"
    assert "a failed, and may (on_failure: skip)" in found.stderr
    assert "Completed with 0 errors, 0 partial successes, and 1 warning" in found.stdout + found.stderr
    assert "WARN=1 ERROR=0 SKIP=3" in found.stdout + found.stderr
    assert made.query("select count(*) from information_schema.tables where table_name = 'a'") == [(0,)]


def test_1_15_its_gate_still_keeps_it_from_being_published(project: Make) -> None:
    made = project(shop())
    made.orc("build").exits(0)
    found = made.orc("build", "--vars", "{n: 2}").exits(0)
    assert found.statuses["a"] == found.statuses["b"] == "skipped"
    assert {s for n, s in found.statuses.items() if n.startswith("accepted")} == {"warn"}
    assert made.query("select x from main.a") == [(1,)]
    why = made.orc("why", "a").exits(0)
    assert "failed, and may (on_failure: skip): not published: 1 test failed" in why.stdout
    shown = made.orc("runs", "show", "last").exits(0).stdout
    assert "failed, and may (on_failure: skip)" in shown
    assert "not published: 1 test failed" in shown
    made.write({"models/a.sql": "select 1 as x"}).orc("retry").exits(0)


@pytest.mark.parametrize("broken", [True, False])
def test_1_15_who_is_content_with_the_version_before_is_built_from_it(project: Make, broken: bool) -> None:
    made = project(shop(last=True))
    made.orc("build").exits(0)
    if broken:
        made.write({"models/a.sql": BROKEN})
    found = made.orc("build", "--vars", "{n: 2}").exits(0)
    assert {n: found.statuses[n] for n in "abc"} == {"a": "skipped", "b": "success", "c": "success"}
    assert made.query("select x, n from main.c") == [(1, 2)]


def test_1_15_without_a_version_before_there_is_nothing_to_be_content_with(project: Make) -> None:
    made = project(shop(last=True)).write({"models/a.sql": BROKEN})
    found = made.orc("build").exits(0)
    assert {n: found.statuses[n] for n in "abc"} == dict.fromkeys("abc", "skipped")


def test_1_15_content_does_not_mean_content_with_one_that_must_not_fail(project: Make) -> None:
    made = project(shop("retry(0)", last=True))
    made.orc("build").exits(0)
    found = made.write({"models/a.sql": BROKEN}).orc("build").exits(1)
    assert {n: found.statuses[n] for n in "abc"} == {"a": "error", "b": "skipped", "c": "skipped"}


def test_1_15_it_excuses_nothing_but_itself(project: Make) -> None:
    made = project(shop()).write({"models/a.sql": BROKEN, "models/other.sql": "select nothing as x from (select 1 as y)"})
    found = made.orc("build").exits(1)
    assert (found.statuses["a"], found.statuses["other"]) == ("skipped", "error")


@pytest.mark.parametrize(("said", "told"), [("skip", []), ("[retry(1), skip, alert]", ["node_failed"])])
def test_1_15_retry_skip_and_alert_go_together(project: Make, said: str, told: list[str]) -> None:
    with sink() as receiver:
        made = project(shop(said)).write({"models/a.sql": BROKEN})
        made.write({"alerts.yml": f"alerts: [{{name: pager, on: [node_failed, run_failed], to: '{receiver.url}'}}]"})
        found = made.orc("build").exits(0)
        assert receiver.events == told
        assert found.stderr.count("[RETRY") == len(told)


def test_1_15_what_else_is_to_be_done_is_done(project: Make) -> None:
    page = "import json, os, sys; json.dump(os.environ['ORC_ERROR'], open('told.json', 'w'))"
    made = project(shop("[skip, {command: [python, page.py]}]")).write({"models/a.sql": BROKEN, "page.py": page})
    made.orc("build").exits(0)
    assert '"nothing"' in json.loads((made.root / "told.json").read_text())


@pytest.mark.parametrize(("bad", "code", "status"), [("true", 0, "skipped"), ("day >= '2026-01-02'", 1, "partial success")])
def test_1_15_of_a_model_built_by_interval_nothing_may_be_there(project: Make, bad: str, code: int, status: str) -> None:
    config = "materialized='incremental', incremental_strategy='microbatch', event_time='day', begin='2026-01-01', batch_size='day'"
    made = project(
        {
            "models/source.sql": "{{ config(event_time='day') }} select unnest([timestamp '2026-01-01', timestamp '2026-01-02']) as day",
            "models/a.sql": f"{{{{ config({config}, on_failure='skip') }}}} select day, case when {bad} then error('no') end as x from {{{{ ref('source') }}}}",
        }
    )
    found = made.orc("build", "--event-time-start", "2026-01-01", "--event-time-end", "2026-01-03").exits(code)
    assert found.statuses["a"] == status


def test_what_is_no_answer_to_a_failed_parent_is_told_before_anything_runs(project: Make) -> None:
    wrong = project({"models/a.sql": "{{ config(when_upstream_failed='always') }} select 1 as x"}).orc("build").exits(2)
    assert "N368" in wrong.stderr
