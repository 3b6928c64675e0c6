"""Two runs at once on Postgres, each a process: no row twice, no table half theirs, nothing that is not said."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.testing.postgres import settings

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 45  # seconds; less than what a lease without a heartbeat lasts

GATE = 77
"""An advisory lock: models that look through it stand still while a test holds it."""

TABLE = "{{ config(materialized='table') }} select '{{ var('who', 'nobody') }}' as who from (select pg_advisory_xact_lock_shared(77)) gate"
NUMBERS = (
    "{{ config(materialized='incremental') }} select {% if is_incremental() %}(select max(id) from {{ this }}) + 1{% else %}1{% endif %} as id,"
    " '{{ var('who', 'nobody') }}' as who"
)

CHECK = """
with gate as materialized (select count(*) as n from pg_advisory_xact_lock_shared(77))
select id from {{ ref('numbers') }}, gate where gate.n = 2
"""


@dataclass
class Shop:
    """A project folder, processes that build it, and the database they meet in."""

    root: Path
    url: str
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, **models: str) -> Shop:
        for name, text in models.items():
            path = self.root / ("tests" if name.startswith("check_") else "models") / f"{name}.sql"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        return self

    def start(self, *words: str) -> subprocess.Popen[str]:
        env = {**{k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))}, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "orchestrator", *(words or ("run",)), "--project-dir", str(self.root)]
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.started.append(process)
        return process

    def orc(self, *words: str, code: int = 0) -> str:
        return ended(self.start(*words), code)

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def closed(self) -> Iterator[None]:
        """While the gate is closed."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f"select pg_advisory_lock({GATE})".encode())
            yield

    def stands(self) -> bool:
        """Whether somebody stands before the gate."""
        waits = f"select count(*) from pg_locks where locktype = 'advisory' and objid = {GATE} and not granted"
        database = "database = (select oid from pg_database where datname = current_database())"
        return self.query(f"{waits} and {database}") == [(1,)]

    def waits(self, process: subprocess.Popen[str]) -> None:
        """Read what a process says until it says that it waits."""
        assert process.stdout is not None
        said = ""
        giving_up = threading.Timer(PATIENCE, process.kill)
        giving_up.start()
        for line in process.stdout:
            said += line
            if "waiting for run" in line:
                giving_up.cancel()
                return
        pytest.fail(said)


def ended(process: subprocess.Popen[str], code: int = 0) -> str:
    out, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, out
    return out


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def shop(tmp_path: Path, empty_postgres: str) -> Iterator[Shop]:
    output = {**settings(empty_postgres), "schema": "shop", "threads": 2}
    (tmp_path / "profiles.yml").write_text(json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}}))
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1'\nprofile: shop\n")
    made = Shop(tmp_path, empty_postgres)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_round_after_round_no_row_is_appended_twice(shop: Shop) -> None:
    """Each run appends the number after the last one; what two runs computed from one state would be there twice."""
    shop.write(
        numbers=NUMBERS,
        total="{{ config(materialized='table') }} select count(*) as n from {{ ref('numbers') }}",
        names="select * from {{ ref('numbers') }}",
    )
    shop.orc("run")
    rounds = 8
    for _ in range(rounds):
        for process in [shop.start("run") for _ in range(2)]:
            ended(process)
    assert shop.query("select id from shop.numbers order by 1") == [(n,) for n in range(1, 2 * rounds + 2)]
    assert shop.query("select n from shop.total") == [(2 * rounds + 1,)]
    assert shop.query("select relation from _orc.leases where run is not null") == []
    assert shop.query("select relname from pg_class where relname ~ '__orc_stage'") == []
    last = "select count(distinct run) from _orc.ledger"
    assert shop.query(last)[0][0] in (1, 2)


def test_who_comes_second_says_for_whom_it_waits(shop: Shop) -> None:
    shop.write(t=TABLE)
    with shop.closed():
        first = shop.start("run", "--vars", "{who: first}")
        until(shop.stands)
        second = shop.start("run", "--vars", "{who: second}")
        shop.waits(second)
    ended(first)
    ended(second)
    assert shop.query("select who from shop.t") == [("second",)]


