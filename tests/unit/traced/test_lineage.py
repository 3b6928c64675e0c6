from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output, Use
from orchestrator.core.node import Node
from orchestrator.graph.lineage import Hop, Point, Trace, called, downstream, hops, paths, upstream

RAW, PEOPLE, COUNTRIES = "source.shop.raw.orders", "source.shop.raw.people", "seed.shop.countries"
STG, CUSTOMERS, TOTALS, BIG, CHAINS = (f"model.shop.{n}" for n in ("stg_orders", "customers", "totals", "orders_big", "chains"))
BOARD = "exposure.shop.board"


def steps(shop: Any, trace: Trace) -> list[str]:
    return [f"{called(shop.graph, hop.parent)} {hop.kind} {called(shop.graph, hop.child)}" for hop in trace.hops]


def test_values_are_traced_through_an_ephemeral_model_to_the_source(shop: Any) -> None:
    trace = upstream(shop.graph, shop.meanings, [Point(TOTALS, "total")])
    assert steps(shop, trace) == ["stg_orders.amount aggregated totals.total", "raw.orders.amount_cents transformed stg_orders.amount"]
    assert [hop.expression for hop in trace.hops] == ["sum(o.amount)", "amount_cents / 100.0"]
    assert (trace.hops[1].start, trace.hops[1].end) == (19, 31)


def test_seeds_are_ends_and_what_only_orders_a_window_is_told_apart(shop: Any) -> None:
    assert steps(shop, upstream(shop.graph, shop.meanings, [Point(TOTALS, "r")])) == [
        "customers.country window totals.r",
        "countries.name renamed customers.country",
    ]


def test_a_column_that_filters_reaches_the_whole_model_and_its_readers(shop: Any) -> None:
    assert steps(shop, downstream(shop.graph, shop.meanings, [Point(STG, "amount")])) == [
        "stg_orders.amount passed orders_big.amount",
        "stg_orders.amount filter orders_big",
        "stg_orders.amount aggregated totals.total",
        "totals.total unknown chains",
        "totals.total reads board",
    ]
    rows = downstream(shop.graph, shop.meanings, [Point(PEOPLE, "code")])
    assert steps(shop, rows) == [
        "raw.people.code join customers",
        "customers reads totals",
        "totals reads chains",
        "totals reads board",
    ]


def test_a_python_model_may_use_every_column_it_could_see_and_says_why(shop: Any) -> None:
    found = [hop for hop in hops(shop.graph, shop.meanings, CHAINS) if hop.kind == "unknown"]
    assert [hop.parent.column for hop in found] == ["customer", "email", "total", "r"]
    assert {hop.why for hop in found} == {"a Python model"}


def test_a_node_of_which_nothing_is_known_may_use_everything(shop: Any) -> None:
    meanings = {id_: m for id_, m in shop.meanings.items() if id_ != BIG}
    found = downstream(shop.graph, meanings, [Point(STG, "id")])
    assert steps(shop, found) == ["stg_orders.id unknown orders_big"]


def test_an_exposure_is_reached_when_a_column_of_its_model_is(shop: Any) -> None:
    assert Point(BOARD) in downstream(shop.graph, shop.meanings, [Point(PEOPLE, "email")]).points
    assert Point(BOARD) not in downstream(shop.graph, shop.meanings, [Point(BIG, "id")]).points
    assert Point(TOTALS, "email") in upstream(shop.graph, shop.meanings, [Point(BOARD)]).points


@pytest.mark.parametrize(("depth", "count"), [(0, 0), (1, 3), (2, 5), (9, 5), (None, 5)])
def test_depth_counts_hops_and_says_where_it_cut(shop: Any, depth: int | None, count: int) -> None:
    trace = downstream(shop.graph, shop.meanings, [Point(STG, "amount")], depth)
    assert len(trace.hops) == count
    assert bool(trace.cut) == (depth in (0, 1))
    if depth == 1:
        assert trace.cut == {Point(TOTALS, "total")}


def test_the_way_to_a_point_is_a_shortest_one(shop: Any) -> None:
    way = paths(downstream(shop.graph, shop.meanings, [Point(RAW, "amount_cents")]))[Point(BOARD)]
    assert [hop.kind for hop in way] == ["transformed", "aggregated", "reads"]


def test_a_table_that_is_built_from_itself_is_not_its_own_parent() -> None:
    node = Node("model.p.a", "model", "a", "p", "", ("p", "a"), {}, depends_on=("model.p.a",))
    use = Use("model.p.a", "at", "filter")
    meanings = {"model.p.a": Meaning((Output("at", uses=(Use("model.p.a", "at", "passed"),)),), (use,))}
    assert list(hops(Graph({node.id: node}, {}), meanings, node.id)) == []


def test_several_mentions_of_a_column_are_one_hop_a_second_kind_is_another() -> None:
    nodes = {i: Node(f"model.p.{i}", "model", i, "p", "", ("p", i), {}, depends_on=on) for i, on in (("a", ()), ("b", ("model.p.a",)))}
    uses = tuple(Use("model.p.a", "x", kind) for kind in ("transformed", "transformed", "conditional"))
    meanings = {"model.p.a": Meaning((Output("x"),)), "model.p.b": Meaning((Output("y", uses=uses),))}
    graph = Graph({n.id: n for n in nodes.values()}, {})
    kinds = ["transformed", "conditional"]
    assert [h.kind for h in upstream(graph, meanings, [Point("model.p.b", "y")]).hops] == kinds
    assert [h.kind for h in downstream(graph, meanings, [Point("model.p.a", "x")]).hops] == kinds


