"""All files of an invocation, as texts by path below the target folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from orchestrator.core.event import plain
from orchestrator.core.graph import Graph
from orchestrator.core.project import Project
from orchestrator.core.run import Run
from orchestrator.publish.facts import Facts
from orchestrator.publish.layout import compiled_path, run_path
from orchestrator.publish.manifest import manifest
from orchestrator.publish.run_results import run_results


def publish(graph: Graph, project: Project, facts: Facts, run: Run | None = None) -> dict[str, str]:
    """``manifest.json``, the queries of nodes that have one, and after a run its results and the statements it sent."""
    files = {"manifest.json": as_text(manifest(graph, project, facts))}
    if run is not None:
        files["run_results.json"] = as_text(run_results(run, graph, facts))
    return {**files, **_texts(graph, facts.compiled, compiled_path), **_texts(graph, facts.sent, run_path)}


def as_text(artifact: Mapping[str, Any]) -> str:
    """An artifact as JSON on one line: NaN is null, what JSON has no word for is text."""
    try:
        return json.dumps(artifact, allow_nan=False, check_circular=False, default=plain)
    except (ValueError, TypeError):  # a NaN, or a key that is no text, somewhere in a config: clean everything, at four times the price
        return json.dumps(plain(artifact), allow_nan=False)


def _texts(graph: Graph, texts: Mapping[str, str], place: Any) -> dict[str, str]:
    return {place(graph.nodes[id_]): text for id_, text in texts.items() if id_ in graph.nodes}
