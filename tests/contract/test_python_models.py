"""Python models from end to end: frames of every library in and out, and memory that does not grow with them, on every engine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import call
from orchestrator.core.names import Relation

ROOT = Path(__file__).resolve().parents[2]

MADE = """
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

TABLE = pa.table({
    "n": pa.array([1, 2, 3]),
    "whole": pa.array([2**63 - 1, None, -(2**63)]),
    "small": pa.array([1, None, -1], pa.int32()),
    "share": pa.array([0.1, None, -1e300]),
    "price": pa.array([Decimal("12345678.90"), None, Decimal("-0.01")], pa.decimal128(10, 2)),
    "flag": pa.array([True, None, False]),
    "word": pa.array(["", None, "naïve 日本"]),
    "raw": pa.array([b"", None, bytes([0, 255])]),
    "day": pa.array([date(2024, 2, 29), None, date(1900, 1, 1)]),
    "at": pa.array([datetime(2024, 3, 10, 2, 30, 0, 123456), None, datetime(1900, 1, 1)], pa.timestamp("us")),
    "moment": pa.array([datetime(2024, 3, 10, 7, 30, tzinfo=UTC), None, datetime(1900, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
    "tags": pa.array([["a", None], None, []], pa.list_(pa.string())),
})
"""

MODELS = {
    "arrow": ("TABLE", "ctx.ref('made_arrow').arrow()"),
    "pandas": ("to_pandas(TABLE)", "ctx.ref('made_pandas').df()"),
    "polars": ("pl.from_arrow(TABLE)", "ctx.ref('made_polars').polars()"),
    "pieces": ("(TABLE.slice(i, 1) for i in range(3))", "ctx.ref('made_pieces').batches()"),
    "mixed": ("iter([TABLE.slice(0, 1), pl.from_arrow(TABLE.slice(1, 1)), TABLE.slice(2, 1)])", "ctx.ref('made_mixed')"),
    "dicts": ("TABLE.to_pylist()", "ctx.ref('made_dicts').arrow().to_pylist()"),
}
"""How each kind of frame is made, and how it is read again."""

USES = "import polars as pl\nfrom orchestrator.execute.child.pandas_frames import to_pandas\n"


STORED_BY_BIGQUERY = ("arrow", "pandas", "pieces", "dicts")
"""The kinds of frames that BigQuery is shown: its stand-in takes a second for each."""


def project(engine: Any, files: dict[str, str]) -> Path:
    """A folder whose profile is the engine under test."""
    root: Path = engine.root / "project"
    profile = {"shop": {"target": "dev", "outputs": {"dev": {**engine.target.settings, "schema": engine.target.schema, "threads": 4}}}}
    own = {"profiles.yml": json.dumps(profile), "dbt_project.yml": "name: shop\nversion: '1'\nprofile: shop\n"}
    for path, text in {**own, **files}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


@pytest.fixture
def alone(engine: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the caller's settings."""
    for key in [k for k in os.environ if k.startswith(("ORC_", "DBT_"))]:
        monkeypatch.delenv(key)
    monkeypatch.setenv("HOME", str(tmp_path))


def contents(engine: Any, name: str) -> tuple[list[str], list[dict[str, Any]]]:
    """A table's column types, and its rows."""
    relation: Relation = engine.relation(name)
    session = engine.connect()
    types = [type_ for _, type_ in session.columns(relation)]
    return types, session.read(f"select * from {engine.dialect.relation(relation)} order by n").read_all().to_pylist()


@pytest.mark.parametrize("engine", ["bigquery", "duckdb", "postgres"], indirect=True)
@pytest.mark.usefixtures("alone")
def test_frames_of_every_library_go_in_and_come_out_as_they_were(engine: Any) -> None:
    """BigQuery's lists hold no nulls and are none: there a null list comes out empty."""
    pytest.importorskip("polars", reason="polars is not installed")
    listless = engine.target.type == "bigquery"
    text = MADE.replace('["a", None]', '["a", "b"]') if listless else MADE
    models = {name: MODELS[name] for name in (STORED_BY_BIGQUERY if listless else MODELS)}
    files = {"shared_rows.py": text}
    for name, (made, read) in models.items():
        files[f"models/made_{name}.py"] = f"{USES}from shared_rows import TABLE\n\n\ndef model(ctx):\n    return {made}\n"
        files[f"models/read_{name}.py"] = f"def model(ctx):\n    return {read}\n"
    root = project(engine, files)
    engine.warehouse.close()  # DuckDB's file has one user at a time
    assert call(["run", "--project-dir", str(root), "--quiet"]) == 0

    space: dict[str, Any] = {}
    exec(text, space)  # the same text as in the project
    rows = [{**row, "tags": row["tags"] or []} if listless else row for row in space["TABLE"].to_pylist()]
    expected, _ = contents(engine, "made_arrow")
    for name in models:
        for model in (f"made_{name}", f"read_{name}"):
            types, found = contents(engine, model)
            assert found == rows, model
            if name != "dicts":  # Python's values do not say how wide they are
                assert types == expected, model


GROWING = """
def model(ctx):
    from pathlib import Path

    import pyarrow as pa

    for piece in range({pieces}):
        numbers = pa.array(range(piece * 50_000, (piece + 1) * 50_000))
        yield pa.table({{"n": numbers, "word": numbers.cast(pa.string()), "share": numbers.cast(pa.float64())}})
    Path("status").write_text(Path("/proc/self/status").read_text())
"""
LITTLE, MUCH = 4, 40
"""Pieces of 50,000 rows; those of the latter are 60 MB."""


def peaks(engine: Any, pieces: int) -> tuple[float, float]:
    """Megabytes at most, of the model's process and of ours."""
    root = project(engine, {"models/growing.py": GROWING.format(pieces=pieces)})
    code = (
        "from pathlib import Path; from orchestrator.cli.main import call; import sys;"
        " code = call(sys.argv[1:]); Path('ours').write_text(Path('/proc/self/status').read_text()); sys.exit(code)"
    )
    command = [sys.executable, "-c", code, "run", "--project-dir", str(root)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return peak(root / "status"), peak(root / "ours")


def peak(status: Path) -> float:
    (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


@pytest.mark.parametrize("engine", ["duckdb", "postgres"], indirect=True)  # BigQuery's stand-in takes minutes for so many rows
@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell a process's peak")
@pytest.mark.usefixtures("alone")
def test_a_generator_needs_no_more_memory_for_ten_times_the_rows(engine: Any) -> None:
    engine.warehouse.close()
    (little, ours_little), (much, ours_much) = peaks(engine, LITTLE), peaks(engine, MUCH)
    session = engine.connect()
    assert session.execute(f"select count(*) from {engine.dialect.relation(engine.relation('growing'))}").rows == ((MUCH * 50_000,),)
    assert much < little + 15
    if engine.target.type != "duckdb":  # there the engine is in our process, and keeps what it may
        assert ours_much < ours_little + 30
