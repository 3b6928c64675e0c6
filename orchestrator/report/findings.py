"""Findings of static checks: for people, for programs, for code review pages."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.core.errors import Problem
from orchestrator.core.files import Span
from orchestrator.core.rules import RULES
from orchestrator.core.version import VERSION

FORMATS = ("text", "json", "github", "sarif")


def findings(found: Sequence[Problem], form: str) -> str:
    """Findings as ``json``, ``github`` or ``sarif``: what programs read."""
    return {"json": _json, "github": _github, "sarif": _sarif}[form](in_order(found))


def in_order(found: Iterable[Problem]) -> list[Problem]:
    """By place, then by code."""
    return sorted(found, key=lambda p: (_place(p).path, _place(p).line, _place(p).column, p.code))


def summary(found: Sequence[Problem], judged: int, silenced: int, unjudged: Sequence[tuple[str, str]], unread: int = 0) -> str:
    """One line that says how it went.

    >>> summary([], 12, 1, [("late_one", "its text is known only when it runs")])
    '12 queries checked: nothing found, 1 silenced by noqa; 1 not judged: its text is known only when it runs (late_one)'
    """
    counts = Counter("error" if p.severity == "error" else "warning" for p in found)
    said = [f"{counts[word]} {word}{'s' if counts[word] != 1 else ''}" for word in ("error", "warning") if counts[word]] or [
        "nothing found"
    ]
    said += [f"{silenced} silenced by noqa"] if silenced else []
    line = f"{judged} quer{'ies' if judged != 1 else 'y'} checked: {', '.join(said)}"
    for reason in dict.fromkeys(why for _, why in unjudged):
        names = [name for name, why in unjudged if why == reason]
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        line += f"; {len(names)} not judged: {reason} ({', '.join(names[:5])}{more})"
    return line + (f"; sqlfluff cannot read {unread}" if unread else "")


def _place(problem: Problem) -> Span:
    return problem.span or Span("", 1)


def _name(code: str) -> str:
    return RULES[code].name if code in RULES else code


def _json(found: Sequence[Problem]) -> str:
    return json.dumps([_row(p) for p in found], indent=2, ensure_ascii=False)


def _row(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "rule": _name(problem.code),
        "severity": problem.severity,
        "message": problem.message,
        **_spot(_place(problem)),
        "length": _place(problem).length,
        "hint": problem.hint,
        "node": problem.node,
        "trail": [{"what": what, **_spot(span)} for what, span in problem.trail],
    }


def _spot(span: Span) -> dict[str, Any]:
    return {"path": span.path, "line": span.line, "column": span.column}


def _github(found: Sequence[Problem]) -> str:
    return "\n".join(
        f"::{p.severity} file={_property(s.path)},line={s.line},col={s.column},endColumn={s.column + s.length},"
        f"title={_property(f'{p.code} {_name(p.code)}')}::{_escaped(p.message + (f'. {p.hint}' if p.hint else ''))}"
        for p in found
        for s in [_place(p)]
    )


def _escaped(text: str) -> str:
    """A message in a workflow command is one line."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def _sarif(found: Sequence[Problem]) -> str:
    codes = sorted({p.code for p in found})
    rules: list[Mapping[str, Any]] = [
        {"id": code, "name": _name(code), **({"shortDescription": {"text": RULES[code].meaning}} if code in RULES else {})}
        for code in codes
    ]
    run = {
        "tool": {"driver": {"name": "orc lint", "version": VERSION, "rules": rules}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(p, codes.index(p.code)) for p in found],
    }
    return json.dumps({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}, indent=2)


def _result(problem: Problem, index: int) -> dict[str, Any]:
    span = _place(problem)
    return {
        "ruleId": problem.code,
        "ruleIndex": index,
        "level": problem.severity,
        "message": {"text": problem.message + (f". {problem.hint}" if problem.hint else "")},
        "locations": [_location(span)],
        **({"relatedLocations": [{**_location(at), "message": {"text": what}} for what, at in problem.trail]} if problem.trail else {}),
    }


def _location(span: Span) -> dict[str, Any]:
    region = {"startLine": span.line, "startColumn": span.column, "endColumn": span.column + span.length}
    return {"physicalLocation": {"artifactLocation": {"uri": span.path}, "region": region}}
