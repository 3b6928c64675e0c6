"""A query's result as Arrow: COPY in CSV, which Arrow reads many times faster than Python makes rows.

=======================  ======================================================================================================
numeric(p, s)            ``decimal128`` (``decimal256`` above 38 digits); a numeric without bounds, as ``sum`` and ``avg`` give, is a double
timestamp with time zone ``timestamp[us, UTC]``
interval                 months, days and nanoseconds
arrays                   lists (of one dimension) of any of these; of numerics without bounds and of other types, lists of text
uuid, json, enums, ...   text as Postgres writes it
=======================  ======================================================================================================
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.postgres.dialect import PostgresDialect
from orchestrator.core.errors import ExecuteError, Problem

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

ROWS = 65_536
BYTES = 16 << 20
"""A batch is given when it has that many rows, or that many bytes of text."""

_NUMERIC, _INTERVAL = 1700, 1186
_ELEMENTS = {
    1000: 16, 1001: 17, 1005: 21, 1007: 23, 1016: 20, 1021: 700, 1022: 701, 1182: 1082, 1183: 1083, 1115: 1114, 1185: 1184, 1231: 1700,
    1009: 25, 1014: 25, 1015: 25, 2951: 25, 199: 25, 3807: 25,
}  # fmt: skip
"""The number of an array's type, and that of its elements; what travels as text anyway counts as text."""

_UNREADABLE = re.compile(r"CSV column #(\d+): (?:Row #\d+: )?(?:CSV conversion error to [^:]*: )?(.*)", re.DOTALL)


class _LeftEarly(Exception):  # noqa: N818  nothing went wrong
    """What the driver is told when the rest of a result is not wanted."""


class Stream:
    """A result on its way: what its columns become, and the COPY that is read."""

    def __init__(self, shape: list[tuple[str, int, int]]) -> None:
        import pyarrow as pa

        self.names = [name for name, _, _ in shape]
        self._columns = [_column(oid, modifier) for _, oid, modifier in shape]
        self.schema = pa.schema([(name, column[1]) for name, column in zip(self.names, self._columns, strict=True)])
        self.casts = [column[2] for column in self._columns]
        self._context: Any = None
        self._copy: psycopg.Copy | None = None
        self._cursor: psycopg.Cursor[Any] | None = None

    def start(self, connection: psycopg.Connection[Any], sql: str) -> None:
        """Send the COPY."""
        self._cursor = connection.cursor()
        self._context = self._cursor.copy(sql.encode())
        self._copy = self._context.__enter__()

    def next(self) -> pa.RecordBatch | None:
        """The next batch; ``None`` after the last one."""
        if self._copy is None:
            return None
        lines: list[bytes | memoryview | bytearray] = []
        size = 0
        while len(lines) < ROWS and size < BYTES:
            line = self._copy.read()
            if not line:
                break
            lines.append(line)
            size += len(line)
        if not lines:
            context, self._copy = self._context, None
            context.__exit__(None, None, None)
            return None
        return self._batch(b"".join(lines))

    def stop(self) -> None:
        """Give up what was not read."""
        if self._copy is not None:
            context, self._copy = self._context, None
            context.__exit__(_LeftEarly, _LeftEarly(), None)  # the driver then cancels what still comes

    def _batch(self, text: bytes) -> pa.RecordBatch:
        import pyarrow as pa
        from pyarrow import csv

        arrays = []
        try:
            table = self._parsed(pa, csv, text)
            for i, column in enumerate(self._columns):
                arrays.append(_finished(table.column(i).combine_chunks(), column))
        except ValueError as error:  # Arrow's own is one
            raise _unreadable(str(error), self.names, len(arrays)) from error
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _parsed(self, pa: Any, csv: Any, text: bytes) -> pa.Table:
        numbers = [f"c{i}" for i in range(len(self.names))]
        return csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=numbers, use_threads=False, block_size=len(text) + 1),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types={n: column[0] for n, column in zip(numbers, self._columns, strict=True)},
                null_values=[""],
                true_values=["t"],
                false_values=["f"],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )


