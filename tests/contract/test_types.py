"""What a value is, it stays: through frames, seeds and SQL, on every engine."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.core.errors import ExecuteError
from orchestrator.execute.child.pandas_frames import from_pandas, to_pandas
from orchestrator.execute.child.spool import spool
from orchestrator.execute.python_model import _read_segments
from orchestrator.execute.seed import read_seed

pytestmark = pytest.mark.parametrize("engine", ["bigquery", "duckdb", "postgres"], indirect=True)

D = Decimal
OWN_SESSION = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
NAIVE = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))  # noqa: DTZ001  naive ones are meant
KINDS: dict[str, tuple[pa.DataType, st.SearchStrategy[Any]]] = {
    "bool": (pa.bool_(), st.booleans()),
    "int16": (pa.int16(), st.integers(-(2**15), 2**15 - 1)),
    "int32": (pa.int32(), st.integers(-(2**31), 2**31 - 1)),
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "float": (pa.float32(), st.floats(width=32)),
    "double": (pa.float64(), st.floats()),
    "decimal_9_0": (pa.decimal128(9, 0), st.integers(-(10**9) + 1, 10**9 - 1).map(D)),
    "decimal_18_9": (pa.decimal128(18, 9), st.decimals(-(10**9) + 1, 10**9 - 1, places=9)),
    "decimal_38_38": (pa.decimal128(38, 38), st.integers(-(10**38) + 1, 10**38 - 1).map(lambda n: D(f"{n}E-38"))),
    "text": (pa.string(), TEXTS),
    "bytes": (pa.binary(), st.binary(max_size=20)),
    "date": (pa.date32(), st.dates(date(1, 1, 1), date(9999, 12, 31))),
    "time": (pa.time64("us"), st.times()),
    "timestamp": (pa.timestamp("us"), NAIVE),
    "moment": (pa.timestamp("us", "UTC"), NAIVE.map(lambda at: at.replace(tzinfo=UTC))),
}


def same(one: Any, other: Any) -> bool:
    """Equal, and of one sort; NaN is NaN and not null."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return bool(one == other) and (one is None) == (other is None) and isinstance(one, bool) == isinstance(other, bool)


