"""Connections that break: nothing happens twice, nothing is believed that did not happen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.adapters import registry
from orchestrator.core.errors import ExecuteError, WarehouseError
from orchestrator.core.names import Relation
from orchestrator.core.project import Secret, Target
from orchestrator.testing.postgres import settings


@pytest.fixture
def target(empty_postgres: str) -> Target:
    return Target("shop", "dev", "postgres", None, "public", 2, {**settings(empty_postgres), "lock_timeout": 1, "retries": 0})


@pytest.fixture
def warehouse(target: Target) -> Iterator[Any]:
    made = registry.warehouse(target, "/", "run-1")
    yield made
    made.close()


def sleeping(url: str) -> int:
    """How many queries of ours sleep on the server."""
    asleep = b"select count(*) from pg_stat_activity where query ~ 'pg_sleep' and state = 'active' and pid <> pg_backend_pid() and datname = current_database()"
    with psycopg.connect(url) as other:
        row = other.execute(asleep).fetchone()
        return int(row[0]) if row else 0


def until(holds: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
    return holds()


def terminate(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"select pg_terminate_backend({pid}, 5000)".encode())


def test_a_session_that_broke_while_idle_is_opened_again(warehouse: Any, empty_postgres: str) -> None:
    session = warehouse.connect()
    terminate(empty_postgres, session.execute("select pg_backend_pid()").rows[0][0])
    with pytest.raises(ExecuteError) as caught:
        session.execute("select 1")
    assert caught.value.transient
    assert session.execute("select 1").rows == ((1,),)


def test_a_transaction_does_not_go_on_in_another_session(warehouse: Any, empty_postgres: str) -> None:
    session = warehouse.connect()
    session.begin()
    terminate(empty_postgres, session.execute("select pg_backend_pid()").rows[0][0])
    for _ in range(2):
        with pytest.raises(ExecuteError) as caught:
            session.execute("create table t (i int)")
        assert caught.value.transient
    with pytest.raises(ExecuteError, match="nothing was committed") as lost:
        session.commit()
    assert lost.value.transient
    session.begin()
    session.execute("create table t (i int)")
    session.commit()


class Cut:
    """A driver's connection whose answer to COMMIT does not arrive; ``before`` says that the question did not either."""

    def __init__(self, driver: Any, *, before: bool) -> None:
        self._driver, self._before = driver, before

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def execute(self, sql: bytes) -> Any:
        if sql == b"commit":
            if not self._before:
                self._driver.execute(sql)
            self._driver.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return self._driver.execute(sql)


@pytest.mark.parametrize("before", [True, False])
def test_a_commit_without_an_answer_is_looked_up(warehouse: Any, before: bool) -> None:
    session = warehouse.connect()
    session.begin()
    session.execute("create table t (i int)")
    session._driver = Cut(session._driver, before=before)
    if before:
        with pytest.raises(ExecuteError, match="nothing was committed") as caught:
            session.commit()
        assert caught.value.transient
    else:
        session.commit()
    there = session.execute("select to_regclass('public.t') is not null").rows
    assert there == ((not before,),)


def test_a_failed_transaction_cannot_be_committed_behind_our_back(warehouse: Any) -> None:
    session = warehouse.connect()
    session.begin()
    session.execute("create table t (i int)")
    with pytest.raises(psycopg.Error):
        session._driver.execute(b"select nope")  # somebody swallowed the error
    with pytest.raises(ExecuteError, match="nothing was committed"):
        session.commit()


def test_a_session_says_which_run_it_belongs_to(warehouse: Any) -> None:
    session = warehouse.connect()
    assert session.execute("select current_setting('application_name')").rows == (("orc run-1",),)
    assert session.execute("select current_setting('client_connection_check_interval')").rows == (("1s",),)
    session.execute("set lock_timeout = 7")
    session.close()
    again = warehouse.connect()  # the same one, as if it were new
    assert again.execute("select current_setting('lock_timeout')").rows == (("1s",),)
    assert again.execute("select current_setting('application_name')").rows == (("orc run-1",),)


def test_a_cancelled_query_is_gone_from_the_server(warehouse: Any, empty_postgres: str) -> None:
    session = warehouse.connect()
    timer = threading.Timer(0.3, session.cancel)
    timer.start()
    with pytest.raises(ExecuteError) as caught:
        session.execute("select pg_sleep(30)")
    timer.join()
    assert caught.value.cancelled
    assert sleeping(empty_postgres) == 0


