"""Write what a model returned to disk, batch by batch, as Arrow streams the parent loads."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.execute.child.faults import Fault
from orchestrator.execute.child.pandas_frames import check_names, from_pandas

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_ROWS = 122_880
"""Rows in a batch: one row group of DuckDB, a few megabytes."""

ACCEPTED = "return a pandas, pyarrow or polars frame, a DuckDB relation, a handle, a list of dicts, or a generator of those"


def spool(value: object, folder: str) -> dict[str, Any]:
    """Write ``value`` under ``folder``; the message that says where.

    A generator is consumed frame by frame, so memory holds one frame. When a later frame needs a wider type (an all-NULL
    column that turns out to be text, integers that get fractions) a new segment begins; the reader widens the earlier ones.
    Raises :class:`Fault` for what is not a frame, and for frames that do not fit together.
    """
    spooled = _Segments(folder)
    try:
        for number, frame in enumerate(_frames(value), 1):
            reader = _reader(frame, number if _is_many(value) else None)
            check_names(list(reader.schema.names))
            spooled.add(_nothing(reader.schema), number)
            for batch in reader:
                for start in range(0, batch.num_rows, BATCH_ROWS):
                    spooled.add(batch.slice(start, BATCH_ROWS), number)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Fault("X209", f"no room for what the model returned: {error}") from error
    finally:
        spooled.close()
    if spooled.schema is None:
        raise Fault("X204", "the model gave no frame at all, so its columns are unknown", "yield at least one frame; it may be empty")
    return {"say": "done", "segments": spooled.paths, "rows": spooled.rows}


class _Segments:
    """The files written so far. One schema a file; each file's schema holds everything before it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.paths: list[str] = []
        self.schema: pa.Schema | None = None
        self.rows = 0
        self._writer: Any = None

    def add(self, batch: pa.RecordBatch, number: int) -> None:
        """Append a batch, beginning a new segment when its types ask for one."""
        import pyarrow as pa

        batch = _plain(batch)
        if self.schema is None:
            self._begin(batch.schema)
        elif batch.schema != self.schema:
            merged = _merge(self.schema, batch.schema, number)
            batch = batch.select(merged.names)
            try:
                if merged != self.schema:
                    self._check_written(merged)
                    self._begin(merged)
                batch = batch.cast(merged)
            except pa.ArrowInvalid as error:
                raise Fault("X204", f"frame {number} and the frames before it have no type in common: {error}") from error
        if batch.num_rows:
            self._writer.write_batch(batch)
            self.rows += batch.num_rows

    def close(self) -> None:
        """Finish the last file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _check_written(self, schema: pa.Schema) -> None:
        """Raise ``ArrowInvalid`` when values already written do not fit wider types (2^60 + 1 is not a float)."""
        import pyarrow as pa

        self.close()
        if self.schema is None or all(pa.types.is_null(f.type) or f.type == schema.field(f.name).type for f in self.schema):
            return
        for path in self.paths:
            with pa.ipc.open_stream(pa.memory_map(path)) as segment:
                for batch in segment:
                    batch.cast(schema)

    def _begin(self, schema: pa.Schema) -> None:
        import pyarrow as pa

        self.close()
        path = os.path.join(self.folder, f"result-{len(self.paths)}.arrows")  # noqa: PTH118 -- pathlib is 10 ms of start-up
        self._writer = pa.ipc.new_stream(path, schema)
        self.paths.append(path)
        self.schema = schema


def _merge(before: pa.Schema, now: pa.Schema, number: int) -> pa.Schema:
    """The narrowest schema that holds both, in the first frame's column order."""
    import pyarrow as pa

    for these, those, verb in ((before.names, now.names, "lacks"), (now.names, before.names, "adds")):
        gone = [name for name in these if name not in those]
        if gone:
            raise Fault("X204", f"frame {number} {verb} column `{gone[0]}`", "all frames of one model must have the same columns")
    fields = []
    for field in before:
        other = now.field(field.name)
        try:
            fields.append(pa.unify_schemas([pa.schema([field]), pa.schema([other])], promote_options="permissive").field(0))
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            message = f"frame {number}: column `{field.name}` is {other.type}, but was {field.type} in the frames before"
            raise Fault("X204", message, "convert it to one type in all frames") from error
    return pa.schema(fields)


