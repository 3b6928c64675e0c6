"""Alerts: what a rule may say, who is told of what, how letters leave. Runs of whole projects are in `test_alerts_runs.py`."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from orchestrator.alert.listen import Listener, Surroundings
from orchestrator.alert.posts import posts
from orchestrator.alert.spec import spec
from orchestrator.app.alerts.posting import Sending, send, try_out
from orchestrator.core.alert import About, Alerts, Happening, Post, Rule, Sealed
from orchestrator.core.errors import ConfigError, Problem, UsageError
from orchestrator.core.event import Event, NodeFinished, NodeRetried, Noted, RunFinished, RunStarted, Status
from orchestrator.core.files import Span
from orchestrator.core.ports import Link, StateServer
from orchestrator.load.alerts import read_alerts
from orchestrator.record.database import Place
from orchestrator.record.outbox import Outbox
from orchestrator.record.sqlite import Sqlite

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)


def read(text: str) -> Alerts:
    return spec(read_alerts(text.encode()))


class TestRules:
    def test_everything_is_read(self) -> None:
        found = read("""
base_url: https://orc.example
heartbeat_url: https://heart.example/x
owners: {finance: "mailto://a@b.example"}
alerts:
  - name: oncall
    on: [run_failed, deadline_missed]
    where: {tag: finance, target: [prod, ci], owner: ann, select: [+mart]}
    to: ["json://localhost", owner]
    group_by: node
    repeat: 6h
    resolve: false
    quiet: 22:00-07:00
    timezone: Europe/Berlin
