"""What static checks found, for programs and code review pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.publish.problems.code_quality import code_quality
from orchestrator.publish.problems.github import github
from orchestrator.publish.problems.rows import in_order, name, spot
from orchestrator.publish.problems.sarif import sarif

FORMATS = ("json", "github", "gitlab", "sarif")


def findings(found: Sequence[Problem], form: str, folder: str = "") -> str:
    """Findings as one of ``FORMATS``. ``folder`` is where the project is in its repository; the JSON's paths are the project's."""
    rows = in_order(found)
    match form:
        case "github":
            return github(rows, folder)
        case "gitlab":
            return code_quality(rows, folder)
        case "sarif":
            return sarif(rows, "orc lint", folder)
        case _:
            return json.dumps([_row(p) for p in rows], indent=2, ensure_ascii=False)


def _row(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "rule": name(problem.code),
        "severity": problem.severity,
        "message": problem.message,
        **_place(spot(problem)),
        "length": spot(problem).length,
        "hint": problem.hint,
        "node": problem.node,
        "trail": [{"what": what, **_place(span)} for what, span in problem.trail],
    }


def _place(span: Span) -> dict[str, Any]:
    return {"path": span.path, "line": span.line, "column": span.column}
