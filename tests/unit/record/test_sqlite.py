"""Run history in a file: what was told can be asked for, whatever happened to the process, and no file is ever harmed."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.core.errors import Problem, StoreError
from orchestrator.core.event import Event, NodeFinished, Noted, RunFinished, RunStarted, Status
from orchestrator.core.files import Span
from orchestrator.core.project import Secret
from orchestrator.record import database as files
from orchestrator.record.evidence import Evidence
from orchestrator.record.memory import Memory
from orchestrator.record.probes import Probes
from orchestrator.record.sqlite import Sqlite

AT = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
PLANNED = ("model.p.a", "test.p.t", "model.p.b", "model.p.c")


def started(run: str = "r1", *, minutes: int = 0, target: str = "dev", command: str = "build") -> RunStarted:
    arguments = {"select": ["a+"], "password": Secret("hunter2"), "ratio": float("nan")}
    return RunStarted(AT + timedelta(minutes=minutes), run, command, "0.1", target, 4, 4, arguments=arguments, planned=PLANNED)


def done(node: str, status: Status = Status.PASSED) -> NodeFinished:
    kind = "test" if node.startswith("test") else "model"
    return NodeFinished(
        AT, node, "test" if kind == "test" else "model", f"sql view model main.{node}", 1, status, 0.25, "T1", sql="select 1"
    )


FULL = NodeFinished(
    at=AT,
    node="test.p.t",
    kind="test",
    label="t",
    index=1,
    status=Status.FAILED,
    seconds=0.5,
    thread="T2",
    message="Got 3 results, configured to fail if != 0",
    failures=3,
    rows=7,
    relation="w.main.a",
    sql="select * from a where id is null",
    inspect="select * from a where id is null limit 10",
    because="model.p.x",
    problem=Problem("X001", "bad", Span("models/a.sql", 2, 3), "do better", (("macro m", Span("macros/m.sql", 1, 2)),)),
    started=AT - timedelta(seconds=1),
    response={"rows_affected": 7},
)


def store(path: Path) -> Sqlite:
    return Sqlite(path / ".orchestrator" / "state.db", pid=os.getpid(), host="here")


def told(path: Path, *events: Event) -> Sqlite:
    history = store(path)
    for event in events:
        history.hear(event)
    history.close()
    return history


def test_what_was_told_comes_back(tmp_path: Path) -> None:
    note = Noted(AT, "warn", "careful", "model.p.a", Problem("L001", "hm", severity="warning"))
    history = told(tmp_path, started(), done("model.p.a"), note, FULL, RunFinished(AT, "r1", 2.5))
    run = history.run("r1")
    assert run is not None
    assert (run.status, run.command, run.target, run.seconds, run.planned) == ("failed", "build", "dev", 2.5, PLANNED)
    assert dict(run.counts) == {"passed": 1, "failed": 1}
    assert run.arguments == {"select": ["a+"], "password": "****", "ratio": None}
    assert history.results("r1") == (replace(done("model.p.a"), index=1), replace(FULL, index=3))
    assert history.notes("r1") == (note,)


def test_retry_does_what_did_not_succeed_and_what_was_not_reached(tmp_path: Path) -> None:
    history = told(
        tmp_path, started(), done("model.p.a"), FULL, done("model.p.b", Status.SKIPPED), RunFinished(AT, "r1", 1.0, cancelled=True)
    )
    assert history.unsuccessful("r1") == ("test.p.t", "model.p.b", "model.p.c")
    run = history.run("r1")
    assert run is not None
    assert run.status == "cancelled"


def test_runs_are_newest_first_and_found_by_target_command_and_abbreviation(tmp_path: Path) -> None:
    history = store(tmp_path)
    for minutes, (run, target, command) in enumerate([("aa1", "dev", "run"), ("aa2", "prod", "build"), ("b", "dev", "compile")]):
        history.hear(started(run, minutes=minutes, target=target, command=command))
        history.hear(RunFinished(AT, run, 1.0))
    assert [r.id for r in history.runs()] == ["b", "aa2", "aa1"]
    assert [r.id for r in history.runs(limit=1)] == ["b"]
    assert [r.id for r in history.runs(target="dev")] == ["b", "aa1"]
    last = history.last_run(target="dev", commands=["run", "build"])
    assert last is not None
    assert last.id == "aa1"
    assert history.run("aa") is None
    assert history.run("b") is not None
    history.close()


@pytest.mark.parametrize("memory", [False, True], ids=["sqlite", "memory"])
def test_the_latest_results_of_each_node_newest_first(tmp_path: Path, memory: bool) -> None:
    history = Memory() if memory else store(tmp_path)
    for n, target in enumerate(("dev", "dev", "prod", "dev")):
        history.hear(started(f"r{n}", minutes=n, target=target))
        for node in ("model.p.a", "model.p.b", "test.p.t"):
            if (n, node) != (3, "model.p.b"):
                history.hear(replace(done(node), at=AT + timedelta(minutes=n)))
        history.hear(RunFinished(AT + timedelta(minutes=n, seconds=1), f"r{n}", 1.0))
        history.close()
    found = [(run, r.node, r.sql) for run, r in history.latest("dev", 2, tests=False)]
    assert found == [("r3", "model.p.a", None), ("r1", "model.p.a", None), ("r1", "model.p.b", None), ("r0", "model.p.b", None)]
    assert [(run, r.node) for run, r in history.latest("dev", 1, tests=True)] == [("r3", "test.p.t")]
    assert list(history.latest("nowhere", 1, tests=True)) == []


def test_a_project_that_never_ran_has_no_history_and_asking_creates_no_file(tmp_path: Path) -> None:
    history = store(tmp_path)
    assert (history.runs(), history.run("x"), history.last_run(), history.results("x"), history.unsuccessful("x")) == (
        (),
        None,
        None,
        (),
        (),
    )
    assert list(tmp_path.iterdir()) == []


def test_a_result_is_on_disk_soon_although_nothing_else_happens(tmp_path: Path) -> None:
    history, reader = store(tmp_path), store(tmp_path)
    history.hear(started())
    history.hear(done("model.p.a"))
    deadline = time.monotonic() + 5
    while not reader.results("r1") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [r.node for r in reader.results("r1")] == ["model.p.a"]
    running = reader.run("r1")
    assert running is not None
    assert running.status == "running"
    assert reader.last_run() is None
    history.close()
    interrupted = reader.last_run()
    assert interrupted is not None
    assert interrupted.status == "interrupted"


KILLED = """
import os, sys, time
from pathlib import Path
sys.path[:0] = [sys.argv[2], sys.argv[3]]
from test_sqlite import store, started, done
history = store(Path(sys.argv[1]))
history.hear(started())
history.hear(done("model.p.a"))
time.sleep(0.5)
print("ready", flush=True)
time.sleep(60)
"""


def test_a_killed_run_is_interrupted_keeps_its_results_and_the_next_run_writes_that_down(tmp_path: Path) -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-c", KILLED, str(tmp_path), str(here), str(here.parents[2])]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        history = store(tmp_path)
        alive = history.run("r1")
        assert alive is not None
        assert alive.status == "running"
        child.send_signal(signal.SIGKILL)
    dead = history.last_run()
    assert dead is not None
    assert (dead.status, dead.finished) == ("interrupted", None)
    assert history.unsuccessful("r1") == ("test.p.t", "model.p.b", "model.p.c")
    told(tmp_path, started("r2", minutes=1), RunFinished(AT, "r2", 1.0))
    with sqlite3.connect(tmp_path / ".orchestrator/state.db") as connection:
        assert connection.execute("select status from runs order by id").fetchall() == [("interrupted",), ("passed",)]
    connection.close()


def test_another_process_with_the_same_number_is_not_the_run(tmp_path: Path) -> None:
    history = told(tmp_path, started())
    with sqlite3.connect(tmp_path / ".orchestrator/state.db") as connection:
        connection.execute("update runs set status = 'running', born = 'another boot:1'")
    connection.close()
    run = history.run("r1")
    assert run is not None
    assert run.status == ("interrupted" if Path("/proc/self/stat").exists() else "running")


def test_two_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    one, two = store(tmp_path), store(tmp_path)
    one.hear(started("r1"))
    two.hear(started("r2"))
    for index in range(200):
        one.hear(done(f"model.p.n{index}"))
        two.hear(done(f"model.p.n{index}"))
    one.close()
    two.close()
    assert (len(one.results("r1")), len(one.results("r2"))) == (200, 200)


def test_the_same_sql_is_kept_once(tmp_path: Path) -> None:
    told(tmp_path, started(), *(done(f"model.p.n{i}") for i in range(50)), RunFinished(AT, "r1", 1.0))
    with sqlite3.connect(tmp_path / ".orchestrator/state.db") as connection:
        assert connection.execute("select count(*) from texts").fetchone() == (1,)
    connection.close()


def test_a_damaged_file_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    told(tmp_path, started(), RunFinished(AT, "r1", 1.0))
    path = tmp_path / ".orchestrator/state.db"
    for damaged in (b"not a database, " * 400, path.read_bytes()[:5000] + b"\xff" * 20000):
        path.write_bytes(damaged)
        with pytest.raises(StoreError) as caught:
            told(tmp_path, started("r2"), RunFinished(AT, "r2", 1.0))
        assert caught.value.first.code == "S002"
        assert str(path) in caught.value.first.message
        assert "move it away" in (caught.value.first.hint or "")
        assert path.read_bytes() == damaged


def test_a_newer_schema_is_refused_for_reading_and_writing(tmp_path: Path) -> None:
    history = told(tmp_path, started(), RunFinished(AT, "r1", 1.0))
    with sqlite3.connect(tmp_path / ".orchestrator/state.db") as connection:
        connection.execute(f"pragma user_version = {files.SCHEMA + 1}")
    connection.close()
    with pytest.raises(StoreError, match="newer version") as caught:
        history.runs()
    assert caught.value.first.code == "S001"
    with pytest.raises(StoreError, match="newer version"):
        history.hear(started("r2"))


def test_somebody_elses_database_is_not_migrated(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table precious (x)")
    connection.close()
    with pytest.raises(StoreError) as caught:
        Sqlite(path, pid=1, host="here").hear(started())
    assert caught.value.first.code == "S005"
    with sqlite3.connect(path) as connection:
        assert connection.execute("select name from sqlite_schema").fetchall() == [("precious",)]
    connection.close()


def test_a_writer_that_never_lets_go_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told(tmp_path, started(), RunFinished(AT, "r1", 1.0))
    monkeypatch.setattr(files, "WAIT", 0.05)
    blocker = sqlite3.connect(tmp_path / ".orchestrator/state.db", isolation_level=None)
    blocker.execute("begin immediate")
    with pytest.raises(StoreError) as caught:
        store(tmp_path).hear(started("r2"))
    assert caught.value.first.code == "S003"
    blocker.close()


def test_a_file_where_the_folder_should_be_is_an_explained_error(tmp_path: Path) -> None:
    (tmp_path / ".orchestrator").write_text("")
    with pytest.raises(StoreError) as caught:
        store(tmp_path).hear(started())
    assert caught.value.first.code == "S004"


def test_a_write_that_fails_in_the_background_stops_the_run(tmp_path: Path) -> None:
    history = store(tmp_path)
    history.hear(started())
    with sqlite3.connect(tmp_path / ".orchestrator/state.db") as connection:
        connection.execute("drop table results")
    connection.close()
    history.hear(done("model.p.a"))
    assert history._writer is not None
    history._writer.join(5)
    with pytest.raises(StoreError) as caught:
        history.hear(done("model.p.b"))
    assert caught.value.first.code == "S004"
    with pytest.raises(StoreError):
        history.close()
    history.close()


def test_odd_values_are_kept(tmp_path: Path) -> None:
    odd = replace(done("model.p.a"), seconds=float("nan"), message="half \ud800 pair", sql="\ud800")
    history = told(tmp_path, started(), odd, RunFinished(AT, "r1", 1.0))
    [kept] = history.results("r1")
    assert (kept.seconds, kept.message, kept.sql) == (0.0, "half \\ud800 pair", "\\ud800")


def test_the_constant_names_the_newest_migration() -> None:
    folder = Path(files.__file__).parent / "migrations"
    assert sorted(p.name for p in folder.iterdir()) == [f"{n:04}.sql" for n in range(1, files.SCHEMA + 1)]


def test_there_is_a_sample_of_every_earlier_version() -> None:
    samples = sorted(p.name for p in Path(__file__).parent.glob("state_v*.sql"))
    assert samples == [f"state_v{n}.sql" for n in range(1, files.SCHEMA)]


@pytest.mark.parametrize("version", range(1, files.SCHEMA))
def test_a_migration_that_files_were_made_by_is_never_changed(version: int) -> None:
    folder = Path(__file__).parent
    sample, made = sqlite3.connect(":memory:"), sqlite3.connect(":memory:")
    sample.executescript((folder / f"state_v{version}.sql").read_text())
    for number in range(1, version + 1):
        made.executescript((Path(files.__file__).parent / "migrations" / f"{number:04}.sql").read_text())
    schemas = [set(c.execute("select type, name, sql from sqlite_schema where sql is not null")) for c in (sample, made)]
    sample.close()
    made.close()
    assert schemas[0] == schemas[1]


@pytest.mark.parametrize("version", range(1, files.SCHEMA))
def test_a_file_of_an_earlier_version_is_still_read(tmp_path: Path, version: int) -> None:
    path = tmp_path / ".orchestrator/state.db"
    path.parent.mkdir()
    with sqlite3.connect(path) as connection:
        connection.executescript((Path(__file__).parent / f"state_v{version}.sql").read_text())
    connection.close()
    history = store(tmp_path)
    [run] = history.runs()
    assert (run.id, run.status, run.target, dict(run.counts)) == ("r1", "failed", "dev", {"passed": 1, "failed": 1})
    assert [r.node for r in history.results("r1")] == ["model.p.a", "test.p.t"]
    assert [n.message for n in history.notes("r1")] == ["careful"]
    assert (run.actor, run.git_sha, history.attempts("r1"), dict(history.grounds("r1"))) == ("", None, (), {})


def test_a_migration_keeps_a_copy_and_runs_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    history = told(tmp_path, started(), RunFinished(AT, "r1", 1.0))
    before = files.SCHEMA
    folder = tmp_path / "migrations"
    folder.mkdir()
    (folder / f"{files.SCHEMA + 1:04}.sql").write_text("alter table runs add column mood text;\ncreate table broken (;\n")
    monkeypatch.setattr(files, "_MIGRATIONS", folder)
    monkeypatch.setattr(files, "SCHEMA", files.SCHEMA + 1)
    with pytest.raises(StoreError):
        history.runs()
    path = tmp_path / ".orchestrator/state.db"
    with sqlite3.connect(path) as connection:
        assert connection.execute("pragma user_version").fetchone() == (before,)
        assert "mood" not in [row[1] for row in connection.execute("pragma table_info(runs)")]
    connection.close()
    (folder / f"{files.SCHEMA:04}.sql").write_text("alter table runs add column mood text;\n")
    assert [r.id for r in history.runs()] == ["r1"]
    assert sorted(p.name for p in path.parent.glob("*.bak*")) == [f"state.db.v{before}.1.bak", f"state.db.v{before}.bak"]


def test_who_asks_besides_is_told_as_well_that_the_database_is_damaged(tmp_path: Path) -> None:
    history = told(tmp_path, started(), RunFinished(AT, "r1", 1.0))
    assert history.runs()
    path = tmp_path / ".orchestrator/state.db"
    assert (Probes(path).past("dev", "s"), Evidence(path).failing("dev"), Probes(tmp_path / "none.db").past("dev", "s")) == ((), {}, ())
    with sqlite3.connect(path) as connection:
        connection.executescript("drop table probes; drop table results;")
    connection.close()
    for ask in (lambda: Probes(path).past("dev", "s"), lambda: Evidence(path).failing("dev")):
        with pytest.raises(StoreError):
            ask()