""")
        rule = found.rules["oncall"]
        assert (found.base_url, found.heartbeat_url, dict(found.owners)) == (
            "https://orc.example",
            "https://heart.example/x",
            {"finance": "mailto://a@b.example"},
        )
        assert (rule.on, rule.to, rule.group_by, rule.repeat, rule.resolve, rule.quiet, rule.zone) == (
            frozenset({"run_failed", "deadline_missed"}),
            ("json://localhost", "owner"),
            "node",
            21_600.0,
            False,
            (time(22), time(7)),
            "Europe/Berlin",
        )
        assert (rule.where.tags, rule.where.targets, rule.where.owners, rule.where.select) == (
            ("finance",),
            ("prod", "ci"),
            ("ann",),
            ("+mart",),
        )
        assert read("") == Alerts()

    @pytest.mark.parametrize(
        ("text", "code", "line", "hint"),
        [
            ("alerts:\n  - name: a\n    on: run_failed\n    too: json://x", "U096", 4, "`to`"),
            ("alert: []", "U096", 1, "`alerts`"),
            ("alerts:\n  - name: a\n    on:\n      - run_faild\n    to: json://x", "U095", 4, "`run_failed`"),
            ("alerts:\n  - {on: run_failed, to: json://x}", "U095", 2, ""),
            ("alerts:\n  - {name: a, to: json://x}", "U095", 2, ""),
            ("alerts:\n  - {name: a, on: run_failed}", "U095", 2, ""),
            ("alerts:\n  - {name: a, on: run_failed, to: []}", "U095", 2, "owner"),
            ("alerts:\n  - {name: a b, on: run_failed, to: json://x}", "U095", 2, "letters"),
            ("alerts:\n  - {name: a, on: run_failed, to: json://x}\n  - {name: a, on: run_failed, to: json://x}", "U095", 3, "rename"),
            ("alerts:\n  - name: a\n    on: run_failed\n    to: json://x\n    where: {tags: x}", "U096", 5, "`tag`"),
            ("alerts:\n  - {name: a, on: run_failed, to: json://x, group_by: nod}", "U095", 2, "`node`"),
            ("alerts:\n  - name: a\n    on: run_failed\n    to: json://x\n    repeat: often", "U097", 5, ""),
            ("alerts:\n  - {name: a, on: run_failed, to: json://x, repeat: 10s}", "U097", 2, ""),
            ("alerts:\n  - {name: a, on: run_failed, to: json://x, quiet: 25:00-07:00}", "U097", 2, ""),
            ("alerts:\n  - {name: a, on: run_failed, to: json://x, quiet: '07:00-07:00'}", "U097", 2, ""),
            ("alerts:\n  - {name: a, on: run_failed, to: json://x, timezone: Europe/Berln}", "U097", 2, "`Europe/Berlin`"),
            ("base_url: orc.example", "U095", 1, "https"),
        ],
    )
    def test_what_cannot_be_is_refused_at_its_line(self, text: str, code: str, line: int, hint: str) -> None:
        with pytest.raises(ConfigError) as caught:
            read(text)
        first = caught.value.problems[0]
        assert (first.code, first.span and first.span.line) == (code, line)
        assert hint in (first.hint or "")


GRAPH = {
    "model.p.stg": About("stg", path="models/stg.sql", compiled="target/compiled/p/stg.sql"),
    "model.p.core": About("core", ("finance",), ("ann",), "models/core.sql", parents=("model.p.stg",)),
    "model.p.mart": About("mart", ("finance",), ("bob",), parents=("model.p.core",)),
    "model.p.alone": About("alone"),
    "test.p.positive": About("positive", parents=("model.p.core",)),
}


def rule(name: str = "oncall", on: str = "node_failed", to: Sequence[str] = ("json://x",), **more: object) -> Rule:
    return replace(Rule(name, frozenset(on.split()), tuple(to)), **more)  # type: ignore[arg-type]


def finished(name: str, status: Status = Status.PASSED, **more: object) -> NodeFinished:
    kind = name.partition(".")[0]
    event = NodeFinished(AT, name, kind, f"{kind} {name}", 1, status, 1.0, "t")  # type: ignore[arg-type]
    return replace(event, **more)  # type: ignore[arg-type]


def failed(name: str, message: str = "no such column", **more: object) -> NodeFinished:
    return finished(
        name, Status.FAILED, message=message, problem=Problem("X102", message, Span("models/stg.sql", 3, 8), "there is `fare`"), **more
    )


def skipped(name: str, because: str) -> NodeFinished:
    return finished(name, Status.SKIPPED, because=because)


def run(*events: Event, id_: str = "r1", trigger: str = "cli", cancelled: bool = False) -> list[Event]:
    started = RunStarted(AT, id_, "build", "1", "prod", 1, len(GRAPH), planned=tuple(GRAPH), trigger=trigger)
    return [started, *events, RunFinished(AT + timedelta(minutes=1), id_, 60.0, cancelled)]


@dataclass
class Desk:
    """An outbox in a file, a run's listener, and somebody who delivers into a list."""

    root: Path
    rules: tuple[Rule, ...]
    usual: dict[str, tuple[float, ...]] = field(default_factory=dict)
    chosen: frozenset[str] | None = None
    told: list[tuple[str, Sealed]] = field(default_factory=list)
    refusing: Callable[[str], Exception | None] = lambda _url: None
    now_: datetime = AT
    ticks: float = 0.0
    env: dict[str, str] = field(default_factory=dict)
    server: StateServer | None = None

    @property
    def place(self) -> Place:
        return self.server or self.root / ".orchestrator" / "state.db"

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.place)

    @property
    def alerts(self) -> Alerts:
        return Alerts({r.name: r for r in self.rules}, {"ann": "json://ann", "bob": "json://bob"}, "https://orc.example/")

    def now(self) -> datetime:
        return self.now_

    def monotonic(self) -> float:
        self.ticks += 0.01
        return self.ticks

    def deliver(self, url: str, sealed: Sealed, secret: str = "") -> None:
        if wrong := self.refusing(url):
            raise wrong
        self.told.append((url, sealed))

    def hears(self, events: Sequence[Event]) -> Desk:
        """A run, through the history as a run is; what was caused is in the outbox then."""
        around = Surroundings(
            lambda id_: GRAPH.get(id_, About(id_)), lambda asked: self.chosen if asked.where.select else None, lambda _nodes: self.usual
        )
        history = Sqlite(self.place, pid=1, host="h", heed=Listener(self.alerts, around))
        for event in events:
            history.hear(event)
        history.close()
        return self

    @property
    def letters(self) -> list[Sealed]:
        outbox = self.outbox
        try:
            return list(reversed(outbox.letters(1_000)))
        finally:
            outbox.close()

    @property
    def kinds(self) -> list[str]:
        return [each.letter.kind for each in self.letters]

    @property
    def titles(self) -> list[str]:
        return [each.letter.title for each in self.letters]

    def written(self) -> Desk:
        """The rules, in a file: whoever sends looks there."""
        said = [
            {"name": r.name, "on": sorted(r.on), "to": list(r.to), **({"repeat": f"{r.repeat:.0f}s"} if r.repeat else {})}
            for r in self.rules
        ]
        self.root.mkdir(exist_ok=True)
        owners = dict(self.alerts.owners)
        (self.root / "alerts.yml").write_text(json.dumps({"alerts": said, "owners": owners}), encoding="utf-8")
        return self

    def sends(self, limit: float = 60.0) -> list[tuple[str, str]]:
        """One round of the courier; what arrived, and where."""
        self.written()
        before = len(self.told)
        outbox = self.outbox
        try:
            self.round = send(Sending(self.root, outbox, self, self, self.env), limit=limit)
        finally:
            outbox.close()
        return [(url, sealed.letter.kind) for url, sealed in self.told[before:]]


