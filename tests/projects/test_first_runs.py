"""Two runs at once where nobody has built anything yet: the later one finds what the earlier one made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.projects.conftest import Make

ROOT = Path(__file__).resolve().parents[2]


def test_two_first_runs_at_once_end_well(project: Make) -> None:
    p = project({
        "models/slow.sql": "{{ config(materialized='table') }} select count(*) as n from range(80000000) where range % 7 = 3",
        "models/days.sql": "{{ config(materialized='incremental') }} select n from slow",
        "seeds/s.csv": "id\n1\n",
    })  # fmt: skip
    env = {**{k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_"))}, "PYTHONPATH": str(ROOT), "ORC_LOCK_TIMEOUT": "60"}
    command = [sys.executable, "-m", "orchestrator", "build", "--project-dir", str(p.root)]
    both = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(2)]
    told = [process.communicate(timeout=100)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], "\n".join(told)
    assert p.query("select count(*) from days") == [(2,)], "each run added its row"


def test_a_plan_makes_no_file(project: Make) -> None:
    p = project({"models/a.sql": "select 1 as x"})
    p.orc("plan").exits(0)
    assert list(p.root.glob("*.duckdb")) == []
