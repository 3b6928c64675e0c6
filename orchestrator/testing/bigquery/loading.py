"""Load jobs: rows of a Parquet, CSV or JSON file."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.testing.bigquery import types, values
from orchestrator.testing.bigquery.catalog import Table, named
from orchestrator.testing.bigquery.desk import Desk
from orchestrator.testing.bigquery.errors import Refusal, unknown
from orchestrator.testing.bigquery.rows import Rows
from orchestrator.testing.bigquery.storing import CREATED, store
from orchestrator.testing.bigquery.types import Field

if TYPE_CHECKING:
    import pyarrow as pa

READ = (
    "sourceFormat", "schema", "destinationTable", "writeDisposition", "createDisposition", "skipLeadingRows", "fieldDelimiter", "quote",
    "nullMarker", "allowQuotedNewlines", "encoding", "parquetOptions", "schemaUpdateOptions", "timePartitioning", "rangePartitioning",
    "clustering", "destinationTableProperties", "destinationEncryptionConfiguration", "decimalTargetTypes", "autodetect", "maxBadRecords",
    "ignoreUnknownValues", "useAvroLogicalTypes",
)  # fmt: skip
"""The keys of a configuration that are read here; others are refused."""


def load(desk: Desk, project: str, config: Mapping[str, Any], content: bytes) -> tuple[Table, int]:
    """Write a file's rows into the job's destination; the table, and the number of rows."""
    if strange := sorted(set(config) - set(READ)):
        raise unknown(f"load configuration {strange}")
    if config.get("maxBadRecords") or config.get("ignoreUnknownValues"):
        raise unknown("load jobs that skip what is wrong")
    target = named(config["destinationTable"], project)
    fields = types.schema(config["schema"]["fields"]) if config.get("schema", {}).get("fields") else None
    if fields is None and config.get("sourceFormat") != "PARQUET":
        there = desk.tables.get((*target[:2], target[2].partition("$")[0]))
        if there is None:
            raise unknown("guessing the schema of a CSV or JSON file")
        fields = there.fields
    body = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    match config.get("sourceFormat", "CSV"):
        case "PARQUET":
            fields, rows = _parquet(body, fields, config)
        case "CSV":
            rows = Rows.build(_csv(body.decode(), fields or [], config), fields or [])
        case "NEWLINE_DELIMITED_JSON":
            rows = Rows.build(_json(body.decode(), fields or []), fields or [])
        case other:
            raise unknown(f"loading {other} files")
    given = {**{name: config[name] for name in CREATED if name in config}, **(config.get("destinationTableProperties") or {})}
    if "destinationEncryptionConfiguration" in config:
        given["encryptionConfiguration"] = config["destinationEncryptionConfiguration"]
    table = store(desk, target, fields or [], rows, {"writeDisposition": "WRITE_APPEND", **config}, given)
    return table, rows.count


def _parquet(content: bytes, fields: list[Field] | None, config: Mapping[str, Any]) -> tuple[list[Field], Rows]:
    import pyarrow.parquet as pq

    frame = pq.read_table(io.BytesIO(content))
    lists = bool((config.get("parquetOptions") or {}).get("enableListInference"))
    found = types.schema([_arrow(field, lists=lists, targets=config.get("decimalTargetTypes") or ["NUMERIC"]) for field in frame.schema])
    if fields is None:
        fields = found
    names = {name.lower(): at for at, name in enumerate(frame.column_names)}
    for field in fields:
        if field["name"].lower() not in names and field["mode"] == "REQUIRED":
            raise Refusal("invalid", f"Error while reading data, error message: Parquet file lacks the required column {field['name']}")
    known = {field["name"].lower() for field in fields}
    if extra := sorted(set(names) - known):
        raise Refusal("invalid", f"Provided Schema does not match the Parquet file. Cannot add fields (field: {extra[0]})")
    columns = []
    for field in fields:
        at = names.get(field["name"].lower())
        given = frame.column(at).to_pylist() if at is not None else [None] * frame.num_rows
        columns.append([values.frame_value(value, field) for value in given])
    return fields, Rows.build(zip(*columns, strict=True) if columns else [() for _ in range(frame.num_rows)], fields)


def _arrow(field: pa.Field, *, lists: bool, targets: Sequence[str]) -> dict[str, Any]:
    """The field that a column of a Parquet file becomes."""
    import pyarrow as pa

    kind, mode = field.type, "NULLABLE" if field.nullable else "REQUIRED"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        if not lists:
            raise unknown("Parquet lists without parquetOptions.enableListInference (BigQuery makes records `list.element` of them)")
        return {**_arrow(kind.value_field, lists=lists, targets=targets), "name": field.name, "mode": "REPEATED"}
    made: dict[str, Any] = {"name": field.name, "mode": mode}
    if pa.types.is_struct(kind):
        return {**made, "type": "RECORD", "fields": [_arrow(inner, lists=lists, targets=targets) for inner in kind]}
    if pa.types.is_decimal(kind):
        fits = kind.scale <= 9 and kind.precision - kind.scale <= 29
        if not fits and "BIGNUMERIC" not in targets:
            raise Refusal("invalid", f"The decimal {field.name} does not fit the decimalTargetTypes {list(targets)}")
        return {**made, "type": "NUMERIC" if fits and "NUMERIC" in targets else "BIGNUMERIC"}
    if pa.types.is_timestamp(kind):
        return {**made, "type": "TIMESTAMP" if kind.tz else "DATETIME"}
    for test, name in (
        (pa.types.is_boolean, "BOOLEAN"),
        (pa.types.is_integer, "INTEGER"),
        (pa.types.is_floating, "FLOAT"),
        (pa.types.is_string, "STRING"),
        (pa.types.is_large_string, "STRING"),
        (pa.types.is_binary, "BYTES"),
        (pa.types.is_large_binary, "BYTES"),
        (pa.types.is_date, "DATE"),
        (pa.types.is_time, "TIME"),
        (pa.types.is_null, "INTEGER"),
    ):
        if test(kind):
            return {**made, "type": name}
    raise unknown(f"a Parquet column of type {kind}")


def _csv(text: str, fields: Sequence[Field], config: Mapping[str, Any]) -> Iterator[list[Any]]:
    skip, null = int(config.get("skipLeadingRows") or 0), config.get("nullMarker", "")
    for number, cells in enumerate(_cells(text, config.get("fieldDelimiter") or ",", config.get("quote", '"'))):
        if number < skip:
            continue
        if len(cells) != len(fields):
            words = f"CSV table references column position {len(fields) - 1}, but line contains only {len(cells)} columns."
            raise Refusal(
                "invalid", f"Error while reading data, error message: {words if len(cells) < len(fields) else 'Too many values in line.'}"
            )
        yield [_cell(value, quoted, field, null) for (value, quoted), field in zip(cells, fields, strict=True)]


def _cell(value: str, quoted: bool, field: Field, null: str) -> Any:
    if value == null and not quoted:
        return None
    try:
        return values.read(value, field["type"])
    except ValueError:
        words = f"Could not parse '{value}' as {types.text(field)} for field {field['name']}"
        raise Refusal("invalid", f"Error while reading data, error message: {words}") from None


def _cells(text: str, delimiter: str, quote: str) -> Iterator[list[tuple[str, bool]]]:
    """The records of a CSV file: each cell with whether it was quoted (an empty quoted one is no NULL)."""
    row: list[tuple[str, bool]] = []
    at, size = 0, len(text)
    while at < size:
        if quote and text.startswith(quote, at):
            piece, at = [], at + 1
            while at < size and not (text[at] == quote and text[at + 1 : at + 2] != quote):
                piece.append(text[at])
                at += 2 if text[at] == quote else 1
            row.append(("".join(piece), True))
            at += 1
        else:
            end = at
            while end < size and text[end] not in (delimiter, "\n", "\r"):
                end += 1
            row.append((text[at:end], False))
            at = end
        if at < size and text[at] == delimiter:
            at += 1
            if at == size:
                row.append(("", False))
            continue
        at += 2 if text.startswith("\r\n", at) else 1
        if row != [("", False)]:
            yield row
        row = []
    if row:
        yield row


def _json(text: str, fields: Sequence[Field]) -> Iterator[list[Any]]:
    names = {field["name"].lower() for field in fields}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        record = {name.lower(): value for name, value in json.loads(line).items()}
        if extra := sorted(set(record) - names):
            raise Refusal(
                "invalid", f"Error while reading data, error message: JSON parsing error in row {number}: No such field: {extra[0]}."
            )
        try:
            yield [values.decoded(record.get(field["name"].lower()), field) for field in fields]
        except ValueError as error:
            raise Refusal("invalid", f"Error while reading data, error message: JSON parsing error in row {number}: {error}") from None