@pytest.fixture
def desk(tmp_path: Path) -> Callable[..., Desk]:
    return lambda *rules, **more: Desk(tmp_path / "p", rules, **more)


Made = Callable[..., Desk]


class TestWhoIsTold:
    def test_a_failed_node_is_one_letter_and_says_what_why_and_where(self, desk: Made) -> None:
        noted = Noted(AT, "warn", "careful", "model.p.stg")
        found = desk(rule()).hears(
            run(noted, failed("model.p.stg"), skipped("model.p.core", "model.p.stg"), skipped("model.p.mart", "model.p.stg"))
        )
        [letter] = [each.letter for each in found.letters]
        assert letter.title == "stg failed (prod)"
        for text in (
            "no such column",
            "there is `fare`",
            "at models/stg.sql:3:8",
            "SQL: target/compiled/p/stg.sql",
            "skipped because of it: core, mart",
            "12:00:00Z WARN careful",
            "https://orc.example/runs/r1",
            "orc why stg",
            "orc retry",
        ):
            assert text in letter.body
        assert (letter.data["event"], letter.data["run"], letter.data["link"]) == ("node_failed", "r1", "https://orc.example/runs/r1")
        assert letter.data["log"][0] == "12:00:00Z WARN careful"

    def test_only_the_last_thirty_lines_come_along(self, desk: Made) -> None:
        said = [Noted(AT, "info", f"line {n}", "model.p.stg") for n in range(50)]
        [letter] = desk(rule()).hears(run(*said, failed("model.p.stg"))).letters
        assert len(letter.letter.data["log"]) == 30
        assert "line 20" not in letter.letter.body
        assert "line 49" in letter.letter.body

    def test_of_several_causes_thirty_lines_come_along_in_all(self, desk: Made) -> None:
        names = ("model.p.stg", "model.p.alone")
        said = [Noted(AT, "info", f"{name} line {n}", name) for name in names for n in range(20)]
        [letter] = desk(rule()).hears(run(*said, *map(failed, names))).letters
        assert len(letter.letter.data["log"]) == 30

    def test_skipped_children_tell_nobody(self, desk: Made) -> None:
        found = desk(rule(group_by="node")).hears(run(failed("model.p.stg"), skipped("model.p.core", "model.p.stg")))
        assert found.titles == ["stg failed (prod)"]

    def test_who_asked_for_a_skipped_child_hears_of_its_cause(self, desk: Made) -> None:
        events = run(failed("model.p.stg"), skipped("model.p.core", "model.p.stg"), skipped("model.p.mart", "model.p.stg"))
        where = Rule("", frozenset(), ()).where
        for group_by in ("run", "node"):
            mine = rule(group_by, where=replace(where, tags=("finance",)), group_by=group_by)
            other = rule(f"{group_by}2", where=replace(where, tags=("hr",)), group_by=group_by)
            desk(mine, other).hears(events)
        assert [(s.rule, s.letter.title) for s in desk().letters] == [("run", "stg failed (prod)"), ("node", "stg failed (prod)")]

    def test_where_looks_at_target_owner_and_selection(self, desk: Made) -> None:
        where = Rule("", frozenset(), ()).where
        found = desk(
            rule("dev", where=replace(where, targets=("dev",))),
            rule("prod", where=replace(where, targets=("prod",))),
            rule("ann", where=replace(where, owners=("ann",))),
            rule("bob", where=replace(where, owners=("bob",))),
            rule("chosen", where=replace(where, select=("core",))),
            chosen=frozenset({"model.p.alone"}),
        ).hears(run(failed("model.p.core")))
        assert sorted(s.rule for s in found.letters) == ["ann", "prod"]

    def test_a_failed_gate_is_one_letter_about_the_node_it_kept_back(self, desk: Made) -> None:
        events = run(
            finished("model.p.stg"),
            failed("test.p.positive", "Got 3 results", failures=3),
            failed("model.p.core", "not published: 1 test failed"),
            skipped("model.p.mart", "model.p.core"),
        )
        found = desk(
            rule("gates", "gate_failed"), rule("both", "gate_failed node_failed"), rule("nodes", "node_failed", group_by="node")
        ).hears(events)
        assert [(s.rule, s.letter.kind) for s in found.letters] == [
            ("nodes", "node_failed"),
            ("gates", "gate_failed"),
            ("both", "gate_failed"),
        ]
        assert all("positive: Got 3 results" in s.letter.body for s in found.letters)

    def test_a_test_of_what_is_published_tells_of_itself(self, desk: Made) -> None:
        events = run(finished("model.p.core"), failed("test.p.positive", "Got 3 results", failures=3))
        assert desk(rule(on="gate_failed", group_by="node")).hears(events).titles == ["positive was not published: a test failed (prod)"]

    def test_one_letter_a_run_lists_the_root_causes(self, desk: Made) -> None:
        events = run(failed("model.p.stg"), skipped("model.p.core", "model.p.stg"), failed("model.p.alone"))
        found = desk(rule(on="run_failed node_failed")).hears(events)
        assert found.titles == ["orc build failed (prod): stg, alone"]
        assert [n["name"] for n in found.letters[0].letter.data["nodes"]] == ["stg", "alone"]

    def test_retries_are_told_when_asked_for(self, desk: Made) -> None:
        again = NodeRetried(AT, "model.p.stg", "model", "model stg", 1, "t", 1, 2, 10.0, Status.CRASHED, 1.0, AT, "connection lost")
        found = desk(rule("a", "node_retried"), rule("b", "node_failed")).hears(run(again, finished("model.p.stg")))
        [letter] = [s.letter for s in found.letters]
        assert (letter.kind, letter.data["error"]) == ("node_retried", "connection lost")
        assert "attempt 1 of 3 failed; the next begins in 10s" in letter.body

    def test_success_is_told_when_asked_for(self, desk: Made) -> None:
        found = desk(rule(on="run_succeeded")).hears(run(finished("model.p.stg"), trigger="schedule:nightly"))
        assert found.titles == ["nightly succeeded (prod)"]

    def test_a_run_that_somebody_cancelled_tells_nobody(self, desk: Made) -> None:
        events = run(finished("model.p.stg", Status.CANCELLED), cancelled=True)
        assert desk(rule(on="run_failed node_failed run_succeeded")).hears(events).titles == []

    def test_3_6_a_node_that_takes_three_times_as_long_is_slow(self, desk: Made) -> None:
        found = desk(rule(on="node_slow"), usual={"model.p.stg": (2.0,) * 3, "model.p.core": (2.0,) * 3, "model.p.mart": (1.0, 1.0)})
        found.hears(
            run(finished("model.p.stg", seconds=7.0), finished("model.p.core", seconds=5.9), finished("model.p.mart", seconds=900.0))
        )
        [letter] = [s.letter for s in found.letters]
        assert (letter.title, letter.data["usual"]) == ("stg was slow (prod)", 2.0)
        assert "took 7s, usually 2s" in letter.body
        found.hears(run(finished("model.p.stg", seconds=2.5), id_="r2"))
        assert found.kinds == ["node_slow", "recovered"]


