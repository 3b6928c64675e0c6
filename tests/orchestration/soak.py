"""A bad day in minutes: real daemons on a clock that runs fast, real children, real kills.

    python -m tests.orchestration.soak --seed 1 --speed 160 --hours 24
    python -m tests.orchestration.soak --seed 1 --speed 160 --hours 24 --postgres

Five pipelines of the ride-sharing kind, twenty schedules over them. A launch in twenty has a mistake in its SQL, another one lets bad rows
through; somebody kills leaders and children with ``kill -9`` all the time. What has to come of it is said by :func:`judged`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit, urlunsplit

from orchestrator.app.schedules.scheduling import scheduling
from orchestrator.app.schedules.serving import Daemon, serve
from orchestrator.core.schedule import Launch, Schedule
from orchestrator.record.sqlite import Sqlite
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.cron import instants
from orchestrator.testing.postgres import postgres

ROOT = Path(__file__).resolve().parents[2]
DAY = datetime(2026, 3, 28, 12, tzinfo=UTC)  # Berlin's clocks are changed in the middle
CITIES = ("lagos", "lima", "lisbon", "lodz", "lyon")
FAULTS = 0.05


# The project

SINCE = {
    "duckdb": "to_microseconds(cast((epoch(current_timestamp) - {{ env_var('SOAK_BEGAN') }}) * {{ env_var('SOAK_SPEED') }} * 1000000 as bigint))",
    "postgres": "(extract(epoch from current_timestamp) - {{ env_var('SOAK_BEGAN') }}) * {{ env_var('SOAK_SPEED') }} * interval '1 second'",
}
"""How much simulated time has passed, as each engine says it."""


def project(root: Path, database: str | None = None) -> None:
    """A pipeline for each city. A trip a minute has arrived by the simulated now, which the models are told by the environment.

    ``database`` is the URL of a Postgres database to build in, and to keep the state in; without one both are files.
    """
    since = SINCE["duckdb" if database is None else "postgres"]
    now = f"least(timestamp '{{{{ env_var('SOAK_FROM') }}}}' + {since}, timestamp '{{{{ env_var('SOAK_UNTIL') }}}}')"
    files = {
        "pyproject.toml": "[tool.orchestrator]\nname = 'soak'\nprofile = 'soak'\n",
        "profiles.yml": json.dumps({"soak": {"target": "dev", "outputs": {"dev": output(database)}}}),
        "models/moment.sql": "{{ config(materialized='ephemeral') }}\nselect " + now + " as instant",
        "macros/fault.sql": "{% macro fault() %}{% if env_var('BREAK', '') == model.name %}order by no_such_column{% endif %}{% endmacro %}\n"
        "{% test whole(model, column_name) %}select 1 from (select min({{ column_name }}) as low, max({{ column_name }}) as high, "
        "count(*) as n from {{ model }}) as x where high - low + 1 <> n{% endtest %}",
    }
    for number, city in enumerate(CITIES):
        files |= {
            f"models/{city}/trips_{city}.sql": "{{ config(materialized='table') }}\n"
            f"select minute, minute % 7 as driver, minute * {number + 3} % 41 as fare from generate_series(0, 9999) as r (minute)\n"
            "where timestamp '{{ env_var('SOAK_FROM') }}' + interval '1 minute' * minute <= (select instant from moment)\n{{ fault() }}",
            f"models/{city}/core_{city}.sql": "{{ config(materialized='incremental', incremental_strategy='append') }}\n"
            "select minute, driver, fare {% if env_var('BADROWS', '0') == '"
            + city
            + "' %} - 40 {% endif %} as fare_paid from trips_"
            + city
            + "\n"
            "{% if is_incremental() %} where minute > (select max(minute) from {{ this }}) {% endif %}\n{{ fault() }}",
            f"models/{city}/earnings_{city}.sql": "{{ config(materialized='table') }}\n"
            f"select driver, count(*) as trips, sum(fare_paid) as fares from core_{city} group by driver\n{{{{ fault() }}}}",
            f"models/{city}/{city}.yml": f"models: [{{name: core_{city}, columns: [{{name: minute, data_tests: [unique, not_null, whole]}}, "
            "{name: fare_paid, data_tests: [{accepted_range: {arguments: {min_value: 0}}}]}]}]",
        }
    files["models/features.py"] = (
        "def model(ctx):\n    trips = ctx.ref('core_lyon').df()\n    return trips.groupby('driver', as_index=False).agg(mean=('fare_paid', 'mean'))\n"
    )
    schedules: dict[str, dict[str, Any]] = {}
    for number, city in enumerate(CITIES):
        policy = ("latest", "skip", "all")[number % 3]
        overlap = ("queue", "skip", "cancel_running")[number % 3]
        schedules |= {
            f"{city}_hourly": {"cron": f"{7 * number} * * * *", "select": [f"trips_{city}+"], "missed": policy, "overlap": overlap},
            f"{city}_often": {"every": "2h", "select": [f"core_{city}+"], "missed": policy, "timezone": "Europe/Berlin"},
            f"{city}_night": {"cron": "30 2 * * *", "timezone": "Europe/Berlin", "select": [f"trips_{city}+"], "timeout": "2h"},
        }
    schedules |= {
        f"{city}_after": {"after": [f"{city}_often"], "on": on, "select": [f"earnings_{city}"]}
        for city, on in zip(CITIES, ("any", "success", "failure", "any", "success"), strict=True)
    }
    files["schedules.yml"] = json.dumps({"schedules": schedules, "max_runs": 3 if database is None else 6, "drain_timeout": "0s"})
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def output(database: str | None) -> dict[str, Any]:
    """Where the project is built, as a profile has it."""
    if database is None:
        return {"type": "duckdb", "path": "warehouse.duckdb", "threads": 4}
    parts = urlsplit(database)
    return {"type": "postgres", "host": parse_qs(parts.query)["host"][0], "user": parts.username, "dbname": parts.path[1:], "schema": "main", "threads": 4}  # fmt: skip


TABLES = tuple(f"{kind}_{city}" for city in CITIES for kind in ("trips", "core", "earnings"))
"""Tables that are compared in the end, beside ``features``."""


# The daemon


@dataclass(frozen=True)
class Fast:
    """A clock that began at ``start`` when the machine's said ``began``, runs ``speed`` times as fast, and stands still from ``until`` on."""

    start: datetime
    began: float
    speed: float
    until: datetime

    def now(self) -> datetime:
        return min(self.start + timedelta(seconds=(time.time() - self.began) * self.speed), self.until)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass(frozen=True)
