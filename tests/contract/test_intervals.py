"""Tables that are built by interval, on every engine: the interval ledger, bounds, replaced intervals and partitions."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import Any

import pytest

from orchestrator.cli.main import call
from orchestrator.cli.wire import SystemClock
from orchestrator.core.interval import following, instant, spelled
from orchestrator.core.snapshot import Built

on_every_engine = pytest.mark.parametrize("engine", ["bigquery", "duckdb", "postgres"], indirect=True)

DAYS = [datetime(2025, 1, day, tzinfo=UTC) for day in range(1, 11)]
ZONES = ("UTC", "Pacific/Kiritimati", "Etc/GMT+12", "Australia/Lord_Howe", "America/New_York")


@pytest.fixture
def ledger(engine: Any) -> Any:
    """A session; the interval ledger is there, as it is made for an installation that had none."""
    session = engine.connect()
    for _ in range(2):
        for statement in engine.dialect.intervals_setup():
            session.execute(statement)
    return session


def say(session: Any, statements: tuple[str, ...]) -> None:
    for statement in statements:
        session.execute(statement)


def built(first: int, last: int, run: str = "r1", relation: str = "a.b") -> Built:
    """A row for the days ``first`` to ``last`` (excluded)."""
    return Built("model.shop.b", relation, spelled(DAYS[first]), spelled(DAYS[last]), "f1", run, "2026-01-01T00:00:00+00:00", 3)


def known(engine: Any) -> dict[str, list[tuple[int, int]]]:
    """What the snapshot says: for each relation the days it is complete for."""
    found = engine.warehouse.snapshot([engine.relation("x")]).intervals
    return {name: [(DAYS.index(i.start), DAYS.index(i.end)) for i in intervals] for name, intervals in found.items()}


@on_every_engine
def test_what_touches_or_overlaps_is_read_as_one(engine: Any, ledger: Any) -> None:
    for one in (built(0, 1), built(1, 2), built(4, 6), built(5, 7), built(3, 4, relation="a.c")):
        say(ledger, engine.dialect.intervals_write(one))
    assert known(engine) == {"a.b": [(0, 2), (4, 7)], "a.c": [(3, 4)]}


def test_a_batch_replaces_what_is_recorded_inside_of_it(engine: Any, ledger: Any) -> None:
    for one in (built(0, 1), built(1, 2), built(2, 3), built(0, 2, "r2")):
        say(ledger, engine.dialect.intervals_write(one))
    rows = ledger.execute("select run from _orc.intervals order by 1").rows
    assert [run for (run,) in rows] == ["r1", "r2"]
    assert ledger.execute(engine.dialect.intervals_read("a.b", spelled(DAYS[0]))).rows[0] == ("r2",)


@on_every_engine
def test_forgetting_leaves_what_is_around(engine: Any, ledger: Any) -> None:
    for one in (built(0, 6), built(7, 8), built(0, 6, relation="a.c")):
        say(ledger, engine.dialect.intervals_write(one))
    say(ledger, engine.dialect.intervals_forget("a.b", spelled(DAYS[2]), spelled(DAYS[4])))
    assert known(engine) == {"a.b": [(0, 2), (4, 6), (7, 8)], "a.c": [(0, 6)]}
    say(ledger, engine.dialect.intervals_forget("a.b", spelled(DAYS[3]), spelled(DAYS[9])))
    assert known(engine) == {"a.b": [(0, 2)], "a.c": [(0, 6)]}
    say(ledger, engine.dialect.intervals_forget("a.b"))
    assert known(engine) == {"a.c": [(0, 6)]}


@on_every_engine
def test_a_table_that_becomes_another_takes_its_intervals_along(engine: Any, ledger: Any) -> None:
    for one in (built(0, 6), built(2, 3, relation="a.b__orc_stage")):
        say(ledger, engine.dialect.intervals_write(one))
    say(ledger, engine.dialect.intervals_move("a.b__orc_stage", "a.b"))
    assert known(engine) == {"a.b": [(2, 3)]}


@on_every_engine
def test_what_is_rolled_back_is_not_recorded(engine: Any, ledger: Any) -> None:
    ledger.begin()
    say(ledger, engine.dialect.intervals_write(built(0, 1)))
    ledger.rollback()
    assert known(engine) == {}


MOMENTS = (
    "2024-12-31 23:59:59.999999", "2025-01-01 00:00:00", "2025-01-01 23:59:59.999999", "2025-01-02 00:00:00",
    "2025-03-09 07:30:00", "2025-04-05 14:45:00", "2025-10-26 00:59:59", "2025-10-26 01:00:00",
)  # fmt: skip


@pytest.mark.parametrize("kind", ["timestamp", "timestamp with time zone", "date"])
@pytest.mark.parametrize("zone", ZONES)
def test_every_row_is_in_exactly_one_interval_whatever_the_sessions_zone(engine: Any, zone: str, kind: str) -> None:
    session = engine.connect()
    table = engine.dialect.relation(engine.relation("seen"))
    session.execute("set time zone 'UTC'")
    values = ", ".join(f"({n}, cast('{at}+00' as {kind}))" for n, at in enumerate(MOMENTS))
    session.execute(f"create table {table} (id int, seen {kind})")
    session.execute(f"insert into {table} values {values}")
    session.execute(f"set time zone '{zone}'")
    found = []
    for day in sorted({instant(at[:10]) for at in MOMENTS}):
        within = engine.dialect.within("seen", spelled(day), spelled(following(day, "day")))
        found += [(n, day) for (n,) in session.execute(f"select id from {table} where {within}").rows]
    assert sorted(found) == [(n, instant(at[:10])) for n, at in enumerate(MOMENTS)]


def apply(engine: Any, strategy: str, there: str, delta: str, key: tuple[str, ...] = (), options: Any = None) -> list[tuple[Any, ...]]:
    """What a table looks like after a delta was applied to it."""
    session, target = engine.connect(), engine.relation("t")
    session.execute(engine.dialect.create_table(target, there, {}))
    session.execute(engine.dialect.create_table(target.stage, delta, {}))
    columns = tuple(name for name, _ in session.columns(target))
    session.begin()
    say(session, engine.dialect.apply_delta(strategy, target.stage, target, columns, key, options or {}))
    session.commit()
    found: list[tuple[Any, ...]] = engine.rows(target)
    return found


ROWS = "select * from (values (1, 'a', timestamp '2025-01-01 10:00:00'), (2, 'b', timestamp '2025-01-02 00:00:00'), (3, null, timestamp '2025-01-03 00:00:00')) as v(id, part, seen)"


def only(select: str, where: str) -> str:
    return f"select * from ({select}) as s where {where}"


def test_an_interval_is_replaced_whole(engine: Any) -> None:
    bounds = {"event_time": "seen", "start": spelled(DAYS[1]), "end": spelled(DAYS[2])}
    found = apply(engine, "microbatch", ROWS, "select 9 as id, 'x' as part, timestamp '2025-01-02 05:00:00' as seen", options=bounds)
    assert [row[0] for row in found] == [1, 3, 9]
    assert [row[0] for row in apply(engine, "microbatch", ROWS, only(ROWS, "id > 5"), options=bounds)] == [1, 3]


def test_a_key_is_looked_for_outside_of_the_interval_too(engine: Any) -> None:
    bounds = {"event_time": "seen", "start": spelled(DAYS[1]), "end": spelled(DAYS[2])}
    found = apply(engine, "microbatch", ROWS, "select 1 as id, 'x' as part, timestamp '2025-01-02 05:00:00' as seen", ("id",), bounds)
    assert [row[:2] for row in found] == [(1, "x"), (3, None)]


@pytest.mark.parametrize(
    ("by", "left"),
    [
        ("part", [1, 7, 8]),
        (["part"], [1, 7, 8]),
        ("upper(part)", [1, 7, 8]),
        ({"field": "seen", "granularity": "day"}, [1, 3, 7, 8]),
        ({"field": "seen", "granularity": "month"}, [7, 8]),
        (["part", "cast(seen as date)"], [1, 3, 7, 8]),
    ],
)
def test_partitions_of_the_delta_are_replaced(engine: Any, by: Any, left: list[int]) -> None:
    delta = (
        "select * from (values (7, 'b', timestamp '2025-01-02 05:00:00'), (8, null, timestamp '2025-01-02 06:00:00')) as v(id, part, seen)"
    )
    assert [row[0] for row in apply(engine, "insert_overwrite", ROWS, delta, options={"partition_by": by})] == left
    assert [row[0] for row in apply(engine, "insert_overwrite", ROWS, only(ROWS, "id > 5"), options={"partition_by": by})] == [1, 2, 3]


def test_a_model_is_built_by_interval(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Gaps, lookback, a range, a full refresh, from the outside."""
    root = engine.root
    config = "materialized='incremental', incremental_strategy='microbatch', event_time='seen', batch_size='day', begin='2025-01-01'"
    files = {
        "profiles.yml": json.dumps(
            {"shop": {"target": "dev", "outputs": {"dev": {**engine.target.settings, "schema": engine.target.schema}}}}
        ),
        "dbt_project.yml": "name: shop\nversion: '1'\nprofile: shop\nmodels: {+persist_docs: {relation: true}}\n",
        "seeds/raw.csv": "id,seen\n" + "".join(f"{n},2025-01-{n:02} 12:00:00\n" for n in range(1, 9)),
        "models/m.yml": "seeds: [{name: raw, config: {event_time: seen}}]\n"
        "models: [{name: events, description: What happened, columns: [{name: id, data_tests: [unique, not_null]}]}]\n",
        "models/events.sql": f"{{{{ config({config}) }}}} select id, seen, 1 as n from {{{{ ref('raw') }}}}",
    }
    for path, content in files.items():
        (root / path).parent.mkdir(exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    for key in [k for k in os.environ if k.startswith(("ORC_", "DBT_"))]:
        monkeypatch.delenv(key)

    def run(now: str, *words: str) -> list[int]:
        monkeypatch.setattr(SystemClock, "now", lambda _: instant(now))
        engine.warehouse.close()
        assert call([*words, "--project-dir", str(root), "--profiles-dir", str(root)]) == 0
        results = json.loads((root / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
        (batches,) = [r["batch_results"] for r in results if r["unique_id"] == "model.shop.events"]
        assert batches["failed"] == []
        return [int(start[8:10]) for start, _ in batches["successful"]]

    def ids() -> list[int]:
        return [row[0] for row in engine.rows(engine.relation("events"))]

    assert run("2025-01-03 10:00", "build") == [1, 2, 3]
    assert ids() == [1, 2, 3]
    assert run("2025-01-06 13:00", "run") == [3, 4, 5, 6]
    assert run("2025-01-06 14:00", "run") == [5, 6]
    assert ids() == [1, 2, 3, 4, 5, 6]
    assert run("2025-01-06 15:00", "run", "--event-time-start", "2025-01-02", "--event-time-end", "2025-01-03 12:00") == [2, 3]
    assert run("2025-01-07 15:00", "build", "--full-refresh") == [1, 2, 3, 4, 5, 6, 7]
    assert ids() == [1, 2, 3, 4, 5, 6, 7]
    assert run("2025-01-08 11:00", "build") == [7, 8]
    assert ids() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert engine.find(engine.relation("events").stage) is None