class TestOnce:
    def test_an_incident_is_told_once_and_its_end_once(self, desk: Made) -> None:
        found = desk(rule(on="run_failed node_failed"), rule("each", group_by="node"))
        for id_ in ("r1", "r2", "r3"):
            found.hears(run(failed("model.p.stg"), id_=id_))
        assert found.kinds == ["node_failed", "run_failed"]
        for id_ in ("r4", "r5"):
            found.hears(run(finished("model.p.stg"), id_=id_))
        assert found.kinds == ["node_failed", "run_failed", "recovered", "recovered"]
        assert found.titles[2:] == ["stg is well again (prod)", "orc build, stg are well again (prod)"]
        found.hears(run(failed("model.p.stg"), id_="r6"))
        assert found.kinds[4:] == ["node_failed", "run_failed"]

    def test_another_node_is_another_incident(self, desk: Made) -> None:
        found = desk(rule()).hears(run(failed("model.p.stg"))).hears(run(failed("model.p.stg"), failed("model.p.alone"), id_="r2"))
        assert found.titles == ["stg failed (prod)", "stg, alone failed (prod)"]

    def test_another_schedule_is_another_incident_and_heals_alone(self, desk: Made) -> None:
        found = desk(rule(on="run_failed"))
        found.hears(run(failed("model.p.stg"), trigger="schedule:nightly")).hears(
            run(failed("model.p.stg"), id_="r2", trigger="schedule:hourly")
        )
        found.hears(run(finished("model.p.stg"), id_="r3", trigger="schedule:hourly"))
        assert found.titles == ["nightly failed (prod): stg", "hourly failed (prod): stg", "hourly is well again (prod)"]

    def test_recoveries_may_be_unwanted_or_all_that_is_wanted(self, desk: Made) -> None:
        found = desk(rule(resolve=False), rule("well", "recovered"))
        found.hears(run(failed("model.p.stg"))).hears(run(finished("model.p.stg"), id_="r2"))
        assert [(s.rule, s.letter.kind) for s in found.letters] == [("oncall", "node_failed"), ("well", "recovered")]

    def test_an_incident_that_stays_open_is_told_again_when_asked_for(self, desk: Made) -> None:
        found = desk(rule(repeat=3600.0), rule("once")).hears(run(failed("model.p.stg")))
        assert found.sends() == [("json://x", "node_failed")] * 2
        found.now_ = AT + timedelta(minutes=59)
        assert found.sends() == []
        found.now_ = AT + timedelta(minutes=61)
        assert found.sends() == [("json://x", "node_failed")]
        assert found.told[-1][1].letter.title == "Still: stg failed (prod)"
        assert found.told[-1][1].letter.data["again"] is True
        assert found.sends() == []


