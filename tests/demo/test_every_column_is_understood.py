"""Nothing about the demo's columns is unknown, once the columns of what it reads from outside are; and the warehouse agrees."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb
import pytest

from orchestrator.api import Project
from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Shape
from orchestrator.core.node import Node, PythonBody, SeedBody, SourceBody, SqlBody
from orchestrator.sql.understand.understand import understand

Outside = Callable[[Graph, Node], Shape]


@pytest.fixture
def graph(demo: Path) -> Graph:
    return Project(demo, env={}).graph


@pytest.fixture
def found(demo: Path, graph: Graph) -> Mapping[str, Meaning]:
    return meanings(graph, lambda graph, node: written(demo, graph, node))


def written(demo: Path, graph: Graph, node: Node) -> Shape:
    """The columns of what is no SQL: a seed's header, or what its author documented."""
    match graph.bodies[node.id]:
        case SeedBody():
            with (demo / node.path).open(encoding="utf-8", newline="") as file:
                return Shape(tuple((name, None) for name in next(csv.reader(file))), complete=True)
        case SourceBody(docs=docs) | PythonBody(docs=docs):
            return Shape(tuple((column.name, column.data_type) for column in docs.columns), complete=True)
        case body:
            raise AssertionError(body)


def meanings(graph: Graph, outside: Outside) -> Mapping[str, Meaning]:
    shapes: dict[str, Shape] = {}
    found: dict[str, Meaning] = {}
    for id_ in graph.order:
        node, body = graph.nodes[id_], graph.bodies[id_]
        if node.kind in ("model", "snapshot", "test") and isinstance(body, SqlBody):
            inputs = {name: (parent, shapes[parent]) for name, parent in node.links if parent in shapes}
            found[id_] = understand(body.query, inputs, "duckdb", strict=True)
            shapes[id_] = found[id_].shape
        elif node.kind in ("seed", "source", "model"):
            shapes[id_] = outside(graph, node)
    return found


def test_every_column_of_every_model_is_known_down_to_its_origins(graph: Graph, found: Mapping[str, Meaning]) -> None:
    models = {id_: meaning for id_, meaning in found.items() if graph.nodes[id_].kind == "model"}
    assert len(models) == sum(1 for node in graph.nodes.values() if node.kind == "model" and node.language == "sql")
    assert {id_: meaning.unknown for id_, meaning in models.items() if not meaning.complete} == {}
    assert {(id_, c.name): c.unknown for id_, meaning in models.items() for c in meaning.columns if c.unknown} == {}


def test_columns_are_those_that_the_parser_saw(graph: Graph, found: Mapping[str, Meaning]) -> None:
    for id_, meaning in found.items():
        body = graph.bodies[id_]
        if isinstance(body, SqlBody) and body.query.columns is not None and graph.nodes[id_].kind == "model":
            assert tuple(c.name for c in meaning.columns) == body.query.columns


def test_nothing_is_wrong_in_the_demo(graph: Graph, found: Mapping[str, Meaning]) -> None:
    assert {
        id_: wrong for id_, meaning in found.items() if (wrong := [f for f in meaning.findings if f.code != "S303"])
    } == {}  # no mart has one


def test_every_mention_is_where_it_says(graph: Graph, found: Mapping[str, Meaning]) -> None:
    """A use's place holds the column's name, or a star, or leads into the expression that mentions it."""
    for id_, meaning in found.items():
        body = graph.bodies[id_]
        assert isinstance(body, SqlBody)
        for use in [*(u for c in meaning.columns for u in c.uses), *meaning.rows]:
            said = body.query.sql[use.start : use.end].lower().replace('"', "")
            assert said.rpartition(".")[2] in (use.column.lower(), "*"), (id_, use, said)


def test_types_are_those_of_the_warehouse(demo: Path, graph: Graph) -> None:
    """Given the types of what is no SQL, every type we state further down is the one that the engine came to."""
    with duckdb.connect(str(demo / "warehouse.duckdb"), read_only=True) as connection:

        def held(node: Node) -> Shape:
            relation = node.relation
            assert relation is not None
            rows = connection.execute(f'describe "{relation.schema}"."{relation.name}"').fetchall()
            return Shape(tuple((row[0], row[1]) for row in rows), complete=True)

        stated = agreed = 0
        for id_, meaning in meanings(graph, lambda _, node: held(node)).items():
            node = graph.nodes[id_]
            if node.kind != "model" or node.is_ephemeral:
                continue
            really = dict(held(node).columns)
            assert [c.name for c in meaning.columns] == list(really)
            wrong = {c.name: (c.type, really[c.name]) for c in meaning.columns if c.type not in (None, really[c.name])}
            assert wrong == {}, id_
            stated += len(meaning.columns)
            agreed += sum(c.type is not None for c in meaning.columns)
        assert agreed > 0.9 * stated