def through(engine: Any, table: pa.Table, types: dict[str, str] | None = None, pieces: int = 1) -> pa.Table:
    """The table after a load and a read. The order is that of the column `n`."""
    session, relation = engine.connect(), engine.relation("types")
    try:
        size = max(1, -(-table.num_rows // pieces))
        assert session.load(relation, table.to_reader(max_chunksize=size), types) == table.num_rows
        found: pa.Table = session.read(f"select * from {engine.dialect.relation(relation)} order by n").read_all()
        return found
    finally:
        engine.opened.remove(session)
        session.close()


def is_bigquery(engine: Any) -> bool:
    return bool(engine.target.type == "bigquery")


WIDEST = {
    "int16": pa.int64(), "int32": pa.int64(), "float": pa.float64(), "decimal_38_38": pa.decimal256(76, 38),
    "decimal_9_0": pa.decimal128(38, 9), "decimal_18_9": pa.decimal128(38, 9),
}  # fmt: skip
"""BigQuery has one type of integers, one of floats, and two of decimals."""


def kept(engine: Any, name: str) -> pa.DataType:
    """What a column of this kind comes back as."""
    return WIDEST.get(name, KINDS[name][0]) if is_bigquery(engine) else KINDS[name][0]


@pytest.mark.some("bigquery", ["names"], [("all",)])  # in one table: each load and each look takes the stand-in its time
@pytest.mark.parametrize("names", [*KINDS, "all"])
@given(data=st.data())
@OWN_SESSION
def test_values_and_lists_of_them_come_back(engine: Any, names: str, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 12))
    columns: dict[str, Any] = {"n": pa.array(range(count), pa.int32())}
    for name in KINDS if names == "all" else [names]:
        kind, strategy = KINDS[name]
        lists = st.lists(strategy, max_size=3) if is_bigquery(engine) else st.none() | st.lists(st.none() | strategy, max_size=3)
        columns[name] = pa.array(data.draw(st.lists(st.none() | strategy, min_size=count, max_size=count)), kind)
        columns[f"{name}_list"] = pa.array(data.draw(st.lists(lists, min_size=count, max_size=count)), pa.list_(kind))
    table = pa.table(columns)
    skipped = min(data.draw(st.integers(0, 3)), count)
    table = table.slice(skipped)
    back = through(engine, table, pieces=data.draw(st.integers(1, 3)))
    for name in table.column_names[1:]:
        assert same(back[name].to_pylist(), table[name].to_pylist()), name
        expected, found = kept(engine, name.removesuffix("_list")), back.schema.field(name).type
        found = found.value_type if name.endswith("_list") else found
        assert found == expected or expected.tz == "UTC"


@pytest.mark.never("duckdb", "postgres", reason="they keep both")
def test_there_is_no_null_list_and_no_null_in_one(engine: Any) -> None:
    """A list that is null becomes an empty one; a null in a list is refused, in data and in answers."""
    table = pa.table({"n": [1, 2], "l": pa.array([None, [1]], pa.list_(pa.int64()))})
    assert through(engine, table)["l"].to_pylist() == [[], [1]]
    session = engine.connect()
    with pytest.raises(ExecuteError, match=r"field l.* contains a null element"):
        session.load(engine.relation("types"), pa.table({"n": [1], "l": pa.array([[1, None]], pa.list_(pa.int64()))}).to_reader())
    with pytest.raises(ExecuteError, match="Array cannot have a null element; error in writing field c"):
        session.read("select [1, null] as c").read_all()
    with pytest.raises(ExecuteError, match="Array cannot have a null element; error in writing field c"):
        session.execute(engine.dialect.create_table(engine.relation("types"), "select [1, null] as c", {}))


NO_INTERVALS = pytest.mark.never("bigquery", reason="INTERVAL is no type of a Parquet file that BigQuery loads")


@NO_INTERVALS
@given(
    rows=st.lists(
        st.none() | st.tuples(st.integers(-100_000, 100_000), st.integers(-100_000, 100_000), st.integers(-(10**12), 10**12)), max_size=8
    )
)
@OWN_SESSION
def test_intervals_keep_months_days_and_time_apart(engine: Any, rows: list[tuple[int, int, int] | None]) -> None:
    intervals = [None if r is None else pa.MonthDayNano([r[0], r[1], r[2] * 1000]) for r in rows]
    table = pa.table({"n": pa.array(range(len(rows)), pa.int32()), "c": pa.array(intervals, pa.month_day_nano_interval())})
    assert through(engine, table)["c"].to_pylist() == intervals


@NO_INTERVALS
def test_a_duration_comes_back_as_an_interval(engine: Any) -> None:
    table = pa.table({"n": [1, 2], "c": pa.array([timedelta(days=-1, seconds=5), None], pa.duration("us"))})
    assert through(engine, table)["c"].to_pylist() == [pa.MonthDayNano([0, 0, -86_395 * 10**9]), None]


NESTED: dict[str, tuple[pa.Array, list[Any]]] = {
    "structs": (pa.array([{"a": 1, "b": "é"}, None, {"a": None, "b": '"'}]), [{"a": 1, "b": "é"}, None, {"a": None, "b": '"'}]),
    "maps": (pa.array([[("a", 1)], None], pa.map_(pa.string(), pa.int64())), [{"a": 1}, None]),
    "structs of decimals": (pa.array([{"d": D("1.50"), "at": date(2024, 2, 29)}]), [{"d": 1.5, "at": "2024-02-29"}]),
}


@pytest.mark.parametrize("name", NESTED)
def test_nested_values_keep_their_shape(engine: Any, name: str) -> None:
    """As they are where the engine has such types, else as JSON."""
    given_, expected = NESTED[name]
    if is_bigquery(engine) and name == "maps":
        expected = [{"a": 1}, []]  # a list of pairs, which is never null
    back = through(engine, pa.table({"n": range(len(given_)), "c": given_}))["c"]
    assert [shape(v) for v in back.to_pylist()] == expected


@pytest.mark.never("bigquery", reason="BigQuery has no arrays of arrays")
def test_lists_of_lists_keep_their_shape(engine: Any) -> None:
    lists = [[[1], None], None, []]
    back = through(engine, pa.table({"n": range(3), "c": pa.array(lists)}))["c"]
    assert [shape(v) for v in back.to_pylist()] == lists


def shape(value: Any) -> Any:
    if isinstance(value, str):
        return json.loads(value)
    if isinstance(value, list) and value and all(isinstance(v, tuple) for v in value):
        return dict(value)  # a map, as Arrow shows it
    if isinstance(value, list) and value and all(isinstance(v, dict) and v.keys() == {"key", "value"} for v in value):
        return {v["key"]: v["value"] for v in value}  # a map, as BigQuery keeps it
    return json.loads(json.dumps(value, default=lambda v: float(v) if isinstance(v, D) else str(v))) if value != [] else value


def test_an_empty_map_has_no_keys(engine: Any) -> None:
    back = through(engine, pa.table({"n": [1], "c": pa.array([[]], pa.map_(pa.string(), pa.int64()))}))["c"].to_pylist()
    assert back in ([[]], ["{}"])


def test_a_list_of_numbers_without_bounds_is_one_of_numbers(engine: Any) -> None:
    some = [1.5, 2.25] if is_bigquery(engine) else [1.5, None, 2.25]
    written = ", ".join("null" if v is None else str(v) for v in some)
    back = engine.connect().read(f"select array[{written}] as c, array[1, 2] as d").read_all().to_pylist()[0]
    assert ([None if v is None else float(v) for v in back["c"]], back["d"]) == (some, [1, 2])


def test_nan_in_nested_values_is_not_an_error(engine: Any) -> None:
    back = through(engine, pa.table({"n": [1], "c": pa.array([{"a": float("nan")}])}))["c"].to_pylist()[0]
    found = json.loads(back)["a"] if isinstance(back, str) else back["a"]
    assert found is None or math.isnan(found)


EMPTY = {name: pa.array([], kind) for name, (kind, _) in KINDS.items()}


def test_an_empty_frame_keeps_its_columns_and_types(engine: Any) -> None:
    back = through(engine, pa.table({"n": pa.array([], pa.int64()), **EMPTY}))
    assert back.num_rows == 0
    assert [f.type for f in back.schema if not (pa.types.is_timestamp(f.type) and f.type.tz)] == [
        pa.int64(), *(kept(engine, name) for name in KINDS if name != "moment"),
    ]  # fmt: skip


ODD = ["a.b", 'a"b', "a\nb", " a ", "100%", "{a}", "%s", "naïve😀", "select", "A", "$1", ":x", "?", "--", "a;b", "\\"]


FORBIDDEN = set('!"$()*,./;?@[\\]^`{}~')
"""What BigQuery's documentation takes out of the names that columns may have."""


@pytest.mark.parametrize("name", ODD)
def test_odd_column_names_are_kept_or_refused_before_anything_is_sent(engine: Any, name: str) -> None:
    if is_bigquery(engine) and FORBIDDEN & set(name):
        with pytest.raises(ExecuteError) as refused:
            engine.connect().load(engine.relation("types"), pa.table({"n": [1], name: ["x"]}).to_reader())
        assert (refused.value.first.code, f"column `{name}`" in refused.value.first.message) == ("X112", True)
        return
    assert through(engine, pa.table({"n": [1], name: ["x"]})).schema.names == ["n", name]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a"], "two columns are named `a`"),
        (["a", "A"], "two columns are named `A`"),
        ([""], "a column of the data has no name"),
        (["a\x00b"], "cannot name a column"),
        ([], "the data has no columns"),
    ],
)
def test_columns_that_no_table_can_have_are_refused_by_name(engine: Any, names: list[str], message: str) -> None:
    table = pa.Table.from_arrays([pa.array([1])] * len(names), names=names)
    session = engine.connect()
    with pytest.raises(ExecuteError) as refused:
        session.load(engine.relation("types"), table.to_reader())
    assert refused.value.first.code == "X112"
    assert message in refused.value.first.message
    assert session.execute("select 1").rows == ((1,),)