def unwrapped(stream: Stream, sql: str) -> tuple[int, str]:
    """The COPY of a query, and how many of its first characters are not the query's."""
    say = PostgresDialect()
    names = [f"c{i}" for i in range(len(stream.names))]
    select = ", ".join(cast.format(name) for cast, name in zip(stream.casts, names, strict=True))
    head = f"copy (select {select} from (\n"
    body = sql.rstrip().rstrip(";")
    return len(head), f"{head}{body}\n) as orc_read ({', '.join(say.quote(n) for n in names)})) to stdout (format csv)"


_Finish = Callable[[Any], Any]
_Column = tuple[Any, Any, str, _Finish | None]


def _column(oid: int, modifier: int) -> _Column:
    """How a column travels: the type Arrow reads, the type it becomes, the expression sent for it, and what is left to do."""
    import pyarrow as pa

    plain: dict[int, Any] = {
        16: pa.bool_(),
        20: pa.int64(),
        21: pa.int16(),
        23: pa.int32(),
        26: pa.int64(),
        700: pa.float32(),
        701: pa.float64(),
        1082: pa.date32(),
        1083: pa.time64("us"),
        1114: pa.timestamp("us"),
    }
    if oid in plain:
        return plain[oid], plain[oid], "{}", None
    if oid == _NUMERIC and modifier >= 4:
        precision, scale = (modifier - 4) >> 16, ((modifier - 4) & 0x7FF ^ 1024) - 1024
        if 0 <= scale <= precision <= 76:
            if precision <= 38:
                return pa.decimal128(precision, scale), pa.decimal128(precision, scale), "{}", None
            return pa.string(), pa.decimal256(precision, scale), "{}", Decimal  # more than Arrow reads from CSV
    if oid == _NUMERIC:
        return pa.float64(), pa.float64(), "cast({} as double precision)", None
    if oid == 1184:
        return pa.timestamp("us"), pa.timestamp("us", "UTC"), "{} at time zone 'UTC'", None
    if oid == 17:
        return pa.string(), pa.binary(), "encode({}, 'hex')", bytes.fromhex
    if oid == _INTERVAL:
        return pa.string(), pa.month_day_nano_interval(), _INTERVAL_PARTS, _interval
    if oid in _ELEMENTS:
        element = _ELEMENTS[oid]
        _, wanted, _, _ = _column(element, modifier)
        finish = float if element == _NUMERIC and pa.types.is_floating(wanted) else _element(element)
        return pa.string(), pa.list_(wanted), "array_to_json({})", lambda text: [None if v is None else finish(v) for v in _loaded(text)]
    return pa.string(), pa.string(), "cast({} as text)", None


def _finished(array: Any, column: _Column) -> Any:
    import pyarrow as pa

    _, wanted, _, finish = column
    if finish is not None:
        return pa.array([None if text is None else finish(text) for text in array.to_pylist()], type=wanted)
    return array if array.type.equals(wanted) else array.cast(wanted)


_INTERVAL_PARTS = (
    "case when {0} is not null then json_build_array(extract(year from {0}) * 12 + extract(month from {0}),"
    " extract(day from {0}), extract(epoch from {0} - date_trunc('day', {0})) * 1000000) end"
)
"""Months, days and microseconds: none can be told by another."""


def _interval(text: str) -> Any:
    import pyarrow as pa

    months, days, microseconds = (int(part) for part in _loaded(text))
    return pa.MonthDayNano([months, days, microseconds * 1000])


def _loaded(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _element(oid: int) -> Callable[[Any], Any]:
    """From what JSON has for an element to what Arrow takes."""
    known: dict[int, Callable[[Any], Any]] = {
        17: lambda v: bytes.fromhex(v[2:]),
        700: float,  # also of "NaN" and "Infinity", which JSON has no word for
        701: float,
        1082: date.fromisoformat,
        1083: time.fromisoformat,
        1114: datetime.fromisoformat,
        1184: lambda v: datetime.fromisoformat(v).astimezone(UTC),
        _NUMERIC: Decimal,
    }
    return known.get(oid, lambda v: v)


def _unreadable(message: str, names: list[str], index: int) -> ExecuteError:
    """A value that only Postgres knows: `infinity`, a year before Christ. ``index`` is its column, unless Arrow says it."""
    found = _UNREADABLE.search(message)
    column, what = (names[int(found[1])], found[2].strip()) if found else (names[index], message)
    hint = "cast it to text, or make it null, in the SQL that is read"
    return ExecuteError(Problem("X119", f"a value of column `{column}` cannot be read into a frame: {what}", None, hint))
