"""What a profile says about sessions is what the server and libpq hear."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestrator.adapters import registry
from orchestrator.api import Project
from orchestrator.core.errors import ExecuteError, WarehouseError
from orchestrator.core.project import Secret, Target
from orchestrator.testing.postgres import Unavailable, restartable, settings

Connect = Callable[..., Any]


def target(given: Mapping[str, Any]) -> Target:
    return Target("shop", "dev", "postgres", None, "public", 2, {"type": "postgres", "retries": 0, **given})


@pytest.fixture
def connect(empty_postgres: str) -> Iterator[Connect]:
    """A session of a profile with these keys."""
    warehouses: list[Any] = []

    def session(**more: Any) -> Any:
        warehouses.append(registry.warehouse(target({**settings(empty_postgres), **more}), "/", "4f1c-run"))
        return warehouses[-1].connect()

    yield session
    for warehouse in warehouses:
        warehouse.close()


def setting(session: Any, name: str) -> str:
    return str(session.execute(f"select current_setting('{name}')").rows[0][0])


@pytest.mark.parametrize(
    ("given", "name", "heard"),
    [
        ({}, "lock_timeout", "30s"),
        ({"lock_timeout": 2.5}, "lock_timeout", "2500ms"),
        ({}, "statement_timeout", "0"),
        ({"statement_timeout": "90"}, "statement_timeout", "90s"),
        ({}, "idle_in_transaction_session_timeout", "1h"),
        ({"idle_in_transaction_session_timeout": 0}, "idle_in_transaction_session_timeout", "0"),
        ({}, "client_connection_check_interval", "1s"),
        ({}, "application_name", "orc 4f1c-run"),
        ({"application_name": "nightly"}, "application_name", "nightly 4f1c-run"),
        ({"application_name": "x" * 80}, "application_name", "x" * 63),
        ({"search_path": 'shop, "Odd one"'}, "search_path", 'shop, "Odd one"'),
    ],
)
def test_a_setting_arrives(connect: Connect, given: dict[str, Any], name: str, heard: str) -> None:
    assert setting(connect(**given), name) == heard


@pytest.mark.parametrize(
    ("given", "heard"),
    [
        ({}, {"keepalives": "1", "keepalives_idle": "60", "keepalives_interval": "10", "keepalives_count": "5", "connect_timeout": "10"}),
        ({"keepalives_idle": 7, "connect_timeout": 3, "tcp_user_timeout": 9000}, {"keepalives_idle": "7", "connect_timeout": "3", "tcp_user_timeout": "9000"}),
    ],
)  # fmt: skip
def test_a_server_that_is_gone_is_noticed(connect: Connect, given: dict[str, Any], heard: dict[str, str]) -> None:
    parameters = connect(**given)._driver.info.get_parameters()
    assert {k: parameters.get(k) for k in heard} == heard


def test_a_role_builds_and_owns(connect: Connect, empty_postgres: str) -> None:
    name = f"builder_{os.getpid()}"
    with psycopg.connect(empty_postgres, autocommit=True) as other:
        other.execute(f"create role {name}; grant create, usage on schema public to {name}".encode())
        try:
            session = connect(role=name)
            session.execute("create table public.t as select 1 as i")
            assert session.execute("select current_user::text, session_user::text").rows == ((name, "postgres"),)
            assert session.execute("select tableowner from pg_tables where tablename = 't'").rows == ((name,),)
        finally:
            other.execute(f"drop owned by {name}; drop role {name}".encode())


def test_a_transaction_that_stands_still_for_too_long_is_a_limit_and_no_crash(connect: Connect) -> None:
    """Doing it all again would take as long again."""
    session = connect(idle_in_transaction_session_timeout=0.2)
    session.begin()
    time.sleep(0.6)
    with pytest.raises(ExecuteError, match="idle-in-transaction") as caught:
        session.execute("select 1")
    assert (caught.value.first.code, caught.value.transient) == ("X113", False)
    assert "idle_in_transaction_session_timeout" in str(caught.value.first.hint)
    session.rollback()
    assert session.execute("select 1").rows == ((1,),)


def test_a_lock_that_is_not_to_be_had_is_named(connect: Connect) -> None:
    one, two = connect(), connect(lock_timeout=0.1)
    one.execute("create table public.t (i int)")
    one.begin()
    one.execute("lock table public.t")
    with pytest.raises(ExecuteError) as caught:
        two.execute("select * from public.t")
    assert (caught.value.first.code, caught.value.transient) == ("X105", True)
    assert "lock_timeout" in str(caught.value.first.hint)


def test_a_service_names_the_server(connect: Connect, empty_postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = settings(empty_postgres)
    del given["type"]
    (tmp_path / "services").write_text("[prod]\n" + "".join(f"{key}={value}\n" for key, value in given.items()))
    monkeypatch.setenv("PGSERVICEFILE", str(tmp_path / "services"))
    warehouse = registry.warehouse(target({"service": "prod"}), "/")
    assert warehouse.connect().execute("select current_database()").rows == ((given["dbname"],),)
    warehouse.close()
    with pytest.raises(WarehouseError) as caught:
        registry.warehouse(target({"service": "gone"}), "/").connect()
    assert caught.value.first.code == "W204"
    assert "gone" in caught.value.first.message


def test_a_password_comes_from_the_password_file(tmp_path: Path) -> None:
    """Needs a server that asks for one: ours does, once its rules say so."""
    try:
        with restartable({k: v for k, v in os.environ.items() if k != "ORC_TEST_PG_URL"}) as (url, start, stop):
            start()
            with psycopg.connect(url, autocommit=True) as other:
                other.execute(b"create role ann login password 'opened sesame'")
            folder = settings(url)["host"]
            (Path(folder) / "data" / "pg_hba.conf").write_text("local all postgres trust\nlocal all all scram-sha-256\n")
            stop(signal.SIGINT)
            start()
            (tmp_path / "pgpass").write_text("*:*:*:ann:opened sesame\n")
            (tmp_path / "pgpass").chmod(0o600)
            given = {**settings(url), "user": "ann"}
            warehouse = registry.warehouse(target({**given, "passfile": str(tmp_path / "pgpass")}), "/")
            assert warehouse.connect().execute("select current_user::text").rows == (("ann",),)
            warehouse.close()
            for wrong in ({"password": Secret("close sesame")}, {"passfile": "/nowhere"}):
                with pytest.raises(WarehouseError) as caught:
                    registry.warehouse(target({**given, **wrong}), "/").connect()
                assert caught.value.first.code == "W202"
                assert "password" in str(caught.value)
                assert "sesame" not in str(caught.value)
    except Unavailable as reason:
        if os.environ.get("ORC_REQUIRE_PG") == "1":
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


@pytest.mark.parametrize(
    ("answer", "given", "says"),
    [
        (b"N", {"sslmode": "verify-full"}, "server does not support SSL"),
        (b"S", {"sslmode": "verify-full", "sslrootcert": "/nowhere/root.crt"}, "root certificate file"),
        (b"S", {"sslmode": "verify-ca", "sslrootcert": "/nowhere/root.crt"}, "root certificate file"),
    ],
)
def test_what_is_in_the_way_of_a_secure_connection_is_said(answer: bytes, given: dict[str, str], says: str) -> None:
    """A server that answers the question for TLS, and nothing else."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            with listening.accept()[0] as asked:
                asked.recv(8)
                asked.sendall(answer)
                asked.recv(1)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        place = {"host": "127.0.0.1", "port": listening.getsockname()[1], "user": "ann", "dbname": "shop", "gssencmode": "disable"}
        with pytest.raises(WarehouseError) as caught:
            registry.warehouse(target({**place, **given}), "/").connect()
        thread.join(5)
    assert caught.value.first.code == "W205"
    assert says in caught.value.first.message
    assert "sslmode" in str(caught.value.first.hint)


