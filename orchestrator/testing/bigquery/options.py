"""OPTIONS(…) and PARTITION BY … of statements, as the REST resource says them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.sql import googlesql_tree as tree
from orchestrator.testing.bigquery.errors import invalid_query, unknown
from orchestrator.testing.bigquery.evaluate import Evaluator, World, python

TRUNCATED = {"DATE_TRUNC", "TIMESTAMP_TRUNC", "DATETIME_TRUNC"}
EVERY_MINUTES = 30
"""How often a materialized view is refreshed at most, if nobody says otherwise."""
PSEUDO = {"_PARTITIONTIME", "_PARTITIONDATE"}


def given(evaluator: Evaluator, text: bytes, listed: Any, world: World) -> dict[str, Any]:
    """The options of an ``OPTIONS`` list, by name in lower case, as Python values."""
    entries = list(listed.options_entries) if listed is not None else []
    found = evaluator.scalars([_said(text, entry) for entry in entries], world)
    return {entry.name.id_string.lower(): python(value) for entry, value in zip(entries, found, strict=True)}


def _said(text: bytes, entry: Any) -> str:
    """An option's value as an expression; of an interval its text, for no column has that type here."""
    said = text[slice(*tree.span(entry.value))].decode()
    return f"CAST(CAST(({said}\n) AS INTERVAL) AS STRING)" if entry.name.id_string.lower() == "max_staleness" else said


def table_options(options: Mapping[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """What a table's options change in its resource; ``None`` takes away."""
    changed: dict[str, Any] = {}
    for name, value in options.items():
        match name:
            case "description":
                changed["description"] = value
            case "friendly_name":
                changed["friendlyName"] = value
            case "labels":
                changed["labels"] = labels(value)
            case "require_partition_filter":
                changed["requirePartitionFilter"] = value
            case "expiration_timestamp":
                changed["expirationTime"] = None if value is None else str(int(value.timestamp() * 1000))
            case "kms_key_name":
                changed["encryptionConfiguration"] = None if value is None else {"kmsKeyName": value}
            case "partition_expiration_days":
                partitioning = dict(current.get("timePartitioning") or {})
                if not partitioning:
                    raise invalid_query("partition_expiration_days can only be set on a table with time partitioning")
                partitioning.pop("expirationMs", None)
                if value is not None:
                    partitioning["expirationMs"] = str(int(value * 86_400_000))
                changed["timePartitioning"] = partitioning
            case _:
                raise unknown(f"the table option {name}")
    return changed


def refresh_options(options: dict[str, Any], current: Mapping[str, Any]) -> dict[str, Any]:
    """Take what only a materialized view has out of ``options``; what it makes of its resource. Null is as if nobody had said it."""
    body, changed = dict(current), dict[str, Any]()
    if "enable_refresh" in options or "enableRefresh" not in body:
        wanted = options.pop("enable_refresh", None)
        body["enableRefresh"] = True if wanted is None else bool(wanted)
    if "refresh_interval_minutes" in options or "refreshIntervalMs" not in body:
        body["refreshIntervalMs"] = str(int((options.pop("refresh_interval_minutes", None) or EVERY_MINUTES) * 60_000))
    if "allow_non_incremental_definition" in options:
        body["allowNonIncrementalDefinition"] = bool(options.pop("allow_non_incremental_definition"))
    if "max_staleness" in options:
        changed["maxStaleness"] = options.pop("max_staleness")
    return {"materializedView": body, **changed}


def schema_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """What a dataset's options change in its resource; ``None`` takes away."""
    changed: dict[str, Any] = {}
    for name, value in options.items():
        match name:
            case "location" | "description":
                changed[name] = value
            case "friendly_name":
                changed["friendlyName"] = value
            case "labels":
                changed["labels"] = labels(value)
            case "default_table_expiration_days":
                changed["defaultTableExpirationMs"] = None if value is None else str(int(value * 86_400_000))
            case "default_partition_expiration_days":
                changed["defaultPartitionExpirationMs"] = None if value is None else str(int(value * 86_400_000))
            case "default_kms_key_name":
                changed["defaultEncryptionConfiguration"] = None if value is None else {"kmsKeyName": value}
            case _:
                raise unknown(f"the schema option {name}")
    return changed


def labels(pairs: Sequence[Mapping[str, str]] | None) -> dict[str, str] | None:
    """``[('a', 'b')]`` as GoogleSQL's structs, as an object.

    >>> labels([{"_field_1": "team", "_field_2": "data"}])
    {'team': 'data'}
    """
    return None if pairs is None else {str(name): str(value) for name, value in (pair.values() for pair in pairs)}


def partitioning(evaluator: Evaluator, text: bytes, clause: Any) -> dict[str, Any]:
    """``PARTITION BY …`` as ``timePartitioning`` or ``rangePartitioning``."""
    if len(clause.partitioning_expressions) != 1:
        raise invalid_query("PARTITION BY expects exactly one expression")
    node = tree.leaf(clause.partitioning_expressions[0])
    if tree.kind(node) == "ASTPathExpression":
        return {"timePartitioning": _time(tree.path(node)[0], "DAY")}
    if tree.kind(node) != "ASTFunctionCall":
        raise invalid_query("PARTITION BY expression must be a column, or a function of one")
    name, arguments = ".".join(tree.path(node.function)).upper(), [tree.leaf(argument) for argument in node.arguments]
    if tree.kind(arguments[0]) != "ASTPathExpression":
        raise invalid_query(f"PARTITION BY {name} expects the name of a column")
    column = tree.path(arguments[0])[0]
    if name == "DATE" and len(arguments) == 1:
        return {"timePartitioning": _time(column, "DAY")}
    if name in TRUNCATED and len(arguments) == 2:
        unit = tree.path(arguments[1])[0].upper()
        if unit not in {"HOUR", "DAY", "MONTH", "YEAR"}:
            raise invalid_query(f"Unsupported partitioning granularity {unit}")
        return {"timePartitioning": _time(column, unit)}
    if name == "RANGE_BUCKET" and tree.kind(arguments[1]) == "ASTFunctionCall":
        bounds = [text[slice(*tree.span(argument))].decode() for argument in arguments[1].arguments]
        start, end, step = ([python(value) for value in evaluator.scalars(bounds, World())] + [1])[:3]
        return {"rangePartitioning": {"field": column, "range": {"start": str(start), "end": str(end), "interval": str(step)}}}
    raise invalid_query(f"Unsupported PARTITION BY expression: {text[slice(*tree.span(node))].decode()}")


def _time(column: str, unit: str) -> dict[str, Any]:
    """Time partitioning by a column, or by when rows came."""
    return {"type": unit} if column.upper() in PSEUDO else {"type": unit, "field": column}


def clustering(clause: Any) -> dict[str, Any]:
    """``CLUSTER BY …``."""
    return {"clustering": {"fields": [tree.path(tree.leaf(node))[0] for node in clause.clustering_expressions]}}
