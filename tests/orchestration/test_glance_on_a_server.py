"""What watchers ask of a state that is kept on a server: the same answers as of a file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator.adapters import registry
from orchestrator.core.chronicle import Sought
from orchestrator.core.event import NodeFinished, NodeStarted, RunFinished, RunStarted, Status
from orchestrator.core.schedule import Schedule
from orchestrator.record.database import Place
from orchestrator.record.glance import Glance
from orchestrator.record.sqlite import Sqlite
from orchestrator.record.timetable import Timetable
from orchestrator.schedule.decide import asked

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
NODES = ("model.p.a", "model.p.b")


def answers(place: Place) -> list[object]:
    """All that is asked, one thing after the other happening."""
    history, glance, found = Sqlite(place, pid=1, host="elsewhere", pause=0.01), Glance(place), list[object]()
    timetable = Timetable(place, pid=1, host="h")
    timetable.ask(asked(Schedule("nightly", cron="@daily"), "nightly@x", "manual", NOON))
    marks = [glance.mark(NOON - timedelta(days=9))]
    for i, (trigger, status) in enumerate((("cli", Status.PASSED), ("schedule:nightly", Status.FAILED), ("manual:nightly", Status.REUSED))):
        at = NOON + timedelta(hours=i)
        history.hear(RunStarted(at, f"r{i}", "build", "1", "dev", 2, 2, planned=NODES, trigger=trigger, actor="ann"))
        for node in NODES:
            history.hear(NodeStarted(at, node, "model", node, 1, "t"))
            history.hear(NodeFinished(at + timedelta(seconds=1), node, "model", node, 1, status, 1.0, "t", started=at))
        history.hear(RunFinished(at + timedelta(seconds=2), f"r{i}", 2.0))
        history.close()
        marks.append(glance.mark(NOON - timedelta(days=9)))
    found += [len(set(marks)) == len(marks), glance.mark(NOON - timedelta(days=9)) == marks[-1]]
    for sought in (
        Sought(schedule="nightly"),
        Sought(trigger="schedule"),
        Sought(trigger="manual:nightly"),
        Sought("failed,passed", "dev", NOON, None, "ann", NODES[1]),
        Sought(before=(NOON + timedelta(hours=2), "r2")),
        Sought(actor="ben"),
    ):
        found.append([run.id for run in history.runs(9, None, sought)])
    newest = glance.newest("dev")
    found.append(sorted((id_, past.run, past.result.outcome) for id_, past in newest.items()))
    found.append([(past.run, past.trigger) for past in glance.strip(NODES[0], 2)])
    found += [glance.newest("prod"), glance.days(NOON), dict(glance.facts())["runs"]]
    glance.close()
    timetable.close()
    return found


def test_a_server_answers_as_a_file_does(own_postgres: str, tmp_path: Path) -> None:
    of_file = answers(tmp_path / "state.db")
    assert of_file[:8] == [True, True, ["r2", "r1"], ["r1"], ["r2"], ["r2", "r1", "r0"], ["r1", "r0"], []]
    assert of_file[8] == [(node, "r1", "error") for node in NODES]
    assert answers(registry.state(own_postgres)) == of_file
