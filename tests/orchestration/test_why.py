"""0.21: for each model, why it ran or did not, with evidence."""

from __future__ import annotations

import json
from typing import Any

from tests.orchestration.test_history import FILES, GATE
from tests.projects.conftest import Make, Project


def why(project: Project, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(project.orc("why", *words, "--output", "json").exits(0).stdout)
    return found


def broken(make: Make) -> Project:
    project = make(FILES)
    project.orc("build").exits(0)
    project.write({"models/p.yml": GATE, "models/stg.sql": FILES["models/stg.sql"].replace("-5", "-6")}).orc("build").exits(1)
    return project


def test_0_21_a_model_that_was_built_says_what_changed(project: Make) -> None:
    made = broken(project)
    found = why(made, "stg")
    assert found["verdict"].startswith("built: code changed; 1 change since run ")
    assert found["changed_since_last_good"] == [{"what": "code", "which": None, "before": None, "after": None, "because": []}]
    assert found["ledger"]["run"] == found["run"]["id"]


def test_one_that_is_as_it_was(project: Make) -> None:
    made = broken(project)
    assert why(made, "alone")["verdict"] == "built: selected; nothing about it changed"
    assert why(made, "alone")["changed_since_last_good"] == []


def test_one_that_was_skipped_names_the_chain_and_the_rows_to_blame(project: Make) -> None:
    made = broken(project)
    found = why(made, "top")
    assert found["verdict"] == "skipped, because `core` was not built"
    assert found["chain"] == ["model.p.core", "model.p.mart", "model.p.top"]
    [blocked] = found["blocked_by"]
    assert (blocked["test"], blocked["failures"]) == ("accepted_values_core_fare__7", 1)
    assert made.query(blocked["rows"]) == [(-6, 1)]
    text = made.orc("why", "top").exits(0).stdout
    assert "chain      core → mart → top" in text
    assert "blocked    by accepted_values_core_fare__7: 1 failing row" in text


def test_a_parent_s_change_is_followed_to_where_it_began(project: Make) -> None:
    made = broken(project)
    [changed] = why(made, "core")["changed_since_last_good"]
    assert (changed["what"], changed["which"]) == ("upstream", "model.p.stg")
    assert [c["what"] for c in changed["because"]] == ["code"]


def test_config_and_macros_are_told_apart_from_code(project: Make) -> None:
    files = {
        "macros/m.sql": "{% macro five() %}5{% endmacro %}",
        "models/a.sql": "{{ config(materialized='table') }} select {{ five() }} as x",
    }
    made = project(files)
    made.orc("run").exits(0)
    made.write({"macros/m.sql": "{% macro five() %}6{% endmacro %}"}).orc("run").exits(0)
    assert [(c["what"], c["which"]) for c in why(made, "a")["changed_since_last_good"]] == [("macro", "five")]
    made.write({"models/a.sql": "{{ config(materialized='view') }} select {{ five() }} as x"}).orc("run").exits(0)
    [one] = [c for c in why(made, "a")["changed_since_last_good"] if c["what"] == "config"]
    assert (one["which"], one["before"], one["after"]) == ("materialized", "table", "view")


def test_what_the_files_say_now_is_compared_too(project: Make) -> None:
    made = project(FILES)
    made.orc("build").exits(0)
    assert why(made, "core")["changed_since_this_run"] == []
    made.write({"models/core.sql": "{{ config(materialized='table') }} select id, fare + 0 as fare from {{ ref('stg') }}"})
    found = why(made, "core")
    assert [c["what"] for c in found["changed_since_this_run"]] == ["code"]
    assert found["ledger"]["fingerprint"] != found["fingerprint"]
    assert "made of other code than the files hold now" in made.orc("why", "core").stdout


def test_one_that_was_not_selected(project: Make) -> None:
    made = project(FILES)
    made.orc("build", "-s", "alone").exits(0)
    assert why(made, "core")["verdict"] == "not selected: the run was `orc build --select alone`"
    assert why(made, "core")["ledger"] is None


def test_one_that_failed_shows_the_place(project: Make) -> None:
    made = project({"models/a.sql": "select 1 as x,\n  nope"})
    made.orc("run").exits(1)
    text = made.orc("why", "a").exits(0).stdout
    assert "models/a.sql:2:3" in text
    assert "last good  never on this target" in text


def test_an_earlier_run_is_asked_by_its_id(project: Make) -> None:
    made = broken(project)
    first = json.loads(made.orc("runs", "--output", "json").stdout)[-1]["id"]
    found = why(made, "core", "--run", first[:8])
    assert (found["status"], found["reason"], found["last_good"]) == ("success", "does not exist yet", None)


def test_one_that_was_reused(project: Make) -> None:
    made = project({**FILES, "models/core.sql": "select nope from {{ ref('stg') }}"})
    made.orc("build").exits(1)
    made.write(FILES).orc("retry").exits(0)
    assert why(made, "stg")["verdict"].startswith("not built again: run ")


def test_nothing_was_ever_run(project: Make) -> None:
    made = project(FILES)
    assert why(made, "core")["verdict"] == "nothing was ever run on target `dev`"
    assert "did you mean `core`?" in made.orc("why", "cores").exits(2).stderr
