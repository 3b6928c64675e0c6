"""One type map, Arrow ↔ BigQuery.

A *field* is a column as the REST API describes it: a mapping with ``name``, ``type``, ``mode``, ``fields``.

=====================================  ==============================  ==========================
Arrow                                  BigQuery                        and back as Arrow
=====================================  ==============================  ==========================
integers up to 64 bits                 INT64                           int64
uint64                                 NUMERIC                         decimal128(38, 9)
half, float, double                    FLOAT64                         double
decimals that fit 29 + 9 digits        NUMERIC                         decimal128(38, 9)
other decimals                         BIGNUMERIC                      decimal256(76, 38)
bool                                   BOOL                            bool
texts, dictionaries of them, nulls     STRING                          string
bytes of any kind                      BYTES                           binary
dates                                  DATE                            date32
times                                  TIME                            time64[us]
timestamp without zone                 DATETIME                        timestamp[us]
timestamp with zone                    TIMESTAMP                       timestamp[us, UTC]
lists                                  ARRAY (null becomes empty)      list
structs; maps as lists of pairs        STRUCT                          struct
(nothing)                              JSON, GEOGRAPHY, INTERVAL       string
=====================================  ==============================  ==========================

Fractions of a second finer than a microsecond are cut off.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.core.errors import ExecuteError, Problem, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

Field = Mapping[str, Any]

NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
"""The API's old names of types, in the words of SQL."""

LONGEST_COLUMN = 300
_FORBIDDEN = frozenset('!"$()*,./;?@[\\]^`{}~')
_RESERVED = ("_TABLE_", "_FILE_", "_PARTITION", "_ROW_TIMESTAMP", "__ROOT__", "_COLIDENTIFIER")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def sql_type(field: Field) -> str:
    """A column's type as SQL writes it, and as the information schema says it.

    >>> sql_type({"name": "x", "type": "RECORD", "mode": "REPEATED", "fields": [{"name": "a", "type": "INTEGER"}]})
    'ARRAY<STRUCT<a INT64>>'
    """
    kind = NAMES.get(str(field["type"]).upper(), str(field["type"]).upper())
    if kind == "STRUCT":
        kind = f"STRUCT<{', '.join(f'{_shown(f)} {sql_type(f)}' for f in field.get('fields', ()))}>"
    elif kind == "RANGE":
        kind = f"RANGE<{(field.get('rangeElementType') or {}).get('type', 'DATE')}>"
    elif field.get("precision"):
        scale = field.get("scale")
        kind = f"{kind}({field['precision']}{f', {scale}' if scale else ''})"
    elif field.get("maxLength"):
        kind = f"{kind}({field['maxLength']})"
    return f"ARRAY<{kind}>" if field.get("mode") == "REPEATED" else kind


def arrow_schema(fields: Iterable[Field]) -> pa.Schema:
    """The Arrow schema of what a query answers."""
    import pyarrow as pa

    return pa.schema([pa.field(str(f["name"]), arrow_type(f)) for f in fields])


def arrow_type(field: Field) -> pa.DataType:
    """The Arrow type of a column."""
    import pyarrow as pa

    kind = NAMES.get(str(field["type"]).upper(), str(field["type"]).upper())
    found = _arrow_types().get(kind)
    if kind == "STRUCT":
        found = pa.struct([pa.field(str(f["name"]), arrow_type(f)) for f in field.get("fields", ())])
    elif kind == "RANGE":
        inner = _arrow_types()[str((field.get("rangeElementType") or {}).get("type", "DATE"))]
        found = pa.struct([("start", inner), ("end", inner)])
    found = pa.string() if found is None else found
    return pa.list_(found) if field.get("mode") == "REPEATED" else found


def fields_of(schema: pa.Schema) -> list[dict[str, Any]]:
    """The columns that a table for Arrow data has. Raises ``ExecuteError`` (X112) for what no table can hold."""
    checked_names(schema.names)
    return [_field(f.name, f.type) for f in schema]


def storable(schema: pa.Schema) -> pa.Schema:
    """The schema to cast batches to before they are written as Parquet, so that BigQuery reads them as :func:`fields_of` says."""
    import pyarrow as pa

    return pa.schema([pa.field(f.name, _storable(f.type)) for f in schema])


def checked_names(names: Sequence[str]) -> None:
    """Raise ``ExecuteError`` (X112) for names that columns cannot have."""
    folded: dict[str, str] = {}
    for name in names:
        if name.casefold() in folded:
            message = f"two columns are named `{name}` (the engine does not tell `{folded[name.casefold()]}` from `{name}`)"
            raise ExecuteError(Problem("X112", message if folded[name.casefold()] != name else f"two columns are named `{name}`"))
        folded[name.casefold()] = name
        if "\x00" in name:
            raise ExecuteError(Problem("X112", f"`{name!r}` cannot name a column"))
        bad = sorted(set(name) & _FORBIDDEN)
        if not name:
            raise ExecuteError(Problem("X112", "a column of the data has no name"))
        if bad:
            raise ExecuteError(Problem("X112", f"BigQuery allows no `{bad[0]}` in the name of column `{name}`"))
        if len(name) > LONGEST_COLUMN or name.upper().startswith(_RESERVED):
            raise ExecuteError(Problem("X112", f"BigQuery has no column `{name}`: the name is too long, or begins like one of its own"))
    if not folded:
        raise ExecuteError(Problem("X112", "the data has no columns, so it cannot become a table"))


