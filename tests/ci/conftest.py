"""Repositories with a production that was built from their main branch: on DuckDB and on Postgres, made once and copied for every test."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit
from uuid import uuid4

import duckdb
import pytest

from orchestrator.cli.main import call
from orchestrator.testing.fixtures import postgres_url, worker
from tests.ci.shop import FILES, PROFILES, Files

__all__ = ["postgres_url", "worker"]

GIT = {
    "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": "ada@shop.example", "GIT_AUTHOR_DATE": "2026-01-05T06:00:00Z",
    "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": "ada@shop.example", "GIT_COMMITTER_DATE": "2026-01-05T06:00:00Z",
    "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1",
}  # fmt: skip
PULL_REQUEST = {"GITHUB_BASE_REF": "main", "GITHUB_REF": "refs/pull/482/merge", "GITHUB_HEAD_REF": "faster"}
"""What GitHub says where it runs for a pull request."""

OTHERS = ("ORC_", "DBT_", "GITHUB_", "CI_", "GIT_", "BITBUCKET_", "SYSTEM_", "BUILDKITE_", "CHANGE_", "DRONE_", "CIRCLE_")
"""Variables of whoever runs these tests, who may be a CI server, too."""

Rows = list[tuple[Any, ...]]


@dataclass
class Repository(Files):
    """A repository, the commands one gives in it, and the warehouse that its project builds."""

    root: Path
    engine: str
    environment: dict[str, str]
    monkeypatch: pytest.MonkeyPatch
    capture: pytest.CaptureFixture[str] | None = None
    told: str = ""
    printed: str = ""
    names: dict[str, str] = field(default_factory=dict)

    def git(self, *words: str, at: Path | None = None) -> str:
        env = {**{k: v for k, v in os.environ.items() if not k.startswith("GIT_")}, **GIT}
        return subprocess.run(["git", *words], cwd=at or self.root, env=env, check=True, capture_output=True, text=True).stdout

    def orc(self, *words: str, code: int | None = 0, env: Mapping[str, str] | None = None, root: Path | None = None) -> None:
        """Run a command, which must end with ``code``. What it said is in ``told`` (stderr) and ``printed`` (stdout)."""
        with self.monkeypatch.context() as patch:
            for key in [k for k in os.environ if k.startswith(OTHERS)]:
                patch.delenv(key)
            for key, value in {"HOME": str(self.root), "NO_COLOR": "1", **self.environment, **(env or {})}.items():
                patch.setenv(key, value)
            if self.capture is not None:
                self.capture.readouterr()
            ended = call([*words, "--project-dir", str(root or self.root)])
        if self.capture is not None:
            said = self.capture.readouterr()
            self.told, self.printed = said.err, said.out
        assert code is None or ended == code, self.told

    def ci(self, *words: str, code: int = 0, env: Mapping[str, str] | None = None) -> dict[str, Any]:
        """`orc ci` as a server runs it; the review it writes."""
        self.orc("ci", *words, code=code, env={**PULL_REQUEST, **(env or {})})
        return self.review if code < 2 else {}

    @property
    def review(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.root / "target" / "ci" / "review.json").read_text(encoding="utf-8"))
        return found

    def commit(self, message: str = "change") -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)

    def query(self, sql: str) -> Rows:
        if self.engine == "duckdb":
            with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as connection:
                return connection.execute(sql).fetchall()
        import psycopg

        with psycopg.connect(self.environment["SHOP_URL"]) as session:
            return session.execute(sql.encode()).fetchall()

    def query_to(self, sql: str) -> None:
        """Somebody else's work in DuckDB's file."""
        with duckdb.connect(str(self.root / "warehouse.duckdb")) as connection:
            connection.execute(sql)

    def relations(self) -> dict[str, list[str]]:
        """Names of relations by schema; the ledger's left out."""
        sql = "select table_schema, table_name from information_schema.tables where table_schema not in ('_orc', 'information_schema', 'pg_catalog')"
        found: dict[str, list[str]] = {}
        for schema, name in sorted(self.query(sql)):
            found.setdefault(schema, []).append(name)
        return found

    def production(self) -> dict[str, Any]:
        """All there is of production, down to what Postgres itself calls its tables: equal while nobody touched it."""
        if self.engine == "duckdb":  # its numbers of tables are new with every process
            kept = "select schema_name, view_name, sql from duckdb_views() where not internal"
        else:
            kept = (
                "select nspname, relname, c.oid || '/' || relfilenode from pg_class c join pg_namespace n on n.oid = relnamespace"
                " where relkind in ('r', 'v') and nspname not in ('_orc', 'information_schema', 'pg_catalog')"
            )
        found: dict[str, Any] = {"objects": sorted(str(row) for row in self.query(kept) if "__" not in row[0])}
        for schema, names in self.relations().items():
            if "__" not in schema:
                found |= {f"{schema}.{name}": sorted(map(str, self.query(f'select * from "{schema}"."{name}"'))) for name in names}
        found["ledger"] = sorted(map(str, self.query("select * from _orc.ledger where node not like '%/%'")))
        return found

    def normal(self, text: str) -> str:
        """A report without what differs from run to run: commits, times, the names of databases."""
        for value, name in self.names.items():
            text = text.replace(value, name)
        text = re.sub(r'("seconds"): [\d.e-]+', r"\1: 0", text)
        text = re.sub(r"last built \d{4}-\d\d-\d\d \d\d:\d\d UTC", "last built at TIME", text)
        return re.sub(r"^(### .*?) · (?:\d+ (?:s|min) ?)+$", r"\1", text, flags=re.MULTILINE)


