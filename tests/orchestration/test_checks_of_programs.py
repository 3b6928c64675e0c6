"""3.11: models in other languages; a stand-in for `Rscript` that is on PATH here."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from orchestrator.execute.child.faults import Fault
from orchestrator.execute.child.program import program
from tests.projects.conftest import Project

MODEL = 'def model(ctx):\n    return ctx.command("Rscript", "fares.R", trips=ctx.ref("trips"))\n'
SCRIPT = """
import os, sys
import pyarrow as pa, pyarrow.csv, pyarrow.parquet
assert sys.argv[1:] == ["fares.R"] and os.path.isfile("fares.R")
print("reading trips")
trips = pyarrow.parquet.read_table(os.environ["ORC_INPUT_TRIPS"])
pyarrow.parquet.write_table(pa.table({"driver": trips["driver"], "double": [2 * fare for fare in trips["fare"].to_pylist()]}), os.environ["ORC_OUTPUT"])
"""


@pytest.fixture
def shop(project: Callable[..., Project], tmp_path: Path) -> Callable[..., Project]:
    def make(script: str | None = SCRIPT, config: str = "") -> Project:
        if script is not None:
            tool = tmp_path / "bin" / "Rscript"
            tool.parent.mkdir()
            tool.write_text(f"#!{sys.executable}\n" + script, encoding="utf-8")
            tool.chmod(0o755)
        made = project(
            {
                "models/trips.sql": "select * from (values (1, 10), (2, 30)) as t (driver, fare)",
                "models/fares.py": MODEL,
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


def test_3_11_a_program_that_is_not_there_is_named_at_the_model_s_line(shop: Callable[..., Project]) -> None:
    made = shop(None)
    made.environment["PATH"] = "/nowhere"
    failed = made.orc("run", "-s", "+fares").exits(1)
    assert "error[X210]: `Rscript` cannot be run: No such file or directory" in failed.stderr
    assert "models/fares.py:2" in failed.stderr
    assert "main.fares" not in made.relations()


def test_3_11_exit_code_75_asks_for_another_attempt_and_a_timeout_ends_what_runs(shop: Callable[..., Project]) -> None:
    """The first attempt asks for another, which takes too long."""
    script = "import os, time\nif not os.path.exists('tried'):\n    open('tried', 'w').close()\n    raise SystemExit(75)\nopen('began', 'w').write(str(os.getpid()))\ntime.sleep(60)\n"
    made = shop(script, config="retries: {count: 1, delay: 10ms}, timeout: 3s")
    failed = made.orc("run", "-s", "+fares").exits(1).stderr
    assert "RETRY 1 of 1" in failed
    assert "X410" in failed
    stat = Path(f"/proc/{int(made.read('began'))}/stat")
    assert not stat.exists() or "Z" in stat.read_text(encoding="utf-8").rpartition(")")[2][:3]


class Fares:
    """A handle as a model has it."""

    def arrow(self) -> pa.Table:
        return pa.table({"driver": [1, 2], "fare": [10, 30]})


def test_3_11_csv_for_those_who_have_nothing_else() -> None:
    made = program(("sh", "-c", "sed s/fare/double/ $ORC_INPUT_TRIPS > $ORC_OUTPUT"), {"trips": Fares()}, "csv")
    assert made.to_pydict() == {"driver": [1, 2], "double": [10, 30]}


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("exit 3", "`sh` ended with exit code 3"),
        ("true", "`sh` wrote no table"),
        ("echo no > $ORC_OUTPUT", "`sh` wrote no parquet that can be read"),
        ("kill -9 $$", "`sh` was ended by signal 9"),
    ],
)
def test_3_11_a_program_that_fails_says_how(script: str, says: str) -> None:
    with pytest.raises(Fault, match=says) as failed:
        program(("sh", "-c", script), {"trips": Fares()}, "parquet")
    assert failed.value.code == "X211"


def test_what_cannot_be_asked_of_a_program() -> None:
    with pytest.raises(Fault, match="none of parquet and csv"):
        program(("sh",), {}, "xlsx")
    with pytest.raises(Fault, match="needs the program"):
        program((), {}, "csv")
