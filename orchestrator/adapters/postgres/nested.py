"""Nested values as JSON, as Postgres itself would write them."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def said(value: Any, kind: pa.DataType) -> str:
    r"""A value of an Arrow type as JSON text. A decimal is a number with all its digits, a map an object; NaN is null.

    >>> import pyarrow as pa
    >>> said({"price": Decimal("1.50"), "raw": b"\xff", "share": float("nan")}, pa.struct([]))
    '{"price": 1.50, "raw": "\\\\xff", "share": null}'
    >>> said([("a", 1)], pa.map_(pa.string(), pa.int64()))
    '{"a": 1}'
    """
    import pyarrow as pa

    t = pa.types
    if t.is_map(kind) and value is not None:
        return _object({_key(k): said(v, kind.item_type) for k, v in value})
    if isinstance(value, dict):
        kinds = {field.name: field.type for field in kind} if t.is_struct(kind) else {}
        return _object({k: said(v, kinds.get(k, pa.null())) for k, v in value.items()})
    if isinstance(value, list):
        inner = kind.value_type if hasattr(kind, "value_type") else pa.null()
        return f"[{', '.join(said(v, inner) for v in value)}]"
    return _plain(value)


def _object(entries: dict[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(k, ensure_ascii=False)}: {v}" for k, v in entries.items()) + "}"


def _key(value: Any) -> str:
    return value if isinstance(value, str) else _plain(value).strip('"')


def _plain(value: Any) -> str:
    match value:
        case float() if not math.isfinite(value):
            return "null"
        case None | bool() | int() | float():
            return json.dumps(value)
        case Decimal():
            return format(value, "f") if value.is_finite() else "null"
        case bytes():
            return json.dumps(f"\\x{value.hex()}")
        case datetime() | date() | time():
            return f'"{value.isoformat()}"'
        case _:
            return json.dumps(str(value), ensure_ascii=False)
