"""Arrow batches as the bytes of a binary COPY, made by columns: no Python object for a value, except where noted.

A row is the number of its fields and, for each, a length (-1 for NULL) and the bytes of its value, most significant first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.postgres.nested import said

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"

_DAYS = 10_957
"""Days from 1970 to 2000, where Postgres begins to count."""
_MICROSECONDS = _DAYS * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Values:
    """A column's values: those of ``width`` bytes each in a table of bytes, others one after the other between ``offsets``."""

    valid: np.ndarray[Any, Any] | None
    data: np.ndarray[Any, Any]
    width: int | None = None
    offsets: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A Postgres type, its number, and how a column of Arrow becomes its values."""

    sql: str
    oid: int
    values: Callable[[Any], Values]


def kinds(schema: pa.Schema) -> list[Kind]:
    """How each column travels."""
    return [kind(field.type) for field in schema]


def kind(given: Any) -> Kind:
    """The Postgres type nearest to an Arrow type.

    Nothing is lost but nanoseconds. Lists of plain values become arrays; lists of others, structs and maps become ``jsonb``
    as Postgres's own ``to_jsonb`` would write them, with null for NaN and infinities.
    """
    import pyarrow as pa

    t = pa.types
    if isinstance(given, pa.BaseExtensionType):
        named = {"arrow.uuid": Kind("uuid", 2950, _storage(_fixed_bytes)), "arrow.json": Kind("jsonb", 3802, _storage(_jsonb_texts))}
        storage = kind(given.storage_type)
        return named.get(given.extension_name) or Kind(storage.sql, storage.oid, _storage(storage.values))
    table: tuple[tuple[Callable[[Any], bool], Kind], ...] = (
        (t.is_boolean, Kind("boolean", 16, _numbers("|u1", "uint8"))),
        (lambda x: t.is_int8(x) or t.is_int16(x) or t.is_uint8(x), Kind("smallint", 21, _numbers(">i2", "int16"))),
        (lambda x: t.is_int32(x) or t.is_uint16(x), Kind("integer", 23, _numbers(">i4", "int32"))),
        (lambda x: t.is_int64(x) or t.is_uint32(x), Kind("bigint", 20, _numbers(">i8", "int64"))),
        (t.is_uint64, Kind("numeric(20)", 1700, _decimals(20, 0))),
        (lambda x: t.is_float16(x) or t.is_float32(x), Kind("real", 700, _numbers(">f4", "float"))),
        (t.is_float64, Kind("double precision", 701, _numbers(">f8", "double"))),
        (t.is_date, Kind("date", 1082, _dates)),
        (t.is_time, Kind("time", 1083, _times)),
        (t.is_duration, Kind("interval", 1186, _intervals)),
        (lambda x: x == pa.month_day_nano_interval(), Kind("interval", 1186, _calendar_intervals)),
        (lambda x: t.is_timestamp(x) and x.tz is not None, Kind("timestamp with time zone", 1184, _moments)),
        (t.is_timestamp, Kind("timestamp", 1114, _moments)),
        (t.is_fixed_size_binary, Kind("bytea", 17, _fixed_bytes)),
        (lambda x: t.is_binary(x) or t.is_large_binary(x) or x == pa.binary_view(), Kind("bytea", 17, _texts)),
        (lambda x: t.is_string(x) or t.is_large_string(x) or t.is_null(x) or x == pa.string_view(), Kind("text", 25, _texts)),
    )
    if t.is_run_end_encoded(given):
        inner = kind(given.value_type)
        return Kind(inner.sql, inner.oid, lambda array: inner.values(pa.compute.run_end_decode(array)))
    if t.is_dictionary(given):
        inner = kind(given.value_type)
        return Kind(inner.sql, inner.oid, lambda array: inner.values(array.cast(given.value_type)))
    if t.is_decimal(given):
        return Kind(f"numeric({given.precision}, {given.scale})", 1700, _decimals(given.precision, given.scale))
    if t.is_list_view(given) or t.is_large_list_view(given):
        plain = pa.large_list(given.value_type)
        inner = kind(plain)
        return Kind(inner.sql, inner.oid, lambda array: inner.values(array.cast(plain)))
    if t.is_list(given) or t.is_large_list(given) or t.is_fixed_size_list(given):
        inner = kind(given.value_type)
        if inner.sql != "jsonb" and not inner.sql.endswith("[]"):
            return Kind(f"{inner.sql}[]", 0, _arrays(inner))
    return next((found for test, found in table if test(given)), Kind("jsonb", 3802, _json))


def encoded(batch: pa.RecordBatch, found: Sequence[Kind]) -> memoryview:
    """The rows of a batch."""
    import numpy as np

    columns = [k.values(array) for k, array in zip(found, batch.columns, strict=True)]
    count = batch.num_rows
    sizes = [_sizes(column, count) for column in columns]
    fixed = 2 + 4 * len(columns) + sum(s for s in sizes if isinstance(s, int))
    lengths = np.full(count, fixed, np.int64)
    for size in sizes:
        if not isinstance(size, int):
            lengths += size
    ends = np.cumsum(lengths)
    out = np.empty(int(ends[-1]) if count else 0, np.uint8)
    at = ends - lengths
    _put(out, at, np.frombuffer(len(columns).to_bytes(2, "big"), np.uint8)[None, :])
    at += 2
    for column, size in zip(columns, sizes, strict=True):
        _field(out, at, column, size)
        at += 4 + size
    return memoryview(out)  # type: ignore[arg-type]  # an array is a buffer


def _sizes(column: Values, count: int) -> Any:
    """Bytes of each value: one number when all are alike, else an array with 0 for NULL."""
    import numpy as np

    if column.width is not None:
        return column.width if column.valid is None else np.where(column.valid, column.width, 0).astype(np.int64)
    if column.offsets is None:
        raise AssertionError(count)
    lengths = np.diff(column.offsets).astype(np.int64)
    return lengths if column.valid is None else np.where(column.valid, lengths, 0)


def _field(out: np.ndarray[Any, Any], at: np.ndarray[Any, Any], column: Values, size: Any) -> None:
    """Write a column's lengths and values at the places of its rows."""
    import numpy as np

    valid = column.valid
    if valid is None and isinstance(size, int):
        _put(out, at, np.frombuffer(size.to_bytes(4, "big"), np.uint8)[None, :])
    else:
        lengths = size if valid is None else np.where(valid, size, -1)
        _put(out, at, lengths.astype(">i4").view(np.uint8).reshape(-1, 4))
    here = at + 4
    if column.width is not None:
        if valid is None:
            _put(out, here, column.data)
        else:
            _put(out, here[valid], column.data[valid])
        return
    if column.offsets is None:
        raise AssertionError(size)
    starts = column.offsets[:-1].astype(np.int64)
    if valid is not None:
        here, starts, size = here[valid], starts[valid], size[valid]
    total = int(size.sum())
    if total:
        before = np.cumsum(size) - size
        steps = np.arange(total, dtype=np.int64)
        out[np.repeat(here - before, size) + steps] = column.data[np.repeat(starts - before, size) + steps]


