"""0.25 and 0.26: what `orc dev` says of a saved file, and how soon."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from orchestrator.app.developing import Saved, look, saved, saves
from orchestrator.app.opening import Workspace, open_workspace
from orchestrator.cli import wire
from tests.orchestration.rides import Rides
from tests.projects.conftest import Project


@pytest.fixture
def shop(project: Callable[..., Project]) -> Project:
    """Fifty models, each on the one before, built."""
    models = {f"models/m{n:02}.sql": f"select id + 1 as id, name from m{n - 1:02}\n" for n in range(1, 50)}
    made = project(
        {
            "models/m00.sql": "select 1 as id, 'ann' as name\n",
            **models,
            "models/rows.py": "def model(ctx):\n    return ctx.ref('m01').df()\n",
            "models/late.sql": "select {{ run_query('select 7').columns[0].values()[0] if execute else 0 }} as x\n",
            "models/m.yml": "models: [{name: m07, columns: [{name: id, data_tests: [unique]}]}]\n",
            "pyproject.toml": '[tool.orchestrator]\nname = "p"\n',
        }
    )
    made.orc("run", "--exclude", "rows").exits(0)
    return made


@pytest.fixture
def reopen(shop: Project) -> Callable[[], Workspace]:
    return lambda: open_workspace(wire.invocation({"project_dir": str(shop.root)}, "dev"))


def test_0_26_rows_or_the_error_within_two_seconds_of_a_save(shop: Project, reopen: Callable[[], Workspace]) -> None:
    """Twenty saves in a project of fifty models, every fourth with a column that is not there."""
    took: list[float] = []
    for n in range(20):
        path = f"models/m{n * 2 + 1:02}.sql"
        column = "nme" if n % 4 == 3 else "name"
        shop.write({path: f"select id + {n} as id, {column} from m{n * 2:02}\n"})
        began = time.perf_counter()
        found = saved(reopen, [path])
        took.append(time.perf_counter() - began)
        if column == "nme":
            assert found.wrong
            assert found.rows == ()
            mistake = next(p for p in found.problems if p.span is not None and p.span.path == path)
            assert (mistake.code, mistake.hint) == ("S101", "did you mean `name`?")
            shop.write({path: f"select id + {n} as id, name from m{n * 2:02}\n"})
        else:
            ((name, columns, rows),) = found.rows
            assert (name, columns, rows) == (f"m{n * 2 + 1:02}", ("id", "name"), ((n * 2 + 1 + n, "ann"),))
    assert sorted(took)[18] < 2.0, took


def told(reopen: Callable[[], Workspace], *paths: str) -> Saved:
    return saved(reopen, paths)


def test_what_is_published_is_not_what_is_shown(shop: Project, reopen: Callable[[], Workspace]) -> None:
    """Rows are those of the query as it is written; nothing is built for it."""
    shop.write({"models/m49.sql": "select 'new' as word\n"})
    ((_, columns, rows),) = told(reopen, "models/m49.sql").rows
    assert (columns, rows) == (("word",), (("new",),))
    assert shop.query("select * from main.m49") == [(50, "ann")]


def test_a_query_that_the_engine_refuses_is_told_at_its_line(shop: Project, reopen: Callable[[], Workspace]) -> None:
    shop.write({"models/m49.sql": "select\n  strptime(name, 3) as d from m48\n"})
    found = told(reopen, "models/m49.sql")
    assert [(p.span.path, p.span.line) for p in found.problems if p.span and p.code.startswith("X")] == [("models/m49.sql", 2)]


def test_a_project_that_does_not_parse_is_told_and_the_next_save_mends_it(shop: Project, reopen: Callable[[], Workspace]) -> None:
    shop.write({"models/m49.sql": "select from from\n"})
    assert [p.code for p in told(reopen, "models/m49.sql").problems] == ["P001"]
    shop.write({"models/m49.sql": "select 1 as x\n"})
    assert told(reopen, "models/m49.sql").rows


def test_what_has_no_rows_to_show_says_how_to_see_them(shop: Project, reopen: Callable[[], Workspace]) -> None:
    found = told(reopen, "models/rows.py", "models/late.sql")
    assert found.left == {
        "rows": "it is Python: `orc run -s rows` runs it",
        "late": "its text is known only when it runs: `orc run -s late`",
    }


def test_properties_show_the_models_they_describe_and_a_file_that_is_gone_nothing(shop: Project, reopen: Callable[[], Workspace]) -> None:
    assert told(reopen, "models/m.yml").concerned == ("m07",)
    shop.remove("models/m49.sql")
    assert told(reopen, "models/m49.sql") == Saved(("models/m49.sql",), (), (), (), {})


def test_saves_are_seen_created_changed_and_removed(tmp_path: Path) -> None:
    model = tmp_path / "models" / "a.sql"
    model.parent.mkdir()
    steps = iter(["select 1", "select 1", "select 22", "a note", ""])

    def somebody_works() -> None:
        text = next(steps)
        if text == "a note":
            (tmp_path / "notes.txt").write_text("no part of a project")
        elif not text:
            model.unlink()
        elif not model.exists() or model.read_text() != text:
            model.write_text(text)

    assert list(islice(saves(tmp_path, look(tmp_path), somebody_works), 3)) == [("models/a.sql",)] * 3
    assert next(steps, None) is None


def test_0_25_two_commands_and_one_file_until_rows_are_seen(tmp_path: Path) -> None:
    """`orc init`, `orc dev`, a save. Nothing is to be started, installed or built besides."""
    Rides(tmp_path).orc("init", "shop")
    shop = Rides(tmp_path / "shop")
    heard = tmp_path / "heard"
    with heard.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", "orchestrator", "dev"], cwd=shop.root, env=shop.env, stdout=out, stderr=out)
    try:
        seen(heard, "watching shop")
        (shop.root / "models" / "order_totals.sql").write_text("select customer, count(*) as mine from orders group by customer\n")
        seen(heard, "| mine |")
        process.send_signal(signal.SIGINT)
        assert process.wait(20) in (0, 130)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()


def seen(heard: Path, text: str) -> None:
    end = time.monotonic() + 40
    while text not in heard.read_text(encoding="utf-8"):
        assert time.monotonic() < end, heard.read_text(encoding="utf-8")
        time.sleep(0.05)
