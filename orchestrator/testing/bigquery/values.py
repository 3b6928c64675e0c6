"""One value in its four shapes: GoogleSQL's protocol, Python, REST's JSON, the text of a file."""

from __future__ import annotations

import base64
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from orchestrator.testing.bigquery.errors import Refusal, invalid_query, unknown
from orchestrator.testing.bigquery.types import Field

EPOCH = date(1970, 1, 1)
INSTANT = datetime(1970, 1, 1, tzinfo=UTC)
MICRO = timedelta(microseconds=1)
WIDE = Context(prec=100)
"""Enough digits for every BIGNUMERIC."""

SCALES = {"NUMERIC": (9, 10**38), "BIGNUMERIC": (38, 1 << 255)}
"""Digits after the point, and the bound of the scaled integer."""

PLAIN = {"INTEGER": "int64_value", "FLOAT": "double_value", "BOOLEAN": "bool_value", "STRING": "string_value", "BYTES": "bytes_value"}
PLAIN |= {"JSON": "json_value"}
SIZES = {"NUMERIC": 16, "BIGNUMERIC": 32, "BOOLEAN": 1}
"""Bytes that BigQuery bills for a value that is there; 8 for what is not listed."""


def put(proto: Any, value: Any, field: Field) -> None:
    """Write a Python value into a ``ValueProto``."""
    if field["mode"] == "REPEATED":
        proto.array_value.SetInParent()
        for item in value or []:
            if item is None:
                raise Refusal("invalid", f"Array specified for field {field['name']} contains a null element")
            _put_one(proto.array_value.element.add(), item, field)
    elif value is not None:
        _put_one(proto, value, field)


def _put_one(proto: Any, value: Any, field: Field) -> None:
    kind = field["type"]
    if kind in PLAIN:
        setattr(proto, PLAIN[kind], value)
    elif kind == "RECORD":
        proto.struct_value.SetInParent()
        for inner in field["fields"]:
            put(proto.struct_value.field.add(), value.get(inner["name"]), inner)
    elif kind in SCALES:
        setattr(proto, f"{kind.lower()}_value", _scaled(value, kind, field))
    elif kind == "DATE":
        proto.date_value = (value - EPOCH).days
    elif kind == "TIMESTAMP":
        micros = (value.astimezone(UTC) - INSTANT) // MICRO
        proto.timestamp_value.seconds, proto.timestamp_value.nanos = micros // 10**6, micros % 10**6 * 1000
    elif kind == "TIME":
        proto.time_value = (value.hour << 42) | (value.minute << 36) | (value.second << 30) | value.microsecond * 1000
    else:
        proto.datetime_value.bit_field_datetime_seconds = (
            (value.year << 26) | (value.month << 22) | (value.day << 17) | (value.hour << 12) | (value.minute << 6) | value.second
        )
        proto.datetime_value.nanos = value.microsecond * 1000


