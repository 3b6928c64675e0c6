"""Completion as the shells ask for it: a real bash, and click's protocol for the others."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "target").mkdir()
    nodes = {f"model.p.{name}": {"resource_type": "model", "name": name} for name in ("stg_orders", "stg_items", "orders")}
    nodes["test.p.t"] = {"resource_type": "test", "name": "stg_test"}
    sources = {"source.p.raw.t": {"resource_type": "source", "source_name": "raw", "name": "t"}}
    (tmp_path / "target" / "manifest.json").write_text(json.dumps({"nodes": nodes, "sources": sources}))
    command = tmp_path / "bin" / "orc"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m orchestrator "$@"\n')
    command.chmod(0o755)
    return tmp_path


def environment(project: Path, **more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}", **more}


BASH = r"""
eval "$(orc completion bash)"
compopt() { :; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_orc_completion orc
printf '%s\n' "${COMPREPLY[@]}"
"""


def complete_in_bash(project: Path, *words: str) -> list[str]:
    command = [str(shutil.which("bash")), "--norc", "-c", BASH, "bash", *words]
    done = subprocess.run(command, cwd=project, env=environment(project), capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (("orc", "bu"), ["build"]),
        (("orc", "build", "--full"), ["--full-refresh"]),
        (("orc", "run", "-s", "stg_"), ["stg_items", "stg_orders"]),
        (("orc", "run", "-s", "orders", "+stg_o"), ["+stg_orders"]),
        (("orc", "run", "--exclude", "2+or"), ["2+orders"]),
        (("orc", "ls", "-s", "source:"), ["source:raw.t"]),
        (("orc", "completion", "f"), ["fish"]),
    ],
)
def test_bash_completes(project: Path, typed: tuple[str, ...], offered: list[str]) -> None:
    assert complete_in_bash(project, *typed) == offered


def test_without_a_manifest_there_are_no_names_and_no_complaint(project: Path) -> None:
    (project / "target" / "manifest.json").unlink()
    asked = environment(project, _ORC_COMPLETE="zsh_complete", COMP_WORDS="orc run -s s", COMP_CWORD="3")
    done = subprocess.run(["orc"], cwd=project, env=asked, capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout.strip(), done.stderr) == ("", "")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_and_words(project: Path, shell: str) -> None:
    script = subprocess.run(["orc", "completion", shell], env=environment(project), capture_output=True, text=True, timeout=60, check=True)
    assert f"_ORC_COMPLETE={shell}_complete" in script.stdout
    words = "orc run -s stg_" if shell == "zsh" else "orc run -s"
    asked = environment(project, _ORC_COMPLETE=f"{shell}_complete", COMP_WORDS=words, COMP_CWORD="3" if shell == "zsh" else "stg_")
    done = subprocess.run(["orc"], cwd=project, env=asked, capture_output=True, text=True, timeout=60, check=True)
    assert "stg_items" in done.stdout
    assert "stg_orders" in done.stdout
