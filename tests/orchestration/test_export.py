"""`orc export`: what is written, what is refused, and that the parts of a project are the whole of it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.cli import exporting
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import Node
from orchestrator.core.patience import Retries
from orchestrator.core.portion import GRANULARITIES, Flow, Granularity, Portion, Timing
from orchestrator.core.schedule import Schedule
from orchestrator.plan.portions import portions
from orchestrator.publish.export.export import ENGINES, export
from orchestrator.publish.export.python import RUNNING
from orchestrator.publish.export.words import filled, names
from orchestrator.schedule.cron import cron, instants
from orchestrator.schedule.crontab import crontab
from tests.projects.conftest import Make, Project

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "export"
PYTHON = sorted(set(ENGINES) - {"cron", "github"})

RIDES = {
    "pyproject.toml": "[tool.orchestrator]\nname = 'rides'\n",
    "models/sources.yml": """
        version: 2
        sources: [{name: raw, schema: main, tables: [{name: trips, columns: [{name: id, data_tests: [not_null]}]}]}]
        """,
    "models/staging/stg_trips.sql": "{{ config(materialized='table') }} select * from {{ source('raw', 'trips') }}",
    "models/staging/stg_drivers.sql": "{{ config(materialized='table') }} select * from (values (1), (2)) as t (driver)",
    "models/core/core_trips.sql": "{{ config(materialized='table') }} select * from {{ ref('stg_trips') }}",
    "models/marts/mart_earnings.sql": "{{ config(materialized='table') }} select driver, sum(fare) as fare from {{ ref('core_trips') }} group by 1",
    "models/marts/mart_daily.sql": "select 1 as x",
    "models/schema.yml": """
        version: 2
        models:
          - name: core_trips
            config: {retries: {count: 2, delay: 20s}}
            columns:
              - {name: id, data_tests: [unique]}
              - {name: driver, data_tests: [{relationships: {arguments: {to: ref('stg_drivers'), field: driver}}}]}
        """,
    "schedules.yml": """
        schedules:
          nightly: {cron: "0 2 * * *", timezone: Europe/Berlin, timeout: 2h, description: "All of it", owner: data@rides.example}
        """,
}
SERVER = {"ORC_STATE_URL": "postgresql://nobody@nowhere.invalid/state"}


def loaded(make: Make) -> Project:
    shop = make(RIDES)
    shop.change("create table trips as select * from (values (1, 1, 10), (2, 2, 20)) as t (id, driver, fare)")
    return shop


def tasks(text: str, name: str = "TASKS") -> Any:
    """A table of a generated file, read without running it."""
    for node in ast.parse(text).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    raise AssertionError(f"no {name} in\n{text}")


# What is written


def test_every_engine_can_be_asked_for() -> None:
    assert set(exporting.ENGINES) == set(ENGINES)
    assert exporting.GRANULARITIES == GRANULARITIES


@pytest.mark.parametrize("engine", sorted(ENGINES))
def test_4_10_the_files_of_an_engine(engine: str, project: Make) -> None:
    zone = (
        {"schedules.yml": RIDES["schedules.yml"].replace(", timezone: Europe/Berlin", "")} if engine in ("flyte", "github", "mage") else {}
    )
    shop = project({**RIDES, **zone})
    shop.orc("export", engine, "--single-machine").exits(0)
    out = shop.root / "exports" / engine
    for file in sorted(p for p in out.rglob("*") if p.is_file()):
        golden = GOLDEN / engine / f"{file.relative_to(out)}.txt"  # no file of ours: neither formatted nor collected
        if os.environ.get("GOLDEN") == "write":
            golden.parent.mkdir(parents=True, exist_ok=True)
            golden.write_bytes(file.read_bytes())
        assert file.read_text(encoding="utf-8") == golden.read_text(encoding="utf-8")
    written, kept = ({p.relative_to(f).as_posix() for p in f.rglob("*") if p.is_file()} for f in (out, GOLDEN / engine))
    assert {f"{name}.txt" for name in written} == kept


def test_4_10_the_same_project_gives_the_same_bytes_wherever_it_is(project: Make) -> None:
    one, other = project(RIDES), project(RIDES, folder="elsewhere")
    for shop in (one, other):
        shop.orc("export", "airflow", "--single-machine").exits(0)
    assert one.read("exports/airflow/rides_nightly.py") == other.read("exports/airflow/rides_nightly.py")


def test_check_tells_when_files_are_out_of_date(project: Make) -> None:
    shop = project(RIDES)
    shop.orc("export", "luigi", "--single-machine", "--check").exits(1)
    shop.orc("export", "luigi", "--single-machine").exits(0)
    shop.orc("export", "luigi", "--single-machine", "--check").exits(0)
    shop.write({"models/marts/mart_new.sql": "select * from {{ ref('core_trips') }}"})
    said = shop.orc("export", "luigi", "--single-machine", "--check").exits(1).stderr
    assert "rides_nightly.py is not what `orc export` would write" in said
    assert "mart_new" not in shop.read("exports/luigi/rides_nightly.py")


def test_a_test_of_two_models_runs_with_the_last_of_them(project: Make) -> None:
    shop = project(RIDES)
    shop.orc("export", "luigi", "--single-machine").exits(0)
    found = tasks(shop.read("exports/luigi/rides_nightly.py"))
    assert {name: sorted(row[1]) for name, row in found.items()} == {
        "mart_daily": [],
        "stg_drivers": [],
        "tests_raw_trips": [],
        "stg_trips": ["tests_raw_trips"],
        "core_trips": ["stg_drivers", "stg_trips"],
        "mart_earnings": ["core_trips"],
    }


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("layer", {"sources": [], "staging": ["sources"], "core": ["staging"], "marts": ["core"]}),
        ("group", {"ungrouped": []}),
        ("project", {"project": []}),
    ],
)
def test_coarser_portions_are_fewer_processes(project: Make, granularity: str, expected: dict[str, list[str]]) -> None:
    shop = project(RIDES)
    shop.orc("export", "luigi", "--single-machine", "--granularity", granularity).exits(0)
    found = tasks(shop.read("exports/luigi/rides_nightly.py"))
    assert {name: row[1] for name, row in found.items()} == expected


def test_only_one_of_them_tries_again(project: Make) -> None:
    shop = project(RIDES)
    for who, retries in (("engine", (2, 20, True, 300)), ("orc", (0, 0, False, 0))):
        shop.orc("export", "airflow", "--single-machine", "--retries", who).exits(0)
        text = shop.read("exports/airflow/rides_nightly.py")
        assert tasks(text)["core_trips"][3:] == retries
        assert f'"--retries", "{who}"' in text


def test_a_selection_of_ones_own_has_no_time(project: Make) -> None:
    shop = project(RIDES)
    shop.orc("export", "airflow", "--single-machine", "-s", "+core_trips", "--vars", "{day: 2026-01-01}", "--threads", "2").exits(0)
    text = shop.read("exports/airflow/rides.py")
    assert set(tasks(text)) == {"stg_trips", "core_trips", "tests_raw_trips"}
    assert "schedule=None" in text
    assert tasks(text, "WORDS")[4:] == ["--select", "+core_trips", "--threads", "2", "--vars", '{"day": "2026-01-01"}']


def test_jobs_of_a_workflow_need_what_their_tasks_need_and_try_again_what_may_pass(project: Make, tmp_path: Path) -> None:
    shop = project({**RIDES, "schedules.yml": "schedules: {nightly: {cron: '0 2 * * *'}}"})
    shop.orc("export", "github", "--single-machine").exits(0)
    workflow = yaml.safe_load(shop.read("exports/github/rides_nightly.yml"))
    assert workflow[True]["schedule"] == [{"cron": "0 2 * * *"}]  # YAML reads `on` as true
    jobs = workflow["jobs"]
    own = {name: [n for n in job.get("needs", []) if "if" not in job or f"needs.{n}." in job["if"]] for name, job in jobs.items()}
    assert own["core_trips"] == ["stg_drivers", "stg_trips"]
    assert own["mart_earnings"] == ["core_trips"]
    assert own["mart_daily"] == own["stg_drivers"] == []
    assert [name for name, job in jobs.items() if not job.get("needs")] == ["mart_daily"]  # one after the other: it is a file
    # A shell runs the step with an orc that fails twice of what may pass, then of what may not.
    (tmp_path / "orc").write_text('#!/bin/sh\necho "$@" >> calls\n[ $(wc -l < calls) -lt 3 ] && exit 75\nexit 1\n', encoding="utf-8")
    (tmp_path / "orc").chmod(0o755)
    (tmp_path / "sleep").symlink_to("/bin/true")
    done = subprocess.run(
        ["bash", "-e", "-c", jobs["core_trips"]["steps"][-1]["run"]],
        cwd=tmp_path,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "GITHUB_RUN_ID": "7"},
        check=False,
    )
    calls = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert done.returncode == 1
    assert len(calls) == 3
    assert calls[0].startswith("task model.rides.core_trips --needs ")
    assert calls[0].endswith("--retries engine --engine-run github:rides_nightly/7")


def test_cron_leaves_every_decision_to_orc(project: Make) -> None:
    shop = project({**RIDES, "schedules.yml": "schedules: {a: {cron: '0 2 * * *', when: select true}, b: {after: a, command: test}}"})
    shop.orc("export", "cron").exits(0)
    assert '* * * * *  cd "$PROJECT" && orc schedule --once --quiet' in shop.read("exports/cron/rides.crontab")
    assert "ExecStart=/usr/bin/env orc schedule --once --quiet" in shop.read("exports/cron/rides.service")


# What is refused


def test_files_of_one_machine_are_not_handed_to_many(project: Make) -> None:
    refused = project(RIDES).orc("export", "airflow").exits(2)
    assert "error[U130]" in refused.stderr
    assert "error[U131]" in refused.stderr
    with_server = project(RIDES).orc("export", "airflow", env=SERVER).exits(2)
    assert "error[U130]" not in with_server.stderr
    assert "error[U131]" in with_server.stderr


def test_a_file_as_warehouse_means_one_task_at_a_time(project: Make) -> None:
    shop = project(RIDES)
    shop.orc("export", "airflow", "--single-machine").exits(0)
    assert "max_active_tasks=1," in shop.read("exports/airflow/rides_nightly.py")


def test_what_is_on_servers_is_handed_to_as_many_as_it_has_threads(project: Make) -> None:
    output = "{type: postgres, host: db.invalid, user: orc, dbname: rides, schema: main, threads: 7}"
    shop = project({**RIDES, "profiles.yml": f"rides: {{target: prod, outputs: {{prod: {output}}}}}\n"})
    shop.orc("export", "airflow", "--target", "prod", env=SERVER).exits(0)
    text = shop.read("exports/airflow/rides_nightly.py")
    assert "max_active_tasks=7," in text
    assert tasks(text, "WORDS")[4:] == ["--target", "prod"]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ("{after: nightly}", "only orc's own scheduler knows how that one ended"),
        ("{every: 1h, when: select true}", "only orc's own scheduler asks it"),
        ("{every: 1h, signals: [raw_ready]}", "only orc's own scheduler asks them"),
        ("{every: 1h, overlap: cancel_running}", "queue or allow"),
        ("{every: 1h, command: test}", "only a build can be divided: --granularity project"),
        ("{every: 2d}", "no cron pattern can say"),
        ("{cron: '0 0 */2 * 1'}", "means days that are both"),
    ],
)
def test_what_an_engine_has_no_words_for_is_not_exported_without_it(project: Make, entry: str, why: str) -> None:
    shop = project({**RIDES, "schedules.yml": f"schedules:\n  nightly: {{cron: '0 2 * * *'}}\n  odd: {entry}\n"})
    refused = shop.orc("export", "airflow", "--single-machine").exits(2)
    assert "error[U132]" in refused.stderr
    assert why in refused.stderr
    assert not (shop.root / "exports").exists()
    shop.orc("export", "airflow", "--single-machine", "--schedule", "nightly").exits(0)


@pytest.mark.parametrize(
    ("engine", "entry", "why"),
    [
        ("github", "{cron: '0 2 * * *', timezone: Europe/Berlin}", "those of github show UTC"),
        ("flyte", "{cron: '0 2 * * *', timezone: Europe/Berlin}", "those of flyte show UTC"),
        ("mage", "{every: 90m}", "needs 2 cron patterns, and mage takes one"),
    ],
)
def test_what_the_clock_of_one_engine_cannot_say(project: Make, engine: str, entry: str, why: str) -> None:
    shop = project({**RIDES, "schedules.yml": f"schedules: {{nightly: {entry}}}"})
    assert why in shop.orc("export", engine, "--single-machine").exits(2).stderr


def test_a_workflow_of_too_many_jobs_is_refused(project: Make) -> None:
    many = {f"models/m{n}.sql": "select 1 as x" for n in range(257)}
    refused = project(many).orc("export", "github", "--single-machine").exits(2)
    assert "257 tasks are more than the 256 that github takes" in refused.stderr


def test_a_selection_that_changes_by_itself_is_refused(project: Make) -> None:
    for word in ("state:modified", "git:main", "+result:error"):
        refused = project(RIDES).orc("export", "airflow", "--single-machine", "-s", word).exits(2)
        assert "error[U133]" in refused.stderr
    nothing = project(RIDES).orc("export", "airflow", "--single-machine", "-s", "resource_type:exposure").exits(2)
    assert "error[U135]" in nothing.stderr


def test_a_secret_is_not_written_down(project: Make) -> None:
    words = ("export", "airflow", "--single-machine", "--vars", "{token: hunter2hunter2}", "-s", "core_trips")
    refused = project(RIDES).orc(*words, env={"ORC_SECRET_TOKEN": "hunter2hunter2"}).exits(2)
    assert "error[U136]" in refused.stderr
    assert "hunter2" not in refused.stderr


# Its end


def test_an_engine_that_ends_a_task_ends_its_process(tmp_path: Path) -> None:
    script = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(130)); print('begun', flush=True); time.sleep(60)"
    scope: dict[str, Any] = {
        "os": os,
        "subprocess": subprocess,
        "ORC": [sys.executable, "-c", script],
        "PROJECT": tmp_path,
        "WORDS": [],
        "TASKS": {"a": ("model.p.a", [], "e3b0c442", 0, 0, False, 0)},
    }
    exec(filled(RUNNING, {"WAIT": "600", "AGAIN": "75"}), scope)
    children: list[subprocess.Popen[str]] = []

    def say(line: str) -> None:
        children.extend(scope["CHILDREN"])
        raise KeyboardInterrupt(line)  # what an engine may do in the middle

    with pytest.raises(KeyboardInterrupt, match="begun"):
        scope["orc"]("a", "x:1", say=say)
    assert children[0].returncode == 130
    assert scope["CHILDREN"] == set()
    scope["ORC"] = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]
    assert scope["orc"]("a", "x:1") == 75  # killed, nobody knows why


# Names


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    """A flow whose every word is somebody's idea of a joke."""
    text = st.text(min_size=1, max_size=12) | st.sampled_from(
        [
            '"',
            "'",
            '"""',
            "\\",
            "@TASKS@",
            "{{ x }}",
            "{% x %}",
            "\n",
            "# x",
            "*/ x",
            "${x}",
            "`x`",
            "a: b",
            "- x",
            "\ud800",
            "é",
            "0",
            "%Y",
            "__init__",
        ]
    )
    called = draw(st.lists(text, min_size=1, max_size=5, unique=True))
    keys = [f"model.{draw(text)}.{name}" for name in called]
    found = tuple(
        Portion(
            key,
            (key,),
            tuple(draw(st.sets(st.sampled_from(keys[:number]))) if number else ()),
            draw(st.sampled_from([None, Retries(2, 3)])),
            ((key, Relation(draw(text), draw(text), draw(text))),),
            {key: (draw(text),)},
            {key: tuple(keys[:number])},
            draw(text),
        )
        for number, key in enumerate(keys)
    )
    timing = Timing(draw(st.sampled_from([(), ("0 2 * * *",)])), "UTC", draw(st.booleans()), 60, draw(text), (draw(text),), draw(text))
    return Flow(draw(text), draw(text), found, (draw(text), draw(text)), timing, up=draw(st.sampled_from([None, 2])))


