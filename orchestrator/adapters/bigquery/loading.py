"""Arrow batches into a table by Parquet load jobs, a part at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

from google.cloud import bigquery

from orchestrator.adapters.bigquery.dialect import BigQueryDialect
from orchestrator.adapters.bigquery.layout import Layout, layout
from orchestrator.adapters.bigquery.types import fields_of, storable, wanted_types
from orchestrator.core.names import Relation, shortened

if TYPE_CHECKING:
    import pyarrow as pa

PART = 128 << 20
"""Bytes of Arrow data in one Parquet file: what a load holds in memory and on disk at most, give or take a batch."""

_SAY = BigQueryDialect()

Upload = Callable[[IO[bytes], Relation, bigquery.LoadJobConfig], None]


def load(
    upload: Upload,
    execute: Callable[[str], object],
    relation: Relation,
    frames: pa.RecordBatchReader,
    types: Mapping[str, str],
    config: Mapping[str, Any],
) -> int:
    """Create (or replace) the table and fill it; returns the number of rows.

    Columns in ``types`` are cast by BigQuery itself, on the way from a table beside, as are the moments at which rows arrive. Raises
    ``ExecuteError`` (X112) for columns that a table cannot have, and what the batches' own source raises.
    """
    fields = fields_of(frames.schema)
    wanted = wanted_types(frames.schema.names, types)
    by = layout(config).partition
    beside = bool(wanted) or (by is not None and by.ingestion)
    place = replace(relation, name=shortened(relation.name, 1000) + "__orc_raw") if beside else relation
    rows = 0
    for number, (part, count) in enumerate(_parts(frames)):
        with part:
            upload(part, place, _job(fields, Layout() if beside else layout(config), config, first=number == 0))
        rows += count
    if beside:
        columns = ", ".join(_cast(name, wanted.get(name)) for name in frames.schema.names)
        execute(_SAY.create_table(relation, f"select {columns} from {_SAY.relation(place)}", dict(config)))
        execute(f"drop table if exists {_SAY.relation(place)}")
    return rows


def _job(fields: list[dict[str, Any]], shape: Layout, config: Mapping[str, Any], *, first: bool) -> bigquery.LoadJobConfig:
    job = bigquery.LoadJobConfig(
        schema=[bigquery.SchemaField.from_api_repr(f) for f in fields],
        source_format=bigquery.SourceFormat.PARQUET,
        write_disposition="WRITE_TRUNCATE" if first else "WRITE_APPEND",
    )
    parquet = bigquery.format_options.ParquetOptions()
    parquet.enable_list_inference = True
    job.parquet_options = parquet
    job.decimal_target_types = ["NUMERIC", "BIGNUMERIC"]
    by = shape.partition
    if by is not None and by.bounds is not None:
        start, end, interval = by.bounds
        job.range_partitioning = bigquery.RangePartitioning(
            field=by.field, range_=bigquery.PartitionRange(start=start, end=end, interval=interval)
        )
    elif by is not None:
        job.time_partitioning = bigquery.TimePartitioning(type_=by.granularity.upper(), field=by.field)
    if shape.clusters:
        job.clustering_fields = list(shape.clusters)
    if config.get("kms_key_name"):
        job.destination_encryption_configuration = bigquery.EncryptionConfiguration(kms_key_name=str(config["kms_key_name"]))
    return job


def _parts(frames: pa.RecordBatchReader) -> Iterator[tuple[IO[bytes], int]]:
    """The batches as Parquet files, each with its number of rows; at least one, so that no rows are a table, too."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = storable(frames.schema)
    waiting: list[pa.RecordBatch] = []
    size, any_yet = 0, False

    def written() -> tuple[IO[bytes], int]:
        file = tempfile.TemporaryFile()  # noqa: SIM115  whoever gets it closes it
        table = pa.Table.from_batches(waiting, frames.schema)
        pq.write_table(pa.table([_stored(c, f.type) for c, f in zip(table.columns, schema, strict=True)], schema=schema), file)
        file.seek(0)
        return file, table.num_rows

    for batch in frames:
        waiting.append(batch)
        size += batch.nbytes
        if size >= PART:
            yield written()
            waiting, size, any_yet = [], 0, True
    if waiting or not any_yet:
        yield written()


def _stored(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], column.type.storage_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column if column.type == kind else column.cast(kind, safe=not pa.types.is_temporal(kind))


def _cast(name: str, kind: str | None) -> str:
    """A column as the type that was asked for; a project that also builds elsewhere may have another engine's word for it."""
    column = _SAY.quote(name)
    if kind is None:
        return column
    if kind.strip().upper() == "JSON":
        return f"parse_json({column}) as {column}"
    return f"cast({column} as {_SAY.declared_type(kind)}) as {column}"
