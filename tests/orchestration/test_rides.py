"""The example of the ride-sharing company: what its README says is what happens, and its copy is the whole of it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import copytree

import pytest

from orchestrator.app.examples import MADE, example, examples
from orchestrator.cli.managing import NEXT_OF
from tests.orchestration.rides import Rides
from tests.projects.conftest import Project

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "rides"
README = (FOLDER / "README.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Step:
    """A command of the README, and what it says comes of it."""

    command: str
    shown: tuple[str, ...]

    @property
    def words(self) -> list[str]:
        return shlex.split(self.command)

    @property
    def env(self) -> dict[str, str]:
        return dict(word.split("=", 1) for word in self.words if re.match(r"[A-Z]+=", word))

    @property
    def verb(self) -> list[str]:
        return self.words[self.words.index("orc") + 1 :]


def steps() -> Iterator[Step]:
    for block in re.findall(r"```\n(\$ .*?)```", README, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            yield Step(command, tuple(shown))


def appears(shown: tuple[str, ...], said: str) -> str | None:
    """The first line of the README that the output does not have, in its order; `…` stands for anything."""
    lines = iter(re.sub(r"^\d\d:\d\d:\d\d  (\d+ of \d+ )?", "", line).rstrip() for line in said.splitlines())
    for line in shown:
        if line == "…":
            continue
        start, more = line.rstrip("…").rstrip(), line.endswith("…") or line.startswith("RETRY")
        if not any(found.startswith(start) if more else found == line for found in lines):
            return line
    return None


@pytest.fixture
def copied(project: Callable[..., Project]) -> Project:
    """A copy of the example, commands given in this process."""
    return project(dict(example("rides")))


@pytest.fixture
def inbox(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The example's own inbox, on a port of ours: the port, and the file of what it prints."""
    printed, port = tmp_path / "inbox.out", free_port()
    with printed.open("wb") as out:
        process = subprocess.Popen([sys.executable, str(FOLDER / "inbox.py"), str(port)], stdout=out, stderr=out)
    try:
        yield str(port), printed
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def test_every_command_of_the_readme_does_what_it_says(copied: Project, inbox: tuple[str, Path]) -> None:
    """0.1, 0.14, 1.12, 4.9, 4.11, 4.24: earnings stay when cleaning fails, somebody is told, one command mends it.

    What `orc serve` does is below.
    """
    copied.environment["INBOX"] = inbox[0]
    tried = []
    code = 0
    for step in steps():
        if step.command == "orc serve &":
            break
        if step.command == "echo $?":
            assert step.shown == (str(code),)
            continue
        result = copied.orc(*step.verb, env=step.env)
        code = result.code
        assert code == (1 if {"BADROWS", "BREAK"} & step.env.keys() else 0), result.stdout + result.stderr
        missing = appears(step.shown, result.stdout if step.verb[0] in ("show", "schedule") else result.stdout + result.stderr)
        assert missing is None, f"`{step.command}` does not say `{missing}`\n{result.stdout}\n{result.stderr}"
        tried.append(step.command)
    assert len(tried) > 10
    letters = re.findall(r"```\n((?:accounting|run_failed|recovered): .*?)```", README, re.DOTALL)
    assert [letter.partition(":")[0] for letter in letters] == ["accounting", "run_failed", "recovered"]
    said = inbox[1].read_text(encoding="utf-8")
    assert said.count("accounting: ") == 3, "after the build and both retries, and after nothing that failed"
    for letter in letters:
        assert appears(tuple(letter.splitlines()), said) is None, said
    assert {command for command, _ in NEXT_OF["rides"]} <= {*tried, "python inbox.py"}


def test_what_bad_rows_leave_published_is_the_day_before(copied: Project) -> None:
    """1.6 and 4.9; without the gate the earnings *would* have changed."""
    copied.orc("build").exits(0)
    before = copied.query("select * from main.mart_earnings order by all")
    ledger = "select l.node, l.run from _orc.ledger as l where l.node like '%mart_earnings' or l.node like '%core_trips' order by 1"
    published = copied.query(ledger)
    assert len(published) == 2
    copied.orc("build", env={"BADROWS": "1"}).exits(1)
    assert copied.query("select * from main.mart_earnings order by all") == before
    assert copied.query(ledger) == published
    copied.orc("run", "--no-gates", env={"BADROWS": "1"}).exits(0)
    assert copied.query("select * from main.mart_earnings order by all") != before, "the gate had nothing to keep back"


