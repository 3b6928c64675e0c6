"""A review as one comment in Markdown: the verdict first, everything long folded away, short enough for every forge."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from orchestrator.core.errors import Problem
from orchestrator.core.event import Status
from orchestrator.core.review import Review
from orchestrator.core.sizes import shown_bytes
from orchestrator.publish.review import sections
from orchestrator.publish.review.text import code, counted, place, prose, size

LONGEST = 60_000
"""Characters; GitHub refuses comments above 65,536."""


@dataclass(frozen=True, slots=True)
class Room:
    """How many of each kind there is room for: sample rows per list, models with value diffs, models with changes in words, boxes of
    the diagram, names in a list, tests and findings, rows of the table, blocking problems, characters of a message.
    """

    samples: int = 5
    diffs: int = 60
    changes: int = 60
    boxes: int = 40
    names: int = 300
    checks: int = 60
    rows: int = 100
    blocking: int = 50
    words: int = 600


STEPS: tuple[tuple[str, str, int], ...] = (
    ("samples", "sample rows", 2), ("samples", "sample rows", 0), ("diffs", "value diffs", 20), ("diffs", "value diffs", 8),
    ("diffs", "value diffs", 0), ("boxes", "lineage", 20), ("boxes", "lineage", 0), ("changes", "changes in words", 20),
    ("changes", "changes in words", 0), ("names", "names of models", 60), ("checks", "tests and findings", 20),
    ("names", "names of models", 0), ("checks", "tests and findings", 0), ("rows", "rows of the table", 40), ("words", "long texts", 150),
    ("blocking", "blocking problems", 20), ("rows", "rows of the table", 10), ("blocking", "blocking problems", 8),
    ("rows", "rows of the table", 0),
)  # fmt: skip
"""What goes first when there is too much: samples, diffs, lineage, lists. The last step fits whatever is in the review."""


def marker(project: str) -> str:
    """The first line of a project's comment: how the next run finds it again.

    >>> marker("shop"), marker("--> <b>")
    ('<!-- orc:review:shop -->', '<!-- orc:review:_b_ -->')
    """
    word = "".join(c if c.isascii() and (c.isalnum() or c in "_.") else "_" for c in project[:80])
    while "__" in word:
        word = word.replace("__", "_")
    return f"<!-- orc:review:{word or 'project'} -->"


def markdown(review: Review, longest: int = LONGEST) -> str:
    """The comment: never longer than ``longest`` (60,000 at least) characters, details shut, code fenced."""
    room, gone = Room(), dict[str, None]()
    text = _text(review, room, gone)
    for name, words, number in STEPS:
        if size(text) <= longest:
            break
        room = replace(room, **{name: min(number, getattr(room, name))})
        shorter = _text(review, room, {**gone, words: None})
        if size(shorter) < size(text):
            gone[words] = None
        text = _text(review, room, gone)
    return text


def _text(review: Review, room: Room, gone: dict[str, None]) -> str:
    parts = [marker(review.project) + "\n" + f"### {headline(review)}", _blocking(review, room), sections.table(review, room.rows)]
    parts += [
        sections.changes(review, room.changes),
        sections.lineage(review, room.boxes),
        sections.values(review, room.diffs, room.samples),
        sections.downstream(review, room.names),
        sections.checks(review, room.checks, room.words),
        sections.exposures(review, room.names),
    ]
    if gone:
        parts.append(f"_Left out, to keep this short: {', '.join(gone)}. All of it is in_ `review.json`.")
    return "\n\n".join(part for part in [*parts, _footer(review)] if part) + "\n"


def headline(review: Review) -> str:
    """The verdict and its numbers, in one line."""
    broken = (Status.FAILED, Status.CRASHED)
    against = [
        counted(number, word)
        for number, word in (
            (sum(len(n.breaking) for n in review.nodes), "breaking change"),
            (sum(n.status in broken for n in review.nodes), "failing build"),
            (sum(t.status in broken for t in review.tests), "failing test"),
            (sum(p.severity == "error" for p in review.findings), "lint error"),
        )
        if number
    ]
    if review.passes:
        verdict = "✅ Nothing blocks" + (f", in spite of {', '.join(against)}" if against else "")
    else:
        verdict = "❌ Blocked: " + (", ".join(against) or counted(len(review.blocking), "problem"))
    kinds = [(sum(n.what == what for n in review.nodes), what) for what in ("modified", "added", "removed", "affected")]
    told = ", ".join(f"{number:,} {what}" for number, what in kinds if number) or ("no models changed" if review.base else "")
    cost = [shown_bytes(review.bytes)] if review.bytes else []
    return " · ".join([verdict, *([told] if told else []), *cost, *([_lasted(review.seconds)] if review.seconds >= 1 else [])])


def _lasted(seconds: float) -> str:
    """Wall time.

    >>> _lasted(8.4), _lasted(125)
    ('8 s', '2 min 5 s')
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _blocking(review: Review, room: Room) -> str:
    return "\n".join(_reasons(review, room)) if review.blocking else ""


def _reasons(review: Review, room: Room) -> Iterator[str]:
    yield "**Blocking**\n"  # without the blank line a list would turn it into a heading
    for problem in review.blocking[: room.blocking]:
        # A message must not be the first word of its line: `#` or `1.` would begin a heading or a list there.
        yield f"- ❌ {_problem(problem, review.folder, room.words)}"
        if problem.hint:
            yield f"  hint: {prose(problem.hint, room.words)}"
    if (more := len(review.blocking) - room.blocking) > 0:
        yield f"- and {more:,} more"


def _problem(problem: Problem, folder: str, words: int) -> str:
    where = place(problem.span, folder)
    return prose(problem.message, words) + (f" ({where})" if where else "")


def _footer(review: Review) -> str:
    if not review.base:
        return "<sub>the project could not be read</sub>"
    parts = [f"base {code(review.base)}, head {code(review.head)}" if review.head else f"base {code(review.base)}"]
    parts += [f"compared with {prose(review.production, 300)}"] if review.production else []
    engine = f", {prose(review.engine, 60)}" if review.engine else ""
    parts += [f"environment {code(review.environment)} (target {code(review.target)}{engine})"] if review.environment else []
    parts += [f"again: {code(review.command, 300)}"] if review.command else []
    return f"<sub>{' · '.join(parts)}</sub>"
