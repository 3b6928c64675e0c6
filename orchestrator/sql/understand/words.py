"""The engines' words for types: how each may be written, and what sort of values it has."""

from __future__ import annotations

_TYPES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "duckdb": (
        ("integer", "TINYINT", "int1"),
        ("integer", "SMALLINT", "int2 short int16"),
        ("integer", "INTEGER", "int int4 signed integral int32"),
        ("integer", "BIGINT", "int8 long int64"),
        ("integer", "HUGEINT", "int128"),
        ("integer", "UTINYINT", "uint8"),
        ("integer", "USMALLINT", "uint16"),
        ("integer", "UINTEGER", "uint32 uint"),
        ("integer", "UBIGINT", "uint64"),
        ("integer", "UHUGEINT", "uint128"),
        ("decimal", "DECIMAL(18,3)", "decimal numeric dec"),
        ("float", "FLOAT", "real float4"),
        ("float", "DOUBLE", "float8 double_precision"),
        ("text", "VARCHAR", "text string char bpchar nvarchar"),
        ("boolean", "BOOLEAN", "bool logical"),
        ("date", "DATE", ""),
        ("timestamp", "TIMESTAMP", "datetime timestamp_without_time_zone timestamp_us"),
        ("timestamp", "TIMESTAMP_S", ""),
        ("timestamp", "TIMESTAMP_MS", ""),
        ("timestamp", "TIMESTAMP_NS", ""),
        ("timestamptz", "TIMESTAMP WITH TIME ZONE", "timestamptz"),
        ("time", "TIME", "time_without_time_zone"),
        ("time", "TIME WITH TIME ZONE", "timetz"),
        ("interval", "INTERVAL", ""),
        ("json", "JSON", ""),
        ("bytes", "BLOB", "bytea binary varbinary"),
        ("uuid", "UUID", "guid"),
    ),
    "postgres": (
        ("integer", "smallint", "int2 smallserial"),
        ("integer", "integer", "int int4 serial"),
        ("integer", "bigint", "int8 bigserial"),
        ("decimal", "numeric", "decimal dec"),
        ("float", "real", "float4"),
        ("float", "double precision", "float float8 double"),
        ("text", "text", "string"),
        ("text", "character varying", "varchar"),
        ("text", "character", "char bpchar"),
        ("text", "name", ""),
        ("text", "citext", ""),
        ("boolean", "boolean", "bool"),
        ("date", "date", ""),
        ("timestamp", "timestamp without time zone", "timestamp"),
        ("timestamptz", "timestamp with time zone", "timestamptz"),
        ("time", "time without time zone", "time"),
        ("time", "time with time zone", "timetz"),
        ("interval", "interval", ""),
        ("json", "json", ""),
        ("json", "jsonb", ""),
        ("bytes", "bytea", ""),
        ("uuid", "uuid", ""),
    ),
    "bigquery": (
        ("integer", "INT64", "int integer smallint bigint tinyint byteint"),
        ("decimal", "NUMERIC", "decimal"),
        ("decimal", "BIGNUMERIC", "bigdecimal"),
        ("float", "FLOAT64", "float double"),
        ("text", "STRING", "text varchar"),
        ("boolean", "BOOL", "boolean"),
        ("date", "DATE", ""),
        ("timestamp", "DATETIME", ""),
        ("timestamptz", "TIMESTAMP", "timestamptz"),
        ("time", "TIME", ""),
        ("interval", "INTERVAL", ""),
        ("json", "JSON", ""),
        ("bytes", "BYTES", "binary"),
    ),
}

WORDS: dict[str, dict[str, str]] = {
    engine: {
        spelling.replace("_", " ") if "_zone" in spelling or spelling == "double_precision" else spelling: word
        for _, word, others in rows
        for spelling in (word.lower(), *others.split())
    }
    for engine, rows in _TYPES.items()
}
"""By engine: every way to write a type, in lower case, and the engine's own word for it."""

FAMILIES: dict[str, dict[str, str]] = {
    engine: {word.partition("(")[0]: family for family, word, _ in rows} for engine, rows in _TYPES.items()
}
"""By engine: what sort of values its types have."""
