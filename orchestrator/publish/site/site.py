"""The documentation site: the texts below ``data/``, in the shapes that ``ui/src/data.ts`` names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from orchestrator.core.event import plain
from orchestrator.publish.site.columns import Columns, columns_of
from orchestrator.publish.site.detail import detail
from orchestrator.publish.site.known import Known
from orchestrator.publish.site.macros import macros
from orchestrator.publish.site.numbers import Numbers, numbers_of
from orchestrator.publish.site.results import Results, results_of
from orchestrator.publish.site.search import searchable
from orchestrator.publish.site.summary import summary

FORMAT = 1
"""Version of the shapes."""


def site(known: Known) -> Iterator[tuple[str, str]]:
    """Files by path, one at a time: each node's, then what is read whole. ``data/project.json`` comes last: it names all others."""
    numbers = numbers_of(known.graph)
    results = results_of(known)
    found = Tally()
    for id_ in numbers.ids:
        body = known.graph.bodies[id_]
        columns = columns_of(id_, body, known, numbers, results)
        yield f"data/nodes/{numbers.files[id_]}.json", text_of(detail(id_, body, columns, known, numbers, results))
        found.add(id_, body, columns, known, numbers, results)
    yield "data/search.json", text_of({"columns": found.names, "texts": found.texts})
    listed = macros(known, found.callers)
    yield "data/macros.json", text_of(listed)
    yield "data/project.json", text_of(_project(known, found, len(listed)))


class Tally:
    """What is said of every node in one file, collected while the nodes pass by."""

    def __init__(self) -> None:
        self.summaries: list[dict[str, Any]] = []
        self.names: list[str] = []
        self.texts: list[str] = []
        self.callers: dict[str, list[int]] = {}
        self.columns = 0
        self.traced = 0

    def add(self, id_: str, body: Any, columns: Columns, known: Known, numbers: Numbers, results: Results) -> None:
        """Take note of one node."""
        self.summaries.append(summary(id_, body, columns, known, numbers, results))
        names, text = searchable(body, columns)
        self.names.append(names)
        self.texts.append(text)
        self.columns += len(columns.entries)
        self.traced += columns.traced
        for macro in getattr(body, "macros", ()):
            self.callers.setdefault(macro, []).append(numbers.of[id_])


def _project(known: Known, found: Tally, listed: int) -> dict[str, Any]:
    graph = known.graph
    kinds = [n.kind for n in graph.nodes.values()]
    return {
        "format": FORMAT,
        "name": graph.project,
        "target": known.target,
        "engine": known.engine,
        "version": known.version,
        "generated_at": plain(known.generated),
        **({"overview": known.overview} if known.overview else {}),
        "nodes": found.summaries,
        "counts": {
            "tests": kinds.count("test"),
            "unit_tests": kinds.count("unit_test"),
            "macros": listed,
            "columns": found.columns,
            "traced": found.traced,
        },
    }


def text_of(value: Any) -> str:
    """A value as JSON, without spaces: NaN is null, what JSON has no word for is text.

    >>> text_of({"ratio": float("nan")})
    '{"ratio":null}'
    """
    try:
        return json.dumps(value, allow_nan=False, check_circular=False, separators=(",", ":"), default=plain)
    except (ValueError, TypeError):  # a NaN, or a key that is no text, somewhere in a config
        return json.dumps(plain(value), allow_nan=False, separators=(",", ":"))