def _put(out: np.ndarray[Any, Any], at: np.ndarray[Any, Any], data: np.ndarray[Any, Any]) -> None:
    """Write rows of bytes, one at each place; a byte of all rows at a time is what numpy is fastest at."""
    for byte in range(data.shape[1]):
        out[at + byte] = data[:, byte]


def _valid(array: Any) -> np.ndarray[Any, Any] | None:
    import numpy as np

    if array.null_count == 0:
        return None
    return np.asarray(array.is_valid().to_numpy(zero_copy_only=False), dtype=bool)


def _plain(array: Any, arrow: str) -> np.ndarray[Any, Any]:
    """The values of a column of numbers; what stands in place of a NULL does not matter."""
    import numpy as np
    import pyarrow as pa

    cast = array.cast(arrow) if str(array.type) != arrow else array
    if cast.null_count:
        cast = cast.fill_null(pa.scalar(0, pa.int64()).cast(cast.type))
    return np.asarray(cast.to_numpy(zero_copy_only=False))


def _wide(numbers: np.ndarray[Any, Any], dtype: str, valid: np.ndarray[Any, Any] | None) -> Values:
    import numpy as np

    big = np.ascontiguousarray(numbers.astype(dtype))
    width = big.dtype.itemsize
    return Values(valid, big.view(np.uint8).reshape(-1, width), width)


def _numbers(dtype: str, arrow: str) -> Callable[[Any], Values]:
    return lambda array: _wide(_plain(array, arrow), dtype, _valid(array))


def _dates(array: Any) -> Values:
    return _wide(_plain(array.cast("date32").cast("int32"), "int32") - _DAYS, ">i4", _valid(array))


def _times(array: Any) -> Values:
    import pyarrow as pa

    return _wide(_plain(array.cast(pa.time64("us"), safe=False).cast("int64"), "int64"), ">i8", _valid(array))


def _moments(array: Any) -> Values:
    import pyarrow as pa

    micro = array.cast(pa.timestamp("us", array.type.tz), safe=False).cast("int64")
    return _wide(_plain(micro, "int64") - _MICROSECONDS, ">i8", _valid(array))


def _intervals(array: Any) -> Values:
    import numpy as np
    import pyarrow as pa

    micro = _wide(_plain(array.cast(pa.duration("us"), safe=False).cast("int64"), "int64"), ">i8", None).data
    return Values(_valid(array), np.hstack([micro, np.zeros_like(micro)]), 16)


def _calendar_intervals(array: Any) -> Values:
    """Months, days, nanoseconds → microseconds, days, months."""
    import numpy as np

    parts = np.frombuffer(array.buffers()[1], np.dtype([("months", "<i4"), ("days", "<i4"), ("nanoseconds", "<i8")]))
    own = parts[array.offset : array.offset + len(array)]
    out = np.empty(len(own), np.dtype([("microseconds", ">i8"), ("days", ">i4"), ("months", ">i4")]))
    out["microseconds"], out["days"], out["months"] = own["nanoseconds"] // 1000, own["days"], own["months"]
    return Values(_valid(array), out.view(np.uint8).reshape(-1, 16), 16)


