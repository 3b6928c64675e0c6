"""Old things go by themselves: `command: clean` and `command: prune` in `schedules.yml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.core.errors import ConfigError
from orchestrator.load.schedules import read_schedules
from orchestrator.schedule.spec import spec

if TYPE_CHECKING:
    from tests.projects.conftest import Make

SCHEDULES = """
schedules:
  tidy: {cron: "0 4 * * *", command: clean, older_than: 7d}
  forget: {cron: "0 5 * * *", command: prune, keep: 30d}
"""
NUMBERS = {
    "models/numbers.sql": "{{ config(materialized='table') }}\nselect * from range({{ var('rows', 3) }}) as t (n)",
    "tests/assertions/few.sql": "select n from {{ ref('numbers') }} where n > 3",
    "schedules.yml": SCHEDULES,
}


def test_4_22_what_is_old_goes_by_schedule_is_listed_before_and_is_told_to_the_audit(project: Make) -> None:
    p = project(NUMBERS)
    p.orc("build").exits(0)
    for name in ("pr_7", "pr_8"):
        p.orc("build", "--environment", name).exits(0)
    p.orc("build", "--vars", "{rows: 6}").exits(1)
    p.change("update _orc.ledger set \"at\" = '2020-01-01T00:00:00+00:00' where node like 'pr_7/%'")
    before = set(p.relations())
    assert {"main.numbers__orc_stage", "main__pr_7.numbers", "main__pr_8.numbers"} <= before

    listed = p.orc("schedule", "run", "tidy", "--dry-run").exits(0).stderr
    assert "orc clean --stages --older-than 7d" in listed
    assert "Would drop warehouse.main.numbers__orc_stage" in listed
    assert "main__pr_7.numbers" in listed
    assert "pr_8" not in listed
    assert set(p.relations()) == before

    p.orc("schedule", "run", "tidy").exits(0)
    assert set(p.relations()) == {"main.numbers", "main__pr_8.numbers"}
    assert p.query("select count(*) from numbers") == [(3,)], "what is published stays as it was"
    deeds = p.orc("audit", "list", "--output", "json").exits(0).stdout
    assert "stages.dropped" in deeds
    assert "environment.dropped" in deeds
    ticks = p.orc("runs", "--output", "json").exits(0).stdout
    assert '"command": "clean"' not in ticks, "what builds nothing is no run that others count with"


def test_4_22_old_runs_are_forgotten_by_schedule(project: Make) -> None:
    import json
    import sqlite3

    p = project({**NUMBERS, "schedules.yml": SCHEDULES})
    p.orc("build").exits(0)
    p.orc("build").exits(0)
    new, old = (run["run"] for run in json.loads(p.orc("runs", "--output", "json").exits(0).stdout))
    with sqlite3.connect(p.root / ".orchestrator" / "state.db") as link:
        link.execute("update runs set started = '2020-01-01T00:00:00.000000Z' where substr(id, 1, 8) = ?", (old,))
    listed = p.orc("schedule", "run", "forget", "--dry-run").exits(0).stderr
    assert f"Would forget {old}" in listed
    assert new not in listed
    assert len(json.loads(p.orc("runs", "--output", "json").stdout)) == 2
    p.orc("schedule", "run", "forget").exits(0)
    assert [run["run"] for run in json.loads(p.orc("runs", "--output", "json").stdout)] == [new]


def test_4_22_a_stage_that_a_run_is_filling_is_left(project: Make) -> None:
    from contextlib import closing

    from orchestrator.adapters import registry
    from orchestrator.app import cleaning
    from orchestrator.app.opening import open_workspace
    from orchestrator.cli import wire

    p = project(NUMBERS)
    p.orc("build").exits(0)
    p.orc("build", "--vars", "{rows: 6}").exits(1)
    invocation = wire.invocation({"project_dir": str(p.root)}, "clean")
    workspace = open_workspace(invocation)
    numbers = next(n.relation for n in workspace.graph.nodes.values() if n.name == "numbers")
    assert numbers is not None
    with closing(registry.warehouse(workspace.project.target, str(p.root), "another")) as other:
        held = other.connect()
        for statement in (*other.dialect.lease_setup(), *other.dialect.lease_claim(numbers, "another-run")):
            held.execute(statement)
        assert list(cleaning.clean_stages(invocation)) == [
            "Left warehouse.main.numbers__orc_stage: run another- builds `warehouse.main.numbers`"
        ]
    assert "main.numbers__orc_stage" in p.relations()
    p.orc("clean", "--stages", "--dry-run").exits(0)
    assert "main.numbers__orc_stage" in p.relations()


@pytest.mark.parametrize(
    ("said", "line"),
    [
        ("command: clean, select: [x]", "`select`"),
        ("command: build, older_than: 7d", "`older_than`"),
        ("command: clean, keep: 7d", "`keep`"),
    ],
)
def test_what_a_command_cannot_use_is_told(said: str, line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        spec(read_schedules(f"schedules:\n  tidy: {{every: 1d, {said}}}\n".encode()))
    assert [p.code for p in caught.value.problems] == ["U085"]
    assert line in str(caught.value)
