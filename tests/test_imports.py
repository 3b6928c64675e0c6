"""What a cheap command may not cost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
HEAVY = {"sqlglot", "pandas", "numpy", "duckdb", "pydantic", "rich", "google", "psycopg", "jinja2", "yaml", "pyarrow"}

LOADED = """
import sys, contextlib, io
from orchestrator.cli.main import call
with contextlib.redirect_stdout(io.StringIO()):
    code = call({arguments!r})
print(code, *sorted({{name.split(".")[0] for name in sys.modules}}))
"""


def loaded_after(*arguments: str) -> tuple[int, set[str]]:
    script = LOADED.format(arguments=list(arguments))
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60
    )
    code, *names = done.stdout.split()
    return int(code), set(names)


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ("build", "--help"), ("completion", "zsh"), ("buidl",)])
def test_nothing_heavy_is_imported_to_explain_ourselves(arguments: tuple[str, ...]) -> None:
    code, names = loaded_after(*arguments)
    assert code == (2 if arguments == ("buidl",) else 0)
    assert "click" in names
    assert not names & HEAVY
