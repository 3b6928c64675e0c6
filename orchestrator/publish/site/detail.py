"""A node's own file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.core.event import plain
from orchestrator.core.node import Body, ExposureBody, Node, PythonBody, SourceBody, SqlBody
from orchestrator.publish.catalog import TYPES
from orchestrator.publish.site.columns import Columns, edges
from orchestrator.publish.site.known import Known
from orchestrator.publish.site.numbers import Numbers
from orchestrator.publish.site.results import Results, runs
from orchestrator.publish.site.summary import owner

UNSHOWN = frozenset({"meta", "tags", "group", "access", "enabled", "docs"})
"""Config that the page shows elsewhere, or that says nothing to a reader."""


def detail(id_: str, body: Body, columns: Columns, known: Known, numbers: Numbers, results: Results) -> dict[str, Any]:
    """Everything its page shows, as plain data; keys with nothing to say are left out."""
    node = known.graph.nodes[id_]
    docs = body.docs
    meaning = known.meanings.get(id_)
    text = body.raw if isinstance(body, SqlBody | PythonBody) else None
    said: dict[str, Any] = {
        "description": docs.description,
        "path": node.path,
        "line": node.line if node.line > 1 or node.kind in ("source", "exposure") else None,
        "patch_path": docs.patch_path,
        "relation": known.quoted(node.relation) if node.relation is not None and not node.is_ephemeral and _is_relation(node) else None,
        "language": node.language if text is not None else None,
        "incomplete": columns.incomplete,
        "rows": edges(meaning.rows, numbers) if meaning else None,
        "raw": text,
        "compiled": known.compiled(id_) if isinstance(body, SqlBody) else None,
        "tests": _other_tests(results.tests.get(id_, {}), columns),
        "config": _config(node),
        "meta": _pairs({**(node.config.get("meta") or {}), **docs.meta}),
        "owner": owner(node, body, known),
        "macros": list(body.macros) if isinstance(body, SqlBody) else None,
        "catalog": _catalog(id_, known),
        "runs": runs(known, id_),
        **_of_source(body, node, known),
        **_of_exposure(body),
    }
    return {"id": id_, "index": numbers.of[id_], "columns": list(columns.entries), **{key: value for key, value in said.items() if value}}


def _other_tests(tests: Mapping[str, Sequence[dict[str, Any]]], columns: Columns) -> list[dict[str, Any]]:
    """Tests of no column, and of columns nobody else knows of."""
    shown = {c["name"].casefold() for c in columns.entries}
    return [entry for column, entries in tests.items() if column not in shown for entry in entries]


def _is_relation(node: Node) -> bool:
    return node.has_data or node.kind == "source"


def _config(node: Node) -> list[list[str]]:
    return _pairs({key: value for key, value in node.config.items() if key not in UNSHOWN and value not in (None, "", [], {}, ())})


def _pairs(mapping: Mapping[str, Any]) -> list[list[str]]:
    return [[str(key), _spelled(value)] for key, value in mapping.items()]


def _spelled(value: Any) -> str:
    """A value as an author would write it on one line."""
    value = plain(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _catalog(id_: str, known: Known) -> dict[str, Any] | None:
    found = known.catalog.get(id_)
    if found is None:
        return None
    said = {"type": TYPES[found.kind].lower(), "owner": found.owner, "comment": found.comment}
    return {key: value for key, value in said.items() if value}


def _of_source(body: Body, node: Node, known: Known) -> dict[str, Any]:
    if not isinstance(body, SourceBody):
        return {}
    source = {"name": node.source_name or "", "description": body.source_description, "loader": body.loader}
    rules = body.freshness or {}
    last = known.arrivals.get(node.id, {})
    freshness = {
        "loaded_at_field": body.loaded_at_field,
        "warn_after": _period(rules.get("warn_after")),
        "error_after": _period(rules.get("error_after")),
        "status": last.get("status"),
        "max_loaded_at": last.get("max_loaded_at"),
        "age": _age(last.get("max_loaded_at_time_ago_in_s")),
    }
    return {
        "source": {key: value for key, value in source.items() if value or key == "name"},
        "freshness": {key: str(value) for key, value in freshness.items() if value} if body.freshness or last else None,
    }


def _period(rule: Any) -> str | None:
    if not isinstance(rule, Mapping) or not rule.get("count"):
        return None
    return f"{rule['count']} {rule.get('period', '')}{'' if rule['count'] == 1 else 's'}"


def _age(seconds: Any) -> str | None:
    if not isinstance(seconds, int | float):
        return None
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {word}{'' if count == 1 else 's'}"
    return "under a minute"


def _of_exposure(body: Body) -> dict[str, Any]:
    if not isinstance(body, ExposureBody):
        return {}
    said = {"url": body.url, "maturity": body.maturity, "label": body.label}
    return {"exposure": {"type": body.type, **{key: value for key, value in said.items() if value}}}
