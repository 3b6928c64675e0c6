"""Scripts, sessions, transactions."""

from __future__ import annotations

import threading
from typing import Any

import pytest


@pytest.fixture
def counter(cloud: Any) -> Any:
    cloud.run("create table d.t as select 1 as x")
    return cloud


def session(cloud: Any) -> Any:
    """A function that runs statements in a session of its own."""
    from google.cloud import bigquery

    job = cloud.run("select 1 as x", create_session=True)
    properties = [bigquery.ConnectionProperty("session_id", job.session_info.session_id)]
    return lambda sql: cloud.run(sql, connection_properties=properties)


def values(cloud: Any) -> list[int]:
    return [row[0] for row in cloud.rows("select x from d.t order by x")]


def test_variables_and_conditions(cloud: Any) -> None:
    script = """
        declare a, b int64 default 2; declare s string; declare parts array<date>;
        set s = 'x'; set parts = (select array_agg(d) from unnest([date '2024-01-01', '2024-01-02']) as d);
        if a + b = 5 then select 'no' as r; elseif s = 'x' and date '2024-01-02' in unnest(parts) then select concat(s, 'yes') as r; else select 'else' as r; end if;
    """
    assert cloud.rows(script) == [("xyes",)]


def test_a_column_hides_a_variable(counter: Any) -> None:
    assert counter.rows("declare x int64 default 7; select x from d.t") == [(1,)]


def test_assert_stops_a_script_with_its_words(counter: Any) -> None:
    message = counter.refused("assert (select count(*) from d.t) > 5 as 'too few'; insert d.t values (2)")
    assert message == "Query error: too few at [1:1]"
    assert values(counter) == [1]
    counter.run("assert (select count(*) from d.t) = 1")


def test_an_error_in_a_script_says_where_and_keeps_what_was_done(counter: Any) -> None:
    message = counter.refused("insert d.t values (2);\n  select 1 / 0;\ninsert d.t values (3)")
    assert message == "Query error: division by zero: 1 / 0 at [2:3]"
    assert values(counter) == [1, 2]


def test_an_exception_can_be_caught(counter: Any) -> None:
    counter.run("begin select 1/0; exception when error then insert d.t values (9); end")
    assert values(counter) == [1, 9]


def test_a_transaction_is_all_or_nothing(counter: Any) -> None:
    counter.run("begin transaction; delete d.t where x = 1; insert d.t values (2); commit transaction")
    assert values(counter) == [2]
    counter.run("begin; insert d.t values (3); rollback")
    assert values(counter) == [2]
    counter.refused("begin transaction; insert d.t values (4); select 1/0; commit transaction")
    assert values(counter) == [2]


def test_a_transaction_spans_the_jobs_of_a_session(counter: Any) -> None:
    mine = session(counter)
    mine("begin transaction")
    mine("insert d.t values (2)")
    assert [tuple(r.values()) for r in mine("select count(*) from d.t").result()] == [(2,)]
    assert values(counter) == [1]
    mine("commit transaction")
    assert values(counter) == [1, 2]


def test_ddl_has_no_place_in_a_transaction_but_for_temporary_tables(counter: Any) -> None:
    assert "not supported inside a transaction" in counter.refused("begin transaction; create table d.u (y int64); commit transaction")
    counter.run("begin transaction; create temp table tmp as select 5 as x; insert d.t select x from tmp; commit transaction")
    assert values(counter) == [1, 5]


def test_the_later_of_two_transactions_that_change_a_table_is_aborted(counter: Any) -> None:
    first, second = session(counter), session(counter)
    first("begin transaction")
    second("begin transaction")
    first("update d.t set x = 10 where true")
    with pytest.raises(Exception, match=r"Transaction is aborted due to concurrent update against table p:d\.t\. Transaction ID: "):
        second("update d.t set x = 20 where true")
    first("commit transaction")
    assert values(counter) == [10]


def test_a_transaction_that_began_before_another_was_committed_is_aborted(counter: Any) -> None:
    first, second = session(counter), session(counter)
    second("begin transaction")
    second("select * from d.t")
    first("begin transaction; update d.t set x = 10 where true; commit transaction")
    with pytest.raises(Exception, match="Transaction is aborted due to concurrent update"):
        second("delete d.t where true")
    assert values(counter) == [10]


def test_transactions_that_only_insert_do_not_conflict(counter: Any) -> None:
    first, second = session(counter), session(counter)
    for number, mine in enumerate((first, second), 2):
        mine("begin transaction")
        mine(f"insert d.t values ({number})")
    first("commit transaction")
    second("commit transaction")
    assert values(counter) == [1, 2, 3]


def test_an_insert_does_not_disturb_a_transaction_that_changes_rows(counter: Any) -> None:
    mine = session(counter)
    mine("begin transaction")
    mine("update d.t set x = 10 where true")
    counter.run("insert d.t values (2)")
    mine("commit transaction")
    assert values(counter) == [2, 10]


def test_a_statement_outside_waits_for_the_transaction(counter: Any) -> None:
    mine = session(counter)
    mine("begin transaction")
    mine("update d.t set x = x + 1 where true")
    waiting = threading.Thread(target=lambda: counter.run("update d.t set x = x * 100 where true"))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    mine("commit transaction")
    waiting.join(5)
    assert values(counter) == [200]


def test_temporary_tables_live_as_long_as_their_session(counter: Any) -> None:
    mine = session(counter)
    mine("create temp table tmp as select 5 as x")
    assert [tuple(r.values()) for r in mine("select x from tmp").result()] == [(5,)]
    assert "must be qualified with a dataset" in counter.refused("select * from tmp")
    counter.run("create temp table tmp as select 1 as y; drop table tmp")


def test_an_unknown_session_is_refused(cloud: Any) -> None:
    from google.cloud import bigquery

    assert "not found or has expired" in cloud.refused(
        "select 1", connection_properties=[bigquery.ConnectionProperty("session_id", "nope")]
    )


@pytest.mark.parametrize(
    "sql", ["loop break; end loop", "execute immediate 'select 1'", "call d.p()", "while false do select 1; end while"]
)
def test_what_scripts_do_not_do_here_they_say(cloud: Any, sql: str) -> None:
    assert "does not do this" in cloud.refused(sql)
