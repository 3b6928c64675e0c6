"""A review as JSON: stable, versioned, everything in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from math import isfinite
from typing import Any

from orchestrator.core.difference import Difference, Undone
from orchestrator.core.errors import Problem
from orchestrator.core.review import Review

VERSION = 1
"""Of the shape: what is there keeps its name and its meaning; what may come is further keys. See ``docs/ci-reports.md``."""


def as_json(review: Review) -> str:
    """The whole review. Keys are the names of the fields of ``core/review.py``; ``version`` and ``passes`` come first.

    >>> list(json.loads(as_json(Review("a", "b", "pr_1", "dev", "duckdb", ""))))[:4]
    ['version', 'passes', 'base', 'head']
    """
    found = {"version": VERSION, "passes": review.passes, **_plain(review)}
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(thing: Any) -> Any:
    match thing:
        case Problem():
            return _problem(thing)
        case Difference():
            return {"differs": thing.differs, **_fields(thing)}
        case Undone():
            return {"how": "undone", **_fields(thing)}
        case Mapping():
            return {str(k): _plain(v) for k, v in thing.items()}
        case list() | tuple():
            return [_plain(one) for one in thing]
        case None | bool() | int():
            return thing
        case float():
            return thing if isfinite(thing) else str(thing)
        case Decimal() if thing == thing.to_integral_value() and abs(thing) < 2**53:
            return int(thing)
        case str():
            return str(thing)  # a StrEnum's value; a secret's stars
        case bytes():
            return thing.hex()
        case _ if is_dataclass(thing):
            return _fields(thing)
        case _:
            return str(thing)


def _fields(thing: Any) -> dict[str, Any]:
    return {f.name: _plain(getattr(thing, f.name)) for f in fields(thing)}


def _problem(problem: Problem) -> dict[str, Any]:
    span = problem.span
    place = {"path": span.path, "line": span.line, "column": span.column, "length": span.length} if span else {"path": None}
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        **place,
        "hint": problem.hint,
        "node": problem.node,
        "trail": [{"what": what, "path": at.path, "line": at.line, "column": at.column} for what, at in problem.trail],
    }
