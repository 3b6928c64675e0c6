"""Any history of runs, failures, ranges and late rows leaves the table that a few lines of Python say it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from orchestrator.cli.wire import SystemClock

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
LAST = 12
"""Days there are rows of; histories may go further."""

MODEL = """
{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='seen', batch_size='day', begin='2025-01-01',
          lookback=%d) }}
select id, seen, v from raw
where case when exists (select 1 from bad where day = timestamp '{{ interval_start.strftime("%%Y-%%m-%%d") }}') then error('a bad day') else true end
"""
NUMBERS = count()

Step = tuple[str, int, frozenset[int], tuple[int, int]]


@dataclass
class Oracle:
    """What the table holds: for each day the version of its rows, and until when it is complete."""

    lookback: int
    exists: bool = False
    versions: dict[int, int] = field(default_factory=dict)
    until: dict[int, datetime] = field(default_factory=dict)

    def wanted(self, what: str, now: datetime, window: tuple[int, int]) -> list[int]:
        """The days that a run builds."""
        ended = -((BEGIN - now) // DAY)  # days begun by now
        ready = range(ended)
        if what == "range":
            return list(range(*window))
        if what == "refresh" or not self.exists:
            return list(ready)
        return [d for d in ready if self.until.get(d, BEGIN) < BEGIN + (d + 1) * DAY or d >= ended - self.lookback - 1]

    def run(
        self, what: str, now: datetime, window: tuple[int, int], bad: frozenset[int], version: dict[int, int]
    ) -> tuple[list[int], bool]:
        """The days whose batches succeed, and whether all did."""
        wanted = self.wanted(what, now, window)
        good = [d for d in wanted if d not in bad]
        if what == "refresh" and self.exists:
            if good != wanted:
                return [], False
            self.versions, self.until = {}, {}
        for day in good:
            self.versions[day] = version.get(day, 0)
            end = min(now, BEGIN + (day + 1) * DAY)
            if end > BEGIN + day * DAY:
                self.until[day] = max(end, self.until.get(day, end)) if what != "refresh" else end
        self.exists |= bool(good)
        return good, good == wanted


steps = st.tuples(
    st.sampled_from(["run", "run", "run", "range", "refresh", "retry"]),
    st.integers(0, 60),  # hours since the step before
    st.frozensets(st.integers(0, LAST), max_size=3),  # days that fail
    st.tuples(st.integers(0, 6), st.integers(1, 4)).map(lambda w: (w[0], w[0] + w[1])),
)


@pytest.fixture
def base(project: Make) -> Callable[[int], Project]:
    def make(lookback: int) -> Project:
        files = {
            "dbt_project.yml": "name: shop\n",
            "models/s.yml": "sources: [{name: lake, schema: main, tables: [{name: raw, config: {event_time: seen}}, {name: bad}]}]\n",
            "models/events.sql": MODEL % lookback,
        }
        return project(files, folder=f"p{next(NUMBERS)}")

    return make


@settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate), suppress_health_check=list(HealthCheck))
@given(lookback=st.integers(0, 2), history=st.lists(steps, min_size=2, max_size=6), late=st.lists(st.integers(0, LAST), max_size=6))
def test_any_history(base: Any, monkeypatch: pytest.MonkeyPatch, lookback: int, history: list[Step], late: list[int]) -> None:
    p = base(lookback)
    oracle, version = Oracle(lookback), {}
    p.change(
        f"create table raw as select r as id, timestamp '2025-01-01' + interval 6 hour * r as seen, 0 as v from range({LAST * 4}) t(r)"
    )
    p.change("create table bad (day timestamp)")
    now = BEGIN + timedelta(hours=1)
    left: list[int] = []
    for number, (what, hours, bad, window) in enumerate(history):
        now += timedelta(hours=hours)
        if number < len(late):  # rows of a day change at the source
            version[late[number]] = number + 1
            start = BEGIN + late[number] * DAY
            p.change(f"update raw set v = {number + 1} where seen >= '{start:%Y-%m-%d}' and seen < '{start + DAY:%Y-%m-%d}'")
        p.change("delete from bad")
        for day in bad:
            p.change(f"insert into bad values ('{BEGIN + day * DAY:%Y-%m-%d}')")
        instant = now
        monkeypatch.setattr(SystemClock, "now", lambda _, instant=instant: instant)
        if what == "retry":
            if left:  # exactly what failed, and nothing else
                p.orc("retry")
                done = [d for d in left if d not in bad]
                for day in done:
                    oracle.versions[day] = version.get(day, 0)
                    oracle.until[day] = max(oracle.until.get(day, BEGIN), min(now, BEGIN + (day + 1) * DAY))
                left = [d for d in left if d in bad] if done else []
        else:
            bounds = [f"{BEGIN + d * DAY:%Y-%m-%d}" for d in window]
            words = {
                "range": ["--event-time-start", bounds[0], "--event-time-end", bounds[1]],
                "refresh": ["--full-refresh"],
            }.get(what, [])
            wanted = oracle.wanted(what, now, window)
            good, well = oracle.run(what, now, window, bad, version)
            left = [d for d in wanted if d not in good] if good and not well else []
            assert p.orc("run", *words).code == (0 if well else 1), (number, what)
        _agrees(p, oracle, number)


def _agrees(p: Project, oracle: Oracle, number: int) -> None:
    if not oracle.exists:
        assert "main.events" not in p.relations()
        return
    rows = p.query("select id, v from events order by 1")
    expected = [(r, oracle.versions[r // 4]) for r in range(LAST * 4) if r // 4 in oracle.versions]
    assert rows == expected, number
    with duckdb.connect(str(p.root / p.database), read_only=True) as connection:
        found = connection.execute("select start, \"end\" from _orc.intervals where relation not like '%__orc_stage'").fetchall()
    claimed = dict(found)
    assert len(claimed) == len(found), "no interval is recorded twice"
    truth = {BEGIN + d * DAY: end for d, end in oracle.until.items()}
    assert {datetime.fromisoformat(k): datetime.fromisoformat(v) for k, v in claimed.items()} == truth, number
