"""3.11: models in other languages; a stand-in for `Rscript` that is on PATH here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.projects.conftest import Project

MODEL = 'def model(ctx):\n    return ctx.command("Rscript", "fares.R", trips=ctx.ref("trips")WORDS)\n'
SCRIPT = """
import os, sys
import pyarrow as pa, pyarrow.csv, pyarrow.parquet
assert sys.argv[1:] == ["fares.R"] and os.path.isfile("fares.R")
print("reading trips")
trips = pyarrow.parquet.read_table(os.environ["ORC_INPUT_TRIPS"])
WHAT
pyarrow.parquet.write_table(pa.table({"driver": trips["driver"], "double": [2 * fare for fare in trips["fare"].to_pylist()]}), os.environ["ORC_OUTPUT"])
"""


@pytest.fixture
def shop(project: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    def make(script: str | None = SCRIPT, words: str = "", what: str = "", config: str = "") -> Project:
        if script is not None:
            tool = tmp_path / "bin" / "Rscript"
            tool.parent.mkdir()
            tool.write_text(f"#!{sys.executable}\n" + script.replace("WHAT", what), encoding="utf-8")
            tool.chmod(0o755)
        made = project(
            {
                "models/trips.sql": "select * from (values (1, 10), (2, 30)) as t (driver, fare)",
                "models/fares.py": MODEL.replace("WORDS", words),
                "models/p.yml": f"models: [{{name: fares, config: {{{config}}}, columns: [{{name: driver, data_tests: [unique]}}]}}]",
                "models/top.sql": "select sum(double) as total from fares",
                "fares.R": "# R",
            }
        )
        made.environment["PATH"] = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return made

    return make


def test_3_11_a_program_is_a_model_among_others(shop: Callable[..., Project]) -> None:
    made = shop()
    built = made.orc("build").exits(0)
    assert made.query("select total from main.top") == [(80,)]
    assert "reading trips" in made.orc("logs", "last", "fares").stdout + built.stderr
    assert built.statuses["unique_fares_driver"] == "pass"


def test_3_11_csv_for_those_who_have_nothing_else(shop: Callable[..., Project]) -> None:
    made = shop(
        SCRIPT.replace("parquet.read_table", "csv.read_csv").replace("pyarrow.parquet.write_table", "pyarrow.csv.write_csv"),
        ', format="csv"',
    )
    made.orc("build").exits(0)
    assert made.query("select total from main.top") == [(80,)]


def test_3_11_a_program_that_is_not_there_is_named(shop: Callable[..., Project]) -> None:
    made = shop(None, words="")
    made.environment["PATH"] = "/nowhere"
    failed = made.orc("run", "-s", "+fares").exits(1)
    assert "error[X210]: `Rscript` cannot be run: No such file or directory" in failed.stderr
    assert "models/fares.py:2" in failed.stderr


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("raise SystemExit(3)", "error[X211]: `Rscript` ended with exit code 3"),
        ("raise SystemExit", "error[X211]: `Rscript` wrote no table"),
        ("open(os.environ['ORC_OUTPUT'], 'w').write('no'); raise SystemExit", "error[X211]: `Rscript` wrote no parquet"),
        ("os.kill(os.getpid(), 9)", "error[X211]: `Rscript` was ended by signal 9"),
    ],
)
def test_3_11_a_program_that_fails_publishes_nothing(shop: Callable[..., Project], what: str, says: str) -> None:
    made = shop(what=what)
    failed = made.orc("run", "-s", "+fares").exits(1)
    assert says in failed.stderr
    assert "main.fares" not in made.relations()


def test_3_11_exit_code_75_asks_for_another_attempt(shop: Callable[..., Project]) -> None:
    first = "\nif not os.path.exists('tried'):\n    open('tried', 'w').close()\n    raise SystemExit(75)\n"
    made = shop(what=first, config="retries: {count: 1, delay: 10ms}")
    done = made.orc("run", "-s", "+fares").exits(0)
    assert "RETRY 1 of 1" in done.stderr


def test_3_11_a_timeout_ends_the_program(shop: Callable[..., Project]) -> None:
    made = shop("import os, time\nopen('began', 'w').write(str(os.getpid()))\ntime.sleep(60)\n", config="timeout: 3s")
    assert "X410" in made.orc("run", "-s", "+fares").exits(1).stderr
    stat = Path(f"/proc/{int(made.read('began'))}/stat")
    assert not stat.exists() or "Z" in stat.read_text(encoding="utf-8").rpartition(")")[2][:3]
