from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output, Use
from orchestrator.core.names import Relation
from orchestrator.core.node import Body, Column, Docs, Node, PythonBody, SeedBody, SqlBody
from orchestrator.graph.compare import Change, Version, compare
from orchestrator.graph.impact import consequences, impact
from orchestrator.graph.lineage import Point
from orchestrator.sql.parse import parse

A, B, C = "model.p.a", "model.p.b", "model.p.c"


def node(id_: str, *parents: str, **config: Any) -> Node:
    name = id_.rpartition(".")[2]
    links = tuple((p.rpartition(".")[2], p) for p in parents)
    return Node(
        id_,
        "model",
        name,
        "p",
        f"models/{name}.sql",
        ("p", name),
        config,
        relation=Relation("d", "s", name),
        depends_on=parents,
        links=links,
    )


def body(text: str, **more: Any) -> SqlBody:
    return SqlBody(text, parse(text, "duckdb"), **more)


def version(nodes: list[Node], bodies: Mapping[str, Body], meanings: Mapping[str, Meaning]) -> Version:
    return Version(Graph({n.id: n for n in nodes}, bodies), meanings, "duckdb")


def columns(*outputs: Output, rows: tuple[Use, ...] = ()) -> Meaning:
    return Meaning(outputs, rows)


def out(name: str, expression: str = "", *uses: Use, type_: str | None = "integer") -> Output:
    return Output(name, type_, uses, expression or name)


BEFORE = version(
    [node(A), node(B, A)],
    {A: body("select x, y from raw where x > 0"), B: body("select x, y * 2 as z from a")},
    {
        A: columns(out("x"), out("y")),
        B: columns(out("x", "x", Use(A, "x", "passed", 7, 8)), out("z", "y * 2", Use(A, "y", "transformed", 10, 11))),
    },
)


def changed(text: str, *outputs: Output, **more: Any) -> list[tuple[str, str, str, str]]:
    """What is said of `a` when its text and columns become these."""
    now = Graph({**BEFORE.graph.nodes, A: replace(BEFORE.graph.nodes[A], **more)}, {**BEFORE.graph.bodies, A: body(text)})
    after = Version(now, {**BEFORE.meanings, A: columns(*(outputs or BEFORE.meanings[A].columns))}, "duckdb")
    return [(c.category, c.column, c.before, c.after) for c in compare(BEFORE, after) if c.node == A]


def test_a_project_is_no_different_from_itself() -> None:
    assert compare(BEFORE, BEFORE) == ()


@pytest.mark.parametrize(
    ("text", "outputs", "said"),
    [
        ("select x,\n  y -- why\nfrom raw where x > 0", (), [("cosmetic", "", "", "")]),
        ("select x, y from raw where x > 1", (), [("row set changed", "", "", "")]),
        ("select x, y + 1 as y from raw where x > 0", (out("x"), out("y", "y + 1")), [("expression changed", "y", "y", "y + 1")]),
        ("select x, y, 1 as n from raw where x > 0", (out("x"), out("y"), out("n", "1")), [("column added", "n", "", "1")]),
        ("select x from raw where x > 0", (out("x"),), [("column removed", "y", "y", "")]),
        ("select x, y as why from raw where x > 0", (out("x"), out("why", "y")), [("column renamed", "why", "y", "why")]),
        (
            "select x, y::text as y from raw where x > 0",
            (out("x"), out("y", "y::text", type_="text")),
            [("type changed", "y", "integer", "text")],
        ),
        (
            "select x + 1 as x, y from raw where x > 1",
            (out("x", "x + 1"), out("y")),
            [("expression changed", "x", "x", "x + 1"), ("row set changed", "", "", "")],
        ),
    ],
)
def test_a_change_is_named_by_what_it_does(text: str, outputs: tuple[Output, ...], said: list[tuple[str, str, str, str]]) -> None:
    assert changed(text, *outputs) == said


def test_of_two_columns_that_were_made_alike_nobody_can_tell_which_was_renamed() -> None:
    two = columns(out("x"), out("y", "k"), out("z", "k"))
    before = version([node(A)], {A: body("select x, k as y, k as z from raw")}, {A: two})
    after = version([node(A)], {A: body("select x, k as w from raw")}, {A: columns(out("x"), out("w", "k"))})
    assert [(c.category, c.column) for c in compare(before, after)] == [
        ("column added", "w"),
        ("column removed", "y"),
        ("column removed", "z"),
    ]


