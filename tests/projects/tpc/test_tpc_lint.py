"""``orc lint`` on TPC-H's and TPC-DS's queries: quiet where nothing is wrong, and at the author's line where a fault was put in, in templates, too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator import invoke
from tests.projects.tpc.conftest import PROJECTS, Tpc, copied, duckdb_target
from tests.projects.tpc.understood import Change, renamed, tables

pytestmark = pytest.mark.parametrize("name", PROJECTS)


@pytest.fixture
def copy(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> Tpc:
    return copied(name, tmp_path, duckdb_target(tmp_path), monkeypatch)


def linted(tpc: Tpc, code: int) -> list[dict[str, Any]]:
    result = invoke(["lint", "--format", "json", "--project-dir", str(tpc.root)])
    assert result.exit_code == code, result.stderr
    found: list[dict[str, Any]] = json.loads(result.stdout)
    return found


def test_nothing_is_wrong(copy: Tpc) -> None:
    assert linted(copy, 0) == []


def test_a_fault_is_told_where_it_was_written(copy: Tpc) -> None:
    columns = {column for table in tables(copy.root).values() for column, _ in table}
    ends = {}
    for path in copy.models:
        text = path.read_text(encoding="utf-8")
        change = renamed(path.stem, text, columns)
        path.write_text(change.made(text), encoding="utf-8")
        ends[path.relative_to(copy.root).as_posix()] = end_of(change, text)
    errors = [f for f in linted(copy, 1) if f["severity"] == "error"]
    assert {f["code"] for f in errors} == {"S101"}
    assert {f["path"]: (f["line"], f["column"] + f["length"]) for f in errors} == ends


def end_of(change: Change, text: str) -> tuple[int, int]:
    """Line and column behind what was written; a finding may begin with what qualifies the name."""
    start_of_line = text.rfind("\n", 0, change.start) + 1
    return text.count("\n", 0, change.start) + 1, change.start - start_of_line + 1 + len(change.by)
