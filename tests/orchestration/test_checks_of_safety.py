"""Acceptance checks of what keeps people from harm: production by accident, gates in later runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from orchestrator.app.examples import example
from tests.projects.conftest import Project

PROFILES = """
p:
  target: dev
  outputs:
    dev: {type: duckdb, path: warehouse.duckdb}
    prod: {type: duckdb, path: prod.duckdb, allow: [schedule, ci]}
"""
FILES = {
    "pyproject.toml": '[tool.orchestrator]\nname = "p"\nprofile = "p"\n',
    "profiles.yml": PROFILES,
    "models/a.sql": "select 1 as x",
    "macros/m.sql": "{% macro wipe() %}{% do run_query('create table t as select 1 as x') %}{% endmacro %}",
}


@pytest.fixture
def shop(project: Callable[..., Project]) -> Project:
    return project(FILES)


def test_4_6_production_is_not_built_by_hand_unless_one_says_so(shop: Project) -> None:
    refused = shop.orc("run", "--target", "prod", env={"CI": ""}).exits(2)
    assert "error[U140]: `prod` is built by schedule, ci; this run was begun by cli" in refused.stderr
    assert not (shop.root / "prod.duckdb").exists(), "nothing was even connected to"
    for verb in ("build", "seed", "snapshot"):
        shop.orc(verb, "--target", "prod", env={"CI": ""}).exits(2)
    shop.orc("run-operation", "wipe", "--target", "prod", env={"CI": ""}).exits(2)
    shop.orc("run", env={"CI": ""}).exits(0)
    shop.orc("run", "--target", "prod", "--allow", "dev", env={"CI": ""}).exits(2)
    shop.orc("run", "--target", "prod", "--allow", "prod", env={"CI": ""}).exits(0)
    shop.orc("test", "--target", "prod", env={"CI": ""}).exits(0)


@pytest.mark.parametrize(
    "env", [{"ORC_TRIGGER": "schedule:nightly"}, {"CI": "true"}, {"CI": "", "ORC_ALLOW": "prod"}], ids=["schedule", "ci", "variable"]
)
def test_4_6_what_the_profile_names_builds_there(shop: Project, env: dict[str, str]) -> None:
    shop.orc("run", "--target", "prod", env=env).exits(0)


def test_4_6_beside_production_everybody_builds(shop: Project) -> None:
    shop.orc("run", "--target", "prod", "--environment", "pr_1", env={"CI": ""}).exits(0)


def test_4_6_a_retry_is_a_run_like_any_other(shop: Project) -> None:
    shop.write({"models/a.sql": "select no_such_column from (select 1 as x)"})
    shop.orc("run", "--target", "prod", "--allow", "prod", env={"CI": ""}).exits(1)
    shop.write({"models/a.sql": "select 1 as x"})
    assert "U140" in shop.orc("retry", env={"CI": ""}).exits(2).stderr
    shop.orc("retry", "--allow", "prod", env={"CI": ""}).exits(0)


def test_what_allow_cannot_be(shop: Project) -> None:
    shop.write({"profiles.yml": PROFILES.replace("[schedule, ci]", "{schedule: true}")})
    assert "`allow` must be a list" in shop.orc("run", "--target", "prod").exits(2).stderr


def test_4_19_a_gate_holds_in_later_runs(project: Callable[..., Project]) -> None:
    """A child that is built alone reads the version that passed, and says so; `--warn-error` refuses."""
    rides = project(dict(example("rides")))
    only = ("--exclude", "py_features")
    rides.orc("build", *only).exits(0)
    before = rides.query("select * from main.mart_earnings order by all")
    assert "N364" not in rides.orc("run", "-s", "mart_earnings").exits(0).stderr
    rides.orc("build", *only, env={"BADROWS": "1"}).exits(1)
    later = rides.orc("run", "-s", "mart_earnings").exits(0)
    assert (
        "warning[N364]: the newest version of `core_trips` did not pass its gates: `mart_earnings` reads the version of run" in later.stderr
    )
    assert rides.query("select * from main.mart_earnings order by all") == before
    refused = rides.orc("run", "-s", "mart_earnings", "--warn-error").exits(2)
    assert "error[N364]" in refused.stderr
    rides.orc("run", "-s", "+mart_earnings").exits(0)
    assert "N364" not in rides.orc("run", "-s", "mart_earnings").exits(0).stderr