def test_a_change_inside_a_cte_is_a_change_of_the_column_it_feeds() -> None:
    before = version(
        [node(A)], {A: body("with c as (select x, y from raw) select x, y * 2 as y from c")}, {A: columns(out("x"), out("y", "y * 2"))}
    )
    after = version([node(A)], {A: body("with c as (select x, -y as y from raw) select x, y * 2 as y from c")}, before.meanings)
    assert [(c.category, c.column) for c in compare(before, after)] == [("expression changed", "y")]


def test_columns_behind_a_star_are_compared_by_the_names_they_are_known_to_have() -> None:
    one, other = (body(f"select * replace (y + {n} as y) from raw") for n in (1, 2))
    shape = columns(out("x", "*"), out("y", "y + 1"))
    before, after = (version([node(A)], {A: b}, {A: shape}) for b in (one, other))
    assert {c.column for c in compare(before, after) if c.category == "expression changed"} >= {"y"}
    partly = replace(shape, columns=(), complete=False)
    before, after = (version([node(A)], {A: b}, {A: partly}) for b in (one, other))
    assert [c.category for c in compare(before, after)] == ["row set changed"]


def test_both_spellings_of_a_relation_are_one() -> None:
    text = 'select x, y * 2 as z from "__orc"."ref::a:"."a"'
    linked = replace(node(B, A), links=(("ref::a:", A),))
    after = version([node(A), linked], {**BEFORE.graph.bodies, B: body(text)}, BEFORE.meanings)
    assert [(c.node, c.category) for c in compare(BEFORE, after)] == [(B, "cosmetic")]


def test_another_relation_under_the_same_name_is_another_row_set() -> None:
    other = replace(node(B, C), links=(("a", C),))
    after = version(
        [node(A), node(C), other],
        {**BEFORE.graph.bodies, C: body("select 1 as x"), B: body("select  x, y * 2 as z from a where true")},
        {**BEFORE.meanings, C: columns(out("x"))},
    )
    assert ("row set changed") in [c.category for c in compare(BEFORE, after) if c.node == B]


def test_config_that_decides_about_rows_is_told_from_config_that_does_not() -> None:
    text = "select x, y from raw where x > 0"
    assert changed(text, config={"materialized": "table"}) == [("config", "", "", "materialized: table")]
    assert changed(text, config={"unique_key": "x"}) == [("row set changed", "", "", "unique_key: x")]


def test_a_move_is_a_move() -> None:
    text = "select x, y from raw where x > 0"
    assert changed(text, path="models/mart/a.sql") == [("moved", "", "models/a.sql", "models/mart/a.sql")]
    assert changed(text, relation=Relation("d", "mart", "a")) == [("moved", "", "d.s.a", "d.mart.a")]


def test_nodes_come_and_go() -> None:
    after = version(
        [node(A), node(C, A)], {A: BEFORE.graph.bodies[A], C: body("select x from a")}, {A: BEFORE.meanings[A], C: columns(out("x"))}
    )
    assert compare(BEFORE, after) == (Change(C, "added", after="models/c.sql"), Change(B, "removed", before="models/b.sql"))


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (PythonBody("def model(ctx): 1"), PythonBody("def model(ctx): 2"), "its code changed: what that does to its rows is not known"),
        (SeedBody("1"), SeedBody("2"), "its file changed"),
        (
            body("select 1", late=True),
            body("select 2", late=True),
            "its template changed, and what it renders to is known only at run time",
        ),
    ],
)
def test_what_cannot_be_taken_apart_may_have_other_rows(old: Body, new: Body, why: str) -> None:
    before, after = (version([node(A)], {A: b}, {A: columns(out("x"))}) for b in (old, new))
    assert compare(before, after) == (Change(A, "row set changed", after=why),)


def test_a_description_is_cosmetic() -> None:
    before = version([node(A)], {A: body("select 1 as x")}, {A: columns(out("x"))})
    after = version([node(A)], {A: body("select 1 as x", docs=Docs(columns=(Column("x", "One."),)))}, before.meanings)
    assert compare(before, after) == (Change(A, "cosmetic"),)


