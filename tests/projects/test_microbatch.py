"""Models that are built by interval: which batches run, what they replace, what happens when one fails."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.cli.wire import SystemClock

if TYPE_CHECKING:
    from tests.projects.conftest import Make, Project, Result

CONFIG = "materialized='incremental', incremental_strategy='microbatch', event_time='seen', batch_size='day', begin='2025-01-01'"
RAW = "id,seen,n\n1,2025-01-01 00:00:00,1\n2,2025-01-01 23:59:59.999999,1\n3,2025-01-02 00:00:00,1\n4,2025-01-03 12:00:00,1\n"


def daily(
    project: Make, config: str = "", sql: str = "select * from raw", seed: str = "config: {event_time: seen}", **more: str
) -> Project:
    return project(
        {
            "dbt_project.yml": "name: shop\n",
            "seeds/raw.csv": RAW,
            "seeds/raw.yml": f"version: 2\nseeds:\n  - name: raw\n    {seed}\n",
            "models/events.sql": f"{{{{ config({CONFIG}{', ' + config if config else ''}) }}}}\n{sql}\n",
            **more,
        }
    )


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`run(p, "2025-01-03 14:00", "build", …)`: a command at a time of our choosing."""

    def at(p: Project, now: str, verb: str = "run", *words: str, code: int = 0) -> Result:
        instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
        monkeypatch.setattr(SystemClock, "now", lambda _: instant)
        return p.orc(verb, *words).exits(code)

    return at


def ids(p: Project) -> list[int]:
    return [row[0] for row in p.query("select id from events order by all")]


def complete(p: Project) -> list[tuple[str, str]]:
    """What the ledger says, joined by hand: the bounds of every row."""
    return p.query('select start, "end" from _orc.intervals order by all')


def batches(done: Result) -> list[str]:
    """The batches that a run started, by name."""
    return [line.split("batch ")[1].split(" ")[0] for line in done.stderr.splitlines() if " START batch " in line]


def test_the_first_run_builds_from_begin_to_now(project: Make, run: Any) -> None:
    p = daily(project)
    done = run(p, "2025-01-03 14:00", "build")
    assert batches(done) == ["2025-01-01", "2025-01-02", "2025-01-03"]
    assert ids(p) == [1, 2, 3, 4]
    assert p.query("select sum(n) from events") == [(4,)]


def change(p: Project, text: str) -> None:
    """Other rows at the source."""
    p.write({"seeds/raw.csv": text})


def test_complete_intervals_are_left_alone_recent_ones_built_again(project: Make, run: Any) -> None:
    p = daily(project)
    run(p, "2025-01-04 09:00", "build")
    change(p, RAW.replace("1,2025-01-01 00:00:00,1", "1,2025-01-01 00:00:00,9") + "5,2025-01-03 23:00:00,1\n")
    done = run(p, "2025-01-04 10:00", "build")
    assert batches(done) == ["2025-01-03", "2025-01-04"]
    assert p.query("select id, n from events order by 1") == [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)]


def test_a_day_that_is_not_over_is_complete_up_to_now(project: Make, run: Any) -> None:
    p = daily(project, "lookback=0")
    run(p, "2025-01-02 09:00", "build")
    assert complete(p) == [
        ("2025-01-01 00:00:00+00:00", "2025-01-02 00:00:00+00:00"),
        ("2025-01-02 00:00:00+00:00", "2025-01-02 09:00:00+00:00"),
    ]
    assert batches(run(p, "2025-01-03 09:00", "run")) == ["2025-01-02", "2025-01-03"]
    assert complete(p)[1] == ("2025-01-02 00:00:00+00:00", "2025-01-03 00:00:00+00:00")


def test_days_without_a_run_are_gaps_that_the_next_run_fills(project: Make, run: Any) -> None:
    p = daily(project)
    run(p, "2025-01-01 09:00", "build")
    assert ids(p) == [1, 2]
    assert batches(run(p, "2025-01-06 09:00")) == [f"2025-01-0{day}" for day in (1, 2, 3, 4, 5, 6)]
    assert ids(p) == [1, 2, 3, 4]


