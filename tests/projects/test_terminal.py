"""A run as somebody sees it: on a terminal, through a pipe, interrupted."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.app.scaffold import scaffold

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
SLOW = {
    "models/slow_sql.sql": "{{ config(materialized='table') }} select count(*) as n from range(1000000) a, range(1000000) b where (a.range * b.range) % 7 = 3",
    "models/slow_py.py": "import time\ndef model(ctx):\n    time.sleep(600)\n",
    "models/quick.sql": "select 1 as x",
    "models/later.sql": "select * from slow_sql",
}
DEAF = """
import time
from orchestrator.adapters.duckdb import connection
from orchestrator.cli import main
real = connection.DuckDBConnection.execute
def execute(self, sql):
    if "range(1000000)" in sql:
        time.sleep(600)
    return real(self, sql)
connection.DuckDBConnection.execute = execute
main()
"""
"""A command whose warehouse does not answer, not even to a cancel."""


def written(folder: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def environment(**more: str) -> dict[str, str]:
    ours = ("ORC_", "DBT_", "NO_COLOR", "FORCE_COLOR", "CI", "COLUMNS", "LINES")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**clean, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **more}


def on_terminal(
    folder: Path,
    *arguments: str,
    columns: int = 80,
    then: Callable[[str, subprocess.Popen[bytes]], None] = lambda _shown, _process: None,
    program: tuple[str, ...] = ("-m", "orchestrator"),
    env: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Run `orc` with a terminal for stderr; ``then`` sees what was shown so far, each time there is more."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, *program, *arguments]
    process = subprocess.Popen(command, cwd=folder, env=environment(**(env or {})), stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown, give_up = b"", time.monotonic() + PATIENCE
    try:
        while time.monotonic() < give_up:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    more = os.read(ours, 65536)
                except OSError:  # how Linux says that nobody has the other end open
                    break
                if not more:
                    break
                shown += more
            then(shown.decode(errors="replace"), process)
        return process.wait(PATIENCE), shown.decode(errors="replace")
    finally:
        if process.poll() is None:
            process.kill()
        os.close(ours)


def through_pipe(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "orchestrator", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(**env), capture_output=True, text=True, timeout=PATIENCE, check=False)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return written(tmp_path, scaffold("shop"))


@pytest.mark.parametrize("columns", [80, 120, 40])
def test_a_terminal_sees_a_live_view_and_then_what_was_built(shop: Path, columns: int) -> None:
    code, shown = on_terminal(shop, "build", columns=columns)
    assert code == 0
    assert "\x1b[?25l" in shown, "the cursor is hidden while lines are redrawn"
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "and comes back"
    assert "\x1b[32m" in shown
    plain = CODES.sub("", shown)
    assert re.search(r"\d+ of 16  0:0\d", plain) or columns < 60
    assert "OK created sql table model main.order_totals" in plain
    assert "PASS unique_orders_order_id" not in plain, "a test that passes only moves the bar"
    assert plain.rstrip().endswith("Done. PASS=16 WARN=0 ERROR=0 SKIP=0 NO-OP=0 REUSED=0 TOTAL=16")


@pytest.mark.parametrize("env", [{"CI": "true"}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_a_terminal_that_cannot_or_should_not_be_redrawn_gets_lines(shop: Path, env: dict[str, str]) -> None:
    code, shown = on_terminal(shop, "build", env=env)
    assert code == 0
    assert "\x1b[?25l" not in shown
    assert ("\x1b[32m" in shown) == (env == {"CI": "true"})
    assert re.search(r"^\d\d:\d\d:\d\d  \d+ of 16 START sql view model main.orders \.+ \[RUN\]", CODES.sub("", shown), re.MULTILINE)


def test_a_pipe_gets_plain_lines_and_stdout_only_data(shop: Path) -> None:
    done = through_pipe(shop, "build")
    assert (done.returncode, done.stdout) == (0, "")
    assert "\x1b" not in done.stderr
    assert "\x1b[32m" in through_pipe(shop, "seed", FORCE_COLOR="1").stderr
    assert "\x1b[32m" in through_pipe(shop, "seed", "--color").stderr
    assert "\x1b" not in through_pipe(shop, "seed", "--no-color", FORCE_COLOR="1").stderr


@pytest.mark.parametrize(
    "command", ["ls --output json", "build 2>&1", "show --inline 'select * from range(9999)' --limit -1", "--help", "debug"]
)
def test_a_reader_that_leaves_early_sees_no_traceback(shop: Path, command: str) -> None:
    script = f'"{sys.executable}" -m orchestrator {command} | head -1'
    done = subprocess.run(script, shell=True, cwd=shop, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert done.stdout.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert "BrokenPipe" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_output_that_cannot_be_written_is_not_called_a_bug(shop: Path) -> None:
    script = f'"{sys.executable}" -m orchestrator ls > /dev/full'
    done = subprocess.run(script, shell=True, cwd=shop, env=environment(), capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert done.returncode == 2
    assert "error[S006]: cannot write: No space left on device" in done.stderr
    assert "bug" not in done.stderr


def interrupting(when: str, number: int = signal.SIGINT) -> Callable[[str, subprocess.Popen[bytes]], None]:
    sent: list[float] = []

    def then(shown: str, process: subprocess.Popen[bytes]) -> None:
        if not sent and when in CODES.sub("", shown) and "quick" in shown:
            sent.append(time.monotonic())
            process.send_signal(number)

    return then


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_cancels_what_runs_and_writes_what_happened(tmp_path: Path, number: int, code: int) -> None:
    shop = written(tmp_path, SLOW)
    began = time.monotonic()
    returned, shown = on_terminal(shop, "build", "--threads", "4", then=interrupting("slow_py  0:01", number))
    assert returned == code
    assert time.monotonic() - began < PATIENCE / 4
    plain = CODES.sub("", shown)
    assert "Interrupted: cancelling what runs" in plain
    assert "Done. PASS=1 WARN=0 ERROR=0 SKIP=3 NO-OP=0 REUSED=0 TOTAL=4" in plain
    results = json.loads((shop / "target" / "run_results.json").read_text())["results"]
    statuses = {r["unique_id"].rsplit(".", 1)[-1]: r["status"] for r in results}
    assert statuses == {"quick": "success", "slow_sql": "skipped", "slow_py": "skipped", "later": "skipped"}
    assert [run["status"] for run in json.loads(through_pipe(shop, "runs", "--output", "json").stdout)] == ["cancelled"]
    retried = through_pipe(shop, "show", "--inline", "select x from quick", "--output", "json")
    assert json.loads(retried.stdout) == [{"x": 1}], "the file is not locked, and holds what was published"


def test_a_second_ctrl_c_stops_at_once_whatever_does_not_answer(tmp_path: Path) -> None:
    shop = written(tmp_path, {k: v for k, v in SLOW.items() if not k.endswith(".py")})
    program = tmp_path / "deaf.py"
    program.write_text(DEAF)
    sent: list[float] = []

    def then(shown: str, process: subprocess.Popen[bytes]) -> None:
        plain = CODES.sub("", shown)
        if (not sent and "slow_sql  0:01" in plain) or (len(sent) == 1 and time.monotonic() - sent[0] > 1):
            sent.append(time.monotonic())
            process.send_signal(signal.SIGINT)

    returned, shown = on_terminal(shop, "build", then=then, program=(str(program),))
    ended = time.monotonic()
    assert returned == 130
    assert len(sent) == 2
    assert ended - sent[1] < 5
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l"), "the cursor is back"
