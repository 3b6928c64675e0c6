"""catalog.json: what the warehouse holds, node by node."""

from __future__ import annotations

from datetime import UTC, datetime

from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import Node, SeedBody
from orchestrator.core.snapshot import Described
from orchestrator.publish.catalog import catalog
from orchestrator.publish.facts import Facts

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_an_entry_for_what_exists_and_none_for_what_does_not() -> None:
    here, gone = Relation("db", "s", "here"), Relation("db", "s", "gone")
    nodes = {
        f"seed.p.{r.name}": Node(f"seed.p.{r.name}", "seed", r.name, "p", f"{r.name}.csv", ("p", r.name), {}, relation=r)
        for r in (here, gone)
    }
    graph = Graph(nodes, {id_: SeedBody("x") for id_ in nodes})
    found = Described(here, "table", (("id", "bigint", "key"),), comment="all", owner="ann")
    made = catalog(graph, Facts("i", NOW, NOW, "postgres"), [found])
    assert made["metadata"]["dbt_schema_version"].endswith("catalog/v1.json")
    assert list(made["nodes"]) == ["seed.p.here"]
    entry = made["nodes"]["seed.p.here"]
    assert entry["metadata"] == {"type": "BASE TABLE", "schema": "s", "name": "here", "database": "db", "comment": "all", "owner": "ann"}
    assert entry["columns"] == {"id": {"type": "bigint", "index": 1, "name": "id", "comment": "key"}}
    assert {key: item["value"] for key, item in entry["stats"].items()} == {"has_stats": False}