def test_a_star_takes_the_change_of_its_parent_along() -> None:
    star = body("select * from a")
    shape = columns(out("x", "", Use(A, "x", "passed")), out("y", "", Use(A, "y", "passed")))
    before = version([node(A), node(B, A)], {A: body("select x, y from raw"), B: star}, {A: columns(out("x"), out("y")), B: shape})
    after = version([node(A), node(B, A)], {A: body("select x from raw"), B: star}, {A: columns(out("x")), B: columns(shape.columns[0])})
    changes = compare(before, after)
    assert [(c.node, c.category, c.column) for c in changes] == [(A, "column removed", "y"), (B, "column removed", "y")]
    assert [c.breaks for c in consequences(before, after, changes)] == [(), ()]


# What a change reaches


def test_a_removed_column_breaks_who_asks_for_it_by_name() -> None:
    after = version(
        [node(A), node(B, A)],
        {A: body("select x from raw where x > 0"), B: BEFORE.graph.bodies[B]},
        {A: columns(out("x")), B: BEFORE.meanings[B]},
    )
    (found,) = consequences(BEFORE, after, compare(BEFORE, after))
    assert [(b.node, b.start, b.end) for b in found.breaks] == [(B, 10, 11)]
    assert [e.point for e in found.impact.columns] == [Point(B, "z")]


def test_a_reader_that_was_led_along_is_not_broken() -> None:
    now = columns(out("x", "x", Use(A, "x", "passed")), out("z", "why * 2", Use(A, "why", "transformed")))
    after = version(
        [node(A), node(B, A)],
        {A: body("select x, y as why from raw where x > 0"), B: body("select x, why * 2 as z from a")},
        {A: columns(out("x"), out("why", "y")), B: now},
    )
    found = consequences(BEFORE, after, compare(BEFORE, after))
    (renamed,) = (c for c in found if c.change.node == A)
    assert (renamed.change.category, renamed.breaks) == ("column renamed", ())
    assert [e.point for e in renamed.impact.columns] == [Point(B, "z")]  # as it was: nobody reads the old name any more


def test_a_test_of_a_removed_column_is_broken() -> None:
    test = Node("test.p.t", "test", "t", "p", "", ("p", "t"), {}, depends_on=(A,), attached=A, column="y", test_name="not_null")
    before = Version(Graph({**BEFORE.graph.nodes, test.id: test}, BEFORE.graph.bodies), BEFORE.meanings, "duckdb")
    after = version(
        [node(A), node(B, A), test],
        {A: body("select x from raw where x > 0"), B: body("select x from a")},
        {A: columns(out("x")), B: columns(out("x", "x", Use(A, "x", "passed")))},
    )
    (found, _) = consequences(before, after, compare(before, after))
    assert [b.node for b in found.breaks] == ["test.p.t"]


def test_cosmetic_changes_and_moves_reach_nothing() -> None:
    after = version(
        [replace(node(A), path="x.sql"), node(B, A)],
        {**BEFORE.graph.bodies, A: body("select x, y -- !\nfrom raw where x > 0")},
        BEFORE.meanings,
    )
    found = consequences(BEFORE, after, compare(BEFORE, after))
    assert [c.change.category for c in found] == ["moved", "cosmetic"]
    assert [c.impact.columns + c.impact.tables for c in found] == [(), ()]


def test_an_impact_names_columns_tables_tests_and_exposures_each_with_its_way(shop: Any) -> None:
    found = impact(shop.graph, shop.meanings, [Point("source.shop.raw.orders", "amount_cents")])
    name = {id_: n.name for id_, n in shop.graph.nodes.items()}
    assert [(name[e.point.node], e.point.column) for e in found.columns] == [
        ("stg_orders", "amount"),
        ("orders_big", "amount"),
        ("totals", "total"),
    ]
    assert [name[e.point.node] for e in found.tables] == ["orders_big", "chains"]
    assert [name[e.point.node] for e in found.tests] == ["not_null_totals_total", "orders_add_up"]
    assert [[h.kind for h in e.path] for e in found.exposures] == [["transformed", "aggregated", "reads"]]
    assert [name[n] for n in found.nodes] == ["stg_orders", "orders_big", "totals", "chains"]


def test_a_test_of_a_column_that_is_not_reached_is_left_alone(shop: Any) -> None:
    found = impact(shop.graph, shop.meanings, [Point("source.shop.raw.people", "email")])
    assert "unique_totals_email" in {shop.graph.nodes[e.point.node].name for e in found.tests}
    assert "orders_add_up" not in {shop.graph.nodes[e.point.node].name for e in found.tests}
