"""The server ends our sessions, one at each statement, or itself: the run goes on in new ones, or says clearly why not."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.adapters.postgres.connection import PostgresConnection
from orchestrator.api import Project
from orchestrator.core.event import Status
from orchestrator.core.run import Run
from orchestrator.testing.postgres import Unavailable, restartable, settings

NUMBERS = "{{ config(materialized='incremental') }} select {% if is_incremental() %}(select max(id) from {{ this }}) + 1{% else %}1{% endif %} as id"
TOTAL = "{{ config(materialized='table') }} select count(*) as n from {{ ref('numbers') }}"


def project(folder: Path, url: str, **more: Any) -> Project:
    output = {**settings(url), "schema": "shop", "threads": 1, **more}
    (folder / "models").mkdir(exist_ok=True)
    (folder / "profiles.yml").write_text(json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}}))
    (folder / "dbt_project.yml").write_text("name: shop\nversion: '1'\nprofile: shop\n")
    return Project(folder, env={k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))})


@pytest.fixture
def shop(tmp_path: Path, empty_postgres: str) -> Project:
    made = project(tmp_path, empty_postgres)
    (tmp_path / "models" / "numbers.sql").write_text(NUMBERS)
    (tmp_path / "models" / "total.sql").write_text(TOTAL)
    (tmp_path / "models" / "props.yml").write_text("models: [{name: numbers, columns: [{name: id, data_tests: [unique, not_null]}]}]\n")
    return made


class Sabotage:
    """Ends the session of a worker just before the ``at``-th thing it says; ``said`` is all that workers said."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.url, self.said, self.at = url, list[str](), 0
        answer, commit = PostgresConnection._answer, PostgresConnection.commit

        def answering(session: PostgresConnection, sql: str) -> Any:
            self.before(session, sql)
            return answer(session, sql)

        def committing(session: PostgresConnection) -> None:
            self.before(session, "commit")
            commit(session)

        monkeypatch.setattr(PostgresConnection, "_answer", answering)
        monkeypatch.setattr(PostgresConnection, "commit", committing)

    def before(self, session: PostgresConnection, sql: str) -> None:
        if not threading.current_thread().name.startswith("Thread-"):
            return
        self.said.append(sql)
        if len(self.said) == self.at:
            pid = session._driver.info.backend_pid
            with psycopg.connect(self.url, autocommit=True) as other:
                other.execute(f"select pg_terminate_backend({pid}, 5000)".encode())


def test_a_session_ended_at_any_statement_costs_one_more_try(shop: Project, empty_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is appended twice, nothing is lost, and the work is done again once, not once for each layer that could."""

    def query(sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(empty_postgres, autocommit=True) as connection:
            return connection.execute(sql.encode()).fetchall()

    assert shop.build().ok
    sabotage = Sabotage(empty_postgres, monkeypatch)
    assert shop.build().ok
    undisturbed = list(sabotage.said)
    assert len(undisturbed) > 12
    stages = sum("__orc_stage" in said and " as\n" in said for said in undisturbed)
    rows = 2
    for at in range(1, len(undisturbed) + 1):
        sabotage.said, sabotage.at = [], at
        run = shop.build()
        rows += 1
        assert run.ok, (undisturbed[at - 1], [r.message for r in run.results])
        assert query("select array_agg(id order by id)::text from shop.numbers") == [(f"{{{','.join(map(str, range(1, rows + 1)))}}}",)]
        assert query("select n from shop.total") == [(rows,)]
        assert query("select distinct run from _orc.ledger") == [(run.id,)]
        assert query("select relation from _orc.leases where run is not null") == []
        again = sum("__orc_stage" in said and " as\n" in said for said in sabotage.said)
        assert stages <= again <= stages + 1, undisturbed[at - 1]


@pytest.fixture
def own_server() -> Iterator[Any]:
    """A server that a test may stop and start."""
    try:
        with restartable({k: v for k, v in os.environ.items() if k != "ORC_TEST_PG_URL"}) as (url, start, stop):
            start()
            yield url, start, stop
    except Unavailable as reason:
        if os.environ.get("ORC_REQUIRE_PG") == "1":
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


def in_background(shop: Project) -> tuple[threading.Thread, list[Run]]:
    runs: list[Run] = []
    thread = threading.Thread(target=lambda: runs.append(shop.run()))
    thread.start()
    return thread, runs


def standing(url: str) -> None:
    """Wait until a model stands before the gate."""
    with psycopg.connect(url, autocommit=True) as other:
        while other.execute(b"select 1 from pg_locks where locktype = 'advisory' and objid = 77 and not granted").fetchone() is None:
            pass


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_restarts_meanwhile_is_waited_for(own_server: Any, tmp_path: Path, how: signal.Signals) -> None:
    url, start, stop = own_server
    shop = project(tmp_path, url)
    (tmp_path / "models" / "numbers.sql").write_text(NUMBERS + " from (select pg_advisory_xact_lock_shared(77)) gate")
    assert shop.run().ok
    with psycopg.connect(url, autocommit=True) as gate:
        gate.execute(b"select pg_advisory_lock(77)")
        thread, runs = in_background(shop)
        standing(url)
        gate.execute(b"checkpoint")  # this server answers before it writes: without a crash of the machine that is enough
        stop(how)
    start()
    thread.join()
    assert [r.status for r in runs[0].results] == [Status.PASSED], [r.problem for r in runs[0].results]
    with psycopg.connect(url, autocommit=True) as other:
        assert other.execute(b"select id from shop.numbers order by 1").fetchall() == [(1,), (2,)]


def test_a_server_that_stays_away_ends_the_run_and_says_so(own_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.adapters.postgres.connection.RECONNECTS", 1)
    url, start, stop = own_server
    shop = project(tmp_path, url)
    (tmp_path / "models" / "t.sql").write_text(
        "{{ config(materialized='table') }} select 1 as x from (select pg_advisory_xact_lock_shared(77)) gate"
    )
    with psycopg.connect(url, autocommit=True) as gate:
        gate.execute(b"select pg_advisory_lock(77)")
        thread, runs = in_background(shop)
        standing(url)
        stop(signal.SIGQUIT)
    thread.join()
    (result,) = runs[0].results
    assert (result.status, result.problem.code if result.problem else "") == (Status.CRASHED, "W201")
    start()
    assert shop.run().ok
