"""Exports, run by the engines themselves: a project that is well, one with a broken model, one whose network is away for a moment.

Every engine is installed into an environment of its own, which is kept (``ORC_TEST_ENGINES``, else below the temporary folder). Luigi is
light enough for every run of the tests; ``ORC_TEST_ENGINES=folder pytest -m engines`` runs all.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.orchestration.engines import KEPT, PINNED, RIDES, Engine, outcomes
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
    if name not in ALWAYS and KEPT not in os.environ:
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


@pytest.mark.engines
@pytest.mark.parametrize("engine", ["dagster"], indirect=True)
def test_what_dagster_executes_again_from_a_failure_is_what_is_missing(engine: Engine) -> None:
    dagster(engine)
    probe = engine.root / "exports" / "dagster" / "again.py"
    text = """
        import os, sys, dagster as dg, rides
        def job():
            return rides.defs.resolve_job_def("rides")
        if __name__ == "__main__":
            import again
            with dg.DagsterInstance.get() as instance:
                os.environ["BREAK"] = "core_trips"
                first = dg.execute_job(dg.reconstructable(again.job), instance=instance, raise_on_error=False)
                del os.environ["BREAK"]
                options = dg.ReexecutionOptions.from_failure(first.run_id, instance)
                second = dg.execute_job(dg.reconstructable(again.job), instance=instance, reexecution_options=options, raise_on_error=False)
                print(first.success, second.success)
        """
    probe.write_text(dedent(text), encoding="utf-8")
    assert engine.run("python", probe, cwd=probe.parent) == 0, engine.said
    assert engine.said.strip().splitlines()[-1] == "False True"
    assert engine.portions() == ["core_trips", "core_trips", "mart_daily", "mart_earnings", "stg_trips"]
    assert len({run.trigger for run in engine.history()}) == 1


PROBES: Mapping[str, str] = {
    "airflow": """
        import json, rides_a, rides_b
        def told(timetable):
            parts = getattr(timetable, "timetables", [timetable])
            return f"{parts[0].timezone}: {', '.join(p.expression for p in parts)}"
        print(json.dumps([[told(m.dag.timetable), m.dag.max_active_runs, m.dag.catchup, len(m.dag.tasks)] for m in (rides_a, rides_b)]))
        """,
    "dagster": """
        import json, dagster as dg, rides_a, rides_b
        found = []
        for module in (rides_a, rides_b):
            (schedule,) = module.defs.schedules
            with dg.instance_for_test() as instance:
                request = schedule(dg.build_schedule_context(instance=instance))
            found.append([schedule.cron_schedule, schedule.execution_timezone, schedule.default_status.value, type(request).__name__])
            module.defs.resolve_job_def(module.FLOW)
        print(json.dumps(found))
        """,
    "flyte": """
        import json
        from collections import OrderedDict
        from flytekit.configuration import ImageConfig, SerializationSettings
        from flytekit.tools.translator import get_serializable
        import rides_a
        settings = SerializationSettings(project="p", domain="d", version="1", image_config=ImageConfig.auto(img_name="a/b:c"))
        template = get_serializable(OrderedDict(), settings, rides_a.flow).template
        nodes = {n.id: [sorted(n.upstream_node_ids), n.metadata.retries.retries if n.metadata.retries else 0] for n in template.nodes}
        print(json.dumps([template.metadata.on_failure, nodes, rides_a.schedule.schedule.cron_schedule.schedule]))
        """,
    "mage": """
        import json, os
        os.environ["MAGE_REPO_PATH"] = os.getcwd()
        from mage_ai.settings.repo import set_repo_path
        set_repo_path(os.getcwd())
        from mage_ai.data_preparation.models.triggers import get_triggers_by_pipeline
        found = [t for name in ("rides_a", "rides_c") for t in get_triggers_by_pipeline(name)]
        print(json.dumps([[t.schedule_interval, t.has_valid_schedule_interval, t.status.value, t.settings["skip_if_previous_running"]] for t in found]))
        """,
    "prefect": """
        import json, rides_a
        made = rides_a.flow_of_all.to_deployment(name="d", schedules=rides_a.SCHEDULES)
        print(json.dumps([[s.schedule.cron, s.schedule.timezone] for s in made.schedules]))
        """,
}
TIMES: Mapping[str, str] = {
    "airflow": "schedules: {a: {cron: '0 2 * * *', timezone: Europe/Berlin}, b: {every: 90m, overlap: allow}}",
    "dagster": "schedules: {a: {cron: '0 2 * * *', timezone: Europe/Berlin}, b: {every: 90m, overlap: allow}}",
    "flyte": "schedules: {a: {cron: '0 2 * * *'}}",
    "mage": "schedules: {a: {cron: '0 2 * * *'}, c: {every: 15m, overlap: allow}}",
    "prefect": "schedules: {a: {cron: '0 2 * * *', timezone: Europe/Berlin}}",
}
ANSWERS: Mapping[str, Any] = {
    "airflow": [["Europe/Berlin: 0 2 * * *", 1, False, 4], ["UTC: 0 */3 * * *, 30 1-22/3 * * *", 16, False, 4]],
    "dagster": [
        ["0 2 * * *", "Europe/Berlin", "RUNNING", "RunRequest"],
        [["0 */3 * * *", "30 1-22/3 * * *"], "UTC", "RUNNING", "RunRequest"],
    ],
    # 1 is `fail after executable nodes complete`
    "flyte": [
        1,
        {"mart-daily": [[], 0], "stg-trips": [[], 0], "core-trips": [["stg-trips"], 2], "mart-earnings": [["core-trips"], 0]},
        "0 2 * * *",
    ],
    "mage": [["0 2 * * *", True, "active", True], ["*/15 * * * *", True, "active", False]],
    "prefect": [["0 2 * * *", "Europe/Berlin"]],
}
"""What each engine read: times, zones, whether one run waits for another, and what Flyte does when a node fails."""


@pytest.mark.engines
@pytest.mark.parametrize("engine", sorted(PROBES), indirect=True)
def test_schedules_become_the_engines_own(engine: Engine) -> None:
    (engine.root / "schedules.yml").write_text(TIMES[engine.name], encoding="utf-8")
    folder = engine.export()
    probe = folder / "probe.py"
    probe.write_text(dedent(PROBES[engine.name]), encoding="utf-8")
    assert engine.run("python", probe, cwd=folder) == 0, engine.said
    assert json.loads(engine.said.strip().splitlines()[-1]) == ANSWERS[engine.name]
