"""What numbers and moments become when they are added, multiplied and divided: each engine in its own way."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from orchestrator.sql.understand.types import MOMENTS, NUMBERS, POINT, family, of_integer, precision, settled, unify

SIGNS: dict[type, str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.IntDiv: "//", exp.Mod: "%"}


def arithmetic(e: Any, left: str | None, right: str | None, engine: str) -> str | None:
    """The type of ``left + right`` and the like; ``None`` when it is not sure.

    >>> from sqlglot import parse_one
    >>> arithmetic(parse_one("a * b"), "DECIMAL(10,2)", "INTEGER", "duckdb"), arithmetic(parse_one("a / b"), "integer", "#2", "postgres")
    ('DECIMAL(18,2)', 'integer')
    """
    if left is None or right is None:
        return None
    sign = SIGNS[type(e)]
    kinds = family(left, engine), family(right, engine)
    if NUMBERS.issuperset(kinds):
        return {"duckdb": _duckdb, "postgres": _postgres, "bigquery": _bigquery}[engine](sign, left, right, kinds, e)
    return _moments(sign, left, right, kinds, engine) if sign in "+-" else None


def _integers(sign: str, left: str, right: str, engine: str) -> str | None:
    if left[0] == right[0] == "#":  # the engine computes with both as they are
        left, right = settled(left, engine) or "", settled(right, engine) or ""
    elif engine == "postgres":
        left, right = (settled(t, engine) or "" for t in (left, right))
    del sign
    return unify(left, right, engine)


def _duckdb(sign: str, left: str, right: str, kinds: tuple[str, str], _e: Any) -> str | None:
    if sign == "/":
        return "FLOAT" if "FLOAT" in (left, right) and "DOUBLE" not in (left, right) else "DOUBLE"
    if kinds == ("integer", "integer"):
        return _integers(sign, left, right, "duckdb")
    if sign == "//":
        return None
    if "float" in kinds:
        return "DOUBLE" if "DOUBLE" in (left, right) else "FLOAT"
    one, two = precision(left), precision(right)
    if one is None or two is None:
        return None
    if sign == "*":
        width, scale = one[0] + two[0], one[1] + two[1]
        narrow = max(one[0], two[0]) <= 18
        return f"DECIMAL({min(width, 18 if narrow else 38)},{scale})" if scale <= (18 if narrow and width > 18 else 38) else None
    if sign == "%":
        return unify(left, right, "duckdb")
    scale = max(one[1], two[1])
    return f"DECIMAL({min(max(one[0] - one[1], two[0] - two[1]) + scale + 1, 38)},{scale})"


def _postgres(sign: str, left: str, right: str, kinds: tuple[str, str], _e: Any) -> str | None:
    if kinds == ("integer", "integer"):
        return _integers(sign, left, right, "postgres")
    if "float" in kinds:
        return "real" if left == right == "real" else "double precision"
    return "numeric"


def _bigquery(sign: str, left: str, right: str, kinds: tuple[str, str], _e: Any) -> str | None:
    if "decimal" in kinds:
        if "float" in kinds and POINT not in (left, right):
            return "FLOAT64"
        return "BIGNUMERIC" if "BIGNUMERIC" in left + right else "NUMERIC"
    if sign == "/" or "float" in kinds:
        return "FLOAT64"
    return "INT64"


def _moments(sign: str, left: str, right: str, kinds: tuple[str, str], engine: str) -> str | None:
    if engine == "bigquery":
        if kinds == ("date", "integer"):
            return "DATE"
        return "INTERVAL" if sign == "-" and kinds[0] == kinds[1] and kinds[0] in MOMENTS else None
    interval = "interval" if engine == "postgres" else "INTERVAL"
    plain = "timestamp without time zone" if engine == "postgres" else "TIMESTAMP"
    match kinds:
        case ("date", "integer"):
            return left
        case ("integer", "date") if sign == "+":
            return right
        case ("date", "date") if sign == "-":
            return "integer" if engine == "postgres" else "BIGINT"
        case ("date", "interval"):
            return plain
        case ("interval", "date") if sign == "+":
            return plain
        case (("timestamp" | "timestamptz"), "interval"):
            return left if left.startswith(("TIMESTAMP WITH", "timestamp")) or left == "TIMESTAMP" else None
        case ("interval", ("timestamp" | "timestamptz")) if sign == "+":
            return right if right.startswith(("TIMESTAMP WITH", "timestamp")) or right == "TIMESTAMP" else None
        case (("timestamp" | "timestamptz" | "date"), ("timestamp" | "timestamptz" | "date")) if sign == "-":
            return interval
        case ("interval", "interval"):
            return interval
        case _:
            return None


def summed(type_: str | None, engine: str) -> str | None:
    """The type of ``sum(…)``.

    >>> summed("INTEGER", "duckdb"), summed("integer", "postgres"), summed("bigint", "postgres"), summed("DECIMAL(10,2)", "duckdb")
    ('HUGEINT', 'bigint', 'numeric', 'DECIMAL(38,2)')
    """
    type_ = settled(type_, engine)
    kind = family(type_, engine)
    if type_ is None:
        return None
    if engine == "duckdb":
        if kind == "decimal":
            size = precision(type_)
            return f"DECIMAL(38,{size[1]})" if size else None
        return {"integer": "HUGEINT", "boolean": "HUGEINT", "float": "DOUBLE"}.get(kind)
    if engine == "postgres":
        if kind == "integer":
            return "numeric" if type_ == "bigint" else "bigint"
        return "numeric" if kind == "decimal" else type_ if kind in ("float", "interval") else None
    return type_.partition("(")[0] if kind in NUMBERS else None


def averaged(type_: str | None, engine: str) -> str | None:
    """The type of ``avg(…)``, where it is a number's."""
    kind = family(type_, engine)
    if kind not in NUMBERS or type_ is None:
        return None
    if engine == "duckdb":
        return "DOUBLE"
    if engine == "postgres":
        return "double precision" if kind == "float" else "numeric"
    return type_.partition("(")[0] if kind == "decimal" else "FLOAT64"


def rounded(e: Any, type_: str | None, digits: Any, engine: str) -> str | None:
    """The type of ``round(…)``; ``digits`` is the second argument's expression, if there is one."""
    kind = family(type_, engine)
    if type_ is None or kind not in NUMBERS:
        return None
    del e
    if engine == "bigquery":
        return type_.partition("(")[0] if kind == "decimal" else "FLOAT64"
    if engine == "postgres":
        return (
            "numeric"
            if kind == "decimal" or (kind == "integer" and digits is not None)
            else "double precision"
            if kind != "float" or digits is None
            else None
        )
    if kind != "decimal":
        return of_integer(int(type_[1:]), engine) if type_[0] == "#" else type_
    size = precision(type_)
    if size is None:
        return None
    if digits is None:
        return f"DECIMAL({size[0]},0)"
    if isinstance(digits, exp.Literal) and digits.name.isdigit():
        return f"DECIMAL({size[0]},{min(int(digits.name), size[1])})"
    return None


def number(text: str, engine: str) -> str | None:
    """The type of a number as it is written."""
    digits = text.replace("_", "")
    if digits.isdigit():
        return "#" + digits
    if engine == "bigquery":
        return POINT
    whole, point, rest = digits.partition(".")
    if not point or not (whole + rest).isdigit():
        return {"duckdb": "DOUBLE", "postgres": "numeric"}[engine]
    if engine == "postgres":
        return "numeric"
    width = len(whole) + len(rest)  # zeros in front count, too
    return f"DECIMAL({width},{len(rest)})" if width <= 38 else "DOUBLE"