@pytest.fixture
def shop(tmp_path: Path, empty_postgres: str) -> Project:
    """Eight models that stand before a gate, with as many threads."""
    output = {**settings(empty_postgres), "schema": "shop", "threads": 8}
    (tmp_path / "models").mkdir()
    (tmp_path / "profiles.yml").write_text(json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}}))
    (tmp_path / "dbt_project.yml").write_text("name: shop\nversion: '1'\nprofile: shop\n")
    for n in range(8):
        text = "{{ config(materialized='table') }} select 1 as x from (select pg_advisory_xact_lock_shared(77)) gate"
        (tmp_path / "models" / f"m{n}.sql").write_text(text)
    return Project(tmp_path, env={k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))})


def test_all_of_eight_models_begin_before_one_ends_and_each_worker_has_one_session(shop: Project, empty_postgres: str) -> None:
    waits = "select count(*) from pg_locks where locktype = 'advisory' and objid = 77 and not granted"
    here = "(select oid from pg_database where datname = current_database())"
    ours = "select count(*) from pg_stat_activity where application_name like 'orc %' and datname = current_database()"
    runs: list[Any] = []
    with psycopg.connect(empty_postgres, autocommit=True) as gate:
        gate.execute(b"select pg_advisory_lock(77)")
        thread = threading.Thread(target=lambda: runs.append(shop.run()))
        thread.start()
        until = time.monotonic() + 60
        while gate.execute(f"{waits} and database = {here}".encode()).fetchone() != (8,):
            assert time.monotonic() < until
            assert thread.is_alive()
        assert gate.execute(ours.encode()).fetchone() == (8,)
        assert gate.execute(b"select count(*) from pg_tables where schemaname = 'shop'").fetchone() == (0,)
        gate.execute(b"select pg_advisory_unlock(77)")
        thread.join()
    results = runs[0].results
    assert runs[0].ok
    assert len(results) == 8
    assert len({r.thread for r in results}) == 8
    assert max(r.started for r in results) < min(r.at for r in results)
