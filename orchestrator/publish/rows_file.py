"""Rows of a model as a file: Parquet or CSV, whole or as it was before."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    import pyarrow as pa

FORMATS = ("parquet", "csv")


def rows_file(batches: pa.RecordBatchReader, path: Path, kind: str) -> int:
    """Write batches to a file that appears when it is complete, in place of an earlier one; returns how many rows it has.

    Raises:
        OSError: it cannot be written; what was there before still is.
        pyarrow.ArrowException: the format has no word for a type.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    try:
        count = _written(batches, unfinished, kind)
        unfinished.replace(path)
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return count


def _written(batches: pa.RecordBatchReader, path: Path, kind: str) -> int:
    import pyarrow.csv
    import pyarrow.parquet

    make = pyarrow.csv.CSVWriter if kind == "csv" else pyarrow.parquet.ParquetWriter
    count = 0
    with path.open("wb") as file:
        with make(file, batches.schema) as writer:
            for batch in batches:
                writer.write_batch(batch)
                count += batch.num_rows
        file.flush()
        os.fsync(file.fileno())
    return count
