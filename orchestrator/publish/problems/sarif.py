"""Problems as SARIF 2.1.0: what code scanning pages read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.rules import default
from orchestrator.core.version import VERSION
from orchestrator.publish.problems.rows import located, meaning, name, said, spot

LEVELS = {"error": "error", "warning": "warning", "warn": "warning", "off": "none"}


def sarif(found: Sequence[Problem], tool: str, folder: str = "") -> str:
    """One run of ``tool``. Rules are those that were broken; URIs are relative to the repository.

    A problem without a place is a notification of the run: code scanning refuses a whole report for one result that has none.
    """
    codes = sorted({p.code for p in found})
    homeless = [_notification(p) for p in found if not spot(p).path]
    run = {
        "tool": {"driver": {"name": tool, "version": VERSION, "rules": [_rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        **({"invocations": [{"executionSuccessful": True, "toolExecutionNotifications": homeless}]} if homeless else {}),
        "results": [_result(p, codes.index(p.code), folder) for p in found if spot(p).path],
    }
    return json.dumps({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(code: str) -> Mapping[str, Any]:
    words = meaning(code)
    told = {"shortDescription": {"text": words}, "defaultConfiguration": {"level": LEVELS[default(code)]}} if words else {}
    return {"id": code, "name": name(code), **told}


def _notification(problem: Problem) -> Mapping[str, Any]:
    return {"descriptor": {"id": problem.code}, "level": LEVELS.get(problem.severity, "note"), "message": {"text": said(problem)}}


def _result(problem: Problem, index: int, folder: str) -> dict[str, Any]:
    span = spot(problem)
    related = [{**_location(at, folder), "message": {"text": what}} for what, at in problem.trail]
    return {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": LEVELS.get(problem.severity, "note"),
        "message": {"text": said(problem)},
        "locations": [_location(span, folder)],
        **({"relatedLocations": related} if related else {}),
    }


def _location(span: Span, folder: str) -> dict[str, Any]:
    region = {"startLine": span.line, "startColumn": span.column, "endColumn": span.column + span.length}
    uri = quote(located(span.path, folder), safe="/~", errors="backslashreplace")
    return {"physicalLocation": {"artifactLocation": {"uri": uri}, "region": region}}
