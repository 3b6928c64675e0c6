from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.adapters import registry
from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import NativeTestBody, Node, Query, Read, SqlBody
from orchestrator.core.plan import Request
from orchestrator.core.snapshot import Snapshot
from orchestrator.execute.frontier import Frontier
from orchestrator.plan.gates import blocking, gates, upstream
from orchestrator.plan.plan import plan

DUCKDB = registry.dialect("duckdb")


def graph_of(
    models: Mapping[str, Sequence[str]], tests: Mapping[str, Sequence[str]] | None = None, *, ephemeral: Sequence[str] = ()
) -> Graph:
    """Models and tests by name with their parents; a test is attached to its first parent."""
    nodes: dict[str, Node] = {}
    bodies: dict[str, Any] = {}
    for name, parents in models.items():
        links = tuple((p, p) for p in parents)
        kind = "ephemeral" if name in ephemeral else "table"
        relation = None if name in ephemeral else Relation("w", "s", name)
        nodes[name] = Node(
            name,
            "model",
            name,
            "p",
            f"{name}.sql",
            ("p", name),
            {"materialized": kind},
            relation=relation,
            depends_on=tuple(parents),
            links=links,
        )
        text = "select 1" + "".join(f", (select 1 from {p})" for p in parents)
        reads = tuple(Read(p, text.index(f"from {p})") + 5, text.index(f"from {p})") + 5 + len(p)) for p in parents)
        bodies[name] = SqlBody(text, Query(text, reads))
    for name, parents in (tests or {}).items():
        nodes[name] = Node(
            name,
            "test",
            name,
            "p",
            "t.yml",
            ("p", name),
            {},
            depends_on=tuple(parents),
            attached=parents[0],
            column="x",
            test_name="not_null",
        )
        bodies[name] = NativeTestBody({})
    return Graph(nodes, bodies)


DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def test_a_test_gates_the_last_of_its_parents() -> None:
    graph = graph_of(DIAMOND, {"t_a": ["a"], "t_ad": ["a", "d"], "t_da": ["d", "a"]})
    found = gates(graph, set(DIAMOND), {"t_a", "t_ad", "t_da"})
    assert found.tests == {"a": ("t_a",), "d": ("t_ad", "t_da")}
    assert found.free == ()


def test_where_the_graph_leaves_it_open_the_node_the_test_is_attached_to_comes_last() -> None:
    graph = graph_of({"child": [], "parent": []}, {"relationships": ["child", "parent"]})
    found = gates(graph, {"child", "parent"}, {"relationships"})
    assert found.order == ("parent", "child")
    assert found.tests == {"child": ("relationships",)}
    assert found.extra == {"child": ("parent",)}


def test_two_wishes_against_each_other_give_an_order_all_the_same() -> None:
    graph = graph_of({"a": [], "b": []}, {"t_ab": ["a", "b"], "t_ba": ["b", "a"]})
    found = gates(graph, {"a", "b"}, {"t_ab", "t_ba"})
    assert found.order == ("a", "b")
    assert found.tests == {"b": ("t_ab", "t_ba")}


def test_what_is_not_built_gates_nothing() -> None:
    graph = graph_of(DIAMOND, {"t_ab": ["a", "b"], "t_c": ["c"]})
    found = gates(graph, {"b", "d"}, {"t_ab", "t_c"})
    assert found.tests == {"b": ("t_ab",)}
    assert found.extra == {"b": ()}
    assert found.free == ("t_c",)


def test_a_test_of_something_ephemeral_is_free_and_holds_back_what_reads_it() -> None:
    graph = graph_of({"a": [], "e": ["a"], "b": ["e"], "c": ["b"], "other": ["a"]}, {"t": ["e"]}, ephemeral=["e"])
    building = {"a", "b", "c", "other"}
    assert gates(graph, building, {"t"}).free == ("t",)
    assert blocking(graph, ("t",), building) == {"b": ["t"]}  # c waits for b
    assert upstream(graph, graph.nodes["b"], building) == ("a",)


def test_a_free_test_holds_back_only_what_is_below_all_it_looks_at() -> None:
    graph = graph_of({"a": [], "b": [], "of_a": ["a"], "of_both": ["a", "b"], "last": ["of_both"]}, {"t": ["a", "b"]})
    assert blocking(graph, ("t",), {"a", "b", "of_a", "of_both", "last"}) == {"of_both": ["t"]}


def test_needs_seen_through_what_is_not_built() -> None:
    graph = graph_of({"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"]})
    assert upstream(graph, graph.nodes["d"], {"a", "d"}) == ("a",)
    assert upstream(graph, graph.nodes["d"], {"b", "d"}) == ("b",)


@st.composite
def projects(draw: st.DrawFn) -> tuple[Graph, set[str], set[str]]:
    models: dict[str, list[str]] = {}
    for number in range(draw(st.integers(1, 9))):
        models[f"m{number}"] = sorted(draw(st.sets(st.sampled_from(sorted(models)), max_size=3))) if models else []
    ephemeral = draw(st.sets(st.sampled_from(sorted(models)), max_size=2))
    tests = {
        f"t{number}": draw(st.lists(st.sampled_from(sorted(models)), min_size=1, max_size=3, unique=True))
        for number in range(draw(st.integers(0, 9)))
    }
    chosen = draw(st.sets(st.sampled_from(sorted(models)))) - ephemeral
    return graph_of(models, tests, ephemeral=sorted(ephemeral)), chosen, set(tests)


@given(projects())
def test_the_order_respects_every_edge_and_each_test_has_one_place(project: tuple[Graph, set[str], set[str]]) -> None:
    graph, building, tests = project
    found = gates(graph, building, tests)
    rank = {id_: i for i, id_ in enumerate(found.order)}
    assert sorted(found.order) == sorted(building)
    for id_ in found.order:
        assert all(rank[p] < rank[id_] for p in (*upstream(graph, graph.nodes[id_], building), *found.extra.get(id_, ())))
    placed = [t for of in found.tests.values() for t in of]
    assert sorted([*placed, *found.free]) == sorted(tests)
    for id_, of in found.tests.items():
        for test in of:
            others = {p for p in graph.nodes[test].depends_on if p in building} - {id_}
            assert others <= set(found.extra[id_])  # every other parent is published before the gate looks at it
    assert gates(graph, building, tests) == found


@given(projects(), st.sampled_from(["run", "build", "test"]), st.booleans(), st.booleans())
def test_every_plan_can_be_walked_to_its_end(
    project: tuple[Graph, set[str], set[str]], command: str, gated: bool, select_tests: bool
) -> None:
    graph, building, tests = project
    selected = building | (tests if select_tests else set())
    made = plan(graph, selected, Snapshot(), Request(command, gates=gated), DUCKDB, run="r")
    frontier = Frontier(made.tasks)
    done: list[str] = []
    while (task := frontier.take()) is not None:
        assert {n for n in task.needs if n in {t.node for t in made.tasks}} <= set(done)
        done.append(task.node)
        frontier.succeed(task.node)
    assert sorted(done) == sorted(t.node for t in made.tasks)
    judged = [t for task in made.tasks for t in task.tests]
    assert len(judged) == len(set(judged))
    assert made.total == len({*judged, *(t.node for t in made.tasks)})
    for task in made.tasks:
        steps = [s.id for s in task.steps]
        assert len(steps) == len(set(steps))
        for position, step in enumerate(task.steps):
            assert set(step.needs) <= set(steps[:position])
