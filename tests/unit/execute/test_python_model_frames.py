"""What becomes of returned frames, type by type, and of inputs on their way to pandas and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from orchestrator.execute.child.faults import Fault
from orchestrator.execute.child.pandas_frames import from_pandas, to_pandas
from orchestrator.execute.child.spool import BATCH_ROWS, spool
from orchestrator.execute.python_model import _read_segments


@pytest.fixture
def through(tmp_path: Path) -> Callable[[object], pa.Table]:
    def write_and_read(value: object) -> pa.Table:
        done = spool(value, str(tmp_path))
        table = _read_segments(done["segments"]).read_all()
        assert table.num_rows == done["rows"]
        table.validate(full=True)
        return table

    return write_and_read


Through = Callable[[object], pa.Table]
UTC_2024 = dt.datetime(2024, 1, 1, 12, tzinfo=dt.UTC)

TYPES: list[tuple[str, Any, str, list[Any]]] = [
    ("integers", pd.Series([1, 2]), "int64", [1, 2]),
    ("small integers", pd.Series([1, 2], dtype="int16"), "int16", [1, 2]),
    ("unsigned", pd.Series([1], dtype="uint64"), "uint64", [1]),
    ("nullable integers", pd.Series([1, None], dtype="Int64"), "int64", [1, None]),
    ("whole floats stay floats", pd.Series([1.0, None]), "double", [1.0, None]),
    ("NaN is NULL", pd.Series([1.5, float("nan")]), "double", [1.5, None]),
    ("booleans", pd.Series([True, False]), "bool", [True, False]),
    ("booleans with None", pd.Series([True, None], dtype="object"), "bool", [True, None]),
    ("text", pd.Series(["a", None]), "large_string", ["a", None]),
    ("empty text is not NULL", pd.Series(["", None]), "large_string", ["", None]),
    ("naive times", pd.Series(pd.to_datetime(pd.Series(["2024-01-01 10:00", None]))), "timestamp[us]", [dt.datetime(2024, 1, 1, 10), None]),  # noqa: DTZ001
    (
        "nanoseconds without need",
        pd.Series(pd.to_datetime(["2024-01-01"])).astype("datetime64[ns]"),
        "timestamp[us]",
        [dt.datetime(2024, 1, 1)],  # noqa: DTZ001
    ),
    ("aware times", pd.Series([pd.Timestamp(UTC_2024)]), "timestamp[us, tz=UTC]", [UTC_2024]),
    ("dates", pd.Series([dt.date(2024, 1, 1), None]), "date32[day]", [dt.date(2024, 1, 1), None]),
    ("times of day", pd.Series([dt.time(1, 2, 3)]), "time64[us]", [dt.time(1, 2, 3)]),
    ("decimals", pd.Series([Decimal("1.50"), None]), "decimal128(3, 2)", [Decimal("1.50"), None]),
    ("categories", pd.Series(["a", "b"], dtype="category"), "large_string", ["a", "b"]),
    ("all None", pd.Series([None, None], dtype="object"), "string", [None, None]),
    ("all NaN", pd.Series([float("nan")]), "double", [None]),
    ("bytes", pd.Series([b"a"]), "binary", [b"a"]),
    ("lists", pd.Series([[1, 2], []]), "list<item: int64>", [[1, 2], []]),
    ("dicts", pd.Series([{"a": 1}]), "struct<a: int64>", [{"a": 1}]),
]


@pytest.mark.parametrize(("series", "kind", "values"), [t[1:] for t in TYPES], ids=[t[0] for t in TYPES])
def test_pandas_columns(through: Through, series: pd.Series[Any], kind: str, values: list[Any]) -> None:
    column = through(pd.DataFrame({"x": series}))["x"]
    assert (str(column.type), column.to_pylist()) == (kind, values)


def test_real_nanoseconds_are_kept(through: Through) -> None:
    frame = pd.DataFrame({"x": pd.Series([pd.Timestamp("2024-01-01 00:00:00.000000001")]).astype("datetime64[ns]")})
    assert str(through(frame)["x"].type) == "timestamp[ns]"


EVERY_TYPE = """
    select * from (values
        (1, 2::smallint, 3::hugeint, 1.50::decimal(9, 2), 0.1::double, true, 'a', date '2024-01-01', timestamp '2024-01-01 10:00:00.123456',
         timestamptz '2024-01-01 10:00:00+00', time '01:02:03', 'b'::blob, 9007199254740993),
        (null, null, null, null, null, null, null, null, null, null, null, null, null)
    ) as t(i, s, h, dec, d, b, t, day, ts, tz, tm, bl, big)
