"""Query parameters, as REST sends them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.testing.bigquery import types, values
from orchestrator.testing.bigquery.errors import Refusal
from orchestrator.testing.bigquery.evaluate import Constant, constant
from orchestrator.testing.bigquery.types import Field


def read(given: Mapping[str, Any]) -> dict[str, Constant]:
    """The parameters of a query's configuration by name; those without one are named by their position."""
    made = [(p.get("name") or "", _one(p)) for p in given.get("queryParameters") or []]
    if str(given.get("parameterMode", "")).upper() == "POSITIONAL":
        return {positional(at): value for at, (_, value) in enumerate(made, 1)}
    return {name.lower(): value for name, value in made}


def positional(at: int) -> str:
    """What the ``at``-th ``?`` of a statement is called.

    >>> positional(1)
    'orc_parameter_1'
    """
    return f"orc_parameter_{at}"


def _one(given: Mapping[str, Any]) -> Constant:
    field = _field(given.get("name") or "parameter", given["parameterType"])
    try:
        return constant(_value(field, given["parameterValue"]), field)
    except ValueError as error:
        raise Refusal("invalid", f"Invalid value for query parameter {field['name']}: {error}") from None


def _field(name: str, kind: Mapping[str, Any]) -> Field:
    if kind["type"] == "ARRAY":
        return {**_field(name, kind["arrayType"]), "mode": "REPEATED"}
    if kind["type"] == "STRUCT":
        fields = [_field(inner["name"], inner["type"]) for inner in kind["structTypes"]]
        return {"name": name, "type": "RECORD", "mode": "NULLABLE", "fields": fields}
    return types.normal({"name": name, "type": kind["type"]})


def _value(field: Field, given: Mapping[str, Any]) -> Any:
    if field["mode"] == "REPEATED":
        return [_value({**field, "mode": "NULLABLE"}, item) for item in given.get("arrayValues") or []]
    if field["type"] == "RECORD":
        return {inner["name"]: _value(inner, given["structValues"][inner["name"]]) for inner in field["fields"]}
    text = given.get("value")
    return None if text is None else values.read(text, field["type"])
