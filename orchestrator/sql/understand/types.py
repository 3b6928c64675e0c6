"""Types in the words of each engine: spelling, families, and what two of them become together.

Besides the engines' words there are some that only live inside of one expression: ``NULL``, ``'`` (a text literal, which
engines take for whatever is expected), ``#42`` (an integer literal, as wide as what stands beside it) and BigQuery's ``%`` (a literal
with a point, as exact as what stands beside it).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from orchestrator.sql.understand.words import FAMILIES, WORDS

NULL = "NULL"
TEXT = "'"
POINT = "%"

NUMBERS = frozenset({"integer", "decimal", "float"})
MOMENTS = frozenset({"date", "timestamp", "timestamptz"})

_WHOLE = {
    "duckdb": ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    "postgres": ("smallint", "integer", "bigint"),
    "bigquery": ("INT64",),
}
_DIGITS = {
    "TINYINT": 3,
    "SMALLINT": 5,
    "INTEGER": 10,
    "BIGINT": 19,
    "HUGEINT": 38,
    "UTINYINT": 3,
    "USMALLINT": 5,
    "UINTEGER": 10,
    "UBIGINT": 20,
}
_LIMITS = {"TINYINT": 2**7, "SMALLINT": 2**15, "smallint": 2**15, "INTEGER": 2**31, "integer": 2**31, "BIGINT": 2**63, "bigint": 2**63}
_DECIMAL = re.compile(r"(?:decimal|numeric)\s*\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\)", re.IGNORECASE)
_SIZE = re.compile(r"\([\d,]+\)")
_SIZED = re.compile(r"(.*?)\s*\(([\d\s,]+)\)\s*(.*)", re.DOTALL)


@lru_cache(maxsize=4096)
def canonical(written: str, engine: str) -> str:
    """The engine's word for a type as somebody wrote it; what is not known here stays as it is.

    >>> canonical("int", "duckdb"), canonical("numeric(10, 2)", "duckdb"), canonical("varchar(20)", "postgres")
    ('INTEGER', 'DECIMAL(10,2)', 'character varying(20)')
    """
    text = " ".join(written.split())
    if text.endswith("[]"):
        return canonical(text[:-2], engine) + "[]"
    words = WORDS[engine]
    word = words.get(text.lower())
    if word is not None:
        return word
    sized = _DECIMAL.fullmatch(text)
    if sized and engine != "bigquery":
        return f"{words['numeric'].partition('(')[0]}({sized[1]},{sized[2] or 0})"
    sized = _SIZED.fullmatch(text)
    if sized is None:
        return text
    word = words.get(f"{sized[1]} {sized[3]}".strip().lower())
    if word is None:
        return text
    size = re.sub(r"\s", "", sized[2])
    if engine == "duckdb":
        return word
    head, space, tail = word.partition(" with")
    return f"{head}({size}){space}{tail}"


def of_cast(data_type: Any, engine: str) -> str | None:
    """The type that a CAST names."""
    kind = data_type.this
    if not data_type.expressions and not data_type.args.get("nested"):
        return _plain(kind, engine)
    return canonical(data_type.sql(dialect=engine), engine)


@lru_cache(maxsize=1024)
def _plain(kind: Any, engine: str) -> str | None:
    from sqlglot import exp

    text = exp.DataType(this=kind).sql(dialect=engine)
    word = WORDS[engine].get(text.lower())
    return None if word is None and not isinstance(kind, exp.DType) else word or text


@lru_cache(maxsize=4096)
def family(type_: str | None, engine: str) -> str:
    """What sort of values a type has: ``integer decimal float text boolean date timestamp timestamptz time interval json bytes uuid``
    ``list struct``, ``literal`` and ``null`` for those that may become any of them, and ``other``.
    """
    if type_ is None:
        return "other"
    if type_ == TEXT:
        return "literal"
    if type_ == NULL:
        return "null"
    if type_[0] == "#":
        return "integer"
    if type_ == POINT:
        return "float"
    if type_.endswith("[]") or type_.startswith("ARRAY<"):
        return "list"
    if type_.startswith(("STRUCT", "MAP")):
        return "struct"
    found = FAMILIES[engine].get(re.sub(r"\(.*?\)", "", type_))
    return found or "other"


def settled(type_: str | None, engine: str) -> str | None:
    """A type that other queries may see: of literals, what the engine makes of them by itself."""
    if type_ is None or type_ == NULL:
        return None
    if type_ == TEXT:
        return WORDS[engine]["text"]
    if type_ == POINT:
        return WORDS[engine]["float64"]
    return of_integer(int(type_[1:]), engine) if type_[0] == "#" else type_


def of_integer(value: int, engine: str) -> str | None:
    """The type of an integer literal.

    >>> of_integer(1, "duckdb"), of_integer(10**10, "postgres")
    ('INTEGER', 'bigint')
    """
    for word in _WHOLE[engine]:
        if word.lower() not in ("tinyint", "smallint") and value <= _LIMITS.get(word, 2**63 if word == "INT64" else 2**127) - 1:
            return word
    return "numeric" if engine == "postgres" else None


def precision(type_: str) -> tuple[int, int] | None:
    """Digits of a DuckDB number as a decimal, all and behind the point; ``None`` for what is none."""
    if type_[0] == "#":
        type_ = of_integer(int(type_[1:]), "duckdb") or ""
    if type_ in _DIGITS:
        return _DIGITS[type_], 0
    sized = _DECIMAL.fullmatch(type_)
    return (int(sized[1]), int(sized[2])) if sized else None


@lru_cache(maxsize=8192)
def unify(left: str | None, right: str | None, engine: str) -> str | None:
    """What values of two types become in one column (CASE, COALESCE, UNION); ``None`` when it is not sure.

    >>> unify("INTEGER", "DECIMAL(10,2)", "duckdb"), unify("integer", "numeric(10,2)", "postgres"), unify("DATE", "'", "duckdb")
    ('DECIMAL(12,2)', 'numeric', 'DATE')
    >>> unify("VARCHAR", "INTEGER", "duckdb")
    """
    if left is None or right is None:
        return None
    if left == right:
        return left
    if NULL in (left, right):
        other = right if left == NULL else left
        return _SIZE.sub("", other) if engine == "postgres" else other
    kinds = (family(left, engine), family(right, engine))
    if "literal" in kinds:
        other = right if kinds[0] == "literal" else left
        if "other" in kinds:
            return None
        return _SIZE.sub("", other) if engine == "postgres" else other
    if kinds[0] == kinds[1] == "integer":
        return _wider(left, right, engine)
    if NUMBERS.issuperset(kinds):
        return _number(left, right, kinds, engine)
    if kinds == ("text", "text"):
        return {"duckdb": "VARCHAR", "bigquery": "STRING"}.get(engine)  # in Postgres the first one wins, wherever that is
    if MOMENTS.issuperset(kinds) and engine != "bigquery":
        return WORDS[engine]["timestamptz" if "timestamptz" in kinds else "timestamp"] if {left, right} <= _USUAL else None
    return None


_USUAL = {"DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "date", "timestamp without time zone", "timestamp with time zone"}


def _wider(left: str, right: str, engine: str) -> str | None:
    if left[0] == right[0] == "#":
        return left if int(left[1:]) >= int(right[1:]) else right
    if left[0] == "#":
        left, right = right, left
    order = _WHOLE[engine]
    if right[0] == "#":
        value = int(right[1:])
        if left in order and (engine == "duckdb" and value < _LIMITS.get(left, 2**127)):
            return left
        right = of_integer(value, engine) or ""
    if left not in order or right not in order:
        return None
    return order[max(order.index(left), order.index(right))]


def _number(left: str, right: str, kinds: tuple[str, str], engine: str) -> str | None:
    if engine == "postgres":
        return "double precision" if "double precision" in (left, right) else None if "float" in kinds else "numeric"
    if engine == "bigquery":
        if "float" in kinds and not (POINT in (left, right) and "decimal" in kinds):
            return "FLOAT64"
        return "BIGNUMERIC" if any(t.startswith("BIGNUMERIC") for t in (left, right)) else "NUMERIC"
    if "float" in kinds:
        return "DOUBLE" if "DOUBLE" in (left, right) else "FLOAT"
    one, two = precision(left), precision(right)
    if one is None or two is None:
        return None
    scale = max(one[1], two[1])
    width = max(one[0] - one[1], two[0] - two[1]) + scale
    return f"DECIMAL({width},{scale})" if width <= 38 else None


def unify_all(types: list[str | None], engine: str) -> str | None:
    """What values of several types become in one column."""
    if not types:
        return None
    found = types[0]
    for one in types[1:]:
        found = unify(found, one, engine)
    return found


def _items(inside: str) -> list[str]:
    """Split at commas that are in no brackets."""
    items, depth, start = [], 0, 0
    for at, letter in enumerate(inside):
        depth += (letter in "(<[") - (letter in ")>]")
        if letter == "," and not depth:
            items.append(inside[start:at].strip())
            start = at + 1
    return [*items, inside[start:].strip()]


@lru_cache(maxsize=4096)
def field_of(type_: str | None, name: str) -> str | None:
    """The type of a field of a struct.

    >>> field_of("STRUCT(a INTEGER, b DECIMAL(10,2))", "b"), field_of("STRUCT<x INT64>", "X")
    ('DECIMAL(10,2)', 'INT64')
    """
    if type_ is None or not type_.startswith("STRUCT") or type_[-1] not in ")>":
        return None
    for item in _items(type_[7:-1]):
        head, _, rest = item.partition(" ")
        if head.strip('"`').lower() == name.lower():
            return rest.strip() or None
    return None


def may_be_struct(type_: str | None) -> bool:
    """Whether values of a type have, or may have, fields.

    >>> may_be_struct("STRUCT(a INTEGER)"), may_be_struct("STRUCT(a INTEGER)[]"), may_be_struct(None)
    (True, False, True)
    """
    return type_ is None or (type_.startswith("STRUCT") and type_[-1] in ")>")


def fields_of(type_: str | None) -> list[tuple[str, str]]:
    """The fields of a struct; none when they cannot be told.

    >>> fields_of("STRUCT<sku STRING, n INT64>")
    [('sku', 'STRING'), ('n', 'INT64')]
    """
    if type_ is None or not type_.startswith("STRUCT") or type_[-1:] not in (")", ">"):
        return []
    items = [item.partition(" ") for item in _items(type_[7:-1])]
    return [(name, rest.strip()) for name, _, rest in items] if all(name.isidentifier() and rest for name, _, rest in items) else []


def element_of(type_: str | None) -> str | None:
    """The type of a list's items.

    >>> element_of("INTEGER[]"), element_of("ARRAY<STRING>"), element_of("DATE")
    ('INTEGER', 'STRING', None)
    """
    if type_ is None:
        return None
    if type_.endswith("[]"):
        return type_[:-2]
    return type_[6:-1] if type_.startswith("ARRAY<") else None


def list_of(type_: str | None, engine: str) -> str | None:
    """The type of a list of items of a type."""
    word = settled(type_, engine)
    if word is None:
        return None
    return f"ARRAY<{word}>" if engine == "bigquery" else f"{re.sub('[(].*[)]', '', word) if engine == 'postgres' else word}[]"
