"""What the machine, another process or a test's own SQL can do to a run: nothing half-written, and a sentence that says what it was."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from typing import Any

import pytest

HOLDER = """
import sys, time
import duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.readline()
"""


@pytest.fixture(name="holder")
def _holder(lab: Any) -> Any:
    lab.write(a_sql="{{ config(materialized='table') }} select {{ var('v', 1) }} as v")
    lab.orc("build")
    command = [sys.executable, "-c", HOLDER, str(lab.root / "warehouse.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_file_in_use_is_said_with_the_holder_s_number(lab: Any, holder: Any) -> None:
    said = lab.orc("build", code=2)
    assert "error[W101]" in said
    assert f"is in use by process {holder.pid}" in said
    assert "--lock-timeout" in said
    assert "Traceback" not in said


def test_waiting_for_a_file_in_use(lab: Any, holder: Any) -> None:
    process = lab.start("build", "--lock-timeout", "30", "--vars", "{v: 2}")
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.5)
    holder.communicate("go\n")
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, out + err
    assert lab.rows("select v from a") == [(2,)]


def test_a_full_disk_leaves_what_was_published(lab: Any) -> None:
    lab.write(
        a_sql="{{ config(materialized='table') }} select random() as r, {{ var('v') }} as v from range(case when {{ var('v') }} = 2 then 3000000 else 3 end)",
        b_sql="select * from a",
    )
    lab.orc("build", "--vars", "{v: 1}")
    room = (lab.root / "warehouse.duckdb").stat().st_size + 2_000_000

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    said = lab.orc("build", "--vars", "{v: 2}", code=1, preexec_fn=little_room)
    assert "the disk is full" in said
    assert lab.results()["a"][0] == "error"
    assert lab.results()["b"][0] == "skipped"
    assert lab.rows("select count(*), max(v) from b") == [(3, 1)]
    lab.orc("build", "--vars", "{v: 2}")
    assert lab.rows("select count(*), max(v) from b") == [(3_000_000, 2)]
    assert lab.rows("select count(*) from duckdb_tables() where table_name like '%__orc_stage'") == [(0,)]


def test_a_gate_that_cannot_be_asked_has_not_passed(lab: Any) -> None:
    lab.write(
        a_sql="{{ config(materialized='table') }} select {{ var('v') }} as v, case when {{ var('v') }} = 2 then 'x' else '1' end as n",
        b_sql="select * from a",
        check_is_number_sql="select * from {{ ref('a') }} where cast(n as int) <> 1",
    )
    lab.orc("build", "--vars", "{v: 1}")
    said = lab.orc("build", "--vars", "{v: 2}", code=1)
    assert "Conversion" in said or "convert" in said
    assert {n: s for n, (s, _) in lab.results().items()} == {"a": "error", "b": "skipped", "check_is_number": "error"}
    assert lab.rows("select v from b") == [(1,)]
    assert lab.rows("select count(*) from duckdb_tables() where table_name like '%__orc_stage'") == [(0,)]


def test_a_failed_gate_keeps_the_stage_until_the_next_build_of_the_model(lab: Any) -> None:
    lab.write(
        a_sql="{{ config(materialized='table' if var('v') == 2 else 'view') }} select {{ var('v') }} as v",
        check_is_not_two_sql="select * from {{ ref('a') }} where v = 2",
    )
    lab.orc("build", "--vars", "{v: 1}")
    said = lab.orc("build", "--vars", "{v: 2}", code=1)
    assert '"a__orc_stage"' in said
    assert lab.rows("select a.v, s.v from a, a__orc_stage s") == [(1, 2)]
    lab.orc("build", "--vars", "{v: 3}")
    assert lab.rows("select v from a") == [(3,)]
    assert lab.rows("select count(*) from information_schema.tables where table_name like '%__orc_stage'") == [(0,)]


def test_an_error_that_somebody_swallowed_does_not_become_a_success(lab: Any) -> None:
    lab.write(
        broken_sql="select cast(x as int) as x from (select case when {{ var('v') }} = 2 then 'two' else '1' end as x)",
        a_py="import pyarrow as pa\n\n\ndef model(ctx):\n    try:\n        ctx.ref('broken').arrow()\n    except Exception:\n        pass\n"
        "    return pa.table({'v': [ctx.var('v')]})\n",
    )
    lab.orc("build", "--vars", "{v: 1}")
    said = lab.orc("build", "--vars", "{v: 2}", code=1)
    assert "error[X110]" in said
    assert lab.results()["a"][0] == "error"
    assert lab.rows("select v from a") == [(1,)]
    assert lab.rows("select count(distinct run) from _orc.ledger") == [(2,)]


def test_a_ledger_that_cannot_be_made_stops_the_run_before_it_starts(lab: Any) -> None:
    lab.write(a_sql="select 1 as x")
    lab.orc("build")
    lab.rows("drop table _orc.ledger")
    lab.rows("create view _orc.ledger as select 1 as x")
    said = lab.orc("build", code=2)
    assert "Traceback" not in said
    assert "error[X102]" in said
    (lab.root / "warehouse.duckdb").unlink()
    (lab.root / "profiles.yml").write_text("shop: {target: dev, outputs: {dev: {type: duckdb, path: warehouse.duckdb, read_only: true}}}")
    (lab.root / "pyproject.toml").write_text("[tool.orchestrator]\nname = 'shop'\nprofile = 'shop'\n")
    lab.rows("select 1")
    said = lab.orc("build", code=2)
    assert "Traceback" not in said
    assert "read-only" in said
    assert lab.orc("runs").count(" build ") == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_one_may_not_write_to(lab: Any) -> None:
    lab.write(a_sql="select 1 as x")
    lab.root.chmod(0o500)
    try:
        said = lab.orc("build", code=2)
    finally:
        lab.root.chmod(0o700)
    assert "Traceback" not in said
