"""Writing a job's rows into its destination: dispositions, partition decorators, schemas that must fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.testing.bigquery import partitions, types, values
from orchestrator.testing.bigquery.catalog import Key, Table, shown
from orchestrator.testing.bigquery.ddl import with_columns, wrong_kind
from orchestrator.testing.bigquery.desk import Desk, accepted, appended
from orchestrator.testing.bigquery.errors import Refusal, missing, taken
from orchestrator.testing.bigquery.rows import Rows, table_data
from orchestrator.testing.bigquery.types import Field

SPEC = ("timePartitioning", "rangePartitioning", "clustering")
CREATED = (*SPEC, "description", "labels", "friendlyName", "expirationTime", "requirePartitionFilter")


def store(desk: Desk, key: Key, fields: Sequence[Field], rows: Rows, config: Mapping[str, Any], given: Mapping[str, Any]) -> Table:
    """Write rows as a job's configuration says; ``given`` is what a table that is created (or checked) gets beside its schema."""
    desk.catalog.dataset(key[0], key[1], desk.location)
    name, partition = partitions.split(key[2])
    key = (*key[:2], name)
    old = desk.tables.get(key)
    how = config.get("writeDisposition", "WRITE_EMPTY")
    if how not in {"WRITE_EMPTY", "WRITE_APPEND", "WRITE_TRUNCATE"}:
        raise Refusal("invalid", f"Invalid value for writeDisposition: {how}")
    if old is None:
        if config.get("createDisposition") == "CREATE_NEVER":
            raise missing("Table", shown(key), desk.location)
        old = _created(fields, given, partition)
    elif old.kind != "TABLE":
        raise wrong_kind(key, old)
    elif any(name in given for name in SPEC):
        partitions.check_write(old.resource, given, clustered="clustering" in given)
    part = _part(old, partition)
    if how == "WRITE_EMPTY" and part.count and key in desk.tables:
        raise taken("Table", shown(key))
    whole = how == "WRITE_TRUNCATE" and partition is None
    table = _replaced(old, fields, given) if whole else _widened(key, old, fields, config)
    fresh = appended(table, accepted(table, _arranged(table, fields, rows)), partition)
    if partition is not None:
        _check_partition(table, fresh, partition)
    partitions.check_count(table.resource, fresh)
    if whole:
        table = table.touched(rows=fresh)
    elif how == "WRITE_TRUNCATE":
        place = partitions.of(table.resource)
        table = table.touched(rows=table.rows.keep(lambda row: place(row) != partition) + fresh)
    else:
        table = table.plus(fresh)
    if not desk.dry:
        desk.catalog.put(key, table)
    return table


def _created(fields: Sequence[Field], given: Mapping[str, Any], partition: str | None) -> Table:
    resource = {"schema": {"fields": list(fields)}, **{name: given[name] for name in CREATED if given.get(name) is not None}}
    if partition is not None and partitions.column(resource) is None:
        resource["timePartitioning"] = {"type": {10: "HOUR", 8: "DAY", 6: "MONTH", 4: "YEAR"}.get(len(partition), "DAY")}
    partitions.check_valid(resource, list(fields))
    return Table(resource).touched(rows=Rows())


def _replaced(old: Table, fields: Sequence[Field], given: Mapping[str, Any]) -> Table:
    """A table whose rows and schema are replaced: its partitioning, labels and description stay, as do its columns' descriptions."""
    known = {field["name"].lower(): field for field in old.fields}
    kept = ("description", "policyTags")
    made = [{**{k: v for k, v in known.get(f["name"].lower(), {}).items() if k in kept}, **f} for f in fields]
    partitions.check_valid(old.resource, made)
    changes = {name: given[name] for name in ("description", "labels") if given.get(name) and name not in old.resource}
    return old.with_resource(schema={"fields": made}, **changes).touched(rows=Rows())


def _part(table: Table, partition: str | None) -> Rows:
    if partition is None:
        return table.rows
    if partitions.column(table.resource) is None:
        raise Refusal("invalid", "Cannot use a partition decorator with a table that is not partitioned")
    place = partitions.of(table.resource)
    return table.rows.keep(lambda row: place(row) == partition)