def _plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with column types that every engine can load. Values never change."""
    import pyarrow as pa

    columns = [_plain_column(column, name) for column, name in zip(batch.columns, batch.schema.names, strict=True)]
    return pa.RecordBatch.from_arrays(columns, names=batch.schema.names)


def _plain_column(column: pa.Array, name: str) -> pa.Array:
    import pyarrow as pa

    kind = column.type
    is_ = pa.types
    if isinstance(kind, pa.BaseExtensionType) and kind.extension_name in ("pandas.period", "pandas.interval"):
        raise Fault(
            "X204", f"column `{name}` holds {kind.extension_name.split('.')[1]}s, which no warehouse has", "turn it into text or timestamps"
        )
    if is_.is_dictionary(kind):
        return _plain_column(column.dictionary, name).take(column.indices)  # categories, enums
    if is_.is_float16(kind):
        return column.cast(pa.float32())
    if is_.is_run_end_encoded(kind):
        return _plain_column(pa.compute.run_end_decode(column), name)
    if is_.is_decimal256(kind) and kind.precision <= 38:
        return column.cast(pa.decimal128(kind.precision, kind.scale))
    if is_.is_timestamp(kind) and kind.unit != "us":
        try:
            return column.cast(pa.timestamp("us", kind.tz))
        except pa.ArrowInvalid:
            return column  # real nanoseconds: the engine decides
    plain = _without_views(kind)
    return column if plain == kind else column.cast(plain)


def _without_views(kind: pa.DataType) -> pa.DataType:
    """The type with plain texts, bytes and lists instead of views on them, at any depth: one frame may have these, the next those."""
    import pyarrow as pa

    is_ = pa.types
    if is_.is_string_view(kind):
        return pa.large_string()
    if is_.is_binary_view(kind):
        return pa.large_binary()
    if is_.is_large_list(kind) or is_.is_list_view(kind) or is_.is_large_list_view(kind):
        return pa.large_list(_without_views(kind.value_type))
    if is_.is_list(kind):
        return pa.list_(_without_views(kind.value_type))
    if is_.is_struct(kind):
        return pa.struct([pa.field(f.name, _without_views(f.type)) for f in kind])
    return kind


def _is_many(value: object) -> bool:
    """Whether ``value`` is several frames: a generator, or a list of frames (a list of dicts is one)."""
    if isinstance(value, list | tuple):
        return bool(value) and not isinstance(value[0], Mapping)
    return isinstance(value, Iterator) and not hasattr(value, "__arrow_c_stream__")


def _frames(value: Any) -> Iterable[object]:
    return value if _is_many(value) else (value,)


def _reader(value: Any, number: int | None) -> pa.RecordBatchReader:
    """One frame of any kind as a stream. ``number`` is its place among several."""
    import pyarrow as pa

    if type(value).__module__.split(".")[0] == "polars" and hasattr(value, "collect"):
        value = value.collect()
    if isinstance(value, pa.RecordBatchReader):
        return value
    if isinstance(value, pa.RecordBatch):
        return pa.Table.from_batches([value]).to_reader()
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        return _from_rows(value).to_reader()
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return from_pandas(value).to_reader()
    for stream in ("to_arrow_reader", "fetch_arrow_reader", "fetch_record_batch"):  # DuckDB, by version; these do not materialise
        if hasattr(value, stream):
            return getattr(value, stream)(BATCH_ROWS)
    if hasattr(value, "__arrow_c_stream__") and not hasattr(value, "to_frame"):  # that would be a single column
        return pa.RecordBatchReader.from_stream(value)
    raise _not_a_frame(value, "the model returned" if number is None else f"frame {number} is")


def _not_a_frame(value: object, what: str) -> Fault:
    if hasattr(value, "to_frame"):
        return Fault("X204", f"{what} a {type(value).__name__}, one column without a table", 'write `.to_frame("name")`')
    if value is None:
        return Fault("X204", f"{what} nothing (None)", f"end with `return frame`; {ACCEPTED}")
    if isinstance(value, list):
        return Fault("X204", f"{what} {'a list of mixed things' if value else 'an empty list'}, not a frame", ACCEPTED)
    kind = type(value)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return Fault("X204", f"{what} {'an' if name[0] in 'aeiou' else 'a'} {name}, not a frame", ACCEPTED)


def _from_rows(rows: list[Mapping[str, Any]]) -> pa.Table:
    """A list of dicts; a key missing in a row is NULL."""
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row))
    check_names(names)
    columns = []
    for name in names:
        try:
            columns.append(pa.array([row.get(name) for row in rows]))
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise Fault("X204", f"column `{name}` mixes types: {error}", "give each column values of one type") from error
    return pa.table(columns, names=names)


def _nothing(schema: pa.Schema) -> pa.RecordBatch:
    import pyarrow as pa

    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], names=schema.names)
