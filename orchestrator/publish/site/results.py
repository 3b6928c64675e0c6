"""Tests by what they test, and what is known of how they and their nodes ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.event import plain
from orchestrator.core.marker import find, spoken
from orchestrator.core.node import NativeTestBody, Node, SqlBody, UnitTestBody
from orchestrator.publish.site.known import Known, Past

RUNS = 20
"""Past runs that a node's page shows."""

WORST = ("error", "warn", "skipped", "success")
"""Words for a node, the worst first."""

_OF_TEST = {"pass": "success", "fail": "error", "error": "error", "warn": "warn", "skipped": "skipped"}
_OF_NODE = {"success": "success", "error": "error", "skipped": "skipped", "partial success": "error"}


@dataclass(frozen=True, slots=True)
class Results:
    """Test entries by node and (folded) column; those of no column stand under ``""``. ``status`` is the worst word of a node."""

    tests: Mapping[str, Mapping[str, Sequence[dict[str, Any]]]]
    status: Mapping[str, str]

    def count(self, id_: str) -> int:
        """How many tests a node has."""
        return sum(len(entries) for entries in self.tests.get(id_, {}).values())


def results_of(known: Known) -> Results:
    """Every test with its last result, sorted to the nodes it is about: a singular test to all that it reads."""
    tests: dict[str, dict[str, list[dict[str, Any]]]] = {}
    words: dict[str, set[str]] = {}
    for node in known.graph.nodes.values():
        last = known.history.get(node.id, ())[:1]
        if node.kind in ("test", "unit_test"):
            entry = _entry(node, known.graph.bodies[node.id], last[0] if last else None)
            for about in [node.attached] if node.attached else node.depends_on:
                column = (node.column or "").strip('"`').casefold()
                tests.setdefault(about, {}).setdefault(column, []).append(entry)
                if "status" in entry:
                    words.setdefault(about, set()).add(_OF_TEST[entry["status"]])
        elif last and (word := _word(known.history[node.id])):
            words.setdefault(node.id, set()).add(word)
    return Results(tests, {id_: next(w for w in WORST if w in said) for id_, said in words.items()})


def _word(results: Sequence[Past]) -> str | None:
    """How the last build ended that did anything."""
    return next((word for r in results if (word := _OF_NODE.get(r.outcome))), None)


def _entry(node: Node, body: Any, last: Past | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": node.name, "label": _label(node, body)}
    if last is not None:
        entry["status"] = last.outcome if last.outcome in _OF_TEST else "skipped"
        if last.failures is not None:
            entry["failures"] = last.failures
        entry["at"] = plain(last.at)
    if node.kind == "test":
        entry["severity"] = "warn" if str(node.config.get("severity", "error")).lower() == "warn" else "error"
    if body.docs.description:
        entry["description"] = body.docs.description
    entry["path"] = node.path
    return entry


def _label(node: Node, body: Any) -> str:
    if isinstance(body, UnitTestBody):
        return "unit"
    if node.test_name is None:
        return "singular"
    arguments = body.arguments if isinstance(body, NativeTestBody | SqlBody) else {}
    said = ", ".join(f"{key}: {_spelled(value)}" for key, value in arguments.items() if key not in ("model", "column_name"))
    return f"{node.test_name}({said})" if said else node.test_name


def _spelled(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_spelled(v) for v in value)}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{k}: {_spelled(v)}' for k, v in value.items())}}}"
    if isinstance(value, bool):
        return str(value).lower()
    said = str(value)
    for quote in ('"', "`"):
        for marker in reversed(list(find(said, quote))):  # `ref()` in an argument: what the author calls it
            said = f"{said[: marker.start]}{spoken(marker.payload)}{said[marker.end :]}"
    return said


def runs(known: Known, id_: str) -> list[dict[str, Any]]:
    """A node's past runs, the latest first."""
    return [_run(past) for past in known.history.get(id_, ())[:RUNS]]


def _run(past: Past) -> dict[str, Any]:
    entry: dict[str, Any] = {"run": past.run, "at": plain(past.at), "status": past.outcome, "took": round(past.took, 3)}
    if past.rows is not None:
        entry["rows"] = past.rows
    if past.bytes is not None:
        entry["bytes"] = past.bytes
    if past.message:
        entry["message"] = past.message
    return entry
