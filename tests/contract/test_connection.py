"""What every engine's connection promises."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from orchestrator.core.errors import ExecuteError, OrcError
from orchestrator.core.ports import Answer

SLOW = "select count(*) from generate_series(1, 100000) a(i), generate_series(1, 1000000) b(j) where (i + j) % 7 = 3"


def refusal(engine: Any, sql: str) -> ExecuteError:
    with pytest.raises(ExecuteError) as caught:
        engine.connect().execute(sql)
    return caught.value


# answers


def test_a_query_answers_with_rows_and_columns(engine: Any) -> None:
    assert engine.connect().execute("select 1 as a, 'x' as b") == Answer(rows=((1, "x"),), columns=("a", "b"))


def test_a_query_without_rows_still_has_columns(engine: Any) -> None:
    assert engine.connect().execute("select 1 as a where false") == Answer(columns=("a",))


def test_statements_answer_with_what_they_did(engine: Any) -> None:
    session, name = engine.connect(), engine.dialect.relation(engine.relation("t"))
    assert (
        session.execute("/* orc */ -- é\n" + engine.dialect.create_table(engine.relation("t"), "select 1 as a", {})).message == "SELECT 1"
    )
    inserted = session.execute(f"insert into {name} select 2 as a union all select 3")
    assert (inserted.affected, inserted.message, inserted.rows) == (2, "INSERT 2", ())
    assert session.execute(f"delete from {name} where a > 1").affected == 2
    assert session.execute(f"drop table {name}") == Answer()


@pytest.mark.parametrize("sql", ["", "  ;", "-- nothing to do"])
def test_nothing_to_do_is_done(engine: Any, sql: str) -> None:
    assert engine.connect().execute(sql) == Answer()


# errors


@pytest.mark.parametrize(
    ("sql", "code", "message", "points_at"),
    [
        ("select 'é日本', nope from (select 1 as nop) t", "X102", "nope", "nope"),
        ("-- é\n\nselect 1 as a\nfrom nowhere_at_all", "X102", "nowhere_at_all", "nowhere_at_all"),
        ("select 'é' from from x", "X101", "syntax error", "from x"),
        ("select 'é', cast('abc' as integer) as n", "X103", "abc", ("cast('abc'", "'abc'")),
    ],
)
def test_an_error_says_what_and_where(engine: Any, sql: str, code: str, message: str, points_at: str | tuple[str, ...]) -> None:
    error = refusal(engine, sql)
    assert error.first.code == code
    assert message in error.first.message
    assert "{" not in error.first.message
    assert "LINE" not in error.first.message
    assert error.position is not None
    assert sql[error.position :].startswith(points_at)
    assert not error.transient
    assert not error.cancelled


def test_an_error_points_into_the_query_of_a_create(engine: Any) -> None:
    select = "with é as (select 1 as order_id)\nselect order_idd from é"
    sql = engine.dialect.create_table(engine.relation("日本"), select, {})
    error = refusal(engine, sql)
    assert error.position is not None
    assert sql[error.position :] == "order_idd from é"
    assert error.first.hint == "did you mean `order_id`?"


def test_a_missing_table_is_hinted_at(engine: Any) -> None:
    engine.connect().execute(engine.dialect.create_table(engine.relation("stg_orders"), "select 1 as a", {}))
    schema = engine.dialect.quote(engine.target.schema)
    assert "stg_orders" in str(refusal(engine, f"select * from {schema}.stg_order").first.hint)


def test_engine_internals_are_never_suggested(engine: Any) -> None:
    assert refusal(engine, "select * from df").first.hint is None


def test_a_python_variable_is_not_a_table(engine: Any) -> None:
    sql = pa.table({"a": [1]})  # noqa: F841
    assert refusal(engine, "select * from sql").first.code == "X102"


def test_a_failing_value_has_a_code_even_without_a_place(engine: Any) -> None:
    engine.connect().execute(engine.dialect.create_table(engine.relation("v"), "select 'x1' as v", {}))
    error = refusal(engine, f"select cast(v as integer) from {engine.dialect.relation(engine.relation('v'))}")
    assert error.first.code == "X103"


def test_of_several_statements_no_wrong_place_is_given(engine: Any) -> None:
    sql = "select 'é'; select nope"
    position = refusal(engine, sql).position
    assert position is None or sql[position:] == "nope"


# transactions


def test_what_is_committed_is_seen_and_what_is_rolled_back_is_not(engine: Any) -> None:
    session, name = engine.connect(), engine.relation("t")
    session.begin()
    session.execute(engine.dialect.create_table(name, "select 1 as a", {}))
    assert session.columns(name)[0][0] == "a"
    assert engine.find(name) is None
    session.rollback()
    assert engine.find(name) is None
    session.begin()
    session.execute(engine.dialect.create_table(name, "select 1 as a", {}))
    session.commit()
    assert engine.find(name) is not None


def test_rollback_without_a_transaction_is_harmless(engine: Any) -> None:
    session = engine.connect()
    session.rollback()
    session.rollback()
    assert session.execute("select 1").rows == ((1,),)


def _describe(session: Any, engine: Any) -> None:
    session.describe("select nope")


def _columns(session: Any, engine: Any) -> None:
    session.columns(engine.relation("nope"))


def _read(session: Any, engine: Any) -> None:
    session.read("select nope")


def _load(session: Any, engine: Any) -> None:
    def fails() -> Iterator[pa.RecordBatch]:
        raise ExecuteError
        yield

    session.load(engine.relation("l"), pa.RecordBatchReader.from_batches(pa.schema([("a", pa.int64())]), fails()))


def _parse(session: Any, engine: Any) -> None:
    session.execute("selec")


def _value(session: Any, engine: Any) -> None:
    session.execute("select cast('x' as integer)")


@pytest.mark.parametrize("fail", [_parse, _value, _describe, _columns, _read, _load])
@pytest.mark.parametrize("words", [True, False])
def test_a_commit_after_an_error_never_pretends(engine: Any, fail: Callable[[Any, Any], None], words: bool) -> None:
    session, name = engine.connect(), engine.relation("lost")
    session.execute("begin") if words else session.begin()
    session.execute(engine.dialect.create_table(name, "select 1 as a", {}))
    with pytest.raises(ExecuteError):
        fail(session, engine)
    with pytest.raises(ExecuteError, match="nothing was committed") as caught:
        session.execute(" COMMIT work ; ") if words else session.commit()
    assert caught.value.first.code == "X110"
    assert engine.find(name) is None
    session.begin()  # and the session is usable again
    session.execute(engine.dialect.create_table(name, "select 1 as a", {}))
    session.commit()
    assert engine.find(name) is not None


def test_a_commit_without_a_transaction_is_an_error(engine: Any) -> None:
    with pytest.raises(ExecuteError):
        engine.connect().commit()


def test_two_that_change_the_same_thing_get_a_transient_error(engine: Any) -> None:
    one, two = engine.connect(), engine.connect()
    sql = engine.dialect.create_table(engine.relation("same"), "select 1 as a", {})
    one.begin()
    two.begin()
    one.execute(sql)
    with pytest.raises(ExecuteError) as caught:
        two.execute(sql)
    assert caught.value.transient
    with pytest.raises(ExecuteError) as lost:
        two.commit()
    assert lost.value.transient
    one.commit()


# data in and out


def test_describe_tells_the_columns_of_a_query_without_running_it(engine: Any) -> None:
    described = engine.connect().describe("-- c\nwith x as (select 1 as a) select a, cast('x' as varchar) as \"B c\" from x;")
    assert [name for name, _ in described] == ["a", "B c"]


def test_describe_points_into_the_query(engine: Any) -> None:
    with pytest.raises(ExecuteError) as caught:
        engine.connect().describe("select 'é', nope")
    assert caught.value.position == 12


def test_read_streams_and_sees_what_is_not_committed(engine: Any) -> None:
    session, name = engine.connect(), engine.relation("big")
    session.begin()
    session.execute(engine.dialect.create_table(name, "select i, 'é' as s from generate_series(0, 199999) t(i)", {}))
    reader = session.read(f"select * from {engine.dialect.relation(name)}")
    assert reader.schema.names == ["i", "s"]
    batches = list(reader)
    assert len(batches) > 1
    assert sum(len(b) for b in batches) == 200_000
    session.commit()


def test_a_reader_that_is_left_open_does_not_block_the_session(engine: Any) -> None:
    session = engine.connect()
    for end in (session.rollback, lambda: session.execute("select 1"), session.close):
        next(iter(session.read("select i from generate_series(0, 299999) t(i)")))
        end()


def test_an_unused_reader_does_not_outlive_the_next_statement(engine: Any) -> None:
    session = engine.connect()
    reader = session.read("select i from generate_series(0, 299999) t(i)")
    session.execute("select 1")
    with pytest.raises(Exception, match=r"(?i)closed|released|invalid"):
        reader.read_all()


def test_read_points_at_errors(engine: Any) -> None:
    with pytest.raises(ExecuteError) as caught:
        engine.connect().read("select 'é', nope")
    assert caught.value.position == 12


def test_read_translates_errors_that_come_late(engine: Any) -> None:
    session = engine.connect()
    with pytest.raises(ExecuteError, match="boom") as caught:
        session.read(
            "select cast(case when i = 290000 then 'boom' else '1' end as integer) as i from generate_series(0, 299999) t(i)"
        ).read_all()
    assert caught.value.first.code == "X103"


def test_cancel_while_rows_are_read(engine: Any) -> None:
    session = engine.connect()
    reader = session.read(SLOW.replace("count(*)", "i, j"))
    timer = threading.Timer(0.3, session.cancel)
    timer.start()
    with pytest.raises(ExecuteError) as caught:
        for _ in reader:
            pass
    timer.join()
    assert caught.value.cancelled


def batches(count: int, fails_at: int | None = None) -> pa.RecordBatchReader:
    schema = pa.schema([("Id", pa.int64()), ('na"me', pa.string()), ("none", pa.null())])

    def each() -> Iterator[pa.RecordBatch]:
        for number in range(count):
            if number == fails_at:
                raise LookupError("the author's own é")
            yield pa.record_batch([pa.array([number]), pa.array(["é"]), pa.nulls(1)], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, each())


def test_load_makes_a_table_with_the_types_asked_for(engine: Any) -> None:
    session, name = engine.connect(), engine.relation("loaded")
    assert session.load(name, batches(3), {"ID": "varchar"}) == 3
    assert session.load(name, batches(2), {"ID": "varchar"}) == 2
    assert engine.rows(name) == [("0", "é", None), ("1", "é", None)]
    assert [c for c, _ in session.columns(name)] == ["Id", 'na"me', "none"]
    quoted = engine.dialect.relation(name)
    session.execute(f"insert into {quoted} values ('x', 'y', 'a column of nulls takes values')")


def test_load_takes_part_in_a_transaction(engine: Any) -> None:
    session, name = engine.connect(), engine.relation("loaded")
    session.begin()
    session.load(name, batches(2))
    session.rollback()
    assert engine.find(name) is None


def test_load_raises_what_the_source_of_the_batches_raised(engine: Any) -> None:
    session, name = engine.connect(), engine.relation("loaded")
    session.load(name, batches(2))
    with pytest.raises(LookupError, match="the author's own é"):
        session.load(name, batches(5, fails_at=3))
    assert len(engine.rows(name)) == 2


def test_load_says_which_value_does_not_fit(engine: Any) -> None:
    with pytest.raises(ExecuteError) as caught:
        engine.connect().load(engine.relation("loaded"), batches(1), {'na"me': "integer"})
    assert "é" in caught.value.first.message
    assert caught.value.position is None


def test_load_refuses_columns_that_cannot_be_told_apart(engine: Any) -> None:
    schema = pa.schema([("a", pa.int64()), ("A", pa.int64())])
    with pytest.raises(ExecuteError, match="two columns are named `A`"):
        engine.connect().load(engine.relation("l"), pa.RecordBatchReader.from_batches(schema, []))


def test_load_refuses_a_type_for_a_column_that_is_not_there(engine: Any) -> None:
    with pytest.raises(ExecuteError) as caught:
        engine.connect().load(engine.relation("l"), batches(1), {"nam": "text"})
    assert caught.value.first.hint is not None


def test_load_of_no_rows_is_a_table(engine: Any) -> None:
    assert engine.connect().load(engine.relation("none"), batches(0)) == 0
    assert engine.rows(engine.relation("none")) == []


# cancel


def test_cancel_from_another_thread_stops_the_query(engine: Any) -> None:
    session = engine.connect()
    session.begin()
    timer = threading.Timer(0.3, session.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(ExecuteError) as caught:
        session.execute(SLOW)
    timer.join()
    assert time.monotonic() - started < 5
    assert caught.value.cancelled
    assert not caught.value.transient
    with pytest.raises(ExecuteError) as lost:
        session.commit()
    assert lost.value.cancelled
    assert session.execute("select 1").rows == ((1,),)


def test_cancel_of_an_idle_session_is_harmless(engine: Any) -> None:
    session = engine.connect()
    session.cancel()
    assert session.execute("select 1").rows == ((1,),)


# snapshots


def test_a_snapshot_finds_relations_whatever_their_case(engine: Any) -> None:
    session = engine.connect()
    session.execute(engine.dialect.create_table(engine.relation("Orders"), 'select 1 as "Id", \'x\' as "na me"', {}))
    session.execute(engine.dialect.create_view(engine.relation("v"), "select 1 as a", {}))
    taken = engine.warehouse.snapshot([engine.relation("x")])
    found = taken.find(engine.relation("oRDERS"))
    assert found.kind == "table"
    assert found.relation.name == "Orders"
    assert [c for c, _ in found.columns] == ["Id", "na me"]
    assert found.columns == session.columns(found.relation)
    assert taken.find(engine.relation("v")).kind == "view"
    assert taken.find(engine.relation("w")) is None
    assert ((engine.database or "").casefold(), engine.target.schema.casefold()) in taken.schemas


@pytest.mark.never("postgres", reason="a table that a view reads cannot be dropped")
def test_a_snapshot_survives_a_view_whose_table_is_gone(engine: Any) -> None:
    session, table, view = engine.connect(), engine.relation("t"), engine.relation("v")
    session.execute(engine.dialect.create_table(table, "select 1 as a", {}))
    session.execute(engine.dialect.create_view(view, f"select * from {engine.dialect.relation(table)}", {}))
    session.execute(engine.dialect.drop(engine.find(table)))
    assert engine.find(view).kind == "view"


def test_relations_without_a_database_are_found_too(engine: Any) -> None:
    from dataclasses import replace

    session, relation = engine.connect(), replace(engine.relation("bare"), database=None)
    session.execute(engine.dialect.create_table(relation, "select 1 as a", {}))
    taken = engine.warehouse.snapshot([relation])
    assert taken.find(relation) is not None
    assert ("", engine.target.schema.casefold()) in taken.schemas


# many at once


def test_four_threads_publish_at_once_without_conflict(engine: Any) -> None:
    failures: list[OrcError] = []

    def work(worker: int) -> None:
        session = engine.warehouse.connect()
        try:
            for round_ in range(3):
                for number in range(worker, 40, 4):
                    name = engine.relation(f"m{number}")
                    existing = None if round_ == 0 else engine.find(name)
                    for statement in engine.publishing(
                        name, f"select {round_} as r, i from generate_series(0, 49) t(i)", f"r{round_}", existing
                    ):
                        session.execute(statement)
        except OrcError as error:
            failures.append(error)
        finally:
            session.close()

    threads = [threading.Thread(target=work, args=(w,)) for w in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    taken = engine.warehouse.snapshot([engine.relation("x")])
    assert len(taken.ledger) == 40
    assert {p.run for p in taken.ledger.values()} == {"r2"}
    assert len([e for e in taken.relations.values() if e.relation.name.startswith("m")]) == 40
