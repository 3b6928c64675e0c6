"""Files that cannot be opened, and processes that are in the way."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from orchestrator.adapters import registry
from orchestrator.adapters.duckdb.problems import unreachable
from orchestrator.core.errors import Problem, WarehouseError
from orchestrator.core.names import Relation
from orchestrator.core.ports import Warehouse
from orchestrator.core.project import Secret, Target


def warehouse(path: object, threads: int = 4, database: str | None = None, **settings: Any) -> Warehouse:
    return registry.warehouse(Target("shop", "dev", "duckdb", database, "main", threads, {"path": str(path), **settings}), "/")


def refused(path: object, **settings: Any) -> Problem:
    with pytest.raises(WarehouseError) as caught:
        warehouse(path, **settings).connect()
    return caught.value.first


def test_a_missing_folder(tmp_path: Path) -> None:
    problem = refused(tmp_path / "no" / "shop.duckdb")
    assert (problem.code, problem.hint) == ("W102", "create it, or correct `path` in the profile")
    assert str(tmp_path / "no" / "shop.duckdb") in problem.message


def test_a_folder(tmp_path: Path) -> None:
    assert refused(tmp_path).code == "W104"


@pytest.mark.parametrize("content", [b"", b"hi", b"hello, not a database at all" * 500])
def test_a_file_that_is_something_else(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.duckdb"
    path.write_bytes(content)
    assert refused(path).code == "W104"
    assert path.read_bytes() == content


def test_a_sqlite_file_is_not_taken_for_a_warehouse(tmp_path: Path) -> None:
    path = tmp_path / "lite.db"
    with sqlite3.connect(path) as lite:
        lite.execute("create table t (a)")
    lite.close()
    assert "is a SQLite database" in refused(path).message


@pytest.mark.parametrize("at", [100, 4096 + 50, 12_288 + 400])  # the file's header, a database header, the catalog
def test_a_damaged_file(tmp_path: Path, at: int) -> None:
    path = tmp_path / "shop.duckdb"
    made = warehouse(path)
    made.connect().execute("create table t as select i from range(100000) t(i)")
    made.close()
    content = bytearray(path.read_bytes())
    content[at] ^= 0xFF
    path.write_bytes(content)
    problem = refused(path)
    assert problem.code == "W105"
    assert "damaged" in problem.message
    assert path.read_bytes() == content


FULL = """
import resource, sys
from orchestrator.adapters import registry
from orchestrator.core.errors import ExecuteError
from orchestrator.core.project import Target

opened = registry.warehouse(Target("shop", "dev", "duckdb", None, "main", 4, {"path": sys.argv[1]}), "/")
session = opened.connect()
resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
session.begin()
for attempt in ("create or replace table t as select i, hash(i)::text as v from range(1000000) t(i)", "commit"):
    try:
        session.execute(attempt)
    except ExecuteError as error:
        print(error.first.code)
