"""Events as plain lines, one START and one result line a node, in the shape people and scripts know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from textwrap import wrap
from typing import TextIO

from orchestrator.core.duration import spoken
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
from orchestrator.core.sizes import shown_bytes
from orchestrator.report.problems import ReadText, no_text, printable, problem
from orchestrator.report.story import BROKEN, Story, kind_name, name, several

WIDTH = 72
"""Where the dots end: ``[RUN]`` still fits a terminal of 80 columns."""

NAMED = 8
"""Skipped nodes named with the failure that caused it."""

VERDICT = 24
"""Columns that a verdict takes on a terminal too narrow for :data:`WIDTH` and a verdict behind it."""

BLOCKS = 20
"""Failures told in full at the end of a run."""

JUDGED = frozenset({"X300", "X303"})
"""Verdicts on data: no line of a file is to blame, so none is shown."""

_GREEN, _RED, _YELLOW, _OFF = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"
_TINTS = {
    Status.PASSED: _GREEN,
    Status.REUSED: _GREEN,
    Status.NOTHING: _GREEN,
    Status.FAILED: _RED,
    Status.CRASHED: _RED,
    Status.WARNED: _YELLOW,
    Status.SKIPPED: _YELLOW,
    Status.CANCELLED: _YELLOW,
    Status.PARTIAL: _YELLOW,
}
_DOING = {"model": ("created ", "creating "), "seed": ("loaded ", "loading "), "snapshot": ("snapshotted ", "snapshotting ")}


def _unknown(_node: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class Style:
    """How lines are written, and where to look up what events do not carry.

    ``path`` gives the file a node is declared in, ``compiled`` the file its SQL was written to, ``text`` the content of a
    project file (for code frames). ``zone`` is the time zone of the clock; ``None`` is the machine's. ``stamped`` puts the
    time before each line.
    """

    colour: bool = False
    quiet: bool = False
    debug: bool = False
    stamped: bool = True
    zone: tzinfo | None = None
    width: int = 100
    path: Callable[[str], str | None] = _unknown
    compiled: Callable[[str], str | None] = _unknown
    text: ReadText = no_text


PLAIN = Style()


def lines(event: Event, story: Story, style: Style = PLAIN) -> list[str]:
    """The lines an event adds to the console. ``story`` is the run up to and including ``event``.

    >>> from datetime import datetime
    >>> at = datetime(2026, 1, 1, 9, 14, 2)
    >>> began = NodeStarted(at, "model.shop.orders", "model", "sql table model analytics.orders", 3, "T1")
    >>> lines(began, Story(total=12))
    ['09:14:02  3 of 12 START sql table model analytics.orders ............... [RUN]']
    """
    match event:
        case RunStarted():
            found = [] if style.quiet else _opening(event)
        case NodeStarted():
            found = [] if style.quiet else [_dotted(f"{event.index} of {story.total} START {_labelled(event)}", "RUN", style)]
        case NodeRetried():
            found = [] if style.quiet else _retried(event, story.total, style)
        case NodeFinished():
            found = [_result(event, story.total, style)] if event.status in BROKEN or not style.quiet else []
            if style.debug and event.sql:
                found += [f"  {line}" for line in printable(event.sql).splitlines()]
        case BatchStarted():
            found = [] if style.quiet else [_dotted(f"Batch {event.number} of {event.total} START {printable(event.label)}", "RUN", style)]
        case BatchFinished():
            found = [_batch(event, style)] if event.status is not Status.PASSED or not style.quiet else []
        case Noted():
            found = _note(event, style)
        case RunFinished():
            found = _closing(event, story, style)
    stamp = event.at.astimezone(style.zone).strftime("%H:%M:%S") if event.at.tzinfo else event.at.strftime("%H:%M:%S")
    if not style.stamped:
        return found
    # What belongs to the line above (a failure's details) is indented, and carries no time of its own.
    return [f"{stamp}  {line}" if line and line[0] != " " else line for line in found]


class Lines:
    """A sink that writes plain lines to a stream, each as soon as it is known."""

    def __init__(self, stream: TextIO, style: Style = PLAIN) -> None:
        self._stream = stream
        self._style = style
        self._story = Story()

    def hear(self, event: Event) -> None:
        """Write what the event has to say."""
        self._story = self._story.apply(event)
        if found := lines(event, self._story, self._style):
            write(self._stream, "\n".join(found) + "\n")

    def close(self) -> None:
        """Leave the stream open: it is the process's, not ours."""
        self._stream.flush()


def write(stream: TextIO, text: str) -> None:
    """Write text; what the stream's encoding cannot say is written as escapes."""
    try:
        stream.write(text)
    except UnicodeEncodeError as error:
        stream.write(text.encode(error.encoding, "backslashreplace").decode(error.encoding))
    stream.flush()


