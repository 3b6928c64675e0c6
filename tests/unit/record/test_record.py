"""Every sink hears every event, and a broken one harms nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from orchestrator.core.errors import Problem, StoreError
from orchestrator.core.event import Event, NodeFinished, Noted, RunFinished, RunStarted, Status
from orchestrator.core.project import Secret
from orchestrator.record.memory import Memory
from orchestrator.record.record import record

AT = datetime(2026, 1, 1, 9, 0, tzinfo=UTC)
STARTED = RunStarted(AT, "r1", "run", "0.1", "dev", 1, 1, planned=("model.p.a",))
DONE = NodeFinished(AT, "model.p.a", "model", "sql view model main.a", 1, Status.PASSED, 0.1, "T1", message="OK with hunter2!")
FINISHED = RunFinished(AT, "r1", 1.0)


class Ears:
    def __init__(self, *, deaf_to: type[Event] | None = None, error: Exception | None = None) -> None:
        self.heard: list[Event] = []
        self.closed = 0
        self.deaf_to = deaf_to
        self.error = error or ValueError("cannot hear")

    def hear(self, event: Event) -> None:
        if self.deaf_to and isinstance(event, self.deaf_to):
            raise self.error
        self.heard.append(event)

    def close(self) -> None:
        self.closed += 1


def test_every_event_reaches_every_sink_and_the_run_is_their_fold() -> None:
    one, two = Ears(), Ears()
    run = record([STARTED, DONE, FINISHED], [one, two])
    assert one.heard == two.heard == [STARTED, DONE, FINISHED]
    assert (run.id, run.results, run.exit_code) == ("r1", (DONE,), 0)
    assert one.closed == two.closed == 1


def test_a_sink_that_raises_is_reported_to_the_others_once_and_dropped() -> None:
    good, bad = Ears(), Ears(deaf_to=NodeFinished)
    run = record([STARTED, DONE, DONE, FINISHED], [good, bad])
    notes = [e for e in good.heard if isinstance(e, Noted)]
    assert [n.message for n in notes] == ["Ears stopped listening to this run: ValueError: cannot hear"]
    assert run.notes == tuple(notes)
    assert bad.heard == [STARTED]
    assert bad.closed == 1
    assert run.exit_code == 0


def test_a_history_that_cannot_be_written_stops_the_run_and_everybody_is_closed() -> None:
    stopped: list[bool] = []

    def events() -> Iterator[Event]:
        try:
            yield STARTED
            yield DONE
            yield FINISHED
        finally:
            stopped.append(True)

    history = Ears(deaf_to=NodeFinished, error=StoreError(Problem("S004", "disk full")))
    console = Ears()
    with pytest.raises(StoreError, match="disk full"):
        record(events(), [history, console])
    assert console.heard == [STARTED]
    assert (history.closed, console.closed, stopped) == (1, 1, [True])


def test_an_executor_that_raises_leaves_no_sink_open() -> None:
    def events() -> Iterator[Event]:
        yield STARTED
        raise RuntimeError("ours")

    console = Ears()
    with pytest.raises(RuntimeError, match="ours"):
        record(events(), [console])
    assert console.closed == 1


def test_nobody_hears_a_secret() -> None:
    ears = Ears()
    run = record([STARTED, DONE], [ears], [Secret("hunter2")])
    assert run.results[0].message == "OK with ****!"
    assert "hunter2" not in repr(ears.heard)
    assert run.results[0].status is Status.PASSED


def test_memory_remembers_what_it_heard() -> None:
    memory = Memory()
    record([STARTED, DONE, FINISHED], [memory])
    found = memory.run("r")
    assert found is not None
    assert (found.status, dict(found.counts), found.planned) == ("passed", {"passed": 1}, ("model.p.a",))
    assert memory.unsuccessful("r1") == ()
    record([RunStarted(AT, "r2", "test", "0.1", "prod", 1, 1, planned=("model.p.b",))], [memory])
    assert [(r.id, r.status) for r in memory.runs()] == [("r2", "interrupted"), ("r1", "passed")]
    assert memory.unsuccessful("r2") == ("model.p.b",)
    last = memory.last_run(commands=["run"])
    assert last is not None
    assert last.id == "r1"
    assert memory.run("r") is None