def _widened(key: Key, table: Table, fields: Sequence[Field], config: Mapping[str, Any]) -> Table:
    """The table, with new columns where the job allows them. Raises *invalid* where schemas do not fit."""
    known = {field["name"].lower(): field for field in table.fields}
    added = []
    words = f"Provided Schema does not match Table {shown(key)}."
    for field in fields:
        mine = known.get(field["name"].lower())
        if mine is None:
            if "ALLOW_FIELD_ADDITION" not in (config.get("schemaUpdateOptions") or []):
                raise Refusal("invalid", f"{words} Cannot add fields (field: {field['name']})")
            added.append({**field, "mode": "REPEATED" if field["mode"] == "REPEATED" else "NULLABLE"})
        elif types.shape([mine]) != types.shape([field]):
            if mine["type"] != field["type"]:
                raise Refusal("invalid", f"{words} Field {field['name']} has changed type from {mine['type']} to {field['type']}")
            raise Refusal("invalid", f"{words} Field {field['name']} has changed mode from {mine['mode']} to {field['mode']}")
    return with_columns(table, [*table.fields, *added]) if added else table


def _arranged(table: Table, fields: Sequence[Field], rows: Rows) -> Rows:
    """Rows with their cells in the order of the table's columns; columns that they lack are null."""
    at = {field["name"].lower(): place for place, field in enumerate(fields)}
    order = [at.get(field["name"].lower()) for field in table.fields]
    if order == list(range(len(fields))):
        return rows
    made = table_data()
    for row in rows.parsed().row:
        fresh = made.row.add()
        for place, field in zip(order, table.fields, strict=True):
            if place is None:
                values.put(fresh.cell.add(), None, field)
            else:
                fresh.cell.add().CopyFrom(row.cell[place])
    return Rows.of(made)


def _check_partition(table: Table, rows: Rows, partition: str) -> None:
    """A job that writes into one partition brings rows of that partition only."""
    others = set(partitions.counts(table.resource, rows)) - {partition}
    if others:
        raise Refusal("invalid", f"Some rows belong to different partitions rather than destination partition {partition}")


def copy(desk: Desk, project: str, config: Mapping[str, Any]) -> Table:
    """A copy job: the sources' rows (or one partition's), with their schema and specification."""
    from orchestrator.testing.bigquery.catalog import named

    if config.get("operationType", "COPY") not in {"COPY", "CLONE", "OPERATION_TYPE_UNSPECIFIED"}:
        raise Refusal("notImplemented", f"The BigQuery fake does not do this: a copy job of type {config['operationType']}")
    sources = config.get("sourceTables") or [config["sourceTable"]]
    rows, first = Rows(), None
    target = named(config["destinationTable"], project)
    base, partition = partitions.split(target[2])
    for given in sources:
        key = named(given, project)
        desk.catalog.dataset(key[0], key[1], desk.location)
        name, part = partitions.split(key[2])
        table = desk.tables.get((*key[:2], name))
        if table is None:
            raise missing("Table", shown((*key[:2], name)), desk.location)
        if table.kind != "TABLE":
            raise wrong_kind((*key[:2], name), table)
        if first is not None and types.shape(first.fields) != types.shape(table.fields):
            raise Refusal("invalid", "The schemas of the source tables of a copy job differ")
        first = first or table
        rows += _part(table, part)
    if first is None:
        raise Refusal("invalid", "A copy job needs a source table")
    old = desk.tables.get((*target[:2], base))
    spec = {name: first.resource[name] for name in CREATED if name in first.resource}
    if old is not None and old.kind == "TABLE" and (partition is None or partitions.column(first.resource) is not None):
        partitions.check_write(old.resource, first.resource, clustered=partition is None)
    plain = rows.change(lambda _, row: row.cell.__delitem__(slice(len(first.fields), None))) if first.pseudo else rows
    stored = store(desk, target, first.fields, plain, config, {} if old is not None else spec)
    if first.pseudo and partition is None:  # rows keep the time they came
        kept = rows if config.get("writeDisposition") == "WRITE_TRUNCATE" or old is None else old.rows + rows
        stored = stored.touched(rows=kept)
        desk.catalog.put((*target[:2], base), stored)
    return stored