@pytest.mark.parametrize(("lookback", "again"), [(0, ["2025-01-04"]), (2, ["2025-01-02", "2025-01-03", "2025-01-04"])])
def test_lookback(project: Make, run: Any, lookback: int, again: list[str]) -> None:
    p = daily(project, f"lookback={lookback}")
    run(p, "2025-01-04 09:00", "build")
    assert batches(run(p, "2025-01-04 11:00")) == again


def test_on_the_stroke_of_midnight_the_day_that_ended_is_the_last(project: Make, run: Any) -> None:
    p = daily(project, "lookback=0")
    assert batches(run(p, "2025-01-03 00:00", "build")) == ["2025-01-01", "2025-01-02"]
    assert batches(run(p, "2025-01-03 00:00")) == ["2025-01-02"]


BROKEN = RAW.replace("3,2025-01-02 00:00:00,1", "3,2025-01-02 00:00:00,many")
CAST = "select id, seen, cast(n as int) as n from raw"


def test_a_failed_batch_does_not_stop_the_others_and_only_it_is_retried(project: Make, run: Any) -> None:
    p = daily(project, sql=CAST, **{"models/next.sql": "select * from events"})
    change(p, BROKEN)
    done = run(p, "2025-01-03 14:00", "build", code=1)
    assert done.statuses == {"raw": "success", "events": "partial success", "next": "skipped"}
    result = done.results["events"]
    assert result["message"].startswith("PARTIAL SUCCESS (2/3)")
    assert "many" in result["message"]
    days = [[f"2025-01-0{d}T00:00:00+00:00", f"2025-01-0{d + 1}T00:00:00+00:00"] for d in (1, 2, 3)]
    assert result["batch_results"] == {"successful": [days[0], days[2]], "failed": [days[1]]}
    assert ids(p) == [1, 2, 4]
    assert "Batch 2 of 3 ERROR creating batch 2025-01-02 of main.events" in done.stderr
    assert "1 of 1 PARTIALLY" not in done.stderr
    assert "PARTIALLY created sql microbatch model main.events" in done.stderr
    assert "with 0 errors, 1 partial success, and 0 warnings" in done.stderr
    p.change("update raw set n = '5' where n = 'many'")
    again = run(p, "2025-03-01 14:00", "retry")
    assert batches(again) == ["2025-01-02"]
    assert again.statuses == {"raw": "reused", "events": "success", "next": "success"}
    assert ids(p) == [1, 2, 3, 4]


def test_a_failed_batch_is_a_gap_that_the_next_run_fills(project: Make, run: Any) -> None:
    p = daily(project, "lookback=0", sql=CAST)
    change(p, BROKEN)
    run(p, "2025-01-04 14:00", "build", code=1)
    change(p, RAW)
    assert batches(run(p, "2025-01-04 15:00", "build")) == ["2025-01-02", "2025-01-04"]
    assert ids(p) == [1, 2, 3, 4]


def test_when_every_batch_fails_so_does_the_model(project: Make, run: Any) -> None:
    p = daily(project, sql="select id, seen, error('no') as n from raw")
    done = run(p, "2025-01-03 14:00", "build", code=1)
    assert done.statuses["events"] == "error"
    assert "events" not in p.relations()


def test_a_batch_that_failed_at_being_rebuilt_keeps_its_old_rows_and_is_retried(project: Make, run: Any) -> None:
    p = daily(project, sql=CAST)
    run(p, "2025-01-03 14:00", "build")
    change(p, BROKEN.replace("4,2025-01-03 12:00:00,1", "4,2025-01-03 12:00:00,7"))
    run(p, "2025-01-03 15:00", "build", code=1)
    assert p.query("select id, n from events order by 1") == [(1, 1), (2, 1), (3, 1), (4, 7)]
    p.change("update raw set n = '5' where n = 'many'")
    assert batches(run(p, "2025-01-03 16:00", "retry")) == ["2025-01-02"]
    assert p.query("select id, n from events order by 1") == [(1, 1), (2, 1), (3, 5), (4, 7)]


TESTED = {"models/t.yml": "version: 2\nmodels:\n  - name: events\n    columns:\n      - name: n\n        data_tests: [not_null]\n"}


