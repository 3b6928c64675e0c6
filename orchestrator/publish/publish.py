"""All files of an invocation, as texts by path below the target folder."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from orchestrator.core.event import plain
from orchestrator.core.graph import Graph
from orchestrator.core.project import Project
from orchestrator.core.run import Run
from orchestrator.publish.entries import entry
from orchestrator.publish.facts import Facts
from orchestrator.publish.layout import compiled_path, run_path
from orchestrator.publish.manifest import Part, manifest_roots, parts
from orchestrator.publish.run_results import run_results

Text = str | Iterable[str]
"""A file's text, whole or in pieces."""


def publish(graph: Graph, project: Project, facts: Facts, run: Run | None = None) -> dict[str, Text]:
    """``manifest.json``, the queries of nodes that have one, and after a run its results and the statements it sent."""
    files: dict[str, Text] = {"manifest.json": _pieces(parts(graph, project, facts))}
    if run is not None:
        files["run_results.json"] = as_text(run_results(run, graph, facts))
    return {**files, **_texts(graph, facts.compiled, compiled_path), **_texts(graph, facts.sent, run_path)}


def _pieces(found: Iterable[Part]) -> Iterator[str]:
    """The manifest as JSON, entry by entry; each entry of a long value stands on a line of its own, so it can be replaced there."""
    comma = "{"
    for key, value in found:
        yield f"{comma}{json.dumps(key)}: "
        comma = ", "
        if not isinstance(value, Iterator):
            yield as_text(value)
            continue
        inner = "{"
        for id_, item in value:
            yield f"{inner}\n{json.dumps(id_)}: {as_text(item)}"
            inner = ","
        yield "{}" if inner == "{" else "\n}"
    yield "}\n"


def patched(lines: Iterable[bytes], graph: Graph, project: Project, facts: Facts, changed: Collection[str]) -> Iterator[bytes]:
    """The lines of a manifest of ours with what it says about ``changed`` nodes brought up to date.

    Every such node has an entry, its parents and its children on lines of their own; all other lines stay, undecoded.
    """
    roots = manifest_roots(project)
    wanted = {json.dumps(id_).encode(): id_ for id_ in changed}
    section = "nodes"
    for line in lines:
        if line.startswith(b'"'):
            id_ = wanted.get(line[: line.index(b'"', 1) + 1])
            if id_ is not None:
                said = as_text(_said(section, id_, graph, facts, roots)).encode("utf-8", "backslashreplace")
                yield b"%b: %b%b" % (json.dumps(id_).encode(), said, b",\n" if line.endswith(b",\n") else b"\n")
                continue
        else:
            for name in ("parent_map", "child_map"):
                if line.endswith(f'"{name}": {{\n'.encode()):
                    section = name
        yield line


def _said(section: str, id_: str, graph: Graph, facts: Facts, roots: tuple[str, ...]) -> Any:
    match section:
        case "parent_map":
            return [p for p in graph.nodes[id_].depends_on if p in graph.nodes]
        case "child_map":
            return list(graph.children[id_])
        case _:
            return entry(graph.nodes[id_], graph, facts, roots)


def as_text(artifact: Any) -> str:
    """An artifact as JSON on one line: NaN is null, what JSON has no word for is text."""
    try:
        return json.dumps(artifact, allow_nan=False, check_circular=False, default=plain)
    except (ValueError, TypeError):  # a NaN, or a key that is no text, somewhere in a config: clean everything, at four times the price
        return json.dumps(plain(artifact), allow_nan=False)


def _texts(graph: Graph, texts: Mapping[str, str], place: Any) -> dict[str, str]:
    return {place(graph.nodes[id_]): text for id_, text in texts.items() if id_ in graph.nodes}
