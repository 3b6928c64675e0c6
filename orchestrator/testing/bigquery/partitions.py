"""Partitioning and clustering: what a specification says, which partition a row is in, when a specification may not change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from orchestrator.testing.bigquery import values
from orchestrator.testing.bigquery.errors import Refusal
from orchestrator.testing.bigquery.rows import Rows
from orchestrator.testing.bigquery.types import Field

FORMATS = {"HOUR": "%Y%m%d%H", "DAY": "%Y%m%d", "MONTH": "%Y%m", "YEAR": "%Y"}
"""How the partition of a time is named, by granularity."""

MOST = 4000
"""Partitions that one job may change."""

TIME = "_PARTITIONTIME"
DAY = "_PARTITIONDATE"
"""The pseudo columns of a table partitioned by when its rows came."""

LOADED: Field = {"name": TIME, "type": "TIMESTAMP", "mode": "NULLABLE"}
LOADED_DAY: Field = {"name": DAY, "type": "DATE", "mode": "NULLABLE"}

KEYS = ("timePartitioning", "rangePartitioning", "clustering")


def ingestion(resource: Mapping[str, Any]) -> bool:
    """Whether a table is partitioned by the time its rows came, and not by a column."""
    return "timePartitioning" in resource and not resource["timePartitioning"].get("field")


def pseudo(resource: Mapping[str, Any]) -> list[Field]:
    """The pseudo columns of a table; their cells stand last in its rows."""
    if not ingestion(resource):
        return []
    return [LOADED, LOADED_DAY] if resource["timePartitioning"]["type"] == "DAY" else [LOADED]


def column(resource: Mapping[str, Any]) -> str | None:
    """The column (or pseudo column) that a table is partitioned by."""
    if "timePartitioning" in resource:
        return str(resource["timePartitioning"].get("field") or TIME)
    return str(resource["rangePartitioning"]["field"]) if "rangePartitioning" in resource else None


def text(resource: Mapping[str, Any], *, clustered: bool = True) -> str:
    """A specification in the words of BigQuery's messages.

    >>> text({"timePartitioning": {"type": "DAY", "field": "d"}, "clustering": {"fields": ["a"]}})
    'interval(type:day,field:d) clustering(a)'
    """
    words = []
    if given := resource.get("timePartitioning"):
        place = f",field:{given['field']}" if given.get("field") else ""
        words.append(f"interval(type:{given['type'].lower()}{place})")
    if given := resource.get("rangePartitioning"):
        bounds = given["range"]
        words.append(f"range(start:{bounds['start']},end:{bounds['end']},interval:{bounds['interval']},field:{given['field']})")
    if clustered and (given := resource.get("clustering")):
        words.append(f"clustering({','.join(given['fields'])})")
    return " ".join(words) or "none"


def same(left: Mapping[str, Any], right: Mapping[str, Any], *, clustered: bool = True) -> bool:
    """Whether two tables are partitioned (and clustered) alike; case of names does not count."""
    return text(left, clustered=clustered).lower() == text(right, clustered=clustered).lower()


def check_replace(old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """CREATE OR REPLACE TABLE keeps the specification, or is refused."""
    if not same(old, new):
        raise Refusal(
            "invalid",
            "Invalid value: Cannot replace a table with a different partitioning spec. Instead, DROP the table, and then recreate it. "
            f"New partitioning spec is {text(new)} and existing spec is {text(old)}",
        )


def check_write(table: Mapping[str, Any], given: Mapping[str, Any], *, clustered: bool = False) -> None:
    """A job that writes into a table must name its specification, or none."""
    if not same(table, given, clustered=clustered):
        raise Refusal(
            "invalid",
            "Incompatible table partitioning specification. "
            f"Expects partitioning specification {text(table)}, but input partitioning specification is {text(given)}",
        )


def check_valid(resource: Mapping[str, Any], fields: list[Field]) -> None:
    """A specification names columns that are there, of types that can be partitioned or clustered by."""
    known = {field["name"].lower(): field for field in fields}
    name = column(resource)
    if name is not None and not ingestion(resource):
        field = known.get(name.lower())
        if field is None:
            raise Refusal("invalid", f"The field specified for partitioning cannot be found in the schema: {name}.")
        wanted = {"INTEGER"} if "rangePartitioning" in resource else {"DATE", "TIMESTAMP", "DATETIME"}
        if field["type"] not in wanted or field["mode"] == "REPEATED":
            raise Refusal("invalid", f"The field specified for partitioning has the wrong type: {name} is {field['type']}")
        unit = resource.get("timePartitioning", {}).get("type")
        if field["type"] == "DATE" and unit == "HOUR":
            raise Refusal("invalid", "Cannot partition DATE column by HOUR")
    for name in resource.get("clustering", {}).get("fields", []):
        field = known.get(name.lower())
        if field is None:
            raise Refusal("invalid", f"The field specified for clustering cannot be found in the schema. Invalid field: {name}.")
        if field["mode"] == "REPEATED" or field["type"] in {"FLOAT", "RECORD", "JSON", "BYTES", "TIME"}:
            raise Refusal("invalid", f"Unsupported type for clustering: {name} is {field['type']}")
    if len(resource.get("clustering", {}).get("fields", [])) > 4:
        raise Refusal("invalid", "Too many fields specified for clustering. Most 4 fields are supported.")


def named(value: Any, resource: Mapping[str, Any]) -> str:
    """The partition that a value of the partitioning column belongs to.

    >>> named(datetime(2024, 1, 31), {"timePartitioning": {"type": "MONTH", "field": "d"}})
    '202401'
    """
    if value is None:
        return "__NULL__"
    if "timePartitioning" in resource:
        return str(value.strftime(FORMATS[resource["timePartitioning"]["type"]]))
    bounds = {key: int(given) for key, given in resource["rangePartitioning"]["range"].items()}
    if not bounds["start"] <= value < bounds["end"]:
        return "__UNPARTITIONED__"
    return str(bounds["start"] + (value - bounds["start"]) // bounds["interval"] * bounds["interval"])


def of(resource: Mapping[str, Any]) -> Callable[[Any], str]:
    """A function from a row (message) to its partition."""
    fields = resource["schema"]["fields"]
    if ingestion(resource):
        return lambda row: named(values.get(row.cell[len(fields)], LOADED), resource)
    name = str(column(resource)).lower()
    at = next(i for i, field in enumerate(fields) if field["name"].lower() == name)
    return lambda row: named(values.get(row.cell[at], fields[at]), resource)


def counts(resource: Mapping[str, Any], rows: Rows) -> dict[str, int]:
    """How many rows there are in each partition."""
    found: dict[str, int] = {}
    place = of(resource)
    for row in rows.parsed().row:
        name = place(row)
        found[name] = found.get(name, 0) + 1
    return found


def check_count(resource: Mapping[str, Any], rows: Rows) -> None:
    """One job changes at most so many partitions."""
    if column(resource) is not None and rows.count > MOST and len(counts(resource, rows)) > MOST:
        raise Refusal(
            "quotaExceeded", f"Too many partitions produced by query, allowed {MOST}, query produces at least {MOST + 1} partitions"
        )


def split(table: str) -> tuple[str, str | None]:
    """A table's name and the partition that a decorator names.

    >>> split("orders$20240131"), split("orders")
    (('orders', '20240131'), ('orders', None))
    """
    name, mark, partition = table.partition("$")
    return name, partition if mark else None


def instant(partition: str, resource: Mapping[str, Any]) -> datetime:
    """When a time partition begins. Raises a refusal for what is none."""
    from datetime import UTC

    unit = resource["timePartitioning"]["type"]
    try:
        return datetime.strptime(partition, FORMATS[unit]).replace(tzinfo=UTC)
    except ValueError:
        raise Refusal("invalid", f"Invalid time partitioning decorator: ${partition}; the table is partitioned by {unit}") from None
