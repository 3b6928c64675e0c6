"""The ride-sharing project of `examples/rides` in miniature (four models, so that a process costs little), and processes that serve it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from orchestrator.core.schedule import Launch, Tick
from orchestrator.record.sqlite import Sqlite
from orchestrator.record.timetable import Timetable

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0

SLOW = """
import os, time
def model(ctx):
    time.sleep(float(os.environ.get("SLOW", "0")))
    if os.environ.get("BREAK") == "core_trips":
        raise ValueError("broken on purpose")
    return ctx.ref("stg_trips").df()
"""
MODELS = {
    "stg_trips.sql": "{{ config(materialized='table') }}\nselect * from (values (1, 10, date '2026-01-01'), (2, 20, date '2026-01-02')) as t (id, fare, day)",
    "core_trips.py": SLOW,
    "mart_earnings.sql": "{{ config(materialized='incremental', incremental_strategy='append') }}\nselect day, sum(fare) as fare from {{ ref('core_trips') }} group by 1",
    "mart_daily.sql": "select 1 as x",
}


@dataclass
class Rides:
    """A folder with the project; ``orc`` runs a command in it, ``start`` leaves one running."""

    root: Path
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    def schedules(self, text: str) -> Rides:
        (self.root / "schedules.yml").write_text(text, encoding="utf-8")
        return self

    @property
    def env(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))}
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**kept, "PYTHONPATH": path, **self.variables}

    def start(self, *words: str, **variables: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "orchestrator", *words]
        process = subprocess.Popen(
            command,
            cwd=self.root,
            env={**self.env, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def orc(self, *words: str, code: int = 0, **variables: str) -> str:
        process = self.start(*words, **variables)
        said, _ = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, said + self.logs()
        return said

    def json(self, *words: str) -> Any:
        return json.loads(self.orc(*words, "--output", "json"))

    def logs(self) -> str:
        folder = self.root / ".orchestrator" / "logs"
        return (
            "\n".join(p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.log"), key=lambda p: p.stat().st_mtime))
            if folder.is_dir()
            else ""
        )

    def timetable(self) -> Timetable:
        return Timetable(self.root / ".orchestrator" / "state.db", pid=os.getpid(), host="test")

    def ticks(self, schedule: str | None = None) -> tuple[Tick, ...]:
        table = self.timetable()
        try:
            return table.ticks(schedule, 10_000)
        finally:
            table.close()

    def launches(self, schedule: str | None = None) -> tuple[Launch, ...]:
        table = self.timetable()
        try:
            return table.launches(schedule, 10_000)
        finally:
            table.close()

    def history(self) -> Sqlite:
        return Sqlite(self.root / ".orchestrator" / "state.db", pid=os.getpid(), host="test")

    def until(self, what: Callable[[], Any], seconds: float = 30.0) -> Any:
        """Wait for something to be true; what is running says why it was not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := what():
                return found
            time.sleep(0.05)
        pytest.fail(f"nothing after {seconds} s\n{self.launches()}\n{self.ticks()}\n{self.logs()}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        import duckdb

        with duckdb.connect(str(self.root / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def end(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
            process.communicate()


@pytest.fixture
def rides(tmp_path: Path) -> Iterator[Rides]:
    root = tmp_path / "rides"
    (root / "models").mkdir(parents=True)
    for name, text in MODELS.items():
        (root / "models" / name).write_text(text, encoding="utf-8")
    project = Rides(root)
    yield project
    project.end()
