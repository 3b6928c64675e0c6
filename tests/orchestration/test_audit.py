"""The audit: a chain that two writers never fork, that only grows, and that shows when somebody changed it."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.adapters.postgres.state import SCHEMA, PostgresState
from orchestrator.core.audit import GENESIS, PRUNED, Actor, Deed, Entry, Head, hashed, verified
from orchestrator.core.errors import StoreError
from orchestrator.core.event import RunFinished, RunStarted
from orchestrator.core.schedule import Schedule
from orchestrator.record.audit import Audit
from orchestrator.record.database import Place, database
from orchestrator.record.sqlite import Sqlite
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.decide import decide
from orchestrator.schedule.spec import Spec

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
ANN = Actor("cli", "ann@laptop", "laptop")


@pytest.fixture(params=["file", "server"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where the state is kept: in a file, or on a server."""
    url = request.getfixturevalue("postgres_url") if request.param == "server" else ""
    yield PostgresState(url) if url else tmp_path / "state.db"
    if url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"drop schema if exists {SCHEMA} cascade".encode())


def deed(action: str = "schedule.paused", name: str = "nightly", **more: Any) -> Deed:
    return Deed(ANN, action, name, **more)


def filled(place: Place, count: int) -> Audit:
    audit = Audit(place)
    for number in range(count):
        audit.add(deed(name=f"s{number}"), AT + timedelta(hours=number))
    return audit


def by_hand(place: Place, *statements: str) -> None:
    """What somebody does who has the database itself, and takes the guards away first."""
    if isinstance(place, Path):
        with sqlite3.connect(place) as connection:
            connection.executescript("drop trigger audit_is_not_changed; drop trigger audit_is_not_cut; " + "; ".join(statements))
        connection.close()
    else:
        link = database(place, create=True)
        for statement in ("alter table audit disable trigger all", *statements):
            link.execute(statement)
        link.close()


def test_what_is_added_is_read_newest_first_and_holds(place: Place) -> None:
    audit = Audit(place)
    assert (audit.entries(), audit.verify().faults) == ((), ())
    audit.add(deed(before={"paused": False}, after={"paused": True}), AT)
    audit.add(
        Deed(Actor("token", "ci", "10.0.0.7"), "run.asked", "r1", after={"select": ["a\x00\ud800"]}, run="r1"), AT + timedelta(days=1)
    )
    newest, oldest = audit.entries()
    assert (newest.seq, newest.actor, newest.source, newest.previous) == (2, "ci", "10.0.0.7", oldest.hash)
    assert (oldest.previous, oldest.before, oldest.after) == (GENESIS, '{"paused": false}', '{"paused": true}')
    assert [e.seq for e in audit.entries(since=AT + timedelta(hours=1))] == [2]
    assert [e.seq for e in audit.entries(action="schedule.")] == [1]
    assert [e.seq for e in audit.entries(actor="ann")] == [1]
    assert [e.seq for e in audit.entries(limit=1)] == [2]
    verdict = audit.verify([oldest.hash])
    assert (verdict.count, verdict.head, verdict.faults) == (2, newest.hash, ())


def test_many_writers_make_one_chain(place: Place) -> None:
    Audit(place).add(deed(), AT)
    broken: list[Exception] = []

    def write(number: int) -> None:
        try:
            table = Timetable(place, pid=number, host="h")
            for turn in range(10):
                with table.together():
                    table.pause(f"s{number}", "", AT, "ann")
                    table.note(deed(name=f"s{number}.{turn}"), AT)
            table.close()
        except Exception as error:  # noqa: BLE001 - a thread's error is the test's
            broken.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    verdict = Audit(place).verify()
    assert (verdict.count, verdict.faults) == (41, ())


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from orchestrator.adapters.postgres.state import PostgresState
from orchestrator.core.audit import Actor, Deed
from orchestrator.record.audit import Audit
place, name = sys.argv[1:]
audit = Audit(PostgresState(place) if place.startswith("postgres") else Path(place))
print("ready", flush=True)
sys.stdin.readline()
for number in range(25):
    audit.add(Deed(Actor("cli", name, "h"), "a", str(number)), datetime.now(UTC))
