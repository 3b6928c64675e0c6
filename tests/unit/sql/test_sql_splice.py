from __future__ import annotations

from orchestrator.core.node import Query, Read
from orchestrator.core.plan import Origin
from orchestrator.sql.parse import parse
from orchestrator.sql.splice import splice


def test_reads_become_physical_and_the_rest_stays() -> None:
    query = parse("select * from orders o join staging.customers using (id) -- orders", "duckdb")
    names = {"orders": '"w"."s"."orders"', "staging.customers": '"w"."x"."customers"'}
    assert splice(query, lambda r: names[r.name]).sql == 'select * from "w"."s"."orders" o join "w"."x"."customers" using (id) -- orders'


def test_what_has_no_physical_name_stays_as_written() -> None:
    query = parse("select * from elsewhere.orders", "duckdb")
    assert splice(query, lambda _: None).sql == query.sql


def test_ctes_go_in_front_or_join_the_clause_that_is_there() -> None:
    plain = parse("select * from a", "duckdb")
    assert (
        splice(plain, lambda _: "c", [("c", "select 1"), ("d", "select 2 -- two")]).sql
        == "with c as (\nselect 1\n),\nd as (\nselect 2 -- two\n)\nselect * from c"
    )
    clause = parse("with recursive x as (select * from a) select * from x", "duckdb")
    spliced = splice(clause, lambda _: "c", [("c", "select 1")]).sql
    assert spliced == "with recursive c as (\nselect 1\n), x as (select * from c) select * from x"
    assert parse(spliced, "duckdb").reads == ()


def test_a_place_in_a_replaced_name_leads_to_the_name_its_author_wrote() -> None:
    query = parse("select * from ab, cd", "duckdb")
    spliced = splice(query, lambda r: f"warehouse.schema.{r.name}", [("x", "select 1")])
    origin = Origin("n", spliced.pieces)
    for name in ("ab", "cd"):
        start = spliced.sql.index(f"warehouse.schema.{name}")
        assert origin.rendered(start) == query.sql.index(name)
        for at in range(start, start + len(f"warehouse.schema.{name}")):
            place = origin.rendered(at)
            assert place is not None
            assert query.sql.index(name) <= place < query.sql.index(name) + 2
    assert origin.rendered(0) is None


def test_shifted_pieces_move_along() -> None:
    spliced = splice(Query("select 1"), lambda _: None)
    assert spliced.shifted(7) == ((7, 0, 8),)


def test_a_read_that_is_replaced_by_nothing_disappears() -> None:
    assert splice(Query("a b", (Read("b", 2, 3),)), lambda _: "").sql == "a "
