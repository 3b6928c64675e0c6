"""Ctrl-C and SIGTERM: what runs is cancelled, what is told is true, what was published stays."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

SLOW_SQL = """{{ config(materialized='table') }}
{% if var('v') == 2 %}
select max(a.range * b.range + c.range) as id from range(100000) a, range(100000) b, range(1000) c
{% else %}
select 1 as id
{% endif %}
"""
SLOW_PYTHON = """
import os, time
import pyarrow as pa


def model(ctx):
    if ctx.var("v") == 2:
        with open("child.pid", "w") as file:
            file.write(str(os.getpid()))
        time.sleep(60)
    return pa.table({"id": [1]})
"""
STUBBORN = SLOW_PYTHON.replace(
    "import os, time",
    "import os, signal, time\n\nfor number in (signal.SIGINT, signal.SIGTERM):\n    signal.signal(number, signal.SIG_IGN)\n",
)


def waiting(lab: Any, ready: Any, *words: str) -> subprocess.Popen[str]:
    """A build of version 2 that has come so far that its slow model runs."""
    process: subprocess.Popen[str] = lab.start("build", "--threads", "2", "--vars", "{v: 2}", *words)
    end = time.monotonic() + 30
    while not ready():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    return process


def ended(process: subprocess.Popen[str], within: float) -> tuple[int, str]:
    begin = time.monotonic()
    out, err = process.communicate(timeout=30)
    assert time.monotonic() - begin < within
    return process.returncode, out + err


def quick_is_done(lab: Any) -> bool:
    """Whether the history knows that the quick model of version 2 is there; then the slow one has been running for a while."""
    path = lab.root / ".orchestrator" / "state.db"
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute(
            "select count(*) from runs join results on results.run = runs.id where runs.status = 'running' and results.node like '%quick'"
        ).fetchone()
    return bool(found[0])


@pytest.fixture(name="started")
def _started(lab: Any) -> Any:
    def start(slow: dict[str, str], ready: Any) -> subprocess.Popen[str]:
        lab.write(quick_sql="{{ config(materialized='table') }} select {{ var('v') }} as v", last_sql="select * from slow", **slow)
        lab.orc("build", "--vars", "{v: 1}")
        return waiting(lab, lambda: ready(lab))

    return start


def child_is_there(lab: Any) -> bool:
    path = lab.root / "child.pid"
    return path.exists() and bool(path.read_text())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("slow", ["sql", "python"])
def test_the_first_signal_cancels_and_tells_the_truth(lab: Any, started: Any, slow: str, number: signal.Signals, code: int) -> None:
    process = started(
        {"slow_sql": SLOW_SQL} if slow == "sql" else {"slow_py": SLOW_PYTHON}, quick_is_done if slow == "sql" else child_is_there
    )
    process.send_signal(number)
    returned, said = ended(process, 10)
    assert returned == code, said
    assert "Interrupted" in said
    assert lab.results()["slow"][0] == "skipped"
    assert lab.results()["last"] == ("skipped", "interrupted")
    assert lab.rows("select id from slow") == [(1,)]
    published = {(2,): "success"}.get(lab.rows("select v from quick")[0], "skipped")
    assert lab.results()["quick"][0] == published
    assert lab.rows("select count(*) from duckdb_tables() where table_name like '%__orc_stage'") == [(0,)]
    if slow == "python":
        _is_gone(lab)
    assert "cancelled" in lab.orc("runs")
    lab.orc("retry", "--vars", "{v: 1}")
    assert lab.results()["last"][0] == "success"


def test_the_second_signal_ends_at_once(lab: Any, started: Any) -> None:
    process = started({"slow_py": STUBBORN}, child_is_there)
    # A listener that hangs stands for whatever does not let go: the process must end all the same.
    process.send_signal(signal.SIGSTOP)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGCONT)
    time.sleep(0.6)
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    returned, _ = ended(process, 2)
    assert returned in (130, -signal.SIGINT)  # a shell says 130 to both: while the interpreter shuts down, the signal itself ends it
    _is_gone(lab)
    assert lab.rows("select id from slow") == [(1,)]


def _is_gone(lab: Any) -> None:
    """The model's process does not outlive the run."""
    pid = (lab.root / "child.pid").read_text()
    end = time.monotonic() + 5
    while (path := Path(f"/proc/{pid}/stat")).exists() and path.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < end, f"process {pid} still runs"
        time.sleep(0.05)
