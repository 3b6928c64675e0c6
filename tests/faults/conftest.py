"""Small projects with two versions of everything (``--vars '{v: 1}'`` and 2), and processes that build them and die."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
PATIENCE = 60


@dataclass(frozen=True)
class Lab:
    """A project folder and the command line for it."""

    root: Path

    def write(self, **files: str) -> Lab:
        """Files by name: ``orders_sql`` is ``models/orders.sql``, ``states_csv`` a seed, ``tests_x_sql`` a singular test."""
        for key, text in files.items():
            name, _, kind = key.rpartition("_")
            folder = {"csv": "seeds"}.get(kind, "models")
            if name.startswith("check_"):
                folder = "tests/assertions"
            path = self.root / folder / f"{name}.{kind}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return self

    @property
    def env(self) -> dict[str, str]:
        return {**{k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))}, "PYTHONPATH": str(ROOT)}

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "orchestrator", *words]
        return subprocess.Popen(command, cwd=self.root, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)

    def orc(self, *words: str, code: int = 0, **more: Any) -> str:
        """Run to the end, expect the exit code, return what it said."""
        process = self.start(*words, **more)
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, out + err
        return out + err

    def results(self) -> dict[str, tuple[str, str]]:
        """``run_results.json``: status and message by name."""
        found = json.loads((self.root / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
        return {r["unique_id"].split(".")[2]: (r["status"], r["message"]) for r in found}

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        with duckdb.connect(str(self.root / "warehouse.duckdb")) as connection:
            return connection.execute(sql).fetchall()

    def die(self, *words: str) -> list[dict[str, Any]]:
        """What ``failpoint.py`` reports."""
        command = [sys.executable, str(HERE / "failpoint.py"), str(self.root), *words]
        done = subprocess.run(command, env=self.env, capture_output=True, text=True, check=False, timeout=PATIENCE * 3)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    root = tmp_path / "shop"
    (root / "models").mkdir(parents=True)
    return Lab(root)