def test_tests_of_rows_are_gates_of_each_batch(project: Make, run: Any) -> None:
    p = daily(project, **TESTED)
    change(p, RAW.replace("3,2025-01-02 00:00:00,1", "3,2025-01-02 00:00:00,"))
    done = run(p, "2025-01-03 14:00", "build", code=1)
    assert done.statuses == {"raw": "success", "not_null_events_n": "fail", "events": "partial success"}
    assert done.results["not_null_events_n"]["failures"] == 1
    assert done.messages["not_null_events_n"].startswith("batch 2025-01-02: Got 1 result")
    assert ids(p) == [1, 2, 4]


def test_tests_of_the_whole_table_judge_it_once_with_the_last_batch(project: Make, run: Any) -> None:
    unique = TESTED["models/t.yml"].replace("name: n", "name: id").replace("not_null", "unique")
    p = daily(project, **{"models/t.yml": unique})
    done = run(p, "2025-01-03 14:00", "build")
    assert done.statuses["unique_events_id"] == "pass"
    assert done.stderr.count("unique_events_id ") == 2  # one START, one PASS
    change(p, RAW + "1,2025-01-04 10:00:00,1\n")
    done = run(p, "2025-01-04 14:00", "build", code=1)
    assert done.statuses["unique_events_id"] == "fail"
    assert done.statuses["events"] == "error"
    assert ids(p) == [1, 2, 3, 4], "the batch that made it wrong is not there"
    change(p, RAW + "5,2025-01-04 10:00:00,1\n")
    run(p, "2025-01-04 15:00", "build")
    assert ids(p) == [1, 2, 3, 4, 5]


def test_when_the_last_batch_fails_the_whole_table_is_judged_all_the_same(project: Make, run: Any) -> None:
    unique = TESTED["models/t.yml"].replace("name: n", "name: id").replace("not_null", "unique")
    p = daily(project, sql=CAST, **{"models/t.yml": unique})
    change(p, RAW.replace("4,2025-01-03 12:00:00,1", "4,2025-01-03 12:00:00,x"))
    done = run(p, "2025-01-03 14:00", "build", code=1)
    assert done.statuses == {"raw": "success", "unique_events_id": "pass", "events": "partial success"}
    assert p.query("select node from _orc.ledger where node like '%events'") == [("model.shop.events",)]


def test_a_range_is_built_anew_and_nothing_else(project: Make, run: Any) -> None:
    p = daily(project)
    run(p, "2025-01-10 14:00", "build")
    p.change("update raw set n = 7")
    done = run(p, "2025-01-10 15:00", "run", "--event-time-start", "2025-01-02", "--event-time-end", "2025-01-03T00:00:01")
    assert batches(done) == ["2025-01-02", "2025-01-03"]
    assert p.query("select id, n from events order by 1") == [(1, 1), (2, 1), (3, 7), (4, 7)]


def test_a_range_may_carry_a_zone(project: Make, run: Any) -> None:
    p = daily(project)
    run(p, "2025-01-10 14:00", "build")
    words = ("--event-time-start", "2025-01-02T23:30:00-01:00", "--event-time-end", "2025-01-04T01:00:00+02:00")
    assert batches(run(p, "2025-01-10 15:00", "run", *words)) == ["2025-01-03"]


def test_the_first_run_of_a_range_leaves_gaps_for_the_next(project: Make, run: Any) -> None:
    p = daily(project)
    words = ("--event-time-start", "2025-01-02", "--event-time-end", "2025-01-03")
    assert batches(run(p, "2025-01-04 14:00", "build", *words)) == ["2025-01-02"]
    assert ids(p) == [3]
    assert batches(run(p, "2025-01-04 15:00", "run")) == ["2025-01-01", "2025-01-03", "2025-01-04"]
    assert ids(p) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--event-time-start", "2025-01-02"], "--event-time-end` is missing"),
        (["--event-time-end", "2025-01-02"], "--event-time-start` is missing"),
        (["--event-time-start", "soon", "--event-time-end", "2025-01-02"], "`--event-time-start soon` is no date"),
        (["--event-time-start", "2025-01-02", "--event-time-end", "2025-01-02"], "nothing is between"),
    ],
)
def test_a_range_has_two_bounds_in_order(project: Make, run: Any, words: list[str], said: str) -> None:
    done = run(daily(project), "2025-01-10 14:00", "run", *words, code=2)
    assert "U031" in done.stderr
    assert said in done.stderr


