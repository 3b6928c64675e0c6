"""A run as a live view: what runs now and for how long, how far it is, how long it will take; results above, as they come.

Imported only when a terminal is watched: rich costs more to import than a small run takes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from rich.console import Console, Group
from rich.live import Live as Region
from rich.text import Text

from orchestrator.core.event import (
    BatchFinished,
    BatchStarted,
    Event,
    NodeFinished,
    NodeRetried,
    NodeStarted,
    Noted,
    RunFinished,
    RunStarted,
    Status,
)
from orchestrator.core.node import BUILDABLE
from orchestrator.report.ahead import ahead
from orchestrator.report.lines import Style, lines
from orchestrator.report.story import Story

_FRAMES_A_SECOND = 8
_QUIETLY = (Status.PASSED, Status.SKIPPED, Status.CANCELLED, Status.REUSED, Status.NOTHING)


class Live:
    """A sink that keeps a few lines at the bottom of a terminal up to date. ``now`` gives the current instant."""

    def __init__(self, stream: TextIO, style: Style, now: Callable[[], datetime], *, console: Console | None = None) -> None:
        self._style = style
        self._now = now
        self._story = Story()
        self._began: datetime | None = None
        self._running: dict[str, NodeStarted] = {}
        self._ended: set[str] = set()
        self._plan: RunStarted | None = None
        self._ahead: tuple[datetime, float] | None = None
        self._console = console or Console(file=stream, highlight=False, no_color=not style.colour)
        self._region = Region(
            console=self._console,
            get_renderable=self._view,
            refresh_per_second=_FRAMES_A_SECOND,
            transient=True,  # the summary replaces the view: a scrollback holds no half-drawn bars
            redirect_stdout=False,  # stdout is data, and belongs to the process
            redirect_stderr=False,
        )

    def hear(self, event: Event) -> None:
        """Take note; tell troubles and notes at once, above the view."""
        self._story = self._story.apply(event)
        match event:
            case RunStarted():
                self._began, self._plan = event.at, event
                self._tell(event)
                self._region.start()
            case NodeStarted():
                self._running[event.node] = event
            case NodeRetried():
                self._running.pop(event.node, None)
                self._tell(event)
            case NodeFinished():
                self._running.pop(event.node, None)
                self._ended.add(event.node)
                if _worth_a_line(event):
                    self._tell(event)
            case BatchStarted():
                pass
            case BatchFinished():
                if event.status is not Status.PASSED:
                    self._tell(event)
            case Noted():
                self._tell(event)
            case RunFinished():
                self._running.clear()
                self._region.stop()
                self._tell(event)

    def close(self) -> None:
        """Give the terminal back, also when the run did not end well."""
        self._region.stop()

    def _tell(self, event: Event) -> None:
        for line in lines(event, self._story, self._style):
            self._console.print(Text.from_ansi(line) if self._style.colour else Text(line), soft_wrap=True)

    def _view(self) -> Group:
        width, height = self._console.size
        at = self._now()
        # The refresh thread reads while events arrive: a snapshot of the dict is one step of the interpreter.
        running = list(self._running.values())
        room = max(min(len(running), height - 4), 0)
        rows = [_row(event, at, width) for event in running[:room]]
        if len(running) > room:
            rows.append(Text(_fit(f"  and {len(running) - room} more", width), style="dim"))
        elapsed = (at - self._began).total_seconds() if self._began else 0.0
        done = sum(self._story.counts.values())
        left = self._left(at, running)
        told = bar(done, self._story.total, elapsed, width, unicode=_unicode(self._console), left=left)
        return Group(*rows, Text(told, style=_tint(self._story)))

    def _left(self, at: datetime, running: list[NodeStarted]) -> float | None:
        """Seconds until the end, from what the tasks took before; worked out once a second, ``None`` when nobody knows."""
        if self._plan is None or not self._plan.forecast:
            return None
        if self._ahead is None or not 0 <= (at - self._ahead[0]).total_seconds() < 1:
            under_way = {event.node: (at - event.at).total_seconds() for event in running}
            self._ahead = (at, ahead(self._plan.forecast, frozenset(self._ended), under_way, self._plan.threads))
        return self._ahead[1]


def _worth_a_line(event: NodeFinished) -> bool:
    """Whether a result stays on the screen: what was built, and what went wrong; a test that passes only moves the bar."""
    return event.status not in _QUIETLY or (event.status is Status.PASSED and event.kind in BUILDABLE)


def bar(done: int, total: int, elapsed: float, width: int, *, unicode: bool = True, left: float | None = None) -> str:
    """How far a run is, in at most ``width`` columns: a bar when there is room for one, then counts, elapsed and remaining time.

    ``left`` is what history says that remains, in seconds; without it, things are taken to go on as they did so far.

    >>> bar(5, 10, 30.0, 40, unicode=False)
    '#######-------- 5 of 10  0:30  eta 0:30'
    >>> bar(5, 10, 30.0, 12)
    '5 of 10'
    """
    if left is None and 0 < done < total:
        left = elapsed / done * (total - done)
    eta = f"  eta {clock(left)}" if left is not None and done < total else ""
    words = f"{done} of {total}"
    for tail in (f"{words}  {clock(elapsed)}{eta}", f"{words}  {clock(elapsed)}", words):
        length = min(width - len(tail) - 2, 40)
        if length >= 10:
            full = min(length * done // total, length) if total else 0
            return ("━" if unicode else "#") * full + ("─" if unicode else "-") * (length - full) + " " + tail
        if len(tail) < width:
            return tail
    return _fit(words, width)


def clock(seconds: float) -> str:
    """A duration as a clock shows it.

    >>> clock(5), clock(75.4), clock(3_675)
    ('0:05', '1:15', '1:01:15')
    """
    minutes, left = divmod(max(int(seconds), 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def _row(event: NodeStarted, at: datetime, width: int) -> Text:
    elapsed = clock((at - event.at).total_seconds())
    label = _fit(f"  {event.label}", max(width - len(elapsed) - 2, 1))
    return Text(_fit(f"{label}  {elapsed}", width))


def _fit(text: str, width: int) -> str:
    return text if len(text) < width else text[: max(width - 2, 0)] + "…"


def _tint(story: Story) -> str:
    return "red" if story.broken else "yellow" if story.warned else "green"


def _unicode(console: Console) -> bool:
    return console.encoding.lower().startswith("utf")
