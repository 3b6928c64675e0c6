"""A query's result as Arrow: COPY in CSV, which Arrow reads many times faster than Python makes rows.

=======================  ======================================================================================================
numeric(p, s)            ``decimal128`` (``decimal256`` above 38 digits); a numeric without bounds, as ``sum`` and ``avg`` give, is a double
timestamp with time zone ``timestamp[us, UTC]``
arrays                   lists, where the elements are numbers, booleans or texts
uuid, json, enums, ...   text as Postgres writes it
=======================  ======================================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.postgres.dialect import PostgresDialect

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

ROWS = 65_536
BYTES = 16 << 20
"""A batch is given when it has that many rows, or that many bytes of text."""

_NUMERIC = 1700
_ARRAYS = {1000: "bool", 1005: "int", 1007: "int", 1016: "int", 1021: "double", 1022: "double", 1009: "text", 1015: "text"}


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

        numbers = [f"c{i}" for i in range(len(self.names))]
        table = csv.read_csv(
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
        arrays = [_finished(table.column(i).combine_chunks(), column) for i, column in enumerate(self._columns)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


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
            kind = pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
            return kind, kind, "{}", None
    if oid == _NUMERIC:
        return pa.float64(), pa.float64(), "cast({} as double precision)", None
    if oid == 1184:
        return pa.timestamp("us"), pa.timestamp("us", "UTC"), "{} at time zone 'UTC'", None
    if oid == 17:
        return pa.string(), pa.binary(), "encode({}, 'hex')", bytes.fromhex
    if oid in _ARRAYS:
        element = {"bool": pa.bool_(), "int": pa.int64(), "double": pa.float64(), "text": pa.string()}[_ARRAYS[oid]]
        return pa.string(), pa.list_(element), "array_to_json({})", json.loads
    return pa.string(), pa.string(), "cast({} as text)", None


def _finished(array: Any, column: _Column) -> Any:
    import pyarrow as pa

    _, wanted, _, finish = column
    if finish is not None:
        return pa.array([None if text is None else finish(text) for text in array.to_pylist()], type=wanted)
    return array if array.type.equals(wanted) else array.cast(wanted)
