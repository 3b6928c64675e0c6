"""What every history promises, wherever it is kept: in a file, on a server, in memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.adapters.postgres.state import SCHEMA, PostgresState
from orchestrator.core.errors import Problem, StoreError
from orchestrator.core.event import Event, Grounds, NodeFinished, NodeRetried, NodeStarted, Noted, RunFinished, RunStarted, Status
from orchestrator.core.files import Span
from orchestrator.record import database as files
from orchestrator.record.database import Place
from orchestrator.record.history import History, Sought
from orchestrator.record.memory import Memory
from orchestrator.record.sqlite import Sqlite

AT = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
A, B, T = "model.p.a", "model.p.b", "test.p.t"
WHY = {A: Grounds("code changed", "f1", {"code": "c1", "upstream": {B: "f0"}}), B: Grounds("selected", "f0")}


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    if request.param == "file":
        yield tmp_path / "state.db"
        return
    url = request.getfixturevalue("postgres_url")
    yield PostgresState(url)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"drop schema if exists {SCHEMA} cascade".encode())


def kept(place: Place, **more: Any) -> Sqlite:
    return Sqlite(place, pid=os.getpid(), host="here", **more)


@pytest.fixture(params=["file", "server", "memory"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """Opens a history; the same one each time."""
    if request.param == "memory":
        memory = Memory()
        yield lambda: memory
    elif request.param == "file":
        yield lambda: kept(tmp_path / "state.db")
    else:
        url = request.getfixturevalue("postgres_url")
        yield lambda: kept(PostgresState(url))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"drop schema if exists {SCHEMA} cascade".encode())


def began(run: str = "r1", minutes: int = 0, target: str = "dev", command: str = "build") -> RunStarted:
    at = AT + timedelta(minutes=minutes)
    planned = (A, T, B)
    who = {"trigger": "schedule:nightly", "actor": "ann@box", "git_sha": "abc123", "dirty": True}
    return RunStarted(at, run, command, "0.1", target, 4, 3, arguments={"select": ["a+"]}, planned=planned, grounds=WHY, **who)  # type: ignore[arg-type]


def ended(node: str, status: Status = Status.PASSED, **more: Any) -> NodeFinished:
    kind: Any = "test" if node.startswith("test") else "model"
    return NodeFinished(AT, node, kind, f"label of {node}", 1, status, 0.25, "T1", **more)


def start(node: str, attempt: int = 1) -> NodeStarted:
    return NodeStarted(AT, node, "model", "label", 1, "T1", attempt)


def again(node: str, attempt: int, message: str) -> NodeRetried:
    problem = Problem("X108", message, Span("models/a.sql", 2, 3), "wait")
    return NodeRetried(
        AT, node, "model", "label", 1, "T1", attempt, 2, 10.5, Status.CRASHED, 1.5, AT, message, "transient", problem, "select 2"
    )


def note(message: str, node: str | None = A) -> Noted:
    return Noted(AT, "info", message, node)


def tell(history: Any, *events: Event) -> Any:
    for event in events:
        history.hear(event)
    history.close()
    return history


OVER = RunFinished(AT, "r1", 2.5)


def test_what_was_told_comes_back(make: Callable[[], History]) -> None:
    full = ended(
        T, Status.FAILED, failures=3, rows=7, sql="select '%' || ?", inspect="select 1", because=A, response={"bytes_processed": 9}
    )
    tell(make(), began(), ended(A, sql="select 1"), full, OVER)
    history = make()
    run = history.run("r1")
    assert run is not None
    assert (run.status, run.seconds, run.planned, dict(run.counts)) == ("failed", 2.5, (A, T, B), {"passed": 1, "failed": 1})
    assert (run.trigger, run.actor, run.git_sha, run.dirty) == ("schedule:nightly", "ann@box", "abc123", True)
    assert [replace(r, index=1) for r in history.results("r1")] == [ended(A, sql="select 1"), full]
    assert history.unsuccessful("r1") == (T, B)


def test_every_attempt_is_kept_with_its_own_notes(make: Callable[[], History]) -> None:
    told = (
        start(A),
        note("first"),
        again(A, 1, "lost"),
        start(A, 2),
        note("second"),
        again(A, 2, "lost again"),
        start(A, 3),
        note("third"),
    )
    history = tell(make(), began(), note("of nobody", None), *told, ended(A, attempt=3, sql="select 3"), OVER)
    found = history.attempts("r1", A)
    assert [(t.attempt, t.status, t.cause, t.wait, t.message, t.sql) for t in found] == [
        (1, Status.CRASHED, "transient", 10.5, "lost", "select 2"),
        (2, Status.CRASHED, "transient", 10.5, "lost again", "select 2"),
        (3, Status.PASSED, None, None, "", "select 3"),
    ]
    assert found[0].problem == Problem("X108", "lost", Span("models/a.sql", 2, 3), "wait")
    assert [n.message for n in history.notes("r1", A, 2)] == ["second"]
    assert [n.message for n in history.notes("r1", A)] == ["first", "second", "third"]
    assert [n.message for n in history.notes("r1")] == ["of nobody", "first", "second", "third"]
    assert history.results("r1")[0].attempt == 3


def test_a_node_that_nobody_tried_has_no_attempt(make: Callable[[], History]) -> None:
    history = tell(make(), began(), ended(A, Status.SKIPPED), ended(B, Status.REUSED), ended(T), OVER)
    assert history.attempts("r1") == ()


def test_why_each_node_was_in_a_run(make: Callable[[], History]) -> None:
    tell(make(), began(), OVER)
    assert make().grounds("r1") == WHY
    assert make().grounds("r2") == {}


def test_events_are_followed_by_their_numbers(make: Callable[[], History]) -> None:
    history = tell(make(), began(), start(A), ended(A, sql="select 1"), OVER)
    found = history.events("r1")
    assert [body["event"] for _, body in found] == ["RunStarted", "NodeStarted", "NodeFinished", "RunFinished"]
    assert all("sql" not in body and "grounds" not in body for _, body in found)
    assert [body["event"] for _, body in history.events("r1", found[1][0])] == ["NodeFinished", "RunFinished"]


def test_runs_are_newest_first_and_sought_by_status_target_and_time(make: Callable[[], History]) -> None:
    history: Any = make()
    for minutes, (run, target, bad) in enumerate([("aa1", "dev", True), ("aa2", "prod", False), ("b", "dev", False)]):
        tell(history, began(run, minutes, target), *([ended(A, Status.FAILED)] if bad else []), replace(OVER, run=run))
    assert [r.id for r in history.runs()] == ["b", "aa2", "aa1"]
    assert [r.id for r in history.runs(limit=1)] == ["b"]
    assert [r.id for r in history.runs(target="dev")] == ["b", "aa1"]
    assert [r.id for r in history.runs(sought=Sought(target="dev"))] == ["b", "aa1"]
    assert [r.id for r in history.runs(sought=Sought(status="failed"))] == ["aa1"]
    assert [r.id for r in history.runs(sought=Sought(since=AT + timedelta(minutes=1)))] == ["b", "aa2"]
    assert history.run("aa") is None
    assert history.last_run("dev", ["build"]).id == "b"


def test_the_latest_results_of_each_node_newest_first(make: Callable[[], History]) -> None:
    history: Any = make()
    for n, target in enumerate(("dev", "dev", "prod", "dev")):
        tell(
            history,
            began(f"r{n}", n, target),
            *(replace(ended(node), at=AT + timedelta(minutes=n)) for node in (A, T)),
            replace(OVER, run=f"r{n}"),
        )
    assert [(run, r.node) for run, r in history.latest("dev", 2, tests=False)] == [("r3", A), ("r1", A)]
    assert [(run, r.node) for run, r in history.latest("dev", 1, tests=True)] == [("r3", T)]


def test_old_runs_are_forgotten_with_all_that_only_they_knew(make: Callable[[], History]) -> None:
    history: Any = make()
    for n in range(3):
        run = f"r{n}"
        tell(history, began(run, n), start(A), note("x"), again(A, 1, "lost"), ended(A, sql=f"select {n}"), replace(OVER, run=run))
    assert history.prune(AT + timedelta(minutes=2)) == 2
    assert history.prune(AT + timedelta(minutes=2)) == 0
    assert [r.id for r in history.runs()] == ["r2"]
    assert (history.results("r0"), history.notes("r0"), history.attempts("r0"), history.events("r0")) == ((), (), (), ())
    assert history.results("r2")[0].sql == "select 2"
    assert history.grounds("r2") == WHY


def test_texts_that_nobody_holds_any_more_go_too(place: Place) -> None:
    for n in range(2):
        tell(kept(place), began(f"r{n}", n), ended(A, sql=f"select {n}"), replace(OVER, run=f"r{n}"))
    kept(place).prune(AT + timedelta(minutes=1))
    link = files.database(place, create=False)
    assert sorted(row["text"] for row in link.execute("select text from texts where text like 'select%'")) == ["select 1"]
    link.close()


def test_what_is_older_than_it_may_be_is_forgotten_with_the_next_run(place: Place) -> None:
    tell(kept(place), began("old", -1000), replace(OVER, run="old", at=AT - timedelta(minutes=1000)))
    tell(kept(place, keep=timedelta(minutes=500)), began("new"), replace(OVER, run="new"))
    assert [r.id for r in kept(place).runs()] == ["new"]


def test_two_who_write_at_once_lose_nothing(place: Place) -> None:
    one, other = kept(place), kept(place)
    for event in (began("r1"), began("r2", 1)):
        (one if event.run == "r1" else other).hear(event)
    for n in range(30):
        one.hear(ended(f"model.p.m{n}"))
        other.hear(ended(f"model.p.m{n}"))
    for history, run in ((one, "r1"), (other, "r2")):
        history.hear(replace(OVER, run=run))
        history.close()
    assert [len(one.results(run)) for run in ("r1", "r2")] == [30, 30]


class TestAServer:
    def test_that_is_not_there_is_named_without_its_password(self) -> None:
        history = kept(PostgresState("postgresql://me:hunter2@127.0.0.1:1/state"))
        with pytest.raises(StoreError) as refused:
            history.runs()
        assert refused.value.first.code == "S008"
        assert "postgresql://me@127.0.0.1:1/state" in refused.value.first.message
        assert "hunter2" not in str(refused.value)

    def test_of_a_newer_version_is_left_alone(self, postgres_url: str) -> None:
        tell(kept(PostgresState(postgres_url)), began(), OVER)
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"insert into {SCHEMA}.version values (99)".encode())
            with pytest.raises(StoreError) as refused:
                kept(PostgresState(postgres_url)).runs()
            connection.execute(f"drop schema {SCHEMA} cascade".encode())
        assert refused.value.first.code == "S001"

    def test_that_ends_our_session_between_two_writes_is_asked_again(self, postgres_url: str) -> None:
        history = kept(PostgresState(postgres_url), pause=0.01)
        history.hear(began())
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            ours = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'orc state'"
            assert connection.execute(ours.encode()).fetchall()
        tell(history, ended(A), OVER)
        run = kept(PostgresState(postgres_url)).run("r1")
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            connection.execute(f"drop schema {SCHEMA} cascade".encode())
        assert run is not None
        assert (run.status, dict(run.counts)) == ("passed", {"passed": 1})