def test_a_full_refresh_builds_all_of_it_aside(project: Make, run: Any) -> None:
    p = daily(project, sql=CAST)
    run(p, "2025-01-05 14:00", "build")
    change(p, RAW.replace(",1\n", ",2\n"))
    done = run(p, "2025-01-05 15:00", "build", "--full-refresh")
    assert batches(done) == [f"2025-01-0{d}" for d in (1, 2, 3, 4, 5)]
    assert p.query("select distinct n from events") == [(2,)]
    assert sorted(p.relations()) == ["main.events", "main.raw"]
    assert p.query("select distinct relation from _orc.intervals") == [("warehouse.main.events",)]
    assert batches(run(p, "2025-01-05 16:00")) == ["2025-01-04", "2025-01-05"]


def test_a_full_refresh_that_fails_leaves_everything_as_it_was(project: Make, run: Any) -> None:
    p = daily(project, sql=CAST)
    run(p, "2025-01-05 14:00", "build")
    change(p, BROKEN.replace("1,2025-01-01 00:00:00,1", "1,2025-01-01 00:00:00,9"))
    done = run(p, "2025-01-05 15:00", "build", "--full-refresh", code=1)
    assert done.statuses["events"] == "error"
    assert batches(done) == ["2025-01-01", "2025-01-02"], "the rest would be for nothing"
    assert p.query("select id, n from events order by 1") == [(1, 1), (2, 1), (3, 1), (4, 1)]
    assert done.results["events"]["batch_results"]["successful"] == []
    assert batches(run(p, "2025-01-05 16:00", "run", code=0)) == ["2025-01-04", "2025-01-05"]
    p.change("update raw set n = '5'")
    run(p, "2025-01-05 17:00", "run", "--full-refresh")
    assert p.query("select distinct n from events") == [(5,)]


def test_full_refresh_false_protects_a_model(project: Make, run: Any) -> None:
    p = daily(project, "full_refresh=false")
    run(p, "2025-01-05 14:00", "build")
    assert batches(run(p, "2025-01-05 15:00", "build", "--full-refresh")) == ["2025-01-04", "2025-01-05"]


def test_templates_may_name_the_batch(project: Make, run: Any) -> None:
    sql = """
select id, seen, n, '{{ model.batch.id }}' as batch, '{{ interval_start }}' as first, '{{ interval_end.strftime("%d") }}' as last
from raw where seen >= '{{ model.batch.event_time_start }}' and seen < '{{ model.batch.event_time_end }}'
"""
    p = daily(project, sql=sql, seed="config: {}")
    run(p, "2025-01-03 14:00", "build")
    assert p.query("select id, batch, first, last from events order by 1") == [
        (1, "20250101", "2025-01-01 00:00:00+00:00", "02"),
        (2, "20250101", "2025-01-01 00:00:00+00:00", "02"),
        (3, "20250102", "2025-01-02 00:00:00+00:00", "03"),
        (4, "20250103", "2025-01-03 00:00:00+00:00", "04"),
    ]


def test_a_model_that_names_no_batch_is_not_rendered_again(project: Make, run: Any) -> None:
    """Only bounds are put in: the plan has the text."""
    p = daily(project, sql="{% if model.batch %}select * from raw{% else %}select 1 as id, timestamp '2000-01-01' as seen{% endif %}")
    run(p, "2025-01-03 14:00", "build")
    assert ids(p) == [1, 2, 3, 4]


def test_rows_outside_of_their_batch_are_an_error(project: Make, run: Any) -> None:
    p = daily(project, seed="config: {}")
    done = run(p, "2025-01-03 14:00", "build", code=1)
    assert "X340" in done.stderr
    assert "3 rows have a `seen` that is outside of the batch" in done.stderr.replace("2 rows", "3 rows")
    assert "events" not in p.relations()


def test_a_row_without_event_time_is_an_error(project: Make, run: Any) -> None:
    p = daily(project, sql="select id, case when id <> 3 then seen end as seen, n from raw")
    done = run(p, "2025-01-03 14:00", "build", code=1)
    assert "1 row has a `seen` that is outside of the batch, or null" in done.stderr
    assert ids(p) == [1, 2, 4]