@pytest.mark.never("duckdb", reason="Arrow has a place for its infinities, and its decimals are never NaN")
@pytest.mark.never("bigquery", reason="no date, time or decimal of it is infinite or NaN: a cast to one is refused")
@pytest.mark.parametrize(
    "sql", ["cast('infinity' as date)", "cast('infinity' as timestamp)", "cast('NaN' as numeric(5, 2))", "array[cast('infinity' as date)]"]
)
def test_a_value_that_only_the_engine_knows_is_an_error_with_its_column(engine: Any, sql: str) -> None:
    session = engine.connect()
    with pytest.raises(ExecuteError) as refused:
        session.read(f"select 1 as n, {sql} as odd").read_all()
    assert (refused.value.first.code, "column `odd`" in refused.value.first.message) == ("X119", True)
    session.rollback()
    assert session.execute("select 1").rows == ((1,),)


# Through the process of a Python model, as pandas, and back.

NUMBERS = {"float": st.floats(width=32, allow_nan=False), "double": st.floats(allow_nan=False)}  # to pandas, NaN is null
FRAMES = {name: kind for name, kind in KINDS.items() if name != "decimal_38_38"}


@given(data=st.data())
@OWN_SESSION
def test_what_a_model_reads_as_pandas_and_returns_is_the_same_table(engine: Any, tmp_path: Path, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 6))
    columns: dict[str, Any] = {"n": pa.array(range(count), pa.int64())}
    for name, (kind, strategy) in FRAMES.items():
        known = NUMBERS.get(name, strategy)
        columns[name] = pa.array(data.draw(st.lists(st.none() | known, min_size=count, max_size=count)), kind)
    first = through(engine, pa.table(columns))
    returned = _spooled(from_pandas(to_pandas(first)), tmp_path)
    second = through(engine, returned)
    for name in columns:
        assert same(second[name].to_pylist(), pa.table(columns)[name].to_pylist()), name


