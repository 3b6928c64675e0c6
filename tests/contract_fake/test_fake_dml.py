"""Statements that change rows."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def people(cloud: Any) -> Any:
    cloud.run(
        "create table d.t as select * from unnest([struct(1 as id, 'ann' as name, 10.0 as pay), (2, 'bob', 20), (3, cast(null as string), 30)])"
    )
    return cloud


def everybody(cloud: Any, columns: str = "id, name, pay") -> list[tuple[Any, ...]]:
    return list(cloud.rows(f"select {columns} from d.t order by id"))


def test_insert_values_by_column_and_position(people: Any) -> None:
    job = people.run("insert into d.t (pay, id) values (1, 7), (2 + 3, 8)")
    assert job.num_dml_affected_rows == 2
    people.run("insert d.t values (9, 'x', 1e3)")
    assert everybody(people)[3:] == [(7, None, 1.0), (8, None, 5.0), (9, "x", 1000.0)]


def test_insert_of_a_query(people: Any) -> None:
    people.run("insert d.t (id, name) select id + 10, upper(name) from d.t where name is not null")
    assert everybody(people, "id, name")[3:] == [(11, "ANN"), (12, "BOB")]


def test_insert_coerces_literals_and_checks_columns(cloud: Any) -> None:
    cloud.run("create table d.u (d date not null, n numeric(5, 2), s string(3))")
    cloud.run("insert d.u values ('2024-01-02', 1.239, 'abc')")
    assert [tuple(map(str, row)) for row in cloud.rows("select * from d.u")] == [("2024-01-02", "1.24", "abc")]
    assert "Required field d cannot be null" in cloud.refused("insert d.u (n) values (1)")
    assert "maximum length 3" in cloud.refused("insert d.u values ('2024-01-02', 1, 'abcd')")
    assert "has type STRING which cannot be inserted into column n" in cloud.refused("insert d.u (d, n) select date '2024-01-01', 'x'")


def test_update(people: Any) -> None:
    job = people.run("update d.t set name = concat(name, '!'), pay = pay * 2 where id < 3")
    assert (job.num_dml_affected_rows, job.dml_stats.updated_row_count) == (2, 2)
    assert everybody(people) == [(1, "ann!", 20.0), (2, "bob!", 40.0), (3, None, 30.0)]
    people.run("update d.t as me set name = null where me.id in (select id from d.t where pay = 20)")
    assert everybody(people, "name") == [(None,), ("bob!",), (None,)]


def test_update_from_another_table(people: Any) -> None:
    people.run("update d.t set pay = s.pay from (select 2 as id, 99.5 as pay) as s where t.id = s.id")
    assert everybody(people, "pay") == [(10.0,), (99.5,), (30.0,)]
    people.run(
        "update d.t set pay = a.x + b.y from (select 1 as id, 1 as x) a join (select 1 as id, 2 as y) b on a.id = b.id where t.id = a.id"
    )
    assert everybody(people, "pay")[0] == (3.0,)


def test_update_matches_at_most_one_row(people: Any) -> None:
    message = people.refused("update d.t set pay = s.pay from (select 1 as id, 1.0 as pay union all select 1, 2) as s where t.id = s.id")
    assert message == "UPDATE/MERGE must match at most one source row for each target row"
    assert everybody(people, "pay")[0] == (10.0,)


def test_delete_and_truncate(people: Any) -> None:
    job = people.run("delete from d.t where name is null")
    assert (job.num_dml_affected_rows, job.dml_stats.deleted_row_count) == (1, 1)
    assert "WHERE" in people.refused("delete from d.t")
    assert "WHERE" in people.refused("update d.t set id = 1")
    assert people.run("truncate table d.t").statement_type == "TRUNCATE_TABLE"
    assert everybody(people) == []


def test_merge_with_every_clause(people: Any) -> None:
    job = people.run("""
        merge into d.t as t
        using (select 1 as id, 'new' as name union all select 2, 'gone' union all select 9, 'more' union all select 10, 'skip') as s
        on t.id = s.id
        when matched and s.name = 'gone' then delete
        when matched then update set name = s.name, pay = t.pay + 1
        when not matched by target and s.name = 'more' then insert (id, name) values (s.id, upper(s.name))
        when not matched by source then update set name = 'alone'
    """)
    assert everybody(people) == [(1, "new", 11.0), (3, "alone", 30.0), (9, "MORE", None)]
    stats = job.dml_stats
    assert (stats.inserted_row_count, stats.updated_row_count, stats.deleted_row_count) == (1, 2, 1)


def test_merge_on_false_replaces_a_part(people: Any) -> None:
    people.run("""
        merge d.t using (select 5 as id, 'five' as name, 5.0 as pay) as s on false
        when not matched by source and t.id in (1, 2) then delete
        when not matched then insert row
    """)
    assert everybody(people) == [(3, None, 30.0), (5, "five", 5.0)]


def test_merge_from_a_table_under_its_own_name(people: Any) -> None:
    people.run("create table d.s as select 3 as id, 'three' as name, 3.0 as pay")
    people.run("merge d.t using d.s on t.id = s.id when matched then update set name = s.name when not matched then insert row")
    assert everybody(people)[-1] == (3, "three", 30.0)


def test_merge_changes_a_row_once(people: Any) -> None:
    twice = "(select 1 as id union all select 1) as s"
    message = people.refused(f"merge d.t using {twice} on t.id = s.id when matched then update set pay = 0")
    assert message == "UPDATE/MERGE must match at most one source row for each target row"
    people.run(f"merge d.t using {twice} on t.id = s.id when matched and t.id > 1 then delete")
    assert len(everybody(people)) == 3


def test_merge_of_a_few_thousand_rows(cloud: Any) -> None:
    cloud.run("create table d.t as select x as id, 0 as v from unnest(generate_array(1, 5000)) as x")
    job = cloud.run("""
        merge d.t using (select x as id, 1 as v from unnest(generate_array(4001, 6000)) as x) as s on t.id = s.id
        when matched then update set v = s.v when not matched then insert row
    """)
    assert (job.dml_stats.updated_row_count, job.dml_stats.inserted_row_count) == (1000, 1000)
    assert cloud.rows("select count(*), sum(v) from d.t") == [(6000, 2000)]


def test_names_of_columns_ignore_case_and_names_of_tables_do_not(people: Any) -> None:
    people.run("update d.t set NAME = 'x' where ID = 1")
    assert people.rows("select Name from d.t where Id = 1") == [("x",)]
    assert people.refused("select * from d.T") == "Not found: Table p:d.T was not found in location US"


@pytest.mark.parametrize("sql", ["update d.t set pay = 'much' where true", "insert d.t (id) values ('x')", "delete d.t where id = 'x'"])
def test_types_are_checked_before_anything_happens(people: Any, sql: str) -> None:
    people.refused(sql)
    assert len(everybody(people)) == 3


def test_what_dml_does_not_do_here_it_says(cloud: Any) -> None:
    cloud.run("create table d.t as select struct(1 as a) as s")
    assert "does not do this" in cloud.refused("update d.t set s.a = 2 where true")
