from __future__ import annotations

from typing import Any

import pytest

from orchestrator.core.graph import Graph
from orchestrator.core.meaning import Meaning, Output, Use
from orchestrator.core.node import Column, Docs, Node, Query, SqlBody
from orchestrator.graph.inherit import carries, classified, inherit
from orchestrator.graph.lineage import Point

RAW, OTHER, STG, MART = (f"model.p.{n}" for n in ("raw", "other", "stg", "mart"))


def project(
    stg: Output,
    mart: Output,
    *,
    raw: Column | None = None,
    other: Column | None = None,
    stg_says: Column | None = None,
    mart_says: Column | None = None,
    **config: Any,
) -> tuple[Graph, dict[str, Meaning]]:
    """raw.a and other.a → stg.b → mart.c, as `stg` and `mart` use them."""
    parents = {RAW: (), OTHER: (), STG: (RAW, OTHER), MART: (STG,)}
    said = {RAW: raw or Column("a"), OTHER: other or Column("a"), STG: stg_says, MART: mart_says}
    nodes = {
        id_: Node(id_, "model", id_.rpartition(".")[2], "p", "", ("p",), config if id_ == MART else {}, depends_on=on)
        for id_, on in parents.items()
    }
    bodies = {id_: SqlBody("", Query(""), docs=Docs(columns=(column,) if column else ())) for id_, column in said.items()}
    return Graph(nodes, bodies), {
        RAW: Meaning((Output("a"),)),
        OTHER: Meaning((Output("a"),)),
        STG: Meaning((stg,)),
        MART: Meaning((mart,)),
    }


def use(node: str, column: str, kind: Any = "passed") -> Use:
    return Use(node, column, kind)


STG_B = Output("b", uses=(use(RAW, "a", "renamed"),), expression="a")
MART_C = Output("c", uses=(use(STG, "b", "renamed"),), expression="b", start=7, end=8)


def test_a_description_goes_along_renames_and_names_its_origin() -> None:
    found = inherit(*project(STG_B, MART_C, raw=Column("a", "The customer.")))
    one = found[Point(MART, "c")].description
    assert one is not None
    assert (one.value, one.origin, one.own) == ("The customer.", Point(RAW, "a"), False)


def test_the_nearest_ancestor_wins_and_the_columns_own_words_before_all() -> None:
    world = project(STG_B, MART_C, raw=Column("a", "Far."), stg_says=Column("B", "Near."))
    found = inherit(*world)
    assert [found[p].description.value for p in (Point(STG, "b"), Point(MART, "c"))] == ["Near.", "Near."]  # type: ignore[union-attr]
    own = inherit(*project(STG_B, MART_C, raw=Column("a", "Far."), mart_says=Column("c", "Mine.")))[Point(MART, "c")].description
    assert own is not None
    assert (own.value, own.own) == ("Mine.", True)


@pytest.mark.parametrize(("one", "other", "told"), [("Same.", "Same.", "Same."), ("One.", "Other.", None), ("One.", "", "One.")])
def test_parents_that_disagree_leave_no_description(one: str, other: str, told: str | None) -> None:
    both = Output("b", uses=(use(RAW, "a", "renamed"), use(OTHER, "a", "renamed")))
    found = inherit(*project(both, MART_C, raw=Column("a", one), other=Column("a", other))).get(Point(STG, "b"))
    assert (found.description.value if found and found.description else None) == told


@pytest.mark.parametrize("kind", ["transformed", "aggregated", "window", "conditional"])
def test_what_became_another_value_has_neither_description_nor_tags(kind: str) -> None:
    made = Output("b", uses=(use(RAW, "a", kind),), expression="f(a)")
    assert Point(STG, "b") not in inherit(*project(made, MART_C, raw=Column("a", "Text.", tags=("x",))))


def test_tags_of_several_parents_are_united_with_the_columns_own() -> None:
    both = Output("b", uses=(use(RAW, "a", "renamed"), use(OTHER, "a", "renamed")))
    world = project(both, MART_C, raw=Column("a", tags=("x", "y")), other=Column("a", tags=("y", "z")), stg_says=Column("b", tags=("own",)))
    tags = inherit(*world)[Point(STG, "b")].tags
    assert [(t.value, t.own) for t in tags] == [("own", True), ("x", False), ("y", False), ("z", False)]


def test_a_column_may_refuse_to_inherit() -> None:
    world = project(
        STG_B, MART_C, raw=Column("a", "Text.", tags=("x",), meta={"pii": "email"}), stg_says=Column("b", meta={"inherit": False})
    )
    found = inherit(*world)[Point(STG, "b")]
    assert (found.description, found.tags) == (None, ())
    assert [c.value for c in found.classes] == ["email"]  # that takes a reason


@pytest.mark.parametrize(
    ("kind", "expression", "reaches"),
    [
        ("passed", "a", True),
        ("renamed", "a", True),
        ("transformed", "md5(a)", True),
        ("aggregated", "max(a)", True),
        ("aggregated", "string_agg(r.a, ', ')", True),
        ("aggregated", "count(a)", False),
        ("aggregated", 'count(distinct r."a")', False),
        ("aggregated", "round(avg(a), 2)", False),
        ("aggregated", "max(a) || count(a)", True),
        ("aggregated", "count('a')", True),
        ("window", "row_number() over (order by a)", False),
        ("conditional", "case when a is null then 0 end", False),
    ],
)
def test_personal_data_go_where_their_values_go(kind: Any, expression: str, reaches: bool) -> None:
    assert carries(use(RAW, "a", kind), expression) == reaches
    made = Output("b", uses=(use(RAW, "a", kind),), expression=expression)
    found = inherit(*project(made, MART_C, raw=Column("a", meta={"pii": True}))).get(Point(MART, "c"))
    assert (found is not None and [c.value for c in found.classes] == ["pii"]) == reaches


PII = Column("a", meta={"pii": "email"})


@pytest.mark.parametrize("config", [{"tags": ["public"]}, {"meta": {"public": True}}])
def test_personal_data_in_a_public_model_are_an_error_with_their_way(config: dict[str, Any]) -> None:
    ((node, finding),) = classified(*project(STG_B, MART_C, raw=PII, **config))
    assert (node, finding.code, finding.start, finding.end) == (MART, "S450", 7, 8)
    assert finding.message == "`mart.c` holds personal data (email), and `mart` is public\nraw.a → stg.b → mart.c"


def test_a_column_of_a_public_model_that_is_itself_classified_counts_too() -> None:
    world = project(STG_B, MART_C, mart_says=Column("c", meta={"contains_pii": True}), tags=["public"])
    ((_, finding),) = classified(*world)
    assert finding.message.endswith("\nmart.c")


@pytest.mark.parametrize("config", [{}, {"access": "public"}, {"meta": {"public": False}}])
def test_elsewhere_they_are_none(config: dict[str, Any]) -> None:
    assert classified(*project(STG_B, MART_C, raw=PII, **config)) == ()


def test_declassifying_takes_a_reason() -> None:
    reason = Column("b", meta={"pii": False, "pii_reason": "salted and hashed"})
    assert classified(*project(STG_B, MART_C, raw=PII, stg_says=reason, tags=["public"])) == ()
    ((node, finding),) = classified(*project(STG_B, MART_C, raw=PII, stg_says=Column("b", meta={"pii": False}), tags=["public"]))
    assert (node, finding.code) == (STG, "S451")
    assert classified(*project(STG_B, MART_C, stg_says=Column("b", meta={"pii": False}))) == ()  # nothing to declassify