@settings(max_examples=30, deadline=None)
@given(flows())
def test_whatever_models_are_called_the_files_are_valid_and_say_so(flow: Flow) -> None:
    called = names(p.key for p in flow.portions)
    assert len(set(called.values())) == len(flow.portions)
    for engine in sorted(ENGINES):
        for path, text in export(engine, [flow]).items():
            text.encode("utf-8")
            assert ".." not in path
            if path.endswith(".py"):
                compile(text, path, "exec")
                if "\nTASKS = {" in text:
                    written = tasks(text)
                    assert {called[p.key]: (p.key, [called[n] for n in p.needs]) for p in flow.portions} == {
                        name: (row[0], row[1]) for name, row in written.items()
                    }
                    assert tasks(text, "WORDS") == list(flow.words)
            elif path.endswith((".yml", ".yaml")):
                assert isinstance(yaml.safe_load(text), dict)


# The parts are the whole


@st.composite
def projects(draw: st.DrawFn) -> Graph:
    """A graph of models in a few layers and groups that know no order, with tests across."""
    count = draw(st.integers(1, 9))
    nodes: dict[str, Node] = {}
    for number in range(count):
        parents = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        layer, group = draw(st.sampled_from("abc")), draw(st.sampled_from(["x", "y", None]))
        kind = draw(st.sampled_from(["table", "table", "ephemeral"]))
        id_ = f"model.p.m{number}"
        nodes[id_] = Node(
            id_, "model", f"m{number}", "p", f"models/{layer}/m{number}.sql", ("p", layer, f"m{number}"),
            {"materialized": kind, "group": group}, relation=Relation(None, "main", f"m{number}"), depends_on=tuple(f"model.p.m{p}" for p in sorted(parents)),
        )  # fmt: skip
    for number in range(draw(st.integers(0, 5))):
        over = draw(st.sets(st.integers(0, count - 1), min_size=1, max_size=3))
        id_, about = f"test.p.t{number}", tuple(f"model.p.m{p}" for p in sorted(over))
        nodes[id_] = Node(
            id_, "test", f"t{number}", "p", "models/schema.yml", ("p", f"t{number}"), {}, depends_on=about, attached=about[-1]
        )
    return Graph(nodes, {})


