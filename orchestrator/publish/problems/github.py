"""Problems as workflow commands of GitHub: it shows them at their lines in the diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from orchestrator.core.errors import Problem
from orchestrator.publish.problems.rows import located, name, said, spot

SHOWN = 10
"""Annotations of one kind that GitHub shows for one step; it drops the rest without a word."""

KINDS = ("error", "warning", "notice")


def github(found: Sequence[Problem], folder: str = "", most: int | None = None) -> str:
    """One line for each problem. With ``most``, of each kind only so many, errors first, the last one saying how many more there are."""
    return "\n".join(_lines(found, folder, most))


def _lines(found: Sequence[Problem], folder: str, most: int | None) -> Iterator[str]:
    if most is None:
        yield from (_line(problem, folder) for problem in found)
        return
    for kind in KINDS:
        some = [p for p in found if _kind(p) == kind]
        shown = some if len(some) <= most else some[: most - 1]
        yield from (_line(problem, folder) for problem in shown)
        if len(shown) < len(some):
            yield f"::{kind} title=orc::and {len(some) - len(shown)} more, see the report"


def _line(problem: Problem, folder: str) -> str:
    span = spot(problem)
    where = {"file": located(span.path, folder), "line": span.line, "col": span.column, "endColumn": span.column + span.length}
    title = problem.code if name(problem.code) == problem.code else f"{problem.code} {name(problem.code)}"
    places = {**(where if span.path else {}), "title": title}
    told = ",".join(f"{key}={_property(str(value))}" for key, value in places.items())
    return f"::{_kind(problem)} {told}::{_escaped(said(problem))}"


def _kind(problem: Problem) -> str:
    return problem.severity if problem.severity in KINDS else "notice"


def _escaped(text: str) -> str:
    """A message in a workflow command is one line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
