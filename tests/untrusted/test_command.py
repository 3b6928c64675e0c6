"""`orc ci --untrusted` on a repository that a stranger wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.untrusted.conftest import CANARY
from tests.untrusted.test_strangers_repository import GIT

ROOT = Path(__file__).resolve().parents[2]


class Fork:
    """A repository with a branch of a stranger checked out."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.root = folder, folder / "shop"
        (self.root / "models").mkdir(parents=True)
        (folder / "home").mkdir()
        (folder / "canary.sql").write_text(f"select '{CANARY}' as x -- not for your eyes\n")
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_", "GITHUB_", "CI"))}
        self.env = {**clean, **GIT, "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "NO_COLOR": "1", "ORC_SECRET_CANARY": CANARY}
        self.git("init", "-q", "-b", "main")
        self.commit({"models/orders.sql": "select 1 as id, 2 as amount", "models/revenue.sql": "select sum(amount) as total from orders"})
        self.git("checkout", "-q", "-b", "theirs")

    def git(self, *words: str) -> None:
        subprocess.run(["git", *words], cwd=self.root, env=self.env, check=True, capture_output=True)

    def commit(self, files: dict[str, str]) -> None:
        for path, text in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", "x")

    def orc(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", "ci", "--base", "main", *words],
            cwd=self.root, env={**self.env, **env}, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        said = done.stdout + done.stderr + "".join(p.read_text() for p in (self.root / "target").rglob("*") if p.is_file())
        assert CANARY not in said
        assert "not for your eyes" not in said, "secrets are masked: this is not"
        assert "Traceback" not in said
        return done


@pytest.fixture
def fork(tmp_path: Path) -> Fork:
    return Fork(tmp_path)


def test_what_breaks_blocks_and_nothing_is_built(fork: Fork) -> None:
    fork.commit({"models/orders.sql": "select 1 as id"})
    done = fork.orc("--untrusted")
    assert done.returncode == 1, done.stderr
    assert "`orders.amount`" in done.stderr
    assert "[U063]" in done.stderr
    assert not (fork.root / "warehouse.duckdb").exists()
    assert not (fork.root / ".orchestrator").exists()
    report = json.loads((fork.root / "target/ci/review.json").read_text())
    assert "not trusted" in json.dumps(report)


def test_what_is_fine_passes(fork: Fork) -> None:
    fork.commit({"models/new.sql": "select id from orders"})
    done = fork.orc("--untrusted")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("PASSED  1 added, 0 built")


def test_a_bomb_is_exit_code_1_and_says_which_limit(fork: Fork) -> None:
    fork.commit({"models/a.yml": "[" * 100_000, "models/x.sql": "{{ '' ~ ('x' * 9999999) * 9999 }}"})
    done = fork.orc("--untrusted")
    assert done.returncode == 1
    assert "BLOCKED" in done.stderr


def test_a_fork_is_not_run_without_being_told_to(fork: Fork, tmp_path: Path) -> None:
    repositories = {"head": {"repo": {"full_name": "them/shop"}}, "base": {"repo": {"full_name": "us/shop"}}}
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": repositories}))
    fork.commit({"models/new.sql": "select id from orders"})
    event = {"GITHUB_EVENT_NAME": "pull_request", "GITHUB_EVENT_PATH": str(tmp_path / "event.json")}
    refused = fork.orc(**event)
    assert (refused.returncode, "U072" in refused.stderr) == (2, True)
    assert not (fork.root / "warehouse.duckdb").exists()
    assert fork.orc("--untrusted", **event).returncode == 0
    assert "U072" not in fork.orc("--trust", **event).stderr


@pytest.mark.parametrize("link", ["target", "target/ci", "target/ci/review.md"])
def test_reports_do_not_follow_a_link(link: str, fork: Fork, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/review.md").write_text("ours")
    (fork.root / link).parent.mkdir(parents=True, exist_ok=True)
    (fork.root / link).symlink_to(tmp_path / "elsewhere" / ("review.md" if link.endswith(".md") else ""))
    fork.commit({"models/new.sql": "select id from orders"})
    done = fork.orc("--untrusted")
    assert (done.returncode, "U074" in done.stderr) == (2, True)
    assert (tmp_path / "elsewhere/review.md").read_text() == "ours"
    assert [p.name for p in (tmp_path / "elsewhere").iterdir()] == ["review.md"]
    assert fork.orc("--untrusted", "--report-dir", str(tmp_path / "reports")).returncode == 0


def test_commands_to_the_server_are_told_as_text(fork: Fork) -> None:
    raised = "{{ exceptions.raise_compiler_error('x\\n::set-env name=PATH::y\\n::add-mask::z') }}"
    fork.commit({"models/new.sql": raised, "models/a,line=1::b.sql": "select nope from orders"})
    done = fork.orc("--untrusted", GITHUB_ACTIONS="true")
    assert done.returncode == 1
    assert "set-env" in done.stderr
    commands = [line.strip() for line in (done.stdout + done.stderr).splitlines() if line.lstrip().startswith("::")]
    assert [line for line in commands if not line.startswith(("::error ", "::warning "))] == []
    assert any(line.startswith("::error file=models/new.sql,line=1,") for line in commands)
    assert all(line.split("::")[1].count("line=") == line.split("::")[1].count(",line=") <= 1 for line in commands)


def test_a_link_out_of_the_project_is_named_without_showing_what_is_there(fork: Fork, tmp_path: Path) -> None:
    """Also where the code is trusted: the log of a pull request may be public."""
    (fork.root / "models/evil.sql").symlink_to(tmp_path / "canary.sql")
    fork.commit({})
    done = fork.orc("--trust")
    assert "C503" in done.stderr
    assert done.returncode == 2


def test_without_a_repository(tmp_path: Path) -> None:
    fork = Fork(tmp_path)
    (fork.root / ".git").rename(tmp_path / "gone")
    done = fork.orc("--untrusted")
    assert (done.returncode, "U038" in done.stderr) == (2, True)
