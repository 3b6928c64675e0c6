"""Past runs as people read them: a list, a page for a run with its timeline, a page for a node with its attempts, lines of a log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any

from orchestrator.core.chronicle import Chronicle, Part, Recorded, Tried
from orchestrator.core.duration import spoken
from orchestrator.core.event import Status
from orchestrator.core.sizes import shown_bytes
from orchestrator.report.problems import ReadText, no_text, printable, problem
from orchestrator.report.problems import columns as width_of
from orchestrator.report.story import several

BAR = 24
"""Columns of the timeline."""

_OFF, _BOLD, _DIM = "\x1b[0m", "\x1b[1m", "\x1b[2m"
_GREEN, _RED, _YELLOW, _CYAN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[36m"
_TINTS = {
    **dict.fromkeys(("success", "pass", "passed", "reused", "no-op"), _GREEN),
    **dict.fromkeys(("error", "fail", "failed", "crashed", "interrupted"), _RED),
    **dict.fromkeys(("warn", "warned", "skipped", "cancelled", "partial success", "partial", "waiting", "not reached"), _YELLOW),
    "running": _CYAN,
}


def tinted(word: str, *, colour: bool) -> str:
    """A status in its colour."""
    return f"{_TINTS[word]}{word}{_OFF}" if colour and word in _TINTS else word


def bold(text: str, *, colour: bool) -> str:
    """A text that stands out."""
    return f"{_BOLD}{text}{_OFF}" if colour else text


def page(found: Chronicle, text: ReadText = no_text, *, colour: bool = False, width: int = 100, zone: tzinfo | None = None) -> str:
    """A run: what began it, how it went node by node with a timeline, and what went wrong, with places."""
    lines = [*headline(found.run, found.now, colour=colour, zone=zone), ""]
    lines += _timeline(found, colour=colour, width=width)
    for part in found.parts:
        if (
            part.result is not None
            and part.result.problem is not None
            and (part.result.allowed or part.result.status in (Status.FAILED, Status.CRASHED, Status.PARTIAL))
        ):
            lines += ["", bold(f"{part.name}", colour=colour), _indented(problem(part.result.problem, text, colour=colour, width=width))]
            if part.result.inspect and part.kind in ("test", "unit_test"):
                lines.append(_indented(f"rows: {printable(part.result.inspect)}"))
    worth = [n for n in found.notes if n.level in ("warn", "error") or n.level == "info"]
    lines += (
        ["", *(f"{_clock(n.at, zone)}  {printable(n.message or (n.problem.message if n.problem else ''))}" for n in worth)] if worth else []
    )
    return "\n".join(lines)


def headline(run: Recorded, now: datetime, *, colour: bool, zone: tzinfo | None) -> list[str]:
    """A run in a few lines."""
    seconds = run.seconds if run.seconds is not None else (now - run.started).total_seconds() if run.status == "running" else None
    took = "" if seconds is None else f", {'for' if run.status == 'running' else 'took'} {spoken(seconds)}"
    lines = [f"{bold(f'run {run.id}', colour=colour)}  {run.command} on {run.target}  {tinted(run.status, colour=colour)}"]
    lines.append(f"  began    {_day(run.started, zone)}{took}")
    if run.actor or run.trigger:
        lines.append(f"  by       {run.actor or 'unknown'}{f' ({run.trigger})' if run.trigger else ''}")
    if run.git_sha:
        lines.append(f"  code     {run.git_sha[:10]}{' and changes that are not committed' if run.dirty else ''}")
    if run.audit:
        lines.append(f"  audit    {run.audit[:16]}")
    asked = [
        f"--{k.replace('_', '-')} {' '.join(map(str, v)) if isinstance(v, list) else v}"
        for k, v in run.arguments.items()
        if v and k in ("select", "exclude", "selector", "full_refresh")
    ]
    if asked:
        lines.append(f"  asked    {' '.join(asked)}")
    counts = ", ".join(f"{n} {word}" for word, n in run.counts.items())
    lines.append(f"  results  {counts or 'none'}{f' of {run.total}' if sum(run.counts.values()) != run.total else ''}")
    return lines


def _timeline(found: Chronicle, *, colour: bool, width: int) -> Iterator[str]:
    names = min(max([4, *(width_of(p.name) for p in found.parts)]), max(width - BAR - 36, 20))
    ends = [p.result.at for p in found.parts if p.result] + [
        found.now if found.run.status == "running" else found.run.finished or found.run.started
    ]
    whole = max((max(ends) - found.run.started).total_seconds(), 0.001)
    for p in found.parts:
        name = printable(p.name)
        name = name if width_of(name) <= names else name[: names - 1] + "…"
        seconds = p.result.seconds if p.result and p.began else (found.now - p.began).total_seconds() if p.began and not p.result else None
        took = f"{seconds:8.2f}s" if seconds is not None else " " * 9
        more = [f"{p.result.rows:,} rows"] if p.result and p.result.rows is not None else []
        more += [several(p.result.failures, "failing row")] if p.result and p.result.failures and p.kind in ("test", "unit_test") else []
        more += ["failed, and may (on_failure: skip)"] if p.result and p.result.allowed else []
        more += [several(len(p.attempts), "attempt")] if len(p.attempts) > 1 else []
        bytes_ = p.result.response.get("bytes_processed") if p.result else None
        more += [shown_bytes(int(bytes_))] if bytes_ else []
        more += (
            [f"because of {p.result.because.split('.')[2 if p.result.because.startswith('test') else -1]}"]
            if p.result and p.result.because
            else []
        )
        status = tinted(p.status, colour=colour) + " " * (11 - len(p.status))
        yield f"  {name}{' ' * (names - width_of(name))}  {status} {took}  {_bar(p, found, whole)}  {', '.join(more)}".rstrip()


def _bar(p: Part, found: Chronicle, whole: float) -> str:
    """When it was built, in the whole of the run: ``▒`` are attempts that failed."""
    cells = [" "] * BAR

    def fill(start: datetime, end: datetime, mark: str) -> None:
        first = int((start - found.run.started).total_seconds() / whole * BAR)
        last = int((end - found.run.started).total_seconds() / whole * BAR)
        for cell in range(max(first, 0), min(max(last, first), BAR - 1) + 1):
            if cell < BAR:
                cells[cell] = mark

    if p.began is None:
        return "".join(cells)
    fill(p.began if not p.attempts else (p.attempts[-1].started or p.began), p.result.at if p.result else found.now, "█")
    for attempt in p.attempts[:-1]:
        fill(attempt.started or p.began, attempt.finished, "▒")
    return "".join(cells)


def node_page(
    found: Chronicle, p: Part, text: ReadText = no_text, *, colour: bool = False, width: int = 100, zone: tzinfo | None = None
) -> str:
    """A node of a run: its attempts, what each said and failed of, and the statements that were sent."""
    lines = [f"{bold(p.name, colour=colour)}  {p.kind}  {tinted(p.status, colour=colour)}  in run {found.run.id[:8]}"]
    if p.grounds:
        lines.append(f"  why      {p.grounds.reason or 'selected'}")
    if p.grounds and p.grounds.fingerprint:
        lines.append(f"  from     fingerprint {p.grounds.fingerprint[:12]}")
    if p.result and p.result.relation and p.status in ("success", "partial success"):
        rows = f", {p.result.rows:,} rows" if p.result.rows is not None else ""
        lines.append(f"  built    {p.result.relation}{rows}")
    for attempt in p.attempts:
        lines += ["", *_attempt(attempt, p, len(p.attempts), text, colour=colour, width=width, zone=zone)]
    if not p.attempts and p.result and p.result.message:
        lines += ["", f"  {printable(p.result.message)}"]
    sql = p.result.sql if p.result else None
    if sql and not any(a.sql == sql for a in p.attempts):
        lines += ["", "sent:", _indented(printable(sql))]
    return "\n".join(lines)


def _attempt(a: Tried, p: Part, count: int, text: ReadText, *, colour: bool, width: int, zone: tzinfo | None) -> list[str]:
    good = a.status in (Status.PASSED, Status.WARNED, Status.NOTHING, Status.PARTIAL)
    word = "success" if good else "failed"
    kind = f" ({a.cause})" if a.cause else ""
    begun = f"{_clock(a.started or a.finished, zone)}, {spoken(a.seconds)}"
    of = f" of {count}" if count > 1 else ""
    lines = [f"attempt {a.attempt}{of}  {tinted(word, colour=colour)}{kind}  {begun}"]
    lines += [f"  {printable(n.message)}" for n in p.notes if a.started and a.started <= n.at <= a.finished and n.level != "debug"]
    if a.problem:
        lines.append(_indented(problem(a.problem, text, colour=colour, width=width)))
    elif a.message:
        lines.append(f"  {printable(a.message.splitlines()[0])}")
    if a.wait is not None:
        lines.append(f"  then waited {spoken(a.wait)}")
    if a.sql:
        lines += ["  sent:", _indented(printable(a.sql), "    ")]
    return lines


def log_line(body: Mapping[str, Any], *, colour: bool = False, zone: tzinfo | None = None) -> str | None:
    """An event of history as a line of a log; ``None`` for one that says nothing to a reader."""
    at = datetime.fromisoformat(body["at"])
    node, attempt = body.get("node"), body.get("attempt")
    who = "" if not node else f"{_short(node)}{f'.{attempt}' if attempt and attempt > 1 else ''}: "
    match body["event"]:
        case "RunStarted":
            said = f"{body['command']} on {body['target']} begins, {body['total']} results to come"
        case "NodeStarted":
            said = "begins"
        case "NodeRetried":
            said = f"attempt {body['attempt']} failed ({body['cause']}): {body['message']}; next in {spoken(body['wait'])}"
        case "NodeFinished":
            seconds = f" in {body['seconds']:.2f}s" if body["status"] not in ("skipped", "reused") else ""
            said = f"{tinted(body['status'], colour=colour)}{seconds}{': ' + body['message'] if body.get('message') else ''}"
        case "BatchStarted":
            return None
        case "BatchFinished":
            said = f"{body['label']} {tinted(body['status'], colour=colour)}{': ' + body['message'] if body.get('message') else ''}"
        case "Noted":
            found = body.get("problem") or {}
            said = body.get("message") or str(found.get("message") or "")
        case "RunFinished":
            said = f"over after {spoken(body['seconds'])}{', interrupted' if body.get('cancelled') else ''}"
        case _:
            return None
    head = f"{_clock(at, zone)}  {who}"
    first, *more = printable(said).splitlines() or [""]
    return "\n".join([f"{head}{first}", *(f"          {line}" for line in more)])


def _short(node: str) -> str:
    kind, _, rest = node.partition(".")
    return rest.split(".")[1] if kind in ("test", "unit_test") and "." in rest else rest.split(".", 1)[-1]


def _clock(at: datetime, zone: tzinfo | None) -> str:
    return at.astimezone(zone).strftime("%H:%M:%S")


def _day(at: datetime, zone: tzinfo | None) -> str:
    return at.astimezone(zone).strftime("%d %b %Y %H:%M:%S")


def _indented(text: str, margin: str = "  ") -> str:
    return "\n".join(f"{margin}{line}" if line else "" for line in text.split("\n"))


__all__: Sequence[str] = ["bold", "headline", "log_line", "node_page", "page", "tinted"]
