"""What goes into a table as Arrow comes back as it was, on every engine."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

D = Decimal
COLUMNS: dict[str, pa.Array] = {
    "booleans": pa.array([True, None, False]),
    "small": pa.array([-(2**15), None, 2**15 - 1], pa.int16()),
    "integers": pa.array([-(2**31), None, 2**31 - 1], pa.int32()),
    "big": pa.array([-(2**63), None, 2**63 - 1]),
    "floats": pa.array([1.5, None, -0.1], pa.float32()),
    "doubles": pa.array([0.1, None, float("-inf")]),
    "money": pa.array([D("-12345678.90"), None, D("0.01")], pa.decimal128(10, 2)),
    "long": pa.array([D("-1234567890123456789012345678.0123456789"), None, D("1")], pa.decimal128(38, 10)),
    "texts": pa.array(["", None, 'é日本 "quoted", \\N\n']),
    "bytes": pa.array([b"", None, b"\x00\xff"]),
    "dates": pa.array([date(1, 1, 1), None, date(9999, 12, 31)]),
    "times": pa.array([time(0), None, time(23, 59, 59, 999_999)]),
    "local": pa.array([datetime(1900, 1, 1, 1, 2, 3, 4), None, datetime(2100, 1, 1)], pa.timestamp("us")),  # noqa: DTZ001  naive ones are meant
    "moments": pa.array([datetime(1900, 1, 1, tzinfo=UTC), None, datetime(2013, 3, 10, 7, 30, tzinfo=UTC)], pa.timestamp("us", "UTC")),
    "words": pa.array(["a", None, "b"]).dictionary_encode(),
    "lists": pa.array([[1, 2], None, []], pa.list_(pa.int64())),
    "names": pa.array([["é", "a,b"], None, ['"']], pa.list_(pa.string())),
}


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("part", [slice(0, 3), slice(1, 3), slice(1, 2), slice(0, 0)], ids=["all", "tail", "null", "none"])
def test_a_column_comes_back_as_it_was(engine: Any, name: str, part: slice) -> None:
    table = pa.table({name: COLUMNS[name].slice(part.start, part.stop - part.start), "n": pa.array(range(part.stop - part.start))})
    session, relation = engine.connect(), engine.relation("frames")
    assert session.load(relation, table.to_reader()) == table.num_rows
    back = session.read(f"select * from {engine.dialect.relation(relation)} order by n").read_all()
    assert back[name].to_pylist() == table[name].to_pylist()
    kind = table.schema.field(name).type
    assert (
        kind in (back.schema.field(name).type, pa.dictionary(pa.int32(), pa.string()))
        or pa.types.is_list(kind)
        or pa.types.is_timestamp(kind)
    )


NUMBERS = st.decimals(min_value=-(10**15), max_value=10**15, places=4, allow_nan=False)
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        st.one_of(st.none(), st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))),
        st.one_of(st.none(), NUMBERS),
        st.one_of(st.none(), st.floats(allow_nan=False)),
        st.one_of(st.none(), st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))),  # noqa: DTZ001  naive ones are meant
        st.one_of(st.none(), st.binary()),
    ),
    max_size=20,
)
SCHEMA = pa.schema(
    [
        ("i", pa.int64()),
        ("t", pa.string()),
        ("d", pa.decimal128(20, 4)),
        ("f", pa.float64()),
        ("at", pa.timestamp("us")),
        ("b", pa.binary()),
    ]
)


@given(rows=ROWS)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_rows_come_back_as_they_were(engine: Any, rows: list[tuple[Any, ...]]) -> None:
    table = pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)
    numbered = table.append_column("n", pa.array(range(len(rows)), pa.int64()))
    session, relation = engine.connect(), engine.relation("rows")
    session.load(relation, numbered.to_reader())
    back = session.read(f"select * from {engine.dialect.relation(relation)} order by n").read_all()
    assert back.select(SCHEMA.names).to_pylist() == table.to_pylist()
    engine.opened.remove(session)
    session.close()
