"""What went wrong in a run, the root first: each cause with its evidence, and with what was skipped because of it folded below."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from orchestrator.app.past.chronicle import part_data
from orchestrator.core.chronicle import Chronicle, Part
from orchestrator.core.event import Status

BAD = frozenset({Status.FAILED, Status.CRASHED, Status.PARTIAL})
TESTS = ("test", "unit_test")

LINES = 8
"""Lines of the author's file that are shown around the place of an error."""


def causes(found: Chronicle, text: Callable[[str], str | None]) -> list[dict[str, Any]]:
    """The nodes that failed of themselves, in the order in which they did; ``text`` reads a file of the project.

    A test that kept a model from being published stands below the model, not beside it.
    """
    bad = [p for p in found.parts if p.result is not None and p.result.status in BAD]
    models = [p for p in bad if p.kind not in TESTS]
    tests = [p for p in bad if p.kind in TESTS]
    below = {m.node: [t for t in tests if t.name in (m.result.message if m.result else "")] for m in models}
    told = {t.node for gates in below.values() for t in gates}
    roots = [*models, *(t for t in tests if t.node not in told)]
    return [_cause(p, below.get(p.node, []), _skipped(found.parts, p.node), found, text) for p in sorted(roots, key=_ended)]


def _ended(p: Part) -> Any:
    return p.result.at if p.result else p.began


def _skipped(parts: Sequence[Part], root: str) -> list[dict[str, str]]:
    return [{"node": p.node, "name": p.name, "kind": p.kind} for p in parts if p.result is not None and p.result.because == root]


def _cause(
    p: Part, gates: Sequence[Part], skipped: list[dict[str, str]], found: Chronicle, text: Callable[[str], str | None]
) -> dict[str, Any]:
    told = part_data(p, found.now, texts=True)
    kept = ("node", "name", "kind", "status", "message", "problem", "inspect", "attempts", "seconds", "ended_at")
    return {
        **{key: told.get(key) for key in kept},
        "sql": _sent(p),
        "source": None if gates else excerpt(told.get("problem"), text),  # a test says more than the model's first line
        "gates": [_gate(g, text) for g in gates],
        "skipped": skipped,
        "log": [n.message or (n.problem.message if n.problem else "") for n in p.notes][-30:],
    }


def _gate(p: Part, text: Callable[[str], str | None]) -> dict[str, Any]:
    """A test that kept something back: it found rows, or could not run itself."""
    told = part_data(p, p.result.at) if p.result else {}
    kept = {key: told.get(key) for key in ("message", "failures", "inspect")}
    return {"node": p.node, "name": p.name, **kept, "source": excerpt(told.get("problem"), text) if p.status == "error" else None}


def _sent(p: Part) -> str | None:
    """The statement that failed: of the last attempt that has one."""
    of_attempts = [a.sql for a in p.attempts if a.sql]
    return of_attempts[-1] if of_attempts else p.result.sql if p.result else None


def excerpt(problem: Mapping[str, Any] | None, text: Callable[[str], str | None]) -> dict[str, Any] | None:
    r"""The lines around a problem's place in the author's file, ``None`` when the file does not reach so far any more.

    >>> excerpt({"at": {"file": "a.sql", "line": 2, "column": 1}}, lambda _: "select\n nope\nfrom t")["first"]
    1
    """
    place = (problem or {}).get("at")
    if not place:
        return None
    lines = (text(place["file"]) or "").splitlines()
    line = place["line"]
    if not 1 <= line <= len(lines):
        return None
    first = max(1, line - LINES // 2)
    return {"file": place["file"], "first": first, "line": line, "column": place["column"], "lines": lines[first - 1 : line + LINES // 2]}