def test_render_reads_all_of_a_parent(project: Make, run: Any) -> None:
    sql = "select id, seen, (select count(*) from {{ ref('raw').render() }}) as n from {{ ref('raw') }}"
    p = daily(project, sql=sql)
    run(p, "2025-01-03 14:00", "build")
    assert p.query("select distinct n from events") == [(4,)]


def test_a_source_with_event_time_is_limited_too(project: Make, run: Any) -> None:
    sources = "version: 2\nsources:\n  - name: lake\n    schema: main\n    tables:\n      - name: raw\n        config: {event_time: seen}\n"
    p = project(
        {
            "dbt_project.yml": "name: shop\n",
            "models/s.yml": sources,
            "models/events.sql": f"{{{{ config({CONFIG}) }}}} select * from {{{{ source('lake', 'raw') }}}} as r join lake.raw using (id, seen)",
        }
    )
    p.change("create table raw as select 1 as id, timestamp '2025-01-01 10:00:00' as seen")
    run(p, "2025-01-02 14:00")
    assert ids(p) == [1]


def test_is_incremental_once_the_table_is_there(project: Make, run: Any) -> None:
    p = daily(project, sql="select id, seen, {{ 'true' if is_incremental() else 'false' }} as later from raw")
    run(p, "2025-01-03 14:00", "build")
    assert p.query("select id, later from events order by 1") == [(1, False), (2, False), (3, True), (4, True)]


def test_a_batch_may_read_what_earlier_ones_left(project: Make, run: Any) -> None:
    sql = "select id, seen, {% if is_incremental() %}(select count(*) from {{ this }}){% else %}0{% endif %} as before from raw"
    p = daily(project, sql=sql)
    run(p, "2025-01-03 14:00", "build")
    expected = [(1, 0), (2, 0), (3, 2), (4, 3)]
    assert p.query("select id, before from events order by 1") == expected
    run(p, "2025-01-03 15:00", "build", "--full-refresh")
    assert p.query("select id, before from events order by 1") == expected


def test_a_key_finds_rows_that_moved_to_another_day(project: Make, run: Any) -> None:
    p = daily(project, "unique_key='id'")
    run(p, "2025-01-04 14:00", "build")
    change(p, RAW.replace("1,2025-01-01 00:00:00", "1,2025-01-04 09:00:00"))
    run(p, "2025-01-04 15:00", "build")
    assert ids(p) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("incremental_strategy='microbatch'", ["needs `event_time`", "needs `batch_size`", "needs `begin`"]),
        ("incremental_strategy='microbatch', event_time='a', begin='b', batch_size='week'", ["`begin: b`", "`batch_size: week`"]),
        ("incremental_strategy='microbatch', event_time='a', begin='2025-01-01', batch_size='day', lookback=-1", ["`lookback: -1`"]),
    ],
)
def test_what_a_model_has_to_say(project: Make, run: Any, config: str, said: list[str]) -> None:
    p = project({"models/a.sql": f"{{{{ config(materialized='incremental', {config}) }}}} select 1 as x"})
    done = run(p, "2025-01-01 10:00", "run", code=2)
    assert "N331" in done.stderr
    for text in said:
        assert text in done.stderr


def test_a_strategy_of_the_projects_own_is_refused_by_name(project: Make, run: Any) -> None:
    p = project(
        {
            "models/a.sql": "{{ config(materialized='incremental', incremental_strategy='careful') }} select 1 as x",
            "macros/m.sql": "{% macro get_incremental_careful_sql(arg_dict) %} select 1 {% endmacro %}",
        }
    )
    done = run(p, "2025-01-01 10:00", "run", code=2)
    assert "N332" in done.stderr
    assert "get_incremental_careful_sql" in done.stderr


def test_a_table_that_somebody_else_built_is_taken_as_it_is(project: Make, run: Any) -> None:
    p = daily(project)
    p.change("create table events as select 99 as id, timestamp '2025-01-01 10:00:00' as seen, 1::bigint as n")
    assert batches(run(p, "2025-01-05 14:00", "build")) == ["2025-01-04", "2025-01-05"]
    assert ids(p) == [99]
    assert complete(p)[0] == ("2025-01-01 00:00:00+00:00", "2025-01-04 00:00:00+00:00")


