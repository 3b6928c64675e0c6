"""Fields of a table's schema, as REST writes them, and GoogleSQL's types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from orchestrator.testing.bigquery.errors import Refusal, unknown

Field = dict[str, Any]
"""``{"name", "type", "mode", "fields"?, "description"?, …}``, normalised by :func:`normal`."""

NAMES = {
    "INT64": "INTEGER", "INTEGER": "INTEGER", "INT": "INTEGER", "SMALLINT": "INTEGER", "BIGINT": "INTEGER",
    "FLOAT64": "FLOAT", "FLOAT": "FLOAT", "DOUBLE": "FLOAT",
    "BOOL": "BOOLEAN", "BOOLEAN": "BOOLEAN", "STRUCT": "RECORD", "RECORD": "RECORD",
    "NUMERIC": "NUMERIC", "DECIMAL": "NUMERIC", "BIGNUMERIC": "BIGNUMERIC", "BIGDECIMAL": "BIGNUMERIC",
    "STRING": "STRING", "BYTES": "BYTES", "JSON": "JSON",
    "DATE": "DATE", "TIME": "TIME", "DATETIME": "DATETIME", "TIMESTAMP": "TIMESTAMP",
}  # fmt: skip
"""Every spelling of a type, and REST's own."""

KINDS = {"INTEGER": "INT64", "FLOAT": "DOUBLE", "BOOLEAN": "BOOL"}
"""REST's names of types that GoogleSQL's protocol calls something else."""

SQL = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
"""REST's names of types that SQL calls something else."""

DETAILS = ("description", "policyTags", "maxLength", "precision", "scale", "roundingMode", "defaultValueExpression", "collation")
"""What a field may say besides its type."""


def normal(field: Mapping[str, Any]) -> Field:
    """A field in the spelling that the server answers with.

    >>> normal({"name": "a", "type": "int64"})
    {'name': 'a', 'type': 'INTEGER', 'mode': 'NULLABLE'}
    """
    kind = str(field["type"]).upper()
    if kind not in NAMES:
        raise unknown(f"the type {kind} of field {field['name']}")
    made: Field = {"name": field["name"], "type": NAMES[kind], "mode": str(field.get("mode") or "NULLABLE").upper()}
    if made["type"] == "RECORD":
        made["fields"] = schema(field.get("fields") or [])
    return made | {key: field[key] for key in DETAILS if field.get(key) is not None}


def schema(fields: Iterable[Mapping[str, Any]]) -> list[Field]:
    """A schema's fields, normalised. Raises a refusal for names that occur twice."""
    made = [normal(field) for field in fields]
    seen: set[str] = set()
    for field in made:
        if field["name"].lower() in seen:
            raise Refusal("invalid", f"Duplicate field name '{field['name']}' in schema; BigQuery field names are case insensitive.")
        seen.add(field["name"].lower())
    return made


def shape(fields: Sequence[Field]) -> list[Any]:
    """What must be equal for rows to fit: names, types, repetition; not descriptions."""
    return [(f["name"].lower(), f["type"], f["mode"] == "REPEATED", shape(f.get("fields", []))) for f in fields]


def typed(field: Field, proto: Any) -> None:
    """Write a field's type into a ``TypeProto``."""
    if field["mode"] == "REPEATED":
        proto.type_kind = _kind("ARRAY")
        proto = proto.array_type.element_type
    if field["type"] == "RECORD":
        proto.type_kind = _kind("STRUCT")
        for inner in field["fields"]:
            made = proto.struct_type.field.add()
            made.field_name = inner["name"]
            typed(inner, made.field_type)
    else:
        proto.type_kind = _kind(KINDS.get(str(field["type"]), str(field["type"])))


def field(name: str, proto: Any, notes: Any = None) -> Field:
    """The field that a column of a ``TypeProto`` (with its column annotations, if any) becomes."""
    word = _word(proto.type_kind)
    if word == "ARRAY":
        inner = notes.child_list[0] if notes is not None and notes.child_list else None
        made = field(name, proto.array_type.element_type, inner)
        if made["mode"] == "REPEATED":
            raise Refusal("invalidQuery", "Cannot construct array with element type ARRAY because nested arrays are not supported", "query")
        return {**made, "mode": "REPEATED", **_noted(notes, made["type"])}
    made = {"name": name, "type": "RECORD" if word == "STRUCT" else word, "mode": "NULLABLE"}
    if word == "STRUCT":
        own = list(notes.child_list) if notes is not None else []
        made["fields"] = [
            field(f.field_name or f"_field_{i + 1}", f.field_type, own[i] if i < len(own) else None)
            for i, f in enumerate(proto.struct_type.field)
        ]
    else:
        word = {kind: rest for rest, kind in KINDS.items()}.get(word, word)
        if word not in NAMES:
            raise unknown(f"a column of type {word}")
        made["type"] = NAMES[word]
    if notes is not None and notes.not_null:
        made["mode"] = "REQUIRED"
    return made | _noted(notes, made["type"])


def _noted(notes: Any, kind: str) -> dict[str, Any]:
    """What the annotations of a column definition say: parameters of its type, a description."""
    if notes is None:
        return {}
    found: dict[str, Any] = {}
    given = notes.type_parameters
    if given.HasField("string_type_parameters") and not given.string_type_parameters.is_max_length:
        found["maxLength"] = str(given.string_type_parameters.max_length)
    if given.HasField("numeric_type_parameters") and kind in {"NUMERIC", "BIGNUMERIC"}:
        found["precision"] = str(given.numeric_type_parameters.precision)
        if given.numeric_type_parameters.scale:
            found["scale"] = str(given.numeric_type_parameters.scale)
    for option in notes.option_list:
        if option.name.lower() != "description":
            raise unknown(f"the column option {option.name}")
        found["description"] = option.value.resolved_literal_node.value.value.string_value
    return found


def text(field: Field, *, top: bool = True, quote: str = "`") -> str:
    """A field's type as SQL writes it.

    >>> text({"name": "a", "type": "RECORD", "mode": "REPEATED", "fields": [{"name": "b", "type": "INTEGER", "mode": "NULLABLE"}]})
    'ARRAY<STRUCT<`b` INT64>>'
    """
    if top and field["mode"] == "REPEATED":
        return f"ARRAY<{text(field, top=False, quote=quote)}>"
    if field["type"] == "RECORD":
        return "STRUCT<" + ", ".join(f"{quote}{f['name']}{quote} {text(f, quote=quote)}" for f in field["fields"]) + ">"
    word = SQL.get(str(field["type"]), str(field["type"]))
    given = [field[key] for key in ("maxLength", "precision", "scale") if field.get(key)]
    return f"{word}({', '.join(given)})" if given else word


def _kind(word: str) -> int:
    from zetasql.wasi._pb2.zetasql.public import type_pb2

    return int(type_pb2.TypeKind.Value(f"TYPE_{word}"))


def _word(kind: int) -> str:
    from zetasql.wasi._pb2.zetasql.public import type_pb2

    return str(type_pb2.TypeKind.Name(kind)).removeprefix("TYPE_")
