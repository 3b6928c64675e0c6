"""A node's columns: what the warehouse, the author and the query say about them, put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.core.meaning import Meaning, Output, Use
from orchestrator.core.node import Body, Column, SqlBody
from orchestrator.graph.inherit import Heritage
from orchestrator.graph.lineage import Point
from orchestrator.publish.site.known import Known
from orchestrator.publish.site.numbers import Numbers
from orchestrator.publish.site.results import Results


@dataclass(frozen=True, slots=True)
class Columns:
    """Entries as the site reads them; of how many the origins are known, and why there may be more columns."""

    entries: Sequence[dict[str, Any]] = ()
    traced: int = 0
    incomplete: str = ""


def columns_of(id_: str, body: Body, known: Known, numbers: Numbers, results: Results) -> Columns:
    """The columns of a node, in the order of its query, else of the warehouse, else as written."""
    node = known.graph.nodes[id_]
    if node.kind == "exposure":
        return Columns()
    meaning = known.meanings.get(id_)
    declared = {c.name.casefold(): c for c in body.docs.columns}
    real = {name.casefold(): (name, type_) for name, type_, _ in known.catalog[id_].columns} if id_ in known.catalog else {}
    meant = {o.name.casefold(): o for o in meaning.columns} if meaning else {}
    names = _names(body, meaning, real, declared)
    root = node.kind in ("source", "seed")
    below = _below(known, numbers, id_)
    tests = results.tests.get(id_, {})
    entries: list[dict[str, Any]] = []
    traced = 0
    for name in names:
        key = name.casefold()
        output, written = meant.get(key), declared.get(key)
        traced += root or (output is not None and not output.unknown)
        said = {
            "name": name,
            "type": real[key][1] if key in real else _type(written, output),
            **_told(known.heritage.get(Point(id_, output.name if output else written.name if written else name), Heritage()), numbers),
            "constraints": [_constraint(c) for c in written.constraints] if written else None,
            "tests": list(tests.get(key, ())),
            **(_origins(output, numbers) if output else {"unknown": _missing(meaning, root=root)}),
            "to": [list(e) for e in below.get(key, ()) if e[1]],
            "rows": [list(e) for e in below.get(key, ()) if not e[1]],
        }
        entries.append({k: v for k, v in said.items() if v or k == "name"})
    return Columns(entries, traced, _incomplete(meaning, known=bool(names) and (root or bool(real))))


def _names(body: Body, meaning: Meaning | None, real: Mapping[str, tuple[str, str]], declared: Mapping[str, Column]) -> list[str]:
    worked_out = [o.name for o in meaning.columns] if meaning else list(body.query.columns or ()) if isinstance(body, SqlBody) else []
    there = [name for name, _ in real.values()]
    complete = bool(worked_out) and (meaning is None or meaning.complete)
    first, second = (worked_out, []) if complete else (there, worked_out)
    found: dict[str, str] = {}
    for name in (*first, *second, *(c.name for c in declared.values())):
        found.setdefault(name.casefold(), name)
    return list(found.values())


def _type(declared: Column | None, output: Output | None) -> str | None:
    if declared is not None and declared.data_type:
        return declared.data_type
    return output.type if output is not None else None


def _incomplete(meaning: Meaning | None, *, known: bool) -> str:
    return "" if known or meaning is None or meaning.complete else meaning.unknown or "a star reads something unknown"


def _told(heritage: Heritage, numbers: Numbers) -> dict[str, Any]:
    """Descriptions, tags and classes, the column's own or inherited."""
    said = heritage.description
    inherited = said is not None and not said.own and said.origin.node in numbers.of
    return {
        "description": said.value if said else None,
        "inherited": {"node": numbers.of[said.origin.node], "column": said.origin.column} if said and inherited else None,
        "tags": list(dict.fromkeys(t.value for t in heritage.tags)),
        "pii": list(dict.fromkeys(c.value for c in heritage.classes)),
    }


def _missing(meaning: Meaning | None, *, root: bool) -> str:
    """Why nothing is known of where a column comes from that the query does not tell of."""
    if root or meaning is None:
        return ""
    return "declared, but the query does not make it" if meaning.complete else meaning.unknown


def _origins(output: Output, numbers: Numbers) -> dict[str, Any]:
    return {"expression": output.expression, "from": edges(output.uses, numbers), "unknown": output.unknown}


def _constraint(constraint: Mapping[str, Any]) -> str:
    expression = constraint.get("expression")
    return " ".join(str(part) for part in (constraint.get("type"), expression) if part)


def edges(uses: Iterable[Use], numbers: Numbers) -> list[list[Any]]:
    """Uses as the site reads them: ``[number, column, use]``, each once."""
    return [list(e) for e in dict.fromkeys((numbers.of[u.node], u.column, u.kind) for u in uses if u.node in numbers.of)]


def _below(known: Known, numbers: Numbers, id_: str) -> dict[str, list[tuple[int, str, str]]]:
    """What a node's columns are used for by its children, by folded name: uses for rows have no column of their own."""
    found: dict[str, dict[tuple[int, str, str], None]] = {}
    for child in dict.fromkeys(known.graph.children.get(id_, ())):
        meaning = known.meanings.get(child)
        if meaning is None or child not in numbers.of:
            continue
        number = numbers.of[child]
        for output in meaning.columns:
            for use in output.uses:
                if use.node == id_:
                    found.setdefault(use.column.casefold(), {})[number, output.name, use.kind] = None
        for use in meaning.rows:
            if use.node == id_:
                found.setdefault(use.column.casefold(), {})[number, "", use.kind] = None
    return {name: list(uses) for name, uses in found.items()}
