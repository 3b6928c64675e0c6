"""All that is wrong with a pull request, as problems at lines: for annotations, code scanning and code quality."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from orchestrator.core.errors import Problem
from orchestrator.core.event import Status
from orchestrator.core.files import Span
from orchestrator.core.review import Checked, Review, Reviewed

BROKEN = (Status.FAILED, Status.CRASHED)


def problems(review: Review) -> tuple[Problem, ...]:
    """Errors first: what blocks, breaking changes, failed builds and tests, findings; each once, at the place its author can change."""
    found = dict[tuple[object, ...], Problem]()
    for problem in _all(review):
        found.setdefault(_key(problem), problem)
    return tuple(sorted(found.values(), key=lambda p: p.severity != "error"))


def _key(problem: Problem) -> tuple[object, ...]:
    return (problem.message, problem.span)


def _all(review: Review) -> Iterator[Problem]:
    yield from review.blocking
    for node in review.nodes:
        yield from breaking(node)
        if node.status in BROKEN:
            yield failed_build(node)
    yield from (failed_test(test) for test in review.tests if test.status in (*BROKEN, Status.WARNED))
    yield from review.findings


def breaking(node: Reviewed) -> Iterator[Problem]:
    """What a node breaks, each in its reader's file where that is known."""
    for broken in node.breaking:
        owner = f", owned by {broken.owner}" if broken.owner else ""
        plain = Problem("breaking-change", f"{broken.what}, read by `{broken.reader}`{owner}", Span(node.path, node.line), node=node.name)
        yield _placed(broken.place, plain) if broken.place is not None else plain


def failed_build(node: Reviewed) -> Problem:
    """Why a node was not built."""
    return _placed(node.problem, Problem("failed-build", f"`{node.name}` was not built", Span(node.path, node.line), node=node.name))


def failed_test(test: Checked) -> Problem:
    """Why a test did not pass."""
    rows = "" if test.failures is None else f": {test.failures:,} row{'s' if test.failures != 1 else ''}"
    severity = "warning" if test.status == Status.WARNED else "error"
    place = Span(test.path, test.line) if test.path else None
    said = Problem(
        "failed-test",
        f"test `{test.name}` of `{test.node}` {'warns' if severity == 'warning' else 'failed'}{rows}",
        place,
        severity=severity,
        node=test.node,
    )
    return replace(_placed(test.problem, said), severity=severity)


def _placed(problem: Problem | None, other: Problem) -> Problem:
    """A problem, at its own place if it has one; ``other`` when there is none."""
    if problem is None:
        return other
    return problem if problem.span is not None else replace(problem, span=other.span)