def _spooled(value: Any, folder: Path) -> pa.Table:
    return _read_segments(spool(value, str(folder))["segments"]).read_all()


# Seeds, with types given for their columns.

SEED_TYPES: dict[str, tuple[str, st.SearchStrategy[Any]]] = {
    "whole": ("bigint", st.integers(-(2**63), 2**63 - 1)),
    "price": ("numeric(10, 2)", st.decimals(-(10**8) + 1, 10**8 - 1, places=2)),
    "share": ("double precision", st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "flag": ("boolean", st.booleans()),
    "day": ("date", st.dates(date(1, 1, 1), date(9999, 12, 31))),
    "clock": ("time", st.times()),
    "at": ("timestamp", st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31))),  # noqa: DTZ001  naive ones are meant
    "moment": ("timestamp with time zone", NAIVE.filter(lambda at: at.year < 9999).map(lambda at: at.replace(tzinfo=UTC))),
    "words": ("text", TEXTS.filter(lambda t: "\r" not in t)),
    "code": ("varchar(40)", st.from_regex(r"[0-9]{1,10}", fullmatch=True)),
}


@given(rows=st.lists(st.tuples(*(st.none() | strategy for _, strategy in SEED_TYPES.values())), max_size=8))
@OWN_SESSION
def test_a_seed_has_the_types_that_are_configured(engine: Any, tmp_path: Path, rows: list[tuple[Any, ...]]) -> None:
    file = tmp_path / "seed.csv"
    with file.open("w", encoding="utf-8", newline="") as out:
        out.write(",".join(["n", *SEED_TYPES]) + "\n")
        out.writelines(_csv([number, *row]) for number, row in enumerate(rows))
    types = {name: kind for name, (kind, _) in SEED_TYPES.items()}
    if is_bigquery(engine):
        types["at"] = "datetime"  # what it calls `timestamp` has a zone
    seed = read_seed(str(file), "seeds/seed.csv", column_types=types)
    back = through(engine, seed.reader.read_all(), seed.types)
    for place, name in enumerate(SEED_TYPES):
        assert same(back[name].to_pylist(), [row[place] for row in rows]), name


def _csv(row: Sequence[Any]) -> str:
    """A line where only null is an empty field without quotes."""
    return ",".join("" if v is None else '"' + _written(v).replace('"', '""') + '"' for v in row) + "\n"


def _written(value: Any) -> str:
    return value.isoformat() if isinstance(value, date | time) else str(value).lower() if isinstance(value, bool) else str(value)


# Values written into SQL.

LITERALS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**62), 2**62), TEXTS, st.binary(max_size=10), st.dates(), NAIVE,
    NAIVE.filter(lambda at: 1 < at.year < 9999).map(lambda at: at.replace(tzinfo=UTC)), st.times(),
    st.decimals(-(10**12), 10**12, places=6), st.floats(allow_nan=False, allow_infinity=False),
)  # fmt: skip


@given(value=LITERALS)
@OWN_SESSION
def test_a_literal_says_its_value(engine: Any, value: Any) -> None:
    session = engine.connect()
    try:
        ((found,),) = session.execute(f"select {engine.dialect.literal(value)} as c").rows
    finally:
        engine.opened.remove(session)
        session.close()
    assert (
        found == pytest.approx(value, rel=1e-15)
        if isinstance(value, float)
        else same(bytes(found) if isinstance(value, bytes) else found, value)
    )
