"""What is different from an earlier state: the selection methods ``state``, ``result`` and ``source_status``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orchestrator.core.errors import Problem, UsageError, did_you_mean
from orchestrator.core.graph import Graph
from orchestrator.core.state import State, Told

WORDS = ("modified", "new", "old", "unmodified")
ASPECTS = ("body", "configs", "relation", "macros", "contract", "persisted_descriptions")
"""What may be modified of a node: ``state:modified.body`` and so on."""

_PLACE = frozenset({"database", "schema", "alias"})
_UNCOUNTED = _PLACE | {"tags", "group", "docs", "contract", "description", "lint", "enabled", "access"}
"""Keys of the config that do not make a node modified: its place and its contract are aspects of their own, the rest is told to people."""
_USUAL = {
    "lookback": 1, "on_schema_change": "ignore", "on_configuration_change": "apply", "quoting": None, "packages": None, "severity": "error",
}  # fmt: skip
"""What a key that is not there stands for."""


def differences(earlier: State, now: Mapping[str, Told], macros: Mapping[str, str], id_: str) -> frozenset[str]:
    """The aspects in which a node of both differs from the earlier state. ``macros`` are the texts of macros, as they are now.

    Texts are compared as they are written, not as they are rendered: comments, layout and the target do not count.
    """
    before, after = earlier.nodes[id_], now[id_]
    same_text = before.raw == after.raw or _said(before) == _said(after)
    found = {
        "body": not same_text or not _same_file(before, after) or before.rest != after.rest,
        "configs": before.fqn != after.fqn or bool(_configs(before, after, same_text=same_text)),
        "relation": bool(_places(before, after, same_text=same_text)),
        "macros": any(_macro(earlier.macros.get(m), macros.get(m)) for m in {*before.macros, *after.macros}),
        "contract": before.contract != after.contract,
        "persisted_descriptions": _persisted(before) != _persisted(after),
    }
    return frozenset(aspect for aspect, differs in found.items() if differs)


def by_state(earlier: State, now: Mapping[str, Told], macros: Mapping[str, str]) -> Callable[[Graph, tuple[str, ...], str], set[str]]:
    """The method ``state``: ``modified`` (also what is new; ``modified.body`` and other aspects only), ``new``, ``old``, ``unmodified``."""
    known: dict[str, frozenset[str]] = {}

    def differing(id_: str) -> frozenset[str]:
        if id_ not in known:
            known[id_] = differences(earlier, now, macros, id_)
        return known[id_]

    def find(graph: Graph, arguments: tuple[str, ...], value: str) -> set[str]:
        word, _, aspect = value.partition(".")
        if arguments or word not in WORDS or (aspect and (word != "modified" or aspect not in ASPECTS)):
            choices = [*WORDS, *(f"modified.{a}" for a in ASPECTS)]
            raise UsageError(Problem("U012", f"there is no state `{value}`", hint=did_you_mean(value, choices, also=", ".join(choices))))
        there = {id_ for id_ in graph.nodes if id_ in now}
        new = {id_ for id_ in there if id_ not in earlier.nodes}
        match word:
            case "new":
                return new
            case "old":
                return there - new
            case "unmodified":
                return {id_ for id_ in there - new if not differing(id_)}
            case _:
                return {id_ for id_ in there - new if (aspect in differing(id_) if aspect else differing(id_))} | (set() if aspect else new)

    return find


def by_result(earlier: State) -> Callable[[Graph, tuple[str, ...], str], set[str]]:
    """The method ``result``: nodes that ended so in the earlier run (``error``, ``fail``, ``skipped``, ``success`` …)."""
    if earlier.results is None:
        raise UsageError(
            Problem("U059", f"there is no run_results.json beside `{earlier.path}`", hint="`result:` looks at an earlier run's")
        )
    results = earlier.results

    def find(graph: Graph, _: tuple[str, ...], value: str) -> set[str]:
        return {id_ for id_ in graph.nodes if results.get(id_) == value}

    return find


def by_source_status(earlier: State, now: State | None) -> Callable[[Graph, tuple[str, ...], str], set[str]]:
    """The method ``source_status``: ``fresher`` are the sources with rows that came after the earlier look at them."""
    if earlier.sources is None or now is None or now.sources is None:
        where = f"beside `{earlier.path}`" if earlier.sources is None else "in the target folder"
        raise UsageError(Problem("U059", f"there is no sources.json {where}", hint="`source_status:` compares two: orc source freshness"))
    before, after = earlier.sources, now.sources

    def find(graph: Graph, _: tuple[str, ...], value: str) -> set[str]:
        if value != "fresher":
            return {id_ for id_ in graph.nodes if id_ in after and after[id_][0] == value}
        return {id_ for id_ in graph.nodes if id_ in after and _fresher(before.get(id_), after[id_])}

    return find


def _fresher(before: Any, after: Any) -> bool:
    if after[1] is None:
        return False
    return before is None or before[1] is None or bool(after[1] > before[1])


def _said(node: Told) -> str:
    from orchestrator.sql.written import written

    return node.raw.strip() if node.path.endswith(".py") else written(node.raw)


def _same_file(before: Told, after: Told) -> bool:
    """A seed's rows. Where two tools made digests of another kind, ``after`` knows both."""
    return before.kind != "seed" or before.checksum in after.checksum.split()


def _macro(before: str | None, after: str | None) -> bool:
    """Whether a macro differs. One that only one side tells the text of is not known to."""
    if not before or not after or before == after:
        return False
    from orchestrator.sql.written import written

    return written(before) != written(after)


def _configs(before: Told, after: Told, *, same_text: bool) -> list[str]:
    keys = (before.config.keys() | after.config.keys()) - _UNCOUNTED
    differing = [k for k in keys if _value(before, k) != _value(after, k)]
    return [k for k in differing if not (same_text and _in_file(k, after.raw))]


def _places(before: Told, after: Told, *, same_text: bool) -> list[str]:
    return [k for k in _PLACE if _value(before, k) != _value(after, k) and not (same_text and _in_file(k, after.raw))]


def _in_file(key: str, raw: str) -> bool:
    """Whether the file itself says so: its text is the same, only what its template looks at (the target, a variable) is not."""
    return (
        re.search(rf"\bconfig\s*\([^)]*?\b{re.escape(key)}\s*=", raw) is not None
        or re.search(rf"[\"']{re.escape(key)}[\"']\s*:", raw) is not None
    )


def _value(node: Told, key: str) -> Any:
    """A value as it compares: what says nothing is not there, and what everybody assumes is not said."""
    value = _said_of(node.config.get(key))
    if isinstance(value, str) and key == "severity":
        value = value.lower()
    return None if value == _USUAL.get(key) else value


def _said_of(value: Any) -> Any:
    match value:
        case Mapping():
            return {k: inner for k, v in value.items() if (inner := _said_of(v)) is not None} or None
        case list() | tuple():
            return [_said_of(v) for v in value] or None
        case "" | False:
            return None
        case _:
            return value


def _persisted(node: Told) -> tuple[str, Mapping[str, str]]:
    wanted = node.config.get("persist_docs") or {}
    columns = {name: text for name, text in node.columns.items() if text}
    return (node.description if wanted.get("relation") else "", columns if wanted.get("columns") else {})


def changed(ids: Iterable[str], earlier: State, now: Mapping[str, Told], macros: Mapping[str, str]) -> dict[str, frozenset[str]]:
    """The aspects of each of ``ids`` that differ, for those that are in both and do."""
    return {id_: found for id_ in ids if id_ in earlier.nodes and id_ in now and (found := differences(earlier, now, macros, id_))}
