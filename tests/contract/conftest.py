"""The engines the contract is checked against; another one joins by a row in ``ENGINES``.

A promise that an engine does not keep is marked, with the reason: ``notyet`` (we will), ``notimpl`` (we could), ``never`` (the
engine cannot). A mark that is no longer true fails.

With ``ORC_TEST_BQ_PROJECT`` the tests of BigQuery run against that project, and no others (:mod:`tests.contract.real_bigquery`).

Where a matrix is large, ``some`` names the cells that an engine is shown: BigQuery's stand-in takes a second for what others do in a tenth.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from orchestrator.adapters import registry
from orchestrator.core.names import Relation
from orchestrator.core.ports import Connection, Dialect, Warehouse
from orchestrator.core.project import Target
from orchestrator.core.snapshot import Existing, Published
from orchestrator.testing import postgres
from orchestrator.testing.fixtures import bigquery_fake, bigquery_server, postgres_url, worker
from tests.contract.project import Make, built
from tests.contract.real_bigquery import PROJECT, STAND_IN, credentials_folder, left_out, objection, real, sweep
from tests.contract.shop import Shop, shop_of

__all__ = ["bigquery_fake", "bigquery_server", "postgres_url", "worker"]

SCHEMA = "Shop é"


@dataclass
class Engine:
    """A warehouse under test, and short ways to ask it things."""

    target: Target
    root: Path
    warehouse: Warehouse
    opened: list[Connection] = field(default_factory=list)

    @property
    def dialect(self) -> Dialect:
        return self.warehouse.dialect

    @property
    def database(self) -> str | None:
        return registry.database(self.target, str(self.root))

    def connect(self) -> Connection:
        session = self.warehouse.connect()
        self.opened.append(session)
        return session

    def relation(self, name: str) -> Relation:
        return Relation(self.database, self.target.schema, name)

    def rows(self, relation: Relation) -> list[tuple[Any, ...]]:
        """All rows as another session sees them, sorted."""
        return sorted(self.connect().execute(f"select * from {self.dialect.relation(relation)}").rows, key=str)

    def find(self, relation: Relation) -> Existing | None:
        return self.warehouse.snapshot([relation]).find(relation)

    def publish(self, session: Connection, relation: Relation, select: str, run: str) -> None:
        """The whole sequence: stage, check, swap, ledger, in one transaction."""
        for statement in self.publishing(relation, select, run):
            session.execute(statement)

    def publishing(self, relation: Relation, select: str, run: str, existing: Existing | None = None) -> list[str]:
        there = existing or self.find(relation)
        published = Published(f"model.shop.{relation.name}", str(relation), f"f-{run}", run, "2026-01-01T00:00:00Z", 3)
        stage = self.dialect.relation(relation.stage)
        return [
            "begin",
            self.dialect.create_table(relation.stage, select, {}),
            f"select count(*) from {stage}",
            *self.dialect.swap(relation.stage, relation, there),
            *self.dialect.ledger_write(published),
            "commit",
        ]


MARKS = ("notyet", "notimpl", "never")


REAL = real(os.environ, f"orc_contract_{os.getpid()}_{uuid4().hex[:8]}")


def pytest_configure(config: pytest.Config) -> None:
    if REAL is not None:
        os.environ.update(credentials_folder(os.environ, Path.home()))
    config.addinivalue_line("markers", "bigquery_real: runs against the project of ORC_TEST_BQ_PROJECT when that is set")
    for mark in MARKS:
        config.addinivalue_line("markers", f"{mark}(*engines, reason): a promise that these engines do not keep")
    config.addinivalue_line("markers", "some(engine, names, cells): of a matrix of parameters, this engine is shown these cells only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    here = [item for item in items if Path(__file__).parent in item.path.parents]
    left = [item for item in here if not _shown(item) or _left_out(item)]
    if left:
        config.hook.pytest_deselected(items=left)
        gone = {*map(id, left)}
        items[:] = [item for item in items if id(item) not in gone]
    for item in here:
        if _engine_of(item) == "bigquery" and not STAND_IN & set(getattr(item, "fixturenames", ())):
            item.add_marker("bigquery_real")
    for item in items:
        called = getattr(item, "callspec", None)
        for mark in (m for name in MARKS for m in item.iter_markers(name)):
            if called is not None and _engines(called.params) & {*mark.args}:
                item.add_marker(pytest.mark.xfail(reason=f"{mark.name}: {mark.kwargs['reason']}", strict=True))


def _engine_of(item: pytest.Item) -> object:
    """The engine that a test is on, if it is on one of them."""
    called = getattr(item, "callspec", None)
    found = _engines(called.params) - {None} if called is not None else set()
    return "bigquery" if "bigquery_engine" in getattr(item, "fixturenames", ()) else next(iter(found), None)


def _left_out(item: pytest.Item) -> str | None:
    return left_out(getattr(item, "fixturenames", ()), _engine_of(item), REAL)


def pytest_report_header() -> str | None:
    """What a session against a real project does, and what it leaves out."""
    if REAL is None:
        return None
    return (
        f"BigQuery: project {REAL.project} in {REAL.location}, datasets {REAL.dataset('*')}, dropped after each test; "
        "left out: other engines, and tests that look into the stand-in or have it fail on order"
    )


def _engines(params: Mapping[str, object]) -> set[object]:
    """The engine that a test's fixtures are on."""
    return {params.get(fixture) for fixture in ("engine", "shop", "project")}


