"""Which server the tests run on is the choice of whoever runs them; without one they do not pretend."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def contract(**env: str) -> str:
    """What pytest says of one test that needs a server, in a process with this environment."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "PYTEST_"))}
    test = "tests/contract/test_postgres_lost.py::test_a_session_says_which_run_it_belongs_to"
    command = [sys.executable, "-m", "pytest", "-rs", "-n", "0", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=ROOT, env={**clean, **env}, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def test_without_a_server_tests_are_skipped_or_fail_as_one_wishes() -> None:
    assert "1 skipped" in contract(ORC_TEST_PG_VERSION="9")
    required = contract(ORC_TEST_PG_VERSION="9", ORC_REQUIRE_PG="1")
    assert "1 error" in required
    assert "there is 18, 16" in required


def test_the_tests_run_on_a_server_that_is_there(postgres_url: str) -> None:
    """Also one that the wheel could not start: the version says so."""
    assert "1 passed" in contract(ORC_TEST_PG_URL=postgres_url, ORC_TEST_PG_VERSION="9", ORC_REQUIRE_PG="1")


def test_the_checks_of_the_repository_want_a_server() -> None:
    said = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    set_ = next(n for n, line in enumerate(said) if line.startswith("export ORC_REQUIRE_PG=1"))
    assert set_ > next(n for n, line in enumerate(said) if "unset " in line and "$name" in line)
