"""The graph of a selection as a diagram."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.core.graph import Graph
from orchestrator.core.node import Node
from orchestrator.report.drawn import Form, drawn

FILES = {
    "models/sources.yml": """
        version: 2
        sources: [{name: raw, tables: [{name: trips}]}]
        models: [{name: core, columns: [{name: id, data_tests: [not_null]}]}]
        """,
    "models/stg.sql": "select id from raw.trips",
    "models/core.sql": "select id from stg",
    "models/mart.sql": "select c.id from core c join stg s on c.id = s.id",
}


def test_0_8_the_graph_is_printed_for_other_programs(project: Callable[..., Any]) -> None:
    made = project(FILES)
    whole = made.orc("ls", "--output", "mermaid", "--exclude-resource-type", "test").exits(0).stdout
    assert whole.splitlines() == [
        "flowchart LR",
        '  n0["raw.trips (source)"]',
        '  n1["stg"]',
        '  n2["core"]',
        '  n3["mart"]',
        "  n0 --> n1",
        "  n1 --> n2",
        "  n2 --> n3",
        "  n1 --> n3",
    ]
    part = made.orc("ls", "-s", "core+", "--output", "dot").exits(0).stdout
    boxes = [line for line in part.splitlines() if "label=" in line]
    assert [box.partition("=")[2] for box in boxes][:1] == ['"core"];']
    assert not any("stg" in box for box in boxes), "what is not selected is not drawn"
    assert part.count(" -> ") == 2, "to its test and to the mart; nothing leads to what is not there"
    assert "not_null_core_id (test)" in part
    assert part.startswith("digraph project {\n")
    assert part.endswith("}\n")


def test_0_8_nothing_chosen_is_an_empty_graph(project: Callable[..., Any]) -> None:
    found = project(FILES).orc("ls", "-s", "core", "--exclude", "core", "--output", "mermaid").exits(0)
    assert found.stdout == "flowchart LR\n"
    assert "No nodes selected!" in found.stderr


@pytest.mark.parametrize("form", ["mermaid", "dot"])
def test_0_8_a_hostile_name_is_only_text(form: Form) -> None:
    name = 'x"]; click n0 "javascript:alert(1)"\n  n9 --> n0 <script>\\'
    node = Node("model.p.x", "model", name, "p", "", (), {})
    told = drawn(Graph({node.id: node}, {}), [node.id], form)
    assert len(told.splitlines()) == (2 if form == "mermaid" else 5)
    (box,) = [line for line in told.splitlines() if line.startswith("  n0")]
    inner = box[len('  n0["') : -len('"]')] if form == "mermaid" else box[len('  n0 [label="') : -len('"];')]
    assert '"' not in inner.replace("\\\\", "").replace('\\"', "")
    assert form == "dot" or not set(inner) & set("<>\\]:")