class Shaken(Daemon):
    """A daemon whose launches go wrong now and then, by the launch's own dice: the same ones for the same seed."""

    seed: int = 0
    faults: float = FAULTS

    def ordered(self, schedule: Schedule, launch: Launch, run: str) -> dict[str, Any]:
        found = super().ordered(schedule, launch, run)
        dice = random.Random(f"{self.seed}:{launch.id}:{launch.attempt}")
        city = schedule.name.partition("_")[0]
        wrong: dict[str, str] = {}
        if dice.random() < self.faults:
            wrong["BREAK"] = dice.choice([f"trips_{city}", f"core_{city}", f"earnings_{city}"])
        if dice.random() < self.faults:
            wrong["BADROWS"] = city
        return {**found, "env": {**found["env"], **wrong}}


def daemon(root: Path, clock: Fast, seed: int, faults: float) -> None:
    """Serve until SIGTERM."""
    from orchestrator.cli import wire

    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))

    def say(line: str) -> None:
        print(f"{clock.now():%d %H:%M} {os.getpid()} {line}", flush=True)

    made = wire.daemon(root, {"poll": 0.1}, say, lambda: bool(asked))
    given = {each.name: getattr(made, each.name) for each in fields(made)}
    serve(Shaken(**{**given, "clock": clock}, seed=seed, faults=faults), wire.leading(root))


# The day


