"""TPC-H's and TPC-DS's queries as projects: their tables, empty, and what our own command builds over them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import yaml

from orchestrator.adapters import registry
from orchestrator.core.errors import ExecuteError
from orchestrator.core.names import Relation
from orchestrator.core.project import Secret, Target
from orchestrator.core.snapshot import Existing
from orchestrator.testing import postgres
from orchestrator.testing.fixtures import postgres_url, worker
from tests.contract.project import Built

__all__ = ["postgres_url", "worker"]

HERE = Path(__file__).parent
PROJECTS = ("tpch", "tpcds")
SCHEMA = "answers"

VARIANTS = (14, 23, 24, 39)
"""Queries of TPC-DS that are two statements."""

QUERIES = {
    "tpch": {f"q{n:02}" for n in range(1, 23)},
    "tpcds": {f"q{n:02}{v}" for n in range(1, 100) for v in (("a", "b") if n in VARIANTS else ("",))},
}

Columns = tuple[tuple[str, str], ...]


@dataclass(kw_only=True)
class Tpc(Built):
    """A copy of one of the projects, and the engine it is built on."""

    name: str

    def create_sources(self) -> None:
        """The specification's tables, as the project declares them, without rows."""
        (source,) = yaml.safe_load((self.root / "models" / "sources.yml").read_text(encoding="utf-8"))["sources"]
        warehouse = registry.warehouse(self.target, str(self.root))
        session = warehouse.connect()
        try:
            session.execute(warehouse.dialect.create_schema(self._within(source["schema"], "any")))
            for table in source["tables"]:
                columns = ", ".join(f"{c['name']} {c['data_type']}" for c in table["columns"])
                where = warehouse.dialect.relation(self._within(source["schema"], table["name"]))
                session.execute(f"create table {where} ({columns})")
        finally:
            session.close()
            warehouse.close()

    def existing(self) -> dict[str, Existing]:
        """What was built, by name."""
        warehouse = registry.warehouse(self.target, str(self.root))
        try:
            models = sorted(path.stem for path in self.models)
            snapshot = warehouse.snapshot([self._within(self.target.schema, name) for name in models])
            found = {name: snapshot.find(self._within(self.target.schema, name)) for name in models}
            return {name: there for name, there in found.items() if there is not None}
        finally:
            warehouse.close()

    def described(self) -> dict[str, Columns]:
        """The columns, and their types, that the engine says each of the built relations has."""
        warehouse = registry.warehouse(self.target, str(self.root))
        session = warehouse.connect()
        try:
            return {name: session.columns(self._within(self.target.schema, name)) for name in self.existing()}
        finally:
            session.close()
            warehouse.close()

    def rows(self, names: Iterable[str]) -> dict[str, int | str]:
        """How many rows each of these gives, or what the engine says instead."""
        warehouse = registry.warehouse(self.target, str(self.root))
        session = warehouse.connect()
        found: dict[str, int | str] = {}
        try:
            for name in names:
                try:
                    found[name] = len(
                        session.execute(f"select * from {warehouse.dialect.relation(self._within(self.target.schema, name))}").rows
                    )
                except ExecuteError as error:
                    found[name] = error.first.message
        finally:
            session.close()
            warehouse.close()
        return found

    @property
    def models(self) -> list[Path]:
        return sorted((self.root / "models").rglob("*.sql"))

    @property
    def ephemeral(self) -> set[str]:
        return {path.stem for path in self.models if "materialized='ephemeral'" in path.read_text(encoding="utf-8")}

    def _within(self, schema: str, name: str) -> Relation:
        return Relation(registry.database(self.target, str(self.root)), schema, name)


def copied(name: str, root: Path, target: Target, monkeypatch: pytest.MonkeyPatch) -> Tpc:
    """One of the projects in a folder of its own, with a profile for ``target``."""
    shutil.copytree(HERE / name, root, dirs_exist_ok=True)
    settings = {k: v.reveal() if isinstance(v, Secret) else v for k, v in target.settings.items()}
    output = {**settings, "type": target.type, "schema": target.schema, "threads": target.threads}
    profile = {"tpc": {"target": "dev", "outputs": {"dev": output}}}
    (root / "profiles.yml").write_text(json.dumps(profile), encoding="utf-8")
    return Tpc(root=root, target=replace(target, profile="tpc"), monkeypatch=monkeypatch, name=name)


def duckdb_target(root: Path) -> Target:
    return Target("tpc", "dev", "duckdb", None, SCHEMA, 1, {"type": "duckdb", "path": str(root / "tpc.duckdb")})


def postgres_target(url: str) -> Target:
    return Target("tpc", "dev", "postgres", None, SCHEMA, 2, postgres.settings(url))


@pytest.fixture(scope="session")
def own_postgres(postgres_url: str) -> Iterator[str]:
    """A database that no other test empties."""
    import psycopg

    parts = urlsplit(postgres_url)
    name = f"{parts.path.strip('/')}_tpc"
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database {name} template template0".encode())
    yield urlunsplit(parts._replace(path=f"/{name}"))
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)".encode())


@pytest.fixture(scope="session")
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str, str], Tpc]]:
    """A project as built on an engine, once for each test process. Read only: whoever changes files takes a copy of its own."""
    made: dict[tuple[str, str], Tpc] = {}
    with pytest.MonkeyPatch.context() as patch:

        def build(engine: str, name: str) -> Tpc:
            if (engine, name) not in made:
                root = tmp_path_factory.mktemp(f"{engine}_{name}")
                target = duckdb_target(root) if engine == "duckdb" else postgres_target(request.getfixturevalue("own_postgres"))
                tpc = copied(name, root, replace(target, schema=f"{name}_{SCHEMA}"), patch)
                tpc.create_sources()
                tpc.orc("build", "--quiet")
                made[engine, name] = tpc
            return made[engine, name]

        yield build


@pytest.fixture(params=[f"{engine}-{name}" for engine in ("duckdb", "postgres") for name in PROJECTS])
def tpc(request: pytest.FixtureRequest, built: Callable[[str, str], Tpc]) -> Tpc:
    """Each project, built on each engine."""
    engine, name = request.param.split("-")
    return built(engine, name)
