"""Problems as GitLab's code quality report: it compares two of them and shows what is new in a merge request."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from orchestrator.core.errors import Problem
from orchestrator.core.files import digest
from orchestrator.publish.problems.rows import located, name, said, spot

SEVERITIES = {"error": "critical", "warning": "minor"}


def code_quality(found: Sequence[Problem], folder: str = "") -> str:
    """One entry for each problem that has a place. A fingerprint stays the same when lines move or numbers in the message change."""
    seen: Counter[str] = Counter()
    rows = []
    for problem in found:
        if spot(problem).path:
            words = re.sub(r"\d+", "0", problem.message)
            print_ = digest("\0".join((problem.code, spot(problem).path, problem.node or "", words)).encode("utf-8", "backslashreplace"))
            seen[print_] += 1
            rows.append(_row(problem, folder, f"{print_}{seen[print_]:x}" if seen[print_] > 1 else print_))
    return json.dumps(rows, indent=2, ensure_ascii=False) + "\n"


def _row(problem: Problem, folder: str, fingerprint: str) -> dict[str, Any]:
    span = spot(problem)
    return {
        "description": said(problem),
        "check_name": name(problem.code),
        "fingerprint": fingerprint,
        "severity": SEVERITIES.get(problem.severity, "info"),
        "location": {"path": located(span.path, folder), "lines": {"begin": span.line}},
    }