@dataclass
class Soak:
    """One day in ``root``: two daemons, of which one leads, and somebody with ``kill -9``."""

    root: Path
    seed: int
    speed: float
    hours: float
    database: str | None = None
    kills: int = 12
    killed: Counter[str] = field(default_factory=Counter)
    began: float = 0.0
    known_since: dict[str, datetime] = field(default_factory=dict)

    @property
    def until(self) -> datetime:
        return DAY + timedelta(hours=self.hours)

    def env(self, began: float | None = None) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ORC_", "DBT_", "SOAK_"))}
        plain = "%Y-%m-%d %H:%M:%S"
        path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
        return {
            **kept,
            "PYTHONPATH": path,
            "SOAK_FROM": DAY.strftime(plain),
            "SOAK_UNTIL": self.until.strftime(plain),
            "SOAK_BEGAN": repr(self.began if began is None else began),
            "SOAK_SPEED": repr(self.speed),
            **({"ORC_STATE_URL": self.database} if self.database else {}),
        }

    def start(self, *, faults: float = FAULTS) -> subprocess.Popen[bytes]:
        words = ["--serve", str(self.root), "--seed", str(self.seed), "--speed", str(self.speed), "--hours", str(self.hours)]
        command = [sys.executable, "-m", "tests.orchestration.soak", *words, "--began", repr(self.began), "--faults", str(faults)]
        with (self.root / "daemons.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=self.env(), stdout=log, stderr=subprocess.STDOUT)

    @property
    def state(self) -> Any:
        from orchestrator.adapters import registry

        return self.root / ".orchestrator" / "state.db" if self.database is None else registry.state(self.database)

    def table(self) -> Timetable:
        return Timetable(self.state, pid=os.getpid(), host="judge")

    def day(self) -> None:
        """Live through it, then let what is begun end on a clock that stands still."""
        dice = random.Random(self.seed)
        self.began = time.time()
        end = self.began + self.hours * 3600 / self.speed
        running = [self.start(), self.start()]
        moments = sorted(
            [(dice.uniform(self.began + 3, end - 2), "daemon") for _ in range(self.kills)]
            + [(dice.uniform(self.began + 3, end - 2), "child") for _ in range(self.kills * 2)]
        )
        try:
            for at, what in moments:
                time.sleep(max(0.0, at - time.time()))
                if what == "child":
                    self._kill_child(dice)
                    continue
                victim = running.pop(dice.randrange(2))
                victim.kill()
                victim.wait()
                self.killed["daemon"] += 1
                time.sleep(dice.choice([0, 0, 1.5]))
                running.append(self.start())
            time.sleep(max(0.0, end - time.time()) + 1)
        finally:
            for each in running:
                each.kill()
                each.wait()
        self._quiet()

    def _kill_child(self, dice: random.Random) -> None:
        table = self.table()
        going = [each for each in table.board().launches if each.status == "running" and each.pid]
        table.close()
        if going:
            try:
                os.killpg(dice.choice(going).pid, signal.SIGKILL)
                self.killed["child"] += 1
            except ProcessLookupError:
                self.killed["gone already"] += 1

    def _quiet(self) -> None:
        """The last daemon has no faults, and its clock stands still: what waits is run, nothing new is due."""
        last = self.start(faults=0)
        table = self.table()
        try:
            limit = time.monotonic() + 180
            while (
                any(not each.over for each in table.launches(None, 100_000))
                or time.time() < self.began + self.hours * 3600 / self.speed + 3
            ):
                assert time.monotonic() < limit, "something waits for ever"
                assert last.poll() is None, "the daemon ended by itself"
                time.sleep(0.3)
        finally:
            table.close()
            last.terminate()
            assert last.wait(60) == 0


def expected(soak: Soak, folder: Path, database: str | None) -> Mapping[str, Any]:
    """The tables of a run without any fault, in a project of its own."""
    project(folder, database)
    build(folder, {**soak.env(began=0.0), **({"ORC_STATE_URL": database} if database else {})})
    return tables(folder, database)


def build(folder: Path, env: Mapping[str, str]) -> None:
    """``orc build`` of everything."""
    done = subprocess.run([sys.executable, "-m", "orchestrator", "build", "-q"], cwd=folder, env=dict(env), capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def tables(folder: Path, database: str | None) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables, by their first columns, which are keys."""
    return {name: rows(folder, database, f"select * from main.{name} order by 1") for name in (*TABLES, "features")}


def rows(folder: Path, database: str | None, sql: str) -> list[tuple[Any, ...]]:
    """What the warehouse answers."""
    import duckdb
    import psycopg

    if database is None:
        with duckdb.connect(str(folder / "warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()
    with psycopg.connect(database) as link:
        return link.execute(sql.encode()).fetchall()


def judged(soak: Soak, other: Path, database: str | None) -> dict[str, Any]:
    """What came of a day; fails when a promise was not kept."""
    table = soak.table()
    ticks, launches, board = table.ticks(None, 1_000_000), {e.id: e for e in table.launches(None, 1_000_000)}, table.board()
    table.close()
    for name, schedule in scheduling(soak.root).schedules.items():
        if schedule.after:
            continue
        due = list(takewhile(lambda at: at <= soak.until, instants(schedule, board.watches[name].since)))
        assert sorted(t.at for t in ticks if t.schedule == name) == due, f"{name}: every tick has its row, and no row is none's"
    assert len({(t.schedule, t.at) for t in ticks}) == len(ticks), "a tick has one row"
    assert {t.launch for t in ticks if t.status == "fired"} == set(launches), "what fired was launched, and nothing else was"
    assert {t.launch for t in ticks if t.status == "coalesced"} <= set(launches)
    assert all(each.over and each.finished for each in launches.values()), "everything ended"
    history = Sqlite(soak.state, pid=os.getpid(), host="judge")
    runs = {run.id: run for run in history.runs(1_000_000)}
    for each in launches.values():
        last = next((runs[run] for run in reversed(each.runs) if run in runs), None)  # the next attempt may have found nothing left to do
        assert each.status != "passed" or (last is not None and last.status == "passed"), f"{each.id} passed, and its run did not"
        assert len(each.runs) == each.attempt
    assert sum(run.status == "running" for run in runs.values()) == 0, "no run says that it still runs"
    there = {
        name for (name,) in rows(soak.root, soak.database, "select table_name from information_schema.tables where table_schema = 'main'")
    }
    for city in CITIES:
        if f"core_{city}" not in there:  # a short day, and nothing of it went well
            continue
        asked = f"select count(*), count(distinct minute), min(minute), max(minute), min(fare_paid) from main.core_{city}"
        ((count, distinct, low, high, least),) = rows(soak.root, soak.database, asked)
        assert (count, low) == (distinct, 0), f"core_{city}: nothing twice"
        assert count == high + 1, f"core_{city}: nothing missing"
        assert least >= 0, f"core_{city}: nothing bad"
    build(soak.root, soak.env())
    assert tables(soak.root, soak.database) == expected(soak, other, database), "the tables are those of a day without a fault"
    return {
        "ticks": dict(Counter(t.status for t in ticks)),
        "launches": dict(Counter(each.status for each in launches.values())),
        "runs": dict(Counter(run.status for run in runs.values())),
        "attempts": dict(Counter(each.attempt for each in launches.values())),
        "killed": dict(soak.killed),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--speed", type=float, default=160.0, help="simulated seconds in a second")
    parser.add_argument("--hours", type=float, default=24.0, help="simulated hours")
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--postgres", action="store_true", help="build on a server, and keep the state there")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--began", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--faults", type=float, default=FAULTS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    until = DAY + timedelta(hours=given.hours)
    if given.serve:
        daemon(given.serve, Fast(DAY, given.began, given.speed, until), given.seed, given.faults)
        return
    folder = given.folder or Path.cwd() / f"soak-{given.seed}"
    server = postgres(folder / "server", os.environ) if given.postgres else None
    print(json.dumps(lived(folder, given.seed, given.speed, given.hours, server), indent=2))


def lived(folder: Path, seed: int, speed: float, hours: float, server: str | None = None) -> dict[str, Any]:
    """A day from the project to the judgement; says what happened, in numbers. ``server`` is the URL of a Postgres to make databases on."""
    bad, good = (created(server, name) for name in ("bad", "good")) if server else (None, None)
    soak = Soak(folder / "bad", seed, speed, hours, bad)
    project(soak.root, bad)
    started = time.monotonic()
    soak.day()
    found = judged(soak, folder / "good", good)
    return {"seed": seed, "speed": speed, "hours": hours, "seconds": round(time.monotonic() - started), **found}


def created(server: str, name: str) -> str:
    """The URL of a new database."""
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop database if exists soak_{name} with (force)".encode())
        connection.execute(f"create database soak_{name} template template0".encode())
    return urlunsplit(urlsplit(server)._replace(path=f"/soak_{name}"))


if __name__ == "__main__":
    main()