@settings(max_examples=150, deadline=None)
@given(projects(), st.sampled_from(GRANULARITIES))
def test_portions_are_the_whole_project_in_an_order_that_can_be_kept(graph: Graph, granularity: Granularity) -> None:
    found = portions(graph, graph.nodes, granularity)
    part_of = {id_: p.key for p in found for id_ in p.ids}
    wanted = {i for i, n in graph.nodes.items() if n.has_data or n.kind == "test"}
    assert sorted(id_ for p in found for id_ in p.ids) == sorted(wanted)
    place = {p.key: number for number, p in enumerate(found)}
    assert all(place[n] < place[p.key] for p in found for n in p.needs)
    before: dict[str, set[str]] = {}
    for part in found:
        before[part.key] = {n for need in part.needs for n in (need, *before[need])}
    for id_ in wanted:
        for parent in graph.inputs(id_):  # whatever a query or a test looks at is there by then, or comes in the same process
            assert part_of[parent.id] == part_of[id_] or part_of[parent.id] in before[part_of[id_]]


def test_a_layer_that_comes_before_and_after_another_is_two() -> None:
    def model(name: str, layer: str, *parents: str) -> Node:
        above = tuple(f"model.p.{p}" for p in parents)
        return Node(f"model.p.{name}", "model", name, "p", "", ("p", layer, name), {"materialized": "table"}, depends_on=above)

    nodes = [model("a", "one"), model("b", "two", "a"), model("c", "one", "b"), model("d", "three", "c"), model("e", "three")]
    found = portions(Graph({n.id: n for n in nodes}, {}), [n.id for n in nodes], "layer")
    assert {p.key: p.needs for p in found} == {
        "layer.one": (),
        "layer.two": ("layer.one",),
        "layer.one.2": ("layer.two",),
        "layer.three": ("layer.one.2",),
    }


# Times


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(
        [
            "@hourly",
            "@daily",
            "*/15 9-17 * * mon-fri",
            "0 2 * * *",
            "5,35 */6 1,15 * *",
            "0 0 1 jan,jul *",
            "0 4 * * 7",
            "0 0 13 * 5",
            "7-59/13 * * * *",
        ]
    )
)
def test_a_pattern_in_numbers_means_what_it_meant(text: str) -> None:
    from datetime import UTC, datetime
    from itertools import islice

    (plain,) = crontab(Schedule("n", cron=text))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert set(plain) <= set("0123456789*/,- ")
    assert list(islice(cron(plain, "UTC", start), 50)) == list(islice(cron(text, "UTC", start), 50))


@pytest.mark.parametrize("every", [60, 300, 900, 3600, 5400, 7200, 21600, 86400])
def test_an_interval_is_patterns_that_are_due_when_it_is(every: int) -> None:
    from datetime import UTC, datetime
    from heapq import merge
    from itertools import islice

    start = datetime(2026, 1, 1, tzinfo=UTC)
    schedule = Schedule("n", every=every)
    patterns = merge(*(cron(p, "UTC", start) for p in crontab(schedule)))
    assert list(islice(patterns, 60)) == list(islice(instants(schedule, start), 60))
