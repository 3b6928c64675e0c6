"""A query's result as Arrow batches of the types that :mod:`.types` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from orchestrator.core.errors import ExecuteError, Problem

if TYPE_CHECKING:
    import pyarrow as pa


def typed(batches: Iterable[pa.RecordBatch], schema: pa.Schema, alive: Callable[[], bool]) -> Iterator[pa.RecordBatch]:
    """The batches with the columns that ``schema`` says. Raises ``ExecuteError`` (X105) once the result is not ``alive`` any more."""
    import pyarrow as pa

    for batch in batches:
        if not alive():
            raise ExecuteError(Problem("X105", "the result was closed by the connection's next statement"))
        if batch.num_columns:
            columns = [_plain(batch.column(i), field.type) for i, field in enumerate(schema)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)


def _plain(column: pa.Array, kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    return column if column.type == kind else column.cast(kind)