def summary(story: Story) -> str:
    """The last line of a run.

    >>> summary(Story(counts={"PASS": 8, "ERROR": 1}))
    'Done. PASS=8 WARN=0 ERROR=1 SKIP=0 NO-OP=0 REUSED=0 TOTAL=9'
    >>> summary(Story(counts={"PASS": 1}, processed=1_288_490_189, billed=1_610_612_736)).partition("TOTAL=")[2]
    '1 (1.2 GiB processed, 1.5 GiB billed)'
    """
    counted = [f"{column}={story.count(column)}" for column in ("PASS", "WARN", "ERROR", "SKIP", "NO-OP", "REUSED")]
    cost = f" ({shown_bytes(story.processed)} processed, {shown_bytes(story.billed)} billed)" if story.processed or story.billed else ""
    return f"Done. {' '.join(counted)} TOTAL={sum(story.counts.values())}{cost}"


def _opening(event: RunStarted) -> list[str]:
    counted = [several(count, kind_name(kind)) for kind, count in event.counts.items() if count]
    threads = "1 thread" if event.threads == 1 else f"{event.threads} threads"
    return [
        f"Running with orc={event.version}",
        f"Found {', '.join(counted) or 'nothing'}",
        "",
        f"Concurrency: {threads} (target='{event.target}')",
        "",
    ]


def _labelled(event: NodeStarted | NodeFinished) -> str:
    is_test = event.kind in ("test", "unit_test") and not event.label.startswith(f"{event.kind} ")
    return printable(f"{event.kind} {event.label}" if is_test else event.label)


def _result(event: NodeFinished, total: int, style: Style) -> str:
    is_test = event.kind in ("test", "unit_test", "source")
    label = printable(name(event) if is_test else event.label)
    done, doing = _DOING.get(event.kind, ("", ""))
    count = "" if event.failures is None else f" {event.failures}"
    match event.status:
        case Status.PASSED:
            text, verdict = (f"PASS {label}", "PASS") if is_test else (f"OK {done}{label}", _first_line(event.message) or "OK")
        case Status.WARNED:
            text, verdict = f"WARN{count} {label}", f"WARN{count}"
        case Status.FAILED if is_test and event.failures is not None:
            text, verdict = f"FAIL{count} {label}", f"FAIL{count}"
        case Status.FAILED | Status.CRASHED:
            stale = event.kind == "source" and event.status is Status.FAILED
            text, verdict = f"ERROR {'STALE ' if stale else '' if is_test else doing}{label}", "ERROR STALE" if stale else "ERROR"
        case Status.SKIPPED if event.allowed:
            text, verdict = f"WARN {doing}{label}", "FAILED, AND MAY"
        case Status.SKIPPED:
            text, verdict = f"SKIP {_skipped(event, label)}", "SKIP"
        case Status.CANCELLED:
            text, verdict = f"CANCELLED {label}", "CANCELLED"
        case Status.REUSED:
            text, verdict = f"REUSED {label}", "REUSED"
        case Status.NOTHING:
            text, verdict = f"NO-OP {label}", "NO-OP"
        case Status.PARTIAL:
            text, verdict = f"PARTIALLY {done}{label}", _first_line(event.message)
    timed = "" if event.status in (Status.SKIPPED, Status.REUSED, Status.NOTHING) else f" in {event.seconds:.2f}s"
    return _dotted(f"{event.index} of {total} {text}", _tint(verdict, event.status, style) + timed, style)


def _retried(event: NodeRetried, total: int, style: Style) -> list[str]:
    """That there is another attempt, when, and why."""
    is_test = event.kind in ("test", "unit_test") and not event.label.startswith(f"{event.kind} ")
    label = printable(f"{event.kind} {event.label}" if is_test else event.label)
    place = f"{event.index} of {total} " if event.index else ""
    verdict = _paint(f"RETRY {event.attempt} of {event.retries} in {spoken(event.wait)}", _YELLOW, style)
    return [_dotted(f"{place}RETRY {label}", verdict, style), *([f"  {_first_line(event.message)}"] if event.message else [])]


def _batch(event: BatchFinished, style: Style) -> str:
    """A batch's end; of what went wrong, its node tells more."""
    match event.status:
        case Status.PASSED:
            did, verdict = "OK created", _first_line(event.message) or "OK"
        case Status.CANCELLED:
            did, verdict = "CANCELLED", "CANCELLED"
        case _:
            did, verdict = "ERROR creating", "ERROR"
    text = f"Batch {event.number} of {event.total} {did} {printable(event.label)}"
    return _dotted(text, f"{_tint(verdict, event.status, style)} in {event.seconds:.2f}s", style)


def _skipped(event: NodeFinished, label: str) -> str:
    if event.kind in ("model", "seed", "snapshot"):
        _, _, where = label.partition(" file " if event.kind == "seed" else f" {event.kind} ")
        return f"relation {where or event.relation or label}"
    return _labelled(event) if event.kind in ("test", "unit_test") else label