"""


def test_a_disk_that_fills_up_leaves_what_was_published(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    opened = warehouse(path)
    opened.connect().execute("create table t as select 1 as i, 'old' as v")
    opened.close()
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["X107", "X110"], done.stderr
    assert opened.connect().execute("select * from t").rows == ((1, "old"),)
    opened.close()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('IO Error: Could not write file "/x": No space left on device', "W107"),
        ('IO Error: Cannot open file "/x": Permission denied', "W103"),
        ('IO Error: Cannot open file "/x": Read-only file system', "W103"),
        ("IO Error: Trying to read a database file with version number 99. written by a newer version of DuckDB", "W106"),
        ("IO Error: Failure while replaying WAL file /x.wal", "W105"),
        ("IO Error: something else", "W100"),
    ],
)
def test_what_cannot_be_provoked_here(text: str, code: str) -> None:
    problem = unreachable(text, "/x").first
    assert problem.code == code
    assert "IO Error" not in problem.message


def test_read_only_needs_a_file(tmp_path: Path) -> None:
    assert refused(tmp_path / "none.duckdb", read_only=True).code == "W102"
    assert not (tmp_path / "none.duckdb").exists()


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    assert "memry_limit" in refused(tmp_path / "a.db", settings={"memry_limit": "1GB"}).message
    assert "thredas" in refused(tmp_path / "b.db", config_options={"thredas": 1}).message


def test_a_secret_never_reaches_a_message(tmp_path: Path) -> None:
    problem = refused(tmp_path / "a.db", settings={"threads": Secret("hunter2")})
    assert "hunter2" not in problem.message + str(problem.hint)


HOLDER = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('ready', flush=True); sys.stdin.readline()"


@contextmanager
def held(path: Path) -> Iterator[subprocess.Popen[str]]:
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    try:
        yield holder
    finally:
        holder.terminate()
        holder.communicate(timeout=20)


def test_a_file_that_another_process_holds(tmp_path: Path) -> None:
    with held(tmp_path / "shop.duckdb") as holder:
        problem = refused(tmp_path / "shop.duckdb")
        assert problem.code == "W101"
        assert f"process {holder.pid}" in problem.message
        assert "--lock-timeout" in str(problem.hint)


def test_the_lock_timeout_gives_up(tmp_path: Path) -> None:
    with held(tmp_path / "shop.duckdb"):
        started = time.monotonic()
        assert refused(tmp_path / "shop.duckdb", lock_timeout=0.6).code == "W101"
        assert 0.6 <= time.monotonic() - started < 5


def test_the_lock_timeout_waits_until_the_file_is_free(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    with held(path) as holder:
        timer = threading.Timer(0.5, holder.terminate)
        timer.start()
        opened = warehouse(path, lock_timeout=20)
        assert opened.connect().execute("select 1").rows == ((1,),)
        opened.close()
        timer.join()


def test_a_closed_warehouse_lets_the_file_go_and_can_be_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "shop.duckdb"
    opened = warehouse(path)
    forgotten = opened.connect()
    forgotten.begin()
    next(iter(forgotten.read("select i from range(300000) t(i)")))
    opened.close()
    with held(path):
        pass
    assert opened.connect().execute("select 1").rows == ((1,),)
    opened.close()


def test_two_runs_of_one_process_share_a_file(tmp_path: Path) -> None:
    one, two = warehouse(tmp_path / "shop.duckdb"), warehouse(tmp_path / "shop.duckdb", threads=1)
    one.connect().execute("create table t as select 1 as a")
    assert two.connect().execute("select * from t").rows == ((1,),)
    one.close()
    two.close()


def test_a_snapshot_does_not_create_the_file(tmp_path: Path) -> None:
    taken = warehouse(tmp_path / "shop.duckdb").snapshot([Relation("shop", "main", "a")])
    assert (taken.relations, taken.ledger) == ({}, {})
    assert list(tmp_path.iterdir()) == []


def test_settings_reach_every_session(tmp_path: Path) -> None:
    opened = warehouse(tmp_path / "shop.duckdb", settings={"TimeZone": "Asia/Tokyo", "search_path": "main,pg_catalog", "threads": 3})
    for _ in range(2):
        sql = "select current_setting('TimeZone'), current_setting('search_path'), current_setting('threads')"
        ((zone, path, threads),) = opened.connect().execute(sql).rows
        assert (zone, threads) == ("Asia/Tokyo", 3)
        assert "pg_catalog" in path
    opened.close()


def test_another_file_can_be_attached_and_built_in(tmp_path: Path) -> None:
    attach = [{"path": str(tmp_path / "lake.db"), "alias": "the lake"}]
    opened = warehouse(tmp_path / "shop.duckdb", database="the lake", attach=attach)
    session = opened.connect()
    for statement in opened.dialect.ledger_setup():
        session.execute(statement)
    session.execute(opened.dialect.create_table(Relation("the lake", "main", "t"), "select 1 as a", {}))
    assert opened.snapshot([Relation(None, "main", "t")]).find(Relation(None, "main", "t")) is not None
    assert opened.connect().execute("select * from t").rows == ((1,),)
    opened.close()


def test_a_schema_may_have_the_name_of_its_database(tmp_path: Path) -> None:
    opened = warehouse(tmp_path / "shop.duckdb")
    relation, session = Relation("shop", "shop", "t"), opened.connect()
    session.execute(opened.dialect.create_schema(relation))
    session.execute(opened.dialect.create_table(relation, "select 1 as a", {}))
    assert opened.snapshot([relation]).find(relation) is not None
    opened.close()


def test_memory_is_shared_by_sessions() -> None:
    opened = warehouse(":memory:")
    opened.connect().execute("create table t as select 1 as a")
    assert opened.snapshot([Relation("memory", "main", "t")]).find(Relation("memory", "main", "T")) is not None
    opened.close()
