"""The demo project, built once per test session, whichever worker asks first."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("models", "seeds", "macros", "tests/assertions", "pyproject.toml", "profiles.yml")
PATIENCE = 240  # seconds; a build takes a tenth of that

Orc = Callable[..., "subprocess.CompletedProcess[str]"]


def copy_project(to: Path) -> None:
    for part in PARTS:
        source, copy = ROOT / part, to / part
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)


def orc_in(project: Path) -> Orc:
    """The command line, from outside and away from the caller's settings."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))}

    def run(verb: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "orchestrator", verb, "--project-dir", str(project), *arguments]
        return subprocess.run(
            command, cwd=project, env={**clean, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=PATIENCE, check=False
        )

    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's folder after `orc build`. Read only: tests that build again take a copy."""
    base = tmp_path_factory.getbasetemp()
    project = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "demo_project"
    outcome = project / "outcome.json"
    try:
        project.mkdir()  # atomic: exactly one worker succeeds, and builds
    except FileExistsError:
        give_up = time.monotonic() + PATIENCE
        while not outcome.exists():
            assert time.monotonic() < give_up, "another worker builds the demo and does not finish"
            time.sleep(0.1)
    else:
        told: dict[str, Any] = {"code": None, "text": "the build was not even started"}
        try:
            copy_project(project)
            done = orc_in(project)("build")
            told = {"code": done.returncode, "text": done.stdout + done.stderr}
        finally:
            draft = project / "outcome.draft"
            draft.write_text(json.dumps(told), encoding="utf-8")
            draft.rename(outcome)
    told = json.loads(outcome.read_text(encoding="utf-8"))
    assert told["code"] == 0, told["text"]
    return project


@pytest.fixture
def demo_copy(demo: Path, tmp_path: Path) -> Path:
    """A built demo of one's own, to build again."""
    copy = tmp_path / "demo"
    shutil.copytree(demo, copy)
    return copy


@pytest.fixture
def orc(demo_copy: Path) -> Orc:
    """The command line for :func:`demo_copy`."""
    return orc_in(demo_copy)