Make = Callable[[], Repository]


def _filled(root: Path, engine: str) -> None:
    files = Files(root)
    for path, text in {**FILES, "profiles.yml": PROFILES[engine]}.items():
        files.write(path, text)


@pytest.fixture(scope="session")
def duckdb_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("duckdb") / "shop"
    _filled(root, "duckdb")
    with pytest.MonkeyPatch.context() as patch:
        _built(Repository(root, "duckdb", {}, patch))
    return root


@pytest.fixture(scope="session")
def postgres_template(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Path:
    root = tmp_path_factory.mktemp("postgres") / "shop"
    _filled(root, "postgres")
    with pytest.MonkeyPatch.context() as patch:
        _built(Repository(root, "postgres", _variables(postgres_url), patch))
    return root


def _variables(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    host = parts.hostname or parse_qs(parts.query).get("host", [""])[0]
    return {
        "SHOP_URL": url,
        "SHOP_HOST": host,
        "SHOP_USER": parts.username or "postgres",
        "SHOP_PASSWORD": parts.password or "",
        "SHOP_PORT": str(parts.port or 5432),
        "SHOP_DATABASE": parts.path.lstrip("/"),
    }


def _built(repository: Repository) -> None:
    repository.git("init", "-q", "-b", "main")
    repository.commit("The shop")
    repository.orc("build", "-q")


@pytest.fixture(params=["duckdb", "postgres"])
def repository(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Repository]:
    """A repository with a production, on a branch of its own."""
    engine = request.param
    template = request.getfixturevalue(f"{engine}_template")
    root = tmp_path / "shop"
    shutil.copytree(template, root)
    environment: dict[str, str] = {}
    names = {str(root): "ROOT"}
    if engine == "postgres":
        import psycopg

        url = request.getfixturevalue("postgres_url")
        parts = urlsplit(url)
        own = f"shop_{uuid4().hex[:10]}"
        with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as session:
            session.execute(f'create database "{own}" template "{parts.path.lstrip("/")}"'.encode())
        environment = _variables(urlunsplit(parts._replace(path=f"/{own}")))
        names[own] = "DATABASE"
    made = Repository(root, engine, environment, monkeypatch, capsys, names=names)
    made.git("checkout", "-q", "-b", "faster")
    yield made
    if engine == "postgres":
        with psycopg.connect(urlunsplit(parts._replace(path="/postgres")), autocommit=True) as session:
            session.execute(f'drop database "{own}" with (force)'.encode())


@pytest.fixture
def shop(duckdb_template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The same on DuckDB alone: for what no engine has a part in."""
    root = tmp_path / "shop"
    shutil.copytree(duckdb_template, root)
    made = Repository(root, "duckdb", {}, monkeypatch, capsys, names={str(root): "ROOT"})
    made.git("checkout", "-q", "-b", "faster")
    return made
