"""Promises about freshness: what is built when, as a function of what is known and what time it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from orchestrator.core.promise import Fact, Facts, Promise, facts_of, promise
from orchestrator.core.schedule import Launch, LaunchStatus
from orchestrator.schedule.freshness import NAME, Ruling, freshness
from orchestrator.schedule.needs import needs
from orchestrator.schedule.simulate import simulate
from orchestrator.schedule.spec import Spec
from orchestrator.schedule.world import World, arrived, built

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def model(name: str, *inputs: str, asked: Promise | None = None, seconds: float = 60, **more: object) -> Fact:
    return Fact(name, name, "model", inputs, asked, fingerprint=f"code of {name}", seconds=seconds, **more)  # type: ignore[arg-type]


def project(*facts: Fact) -> Facts:
    """Everything built at noon, from what was there."""
    known = Facts(NOON, {f.id: f for f in facts})
    for each in facts:
        if each.is_source:
            known = arrived(known, each.id, at(-5))
    return built(known, [f.id for f in facts if not f.is_source and f.kind != "exposure"], NOON, "before")


def source(name: str = "raw.trips") -> Fact:
    return Fact(name, name, "source")


HOURLY = Promise(3600)
RIDES = project(
    source(),
    source("raw.other"),
    model("stg_trips", "raw.trips"),
    model("core_trips", "stg_trips"),
    model("mart_earnings", "core_trips", asked=HOURLY),
    model("mart_daily", "core_trips"),
    model("stg_other", "raw.other"),
)


def ruling(facts: Facts, now: datetime, *launches: Launch, fuse: int = 20, idle: str = "") -> Ruling:
    return freshness(needs(facts), launches, now, fuse=fuse, idle=idle)


def states(facts: Facts, now: datetime, *launches: Launch) -> dict[str, str]:
    return {i: p.state for i, p in ruling(facts, now, *launches).prospects.items()}


def over(launch: Launch, minutes: float, status: LaunchStatus = "failed") -> Launch:
    return replace(launch, status=status, started=launch.queued, finished=at(minutes), runs=(f"run of {launch.id}",))


def first_launch(facts: Facts, minutes: float) -> Launch:
    (launch,) = ruling(facts, at(minutes)).decision.launches
    return launch


def test_0_13_new_rows_are_one_run_of_exactly_what_they_change_and_without_new_rows_nothing_runs() -> None:
    assert states(RIDES, at(600)) == {"mart_earnings": "fresh"}
    changed = arrived(RIDES, "raw.trips", at(10))
    assert states(changed, at(11)) == {"mart_earnings": "planned"}
    launch = first_launch(changed, 70)
    assert launch.nodes == ("stg_trips", "core_trips", "mart_earnings")
    assert (launch.schedule, launch.trigger, launch.deadline) == (NAME, NAME, at(70))
    again = built(changed, launch.nodes, at(73), "run of it")
    done = over(launch, 73, "passed")
    assert states(again, at(73), done) == {"mart_earnings": "fresh"}
    assert not ruling(again, at(600), done).decision


def test_a_build_begins_as_late_as_the_promise_allows_counting_the_longest_way() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    need = needs(changed).needs["mart_earnings"]
    assert [name for name, _ in need.path] == ["stg_trips", "core_trips", "mart_earnings"]
    assert need.lead == pytest.approx(198)  # three minutes and a tenth
    assert need.start == at(70) - timedelta(seconds=198)
    assert states(changed, need.start - timedelta(seconds=1)) == {"mart_earnings": "planned"}
    assert states(changed, need.start) == {"mart_earnings": "due"}


def test_later_changes_do_not_move_the_deadline_of_the_oldest_one() -> None:
    changed = arrived(arrived(RIDES, "raw.trips", at(10)), "raw.trips", at(40))
    assert needs(changed).needs["mart_earnings"].needed == at(70)


def test_rows_that_came_during_a_build_are_new_for_the_next_one() -> None:
    during = arrived(RIDES, "raw.trips", at(10))
    after = built(arrived(during, "raw.trips", at(66)), ["stg_trips", "core_trips", "mart_earnings"], at(68), "r", began=during)
    assert needs(after).needs["mart_earnings"].needed == at(126)


def test_deadlines_of_parents_leave_their_readers_time() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    found = needs(changed).needed
    assert found == {"mart_earnings": at(70), "core_trips": at(69), "stg_trips": at(68)}


def test_shared_parents_are_built_once_for_all_that_is_due() -> None:
    two = project(
        source(),
        model("core", "raw.trips"),
        model("a", "core", asked=Promise(3600)),
        model("b", "core", asked=Promise(3700)),
        model("late", "core", asked=Promise(86_400)),
    )
    changed = arrived(two, "raw.trips", at(0))
    launch = first_launch(changed, 60)
    assert launch.nodes == ("core", "a", "b")
    assert launch.deadline == at(60)


def test_views_are_not_built_and_pass_on_what_is_new() -> None:
    facts = project(source(), model("v", "raw.trips", passes=True), model("t", "v", asked=HOURLY))
    changed = arrived(facts, "raw.trips", at(0))
    assert first_launch(changed, 60).nodes == ("t",)
    assert needs(built(changed, ["t"], at(61), "r")).needs["t"].stale == ()
    rewritten = replace(facts, nodes={**facts.nodes, "v": replace(facts.nodes["v"], fingerprint="new")})
    assert first_launch(rewritten, 0).nodes == ("v", "t")


def test_an_exposure_promises_for_what_it_reads() -> None:
    facts = project(source(), model("t", "raw.trips"), Fact("dashboard", "dashboard", "exposure", ("t",), Promise(1800), passes=True))
    launch = first_launch(arrived(facts, "raw.trips", at(0)), 30)
    assert launch.nodes == ("t",)
    assert "dashboard" in launch.reason


def test_what_was_never_built_and_new_code_wait_for_nothing() -> None:
    new = replace(RIDES, nodes={**RIDES.nodes, "mart_earnings": replace(RIDES.nodes["mart_earnings"], fingerprint="new")})
    launch = first_launch(new, 0)
    assert launch.nodes == ("mart_earnings",)
    assert launch.deadline is None
    missing = replace(RIDES, nodes={**RIDES.nodes, "mart_earnings": replace(RIDES.nodes["mart_earnings"], built=None, at=None)})
    assert "never built" in first_launch(missing, 0).reason


def test_by_a_time_of_day_one_build_a_day_and_one_for_a_day_that_was_missed() -> None:
    by = project(source(), model("t", "raw.trips", asked=Promise(by="07:00", zone="Europe/Berlin")))
    changed = arrived(by, "raw.trips", at(60))
    seven = datetime(2026, 1, 2, 6, tzinfo=UTC)
    need = needs(changed).needs["t"]
    assert (need.needed, need.start) == (seven, seven - timedelta(seconds=66))
    done = built(changed, ["t"], seven - timedelta(seconds=10), "r")
    later = arrived(done, "raw.trips", seven - timedelta(seconds=5))  # comes while people already look at today's numbers
    assert needs(later).needs["t"].needed == seven + timedelta(days=1)
    assert states(changed, seven + timedelta(hours=3)) == {"t": "due"}, "a machine that was off at seven"
    assert ruling(changed, seven + timedelta(hours=3)).prospects["t"].age == "late"


def test_eager_builds_wait_until_it_is_quiet_but_never_beyond_the_promise() -> None:
    facts = project(source(), model("t", "raw.trips", asked=Promise(3600, strategy="eager", debounce=60)))
    assert needs(arrived(facts, "raw.trips", at(0))).needs["t"].start == at(1)
    busy = facts
    for minute in range(70):
        busy = arrived(busy, "raw.trips", at(minute))
    assert needs(busy).needs["t"].start == at(60) - timedelta(seconds=66)


def test_the_same_work_is_tried_again_later_and_later_and_then_not_any_more() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    launches: list[Launch] = []
    minute, begun = 70.0, []
    while minute < 70 + 48 * 60:
        decision = ruling(replace(changed, at=at(minute)), at(minute), *launches).decision
        if decision:
            begun.append(minute)
            launches.append(over(decision.launches[0], minute + 1))
        minute += 1
    assert [b - a for a, b in pairwise(begun)] == [6, 11]
    assert states(replace(changed, at=at(minute)), at(minute), *launches) == {"mart_earnings": "blocked"}
    assert len({each.id for each in launches}) == 3
    news = arrived(replace(changed, at=at(minute)), "raw.trips", at(minute))
    assert states(news, at(minute + 1), *launches) == {"mart_earnings": "due"}, "something is new: it is other work"


def test_a_model_with_retries_is_tried_so_much_more_often() -> None:
    one = arrived(project(source(), model("t", "raw.trips", asked=HOURLY, retries=2)), "raw.trips", at(0))
    launches: list[Launch] = []
    for hour in range(1, 40):
        decision = ruling(replace(one, at=at(hour * 60)), at(hour * 60), *launches).decision
        launches += [over(each, hour * 60 + 1) for each in decision.launches]
    assert len(launches) == 5


def test_what_somebody_else_built_makes_it_other_work() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    failed = [over(replace(first_launch(changed, 70), id=f"{n}"), 71 + n) for n in range(3)]
    assert states(replace(changed, at=at(80)), at(500), *failed) == {"mart_earnings": "blocked"}
    repaired = built(changed, ["core_trips"], at(90), "somebody's")
    assert states(repaired, at(500), *failed) == {"mart_earnings": "due"}
    ours = built(changed, ["stg_trips"], at(90), failed[0].runs[0])
    assert states(ours, at(500), *failed) == {"mart_earnings": "blocked"}, "a run of ours that got half way is no news"


def test_a_cancelled_build_counts_as_handled() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    cancelled = over(first_launch(changed, 70), 71, "cancelled")
    assert states(replace(changed, at=at(5000)), at(5000), cancelled) == {"mart_earnings": "blocked"}


def test_nothing_is_decided_on_facts_from_before_the_last_build() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    done = over(first_launch(changed, 70), 73, "passed")
    assert states(changed, at(200), done) == {"mart_earnings": "held"}, "as far as these facts know it was in vain"
    news = arrived(changed, "raw.trips", at(72))
    assert states(news, at(200), done) == {"mart_earnings": "held"}
    assert not ruling(news, at(200), done).decision


def test_while_one_runs_no_other_begins() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    running = replace(first_launch(changed, 70), status="running")
    assert states(changed, at(71), running) == {"mart_earnings": "running"}
    news = arrived(changed, "raw.trips", at(71))
    assert states(news, at(72), running) == {"mart_earnings": "held"}


def test_the_fuse_a_pause_and_alert_only_hold_everything() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    other = [over(Launch(f"{n}", NAME, NAME, at(69)), 69) for n in range(2)]
    held = ruling(replace(changed, at=at(70)), at(70), *other, fuse=2)
    assert (held.prospects["mart_earnings"].state, bool(held.decision)) == ("held", False)
    assert "2 of 2 builds" in held.prospects["mart_earnings"].reason
    assert ruling(replace(changed, at=at(130)), at(130), *other, fuse=2).decision
    assert ruling(changed, at(70), idle="paused").prospects["mart_earnings"].reason == "no pause: paused"
    watched = project(source(), model("t", "raw.trips", asked=Promise(600, warn=300, build="alert_only")))
    late = ruling(arrived(watched, "raw.trips", at(0)), at(11))
    assert (late.prospects["t"].state, late.prospects["t"].age, bool(late.decision)) == ("watched", "late", False)
    assert ruling(arrived(watched, "raw.trips", at(0)), at(6)).prospects["t"].age == "warned"


def test_a_source_that_cannot_be_asked_is_not_fresh() -> None:
    blind = replace(RIDES, nodes={**RIDES.nodes, "raw.trips": replace(RIDES.nodes["raw.trips"], version=None, unknown="no connection")})
    found = ruling(blind, at(1)).prospects["mart_earnings"]
    assert (found.state, found.reason) == ("unknown", "nobody knows whether `raw.trips` changed")


def test_4_16_the_explanation_has_every_condition_with_its_values() -> None:
    changed = arrived(RIDES, "raw.trips", at(10))
    found = ruling(changed, at(20)).prospects["mart_earnings"]
    told = {c.what: c for c in found.conditions}
    assert found.begins == at(70) - timedelta(seconds=198)
    assert {c.what: c.value for c in told["something is new"].below} == {
        "`stg_trips`": "`raw.trips` changed",
        "`core_trips`": "what it reads will be new",
        "`mart_earnings`": "what it reads will be new",
        "oldest change": "2026-01-01 12:10:00 UTC",
    }
    assert not told["time to begin"].holds
    assert told["time to begin"].value == "2026-01-01 13:06:42 UTC, 3m18s before 2026-01-01 13:10:00 UTC"
    assert [c.value for c in told["time to begin"].below] == ["takes 1m"] * 3
    assert told["tries left"].value == "0 of 3 in vain for the same inputs and code"
    assert told["fuse"].value == "0 of 20 builds in the last hour"


def test_4_18_a_dashboard_keeps_its_promise_with_few_builds() -> None:
    """New rows every ten minutes for six hours: never older than half an hour, and three changes share one build."""
    facts = project(
        source(),
        model("stg", "raw.trips", seconds=30),
        model("core", "stg", seconds=60),
        model("mart", "core", seconds=30),
        Fact("dashboard", "dashboard", "exposure", ("mart",), Promise(1800), passes=True),
    )
    ticks = simulate(Spec(), NOON, at(360), world=World(facts, {"raw.trips": 600}))
    assert 11 <= len(ticks) <= 13
    assert all(t.schedule == NAME and t.status == "fired" for t in ticks)
    lags = []
    begins = [t.at for t in ticks]
    for minute in range(360):
        ended = [b for b in begins if b + timedelta(seconds=120) <= at(minute)]
        included = max((c for c in range(0, 361, 10) if ended and at(c) <= ended[-1]), default=0)
        waiting = [c for c in range(10, 361, 10) if c > included and at(c) <= at(minute)]
        lags.append(minute - waiting[0] if waiting else 0)
    assert max(lags) <= 30


def test_two_hundred_promises_take_one_launch() -> None:
    many = project(source(), model("core", "raw.trips"), *(model(f"m{n}", "core", asked=HOURLY) for n in range(200)))
    launch = first_launch(arrived(many, "raw.trips", at(0)), 60)
    assert len(launch.nodes) == 201


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ({"max_lag": "1h", "by": "07:00"}, "one of"),
        ({"warn": "1h"}, "one of"),
        ({"max_lag": "soon"}, "no length of time"),
        ({"by": "25:00"}, "no time of day"),
        ({"max_lag": "1h", "warn": "2h"}, "before `max_lag`"),
        ({"max_lag": "1h", "build": "later"}, "neither of"),
        ({"max_lag": "1h", "stratgy": "lazy"}, "no key `stratgy`"),
    ],
)
def test_what_is_no_promise_says_why(said: dict[str, str], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        promise(said)


def test_facts_survive_the_way_from_a_child() -> None:
    from orchestrator.core.event import plain
    from orchestrator.core.promise import told

    changed = arrived(RIDES, "raw.trips", at(10))
    assert facts_of(plain(told(changed))) == changed