"""


def test_two_processes_make_one_chain(place: Place) -> None:
    Audit(place).add(deed(), AT)
    where = str(place) if isinstance(place, Path) else place._url  # type: ignore[attr-defined]
    command = [sys.executable, "-c", WRITER, where]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])}
    pipe = subprocess.PIPE
    writers = [subprocess.Popen([*command, name], stdin=pipe, stdout=pipe, text=True, env=env) for name in ("one", "two")]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in writers:  # both begin when both are there
        assert writer.stdin is not None
        writer.stdin.write("\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    verdict = Audit(place).verify()
    assert (verdict.count, verdict.faults) == (51, ())
    order = [e.actor for e in Audit(place).entries(action="a")]
    assert (order.count("one"), order.count("two")) == (25, 25)


def test_what_is_not_done_is_not_noted(place: Place) -> None:
    table = Timetable(place, pid=1, host="h")

    def halfway() -> None:
        with table.together():
            table.pause("s", "", AT, "ann")
            table.note(deed(), AT)
            raise RuntimeError("the disk is on fire")

    with pytest.raises(RuntimeError):
        halfway()
    assert (Audit(place).entries(), dict(table.board().watches)) == ((), {})
    table.close()


@pytest.mark.parametrize("statement", ["update audit set actor = 'bob'", "delete from audit", "delete from audit where seq = 2"])
def test_rows_are_neither_changed_nor_deleted(place: Place, statement: str) -> None:
    audit = filled(place, 3)
    table = Timetable(place, pid=1, host="h")
    with pytest.raises(StoreError), table._writing() as connection:
        connection.execute(statement)
    table.close()
    assert audit.verify().faults == ()
    assert len(audit.entries()) == 3


def test_a_server_does_not_empty_it(postgres_url: str) -> None:
    place = PostgresState(postgres_url)
    filled(place, 1)
    link = database(place, create=True)
    with pytest.raises(StoreError, match="never changed"):
        link.execute("truncate audit")
    link.execute(f"drop schema {SCHEMA} cascade")
    link.close()


@pytest.mark.parametrize(
    ("statement", "fault"),
    [
        ("update audit set actor = 'bob@laptop' where seq = 3", "row 3 (schedule.paused s2, "),
        ("update audit set at = '2026-01-01T11:00:00.000001+00:00' where seq = 3", "row 3 (schedule.paused s2, "),
        ("update audit set hash = 'f' || substr(hash, 2) where seq = 3", "row 3 (schedule.paused s2, "),
        ("delete from audit where seq = 3", "row 3 is missing"),
        ("delete from audit where seq in (2, 3)", "rows 2 to 3 are missing"),
        ("delete from audit where seq < 3", "rows 1 to 2 are missing, and no row says who took them away"),
    ],
)
def test_0_24_one_changed_byte_or_missing_row_is_named(place: Place, statement: str, fault: str) -> None:
    audit = filled(place, 5)
    by_hand(place, statement)
    faults = audit.verify().faults
    assert faults
    assert faults[0].startswith(fault)


def started(run: str, at: datetime, **more: Any) -> RunStarted:
    given: dict[str, Any] = {"trigger": "cli", "actor": "ann@laptop", **more}
    return RunStarted(at, run, "build", "1", "dev", 1, 0, {}, given.pop("arguments", {}), (), **given)


def test_runs_are_in_it_and_remember_where_it_ended(place: Place) -> None:
    history = Sqlite(place, pid=1, host="laptop", email=lambda: "ann@example.com")
    for number in range(3):
        at = AT + timedelta(hours=number)
        history.hear(
            started(
                f"run{number}",
                at,
                arguments={"select": ["a"], "gates": number != 1, "allow": "dev" if number == 2 else None, "variables": "{pin: 1234}"},
            )
        )
        history.hear(RunFinished(at, f"run{number}", 1.0, cancelled=number == 2))
        history.close()
    history.hear(started("run3", AT, trigger="api:loaded", actor="token:ci", arguments={"retry_of": "run2"}))
    history.hear(RunFinished(AT, "run3", 1.0))
    history.close()
    audit = Audit(place)
    assert [(e.action, e.object, e.kind, e.actor) for e in reversed(audit.entries())] == [
        ("run.started", "run0", "cli", "ann@laptop <ann@example.com>"),
        ("gates.overridden", "run1", "cli", "ann@laptop <ann@example.com>"),
        ("run.started", "run1", "cli", "ann@laptop <ann@example.com>"),
        ("target.overridden", "run2", "cli", "ann@laptop <ann@example.com>"),
        ("run.started", "run2", "cli", "ann@laptop <ann@example.com>"),
        ("run.cancelled", "run2", "cli", "ann@laptop <ann@example.com>"),
        ("run.retried", "run3", "token", "ci"),
    ]
    assert "1234" not in "".join(str(e) for e in audit.entries())
    assert audit.verify().faults == ()
    by_hand(place, "delete from audit where seq > 3")
    assert audit.verify().faults == (
        "the end is cut: run run2 saw row 5, the last one is 3",
        "the end is cut: run run3 saw row 7, the last one is 3",
    )


def test_a_head_that_somebody_kept_shows_a_chain_that_was_written_anew(place: Place) -> None:
    audit = filled(place, 3)
    head = audit.verify().head
    by_hand(place, "delete from audit")
    again = Audit(place)
    for number in range(3):
        again.add(deed(name=f"s{number}", before={"x": 1}), AT)
    assert again.verify().faults == ()
    assert again.verify([head]).faults == (f"no row has the hash {head[:12]} that somebody saw",)


def test_3_7_old_rows_leave_only_behind_one_that_says_so(place: Place) -> None:
    audit = filled(place, 5)
    head = audit.verify().head
    assert audit.prune(AT - timedelta(days=1), ANN, AT) == 0
    assert len(audit.entries()) == 5
    assert audit.prune(AT + timedelta(hours=3), ANN, AT + timedelta(days=1)) == 3
    newest, *_, oldest = audit.entries()
    assert (newest.action, newest.object, newest.actor, oldest.seq) == (PRUNED, "3", "ann@laptop", 4)
    assert audit.verify([head]).faults == ()
    assert audit.prune(AT + timedelta(days=9), ANN, AT + timedelta(days=10)) == 3
    assert [e.action for e in audit.entries()] == [PRUNED]
    audit.add(deed(), AT + timedelta(days=11))
    assert audit.verify().faults == ()
    by_hand(place, f"delete from audit where action = '{PRUNED}'")
    assert audit.verify().faults == ("rows 1 to 7 are missing, and no row says who took them away",)


def test_a_run_whose_head_was_taken_away_is_not_missed(place: Place) -> None:
    history = Sqlite(place, pid=1, host="laptop")
    history.hear(started("run0", AT))
    history.hear(RunFinished(AT, "run0", 1.0))
    history.close()
    audit = Audit(place)
    audit.prune(AT + timedelta(days=1), ANN, AT + timedelta(days=1))
    assert audit.verify().faults == ()


def test_an_edit_of_schedules_is_in_it_when_it_comes_into_force(place: Place) -> None:
    table = Timetable(place, pid=1, host="server")

    def read(now: datetime, **schedules: str) -> None:
        spec = Spec({name: Schedule(name, cron=cron) for name, cron in schedules.items()})
        while decision := decide(spec, table.board(), now):
            table.commit(decision, now)

    read(AT, nightly="0 2 * * *", hourly="@hourly")
    read(AT + timedelta(hours=2), nightly="0 2 * * *", hourly="@hourly")
    read(AT + timedelta(hours=2), nightly="0 3 * * *", hourly="@hourly")
    read(AT + timedelta(hours=3), nightly="0 3 * * *")
    read(AT + timedelta(hours=4), nightly="0 3 * * *")
    read(AT + timedelta(hours=5), nightly="0 3 * * *", hourly="@hourly")
    table.close()
    entries = list(reversed(Audit(place).entries(action="schedule")))
    assert [(e.kind, e.source, e.action, e.object) for e in entries] == [
        ("file", "server", f"schedule.{word}", name)
        for word, name in (("added", "hourly"), ("added", "nightly"), ("changed", "nightly"), ("removed", "hourly"), ("added", "hourly"))
    ]
    assert ('"cron": "0 2 * * *"' in str(entries[2].before), '"cron": "0 3 * * *"' in str(entries[2].after)) == (True, True)
    assert entries[3].after is None


def chain(words: list[str]) -> list[Entry]:
    found: list[Entry] = []
    for number, word in enumerate(words, 1):
        entry = Entry(number, "t", "cli", word, "h", "a", word, None, word, None, found[-1].hash if found else GENESIS)
        found.append(replace(entry, hash=hashed(entry)))
    return found


TAMPER: dict[str, Callable[[list[Entry], int, str], list[Entry]]] = {
    "actor": lambda c, n, w: [*c[:n], replace(c[n], actor=c[n].actor + w), *c[n + 1 :]],
    "moved to the next column": lambda c, n, w: [
        *c[:n],
        replace(c[n], actor=c[n].actor[:-1], source=c[n].actor[-1:] + c[n].source),
        *c[n + 1 :],
    ],
    "null": lambda c, n, w: [*c[:n], replace(c[n], after=None), *c[n + 1 :]],
    "gone": lambda c, n, w: [*c[:n], *c[n + 1 :]],
    "twice": lambda c, n, w: [*c[: n + 1], *c[n:]],
    "swapped": lambda c, n, w: [*c[: n - 1], c[n], c[n - 1], *c[n + 1 :]],
    "forged": lambda c, n, w: [*c[:n], _forged(c[n], w), *c[n + 1 :]],
}


def _forged(entry: Entry, word: str) -> Entry:
    changed = replace(entry, actor=entry.actor + word)
    return replace(changed, hash=hashed(changed))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.text(min_size=1, max_size=5), min_size=3, max_size=8), st.data())
def test_whatever_is_done_to_a_chain_shows(words: list[str], data: st.DataObject) -> None:
    good = chain(words)
    head = Head(good[-1].seq, good[-1].hash, "a run")
    assert verified(good, [head]).faults == ()
    how = data.draw(st.sampled_from(sorted(TAMPER)))
    where = data.draw(st.integers(1, len(words) - 1))
    assert verified(TAMPER[how](good, where, data.draw(st.text(min_size=1, max_size=3))), [head]).faults != ()
    assert verified(good[:where], [head]).faults != ()
