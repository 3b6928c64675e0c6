"""Why a node ran or did not, as people read it: the answer first, then the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import tzinfo

from orchestrator.core.chronicle import Changed, Why
from orchestrator.core.freshness import short
from orchestrator.report.chronicle import bold, tinted
from orchestrator.report.problems import ReadText, no_text, printable, problem
from orchestrator.report.story import several

_WORDS = {"code": "its own SQL or code changed", "macro": "the macro `{}` changed", "relation": "it is built as {} instead of {}"}


def why(found: Why, text: ReadText = no_text, *, colour: bool = False, width: int = 100, zone: tzinfo | None = None) -> str:
    """The answer for one node."""
    lines = [f"{bold(found.name, colour=colour)}  {tinted(found.status, colour=colour)}".rstrip(), f"  {printable(found.verdict)}"]
    run = found.run
    if run is not None:
        code = f", code {run.git_sha[:10]}{' with changes that are not committed' if run.dirty else ''}" if run.git_sha else ""
        by = f", by {run.actor}" if run.actor else ""
        lines += ["", _row("run", f"{run.id[:8]}  {run.command} on {run.target}, {run.started.astimezone(zone):%d %b %H:%M}{by}{code}")]
    if found.reason:
        lines.append(_row("planned", found.reason))
    if len(found.chain) > 1:
        lines.append(_row("chain", " → ".join(id_.split(".", 2)[-1] for id_ in found.chain)))
    if found.part is not None and len(found.part.attempts) > 1:
        lines += [
            _row("attempt", f"{a.attempt}: {a.cause or a.status.value}, {printable(a.message.splitlines()[0] if a.message else 'ok')}")
            for a in found.part.attempts
        ]
    guilty = found.culprit or (found.part.result if found.part else None)
    if guilty is not None and guilty.problem is not None and not found.blocked:
        lines += ["", *(f"  {line}".rstrip() for line in problem(guilty.problem, text, colour=colour, width=width).split("\n"))]
    for test in found.blocked:
        many = f": {several(test.failures, 'failing row')}" if test.failures else ""
        lines += ["", _row("blocked", f"by {test.test}{many}")]
        lines += _block("rows", printable(test.rows)) if test.rows else []
    lines += _compared(found, zone)
    lines += ["", *_inputs(found)] if found.inputs or found.doubt else []
    lines += ["", *_published(found)] if found.ledger or found.unasked or found.fingerprint else []
    return "\n".join(lines)


def _compared(found: Why, zone: tzinfo | None) -> Iterator[str]:
    """What was different from the last good run, and what is different now."""
    before, run = found.before, found.run
    if before is not None:
        code = ""
        if before.git_sha and run is not None and run.git_sha and before.git_sha != run.git_sha:
            code = f", code {before.git_sha[:10]}"
        yield ""
        yield _row("last good", f"run {before.id[:8]}, {before.started.astimezone(zone):%d %b %H:%M}{code}")
    elif run is not None and found.part is not None:
        yield ""
        yield _row("last good", "never on this target")
    if found.changes is not None and before is not None:
        yield from _changes("changed", found.changes, "nothing about it between the two runs")
    if found.since:
        yield from _changes("since", found.since, "")


def _changes(label: str, changes: tuple[Changed, ...], none: str) -> Iterator[str]:
    if not changes and none:
        yield _row(label, none)
    for number, change in enumerate(changes):
        for depth, line in _told(change):
            yield _row(label if number == 0 and depth == 0 else "", f"{'  ' * depth}{line}")


def _told(change: Changed, depth: int = 0) -> Iterator[tuple[int, str]]:
    match change.what:
        case "code" if change.which == "rendered":
            yield depth, "its text is the same, but renders to something else (a variable, the environment, a file)"
        case "config":
            yield depth, f"config `{change.which}`: {change.before!r} → {change.after!r}"
        case "relation":
            yield depth, _WORDS["relation"].format(change.after, change.before)
        case "upstream":
            name = change.which.split(".", 2)[-1]
            yield (
                depth,
                f"it {'now reads' if change.before == 'added' else 'no longer reads'} `{name}`"
                if change.before
                else f"its parent `{name}` changed",
            )
        case _:
            yield depth, _WORDS[change.what].format(change.which)
    for below in change.below:
        yield from _told(below, depth + 1)


def _inputs(found: Why) -> Iterator[str]:
    """What the published rows were made of, against what is there now."""
    for number, one in enumerate(found.inputs):
        used, now = short(one.used), short(one.now)
        told = f"still {now}" if one.same else f"made of {used}, now {now}"
        yield _row("" if number else "made of", f"{one.name}: {told}")
    if found.doubt:
        yield _row("doubt", f"{found.doubt}: it is never fresh")


def _published(found: Why) -> Iterator[str]:
    if found.unasked:
        yield _row("ledger", f"could not be asked: {printable(found.unasked)}")
    elif found.ledger is None:
        yield _row("ledger", "nothing is published")
    else:
        row = found.ledger
        rows = f", {row.rows:,} rows" if row.rows is not None else ""
        yield _row("ledger", f"{row.relation} is of run {row.run[:8]}, {row.at[:16].replace('T', ' ')} UTC{rows}")
        if found.fingerprint:
            same = row.fingerprint == found.fingerprint
            yield _row(
                "",
                "that is what the files say now"
                if same
                else f"made of other code than the files hold now ({row.fingerprint[:12]}, now {found.fingerprint[:12]})",
            )


def _block(label: str, text: str) -> list[str]:
    """A text of several lines, all in the second column."""
    first, *more = text.split("\n")
    return [_row(label, first), *(_row("", line) for line in more)]


def _row(label: str, text: str) -> str:
    return f"  {label:<10} {text}".rstrip()