def test_a_table_that_was_dropped_is_built_from_begin(project: Make, run: Any) -> None:
    p = daily(project)
    run(p, "2025-01-03 14:00", "build")
    p.change("drop table events")
    assert len(batches(run(p, "2025-01-03 15:00", "run"))) == 3
    assert ids(p) == [1, 2, 3, 4]


def test_a_build_without_rows_is_complete_for_nothing(project: Make, run: Any) -> None:
    p = daily(project)
    run(p, "2025-01-03 14:00", "build")
    assert batches(run(p, "2025-01-03 15:00", "run", "--empty")) == ["2025-01-03"]
    assert ids(p) == [1, 2, 3]
    assert batches(run(p, "2025-01-09 15:00", "run"))[0] == "2025-01-03"
    assert ids(p) == [1, 2, 3, 4]


def test_all_models_of_a_run_have_one_now(project: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock strikes midnight between two models: both end on the same day."""
    p = daily(project, **{"models/later.sql": f"{{{{ config({CONFIG}) }}}} select * from {{{{ ref('events') }}}}"})
    p.write({"models/e.yml": "version: 2\nmodels:\n  - name: events\n    config: {event_time: seen}\n"})
    told = iter(range(100_000))
    monkeypatch.setattr(SystemClock, "now", lambda _: datetime.fromtimestamp(1735862390 + next(told), UTC))  # 2025-01-02 23:59:50
    done = p.orc("build").exits(0)
    assert batches(done) == ["2025-01-01", "2025-01-02"] * 2


def test_hooks_run_once(project: Make, run: Any) -> None:
    hooks = "pre_hook='create table if not exists hooked as select 1 as x where false', post_hook='insert into hooked values (1)'"
    p = daily(project, hooks)
    run(p, "2025-01-03 14:00", "build")
    assert p.query("select count(*) from hooked") == [(1,)]


@pytest.mark.parametrize("size", ["hour", "day", "month", "year"])
def test_every_size_puts_each_row_into_exactly_one_batch(project: Make, run: Any, size: str) -> None:
    p = daily(project)
    p.write({"models/events.sql": p.read("models/events.sql").replace("batch_size='day'", f"batch_size='{size}'")})
    run(p, "2025-01-04 14:30", "build")
    assert ids(p) == [1, 2, 3, 4]
    run(p, "2025-01-04 15:30", "build")
    assert ids(p) == [1, 2, 3, 4]


def test_insert_overwrite_replaces_the_partitions_of_the_delta(project: Make, run: Any) -> None:
    config = "materialized='incremental', incremental_strategy='insert_overwrite', partition_by=['cast(seen as date)']"
    p = daily(project)
    p.write({"models/events.sql": f"{{{{ config({config}) }}}} select * from raw"})
    run(p, "2025-01-03 14:00", "build")
    change(p, "id,seen,n\n7,2025-01-02 10:00:00,1\n8,2025-01-05 10:00:00,1\n")
    run(p, "2025-01-03 14:00", "build")
    assert ids(p) == [1, 2, 4, 7, 8]


def test_insert_overwrite_knows_a_partition_of_rows_without_one(project: Make, run: Any) -> None:
    config = "materialized='incremental', incremental_strategy='insert_overwrite', partition_by='region'"
    p = project({"dbt_project.yml": "name: shop\n", "models/events.sql": f"{{{{ config({config}) }}}} select * from raw"})
    p.write({"seeds/raw.csv": "id,region\n1,eu\n2,\n3,us\n"})
    run(p, "2025-01-03 14:00", "build")
    p.write({"seeds/raw.csv": "id,region\n4,\n5,us\n"})
    run(p, "2025-01-03 14:00", "build")
    assert ids(p) == [1, 4, 5]


def test_insert_overwrite_needs_partitions(project: Make, run: Any) -> None:
    p = project({"models/a.sql": "{{ config(materialized='incremental', incremental_strategy='insert_overwrite') }} select 1 as x"})
    assert "N333" in run(p, "2025-01-01 10:00", "run", code=2).stderr
