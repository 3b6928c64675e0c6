"""A review as JUnit's XML: builds, tests and static checks as test cases."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from orchestrator.core.errors import Problem
from orchestrator.core.event import Status
from orchestrator.core.review import Checked, Review, Reviewed
from orchestrator.publish.problems.rows import located, name, said
from orchestrator.publish.review.problems import breaking, failed_build, failed_test

FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot hold, not even as references."""

Outcome = Literal["", "failure", "error", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    """One test case: ``failure`` is the author's, ``error`` the network's or ours."""

    suite: str
    owner: str
    name: str
    path: str
    seconds: float = 0.0
    outcome: Outcome = ""
    message: str = ""
    details: str = ""


def junit(review: Review) -> str:
    """One suite of builds, one of breaking changes (a case for each changed node), one of tests, one of what lint found."""
    cases = list(_cases(review))
    suites = [_suite(suite, [c for c in cases if c.suite == suite]) for suite in dict.fromkeys(c.suite for c in cases)]
    totals = _totals(cases)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="orc ci" {totals}>\n{"".join(suites)}</testsuites>\n'


def _cases(review: Review) -> Iterator[Case]:
    folder = review.folder
    for node in review.nodes:
        if node.status is not None:
            yield _build(node, folder)
    for node in review.nodes:
        if node.what != "affected" or node.breaking:
            found = list(breaking(node))
            path = located(node.path, folder)
            whole = [f"{p.message}{_at(p, folder)}" for p in found]
            yield Case("changes", node.name, f"{node.name} breaks nobody", path, 0.0, "failure" if found else "", *_told(whole))
    yield from (_test(test, folder) for test in review.tests)
    for problem in review.findings:
        outcome: Outcome = "failure" if problem.severity == "error" else ""
        path = located(problem.span.path if problem.span else "", folder)
        title = f"{problem.code} {name(problem.code)}{_at(problem, folder)}"
        yield Case("lint", problem.node or path or "project", title, path, 0.0, outcome, problem.message, said(problem))


def _build(node: Reviewed, folder: str) -> Case:
    case = Case("builds", node.kind, node.name, located(node.path, folder), node.seconds)
    outcome = _outcome(node.status)
    if not outcome:
        return case
    problem = failed_build(node) if outcome != "skipped" else Problem("", node.reason or "skipped")
    return Case(
        case.suite, case.owner, case.name, case.path, case.seconds, outcome, problem.message, f"{said(problem)}{_at(problem, folder)}"
    )


def _test(test: Checked, folder: str) -> Case:
    outcome = _outcome(test.status)
    problem = failed_test(test)
    told = (problem.message, f"{said(problem)}{_at(problem, folder)}") if outcome in ("failure", "error") else ("", "")
    return Case("tests", test.node, test.name, located(test.path, folder), 0.0, outcome, *told)


def _outcome(status: Status | None) -> Outcome:
    match status:
        case Status.FAILED | Status.PARTIAL:
            return "failure"
        case Status.CRASHED:
            return "error"
        case Status.SKIPPED | Status.CANCELLED:
            return "skipped"
        case _:
            return ""


def _told(lines: Sequence[str]) -> tuple[str, str]:
    return (lines[0], "\n".join(lines)) if lines else ("", "")


def _at(problem: Problem, folder: str) -> str:
    span = problem.span
    return f" ({located(span.path, folder)}:{span.line}:{span.column})" if span is not None and span.path else ""


def _suite(suite: str, cases: Sequence[Case]) -> str:
    return f'  <testsuite name="{suite}" {_totals(cases)}>\n{"".join(_case(c) for c in cases)}  </testsuite>\n'


def _totals(cases: Sequence[Case]) -> str:
    counts = {word: sum(c.outcome == outcome for c in cases) for word, outcome in _COUNTED}
    told = " ".join(f'{word}="{count}"' for word, count in counts.items())
    return f'tests="{len(cases)}" {told} time="{sum(c.seconds for c in cases):.3f}"'


_COUNTED = (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))


def _case(case: Case) -> str:
    file = f' file="{_quoted(case.path)}"' if case.path else ""
    head = f'    <testcase classname="{_quoted(f"{case.suite}.{case.owner}")}" name="{_quoted(case.name)}"{file} time="{case.seconds:.3f}"'
    if not case.outcome:
        return f"{head}/>\n"
    kind = "" if case.outcome == "skipped" else ' type="orc"'
    inner = f'<{case.outcome} message="{_quoted(case.message)}"{kind}>{_quoted(case.details)}</{case.outcome}>'
    return f"{head}>{inner}</testcase>\n"


def _quoted(text: str) -> str:
    r"""A text in an attribute or an element.

    >>> _quoted('a<b & "c"\x00\n')
    'a&lt;b &amp; &quot;c&quot;?&#10;'
    """
    kept = FORBIDDEN.sub("?", text)
    for sign, reference in (
        ("&", "&amp;"),
        ("<", "&lt;"),
        (">", "&gt;"),
        ('"', "&quot;"),
        ("\n", "&#10;"),
        ("\r", "&#13;"),
        ("\t", "&#9;"),
    ):
        kept = kept.replace(sign, reference)
    return kept
