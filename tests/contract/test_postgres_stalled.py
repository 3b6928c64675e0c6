"""A server that stops answering, while its connections stay open: nobody waits for it for ever."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.adapters.postgres import connection as sessions
from orchestrator.adapters.postgres import deadlines
from orchestrator.core.errors import ExecuteError
from orchestrator.core.project import Target
from orchestrator.testing.postgres import settings
from tests.contract.project import built

BOUND = 60.0
"""Seconds after which somebody who is still waiting waits for ever."""


class Wire:
    """A way to the server that can stop carrying anything: what is open stays open, what is new is let in and left standing."""

    def __init__(self, host: str, port: int) -> None:
        self.far = (socket.AF_UNIX, f"{host}/.s.PGSQL.{port}") if host.startswith("/") else (socket.AF_INET, (host, port))
        self.stalled = threading.Event()
        self.open: list[socket.socket] = []
        self.door = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._let_in, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.door.getsockname()[1])

    def _let_in(self) -> None:
        while True:
            try:
                near, _ = self.door.accept()
            except OSError:
                return
            self.open.append(near)
            if self.stalled.is_set():
                continue
            far = socket.socket(self.far[0])
            far.connect(self.far[1])
            self.open.append(far)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=(one, other), daemon=True).start()

    def _carry(self, one: socket.socket, other: socket.socket) -> None:
        try:
            while said := one.recv(1 << 16):
                if self.stalled.is_set():
                    return
                other.sendall(said)
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        for each in (self.door, *self.open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # who reads there is told
            each.close()


@pytest.fixture
def wire(empty_postgres: str) -> Iterator[Wire]:
    given = settings(empty_postgres)
    made = Wire(str(given["host"]), int(given.get("port") or 5432))
    yield made
    made.close()


@pytest.fixture
def target(empty_postgres: str, wire: Wire) -> Target:
    told = {**settings(empty_postgres), "host": "127.0.0.1", "port": wire.port, "connect_timeout": 2, "retries": 0, "sslmode": "disable"}
    return Target("shop", "dev", "postgres", None, "wares", 2, told)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "GRACE_SECONDS", 1.0)
    monkeypatch.setattr(sessions, "RECONNECTS", 1)
    monkeypatch.setattr(sessions, "_CANCEL_SECONDS", 1.0)


def timed(target: Target, **more: Any) -> Target:
    return Target(target.profile, target.name, target.type, target.database, target.schema, 2, {**target.settings, **more})


def test_a_statement_that_should_be_over_counts_as_lost(target: Target, wire: Wire) -> None:
    warehouse = registry.warehouse(timed(target, statement_timeout=1), "/", "stalled")
    session = warehouse.connect()
    assert session.execute("select 1").rows == ((1,),)
    wire.stalled.set()
    began = time.monotonic()
    with pytest.raises(ExecuteError) as caught:
        session.execute("select 2")
    assert caught.value.transient
    assert time.monotonic() - began < BOUND
    session.close()
    warehouse.close()


def test_who_cancels_does_not_wait_for_a_server_that_is_silent(target: Target, wire: Wire) -> None:
    warehouse = registry.warehouse(target, "/", "stalled")
    session = warehouse.connect()
    ended: list[ExecuteError] = []

    def ask() -> None:
        try:
            session.execute("select pg_sleep(1800)")
        except ExecuteError as error:
            ended.append(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    until = time.monotonic() + 10
    while not getattr(session, "_busy", False) and time.monotonic() < until:
        time.sleep(0.02)
    wire.stalled.set()
    session.cancel()
    asking.join(BOUND)
    assert not asking.is_alive()
    assert ended
    session.close()
    warehouse.close()


def test_what_takes_its_time_is_left_alone(target: Target) -> None:
    warehouse = registry.warehouse(target, "/", "stalled")
    session = warehouse.connect()
    assert session.execute("select 1 from pg_sleep(2.5)").rows == ((1,),)  # no limit was given, and nobody cancelled
    session.close()
    warehouse.close()
    warehouse = registry.warehouse(timed(target, statement_timeout=2), "/", "stalled")
    session = warehouse.connect()
    with pytest.raises(ExecuteError, match="longer than allowed"):  # the server says so itself, in time
        session.execute("select 1 from pg_sleep(30)")
    assert session.execute("select 1 from pg_sleep(1.5);\nselect 2 from pg_sleep(1.5)").rows == ((2,),)
    session.close()
    warehouse.close()


@pytest.mark.parametrize("when", ["a query", "the first connection"])
def test_a_run_ends(
    target: Target, wire: Wire, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], when: str
) -> None:
    files = {
        "models/a.sql": "{{ config(materialized='table') }} select 1 as x from pg_sleep(3600)",
        "models/b.sql": "select x from {{ ref('a') }}",
    }
    shop = built(tmp_path, timed(target, statement_timeout=4), files, monkeypatch, capsys)
    if when == "the first connection":
        wire.stalled.set()
    found: list[Any] = []

    def run() -> None:
        found.append(shop.orc("run", code=2 if when == "the first connection" else 1))

    running = threading.Thread(target=run, daemon=True)
    running.start()
    if when == "a query":
        import psycopg

        url = {k: target.settings[k] for k in ("user", "password", "dbname") if k in target.settings}
        asleep = b"select count(*) from pg_stat_activity where query ~ 'pg_sleep\\(3600' and datname = current_database() and state = 'active' and pid <> pg_backend_pid()"
        host = (
            {"host": str(wire.far[1]).rpartition("/")[0]}
            if wire.far[0] == socket.AF_UNIX
            else {"host": wire.far[1][0], "port": wire.far[1][1]}
        )
        with psycopg.connect(**host, **{k: getattr(v, "reveal", lambda v=v: v)() for k, v in url.items()}, autocommit=True) as other:
            until = time.monotonic() + 30
            while not other.execute(asleep).fetchone()[0] and time.monotonic() < until:  # type: ignore[index]  # a count is a row
                time.sleep(0.05)
        wire.stalled.set()
    running.join(BOUND * 2)
    assert not running.is_alive()
    assert found, shop.told
    assert ("W201" in shop.told) if when == "the first connection" else found[0]["a"]["status"] == "error"