def _shown(item: pytest.Item) -> bool:
    """Whether an engine is shown this cell of a matrix."""
    called = getattr(item, "callspec", None)
    for engine, names, cells in (mark.args for mark in item.iter_markers("some")):
        if called is not None and engine in _engines(called.params):
            return tuple(called.params[name] for name in names) in cells
    return True


def duckdb_target(root: Path, request: pytest.FixtureRequest) -> Target:
    return Target("shop", "dev", "duckdb", None, SCHEMA, 4, {"type": "duckdb", "path": str(root / "shop.duckdb")})


def postgres_target(root: Path, request: pytest.FixtureRequest) -> Target:
    """A database of this worker's own, emptied of what the test before left."""
    url = str(request.getfixturevalue("empty_postgres"))
    return Target("shop", "dev", "postgres", None, SCHEMA, 4, {**postgres.settings(url), "lock_timeout": 1})


def bigquery_target(root: Path, request: pytest.FixtureRequest) -> Target:
    """The in-tree server, empty; a project of Google's own where ``ORC_TEST_BQ_PROJECT`` names one."""
    if REAL is not None:
        client = request.getfixturevalue("real_client")
        request.addfinalizer(lambda: sweep(client, REAL.dropped))
        return REAL.target()
    url = request.getfixturevalue("bigquery_fake").url
    settings = {"type": "bigquery", "project": "shop-dw", "api_endpoint": url, "location": "EU"}
    return Target("shop", "dev", "bigquery", "shop-dw", "Shop", 4, settings)


ENGINES: dict[str, Callable[[Path, pytest.FixtureRequest], Target]] = {
    "bigquery": bigquery_target,
    "duckdb": duckdb_target,
    "postgres": postgres_target,
}

SHARED = ("duckdb", "postgres")
"""The engines whose sessions share tests in the standard's SQL; what BigQuery's promise has a file in GoogleSQL."""


def wares(target: Target) -> Target:
    """The same, in the schema that projects build in."""
    return replace(target, schema="wares" if REAL is None else REAL.dataset("wares"))


@pytest.fixture(scope="session")
def real_client(worker: str) -> Iterator[Any]:
    """A client of the real project, once it is sure that the suite may build there."""
    from google.cloud import bigquery

    if REAL is None:
        raise AssertionError("no real project is named")
    client = bigquery.Client(REAL.project, location=REAL.location)
    if why := objection([d.dataset_id for d in client.list_datasets(include_all=True)], worker):
        pytest.exit(f"{PROJECT}: {why}", returncode=4)
    yield client
    sweep(client, REAL.dropped)
    client.close()


@pytest.fixture
def empty_postgres(postgres_url: str) -> Iterator[str]:
    """This worker's database without what other tests left, and left as empty as it was."""
    import psycopg

    def empty() -> None:
        own = b"select nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'"
        with psycopg.connect(postgres_url, autocommit=True) as connection:
            for (schema,) in connection.execute(own).fetchall():
                connection.execute(f'drop schema "{schema}" cascade'.encode())
            connection.execute(b"create schema public")

    empty()
    yield postgres_url
    empty()


@pytest.fixture(params=ENGINES)
def shop(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shop:
    """An empty project on each engine."""
    return shop_of(tmp_path, wares(ENGINES[request.param](tmp_path, request)), monkeypatch, capsys)


@pytest.fixture(params=SHARED)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    yield from _opened(request.param, request, tmp_path)


@pytest.fixture
def bigquery_engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    yield from _opened("bigquery", request, tmp_path)


def _opened(name: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    target = ENGINES[name](tmp_path, request)
    warehouse = registry.warehouse(target, str(tmp_path))
    made = Engine(target, tmp_path, warehouse)
    session = made.connect()
    session.execute(made.dialect.create_schema(made.relation("x")))
    for statement in made.dialect.ledger_setup():
        session.execute(statement)
    yield made
    for opened in made.opened:
        opened.close()
    warehouse.close()


@pytest.fixture(params=ENGINES)
def project(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Make:
    """Writes a project for the engine: ``project({"models/a.sql": "select 1 as x"}).orc("run")``."""
    target = wares(ENGINES[request.param](tmp_path, request))
    return lambda files, **settings: built(tmp_path, replace(target, settings={**target.settings, **settings}), files, monkeypatch, capsys)
