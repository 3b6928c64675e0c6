"""The whole decision of the scheduler: every tick ends in exactly one final status, whatever the clock, the operator and the runs do."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.core.interval import Interval
from orchestrator.core.schedule import Board, Launch, Limits, Schedule, Tick, Watch
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.cron import instants
from orchestrator.schedule.decide import AT_ONCE, GRACE, admit, decide, missed
from orchestrator.schedule.remember import applied, began, ended
from orchestrator.schedule.simulate import simulate
from orchestrator.schedule.spec import Spec

START = datetime(2026, 3, 28, 12, tzinfo=UTC)  # the night Berlin loses an hour

schedules = st.builds(
    Schedule,
    name=st.just("s"),
    cron=st.sampled_from(["*/7 * * * *", "0 * * * *", "30 2 * * *", "15 */3 * * *"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe"]),
    missed=st.sampled_from(["latest", "skip", "all"]),
    window=st.sampled_from([None, 1800, 36_000]),
    overlap=st.sampled_from(["queue", "skip", "cancel_running", "allow"]),
    enabled=st.just(True),
)
moves = st.tuples(
    st.integers(-600, 20_000),  # seconds the clock moves: backwards, too
    st.sampled_from(["", "", "", "pause", "resume", "forget", "fail"]),
    st.integers(0, 3),  # runs that end meanwhile
)


def reference(schedule: Schedule, after: datetime, until: datetime) -> list[datetime]:
    return list(takewhile(lambda at: at <= until, instants(schedule, after)))


@settings(max_examples=120, deadline=None)
@given(schedules, st.lists(moves, max_size=25))
def test_every_tick_ends_in_exactly_one_final_status(schedule: Schedule, steps: list[tuple[int, str, int]]) -> None:
    spec, now, latest = Spec({"s": schedule}), START, START
    board = applied(Board(), decide(spec, Board(), now))
    ticks: list[Tick] = []
    launches: dict[str, Launch] = {}
    decided_until = START
    for seconds, event, ends in steps:
        now += timedelta(seconds=seconds)
        watch = board.watches["s"]
        if event in ("pause", "resume"):
            board = Board({"s": Watch("s", watch.timing, watch.since, watch.seen, now if event == "pause" else None)}, board.launches)
        while decision := decide(spec, board, now):
            ticks += decision.ticks
            for each in decision.launches:
                assert each.id not in launches, "a tick makes one launch"
                launches[each.id] = each
            board = applied(board, decision)
            for each in board.launches:
                if each.stopping:
                    board = ended(board, each.id, each.stopping, now)
        if board.watches["s"].paused is None and now > latest:
            latest = decided_until = now
        if schedule.overlap == "queue" and schedule.missed != "all":
            assert sum(each.status == "queued" for each in board.launches) <= 1
        for id_ in admit(spec, board, now)[0]:
            board = began(board, id_, now)
        running = [each for each in board.launches if each.status == "running"]
        assert schedule.overlap == "allow" or len(running) <= 1
        for each in running[:ends]:
            board = ended(board, each.id, "failed" if event == "fail" else "passed", now)
    assert [t.at for t in sorted(ticks, key=lambda t: t.at)] == reference(schedule, START, decided_until)
    assert {t.launch for t in ticks if t.status == "fired"} == set(launches)
    assert all(t.reason for t in ticks)


@settings(max_examples=200, deadline=None)
@given(schedules, st.integers(0, 300_000), st.booleans())
def test_what_becomes_of_missed_ticks_is_one_policy(schedule: Schedule, down: int, more: bool) -> None:
    """However the silence came about: a process that was not there, a pause, a suspended machine."""
    now = START + timedelta(seconds=down)
    due = reference(schedule, START, now)[:AT_ONCE]
    found = list(missed(schedule, due, now, more=more))
    assert [each.at for each in found] == due
    runs = [each.at for each in found if each.runs]
    fresh = [at for at in due if (now - at).total_seconds() <= max(schedule.window if schedule.window is not None else 10**9, GRACE)]
    if schedule.missed == "all":
        assert runs == [
            at for at in fresh if (now - at).total_seconds() <= (schedule.window or 86_400) or (now - at).total_seconds() <= GRACE
        ]
    elif schedule.missed == "latest":
        assert runs == ([] if more or not due or due[-1] not in fresh else [due[-1]])
    else:
        assert runs == ([] if more or not due or (now - due[-1]).total_seconds() > GRACE else [due[-1]])


@settings(max_examples=25, deadline=None)
@given(st.lists(schedules, min_size=1, max_size=4), st.lists(st.tuples(st.integers(0, 9000), st.integers(0, 2)), max_size=12))
def test_the_state_database_says_what_the_values_say(kinds: list[Schedule], steps: list[tuple[int, int]]) -> None:
    """Boards kept as values and boards kept in SQLite go the same way."""
    named = {f"s{n}": Schedule(**{**{f: getattr(s, f) for f in s.__dataclass_fields__}, "name": f"s{n}"}) for n, s in enumerate(kinds)}
    named["after"] = Schedule("after", after=("s0",))
    spec, now, board = Spec(named, {}, Limits(max_runs=2)), START, Board()
    with tempfile.TemporaryDirectory() as folder:
        table = Timetable(Path(folder) / "state.db", pid=1, host="h")
        table.board()
        assert table._connection is not None
        table._connection.execute("pragma synchronous = off")
        for seconds, ends in steps:
            now += timedelta(seconds=seconds)
            while decision := decide(spec, board, now):
                assert decide(spec, table.board(), now) == decision
                assert table.commit(decision, now) == decision.ticks
                assert table.commit(decision, now) == ()  # who comes second writes nothing
                board = applied(board, decision)
                for each in board.launches:
                    if each.stopping:
                        board = ended(board, each.id, each.stopping, now)
                        table.end(each.id, each.stopping, now)
            found = admit(spec, board, now)
            assert found == admit(spec, table.board(), now)
            for id_ in found[0]:
                board = began(board, id_, now)
                assert table.begin(id_, "r", now)
                assert not table.begin(id_, "r", now)
            for each in [e for e in board.launches if e.status == "running"][:ends]:
                now += timedelta(microseconds=1)  # no two ends are at the same instant
                board = ended(board, each.id, "passed", now)
                assert table.end(each.id, "passed", now, code=0)
        table.close()


def test_4_25_an_outage_of_three_days() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    down = [Interval(day + timedelta(days=1), day + timedelta(days=4, hours=12))]
    for policy, fired, lost in (("latest", [0, 4, 5], [1, 2, 3]), ("skip", [0, 5], [1, 2, 3, 4])):
        found = simulate(Spec({"daily": Schedule("daily", cron="@daily", missed=policy)}), day, day + timedelta(days=6), down=down)  # type: ignore[arg-type]
        assert [(t.at - day).days for t in found if t.status == "fired"] == fired
        assert [(t.at - day).days for t in found if t.status == "missed"] == lost
    every = simulate(
        Spec({"daily": Schedule("daily", cron="@daily", missed="all", window=10 * 86_400)}), day, day + timedelta(days=6), down=down
    )
    assert [((t.at - day).days, t.status) for t in every] == [(n, "fired") for n in range(6)]


def test_a_pause_and_an_outage_are_judged_alike() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    away = [Interval(day + timedelta(hours=3, minutes=30), day + timedelta(hours=9, minutes=30))]
    for policy in ("latest", "skip", "all"):
        spec = Spec({"hourly": Schedule("hourly", cron="@hourly", missed=policy)})
        end = day + timedelta(hours=12)
        assert simulate(spec, day, end, down=away) == simulate(spec, day, end, paused=away)


def test_a_tick_before_a_schedule_is_known_or_after_it_is_changed_never_fires() -> None:
    now = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    first = Spec({"s": Schedule("s", cron="0 12 * * *")})
    board = applied(Board(), decide(first, Board(), now))
    changed = Spec({"s": Schedule("s", cron="15 12 * * *")})
    later = now + timedelta(days=1)
    decision = decide(changed, board, later)
    assert [(t.at.hour, t.at.minute, t.status) for t in decision.ticks] == [(12, 0, "missed")]
    board = applied(board, decision)
    assert decide(changed, board, later).ticks == ()
    assert [t.at.minute for t in decide(changed, board, later + timedelta(days=1)).ticks] == [15]
    gone = applied(board, decide(Spec(), board, later))
    assert gone.watches["s"].removed == later
    back = applied(gone, decide(changed, gone, later + timedelta(days=9)))
    assert decide(changed, back, later + timedelta(days=9, hours=1)).ticks == ()


@pytest.mark.parametrize("overlap", ["queue", "skip", "cancel_running", "allow"])
def test_what_overlaps_is_queued_skipped_cancelled_or_allowed(overlap: str) -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    spec = Spec({"s": Schedule("s", every=600, overlap=overlap)})  # type: ignore[arg-type]
    found = Counter(t.status for t in simulate(spec, day, day + timedelta(hours=2), takes={"s": 25 * 60}))
    assert (
        found
        == {
            "queue": {"fired": 6, "coalesced": 6},
            "skip": {"fired": 4, "skipped_overlap": 8},
            "cancel_running": {"fired": 12},
            "allow": {"fired": 12},
        }[overlap]
    )


def test_0_7_pools_priorities_and_the_number_of_runs_limit_what_begins() -> None:
    def waiting(name: str, priority: int = 0, pool: str | None = None) -> Launch:
        return Launch(name, name, "manual", START, priority=priority, pool=pool)

    limits = Limits(max_runs=3, pools={"wh": 2})
    spec = Spec({n: Schedule(n, every=600) for n in "abcdef"}, {}, limits)
    board = Board(
        {},
        (
            waiting("a", pool="wh"),
            waiting("b", pool="wh"),
            waiting("c", pool="wh"),
            waiting("d"),
            waiting("e", 5),
            waiting("f", pool="narrow"),
        ),
    )
    found, waits = admit(spec, board, START)
    assert found == ("e", "a", "b")
    assert "pool `wh`" in waits["c"]
    assert "one of 3 runs" in waits["d"]
    running = began(began(board, "a", START), "f", START)
    assert admit(Spec(spec.schedules, {}, Limits(9, {"wh": 2})), running, START)[0] == ("e", "b", "d")


def test_deadlines_are_told_once_and_timeouts_end_a_run() -> None:
    schedule = Schedule("s", cron="0 2 * * *", deadline="08:00", timeout=3600)
    spec, at = Spec({"s": schedule}), datetime(2026, 1, 1, tzinfo=UTC)
    board = applied(Board(), decide(spec, Board(), at))
    board = applied(board, decide(spec, board, at.replace(hour=2)))
    board = began(board, board.launches[0].id, at.replace(hour=2))
    assert decide(spec, board, at.replace(hour=3)).stops == ()
    (stop,) = decide(spec, board, at.replace(hour=3, second=1)).stops
    assert stop[1:] == ("timed_out", "still running after its timeout of 1h")
    late = decide(spec, board, at.replace(hour=8, second=1))
    assert late.late == (board.launches[0].id,)
    assert decide(spec, applied(board, late), at.replace(hour=9)).late == ()