def _scaled(value: Decimal, kind: str, field: Field) -> bytes:
    """GoogleSQL's bytes of a decimal: the scaled integer, little-endian, as short as its sign allows."""
    digits, bound = SCALES[kind]
    scaled = WIDE.scaleb(value, digits).quantize(Decimal(1), rounding="ROUND_HALF_UP", context=WIDE)
    number = int(scaled)
    if not -bound < number < bound:
        raise Refusal("invalid", f"Invalid {kind} value: {value} for field {field['name']}")
    return number.to_bytes((number + (number < 0)).bit_length() // 8 + 1, "little", signed=True)


def get(proto: Any, field: Field) -> Any:
    """A ``ValueProto`` as a Python value: arrays are lists, structs are dicts, JSON is its text."""
    if field["mode"] == "REPEATED":
        return [_get_one(item, field) for item in proto.array_value.element]
    return None if proto.WhichOneof("value") is None else _get_one(proto, field)


def _get_one(proto: Any, field: Field) -> Any:
    kind = field["type"]
    if kind in PLAIN:
        return getattr(proto, PLAIN[kind])
    if kind == "RECORD":
        return {inner["name"]: get(item, inner) for item, inner in zip(proto.struct_value.field, field["fields"], strict=True)}
    if kind in SCALES:
        number = int.from_bytes(getattr(proto, f"{kind.lower()}_value"), "little", signed=True)
        return WIDE.scaleb(Decimal(number), -SCALES[kind][0])
    if kind == "DATE":
        return EPOCH + timedelta(days=proto.date_value)
    if kind == "TIMESTAMP":
        given = proto.timestamp_value
        return INSTANT + timedelta(seconds=given.seconds, microseconds=given.nanos // 1000)
    if kind == "TIME":
        bits = proto.time_value >> 30
        return time((bits >> 12) & 31, (bits >> 6) & 63, bits & 63, (proto.time_value & ((1 << 30) - 1)) // 1000)
    bits = proto.datetime_value.bit_field_datetime_seconds
    micros = proto.datetime_value.nanos // 1000
    return datetime(bits >> 26, (bits >> 22) & 15, (bits >> 17) & 31, (bits >> 12) & 31, (bits >> 6) & 63, bits & 63, micros)  # noqa: DTZ001  a DATETIME has no zone


def has_arrays(field: Field) -> bool:
    """Whether values of this field are arrays, or have some in them."""
    return field["mode"] == "REPEATED" or any(has_arrays(inner) for inner in field.get("fields", []))


def whole(proto: Any, field: Field) -> None:
    """Make null arrays empty ones; refuse those that have a null in them, which is no answer and in no table."""
    if field["mode"] == "REPEATED":
        proto.array_value.SetInParent()
        if any(item.WhichOneof("value") is None for item in proto.array_value.element):
            raise invalid_query(f"Array cannot have a null element; error in writing field {field['name']}")
        for item in proto.array_value.element:
            _whole_fields(item, field)
    elif proto.WhichOneof("value") is not None:
        _whole_fields(proto, field)


def _whole_fields(proto: Any, field: Field) -> None:
    for item, inner in zip(proto.struct_value.field, field.get("fields", []), strict=True):
        if has_arrays(inner):
            whole(item, inner)


def rest(proto: Any, field: Field, *, micros: bool = True) -> Any:
    """A ``ValueProto`` as REST answers it; ``micros`` says how the client wants timestamps."""
    if field["mode"] == "REPEATED":
        return [{"v": _rest_one(item, field, micros=micros)} for item in proto.array_value.element]
    return None if proto.WhichOneof("value") is None else _rest_one(proto, field, micros=micros)


def _rest_one(proto: Any, field: Field, *, micros: bool) -> Any:
    kind = field["type"]
    if kind == "RECORD":
        pairs = zip(proto.struct_value.field, field["fields"], strict=True)
        return {"f": [{"v": rest(item, inner, micros=micros)} for item, inner in pairs]}
    if kind == "TIMESTAMP":
        given = proto.timestamp_value
        count = given.seconds * 10**6 + given.nanos // 1000
        return str(count) if micros else repr(count / 10**6)
    return written(_get_one(proto, field), kind)


def written(value: Any, kind: str) -> str:
    """A scalar as REST writes it.

    >>> written(True, "BOOLEAN"), written(float("inf"), "FLOAT"), written(Decimal("1.500"), "NUMERIC"), written(b"a", "BYTES")
    ('true', 'Infinity', '1.5', 'YQ==')
    """
    match kind:
        case "BOOLEAN":
            return "true" if value else "false"
        case "FLOAT":
            return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(repr(value), repr(value))
        case "NUMERIC" | "BIGNUMERIC":
            short = WIDE.normalize(value) if value else Decimal(0)
            return f"{short:f}"
        case "BYTES":
            return base64.b64encode(value).decode()
        case "DATE" | "TIME" | "DATETIME":
            return str(value.isoformat())
        case _:
            return str(value)


def read(given: str, kind: str) -> Any:
    """A scalar from the text of a CSV file, a JSON string or a query parameter. Raises ``ValueError``.

    >>> read("2024-01-02 03:04:05 UTC", "TIMESTAMP").isoformat(), read("TRUE", "BOOLEAN")
    ('2024-01-02T03:04:05+00:00', True)
    """
    match kind:
        case "INTEGER":
            number = int(given)
            if not -(1 << 63) <= number < 1 << 63:
                raise ValueError(given)
            return number
        case "FLOAT":
            return float(given)
        case "BOOLEAN":
            if given.lower() not in {"true", "false", "t", "f", "yes", "no", "y", "n", "1", "0"}:
                raise ValueError(given)
            return given.lower() in {"true", "t", "yes", "y", "1"}
        case "NUMERIC" | "BIGNUMERIC":
            try:
                return Decimal(given.strip())
            except InvalidOperation:
                raise ValueError(given) from None
        case "BYTES":
            return base64.b64decode(given, validate=True)
        case "DATE":
            return date.fromisoformat(given)
        case "TIME":
            return time.fromisoformat(given)
        case "DATETIME":
            value = datetime.fromisoformat(given)
            if value.tzinfo is not None:
                raise ValueError(given)
            return value
        case "TIMESTAMP":
            value = datetime.fromisoformat(re.sub(r"\s*(UTC|Z)$", "+00:00", given.strip()))
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        case "JSON":
            json.loads(given)
            return given
        case _:
            return given


def decoded(value: Any, field: Field) -> Any:
    """A value of a JSON file as the Python value of its field. Raises ``ValueError``."""
    if field["mode"] == "REPEATED":
        if not isinstance(value or [], list):
            raise ValueError("a repeated field wants a list")
        return [decoded(item, {**field, "mode": "NULLABLE"}) for item in value or []]
    if value is None:
        return None
    kind = field["type"]
    if kind == "RECORD":
        if not isinstance(value, Mapping):
            raise ValueError("a record wants an object")
        given = {name.lower(): item for name, item in value.items()}
        return {inner["name"]: decoded(given.get(inner["name"].lower()), inner) for inner in field["fields"]}
    if kind == "JSON":
        return json.dumps(value, separators=(",", ":"))
    if isinstance(value, bool):
        return read("true" if value else "false", kind)
    if kind == "TIMESTAMP" and isinstance(value, int | float):
        return INSTANT + timedelta(seconds=value)
    if isinstance(value, list | dict):
        raise ValueError(f"a {kind} cannot be {value!r}")
    return read(str(value), kind)


def size(proto: Any, field: Field) -> int:
    """The bytes that BigQuery bills for reading a value."""
    if field["mode"] == "REPEATED":
        return sum(_size_one(item, field) for item in proto.array_value.element)
    return 0 if proto.WhichOneof("value") is None else _size_one(proto, field)


def _size_one(proto: Any, field: Field) -> int:
    match field["type"]:
        case "STRING":
            return 2 + len(proto.string_value.encode())
        case "JSON":
            return 2 + len(proto.json_value.encode())
        case "BYTES":
            return 2 + len(proto.bytes_value)
        case "RECORD":
            return sum(size(item, inner) for item, inner in zip(proto.struct_value.field, field["fields"], strict=True))
        case kind:
            return SIZES.get(kind, 8)


def frame_value(value: Any, field: Field) -> Any:
    """What Arrow gives (``to_pylist``) as the Python value of a field: durations and other strangers are refused."""
    if value is None:
        return [] if field["mode"] == "REPEATED" else None
    if field["mode"] == "REPEATED":
        items = value["list"] if isinstance(value, Mapping) and "list" in value else value
        plain = [
            item["element"] if isinstance(item, Mapping) and set(item) == {"element"} and field["type"] != "RECORD" else item
            for item in items
        ]
        return [frame_value(item, {**field, "mode": "NULLABLE"}) for item in plain]
    kind = field["type"]
    if kind == "RECORD":
        given = {name.lower(): item for name, item in value.items()}
        return {inner["name"]: frame_value(given.get(inner["name"].lower()), inner) for inner in field["fields"]}
    match kind, value:
        case "TIMESTAMP", datetime():
            return value if value.tzinfo else value.replace(tzinfo=UTC)
        case "DATETIME", datetime():
            return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
        case "DATE", datetime():
            return value.date()
        case (("NUMERIC" | "BIGNUMERIC"), (int() | Decimal())):
            return Decimal(value)
        case "FLOAT", (int() | float()):
            return float(value)
        case "INTEGER", float() if value.is_integer() and not math.isnan(value):
            return int(value)
        case (("STRING" | "JSON"), bytes()):
            return value.decode()
        case (
            ("INTEGER", int()) | ("STRING" | "JSON", str()) | ("BYTES", bytes()) | ("BOOLEAN", bool()) | ("DATE", date()) | ("TIME", time())
        ):
            return value
        case _:
            raise unknown(f"a {type(value).__name__} in a {kind} column ({field['name']})")
