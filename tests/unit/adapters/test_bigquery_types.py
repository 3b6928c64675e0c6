from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from orchestrator.adapters.bigquery.types import arrow_type, fields_of, sql_type, storable, wanted_types
from orchestrator.core.errors import ExecuteError


def one(kind: pa.DataType) -> dict[str, Any]:
    (field,) = fields_of(pa.schema([("a", kind)]))
    return field


@pytest.mark.parametrize(
    ("kind", "says", "back"),
    [
        (pa.int8(), "INT64", pa.int64()),
        (pa.uint32(), "INT64", pa.int64()),
        (pa.uint64(), "NUMERIC", pa.decimal128(38, 9)),
        (pa.float16(), "FLOAT64", pa.float64()),
        (pa.decimal128(38, 9), "NUMERIC", pa.decimal128(38, 9)),
        (pa.decimal128(38, 10), "BIGNUMERIC", pa.decimal256(76, 38)),
        (pa.decimal128(38, 0), "BIGNUMERIC", pa.decimal256(76, 38)),
        (pa.decimal128(29, 0), "NUMERIC", pa.decimal128(38, 9)),
        (pa.bool_(), "BOOL", pa.bool_()),
        (pa.large_string(), "STRING", pa.string()),
        (pa.dictionary(pa.int8(), pa.string()), "STRING", pa.string()),
        (pa.null(), "STRING", pa.string()),
        (pa.binary(4), "BYTES", pa.binary()),
        (pa.date64(), "DATE", pa.date32()),
        (pa.time32("ms"), "TIME", pa.time64("us")),
        (pa.timestamp("ns"), "DATETIME", pa.timestamp("us")),
        (pa.timestamp("s", "Europe/Vienna"), "TIMESTAMP", pa.timestamp("us", "UTC")),
        (pa.list_(pa.int32()), "ARRAY<INT64>", pa.list_(pa.int64())),
        (pa.struct([("x", pa.int32()), ("y z", pa.list_(pa.string()))]), "STRUCT<x INT64, `y z` ARRAY<STRING>>", None),
        (pa.map_(pa.string(), pa.int64()), "ARRAY<STRUCT<key STRING, value INT64>>", None),
    ],
)
def test_each_type_has_its_column_and_its_way_back(kind: pa.DataType, says: str, back: pa.DataType | None) -> None:
    field = one(kind)
    assert sql_type(field) == says
    if back is not None:
        assert arrow_type(field) == back
    assert storable(pa.schema([("a", kind)])).field("a").type is not None


@pytest.mark.parametrize("kind", [pa.duration("s"), pa.list_(pa.list_(pa.int64())), pa.struct([]), pa.month_day_nano_interval()])
def test_what_no_table_can_hold_is_refused_by_name(kind: pa.DataType) -> None:
    with pytest.raises(ExecuteError, match="column `a`") as refused:
        one(kind)
    assert refused.value.first.code == "X112"


@pytest.mark.parametrize("names", [["a", "A"], [""], ["a.b"], ["_PARTITIONTIME"], ["x" * 301], []])
def test_names_that_no_column_has(names: list[str]) -> None:
    with pytest.raises(ExecuteError):
        fields_of(pa.schema([(n, pa.int64()) for n in names]))


def test_types_are_found_whatever_the_case_of_their_column() -> None:
    assert wanted_types(["Id"], {"ID": "string"}) == {"Id": "string"}
    with pytest.raises(ExecuteError):
        wanted_types(["id"], {"idd": "string"})


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ({"name": "a", "type": "NUMERIC", "precision": "10", "scale": "2"}, "NUMERIC(10, 2)"),
        ({"name": "a", "type": "STRING", "maxLength": "20"}, "STRING(20)"),
        ({"name": "a", "type": "RANGE", "rangeElementType": {"type": "DATE"}}, "RANGE<DATE>"),
        ({"name": "a", "type": "JSON", "mode": "REPEATED"}, "ARRAY<JSON>"),
    ],
)
def test_types_are_written_as_the_information_schema_writes_them(field: dict[str, Any], says: str) -> None:
    assert sql_type(field) == says
