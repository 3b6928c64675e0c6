"""Exports, run by the engines themselves: a project that is well, one with a broken model, one whose network is away for a moment.

Every engine is installed into an environment of its own, which is kept (``ORC_TEST_ENGINES``, else below the temporary folder). Luigi is
light enough for every run of the tests; ``ORC_TEST_ENGINES=folder pytest -m engines`` runs all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.orchestration.engines import PINNED, RIDES, Engine, outcomes
from tests.projects.conftest import Make

ALWAYS = frozenset({"luigi"})

Run = Callable[[Mapping[str, str], str], int]


def luigi(engine: Engine) -> Run:
    file = engine.export() / "rides.py"
    return lambda env, key: engine.run("python", file, "--run-key", key, env=env)


def airflow(engine: Engine) -> Run:
    folder = engine.export()
    engine.variables |= {
        "AIRFLOW_HOME": str(engine.root.parent / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
    }
    assert engine.run("airflow", "db", "migrate") == 0, engine.said
    return lambda env, key: engine.run("airflow", "dags", "test", "rides", key, env=env)


def dagster(engine: Engine) -> Run:
    file = engine.export() / "rides.py"
    home = engine.root.parent / "dagster"
    home.mkdir()
    engine.variables["DAGSTER_HOME"] = str(home)
    return lambda env, key: engine.run("dagster", "asset", "materialize", "-f", file, "--select", "*", env=env)


def prefect(engine: Engine) -> Run:
    file = engine.export() / "rides.py"
    return lambda env, key: engine.run("python", file, "--run-key", key, env=env)


def flyte(engine: Engine) -> Run:
    """Here Flyte runs the nodes itself, one by one, and tries nothing again: only a cluster does, so orc has to."""
    file = engine.export("--retries", "orc") / "rides.py"
    return lambda env, key: engine.run("pyflyte", "run", file, "flow", "--run_key", key, env=env)


def mage(engine: Engine) -> Run:
    folder = engine.export()
    return lambda env, key: engine.run("mage", "run", folder, "rides", "--runtime-vars", json.dumps({"run_key": key}), env=env)


PREPARED: Mapping[str, Callable[[Engine], Run]] = {
    "airflow": airflow,
    "dagster": dagster,
    "flyte": flyte,
    "luigi": luigi,
    "mage": mage,
    "prefect": prefect,
}
REMEMBERING = frozenset({"flyte", "luigi", "mage", "prefect"})
"""Engines where the same key is the same run, and what was done is not done again."""


@pytest.fixture(params=sorted(PINNED))
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    name = str(request.param)
    if name not in ALWAYS and not os.environ.get("ORC_TEST_ENGINES"):
        pytest.skip(f"installing {name} takes a minute: ORC_TEST_ENGINES=folder pytest -m engines")
    return Engine.at(name, tmp_path)


@pytest.mark.engines
def test_4_10_an_engine_ends_as_one_build_does(engine: Engine, project: Make) -> None:
    run, whole = PREPARED[engine.name](engine), project(RIDES, folder="whole")
    # All is well in the end: the network is away for a moment, and the engine tries that again, and only that.
    assert run({"FLAKY": str(engine.root / "flaky")}, "2026-01-01") == 0, engine.said
    whole.orc("build").exits(0)
    assert engine.outcomes() == outcomes(whole.root)
    twice = [] if engine.name == "flyte" else ["core_trips"]
    assert engine.portions() == [*twice, "core_trips", "mart_daily", "mart_earnings", "stg_trips"]
    before = len(engine.history())
    assert len({r.trigger for r in engine.history()}) == 1
    # A model is broken: what needs it does not run, what does not need it does, and the engine says that it failed.
    broken = {"BREAK": "core_trips"}
    assert run(broken, "2026-01-02") != 0, engine.said
    whole.orc("build", env=broken).exits(1)
    expected = outcomes(whole.root)
    assert expected.pop("mart_earnings") == expected.pop("unique_mart_earnings_day") == "skipped"  # no engine calls us to skip
    assert engine.outcomes(after=before) == expected
    assert engine.portions(after=before) == ["core_trips", "mart_daily", "stg_trips"]  # once: it cannot pass by itself
    # It is repaired, and the run goes on.
    if engine.name in REMEMBERING:
        assert run({}, "2026-01-02") == 0, engine.said
        assert engine.portions(after=before + 3) == ["core_trips", "mart_earnings"]
