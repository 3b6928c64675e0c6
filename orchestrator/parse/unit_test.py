"""Unit tests: inputs to stand in for a model's parents, and the rows that must come out."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from orchestrator.core import marker
from orchestrator.core.declaration import Declaration
from orchestrator.core.errors import Problem
from orchestrator.core.node import Docs, Fixture, UnitTestBody


def unit_test_body(declaration: Declaration, problems: list[Problem]) -> tuple[UnitTestBody | None, tuple[tuple[str, int], ...]]:
    """Read one entry of ``unit_tests:``; what it refers to comes back as payloads."""
    patch = declaration.patch
    data: Mapping[str, Any] = patch.data if patch else {}
    model = str(data.get("model") or "")
    given = tuple(_fixture(str(g.get("input") or ""), g, declaration, problems) for g in data.get("given") or ())
    expect = _fixture("", data.get("expect") or {}, declaration, problems)
    found = tuple(g for g in given if g is not None)
    if expect is None or len(found) != len(given):
        return None, ()
    body = UnitTestBody(
        model, found, expect, data.get("overrides") or {}, Docs(str(data.get("description") or ""), patch_path=declaration.path)
    )
    return body, ((marker.ref(model), declaration.line),)


def _fixture(name: str, entry: Mapping[str, Any], declaration: Declaration, problems: list[Problem]) -> Fixture | None:
    form = str(entry.get("format") or "dict")
    rows = entry.get("rows")
    where = f"input {name}" if name else "`expect`"
    match form, rows:
        case "dict", list() | tuple() | None:
            return Fixture(name, tuple(dict(row) for row in rows or ()))
        case "csv", str():
            return Fixture(name, tuple(_csv(rows)))
        case "sql", str():
            return Fixture(name, None, rows)
        case _:
            hint = "format: dict takes a list of rows, csv and sql take a text block under `rows: |`"
            problems.append(
                Problem("P040", f"unit test `{declaration.name}`: {where} has no rows in format `{form}`", declaration.span, hint)
            )
            return None


def _csv(text: str) -> list[dict[str, Any]]:
    """Rows of a CSV block; an empty field is NULL."""
    lines = "\n".join(line.strip() for line in text.strip().splitlines())
    return [{k.strip(): (v if v != "" else None) for k, v in row.items() if k} for row in csv.DictReader(io.StringIO(lines))]
