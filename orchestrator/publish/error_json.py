"""The artifact of an invocation that could not do anything."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.core.errors import OrcError, Problem


def error_json(error: OrcError) -> str:
    """An error as ``error.json`` tells it: the first problem's place on top, all problems below.

    >>> json.loads(error_json(OrcError(Problem("L012", "no such table"))))["code"]
    'L012'
    """
    first = error.first
    top = {"type": type(error).type_name, "message": first.message, "code": first.code, **_place(first)}
    return json.dumps({**top, "hint": first.hint, "problems": [_problem(p) for p in error.problems]}, ensure_ascii=False)


def _problem(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "message": problem.message, "hint": problem.hint, **_place(problem)}


def _place(problem: Problem) -> dict[str, Any]:
    span = problem.span
    return {"file": span.path if span else None, "line": span.line if span else None, "column": span.column if span else None}