def _texts(array: Any) -> Values:
    import numpy as np
    import pyarrow as pa

    binary = (
        array.cast(pa.large_string()).cast(pa.large_binary())
        if not pa.types.is_large_binary(array.type) and not _is_bytes(array.type)
        else array.cast(pa.large_binary())
    )
    _, offsets, data = binary.buffers()
    shown = np.frombuffer(offsets, np.int64)[binary.offset : binary.offset + len(binary) + 1] if len(binary) else np.zeros(1, np.int64)
    return Values(_valid(array), np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8), None, shown)


def _is_bytes(given: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_binary(given) or given == pa.binary_view())


def _fixed_bytes(array: Any) -> Values:
    import pyarrow as pa

    return _texts(array.cast(pa.binary()))


def _storage(values: Callable[[Any], Values]) -> Callable[[Any], Values]:
    return lambda array: values(array.storage)


def _decimals(precision: int, scale: int) -> Callable[[Any], Values]:
    """Digits to the base of 10,000, leading zeros included (Postgres drops them): as many for each value of the column."""

    def values(array: Any) -> Values:
        import numpy as np

        valid = _valid(array)
        whole = max(1, -(-(precision - scale) // 4))
        part = max(0, -(-scale // 4))
        unscaled = _unscaled(array, small=precision + 4 <= 18)
        negative = unscaled < 0
        rest = np.abs(unscaled) * 10 ** (4 * part - max(scale, 0)) * 10 ** max(-scale, 0)
        groups = np.zeros((len(array), whole + part), np.int64)
        for place in range(whole + part - 1, -1, -1):
            rest, groups[:, place] = rest // 10_000, (rest % 10_000).astype(np.int64)
        out = np.empty((len(array), 4 + whole + part), ">i2")
        out[:, 0], out[:, 1], out[:, 3] = whole + part, whole - 1, max(scale, 0)
        out[:, 2] = np.where(negative.astype(bool), 0x4000, 0)
        out[:, 4:] = groups
        return Values(valid, np.ascontiguousarray(out).view(np.uint8), 2 * out.shape[1])

    return values


def _unscaled(array: Any, *, small: bool) -> np.ndarray[Any, Any]:
    """Decimals as whole numbers of their last digit: 64-bit ones where they fit, else Python's."""
    import numpy as np
    import pyarrow as pa

    if not pa.types.is_decimal(array.type):
        return np.array([v or 0 for v in array.to_pylist()], dtype=object)
    width = array.type.bit_width // 8
    data = np.frombuffer(array.buffers()[1], np.uint8)[array.offset * width : (array.offset + len(array)) * width].reshape(-1, width)
    valid = _valid(array)
    if small:  # the low half says it all
        low = np.ascontiguousarray(data[:, : min(8, width)]).view(f"<i{min(8, width)}").reshape(-1).astype(np.int64)
        return low if valid is None else np.where(valid, low, 0)
    whole = [int.from_bytes(row.tobytes(), "little", signed=True) for row in data]
    if valid is not None:
        whole = [v if there else 0 for v, there in zip(whole, valid.tolist(), strict=True)]
    return np.array(whole, dtype=object)


def _packed(texts: list[bytes | None]) -> Values:
    import pyarrow as pa

    return _texts(pa.array(texts, pa.large_binary()))


def _json(array: Any) -> Values:
    """Nested values as ``jsonb``: by way of Python objects."""
    return _jsonb([None if v is None else said(v, array.type) for v in array.to_pylist()])


def _jsonb_texts(array: Any) -> Values:
    return _jsonb(array.to_pylist())


def _jsonb(texts: list[str | None]) -> Values:
    return _packed([None if t is None else b"\x01" + t.encode() for t in texts])


def _arrays(inner: Kind) -> Callable[[Any], Values]:
    """Lists as arrays of one dimension: by way of Python objects, an array at a time."""

    def values(array: Any) -> Values:
        flat = array.flatten()
        elements = inner.values(flat)
        sizes = _sizes(elements, len(flat))
        pieces = [_element(elements, sizes, i) for i in range(len(flat))]
        texts: list[bytes | None] = []
        start = 0
        for length in array.value_lengths().to_pylist() if hasattr(array, "value_lengths") else [array.type.list_size] * len(array):
            if length is None:
                texts.append(None)
                continue
            own = pieces[start : start + length]
            start += length
            flags = int(any(p == b"\xff\xff\xff\xff" for p in own))
            head = [1 if own else 0, flags, inner.oid, *([length, 1] if own else [])]
            texts.append(b"".join([*(n.to_bytes(4, "big") for n in head), *own]))
        return _packed(texts)

    return values


def _element(elements: Values, sizes: Any, index: int) -> bytes:
    if elements.valid is not None and not elements.valid[index]:
        return b"\xff\xff\xff\xff"
    if elements.width is not None:
        data = elements.data[index]
    elif elements.offsets is not None:
        data = elements.data[int(elements.offsets[index]) : int(elements.offsets[index + 1])]
    else:
        raise AssertionError(sizes)
    return len(data).to_bytes(4, "big") + bytes(data.tobytes())
