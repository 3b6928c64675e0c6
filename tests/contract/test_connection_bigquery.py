"""What every engine's connection promises, in GoogleSQL: against the in-tree server, or a project that ``ORC_TEST_BQ_PROJECT`` names."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as day_time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from orchestrator.adapters import registry
from orchestrator.core.errors import ExecuteError, WarehouseError
from orchestrator.core.ports import Answer
from orchestrator.core.snapshot import Existing, Published

D = Decimal


@pytest.fixture
def engine(bigquery_engine: Any) -> Any:
    return bigquery_engine


def refusal(engine: Any, sql: str) -> ExecuteError:
    with pytest.raises(ExecuteError) as caught:
        engine.connect().execute(sql)
    return caught.value


def test_a_query_answers_with_rows_and_columns(engine: Any) -> None:
    answer = engine.connect().execute("select 1 as a, 'x' as b")
    assert (answer.rows, answer.columns) == (((1, "x"),), ("a", "b"))
    empty = engine.connect().execute("select 1 as a from unnest([1]) where false")
    assert (empty.rows, empty.columns) == ((), ("a",))


def test_commands_that_belong_to_no_run_do_not_get_each_other_s_answers(engine: Any) -> None:
    for number in (1, 2):
        warehouse = registry.warehouse(engine.target, str(engine.root))
        session = warehouse.connect()
        assert session.execute(f"select {number} as n").rows == ((number,),)
        session.close()
        warehouse.close()


def test_statements_answer_with_what_they_did(engine: Any) -> None:
    session, name = engine.connect(), engine.dialect.relation(engine.relation("t"))
    assert session.execute(engine.dialect.create_table(engine.relation("t"), "select 1 as a", {})).affected == 1
    inserted = session.execute(f"insert into {name} (a) select 2 as a union all select 3")
    assert (inserted.affected, inserted.rows, inserted.message.split()[0]) == (2, (), "INSERT")
    assert session.execute(f"delete from {name} where a > 1").affected == 2
    assert session.execute(f"drop table {name}").affected is None


@pytest.mark.parametrize("sql", ["", "  ;", "-- nothing to do"])
def test_nothing_to_do_is_done(engine: Any, sql: str) -> None:
    assert engine.connect().execute(sql) == Answer()


@pytest.mark.parametrize(
    ("sql", "code", "message", "points_at"),
    [
        ("select 'é日本', nope from (select 1 as nop) t", "X102", "nope", "nope"),
        ("-- é\n\nselect 1 as a\nfrom `Shop`.nowhere_at_all", "X102", "nowhere_at_all", None),
        ("select 'é' from from x", "X101", "Syntax error", "from x"),
        ("select 'é', cast('abc' as int64) as n", "X103", "abc", None),
    ],
)
def test_an_error_says_what_and_where(engine: Any, sql: str, code: str, message: str, points_at: str | None) -> None:
    error = refusal(engine, sql)
    assert error.first.code == code
    assert message in error.first.message
    assert "[" not in error.first.message
    assert (error.position is None) == (points_at is None)
    assert points_at is None or sql[error.position or 0 :].startswith(points_at)
    assert (error.transient, error.cancelled) == (False, False)


def test_a_missing_table_is_hinted_at(engine: Any) -> None:
    engine.connect().execute(engine.dialect.create_table(engine.relation("stg_orders"), "select 1 as a", {}))
    assert "stg_orders" in str(refusal(engine, f"select * from {engine.dialect.quote(engine.target.schema)}.stg_order").first.hint)


def test_a_transaction_of_rows_is_seen_when_it_is_committed(engine: Any) -> None:
    session, name = engine.connect(), engine.relation("t")
    session.execute(engine.dialect.create_table(name, "select 1 as a", {}))
    for end, seen in ((session.rollback, [(1,)]), (session.commit, [(1,), (2,)])):
        session.begin()
        session.execute(f"insert into {engine.dialect.relation(name)} (a) values (2)")
        assert sorted(session.execute(f"select a from {engine.dialect.relation(name)}").rows) == [(1,), (2,)]
        assert engine.rows(name) == [(1,)]
        end()
        assert engine.rows(name) == seen


def test_a_commit_after_an_error_never_pretends(engine: Any) -> None:
    session, name = engine.connect(), engine.relation("t")
    session.execute(engine.dialect.create_table(name, "select 1 as a", {}))
    session.begin()
    session.execute(f"insert into {engine.dialect.relation(name)} (a) values (2)")
    with pytest.raises(ExecuteError):
        session.execute("select nope")
    with pytest.raises(ExecuteError, match="nothing was committed"):
        session.execute(" COMMIT work ; ")
    assert engine.rows(name) == [(1,)]
    session.rollback()
    assert session.execute("select 1").rows == ((1,),)
    with pytest.raises(ExecuteError):
        session.commit()


def test_describe_and_estimate_run_nothing(engine: Any) -> None:
    session, name = engine.connect(), engine.relation("t")
    session.execute(engine.dialect.create_table(name, "select 1 as a, [struct('x' as b)] as c", {}))
    assert session.describe(f"select * from {engine.dialect.relation(name)}") == (("a", "INT64"), ("c", "ARRAY<STRUCT<b STRING>>"))
    assert session.columns(name) == engine.find(name).columns == (("a", "INT64"), ("c", "ARRAY<STRUCT<b STRING>>"))
    assert session.estimate(f"select a from {engine.dialect.relation(name)}") == 8
    with pytest.raises(ExecuteError) as caught:
        session.describe("select 'é', nope")
    assert caught.value.position == 12


def test_a_reader_ends_with_the_connection_s_next_statement(engine: Any) -> None:
    session = engine.connect()
    reader = session.read("select i from unnest(generate_array(1, 300)) as i, unnest(generate_array(1, 400)) as j")
    batches = list(reader)
    assert sum(len(b) for b in batches) == 120_000
    left = session.read("select i from unnest(generate_array(1, 300)) as i, unnest(generate_array(1, 400)) as j")
    session.execute("select 1")
    with pytest.raises(ExecuteError, match="closed"):
        left.read_all()


COLUMNS: dict[str, pa.Array] = {
    "booleans": pa.array([True, None, False]),
    "small": pa.array([-(2**15), None, 2**15 - 1], pa.int16()),
    "big": pa.array([-(2**63), None, 2**63 - 1]),
    "unsigned": pa.array([0, None, 2**64 - 1], pa.uint64()),
    "doubles": pa.array([0.1, None, float("-inf")]),
    "money": pa.array([D("-12345678.90"), None, D("0.01")], pa.decimal128(10, 2)),
    "long": pa.array([D("-1234567890123456789012345678.0123456789"), None, D(1)], pa.decimal128(38, 10)),
    "texts": pa.array(["", None, 'é日本 "quoted", \\N\n']),
    "bytes": pa.array([b"", None, b"\x00\xff"]),
    "dates": pa.array([date(1, 1, 1), None, date(9999, 12, 31)]),
    "times": pa.array([day_time(0), None, day_time(23, 59, 59, 999_999)]),
    "local": pa.array([datetime(1900, 1, 1, 1, 2, 3, 4), None, datetime(2100, 1, 1)], pa.timestamp("us")),  # noqa: DTZ001  naive ones are meant
    "moments": pa.array([datetime(1900, 1, 1, tzinfo=UTC), None, datetime(2013, 3, 10, 7, 30, tzinfo=UTC)], pa.timestamp("us", "UTC")),
    "words": pa.array(["a", None, "b"]).dictionary_encode(),
    "structs": pa.array([{"x": 1, "y": "é"}, {"x": None, "y": None}, {"x": 2, "y": ""}]),
    "nothing": pa.nulls(3),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_as_it_was(engine: Any, name: str) -> None:
    table = pa.table({name: COLUMNS[name], "n": pa.array(range(3))})
    session, relation = engine.connect(), engine.relation("frames")
    assert session.load(relation, table.to_reader()) == 3
    back = session.read(f"select * from {engine.dialect.relation(relation)} order by n").read_all()
    assert back[name].to_pylist() == table[name].to_pylist()
    assert session.load(relation, table.slice(0, 0).to_reader()) == 0
    assert session.read(f"select * from {engine.dialect.relation(relation)}").read_all().schema == back.schema


def test_lists_come_back_and_a_null_one_is_empty(engine: Any) -> None:
    lists = pa.array([[1, 2], None, []], pa.list_(pa.int64()))
    session, relation = engine.connect(), engine.relation("lists")
    session.load(relation, pa.table({"l": lists, "n": [1, 2, 3]}).to_reader())
    assert session.read(f"select l from {engine.dialect.relation(relation)} order by n").read_all()["l"].to_pylist() == [[1, 2], [], []]


def batches(count: int, fails_at: int | None = None) -> pa.RecordBatchReader:
    schema = pa.schema([("Id", pa.int64()), ("na me", pa.string())])

    def each() -> Iterator[pa.RecordBatch]:
        for number in range(count):
            if number == fails_at:
                raise LookupError("the author's own é")
            yield pa.record_batch([pa.array([number]), pa.array(["é"])], schema=schema)

    return pa.RecordBatchReader.from_batches(schema, each())


def test_a_load_in_parts_is_one_table(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestrator.adapters.bigquery import loading

    monkeypatch.setattr(loading, "PART", 20)
    session, relation = engine.connect(), engine.relation("parts")
    assert session.load(relation, batches(5)) == 5
    assert [row[0] for row in engine.rows(relation)] == [0, 1, 2, 3, 4]
    assert session.load(engine.relation("clustered"), batches(3), config={"cluster_by": "Id"}) == 3
    assert engine.find(engine.relation("clustered")).layout == "clustered by id"


def test_a_load_casts_where_it_is_asked_to_and_raises_what_its_source_raised(engine: Any) -> None:
    session, relation = engine.connect(), engine.relation("loaded")
    assert session.load(relation, batches(2), {"ID": "string"}) == 2
    assert engine.rows(relation) == [("0", "é"), ("1", "é")]
    with pytest.raises(LookupError, match="the author's own é"):
        session.load(relation, batches(5, fails_at=3))
    assert len(engine.rows(relation)) == 2
    with pytest.raises(ExecuteError) as caught:
        session.load(relation, batches(1), {"na me": "int64"})
    assert caught.value.first.code == "X103"
    assert caught.value.position is None


def test_a_cancel_from_another_thread_stops_the_job(engine: Any, bigquery_fake: Any) -> None:
    bigquery_fake.faults.hold("select 77", seconds=60)
    session = engine.connect()
    session.cancel()  # of an idle session: harmless
    timer = threading.Timer(0.3, session.cancel)
    timer.start()
    started = time.monotonic()
    with pytest.raises(ExecuteError) as caught:
        session.execute("select 77")
    timer.join()
    assert time.monotonic() - started < 5
    assert (caught.value.cancelled, caught.value.transient) == (True, False)
    assert session.execute("select 1").rows == ((1,),)


NAMES = ["orders", "Orders", "select", "order by", "naïve", "日本", "2013", "x" * 60, "a-b"]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_can_be_built_found_and_dropped(engine: Any, name: str) -> None:
    session, relation = engine.connect(), engine.relation(name)
    session.execute(engine.dialect.create_table(relation, "select 1 as a", {}))
    found = engine.find(relation)
    assert found.relation.name == name
    session.execute(engine.dialect.drop(found))
    assert engine.find(relation) is None


TEXTS = ["", "it's", "back\\slash", "line\nbreak\r", "é日本", "--", "a;b", "`"]
OTHERS = [date(2013, 1, 31), datetime(2013, 1, 31, 12, 30, 1, 5), datetime(2013, 1, 31, tzinfo=UTC), b"\x00\xff'", [1, 2]]  # noqa: DTZ001  a naive one is meant


@pytest.mark.parametrize("value", [*TEXTS, *OTHERS, True, 0, -1, 2**60, 1.5, float("inf"), D("1.10"), D("0.0123456789"), None])
def test_literals_come_back_as_they_were(engine: Any, value: object) -> None:
    ((back,),) = engine.connect().execute(f"select {engine.dialect.literal(value)}").rows
    assert back == value


def test_literals_of_intervals(engine: Any) -> None:
    say = engine.dialect.literal
    sql = f"select {say(datetime(2013, 1, 1))} + {say(timedelta(days=1, microseconds=-1))}"  # noqa: DTZ001  a naive one is meant
    assert engine.connect().execute(sql).rows == ((datetime(2013, 1, 1, 23, 59, 59, 999999),),)  # noqa: DTZ001  same


def test_the_ledger_says_what_was_recorded_last(engine: Any) -> None:
    session = engine.connect()
    for run, at in (("r1", "2026-01-01T00:00:00"), ("r2", "2026-01-02T00:00:00")):
        for statement in engine.dialect.ledger_write(Published("n", "p.d.t", "f", run, at, 3)):
            session.execute(statement)
    assert session.execute(engine.dialect.ledger_read("n")).rows == (("r2",),)
    assert engine.warehouse.snapshot([engine.relation("x")]).ledger["n"].run == "r2"


def test_a_snapshot_tells_kinds_layouts_and_datasets(engine: Any) -> None:
    session = engine.connect()
    by_day = {"partition_by": {"field": "d"}, "cluster_by": ["a"]}
    session.execute(engine.dialect.create_table(engine.relation("t"), "select date '2024-01-01' as d, 1 as a", by_day))
    session.execute(engine.dialect.create_view(engine.relation("v"), "select 1 as a", {}))
    taken = engine.warehouse.snapshot([engine.relation("x")])
    assert (taken.find(engine.relation("t")).kind, taken.find(engine.relation("v")).kind) == ("table", "view")
    assert taken.find(engine.relation("t")).layout == "by day of d; clustered by a"
    assert taken.find(engine.relation("T")) is not None
    assert engine.warehouse.snapshot([engine.relation("T")]).find(engine.relation("T")) is None  # asked for by exactly that name
    assert (str(engine.database), engine.target.schema.casefold()) in taken.schemas


def test_a_server_that_is_not_there_is_said_so(engine: Any) -> None:
    from orchestrator.adapters import registry
    from orchestrator.core.project import Target

    settings = {"type": "bigquery", "project": "p", "api_endpoint": "http://127.0.0.1:1", "job_retry_deadline_seconds": 1}
    warehouse = registry.warehouse(Target("shop", "dev", "bigquery", "p", "d", 1, settings), "")
    with pytest.raises(WarehouseError) as caught:
        warehouse.snapshot([engine.relation("x")])
    assert caught.value.first.code == "W304"


def test_what_was_dropped_in_between_is_no_error(engine: Any) -> None:
    engine.connect().execute(engine.dialect.drop(Existing(engine.relation("never_there"), "table")))
