"""Other schedulers, each in an environment of its own, and the project that is run on them."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

import pytest

from orchestrator.core.chronicle import Recorded
from orchestrator.record.sqlite import Sqlite

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 600.0
KEPT = "ORC_TEST_ENGINES"
"""The variable that says where environments are kept, and so that every engine is wanted."""

PINNED = {
    "airflow": "apache-airflow==3.3.2",
    "dagster": "dagster==1.13.28",
    "flyte": "flytekit==1.16.31",
    "luigi": "luigi==3.8.1",
    "mage": "mage-ai==0.9.80",
    "prefect": "prefect==3.8.8 fastapi==0.139.2",  # it does not start with newer ones, whatever it asks for
}
"""What is installed, with whatever it asks for."""

RIDES = {
    "pyproject.toml": "[tool.orchestrator]\nname = 'rides'\n",
    "models/staging/stg_trips.sql": "{{ config(materialized='table') }} select * from (values (1, 10, date '2026-01-01'), (2, 20, date '2026-01-02')) as t (id, fare, day)",
    "models/core/core_trips.py": """
        import os
        def model(ctx):
            if os.environ.get("BREAK") == "core_trips":
                raise ValueError("broken on purpose")
            flag = os.environ.get("FLAKY", "")
            if flag and not os.path.exists(flag):
                open(flag, "w").close()
                raise ConnectionError("nobody there, the first time")
            return ctx.ref("stg_trips").df()
        """,
    "models/marts/mart_earnings.sql": "{{ config(materialized='table') }} select day, sum(fare) as fare from {{ ref('core_trips') }} group by 1",
    "models/marts/mart_daily.sql": "{{ config(materialized='table') }} select 1 as x",
    "models/schema.yml": """
        version: 2
        models:
          - name: core_trips
            config: {retries: {count: 2, delay: 0.1s}}
            columns: [{name: id, data_tests: [unique, not_null]}]
          - name: mart_earnings
            columns: [{name: day, data_tests: [unique]}]
        """,
}


def environment(engine: str) -> Path:
    """The folder of an engine's environment; made when it is not there."""
    version = f"py{sys.version_info.major}.{sys.version_info.minor}"
    kept = Path(os.environ.get(KEPT) or Path(tempfile.gettempdir()) / f"orc-engines-{version}")
    kept.mkdir(parents=True, exist_ok=True)
    folder, stamp = kept / engine, kept / f"{engine}.installed"
    with (kept / f"{engine}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != PINNED[engine]:
            venv.create(folder, with_pip=True, clear=True)
            install = [
                str(folder / "bin" / "python"),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                *PINNED[engine].split(),
            ]
            done = subprocess.run(install, capture_output=True, text=True, timeout=PATIENCE * 2, check=False)
            if done.returncode and KEPT not in os.environ:
                pytest.skip(f"{PINNED[engine]} cannot be installed here: {done.stderr[-300:]}")
            assert done.returncode == 0, done.stderr
            stamp.write_text(PINNED[engine], encoding="utf-8")
    return folder


@dataclass
class Engine:
    """An engine with the project exported for it. ``said`` is what its last run printed."""

    name: str
    root: Path
    bin: Path
    said: str = ""
    variables: dict[str, str] = field(default_factory=dict)

    @classmethod
    def at(cls, name: str, folder: Path) -> Engine:
        """The project in ``folder``, and the engine's programs."""
        root = folder / "rides"
        for path, content in RIDES.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(dedent(content).lstrip("\n"), encoding="utf-8")
        command = folder / "orc"
        command.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m orchestrator "$@"\n', encoding="utf-8")
        command.chmod(0o755)
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_")) and k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        found = environment(name) / "bin"
        own = {"HOME": str(folder), "ORC_COMMAND": str(command), "PATH": f"{found}{os.pathsep}{kept.get('PATH', '')}", "NO_COLOR": "1"}
        return cls(name, root, found, variables={**kept, **own})

    def export(self, *words: str) -> Path:
        """Write the files; their folder."""
        self.orc("export", self.name, "--single-machine", "--quiet", *words)
        return self.root / "exports" / self.name

    def orc(self, *words: str, code: int = 0, **env: str) -> str:
        done = subprocess.run(
            [self.variables["ORC_COMMAND"], *words], cwd=self.root, env={**self.variables, **env}, capture_output=True, text=True, timeout=PATIENCE, check=False
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def run(self, *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> int:
        """Run a program of the engine's environment; its exit code."""
        done = subprocess.run(
            [self.bin / command[0], *command[1:]],
            cwd=cwd or self.root,
            env={**self.variables, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
        self.said = done.stdout
        return done.returncode

    def history(self) -> list[Recorded]:
        """Runs that the engine's tasks wrote down, oldest first."""
        found = Sqlite(self.root / ".orchestrator" / "state.db", pid=os.getpid(), host="test").runs(1000)
        return [run for run in reversed(found) if run.trigger.startswith(f"{self.name}:")]

    def portions(self, after: int = 0) -> list[str]:
        """The portions that were run, behind so many, by name."""
        return sorted(str(run.arguments["portion"]).removeprefix("model.rides.") for run in self.history()[after:])

    def outcomes(self, after: int = 0) -> dict[str, str]:
        """How each node and test ended in the engine's runs behind so many; the newest counts."""
        ids = [run.id for run in self.history()[after:]]
        return outcomes(self.root, ids)


def outcomes(root: Path, ids: Iterable[str] | None = None) -> dict[str, str]:
    """How each node and test ended in some runs of a project's history, or in its last one."""
    history = Sqlite(root / ".orchestrator" / "state.db", pid=os.getpid(), host="test")
    found = [r.id for r in history.runs(1)] if ids is None else ids
    return {r.node.split(".")[2]: r.status.value for id_ in found for r in history.results(id_)}
