"""Run a build again and again from one state and kill it: before every statement, or at random times.

    python failpoint.py PROJECT each            # before statement 1, 2, … and after the last
    python failpoint.py PROJECT random SEED ROUNDS

Forks itself for every run, so that imports are paid once; the forks open the database, this process never does. The state
to start from is the folder's as it is. Prints one JSON object a round: what a reader finds after the kill, and after the next run.
"""

from __future__ import annotations

import importlib
import io
import json
import os
import pkgutil
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import orchestrator
from orchestrator.adapters import registry
from orchestrator.cli.main import call
from orchestrator.core.project import Target

BUILD = ("build", "--quiet", "--threads", "1", "--vars", "{v: 2}")
KEPT = (".orchestrator", "warehouse.duckdb", "target")


class Dying:
    """A connection that kills the process instead of saying the n-th thing."""

    said: ClassVar[list[str]] = []
    last = 0

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._connection, name)
        if name not in ("execute", "begin", "commit", "load"):
            return found

        def say(*given: Any, **more: Any) -> Any:
            Dying.said.append(name)
            if len(Dying.said) == Dying.last:
                os.kill(os.getpid(), signal.SIGKILL)
            return found(*given, **more)

        return say


class DyingWarehouse:
    """A warehouse whose connections are :class:`Dying`."""

    def __init__(self, warehouse: Any) -> None:
        self._warehouse = warehouse

    def __getattr__(self, name: str) -> Any:
        return getattr(self._warehouse, name)

    def connect(self) -> Dying:
        return Dying(self._warehouse.connect())


def build(project: Path, *more: str, kill_before: int = 0) -> dict[str, Any]:
    """Run the command line in this process."""
    make = registry.warehouse
    Dying.last = kill_before

    def dying(target: Target, root: str, run: str = "") -> Any:
        return DyingWarehouse(make(target, root, run))

    registry.warehouse = dying
    told = io.StringIO()
    with redirect_stderr(told), redirect_stdout(told):
        code = call([*BUILD, *more, "--project-dir", str(project)])
    return {"code": code, "said": Dying.said, "told": told.getvalue()}


def seen(project: Path) -> dict[str, Any]:
    """What readers, the ledger and the history say."""
    import duckdb

    from orchestrator.cli.wire import history

    with duckdb.connect(str(project / "warehouse.duckdb")) as connection:
        names = [
            n
            for (n,) in connection.execute(
                "select table_name from duckdb_columns() where schema_name = 'main' and not internal group by 1"
            ).fetchall()
        ]
        tables = {n: sorted(map(list, connection.execute(f'select * from main."{n}"').fetchall())) for n in names}
        ledger = dict(connection.execute("select node, run from _orc.ledger").fetchall())
        by_interval = connection.execute("select 1 from duckdb_tables() where schema_name = '_orc' and table_name = 'intervals'").fetchall()
        asked = "select start, \"end\" from _orc.intervals where relation not like '%__orc_stage' order by all"
        intervals = connection.execute(asked).fetchall() if by_interval else []
    assert len(set(ledger)) == len(ledger)
    runs = [(r.id, r.status) for r in history(project).runs()]
    named = {n.rpartition(".")[2]: run for n, run in ledger.items()}
    return {"tables": tables, "ledger": named, "runs": runs, "intervals": intervals}


def forked(work: Callable[[], Any], die_after: float | None = None) -> Any:
    """What ``work`` returns in a process of its own; ``None`` when that was killed, by itself or after some seconds."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        try:
            answer: Any = work()
        except BaseException as error:  # noqa: BLE001 - told to the test
            answer = {"error": repr(error)}
        with os.fdopen(into, "w") as pipe:
            json.dump(answer, pipe, default=str)
        os._exit(0)
    os.close(into)
    if die_after is not None:
        time.sleep(die_after)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(out) as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    return json.loads(text) if os.WIFEXITED(status) else None


def restore(project: Path, saved: Path) -> None:
    for name in KEPT:
        for path in project.glob(f"{name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(saved, project, dirs_exist_ok=True)


def rounds(project: Path, saved: Path, arguments: list[str]) -> None:
    for name in KEPT:
        if (project / name).exists():
            (shutil.copytree if (project / name).is_dir() else shutil.copy)(project / name, saved / name)
    begin = time.monotonic()
    whole = forked(lambda: build(project))
    took = time.monotonic() - begin
    print(json.dumps({"undisturbed": forked(lambda: seen(project)), "build": whole}))
    if arguments[0] == "each":
        said = whole["said"]
        for number in range(1, len(said) + 2):
            restore(project, saved)
            killed = forked(partial(build, project, kill_before=number))
            # The next run starts from one of few states: those after a commit all, of the others every third.
            again = number % 3 == 0 or "commit" in said[max(0, number - 3) : number - 1]
            report(project, {"before": number, "finished": killed is not None}, again=again)
        return
    seed, count = int(arguments[1]), int(arguments[2])
    chance = random.Random(seed)
    restore(project, saved)
    for number in range(count):
        after = chance.uniform(0.2, 1.0) * took
        killed = forked(lambda: build(project, "--threads", "4"), after)
        print(json.dumps({"round": number, "after": after, "finished": killed is not None, "found": forked(lambda: seen(project))}))
    report(project, {"round": count}, again=True)


def report(project: Path, facts: dict[str, Any], *, again: bool) -> None:
    told = {**facts, "found": forked(lambda: seen(project))}
    if again:
        told |= {"again": forked(lambda: build(project)), "then": forked(lambda: seen(project))}
    print(json.dumps(told), flush=True)


def import_everything() -> None:
    """What is imported lazily, the forks need not import again."""
    for module in pkgutil.walk_packages(orchestrator.__path__, "orchestrator."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    for name in ("duckdb", "pyarrow.ipc", "sqlglot.dialects.duckdb", "rich.console", "encodings.idna"):
        importlib.import_module(name)


if __name__ == "__main__":
    import_everything()
    folder = Path(sys.argv[1])
    copy = folder.parent / f"{folder.name}_saved"
    copy.mkdir()
    rounds(folder, copy, sys.argv[2:])