class TestOutbox:
    def test_a_letter_is_written_with_the_status_or_not_at_all(self, desk: Made, monkeypatch: pytest.MonkeyPatch) -> None:
        from orchestrator.core.errors import StoreError
        from orchestrator.record import outbox

        found, whole = desk(rule(group_by="node")), outbox.enclose

        def breaks(connection: Link, posts: Sequence[Post]) -> int:
            if whole(connection, posts):
                raise OSError("the disk is full")
            return 0

        monkeypatch.setattr(outbox, "enclose", breaks)
        with pytest.raises(StoreError):
            found.hears(run(failed("model.p.stg")))
        monkeypatch.undo()
        history = Sqlite(found.root / ".orchestrator" / "state.db", pid=1, host="h")
        assert (history.results("r1"), found.letters) == ((), [])

    def test_a_letter_is_tried_again_later_and_later_and_given_up_after_a_day(self, desk: Made) -> None:
        found = desk(rule()).hears(run(failed("model.p.stg")))
        found.refusing = lambda _url: OSError("nobody there")
        waits = []
        while found.letters[0].status == "waiting":
            before = found.now_
            assert found.sends() == []
            found.now_ = found.letters[0].due
            waits.append((found.now_ - before).total_seconds())
        assert waits[:9] == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
        assert found.letters[0].status == "failed"
        assert timedelta(hours=23) < found.now_ - AT < timedelta(hours=26)
        assert found.letters[0].error == "nobody there"

    def test_it_arrives_once_it_can_and_never_again(self, desk: Made) -> None:
        found = desk(rule()).hears(run(failed("model.p.stg")))
        found.refusing = lambda _url: OSError("nobody there")
        found.sends()
        found.refusing = lambda _url: None
        assert found.sends() == []
        found.now_ += timedelta(seconds=31)
        assert found.sends() == [("json://x", "node_failed")]
        assert found.sends() == []

    def test_one_address_that_refuses_keeps_no_other_from_hearing(self, desk: Made) -> None:
        found = desk(rule(to=("json://bad", "json://good"))).hears(run(failed("model.p.stg")))
        found.refusing = lambda url: OSError("no") if "bad" in url else None
        assert found.sends() == [("json://good", "node_failed")]
        found.now_ += timedelta(seconds=31)
        found.refusing = lambda _url: None
        assert found.sends() == [("json://bad", "node_failed")]

    def test_two_who_send_at_once_send_once(self, desk: Made) -> None:
        found = desk(rule()).hears(run(failed("model.p.stg")))
        one, other = found.outbox, found.outbox
        assert [len(box.take(AT + timedelta(minutes=2))) for box in (one, other)] == [1, 0]
        assert len(other.take(AT + timedelta(minutes=4))) == 1  # whoever took it said nothing: it is free again
        one.close()
        other.close()

    def test_an_address_that_never_works_is_not_tried_again(self, desk: Made) -> None:
        found = desk(rule()).hears(run(failed("model.p.stg")))
        found.refusing = lambda _url: ConfigError(Problem("U099", "nobody knows it"))
        found.sends()
        assert (found.letters[0].status, found.letters[0].error) == ("failed", "nobody knows it")

    def test_owners_hear_of_what_is_theirs(self, desk: Made) -> None:
        found = desk(rule(to=("owner",))).hears(run(failed("model.p.core"), failed("model.p.mart"), failed("model.p.stg")))
        assert found.sends() == [("json://ann", "node_failed"), ("json://bob", "node_failed")]

    def test_quiet_hours_are_waited_for(self, desk: Made) -> None:
        found = desk(rule(quiet=(time(11), time(14)))).hears(run(failed("model.p.stg")))
        assert found.sends() == []
        found.now_ = AT + timedelta(hours=2)
        assert found.sends() == [("json://x", "node_failed")]

    def test_what_is_secret_in_an_address_is_in_no_byte_we_write(self, desk: Made) -> None:
        found = desk(rule(to=("json://host/{{ env_var('ORC_SECRET_HOOK') }}",)), env={"ORC_SECRET_HOOK": "hunter2hunter2"})
        found.hears(run(failed("model.p.stg")))
        found.refusing = lambda url: OSError(f"cannot reach {url}")
        found.sends()
        assert found.letters[0].error == "cannot reach json://host/****"
        found.refusing = lambda _url: None
        found.now_ += timedelta(minutes=1)
        assert found.sends() == [("json://host/hunter2hunter2", "node_failed")]
        for path in (found.root / ".orchestrator").iterdir():
            assert b"hunter2" not in path.read_bytes()

    def test_a_variable_that_is_not_set_is_said(self, desk: Made) -> None:
        found = desk(rule(to=("json://{{ env_var('NOWHERE_SET') }}",))).hears(run(failed("model.p.stg")))
        found.sends()
        assert "`NOWHERE_SET` is not set" in found.letters[0].error

    def test_one_who_never_answers_does_not_hold_up_a_run(self, desk: Made) -> None:
        import threading

        found = desk(rule()).hears(run(failed("model.p.stg")))
        stuck = threading.Event()
        found.refusing = lambda _url: OSError("too late") if stuck.wait(30) else None
        found.sends(limit=0.02)  # at least a second for one letter
        stuck.set()
        assert "no answer within" in found.letters[0].error

    def test_letters_are_forgotten_with_the_runs(self, desk: Made) -> None:
        found = desk(rule()).hears(run(failed("model.p.stg")))
        found.sends()
        found.hears(run(finished("model.p.stg"), id_="r2"))
        history = Sqlite(found.root / ".orchestrator" / "state.db", pid=1, host="h")
        history.prune(AT + timedelta(days=1))
        assert [s.status for s in found.letters] == ["waiting"]  # what nobody has heard yet stays
        assert found.outbox.incidents(open_only=False) == ()