def _dotted(text: str, verdict: str, style: Style) -> str:
    width = min(WIDTH, style.width - VERDICT) - (len("HH:MM:SS  ") if style.stamped else 0)
    return f"{text} {'.' * max(width - len(text) - 1, 3)} [{verdict}]"


def _note(event: Noted, style: Style) -> list[str]:
    if (style.quiet and event.level != "error") or (event.level == "debug" and not style.debug):
        return []
    if event.problem:
        return [problem(event.problem, style.text, colour=style.colour, width=style.width)]
    message = printable(event.message)
    match event.level:
        case "warn":
            return [f"{_paint('[WARNING]', _YELLOW, style)}: {message}"]
        case "error":
            return [_paint(message, _RED, style)]
        case _:
            return [message]


def _closing(event: RunFinished, story: Story, style: Style) -> list[str]:
    partial = sum(e.status is Status.PARTIAL for e in story.broken)
    bad, warned = len(story.broken) - partial, len(story.warned)
    if style.quiet:
        return [line for block in _blocks(story.broken, "Failure", story, style) for line in ("", *block)]
    found = ["", f"Finished running {_kinds(story)} in {_duration(event.seconds)}.", ""]
    opening = "Interrupted; completed" if event.cancelled else "Completed"
    if bad or partial or warned or event.cancelled:
        text = f"{opening} with {several(bad, 'error')}, {several(partial, 'partial success')}, and {several(warned, 'warning')}:"
        found.append(_paint(text, _RED if bad or event.cancelled else _YELLOW, style))
    else:
        found.append(_paint("Completed successfully", _GREEN, style))
    for block in (*_blocks(story.broken, "Failure", story, style), *_blocks(story.warned, "Warning", story, style)):
        found += ["", *block]
    return [*found, "", summary(story)]


def _blocks(ended: tuple[NodeFinished, ...], word: str, story: Story, style: Style) -> list[list[str]]:
    found = [_block(event, word, story, style) for event in ended[:BLOCKS]]
    if len(ended) > BLOCKS:
        found.append([f"and {several(len(ended) - BLOCKS, word.lower())} more; `orc runs show` lists them all"])
    return found


def _block(event: NodeFinished, word: str, story: Story, style: Style) -> list[str]:
    path = style.path(event.node) or (event.problem.span.path if event.problem and event.problem.span else None)
    heading = f"{word} in {event.kind} {printable(name(event))}{f' ({path})' if path else ''}"
    found = [_paint(heading, _RED if word == "Failure" else _YELLOW, style)]
    if event.problem and event.problem.code in JUDGED:
        hint = [f"hint: {printable(event.problem.hint)}"] if event.problem.hint else []
        found += [_indented("\n".join([printable(event.problem.message), *hint]))]
    elif event.problem:
        found += [_indented(problem(event.problem, style.text, colour=style.colour, width=style.width))]
    elif event.message or event.failures:
        found += [_indented(printable(event.message or f"Got {several(event.failures or 0, 'result')}"))]
    if compiled := style.compiled(event.node):
        found.append(f"  compiled code at {compiled}")
    if event.inspect:
        ask = "See test failures" if event.kind == "test" else "See what was built"
        query = printable(event.inspect).strip()
        found.append(f"  {ask}: {query}" if "\n" not in query else f"  {ask}:\n{_indented(query, '    ')}")
    if skipped := story.skipped.get(event.node, ()):
        found += _wrapped("skipped because of it", skipped, style)
    return found


def _wrapped(what: str, skipped: tuple[NodeFinished, ...], style: Style) -> list[str]:
    """Names of what was skipped, tests as a number: their names are long, and their models say it all."""
    names = sorted(name(s) for s in skipped if s.kind not in ("test", "unit_test"))
    tests = len(skipped) - len(names)
    shown = names[:NAMED] + ([f"{len(names) - NAMED} more"] if len(names) > NAMED else []) + ([several(tests, "test")] if tests else [])
    text = " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]
    return wrap(f"{what}: {text}", max(style.width, 40), initial_indent="  ", subsequent_indent="    ", break_long_words=False)


def _kinds(story: Story) -> str:
    return ", ".join(several(count, kind) for kind, count in sorted(story.kinds.items())) or "nothing"


def _duration(seconds: float) -> str:
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours:.0f} hours {minutes:.0f} minutes and {left:.2f} seconds ({seconds:.2f}s)"


def _indented(text: str, margin: str = "  ") -> str:
    return "\n".join(f"{margin}{line}" if line else "" for line in text.split("\n"))


def _first_line(text: str) -> str:
    return printable(text.strip().split("\n", 1)[0])


def _tint(text: str, status: Status, style: Style) -> str:
    return _paint(text, _TINTS[status], style)


def _paint(text: str, tint: str, style: Style) -> str:
    return f"{tint}{text}{_OFF}" if style.colour else text
