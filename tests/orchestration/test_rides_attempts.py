"""What a bad day taught: an attempt at a launch may leave no history, and whoever has its link still finds the run."""

from __future__ import annotations

from datetime import timedelta

from orchestrator.schedule.decide import asked
from tests.orchestration.test_api_read import NOON, SPEC, Seen, seen

__all__ = ["seen"]


def test_the_link_of_an_attempt_that_left_no_history_leads_to_the_run(seen: Seen) -> None:
    """The first process was killed before it wrote a word, the third found that the second had done everything."""
    launch = seen.timetable.ask(asked(SPEC.schedules["nightly"], "nightly@x", "manual", NOON, reason="asked for", actor="ann"))
    seen.run("second", NOON)
    for number, run in enumerate(("first", "second", "third")):
        assert seen.timetable.begin(launch.id, run, NOON + timedelta(seconds=number))
        if run == "third":
            assert seen.get("/runs/third")["run"] == {"id": "third", "status": "queued"}, "it is on its way, and has not said anything yet"
            seen.timetable.end(launch.id, "passed", NOON + timedelta(minutes=1), code=0)
        else:
            seen.timetable.hand_over(launch.id, "its process is gone")
    for run in ("first", "second", "third"):
        assert seen.get(f"/runs/{run}")["run"]["id"] == "second"
    assert seen.reply("/api/v1/runs/fourth").status == 404
