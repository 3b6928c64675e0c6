"""The live view: on terminals of any size, and only there."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.core.event import Event, NodeFinished, NodeStarted, Noted, RunFinished, RunStarted, Status
from orchestrator.report.console import colourful, console, watched
from orchestrator.report.json_lines import JsonLines
from orchestrator.report.lines import Lines, Style
from orchestrator.report.live import Live, bar

AT = datetime(2026, 1, 2, 9, 14, 2, tzinfo=UTC)
STARTED = RunStarted(AT, "r1", "build", "0.1", "dev", 4, 40, {"model": 40})
STYLE = Style(zone=UTC)


def began(number: int) -> NodeStarted:
    return NodeStarted(AT, f"model.p.m{number}", "model", f"sql table model analytics.model_number_{number}", number, "T")


def ended(number: int, status: Status) -> NodeFinished:
    return NodeFinished(
        AT, f"model.p.m{number}", "model", f"sql table model analytics.model_number_{number}", number, status, 1.0, "T", message="SELECT 1"
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def view(width: int, height: int, *events: Event) -> tuple[Live, Console, Terminal]:
    stream = Terminal()
    screen = Console(file=stream, force_terminal=True, width=width, height=height, color_system=None)
    live = Live(stream, STYLE, lambda: AT + timedelta(seconds=75), console=screen)
    for event in events:
        live.hear(event)
    return live, screen, stream


def drawn(live: Live, screen: Console) -> list[str]:
    paper = Console(file=io.StringIO(), width=screen.width, height=screen.height, color_system=None)
    with paper.capture() as captured:
        paper.print(live._view())
    return captured.get().splitlines()


def test_what_runs_is_shown_with_its_elapsed_time_above_the_bar() -> None:
    live, screen, _ = view(80, 24, STARTED, began(1), began(2), ended(1, Status.PASSED))
    shown = drawn(live, screen)
    live.close()
    assert shown[0].strip() == "sql table model analytics.model_number_2  1:15"
    assert shown[1].endswith("1 of 40  1:15  eta 48:45")
    assert len(shown) == 2


@pytest.mark.parametrize("width", [1, 2, 5, 10, 20, 30, 60, 200])
@pytest.mark.parametrize("height", [1, 3, 8])
def test_no_terminal_is_too_small(width: int, height: int) -> None:
    live, screen, _ = view(width, height, STARTED, *(began(i) for i in range(20)), ended(3, Status.FAILED))
    shown = drawn(live, screen)
    assert all(len(line) <= width for line in shown)
    assert len(shown) <= max(height, 2)
    live.hear(RunFinished(AT, "r1", 1.0))
    live.close()


def test_what_was_built_and_what_went_wrong_stays_and_a_passing_test_is_only_counted() -> None:
    passed = replace(ended(3, Status.PASSED), kind="test", label="not_null_orders_id")
    live, _, stream = view(
        100, 24, STARTED, began(1), ended(1, Status.PASSED), passed, ended(2, Status.FAILED), Noted(AT, "warn", "careful")
    )
    shown = stream.getvalue()
    assert "2 of 40 ERROR creating sql table model analytics.model_number_2" in shown
    assert "[WARNING]: careful" in shown
    assert "1 of 40 OK created sql table model analytics.model_number_1" in shown
    assert "not_null_orders_id" not in shown
    live.hear(RunFinished(AT, "r1", 1.0))
    live.close()
    assert "Done. PASS=2 WARN=0 ERROR=1 SKIP=0 NO-OP=0 REUSED=0 TOTAL=3" in stream.getvalue()


def test_a_run_that_breaks_off_gives_the_terminal_back() -> None:
    live, screen, stream = view(80, 24, STARTED, began(1))
    live.close()
    assert not screen._live_stack
    assert stream.getvalue().endswith("\x1b[?25h") or "\x1b[?25h" in stream.getvalue()


@pytest.mark.parametrize(
    ("done", "total", "elapsed", "width"), [(0, 0, 0.0, 80), (5, 3, 1.0, 40), (0, 10, 5.0, 25), (10, 10, 90_000.0, 33)]
)
def test_a_bar_is_never_wider_than_asked(done: int, total: int, elapsed: float, width: int) -> None:
    assert len(bar(done, total, elapsed, width)) <= width


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"TERM": "xterm"}, True),
        ({"TERM": "dumb"}, False),
        ({}, False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
        ({"TERM": "xterm", "CI": "true"}, False),
    ],
)
def test_only_a_watched_terminal_is_redrawn(env: dict[str, str], *, expected: bool) -> None:
    assert watched(Terminal(), env) is expected
    assert watched(io.StringIO(), env) is False


def test_colours_follow_the_customs() -> None:
    assert colourful(Terminal(), {"TERM": "xterm"})
    assert colourful(io.StringIO(), {"FORCE_COLOR": "1"})
    assert not colourful(io.StringIO(), {"TERM": "xterm"})
    assert not colourful(Terminal(), {"TERM": "xterm", "NO_COLOR": "1", "FORCE_COLOR": "1"})


def test_the_console_fits_its_audience() -> None:
    def chosen(stream: io.StringIO, style: Style = STYLE, *, json: bool = False, **env: str) -> type:
        return type(console(stream, env, style, json=json, pid=1, now=lambda: AT))

    assert chosen(Terminal(), TERM="xterm") is Live
    assert chosen(Terminal(), Style(quiet=True), TERM="xterm") is Lines
    assert chosen(Terminal(), Style(debug=True), TERM="xterm") is Lines
    assert chosen(io.StringIO(), TERM="xterm") is Lines
    assert chosen(Terminal(), json=True, TERM="xterm") is JsonLines


def test_plain_lines_import_no_rich() -> None:
    program = (
        "import io, sys; from orchestrator.report.console import console; from orchestrator.report.lines import Style;"
        "console(io.StringIO(), {'TERM': 'xterm'}, Style(), json=False, pid=1, now=None); sys.exit('rich' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", program], check=True, cwd=root, env={**os.environ, "PYTHONPATH": str(root)})