"""


def test_a_table_with_nulls_survives_pandas(through: Through) -> None:
    before = duckdb.connect().query(EVERY_TYPE).to_arrow_table()
    after = through(to_pandas(before))
    assert after.to_pylist() == before.to_pylist()
    changed = {
        f.name: (str(f.type), str(after.schema.field(f.name).type)) for f in before.schema if f.type != after.schema.field(f.name).type
    }
    assert changed == {"h": ("decimal128(38, 0)", "int64"), "t": ("string", "large_string")}


def test_input_columns_are_pleasant_in_pandas() -> None:
    frame = to_pandas(
        duckdb.connect().query("select 1 as i, sum(1) as total, 1.5 as dec, date '2024-03-01' as day, null::int as gap").to_arrow_table()
    )
    assert str(frame["i"].dtype) == "int32"
    assert str(frame["total"].dtype) == "int64"
    assert frame["day"].dt.month.tolist() == [3]
    assert (frame["dec"] * 2.5).tolist() == [3.75]
    assert str(frame["gap"].dtype) == "Int32"
    frame.loc[0, "i"] = 5
    assert frame["i"].tolist() == [5]


def test_empty_frames_keep_their_columns(through: Through) -> None:
    table = through(pd.DataFrame({"a": pd.Series([], dtype="int64"), "b": pd.Series([], dtype="object")}))
    assert [(f.name, str(f.type)) for f in table.schema] == [("a", "int64"), ("b", "string")]
    assert table.num_rows == 0


def test_a_named_index_becomes_columns_an_unnamed_one_is_dropped(through: Through) -> None:
    frame = pd.DataFrame({"k": ["a", "a", "b"], "x": [1, 2, 3]})
    assert through(frame.groupby("k").sum()).to_pydict() == {"k": ["a", "b"], "x": [3, 3]}
    assert through(frame[frame["x"] > 1]).column_names == ["k", "x"]
    mixed = frame.set_index(pd.MultiIndex.from_arrays([[1, 2, 3], [4, 5, 6]], names=["n", None]))
    assert through(mixed).column_names == ["n", "k", "x"]


BAD_NAMES: list[tuple[str, pd.DataFrame, str]] = [
    ("twice", pd.DataFrame([[1, 2]], columns=["a", "a"]), "column `a` twice"),
    ("case", pd.DataFrame([[1, 2]], columns=["a", "A"]), "columns `a` and `A`, which differ only in case"),
    ("numbers", pd.DataFrame([[1, 2]]), "column names must be text; the returned frame has 0, 1"),
    ("tuples", pd.DataFrame({("a", "b"): [1]}), "column names must be text; the returned frame has ('a', 'b')"),
    ("empty", pd.DataFrame({"a": [1], " ": [2]}), "column 2 of the returned frame has an empty name"),
    ("none", pd.DataFrame(index=[1, 2]), "the returned frame has no columns"),
    ("index", pd.DataFrame({"a": [1]}, index=pd.Index([1], name="a")), "the returned frame has `a` both as index and as column"),
]


@pytest.mark.parametrize(("frame", "message"), [b[1:] for b in BAD_NAMES], ids=[b[0] for b in BAD_NAMES])
def test_bad_column_names(through: Through, frame: pd.DataFrame, message: str) -> None:
    with pytest.raises(Fault) as caught:
        through(frame)
    assert message in str(caught.value)


def test_duplicate_names_of_arrow_tables_are_errors_too(through: Through) -> None:
    with pytest.raises(Fault, match="column `a` twice"):
        through(pa.table([[1], [2]], names=["a", "a"]))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"x": pd.Series([1, "a"], dtype="object")}), "Conversion failed for column x"),
        (pd.DataFrame({"x": pd.period_range("2024", periods=1, freq="M")}), "column `x` holds periods"),
        (pd.Series([1], name="x"), "a Series, one column without a table"),
    ],
    ids=["mixed", "period", "series"],
)
def test_frames_no_warehouse_can_hold(through: Through, frame: object, message: str) -> None:
    with pytest.raises(Fault) as caught:
        through(frame)
    assert message in str(caught.value)


def test_everything_that_is_a_frame(through: Through) -> None:
    table = pa.table({"x": [1, 2]})
    for value in (
        table,
        pd.DataFrame({"x": [1, 2]}),
        table.to_reader(),
        table.to_batches()[0],
        [{"x": 1}, {"x": 2}],
        (pd.DataFrame({"x": [i]}) for i in (1, 2)),
        [pd.DataFrame({"x": [1]}), pa.table({"x": [2]})],
        ([{"x": i}] for i in (1, 2)),
        duckdb.sql("select unnest([1, 2])::bigint as x"),
    ):
        assert through(value).to_pydict() == {"x": [1, 2]}


def test_text_of_other_libraries_is_made_loadable(through: Through) -> None:
    views = pa.table({"view": pa.array(["a", None], pa.string_view()), "half": pa.array([0.5, None], pa.float16())})
    coded = pa.DictionaryArray.from_arrays(pa.array([0, None], pa.uint32()), pa.array(["a"], pa.string_view()))
    table = through(views.append_column("coded", coded))
    assert table.to_pydict() == {"view": ["a", None], "half": [0.5, None], "coded": ["a", None]}
    assert [str(field.type) for field in table.schema] == ["large_string", "float", "large_string"]


def test_rows_as_dicts_may_lack_keys(through: Through) -> None:
    assert through([{"a": 1}, {"b": "x"}]).to_pydict() == {"a": [1, None], "b": [None, "x"]}


def test_frames_of_a_generator_widen_the_columns_before_them(through: Through, tmp_path: Path) -> None:
    frames = [
        pd.DataFrame({"n": [1], "s": pd.Series([None], dtype="object"), "t": pd.to_datetime(["2024-01-01"])}),
        pd.DataFrame({"s": ["x"], "t": [pd.NaT], "n": [2.5]}).astype({"t": "datetime64[ns]"}),
        pd.DataFrame({"n": [None], "s": [None], "t": [None]}, dtype="object"),
    ]
    table = through(iter(frames))
    assert table.to_pydict() == {"n": [1.0, 2.5, None], "s": [None, "x", None], "t": [dt.datetime(2024, 1, 1), None, None]}  # noqa: DTZ001
    assert len(list(tmp_path.iterdir())) == 2


def test_integers_that_do_not_fit_a_wider_column_are_an_error_not_a_guess(through: Through) -> None:
    with pytest.raises(Fault, match="frame 2 and the frames before it have no type in common"):
        through([pa.table({"n": [2**60 + 1]}), pa.table({"n": [0.5]})])


def test_a_generator_is_written_as_it_goes(through: Through) -> None:
    def many() -> Any:
        for _ in range(40):
            yield pa.table({"x": pa.array(range(100_000), pa.int64())})

    base = pa.total_allocated_bytes()
    peak = 0

    def watched() -> Any:
        nonlocal peak
        for frame in many():
            peak = max(peak, pa.total_allocated_bytes() - base)
            yield frame

    assert through(watched()).num_rows == 4_000_000
    assert peak < 4_000_000


def test_big_frames_are_cut_into_batches(tmp_path: Path) -> None:
    done = spool(pa.table({"x": pa.array(range(300_000), pa.int64())}), str(tmp_path))
    assert [b.num_rows for b in _read_segments(done["segments"])] == [BATCH_ROWS, BATCH_ROWS, 300_000 - 2 * BATCH_ROWS]


def test_pandas_metadata_does_not_leak() -> None:
    assert from_pandas(pd.DataFrame({"x": [1]})).schema.metadata is None