def test_2_6_one_process_runs_the_night_and_is_the_place_for_seven_jobs(tmp_path: Path) -> None:
    """The last commands of the README beside a daemon, on a port of our own; 0.1: it answers as soon as it stands."""
    commands = list(steps())
    serve = next(n for n, step in enumerate(commands) if step.command == "orc serve &")
    rides = Rides(tmp_path / "rides")
    copytree(FOLDER, rides.root, ignore=lambda _, names: {n for n in names if n in MADE or ".duckdb" in n})
    port = free_port()
    rides.variables["INBOX"] = str(free_port())
    try:
        daemon = rides.start("serve", "--port", str(port), "--poll", "0.1")
        rides.until((rides.root / ".orchestrator" / "serve.lock").exists)
        assert json.loads(rides.until(lambda: answered(f"http://127.0.0.1:{port}/healthz")))["status"] == "ok"
        for step in commands[serve + 1 :]:
            rides.orc(*step.verb)
        assert [each.status for each in rides.launches("nightly")] == ["passed"]
        rides.until(lambda: [each.status for each in rides.launches("features")] == ["passed"])
        assert rides.rows("select count(*), sum(payout)::varchar from main.mart_earnings") == [(82, "4225.66")]
        assert rides.rows("select count(*) from main.py_features") == [(12,)]
        jobs = re.findall(r"^\| [^|]+ \| `(/[^`]*)` \|$", (ROOT / "docs" / "live.md").read_text(encoding="utf-8"), re.MULTILINE)
        assert len(jobs) == 7
        (run,) = rides.launches("nightly")[0].runs
        for place in jobs:
            page = f"http://127.0.0.1:{port}{place.replace('ID', run).replace('NAME', 'core_trips')}"
            assert "<title" in rides.until(partial(answered, page)), page
        rides.until(lambda: not children(daemon.pid))
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    finally:
        rides.end()


def children(pid: int) -> list[str]:
    """What a process has started and is still there: runs, and whoever makes the pages, are short-lived."""
    return [each for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text(encoding="utf-8").split()]


def answered(address: str) -> str | None:
    try:
        with urllib.request.urlopen(address, timeout=2) as reply:
            return str(reply.read().decode())
    except OSError:
        return None


def test_0_1_init_makes_a_copy_of_all_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from orchestrator.cli.main import call

    monkeypatch.chdir(tmp_path)
    assert call(["init"]) == 2
    assert call(["init", "--example", "bikes"]) == 2
    assert "did you mean `rides`?" in capsys.readouterr().err
    assert call(["init", "one", "--example"]) == 0
    assert call(["init", "two", "--example", "rides"]) == 0
    assert call(["init", "--example"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir() if p.name != "target") == ["one", "rides", "two"]
    told = capsys.readouterr().out
    assert all(command in told for command, _ in NEXT_OF["rides"])
    for folder in ("one", "rides", "two"):
        copy = {p.relative_to(tmp_path / folder).as_posix(): p.read_text() for p in (tmp_path / folder).rglob("*") if p.is_file()}
        assert copy == example("rides")
    assert {"README.md", ".gitignore", "schedules.yml", "models/rides.yml", "seeds/trips.csv"} <= set(copy)


def test_the_wheel_takes_the_examples_along() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"] == {"examples": "orchestrator/examples"}
    assert set(examples()) == set(NEXT_OF) == {"rides"}
    assert sum(len(text.encode()) for text in example("rides").values()) < 100_000


def test_the_data_are_what_the_script_writes(tmp_path: Path) -> None:
    script = tmp_path / "generate.py"
    script.write_bytes((FOLDER / "generate.py").read_bytes())
    (tmp_path / "seeds").mkdir()
    subprocess.run([sys.executable, str(script)], check=True, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}, timeout=30)
    for name in ("trips.csv", "users.csv"):
        assert (tmp_path / "seeds" / name).read_bytes() == (FOLDER / "seeds" / name).read_bytes()


def test_it_is_tidy_and_nothing_is_found_in_it(copied: Project) -> None:
    copied.orc("lint").exits(0)
    copied.orc("format", "--check").exits(0)