def wanted_types(names: Sequence[str], types: Mapping[str, str]) -> dict[str, str]:
    """The types asked for, by the columns' own spelling. Raises ``ExecuteError`` (X112) for a column that is not there."""
    spelled = {name.casefold(): name for name in names}
    for name in types:
        if name.casefold() not in spelled:
            hint = did_you_mean(name, names)
            raise ExecuteError(Problem("X112", f"a type is given for `{name}`, which is not a column of the data", hint=hint))
    return {spelled[name.casefold()]: type_ for name, type_ in types.items()}


def _field(name: str, kind: pa.DataType) -> dict[str, Any]:
    import pyarrow as pa

    stored = _storable(kind)
    if pa.types.is_list(stored):
        inner = _field(name, stored.value_type)
        if inner["mode"] == "REPEATED":
            raise ExecuteError(
                Problem("X112", f"column `{name}` is a list of lists, which BigQuery cannot hold", hint="put a struct between")
            )
        return {**inner, "mode": "REPEATED"}
    found: dict[str, Any] = {"name": name, "type": _word(name, stored), "mode": "NULLABLE"}
    if pa.types.is_struct(stored):
        if not stored.num_fields:
            raise ExecuteError(Problem("X112", f"column `{name}` is a struct without fields, which BigQuery cannot hold"))
        checked_names([stored.field(i).name for i in range(stored.num_fields)])
        found["fields"] = [_field(stored.field(i).name, stored.field(i).type) for i in range(stored.num_fields)]
    return found


def _word(name: str, kind: pa.DataType) -> str:
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return "NUMERIC" if kind.scale <= 9 and kind.precision - kind.scale <= 29 else "BIGNUMERIC"
    tests = (
        (pa.types.is_boolean, "BOOLEAN"),
        (pa.types.is_integer, "INTEGER"),
        (pa.types.is_floating, "FLOAT"),
        (pa.types.is_string, "STRING"),
        (pa.types.is_binary, "BYTES"),
        (pa.types.is_date, "DATE"),
        (pa.types.is_time, "TIME"),
        (pa.types.is_struct, "RECORD"),
    )
    if pa.types.is_timestamp(kind):
        return "DATETIME" if kind.tz is None else "TIMESTAMP"
    for test, word in tests:
        if test(kind):
            return word
    raise ExecuteError(Problem("X112", f"column `{name}` is of type {kind}, which BigQuery cannot hold", hint="make it a number or a text"))


def _storable(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    is_, tz = pa.types, getattr(kind, "tz", None)
    if isinstance(kind, pa.BaseExtensionType):
        return _storable(kind.storage_type)
    if is_.is_dictionary(kind):
        return _storable(kind.value_type)
    if is_.is_uint64(kind):
        return pa.decimal128(20, 0)
    if is_.is_integer(kind):
        return pa.int64()
    if is_.is_floating(kind):
        return pa.float64()
    if is_.is_decimal(kind):
        precision, scale = (kind.precision - kind.scale, 0) if kind.scale < 0 else (kind.precision, kind.scale)
        return pa.decimal128(precision, scale) if precision <= 38 else pa.decimal256(precision, scale)
    if is_.is_timestamp(kind):
        return pa.timestamp("us", None if tz is None else "UTC")
    if is_.is_date(kind):
        return pa.date32()
    if is_.is_time(kind):
        return pa.time64("us")
    if is_.is_null(kind) or is_.is_large_string(kind) or is_.is_string(kind) or is_.is_string_view(kind):
        return pa.string()
    if is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_fixed_size_binary(kind) or is_.is_binary_view(kind):
        return pa.binary()
    if is_.is_map(kind):
        return pa.list_(pa.struct([("key", _storable(kind.key_type)), ("value", _storable(kind.item_type))]))
    if is_.is_list(kind) or is_.is_large_list(kind) or is_.is_fixed_size_list(kind):
        return pa.list_(_storable(kind.value_type))
    if is_.is_struct(kind):
        return pa.struct([pa.field(kind.field(i).name, _storable(kind.field(i).type)) for i in range(kind.num_fields)])
    return kind


def _arrow_types() -> dict[str, pa.DataType]:
    import pyarrow as pa

    return {
        "INT64": pa.int64(),
        "FLOAT64": pa.float64(),
        "BOOL": pa.bool_(),
        "NUMERIC": pa.decimal128(38, 9),
        "BIGNUMERIC": pa.decimal256(76, 38),
        "BYTES": pa.binary(),
        "DATE": pa.date32(),
        "TIME": pa.time64("us"),
        "DATETIME": pa.timestamp("us"),
        "TIMESTAMP": pa.timestamp("us", "UTC"),
    }


def _shown(field: Field) -> str:
    name = str(field["name"])
    return name if _PLAIN.fullmatch(name) else f"`{name}`"
