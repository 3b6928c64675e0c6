"""The Python API: a project as a value, the command line as a function."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import orchestrator
from orchestrator.core.errors import LinkError


def written(folder: Path, **models: str) -> Path:
    (folder / "models").mkdir(parents=True)
    for name, sql in models.items():
        (folder / "models" / f"{name}.sql").write_text(sql, encoding="utf-8")
    return folder


def test_a_project_lists_and_builds(tmp_path: Path) -> None:
    project = orchestrator.Project(written(tmp_path / "shop", a="select 1 as x", b="select x + 1 as x from a"))
    assert project.ls("a+") == ["model.shop.a", "model.shop.b"]
    run = project.run("a+")
    assert run.exit_code == 0
    assert [r.node for r in run.results] == ["model.shop.a", "model.shop.b"]


def test_what_is_wrong_is_raised(tmp_path: Path) -> None:
    project = orchestrator.Project(written(tmp_path / "shop", b="select * from {{ ref('gone') }}"))
    with pytest.raises(LinkError, match="gone"):
        _ = project.graph


def test_two_projects_run_in_one_process_at_the_same_time(tmp_path: Path) -> None:
    folders = [written(tmp_path / name, **{f"m{i}": f"select {i} as x" for i in range(5)}) for name in ("one", "two")]
    with ThreadPoolExecutor() as both:
        runs = list(both.map(lambda folder: orchestrator.Project(folder).build(), folders))
    assert [len(run.results) for run in runs] == [5, 5]
    assert all(run.ok for run in runs)


def test_invoke_is_the_command_line(tmp_path: Path) -> None:
    folder = written(tmp_path / "shop", a="select 1 as x")
    done = orchestrator.invoke(["run", "--project-dir", str(folder)])
    assert done.success
    assert [r["unique_id"] for r in done.results] == ["model.shop.a"]
    (folder / "models" / "a.sql").write_text("select {{ oops }}", encoding="utf-8")
    failed = orchestrator.invoke(["run", "--project-dir", str(folder)])
    assert (failed.exit_code, failed.results) == (2, ())
    assert "oops" in failed.stderr
