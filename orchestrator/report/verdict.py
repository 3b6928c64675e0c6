"""A review in a few lines: does it pass, and if not, why."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.core.event import Status
from orchestrator.core.review import Review
from orchestrator.report.problems import printable, uncommanded

MOST = 10
"""Reasons that are told; the reports have all of them."""


def verdict(review: Review, folder: str) -> str:
    """What the console says at the end. ``folder`` is where the reports are.

    >>> print(verdict(Review("a1", "b2", "pr_7", "dev", "duckdb", "`prod`"), "target/ci"))
    PASSED  nothing changes since a1
    Reports: target/ci
    """
    said = "\n".join([*_lines(review), f"Reports: {folder}"])
    return uncommanded(printable(said))  # names and messages are the pull request's


def _lines(review: Review) -> Iterator[str]:
    yield f"{'PASSED' if review.passes else 'BLOCKED'}  {_summary(review)}"
    for problem in review.blocking[:MOST]:
        yield f"  {problem.message}{f' ({problem.span})' if problem.span else ''} [{problem.code}]"
    if len(review.blocking) > MOST:
        yield f"  … and {len(review.blocking) - MOST} more"


def _summary(review: Review) -> str:
    if not review.nodes and not review.tests:
        return f"nothing changes since {review.base}"
    counts = {what: sum(n.what == what for n in review.nodes) for what in ("added", "modified", "removed", "affected")}
    parts = [f"{count} {what}" for what, count in counts.items() if count]
    parts.append(f"{sum(n.rebuilt for n in review.nodes)} built in {review.environment}")
    if review.tests:
        passed, warned = (sum(t.status is status for t in review.tests) for status in (Status.PASSED, Status.WARNED))
        parts.append(f"{passed} of {len(review.tests)} tests passed" + (f" and {warned} warned" if warned else ""))
    if review.unaffected:
        parts.append(f"{len(review.unaffected)} unaffected")
    return f"{', '.join(parts)} since {review.base}"
