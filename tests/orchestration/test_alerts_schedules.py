"""Alerts of schedules: deadlines, ticks that nobody ran, runs that cannot say themselves how they ended, a daemon that is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator.alert.listen import Listener, Surroundings
from orchestrator.app.alerts.alarm import Alarm
from orchestrator.app.alerts.posting import Sending
from orchestrator.app.alerts.vigil import Vigil
from orchestrator.core.alert import About, Alerts, Sealed
from orchestrator.core.event import Event, Grounds, NodeFinished, NodeStarted, RunFinished, RunStarted, Status
from orchestrator.core.schedule import Launch, Schedule
from orchestrator.record.outbox import Outbox
from orchestrator.record.sqlite import Sqlite
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.spec import Spec
from orchestrator.serve.scheduler import Scheduler

NIGHT = datetime(2026, 1, 10, 2, tzinfo=UTC)
STEPS = [f"model.p.step_{n}" for n in range(1, 7)]
NIGHTLY = Schedule("nightly", cron="0 2 * * *", deadline="08:00", tags=("finance",))
EVERYTHING = "[run_failed, run_succeeded, deadline_at_risk, deadline_missed, schedule_missed]"


@dataclass
class Pretending:
    """A launcher whose processes are what the test says: it ends them, and writes the histories of their runs."""

    gone: list[tuple[str, int]] = field(default_factory=list)
    started: list[tuple[str, str]] = field(default_factory=list)

    def start(self, launch: Launch, order: Mapping[str, Any], run: str) -> int:
        self.started.append((launch.id, run))
        return 0

    def ended(self) -> Iterable[tuple[str, int]]:
        found, self.gone = self.gone, []
        return found

    def stop(self, id_: str, *, kill: bool = False) -> None:
        self.gone.append((id_, 130))


class House:
    """A scheduler, its state in a file, and a clock that the test turns."""

    def __init__(self, root: Path, on: str = EVERYTHING, schedule: Schedule = NIGHTLY, where: str = "{}") -> None:
        root.mkdir(parents=True, exist_ok=True)
        (root / "alerts.yml").write_text(
            f"heartbeat_url: http://heart.example/x\nalerts:\n  - {{name: oncall, on: {on}, to: 'json://x', where: {where}}}\n",
            encoding="utf-8",
        )
        self.root, self.time, self.said = root, NIGHT - timedelta(hours=1), list[str]()
        self.place = root / ".orchestrator" / "state.db"
        self.spec = Spec({schedule.name: schedule})
        self.launcher = Pretending()
        self.alarm = Alarm(root, self.said.append, lambda name: self.spec.schedules.get(name), root / "logs")  # noqa: PLW0108 - the spec changes
        self.timetable = Timetable(self.place, pid=1, host="here", heed=self.alarm)
        self.scheduler = Scheduler(self.timetable, self.launcher, self, lambda: self.spec, lambda *_: {}, self.said.append, host="here")
        self.outbox = Outbox(self.place)
        self.told: list[Sealed] = []
        self.pings: list[str] = []
        sending = Sending(root, self.outbox, self, self)
        self.vigil = Vigil(self.alarm, sending, self.timetable, Sqlite(self.place, pid=1, host="here"), self.said.append, self.pings.append)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return (self.time - NIGHT).total_seconds()

    def deliver(self, url: str, sealed: Sealed, secret: str = "") -> None:
        self.told.append(sealed)

    def turn(self, at: datetime | None = None) -> None:
        self.time = at or self.time
        self.scheduler.turn()
        self.vigil()

    def until(self, at: datetime, step: timedelta = timedelta(minutes=5)) -> None:
        while self.time < at:
            self.turn(min(self.time + step, at))

    @property
    def kinds(self) -> list[str]:
        return [s.letter.kind for s in reversed(self.outbox.letters(1_000))]

    @property
    def titles(self) -> list[str]:
        return [s.letter.title for s in reversed(self.outbox.letters(1_000))]

    def close(self) -> None:
        self.vigil.close()
        self.outbox.close()
        self.timetable.close()

    def history(self) -> Sqlite:
        alerts: Alerts = self.alarm.alerts
        return Sqlite(
            self.place, pid=1, host="here", heed=Listener(alerts, Surroundings(lambda id_: About(id_.rpartition(".")[2]))), pause=0.01
        )

    def ran(self, at: datetime, minutes: Iterable[int], id_: str, *, bad: bool = False) -> None:
        """A whole run in the history: each step takes so many minutes, one after the other."""
        history = self.history()
        for event in night(at, minutes, id_, bad=bad):
            history.hear(event)
        history.close()


def night(at: datetime, minutes: Iterable[int], id_: str, *, bad: bool = False, whole: bool = True) -> list[Event]:
    grounds = {
        step: Grounds("due", "f", {"upstream": {before: "x"} if before else {}}) for step, before in zip(STEPS, ["", *STEPS], strict=False)
    }
    events: list[Event] = [
        RunStarted(at, id_, "build", "1", "dev", 1, 6, planned=tuple(STEPS), trigger="schedule:nightly", grounds=grounds)
    ]
    for step, length in zip(STEPS, minutes, strict=False):
        events.append(NodeStarted(at, step, "model", step, 1, "t"))
        at += timedelta(minutes=length)
        status = Status.FAILED if bad and step == STEPS[2] else Status.PASSED
        events.append(
            NodeFinished(at, step, "model", step, 1, status, length * 60.0, "t", message="boom" if status is Status.FAILED else "")
        )
    return [*events, RunFinished(at, id_, 1.0)] if whole else events


@pytest.fixture
def house(tmp_path: Path) -> Iterable[Callable[..., House]]:
    made: list[House] = []

    def make(**more: Any) -> House:
        made.append(House(tmp_path / f"p{len(made)}", **more))
        made[-1].turn()
        return made[-1]

    yield make
    for each in made:
        each.close()


Make = Callable[..., House]


def test_4_23_a_slow_night_is_told_before_its_deadline_and_at_it_while_the_run_goes_on(house: Make) -> None:
    found = house()
    for day in (5, 4, 3, 2, 1):  # six steps, 40 minutes each: usually done by 6
        found.ran(NIGHT - timedelta(days=day), [40] * 6, f"before-{day}")
    found.outbox.enclose([])
    quiet = len(found.titles)
    found.turn(NIGHT)
    [(launch, run)] = found.launcher.started
    history = found.history()
    heard = 0

    def until(hour: float) -> None:
        nonlocal heard
        steps = night(NIGHT, [80] * 6, run, whole=False)  # tonight each takes twice as long
        at = NIGHT + timedelta(hours=hour - 2)
        while found.time < at:
            found.time = min(found.time + timedelta(minutes=5), at)
            due = [e for e in steps[heard:] if e.at <= found.time]
            for event in due:
                history.hear(event)
            heard += len(due)
            if due:
                import time

                time.sleep(0.05)  # the history writes along
            found.turn()

    until(5.9)  # three steps are done, the fourth has run for 14 of its 40 minutes: 106 left, and 126 minutes to go
    assert found.titles[quiet:] == []
    until(7.0)
    assert found.titles[quiet:] == ["nightly may miss its deadline"]
    risk = found.outbox.letters(1)[0]
    assert NIGHT + timedelta(hours=4) < risk.made < NIGHT + timedelta(hours=5)
    assert "until its deadline" in risk.letter.body
    until(8.1)
    assert found.titles[quiet:] == ["nightly may miss its deadline", "nightly missed its deadline"]
    assert found.timetable.launch(launch).status == "running"  # type: ignore[union-attr]
    until(10.0)
    found.time = NIGHT + timedelta(hours=8)
    history.hear(RunFinished(found.time, run, 1.0))
    history.close()
    found.launcher.gone.append((launch, 0))
    found.turn()
    assert found.titles[quiet + 2 :] == ["nightly succeeded (dev)", "nightly is well again"]
    assert "nightly succeeded, 2h after its deadline" in found.outbox.letters(1)[0].letter.body


def test_4_23_a_good_night_is_one_message_before_the_deadline(house: Make) -> None:
    found = house()
    found.turn(NIGHT)
    [(launch, run)] = found.launcher.started
    found.ran(NIGHT, [40] * 6, run)
    found.launcher.gone.append((launch, 0))
    found.until(NIGHT + timedelta(hours=8))
    assert found.titles == ["nightly succeeded (dev)"]
    assert found.outbox.letters(1)[0].made < NIGHT + timedelta(hours=6)


def test_a_queued_run_is_at_risk_by_what_earlier_ones_took(house: Make) -> None:
    found = house(schedule=replace(NIGHTLY, overlap="queue"))
    for day in range(5):
        at = NIGHT + timedelta(days=day)
        found.turn(at)
        launch, run = found.launcher.started[-1]
        found.ran(at, [40] * 6, run)
        found.launcher.gone.append((launch, 0))
        found.turn(at + timedelta(hours=4))
    found.spec = replace(found.spec, limits=replace(found.spec.limits, max_runs=0))
    told = len(found.titles)
    found.until(NIGHT + timedelta(days=5, hours=1, minutes=50))
    assert found.titles[told:] == []
    found.until(NIGHT + timedelta(days=5, hours=2, minutes=10))
    assert found.titles[told:] == ["nightly may miss its deadline"]


def test_a_failed_run_is_told_once_by_whoever_knows_most(house: Make) -> None:
    found = house()
    found.turn(NIGHT)
    [(launch, run)] = found.launcher.started
    found.ran(NIGHT, [1] * 6, run, bad=True)
    found.launcher.gone.append((launch, 1))
    found.until(NIGHT + timedelta(minutes=20))
    assert found.titles == ["nightly failed (dev): step_3"]


def test_what_a_run_has_told_is_not_told_again_to_those_it_did_not_concern(house: Make) -> None:
    found = house(on="[run_failed]", where="{tag: hr}", schedule=replace(NIGHTLY, tags=()))
    found.turn(NIGHT)
    [(launch, run)] = found.launcher.started
    found.ran(NIGHT, [1] * 6, run, bad=True)  # what failed has no tag
    found.launcher.gone.append((launch, 1))
    found.turn()
    assert found.titles == []


def test_a_run_that_was_killed_before_it_could_say_anything_is_told_of(house: Make) -> None:
    found = house(on="[run_failed]")
    found.turn(NIGHT)
    (found.root / "logs").mkdir()
    for _ in range(4):  # it dies of a signal, and is begun again
        launch, run = found.launcher.started[-1]
        (found.root / "logs" / f"{run}.log").write_text("orc build\nMemoryError\n", encoding="utf-8")
        found.launcher.gone.append((launch, -9))
        found.turn()
    [letter] = found.outbox.letters()
    assert letter.letter.title == "nightly failed"
    assert "its process died 4 times" in letter.letter.body
    assert "MemoryError" in letter.letter.body


def test_a_run_that_takes_too_long_is_told_of(house: Make) -> None:
    found = house(on="[run_failed]", schedule=replace(NIGHTLY, timeout=3600))
    found.turn(NIGHT)
    found.until(NIGHT + timedelta(minutes=70))
    assert found.titles == ["nightly failed"]
    assert "still running after its timeout of 1h" in found.outbox.letters(1)[0].letter.body
    found.turn(NIGHT + timedelta(days=1))
    launch, run = found.launcher.started[-1]
    found.ran(found.time, [1] * 6, run)
    found.launcher.gone.append((launch, 0))
    found.turn()
    assert found.titles == ["nightly failed", "nightly is well again (dev)"]


def test_ticks_that_nobody_ran_are_one_message(house: Make) -> None:
    found = house(on="[schedule_missed]", schedule=replace(NIGHTLY, missed="skip"))
    found.turn(NIGHT + timedelta(days=3, hours=9))
    assert found.titles == ["nightly was not run"]
    assert "4 ticks from 2026-01-10 02:00 to 2026-01-13 02:00 UTC" in found.outbox.letters(1)[0].letter.body


@pytest.mark.parametrize(("where", "told"), [("{tag: finance}", 1), ("{tag: hr}", 0), ("{target: prod}", 1), ("{owner: ann}", 1)])
def test_rules_are_about_schedules_by_their_tags(house: Make, where: str, told: int) -> None:
    found = house(on="[schedule_missed]", where=where)
    found.turn(NIGHT + timedelta(days=2))
    assert len(found.titles) == told


def test_a_tick_that_could_not_be_written_has_no_message(house: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.record import outbox, timetable

    found = house(on="[schedule_missed]")

    def breaks(connection: Any, posts: Any) -> int:
        outbox.enclose(connection, posts)
        raise OSError("the disk is full")

    monkeypatch.setattr(timetable, "enclose", breaks)
    with pytest.raises(Exception, match="disk is full"):
        found.turn(NIGHT + timedelta(days=2))
    assert (found.timetable.ticks(), found.titles) == ((), [])
    monkeypatch.undo()
    found.turn()
    assert found.titles == ["nightly was not run"]


def test_4_4_a_daemon_that_is_gone_is_noticed_by_whoever_hears_its_heart(house: Make) -> None:
    found = house()
    found.until(NIGHT)  # an hour, a turn each five minutes
    beats = len(found.pings)
    assert beats in (12, 13)
    found.time += timedelta(minutes=30)  # nobody turns
    assert len(found.pings) == beats
    assert set(found.pings) == {"http://heart.example/x"}
    found.turn()
    found.turn()
    found.vigil.close()
    assert len(found.pings) == beats + 1  # once a minute


def test_messages_leave_while_the_daemon_turns(house: Make) -> None:
    found = house(on="[schedule_missed]")
    found.turn(NIGHT + timedelta(days=2))
    found.vigil.close()
    assert [s.letter.kind for s in found.told] == ["schedule_missed"]


def test_rules_are_read_again_when_they_change_and_kept_when_they_cannot_be(house: Make) -> None:
    found = house(on="[run_failed]")
    assert set(found.alarm.alerts.rules) == {"oncall"}
    (found.root / "alerts.yml").write_text("alerts: [{nam: x}]", encoding="utf-8")
    assert set(found.alarm.alerts.rules) == {"oncall"}
    assert any("U096" in line for line in found.said)
    said = len(found.said)
    found.turn()
    assert len(found.said) == said  # said once
    (found.root / "alerts.yml").unlink()
    assert not found.alarm.alerts


def test_nothing_that_goes_wrong_here_stops_a_turn(house: Make) -> None:
    found = house(on="[schedule_missed]")

    def wrong(_url: str) -> None:
        raise OSError("no network")

    found.vigil.ping = wrong
    found.until(NIGHT - timedelta(minutes=30))
    found.vigil.close()
    assert found.said.count("alerts: OSError: no network") == 1


def test_broken_promises_about_freshness_and_blocked_builds_are_told_once_and_their_ends(house: Make) -> None:
    from orchestrator.core.promise import Promise
    from orchestrator.schedule.freshness import Prospect
    from orchestrator.schedule.needs import Need

    found = house(on="[freshness_breached, blocked]")
    need = Need("model.p.mart", "mart", Promise(max_lag=3600.0))
    now = {"model.p.mart": Prospect(need, "fresh", "", None, ())}
    found.vigil.prospects = lambda: now
    found.until(found.time + timedelta(minutes=10))
    now = {"model.p.mart": Prospect(need, "blocked", "3 tries in vain", None, (), age="late", lag=7200.0)}
    found.until(found.time + timedelta(minutes=30))
    assert found.titles == ["mart is stale", "mart is blocked"]
    assert "its data is 2h old" in found.outbox.letters(2)[1].letter.body
    assert "3 tries in vain" in found.outbox.letters(1)[0].letter.body
    now = {"model.p.mart": Prospect(need, "fresh", "", None, ())}
    found.until(found.time + timedelta(minutes=10))
    assert found.titles[2:] == ["mart is well again"]
