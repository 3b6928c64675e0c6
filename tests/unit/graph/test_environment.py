"""Places in an environment beside production: only relations change, and never to a place outside."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.core.graph import Graph
from orchestrator.core.names import Relation
from orchestrator.core.node import Kind, Node
from orchestrator.core.plan import Step, Task
from orchestrator.core.snapshot import Published, Snapshot, recorded, recorded_in
from orchestrator.graph.environment import deferred, inside, isolated, suffixed
from orchestrator.plan.guard import outside


def node(name: str, kind: Kind = "model", materialized: str = "table", schema: str = "mart") -> Node:
    relation = Relation("db", schema, name)
    return Node(f"{kind}.p.{name}", kind, name, "p", f"{name}.sql", (), {"materialized": materialized}, relation=relation, fingerprint="f")


SHOP = Graph({n.id: n for n in (node("raw", "source"), node("a"), node("b"), node("e", materialized="ephemeral"), node("s", "seed"))}, {})

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=80)
suffixes = st.from_regex(r"[a-z0-9]{1,8}(_[a-z0-9]{1,8}){0,2}", fullmatch=True)


@given(names, suffixes, st.sampled_from([63, 255, 1024]))
def test_a_schema_fits_the_engine_and_ends_in_the_environment(schema: str, suffix: str, limit: int) -> None:
    name = suffixed(schema, suffix, limit)
    assert len(name.encode()) <= limit
    assert inside(Relation(None, name, "t"), suffix)


@given(names, names, suffixes)
def test_two_schemas_stay_two(one: str, other: str, suffix: str) -> None:
    assert (suffixed(one, suffix, 63) == suffixed(other, suffix, 63)) == (one == other)


def test_only_what_is_built_moves_and_its_data_are_the_same() -> None:
    moved = isolated(SHOP, "pr_1", 63).nodes
    assert {i: n.relation.schema for i, n in moved.items() if n.relation} == {
        "source.p.raw": "mart", "model.p.a": "mart__pr_1", "model.p.b": "mart__pr_1", "model.p.e": "mart", "seed.p.s": "mart__pr_1",
    }  # fmt: skip
    assert all(n.fingerprint == "f" for n in moved.values())


def test_what_is_neither_built_nor_present_is_read_elsewhere() -> None:
    elsewhere = {i: Relation("db", "prod", "x") for i in SHOP.nodes}

    def read(here: set[str], present: set[str], *, favor: bool = False) -> list[str]:
        found = deferred(SHOP, elsewhere, here, present, favor=favor).nodes
        return [n.name for n in found.values() if n.relation and n.relation.schema == "prod"]

    assert read({"model.p.b"}, {"seed.p.s"}) == ["a"]
    assert read({"model.p.b"}, {"model.p.b", "seed.p.s"}, favor=True) == ["a", "s"]
    assert read(set(), set(SHOP.nodes)) == []


def test_a_row_of_the_ledger_belongs_to_one_environment() -> None:
    rows = {recorded("m", e): Published(recorded("m", e), f"r{e}", "f", "run", "at") for e in ("", "pr_1", "pr_2")}
    assert {e: Snapshot(ledger=rows).within(e).ledger["m"].relation for e in ("", "pr_1")} == {"": "r", "pr_1": "rpr_1"}
    assert recorded_in(recorded("m", "pr_2")) == ("pr_2", "m")


def test_whatever_would_write_outside_is_refused_by_name() -> None:
    there, here = Relation("db", "prod", "a"), Relation("db", "prod__pr_1", "a")

    def refused(*steps: Step, relation: Relation = here) -> list[str]:
        return [p.code for p in outside([Task("model.p.a", "model", "a", steps, relation=relation)], SHOP, "pr_1")]

    assert refused(Step("s", "model.p.a", "stage", relation=here)) == []
    assert refused(Step("s", "model.p.a", "check", relation=there)) == []
    assert refused(Step("s", "model.p.a", "stage", relation=there)) == ["N350"]
    assert refused(Step("s", "model.p.a", "check", relation=here, payload={"audit": there})) == ["N350"]
    assert refused(relation=there) == ["N350"]