def test_a_limit_is_not_a_cancel(target: Target) -> None:
    limited = registry.warehouse(Target("shop", "dev", "postgres", None, "public", 2, {**target.settings, "statement_timeout": "0.2"}), "/")
    session = limited.connect()
    with pytest.raises(ExecuteError) as caught:
        session.execute("select pg_sleep(5)")
    limited.close()
    assert (caught.value.first.code, caught.value.cancelled, caught.value.transient) == ("X113", False, False)


def test_a_publish_waits_for_readers_in_short_pieces(warehouse: Any, target: Target, empty_postgres: str) -> None:
    """A reader that stays keeps the publish out; readers that come later wait no longer than one piece."""
    session = warehouse.connect()
    say = warehouse.dialect
    for statement in say.ledger_setup():
        session.execute(statement)
    relation = Relation(None, "public", "t")
    session.execute("create table public.t as select 1 as i")
    session.execute("set orc.patience = 600")
    with psycopg.connect(empty_postgres) as reader:
        reader.execute(b"select * from public.t")  # and the transaction stays open
        session.begin()
        session.execute(say.create_table(relation.stage, "select 2 as i", {}))
        began = time.monotonic()
        with pytest.raises(ExecuteError) as caught:
            session.execute(say.swap(relation.stage, relation, None)[0])
        assert 0.5 < time.monotonic() - began < 5
        assert caught.value.transient
        session.rollback()
    assert session.execute("select i from public.t").rows == ((1,),)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"dbname": "nowhere"}, "W203"),
        ({"user": "nobody_at_all"}, "W202"),
        ({"host": "/nowhere"}, "W201"),
        ({"role": "nobody_at_all"}, "W202"),
    ],
)
def test_a_refused_connection_says_why_and_keeps_secrets(target: Target, change: dict[str, str], code: str) -> None:
    given = {**target.settings, "password": Secret("hunter2-hunter2"), **change}
    with pytest.raises(WarehouseError) as caught:
        registry.warehouse(Target("shop", "dev", "postgres", None, "public", 2, given), "/").connect()
    assert caught.value.first.code == code
    assert "hunter2" not in str(caught.value)
    assert caught.value.first.hint


def test_sessions_are_used_again_and_all_end(warehouse: Any, empty_postgres: str) -> None:
    first = warehouse.connect()
    pid = first.execute("select pg_backend_pid()").rows
    first.close()
    assert warehouse.connect().execute("select pg_backend_pid()").rows == pid
    warehouse.connect()
    warehouse.close()
    with psycopg.connect(empty_postgres, autocommit=True) as other:
        mine = b"select count(*) from pg_stat_activity where application_name = 'orc run-1' and datname = current_database()"
        assert until(lambda: other.execute(mine).fetchone() == (0,))


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def sleepy(tmp_path: Path, empty_postgres: str) -> Path:
    """A project of four tables that take a minute each."""
    output = {**settings(empty_postgres), "schema": "shop", "threads": 4}
    (tmp_path / "models").mkdir()
    (tmp_path / "profiles.yml").write_text(json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}}))
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1'\nprofile: shop\nmodels: {+materialized: table}\n")
    for number in range(4):
        (tmp_path / "models" / f"m{number}.sql").write_text("select 1 as id from pg_sleep(60)")
    return tmp_path


def started(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "orchestrator", "run", "--project-dir", str(folder)]
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_running_on_the_server(sleepy: Path, empty_postgres: str, how: signal.Signals) -> None:
    with started(sleepy) as run:
        assert until(lambda: sleeping(empty_postgres) == 4, 30)
        run.send_signal(how)
        told, _ = run.communicate(timeout=30)
    assert run.returncode == (130 if how is signal.SIGINT else 143), told
    assert sleeping(empty_postgres) == 0
    results = json.loads((sleepy / "target" / "run_results.json").read_text())["results"]
    assert len(results) == 4
    assert "success" not in {r["status"] for r in results}


def test_a_killed_run_ends_on_the_server_too_and_commits_nothing(sleepy: Path, empty_postgres: str) -> None:
    with started(sleepy) as run:
        assert until(lambda: sleeping(empty_postgres) == 4, 30)
        run.kill()
    assert until(lambda: sleeping(empty_postgres) == 0, 5)
    with psycopg.connect(empty_postgres) as other:
        assert other.execute(b"select count(*) from pg_class where relnamespace = 'shop'::regnamespace").fetchone() == (0,)