def test_a_column_whose_origin_is_in_doubt_might_be_made_of_what_its_text_mentions() -> None:
    above = Node("model.p.a", "model", "a", "p", "", ("p", "a"), {})
    below = Node("model.p.b", "model", "b", "p", "", ("p", "b"), {}, depends_on=(above.id,))
    doubtful = Output("z", expression="unnest(payload).x", unknown="fields of a struct")
    meanings = {
        above.id: Meaning((Output("payload"), Output("load"))),
        below.id: Meaning((doubtful, Output("k", uses=(Use(above.id, "load", "renamed"),)))),
    }
    found = downstream(Graph({above.id: above, below.id: below}, {}), meanings, [Point(above.id, "payload"), Point(above.id, "load")])
    assert [(h.parent.column, h.child.column, h.kind, h.why) for h in found.hops] == [
        ("payload", "z", "unknown", "fields of a struct"),
        ("load", "k", "renamed", ""),
    ]


def test_a_star_over_unknown_columns_might_hand_on_what_it_is_not_known_to_hand_on() -> None:
    above = Node("source.p.s.t", "source", "t", "p", "", ("p", "s", "t"), {}, source_name="s")
    below = Node("model.p.b", "model", "b", "p", "", ("p", "b"), {}, depends_on=(above.id,))
    source = Meaning((Output("a"), Output("b")), complete=False, unknown="not declared")
    star = Meaning((Output("a", uses=(Use(above.id, "a", "passed"),)),), complete=False, unknown="a star over s.t")
    found = downstream(
        Graph({above.id: above, below.id: below}, {}), {above.id: source, below.id: star}, [Point(above.id, "a"), Point(above.id, "b")]
    )
    assert [(h.parent.column, h.child.column, h.kind, h.why) for h in found.hops] == [
        ("a", "a", "passed", ""),
        ("b", "", "unknown", "a star over s.t"),
    ]


# Laws


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Graph, dict[str, Meaning]]:
    count = draw(st.integers(1, 6))
    nodes: dict[str, Node] = {}
    meanings: dict[str, Meaning] = {}
    for number in range(count):
        parents = tuple(draw(st.sets(st.sampled_from(sorted(nodes)), max_size=3))) if nodes else ()
        id_ = f"model.p.m{number}"
        pairs = [(p, c.name) for p in parents if p in meanings for c in meanings[p].columns]
        uses = st.lists(
            st.builds(
                lambda at, kind: Use(at[0], at[1], kind),
                st.sampled_from(pairs or [("x", "x")]),
                st.sampled_from(["passed", "aggregated", "window"]),
            ),
            max_size=3 if pairs else 0,
        )
        rows = st.lists(
            st.builds(
                lambda at, kind: Use(at[0], at[1], kind), st.sampled_from(pairs or [("x", "x")]), st.sampled_from(["filter", "join"])
            ),
            max_size=2 if pairs else 0,
        )
        nodes[id_] = Node(id_, "model", f"m{number}", "p", "", ("p", f"m{number}"), {}, depends_on=parents)
        if draw(st.integers(0, 5)):
            columns = tuple(Output(name, uses=tuple(draw(uses))) for name in "abc"[: draw(st.integers(1, 3))])
            complete = draw(st.booleans())
            meanings[id_] = Meaning(columns, tuple(draw(rows)), complete, "" if complete else "a star")
    if draw(st.booleans()):
        nodes["exposure.p.e"] = Node("exposure.p.e", "exposure", "e", "p", "", ("p", "e"), {}, depends_on=(max(nodes),))
    return Graph(nodes, {}), meanings


def everywhere(graph: Graph, meanings: dict[str, Meaning]) -> list[Point]:
    known = {id_: [c.name for c in meanings[id_].columns] if id_ in meanings else [] for id_ in graph.nodes}
    return [Point(id_, name) for id_, names in known.items() for name in ("", *names)]


@given(worlds())
def test_what_is_downstream_of_a_point_has_the_point_upstream_and_the_other_way_round(world: tuple[Graph, dict[str, Meaning]]) -> None:
    graph, meanings = world
    points = everywhere(graph, meanings)
    below = {p: set(downstream(graph, meanings, [p]).points) for p in points}
    above = {p: set(upstream(graph, meanings, [p]).points) for p in points}
    assert {(p, q) for p in points for q in below[p]} == {(q, p) for p in points for q in above[p]}


@given(worlds(), st.integers(0, 4))
def test_one_hop_more_never_shows_less(world: tuple[Graph, dict[str, Meaning]], depth: int) -> None:
    graph, meanings = world
    for trace in (upstream, downstream):
        for point in everywhere(graph, meanings):
            near, far, all_ = (trace(graph, meanings, [point], d) for d in (depth, depth + 1, None))
            assert set(near.hops) <= set(far.hops) <= set(all_.hops)
            assert (set(near.hops) == set(all_.hops)) == (not near.cut)


@given(worlds())
def test_lineage_has_no_circles_and_every_hop_once(world: tuple[Graph, dict[str, Meaning]]) -> None:
    graph, meanings = world
    place = {id_: at for at, id_ in enumerate(graph.order)}
    found: list[Hop] = [hop for point in everywhere(graph, meanings) for hop in upstream(graph, meanings, [point]).hops]
    assert all(place[hop.parent.node] < place[hop.child.node] for hop in found)
    for point in everywhere(graph, meanings):
        seen = [(h.parent, h.child, h.kind) for h in upstream(graph, meanings, [point]).hops]
        assert len(seen) == len(set(seen))
