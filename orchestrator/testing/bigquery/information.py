"""INFORMATION_SCHEMA: what is stored, as tables that queries can read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from orchestrator.testing.bigquery import partitions, types
from orchestrator.testing.bigquery.catalog import Catalog, Key, Table
from orchestrator.testing.bigquery.errors import invalid_query, unknown
from orchestrator.testing.bigquery.evaluate import Feed
from orchestrator.testing.bigquery.rows import Rows

Record = tuple[Any, ...]

HIDDEN = "_"
"""How the names of datasets begin that are in none of these views."""

COLUMNS = {
    "SCHEMATA": "catalog_name schema_name creation_time:TIMESTAMP last_modified_time:TIMESTAMP location",
    "TABLES": "table_catalog table_schema table_name table_type is_insertable_into is_typed creation_time:TIMESTAMP",
    "COLUMNS": "table_catalog table_schema table_name column_name ordinal_position:INT64 is_nullable data_type is_hidden is_system_defined "
    "is_partitioning_column clustering_ordinal_position:INT64",
    "COLUMN_FIELD_PATHS": "table_catalog table_schema table_name column_name field_path data_type description",
    "PARTITIONS": "table_catalog table_schema table_name partition_id total_rows:INT64 total_logical_bytes:INT64 "
    "last_modified_time:TIMESTAMP storage_tier",
    "TABLE_OPTIONS": "table_catalog table_schema table_name option_name option_type option_value",
    "MATERIALIZED_VIEWS": "table_catalog table_schema table_name last_refresh_time:TIMESTAMP",
    "VIEWS": "table_catalog table_schema table_name view_definition check_option use_standard_sql",
}
"""The columns of each view that is served; no type means STRING."""

TYPES = {"TABLE": "BASE TABLE", "VIEW": "VIEW", "MATERIALIZED_VIEW": "MATERIALIZED VIEW"}


def view(catalog: Catalog, tables: Mapping[Key, Table], project: str, names: tuple[str, ...], location: str) -> Feed:
    """The rows of one view, of a dataset or of a project (``region-us``)."""
    at = next(i for i, name in enumerate(names) if name.upper() == "INFORMATION_SCHEMA")
    which, before = names[-1].upper(), names[:at]
    if at != len(names) - 2 or which not in COLUMNS:
        raise unknown(f"INFORMATION_SCHEMA.{'.'.join(names[at + 1 :])}")
    home, dataset = (before[0], before[1]) if len(before) == 2 else (project, before[0] if before else None)
    if dataset is not None and dataset.lower().startswith("region-"):
        location, dataset = dataset[len("region-") :], None
    if which == "SCHEMATA":
        if dataset is not None:
            raise invalid_query("INFORMATION_SCHEMA.SCHEMATA cannot be qualified with a dataset")
        found = [made for (owner, name), made in sorted(catalog.datasets.items()) if owner == home and not name.startswith(HIDDEN)]
        inside = [made for made in found if made["location"].lower() == location.lower()]
        return _feed(which, [_schema_row(made) for made in inside])
    if dataset is None and not before:
        raise invalid_query(f'Table "INFORMATION_SCHEMA.{which}" must be qualified with a dataset (e.g. dataset.table).')
    if dataset is not None:
        catalog.dataset(home, dataset, location)
    here = [
        (key, table)
        for key, table in sorted(tables.items(), key=lambda item: item[0])
        if key[0] == home and not key[1].startswith(HIDDEN) and (key[1] == dataset if dataset else _located(catalog, key, location))
    ]
    return _feed(which, [record for key, table in here for record in ROWS[which](key, table)])


def _located(catalog: Catalog, key: Key, location: str) -> bool:
    found = catalog.datasets.get(key[:2])
    return found is not None and found["location"].lower() == location.lower()


def _feed(which: str, records: Sequence[Record]) -> Feed:
    pairs = (word.partition(":") for word in COLUMNS[which].split())
    fields = types.schema([{"name": name, "type": kind or "STRING"} for name, _, kind in pairs])
    return Feed(fields, Rows.build(records, fields))


def _schema_row(made: Mapping[str, Any]) -> Record:
    reference = made["datasetReference"]
    times = (_time(made["creationTime"]), _time(made["lastModifiedTime"]))
    return (reference["projectId"], reference["datasetId"], *times, made["location"])


def _table(key: Key, table: Table) -> Iterator[Record]:
    yield (*key, TYPES[table.kind], "YES" if table.kind == "TABLE" else "NO", "NO", _time(table.created))


def _columns(key: Key, table: Table) -> Iterator[Record]:
    clustered = [name.lower() for name in table.resource.get("clustering", {}).get("fields", [])]
    by = (partitions.column(table.resource) or "").lower()
    for at, field in enumerate(table.cells, 1):
        name, pseudo = field["name"], at > len(table.fields)
        place = clustered.index(name.lower()) + 1 if name.lower() in clustered else None
        nullable = "NO" if field["mode"] == "REQUIRED" else "YES"
        marks = ("YES" if pseudo else "NO", "YES" if pseudo else "NO", "YES" if name.lower() == by else "NO", place)
        yield (*key, name, None if pseudo else at, nullable, types.text(field, quote=""), *marks)


def _paths(key: Key, table: Table) -> Iterator[Record]:
    def below(column: str, prefix: str, fields: list[types.Field]) -> Iterator[Record]:
        for field in fields:
            name = f"{prefix}{field['name']}"
            yield (*key, column or field["name"], name, types.text(field, quote=""), field.get("description"))
            yield from below(column or field["name"], f"{name}.", field.get("fields", []))

    yield from below("", "", table.fields)


def _partitions(key: Key, table: Table) -> Iterator[Record]:
    if table.kind != "TABLE":
        return
    size = sum(table.rows.sizes(table.fields).values())
    if partitions.column(table.resource) is None:
        yield (*key, None, table.rows.count, size, _time(table.modified), "ACTIVE")
        return
    for name, count in sorted(partitions.counts(table.resource, table.rows).items()):
        share = size * count // max(table.rows.count, 1)
        yield (*key, name, count, share, _time(table.modified), "ACTIVE")


def _options(key: Key, table: Table) -> Iterator[Record]:
    resource = table.resource
    if "description" in resource:
        yield (*key, "description", "STRING", _quoted(resource["description"]))
    if "friendlyName" in resource:
        yield (*key, "friendly_name", "STRING", _quoted(resource["friendlyName"]))
    if resource.get("labels"):
        pairs = ", ".join(f"STRUCT({_quoted(name)}, {_quoted(value)})" for name, value in sorted(resource["labels"].items()))
        yield (*key, "labels", "ARRAY<STRUCT<STRING, STRING>>", f"[{pairs}]")
    if "requirePartitionFilter" in resource:
        yield (*key, "require_partition_filter", "BOOL", str(resource["requirePartitionFilter"]).lower())
    if "expirationTime" in resource:
        at = _time(resource["expirationTime"])
        yield (*key, "expiration_timestamp", "TIMESTAMP", f'TIMESTAMP "{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"')
    if days := resource.get("timePartitioning", {}).get("expirationMs"):
        yield (*key, "partition_expiration_days", "FLOAT64", str(int(days) / 86_400_000))
    if "encryptionConfiguration" in resource:
        yield (*key, "kms_key_name", "STRING", _quoted(resource["encryptionConfiguration"]["kmsKeyName"]))
    yield from _refreshes(key, table)


def _views(key: Key, table: Table) -> Iterator[Record]:
    if table.kind == "VIEW":
        yield (*key, table.resource["view"]["query"], None, "YES")


def _refreshes(key: Key, table: Table) -> Iterator[Record]:
    if table.kind == "MATERIALIZED_VIEW":
        told = table.resource["materializedView"]
        yield (*key, "enable_refresh", "BOOL", str(told["enableRefresh"]).lower())
        yield (*key, "refresh_interval_minutes", "FLOAT64", str(int(told["refreshIntervalMs"]) / 60_000))
        if stale := table.resource.get("maxStaleness"):
            yield (*key, "max_staleness", "INTERVAL", f'INTERVAL "{stale}" YEAR TO SECOND')


def _materialized_views(key: Key, table: Table) -> Iterator[Record]:
    if table.kind == "MATERIALIZED_VIEW":
        last = table.resource["materializedView"].get("lastRefreshTime")
        yield (*key, None if last is None else _time(last))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _time(millis: int | str) -> datetime:
    return datetime.fromtimestamp(int(millis) / 1000, UTC)


ROWS: dict[str, Callable[[Key, Table], Iterator[Record]]] = {
    "TABLES": _table,
    "COLUMNS": _columns,
    "COLUMN_FIELD_PATHS": _paths,
    "PARTITIONS": _partitions,
    "TABLE_OPTIONS": _options,
    "MATERIALIZED_VIEWS": _materialized_views,
    "VIEWS": _views,
}
"""The rows that each table has in each view."""