def test_who_does_not_want_to_wait_skips_or_fails(shop: Shop) -> None:
    shop.write(t=TABLE, child="select * from {{ ref('t') }}", other="select 1 as x")
    with shop.closed():
        first = shop.start("run", "-s", "t")
        until(shop.stands)
        told = shop.orc("run", "--on-conflict", "skip")
        statuses = {r["unique_id"]: r["status"] for r in json.loads((shop.root / "target" / "run_results.json").read_text())["results"]}
        assert statuses == {"model.shop.t": "skipped", "model.shop.child": "skipped", "model.shop.other": "success"}, told
        assert "which builds" in told
        assert "X331" in shop.orc("run", "-s", "t", "--on-conflict", "fail", code=1)
        patient = shop.orc("run", "-s", "t", "--lock-timeout", "1", code=1)
        assert "waiting for run" in patient
        assert "X331" in patient
        assert shop.stands()
    ended(first)


@pytest.mark.parametrize(
    ("words", "ids", "said"), [((), [1, 2], "REUSED=1"), (("--vars", "{who: me}"), [1, 2, 3], "REUSED=0")], ids=["same", "other code"]
)
def test_who_attaches_takes_what_the_other_run_built(shop: Shop, words: tuple[str, ...], ids: list[int], said: str) -> None:
    shop.write(numbers=NUMBERS + " from (select pg_advisory_xact_lock_shared(77)) gate")
    shop.orc("run")
    with shop.closed():
        first = shop.start("run")
        until(shop.stands)
        second = shop.start("run", "--on-conflict", "attach", *words)
        shop.waits(second)
    ended(first)
    assert said in ended(second)
    assert shop.query("select id from shop.numbers order by id") == [(id_,) for id_ in ids]


def test_a_killed_run_is_in_nobodys_way(shop: Shop) -> None:
    shop.write(t=TABLE, numbers=NUMBERS + " from (select pg_advisory_xact_lock_shared(77)) gate")
    shop.orc("run")
    for model in ("t", "numbers"):
        with shop.closed():
            first = shop.start("run", "-s", model)
            until(shop.stands)
            first.kill()
            first.wait()
        shop.orc("run", "-s", model)
    assert shop.query("select id from shop.numbers order by 1") == [(1,), (2,)]
    assert shop.query("select run from _orc.leases where run is not null") == []


@pytest.mark.parametrize("model", ["t", "numbers"])
def test_a_run_that_stood_still_for_too_long_publishes_nothing(shop: Shop, model: str) -> None:
    """It stands in its first transaction (a table), or in its second with the delta applied (an incremental model)."""
    shop.write(t=TABLE, numbers=NUMBERS, check_numbers=CHECK)
    shop.orc("build")
    with shop.closed():
        first = shop.start("build", "-s", model, "--vars", "{who: first}")
        until(shop.stands)
        first.send_signal(signal.SIGSTOP)
        shop.query("update _orc.leases set heartbeat = now() - interval '61 seconds' where run is not null")
        second = shop.start("build", "-s", model, "--vars", "{who: second}")
        until(lambda: shop.query("select fence from _orc.leases where run is not null order by fence desc limit 1") == [(3,)])
    ended(second)
    before = shop.query(f"select * from shop.{model}"), shop.query("select * from _orc.ledger")
    assert str(before[0]).count("'second'") == 1
    first.send_signal(signal.SIGCONT)
    told = ended(first, code=1)
    assert "X330" in told
    assert "taken over" in told
    assert (shop.query(f"select * from shop.{model}"), shop.query("select * from _orc.ledger")) == before
    shop.orc("build")


def test_a_full_refresh_waits_for_the_delta(shop: Shop) -> None:
    shop.write(numbers=NUMBERS + " from (select pg_advisory_xact_lock_shared(77)) gate")
    shop.orc("run")
    with shop.closed():
        first = shop.start("run")
        until(shop.stands)
        second = shop.start("run", "--full-refresh", "--vars", "{who: refresh}")
        shop.waits(second)
    ended(first)
    ended(second)
    assert shop.query("select * from shop.numbers") == [(1, "refresh")]


def test_two_runs_that_both_plan_to_make_it_first_do_not_add_up(shop: Shop) -> None:
    shop.write(numbers=NUMBERS + " from (select pg_advisory_xact_lock_shared(77)) gate")
    with shop.closed():
        first = shop.start("run")
        until(shop.stands)
        second = shop.start("run")
        shop.waits(second)
    ended(first)
    ended(second)
    assert shop.query("select id from shop.numbers") == [(1,)]