class TestTrying:
    def test_4_21_a_sample_goes_to_each_address_and_the_result_is_told(self, desk: Made) -> None:
        found = desk(rule(to=("json://good", "slack://bad"))).written()
        found.refusing = lambda url: OSError("no") if "bad" in url else None
        assert try_out(Sending(found.root, found.outbox, found, found), "oncall") == (("json://…", None), ("slack://…", "no"))
        assert found.letters == []

    def test_a_name_that_is_none_gets_a_suggestion(self, desk: Made) -> None:
        found = desk(rule()).written()
        with pytest.raises(UsageError) as caught:
            try_out(Sending(found.root, found.outbox, found, found), "onkall")
        assert (caught.value.first.code, caught.value.first.hint) == ("U098", "did you mean `oncall`?")


def test_happenings_of_others_are_incidents_too(desk: Made) -> None:
    found = desk(rule(on="freshness_breached"))
    stale = Happening(frozenset({"freshness_breached"}), "source.p.raw.trips", "raw.trips", AT, "3h old, allowed are 2h", "prod")
    box = found.outbox
    assert [box.enclose(posts(found.alerts, [stale])) for _ in range(2)] == [1, 0]
    box.close()
    assert found.titles == ["raw.trips is stale (prod)"]


def test_a_server_keeps_incidents_and_letters_like_a_file_does(desk: Made, own_postgres: str) -> None:
    from orchestrator.adapters.registry import state

    found = desk(rule(repeat=3600.0), rule("each", group_by="node", resolve=False), server=state(own_postgres))
    found.hears(run(failed("model.p.stg"))).hears(run(failed("model.p.stg"), id_="r2"))
    found.refusing = lambda _url: OSError("nobody there")
    assert found.sends() == []
    assert [(s.status, s.tries, s.error) for s in found.letters] == [("waiting", 1, "nobody there")] * 2
    found.refusing = lambda _url: None
    found.now_ = AT + timedelta(minutes=61)
    assert found.sends() == [("json://x", "node_failed")] * 3  # both, and the one that is told again
    box = found.outbox
    assert [i.subject for i in box.incidents()] == ["model.p.stg"] * 2
    found.hears(run(finished("model.p.stg"), id_="r3"))
    assert found.kinds == ["node_failed"] * 3 + ["recovered"]
    assert box.incidents() == ()
    assert box.counts() == {"sent": 3, "waiting": 1, "refused": 2}
    box.close()
