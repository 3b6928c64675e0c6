"""Whole projects through the command line: files in, exit code, tables, artifacts and messages out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent
from typing import Any

import duckdb
import pytest

from orchestrator.cli.main import call

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120  # seconds until a hanging process fails the test

Rows = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Result:
    """What one command left behind."""

    code: int
    stdout: str
    stderr: str
    target: Path

    def exits(self, code: int) -> Result:
        """This result, if the command ended with ``code``."""
        __tracebackhide__ = True
        if self.code != code:
            pytest.fail(f"exit code {self.code}, not {code}\n{self.stdout}\n{self.stderr}", pytrace=True)
        return self

    @property
    def run_results(self) -> dict[str, Any]:
        return self._json("run_results.json")

    @property
    def manifest(self) -> dict[str, Any]:
        return self._json("manifest.json")

    @property
    def error(self) -> dict[str, Any]:
        return self._json("error.json")

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """Results by the node's name."""
        return {self.name(r["unique_id"]): r for r in self.run_results["results"]}

    @property
    def statuses(self) -> dict[str, str]:
        return {name: r["status"] for name, r in self.results.items()}

    @property
    def messages(self) -> dict[str, str]:
        return {name: r["message"] or "" for name, r in self.results.items()}

    @staticmethod
    def name(unique_id: str) -> str:
        """`model.p.orders` → `orders`; a test's hash is left out."""
        return unique_id.split(".")[2]

    def _json(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.target / name).read_text(encoding="utf-8"))
        return found


@dataclass
class Project:
    """A folder, and the commands one gives in it."""

    root: Path
    environment: dict[str, str]
    capture: pytest.CaptureFixture[str]
    database: str = "warehouse.duckdb"
    monkeypatch: pytest.MonkeyPatch = field(default_factory=pytest.MonkeyPatch)

    def write(self, files: Mapping[str, str | bytes]) -> Project:
        for path, content in files.items():
            file = self.root / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else dedent(content).lstrip("\n").encode())
        return self

    def remove(self, *paths: str) -> Project:
        for path in paths:
            (self.root / path).unlink()
        return self

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def orc(self, verb: str, *words: str, env: Mapping[str, str] | None = None) -> Result:
        """Run a command in this process."""
        with self.monkeypatch.context() as patch:
            for key in [k for k in os.environ if k.startswith(("ORC_", "DBT_"))]:
                patch.delenv(key)
            for key, value in {**self.environment, **(env or {})}.items():
                patch.setenv(key, value)
            self.capture.readouterr()
            code = call([verb, *words, "--project-dir", str(self.root)])
        told = self.capture.readouterr()
        return Result(code, told.out, told.err, self.root / "target")

    def command(self, verb: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "orchestrator", verb, *words, "--project-dir", str(self.root)]

    def process_environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))}
        return {**clean, **self.environment, "PYTHONPATH": str(ROOT), **(env or {})}

    def process(self, verb: str, *words: str, env: Mapping[str, str] | None = None, before: Callable[[], None] | None = None) -> Result:
        """Run a command in a process of its own, where that matters."""
        done = subprocess.run(
            self.command(verb, *words), cwd=self.root, env=self.process_environment(env), capture_output=True, text=True,
            timeout=PATIENCE, check=False, preexec_fn=before,
        )  # fmt: skip
        return Result(done.returncode, done.stdout, done.stderr, self.root / "target")

    def shell(self, line: str) -> Result:
        """A line as one types it in the project's folder."""
        told = line.replace("orc ", f"{sys.executable} -m orchestrator ")
        done = subprocess.run(
            told, shell=True, cwd=self.root, env=self.process_environment(), capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        return Result(done.returncode, done.stdout, done.stderr, self.root / "target")

    def query(self, sql: str) -> Rows:
        """Rows of the built database."""
        connection = duckdb.connect(str(self.root / self.database), read_only=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def change(self, sql: str) -> None:
        """Somebody else's work in the database."""
        connection = duckdb.connect(str(self.root / self.database))
        try:
            connection.execute(sql)
        finally:
            connection.close()

    def relations(self) -> dict[str, str]:
        """What is in the database besides the ledger: `schema.name` → BASE TABLE or VIEW."""
        sql = "select table_schema || '.' || table_name, table_type from information_schema.tables where table_schema <> '_orc'"
        return dict(self.query(sql))


Make = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Make:
    """Writes a project: `project({"models/a.sql": "select 1 as x"}).orc("run")`."""

    def make(files: Mapping[str, str | bytes], folder: str = "p") -> Project:
        home = tmp_path / "home"
        home.mkdir(exist_ok=True)
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        return Project(root, {"HOME": str(home), "NO_COLOR": "1"}, capsys, monkeypatch=monkeypatch).write(files)

    return make
