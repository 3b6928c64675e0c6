"""The console of a run, line by line: golden files hold a whole run as people see it."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.core.errors import Problem
from orchestrator.core.event import Event, NodeFinished, NodeStarted, Noted, RunFinished, RunStarted, Status
from orchestrator.core.files import Span
from orchestrator.core.node import Kind
from orchestrator.report.json_lines import JsonLines
from orchestrator.report.lines import BLOCKS, Lines, Style, lines
from orchestrator.report.story import Story

GOLDEN = Path(__file__).parents[2] / "golden" / "report"
AT = datetime(2026, 1, 2, 9, 14, 2, tzinfo=UTC)
MART = "select\n    o.id,\n    o.amout\nfrom orders o\n"
PATHS = {"test.shop.unique_orders_id.1": "models/schema.yml", "model.shop.mart": "models/mart.sql"}
STYLE = Style(
    zone=UTC,
    path=PATHS.get,
    compiled=lambda node: f"target/compiled/shop/{PATHS[node]}" if node in PATHS else None,
    text={"models/mart.sql": MART}.get,
)


def began(index: int, node: str, label: str, kind: Kind = "model") -> NodeStarted:
    return NodeStarted(AT, node, kind, label, index, "Thread-1")


def ended(index: int, node: str, label: str, status: Status, kind: Kind = "model", **more: object) -> NodeFinished:
    event = NodeFinished(AT + timedelta(seconds=1), node, kind, label, index, status, 0.42, "Thread-1")
    return replace(event, **more)  # type: ignore[arg-type]  # the tests name fields as they please


UNKNOWN = Problem("X003", "column `amout` does not exist", Span("models/mart.sql", 3, 7, 5), "did you mean `amount`?")
RUN: tuple[Event, ...] = (
    RunStarted(AT, "r1", "build", "0.1.0", "dev", 4, 12, {"model": 12, "seed": 1, "test": 1040, "source": 5, "analysis": 2, "exposure": 0}),
    began(1, "seed.shop.names", "seed file main.names", "seed"),
    ended(1, "seed.shop.names", "seed file main.names", Status.PASSED, "seed", message="INSERT 5"),
    began(2, "test.shop.not_null_orders_id.2", "not_null_orders_id", "test"),
    ended(2, "test.shop.not_null_orders_id.2", "not_null_orders_id", Status.PASSED, "test", failures=0),
    began(3, "model.shop.orders", "sql table model analytics.orders"),
    ended(3, "model.shop.orders", "sql table model analytics.orders", Status.PASSED, message="SELECT 100", rows=100),
    ended(4, "model.shop.same", "sql view model analytics.same", Status.REUSED),
    ended(5, "model.shop.e", "sql ephemeral model analytics.e", Status.NOTHING),
    Noted(AT, "info", "a macro says hello"),
    Noted(AT, "debug", "nobody sees this"),
    Noted(AT, "warn", "the source is stale"),
    ended(
        6,
        "test.shop.unique_orders_id.1",
        "unique_orders_id",
        Status.FAILED,
        "test",
        failures=3,
        message="Got 3 results, configured to fail if != 0",
        inspect="select id from orders group by id having count(*) > 1",
    ),
    ended(
        7,
        "test.shop.accepted.3",
        "accepted_values_orders_with_a_name_that_is_far_too_long_for_the_line",
        Status.WARNED,
        "test",
        failures=2,
        message="Got 2 results, configured to warn if != 0",
        inspect="select *\nfrom orders",
    ),
    ended(8, "model.shop.mart", "sql table model analytics.mart", Status.FAILED, problem=UNKNOWN, message="column `amout` does not exist"),
    ended(9, "model.shop.top", "sql view model analytics.top", Status.SKIPPED, because="model.shop.mart", relation="analytics.top"),
    ended(10, "test.shop.t.4", "t", Status.SKIPPED, "test", because="model.shop.mart"),
    ended(11, "model.shop.slow", "python table model analytics.slow", Status.CANCELLED),
    ended(12, "test.shop.net.5", "net", Status.CRASHED, "test", message="server closed the connection"),
    RunFinished(AT + timedelta(seconds=3), "r1", 3.21),
)


def told(style: Style, events: tuple[Event, ...] = RUN) -> str:
    stream = io.StringIO()
    sink = Lines(stream, style)
    for event in events:
        sink.hear(event)
    sink.close()
    return stream.getvalue()


def golden(name: str, text: str) -> None:
    """Compare with the file, or (``GOLDEN=write``) make it so; the diff is then reviewed like any other."""
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / name).write_text(text)
    assert text == (GOLDEN / name).read_text()


def test_the_lines_the_contract_promises() -> None:
    shown = told(STYLE).splitlines()
    assert "09:14:02  3 of 12 START sql table model analytics.orders ............... [RUN]" in shown
    assert "09:14:03  3 of 12 OK created sql table model analytics.orders .......... [SELECT 100 in 0.42s]" in shown
    assert shown[-1] == "09:14:05  Done. PASS=3 WARN=1 ERROR=3 SKIP=3 NO-OP=1 REUSED=1 TOTAL=12"


def test_a_whole_run() -> None:
    golden("run.txt", told(STYLE))


def test_a_quiet_run_tells_errors_only() -> None:
    golden("run_quiet.txt", told(replace(STYLE, quiet=True)))


def test_a_coloured_run() -> None:
    golden("run_colour.txt", told(replace(STYLE, colour=True)).replace("\x1b", "\\e"))


def test_a_run_where_all_is_well() -> None:
    shown = told(STYLE, (*RUN[:9], RunFinished(AT, "r1", 3661.5)))
    assert "Completed successfully" in shown
    assert "in 1 hours 1 minutes and 1.50 seconds (3661.50s)." in shown


def test_a_quiet_run_where_all_is_well_says_nothing() -> None:
    assert told(replace(STYLE, quiet=True), (*RUN[:9], RunFinished(AT, "r1", 1.0))) == ""


def test_an_interrupted_run_says_so() -> None:
    assert "Interrupted; completed with 0 errors, 0 partial successes, and 0 warnings:" in told(
        STYLE, (RUN[0], RunFinished(AT, "r1", 1.0, cancelled=True))
    )


def test_hundreds_of_failures_are_not_all_told_in_full() -> None:
    many = tuple(ended(i, f"model.shop.m{i}", f"sql view model main.m{i}", Status.FAILED, message="no") for i in range(100))
    shown = told(STYLE, (RUN[0], *many, RunFinished(AT, "r1", 1.0)))
    assert shown.count("Failure in model") == BLOCKS
    assert "and 80 failures more" in shown


def test_a_message_cannot_steer_the_terminal() -> None:
    shown = told(STYLE, (RUN[0], Noted(AT, "info", "evil \x1b[2J\u202e text"), ended(1, "model.a.b", "x \x1b]0;t\x07", Status.PASSED)))
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "evil \\x1b[2J" in shown


def test_a_stream_that_cannot_say_a_character_gets_an_escape() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    Lines(stream, STYLE).hear(Noted(AT, "info", "größer"))
    assert raw.getvalue() == b"09:14:02  gr\\xf6\\xdfer\n"


def test_lines_use_the_clock_of_the_reader() -> None:
    assert lines(Noted(AT, "info", "x"), Story(), STYLE) == ["09:14:02  x"]


def test_json_lines_are_json_whatever_happens() -> None:
    stream = io.StringIO()
    sink = JsonLines(stream, 42)
    odd = ended(1, "model.a.b", "x", Status.PASSED, seconds=float("nan"), message="line\nbreak \u2028")
    for event in (*RUN[:-1], odd, RUN[-1]):
        sink.hear(event)
    sink.close()
    shown = stream.getvalue().rstrip("\n").split("\n")
    objects = [json.loads(line, parse_constant=pytest.fail) for line in shown]
    assert len(objects) == len(RUN)  # one more for the odd one, one less for the debug note
    assert {o["info"]["invocation_id"] for o in objects} == {"r1"}
    assert {o["info"]["pid"] for o in objects} == {42}
    assert {"name", "code", "level", "ts", "msg", "thread", "category", "extra"} < set(objects[0]["info"])
    by_id = {o["data"]["node_info"]["unique_id"]: o for o in objects if o["info"]["name"] == "LogTestResult"}
    failed = by_id["test.shop.unique_orders_id.1"]
    assert (failed["info"]["level"], failed["data"]["status"], failed["data"]["num_failures"]) == ("error", "fail", 3)
    assert failed["data"]["node_info"]["node_status"] == "fail"
    assert objects[-1]["data"]["stats"] == {"pass": 4, "warn": 1, "error": 3, "skip": 3, "noop": 1, "reused": 1, "total": 13}
    assert objects[-1]["info"]["msg"].startswith("Done. PASS=4")
    problem = next(o["data"]["problem"] for o in objects if o["info"]["name"] == "LogModelResult" and o["info"]["level"] == "error")
    assert problem["at"] == {"file": "models/mart.sql", "line": 3, "column": 7}


def test_quiet_json_lines_are_errors_only() -> None:
    stream = io.StringIO()
    sink = JsonLines(stream, 1, quiet=True)
    for event in RUN:
        sink.hear(event)
    levels = {json.loads(line)["info"]["level"] for line in stream.getvalue().splitlines()}
    assert levels == {"error"}


def test_a_gate_s_verdict_is_told_without_a_line_of_code_to_blame() -> None:
    verdict = Problem("X303", "Got 3 results, configured to fail if != 0", Span("models/mart.sql", 1))
    refused = Problem("X300", "not published: 1 test failed (t)", Span("models/mart.sql", 1), "the rejected rows are in x")
    failed = ended(1, "test.shop.t.1", "t", Status.FAILED, "test", failures=3, problem=verdict)
    model = ended(2, "model.shop.mart", "sql table model main.mart", Status.FAILED, problem=refused)
    below = tuple(
        ended(i, f"model.shop.m{i}", f"sql view model main.m{i}", Status.SKIPPED, because="model.shop.mart") for i in range(3, 14)
    )
    tested = ended(20, "test.shop.t.2", "t2", Status.SKIPPED, "test", because="model.shop.mart")
    shown = told(STYLE, (RUN[0], failed, model, *below, tested, RunFinished(AT, "r1", 1.0)))
    assert "error[X30" not in shown
    assert "  Got 3 results, configured to fail if != 0\n" in shown
    assert "  not published: 1 test failed (t)\n  hint: the rejected rows are in x\n" in shown
    assert "  skipped because of it: m10, m11, m12, m13, m3, m4, m5, m6, 3 more and 1 test\n" in shown


def test_on_a_narrow_terminal_results_begin_earlier_and_lines_have_no_clock() -> None:
    began = NodeStarted(AT, "model.shop.a", "model", "sql view model main.a", 1, "T1")
    (line,) = lines(began, Story(total=2), replace(STYLE, width=60, stamped=False))
    assert line == "1 of 2 START sql view model main.a ... [RUN]"
    assert lines(began, Story(total=2), replace(STYLE, width=200))[0].index("[RUN]") == 73
