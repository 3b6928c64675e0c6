"""`orc backfill`: ranges piece by piece, from the ledger's gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.orchestration.rides import Rides

EVENTS = """{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened', begin='2026-01-01', batch_size='day', lookback=0) }}
select happened, {{ var('v', 1) }} as v, case when day(happened) = {{ var('bad', 0) }} then error('a bad day') else 'fine' end as ok
from (select unnest(generate_series(timestamp '2026-01-01', timestamp '2026-01-10 12:00:00', interval 12 hour)) as happened) as r
where happened >= timestamptz '{{ interval_start }}' and happened < timestamptz '{{ interval_end }}'
"""
RANGE = ("--start", "2026-01-02", "--end", "2026-01-06")


def ready(rides: Rides) -> Rides:
    (rides.root / "models" / "events.sql").write_text(EVENTS, encoding="utf-8")
    rides.orc("build", "-s", "events", "--event-time-start", "2026-01-03", "--event-time-end", "2026-01-04")
    return rides


def days(rides: Rides) -> list[tuple[int, int]]:
    return [(d, n) for d, n in rides.rows("select day(happened), count(*) from main.events group by 1 order by 1")]


def missing(rides: Rides, *words: str) -> list[str]:
    return [each["start"][8:10] for each in rides.json("backfill", "events", *RANGE, "--dry-run", *words) if each["missing"] != "done"]


def test_0_18_only_what_is_missing_is_built_and_a_second_call_has_nothing_to_do(rides: Rides) -> None:
    ready(rides)
    assert missing(rides) == ["02", "04", "05"]
    rides.orc("backfill", "events", *RANGE)
    assert days(rides) == [(2, 2), (3, 2), (4, 2), (5, 2)]
    assert missing(rides) == []
    before = len(rides.history().runs())
    assert "Nothing to do" in rides.orc("backfill", "events", *RANGE)
    assert len(rides.history().runs()) == before


def test_a_backfill_that_failed_goes_on_where_it_was(rides: Rides) -> None:
    ready(rides)
    said = rides.orc("backfill", "events", *RANGE, "--again", "--vars", "{v: 2, bad: 4}", code=1)
    assert "the same command goes on there" in said
    assert missing(rides, "--again") == ["04", "05"]
    rides.orc("backfill", "events", *RANGE, "--again", "--vars", "{v: 3}")
    assert rides.rows("select day(happened), max(v) from main.events group by 1 order by 1") == [(2, 2), (3, 2), (4, 3), (5, 3)]
    assert missing(rides, "--again") == ["02", "03", "04", "05"]  # it came to its end: the next one is a new one


def test_pieces_may_be_longer_than_batches_and_come_newest_first(rides: Rides) -> None:
    ready(rides)
    assert missing(rides, "--batch", "2d", "--reverse") == ["04", "02"]
    rides.orc("backfill", "events", *RANGE, "--batch", "month")
    assert days(rides) == [(2, 2), (3, 2), (4, 2), (5, 2)]


def test_what_cannot_be_filled_is_refused(rides: Rides) -> None:
    ready(rides)
    assert "U094" in rides.orc("backfill", "mart_daily", *RANGE, code=2)
    assert "U093" in rides.orc("backfill", "events", *RANGE, "--batch", "soon", code=2)
    assert "U093" in rides.orc("backfill", "events", code=2)
