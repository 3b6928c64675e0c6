# ruff: noqa: ARG001, ARG005 - the rules of a table have one signature
"""The type of an expression from the types of its parts: only where the engine is sure to agree."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlglot import exp

from orchestrator.sql.understand.arithmetic import SIGNS, arithmetic, averaged, rounded, summed
from orchestrator.sql.understand.scope import Context
from orchestrator.sql.understand.types import NUMBERS, element_of, family, list_of, settled, unify_all
from orchestrator.sql.understand.verdicts import judge
from orchestrator.sql.understand.words import WORDS

Types = dict[str, Any]
Rule = Callable[[str, Any, Types], str | None]


def result(ctx: Context, e: Any, types: Types) -> str | None:
    """The type of an expression whose arguments have these types; ``None`` when it is not sure."""
    judge(ctx, e, types)
    rule = _RULES.get(type(e))
    if rule is None:
        return None
    return rule(ctx.engine.name, e, types)


def _word(name: str) -> Rule:
    """Always the same type, whatever the arguments; ``name`` as a type is commonly written."""
    return lambda engine, e, t: WORDS[engine].get(name)


def _each(duckdb: str | None, postgres: str | None, bigquery: str | None) -> Rule:
    known = {"duckdb": duckdb, "postgres": postgres, "bigquery": bigquery}
    return lambda engine, e, t: known[engine]


def bare(type_: str | None, engine: str) -> str | None:
    """Postgres's functions forget the lengths and digits that columns were declared with."""
    if type_ is None or engine == "duckdb":
        return type_
    return re.sub(r"\([\d,]+\)", "", type_)


def _same(engine: str, e: Any, t: Types) -> str | None:
    if e.args.get("expressions") or e.args.get("count"):  # max(x, 3) is a list
        return None
    return bare(settled(t.get("this"), engine), engine)


def _largest(engine: str, e: Any, t: Types) -> str | None:
    """min, max: what Postgres compares as text it gives back as text."""
    found = _same(engine, e, t) if e.args.get("expression") is None else None
    if found in ("character", "name", "citext"):
        return None
    return "text" if engine == "postgres" and family(found, engine) == "text" else found


def _neighbour(engine: str, e: Any, t: Types) -> str | None:
    default = t.get("default")
    this = bare(settled(t.get("this"), engine), engine)
    return this if (default is None and e.args.get("default") is None) or engine == "duckdb" or default in ("NULL", this) else None


def _together(engine: str, e: Any, t: Types) -> str | None:
    return unify_all([t.get("this"), *(t.get("expressions") or [])], engine)


def _nullif(engine: str, e: Any, t: Types) -> str | None:
    this = settled(t.get("this"), engine)
    kind = family(this, engine)
    if engine == "postgres" and kind == "text":
        return "text"
    return this if engine == "duckdb" or kind in ("integer", "float", "decimal", "date") else None


def _negated(engine: str, e: Any, t: Types) -> str | None:
    this = t.get("this")
    return bare(this, engine) if family(this, engine) in NUMBERS | {"interval"} else None


def _texts(engine: str, e: Any, t: Types) -> str | None:
    """Functions of texts; BigQuery's work on bytes, too."""
    this = t.get("this")
    if engine == "bigquery" and family(this, engine) not in ("text", "literal"):
        return None
    return None if family(this, engine) in ("bytes", "list", "json") else WORDS[engine]["text"]


def _joined(engine: str, e: Any, t: Types) -> str | None:
    """``||`` and ``concat``: of lists it is a list, of bytes it is bytes, of NULL alone it is nothing."""
    parts = [t.get(k) for k in ("this", "expression") if e.args.get(k) is not None] + (t.get("expressions") or [])
    kinds = {family(p, engine) for p in parts}
    return WORDS[engine]["text"] if kinds <= _WRITABLE and kinds & {"text", "literal"} else None


_WRITABLE = NUMBERS | {"text", "literal", "boolean", "date", "timestamp", "timestamptz", "uuid", "time", "interval"}


def _round(engine: str, e: Any, t: Types) -> str | None:
    return rounded(e, t.get("this"), e.args.get("decimals"), engine)


def _floor(engine: str, e: Any, t: Types) -> str | None:
    kind = family(t.get("this"), engine)
    if engine == "duckdb":
        return "DOUBLE" if t.get("this") == "DOUBLE" else None
    if engine == "postgres":
        return {"decimal": "numeric", "float": "double precision", "integer": "double precision"}.get(kind)
    return {"decimal": bare(t.get("this"), engine), "float": "FLOAT64", "integer": "FLOAT64"}.get(kind)


def _real(engine: str, e: Any, t: Types) -> str | None:
    """Roots, logarithms, powers."""
    kinds = {family(v, engine) for k, v in t.items() if k in ("this", "expression") and not isinstance(v, list)}
    if engine == "duckdb":
        return "DOUBLE"
    if not kinds <= {"integer", "float"}:
        return None
    return "double precision" if engine == "postgres" else "FLOAT64"


def _deviation(engine: str, e: Any, t: Types) -> str | None:
    kind = family(t.get("this"), engine)
    if engine == "duckdb":
        return "DOUBLE"
    if engine == "postgres":
        return {"integer": "numeric", "decimal": "numeric", "float": "double precision"}.get(kind)
    return "FLOAT64" if kind in ("integer", "float") else None


def _median(engine: str, e: Any, t: Types) -> str | None:
    kind = family(t.get("this"), engine)
    return "DOUBLE" if engine == "duckdb" and kind in ("integer", "float") and t["this"] != "FLOAT" else None


def _extract(engine: str, e: Any, t: Types) -> str | None:
    part = str(e.this.name).lower()
    if engine == "postgres":
        return None  # extract is numeric, date_part is double precision, and both look alike here
    if engine == "bigquery":
        return {"date": "DATE", "time": "TIME", "datetime": "DATETIME"}.get(part, "INT64")
    return "DOUBLE" if part in ("epoch", "julian") else "BIGINT" if part in _PARTS else None


_PARTS = frozenset(
    [
        "year",
        "month",
        "day",
        "hour",
        "minute",
        "second",
        "millisecond",
        "milliseconds",
        "microsecond",
        "microseconds",
        "quarter",
        "week",
        "dow",
        "isodow",
        "doy",
        "isoyear",
        "decade",
        "century",
        "millennium",
        "weekday",
        "dayofweek",
        "dayofyear",
        "weekofyear",
        "yearweek",
    ]
)


def _truncated(engine: str, e: Any, t: Types) -> str | None:
    this = t.get("this")
    kind = family(this, engine)
    if engine == "bigquery":
        return this if kind in ("date", "timestamp", "timestamptz") else None
    if kind == "date":
        return "timestamp with time zone" if engine == "postgres" else None  # DuckDB's answer depends on its version
    return this if kind == "timestamptz" or this in ("TIMESTAMP", "timestamp without time zone") else None


def _shifted(engine: str, e: Any, t: Types) -> str | None:
    if engine != "bigquery":
        return None
    return t.get("this") if family(t.get("this"), engine) in ("date", "timestamp", "timestamptz") else None


def _item(engine: str, e: Any, t: Types) -> str | None:
    if len(e.expressions) != 1 or isinstance(e.expressions[0], exp.Slice):
        return None
    return element_of(t.get("this"))


def _pieces(engine: str, e: Any, t: Types) -> str | None:
    return list_of("'", engine) if engine != "bigquery" or family(t.get("this"), engine) == "text" else None


def _found(engine: str, e: Any, t: Types) -> str | None:
    return WORDS[engine]["text"] if engine == "duckdb" or family(t.get("this"), engine) == "text" else None


def _ratio(engine: str, e: Any, t: Types) -> str | None:
    return "FLOAT64" if {family(t.get(k), engine) for k in ("this", "expression")} <= {"integer", "float"} else None


def _zone(engine: str, e: Any, t: Types) -> str | None:
    kind = family(t.get("this"), engine)
    return WORDS[engine].get({"timestamp": "timestamptz", "timestamptz": "timestamp"}.get(kind, "")) if engine != "bigquery" else None


def _parsed(engine: str, e: Any, t: Types) -> str | None:
    """Strptime and to_timestamp: with a zone in the format DuckDB's is another type."""
    text = e.args.get("format")
    if engine == "duckdb":
        return "TIMESTAMP" if isinstance(text, exp.Literal) and "%z" not in text.name.lower() else None
    return "timestamp with time zone" if engine == "postgres" else None


def _json_text(engine: str, e: Any, t: Types) -> str | None:
    return WORDS[engine]["text"]


def _json(engine: str, e: Any, t: Types) -> str | None:
    this = t.get("this")
    if engine == "duckdb":
        return "JSON" if family(this, engine) in ("json", "text") else None
    return this if family(this, engine) == "json" else None


_ANONYMOUS = {
    "duckdb": {
        "now": "TIMESTAMP WITH TIME ZONE",
        "strlen": "BIGINT",
        "format": "VARCHAR",
        "printf": "VARCHAR",
        "pi": "DOUBLE",
        "hash": "UBIGINT",
    },
    "postgres": {"pg_typeof": "regtype", "random": "double precision", "jsonb_build_object": "jsonb", "json_build_object": "json"},
    "bigquery": {"session_user": "STRING"},
}


def _anonymous(engine: str, e: Any, t: Types) -> str | None:
    word = str(e.name).lower()
    if engine == "duckdb" and word == "date_part" and e.expressions and isinstance(e.expressions[0], exp.Literal):
        part = e.expressions[0].name.lower()
        return "BIGINT" if part in _PARTS else "DOUBLE" if part == "epoch" else None
    return _ANONYMOUS[engine].get(word)


def _sum(engine: str, e: Any, t: Types) -> str | None:
    return summed(t.get("this"), engine)


def _avg(engine: str, e: Any, t: Types) -> str | None:
    return averaged(t.get("this"), engine)


def _operator(engine: str, e: Any, t: Types) -> str | None:
    return arithmetic(e, t.get("this"), t.get("expression"), engine)


def _bits(engine: str, e: Any, t: Types) -> str | None:
    found = unify_all([t.get("this"), t.get("expression")], engine)
    return settled(found, engine) if family(found, engine) == "integer" else None


_BOOLEANS = (
    "EQ NEQ GT GTE LT LTE NullSafeEQ NullSafeNEQ Is Like ILike SimilarTo In Between Exists And Or Not Xor RegexpLike RegexpILike "
    "StartsWith EndsWith Contains IsNan IsInf LogicalOr LogicalAnd ArrayContains ArrayContainsAll ArrayOverlaps"
)
_TEXTS = "Upper Lower Trim Substring Replace Left Right Pad Reverse Initcap RegexpReplace Repeat Translate SplitPart Stuff"
_SPELT = "GroupConcat TimeToStr ToChar Chr Dayname Monthname ConcatWs"
_WHOLE = "Year Month Day Hour Minute Second Quarter Week DayOfMonth DayOfWeek DayOfYear DayOfWeekIso WeekOfYear"
_REALS = "Sqrt Ln Log Exp Pow Cbrt Sin Cos Tan Asin Acos Atan Atan2 Degrees Radians"
_DEVIATIONS = "Stddev StddevSamp StddevPop Variance VariancePop"


def _rules() -> dict[type, Rule]:
    named: dict[str, Rule] = {}
    for names, rule in (
        (_BOOLEANS, _word("boolean")),
        (_TEXTS, _texts),
        (_SPELT, _word("text")),
        (_WHOLE, _each("BIGINT", None, "INT64")),
        (_REALS, _real),
        (_DEVIATIONS, _deviation),
        ("Min Max", _largest),
        ("AnyValue First Last Mode FirstValue LastValue NthValue", _same),
        ("Lag Lead", _neighbour),
        ("Coalesce Greatest Least", _together),
        ("Nullif", _nullif),
        ("Neg Abs", _negated),
        ("DPipe Concat", _joined),
        ("Round", _round),
        ("Floor Ceil", _floor),
        ("Sum", _sum),
        ("Avg", _avg),
        ("Explode BitwiseNot", lambda engine, e, t: t.get("this")),
        ("StrPosition", _each("BIGINT", "integer", "INT64")),
        ("SafeDivide", _ratio),
        ("Split", _pieces),
        ("ArraySize UnixSeconds UnixMillis UnixMicros FarmFingerprint", _each(None, None, "INT64")),
        ("JSONFormat", _each(None, None, "STRING")),
        ("RegexpExtract", _found),
        ("Date", _word("date")),
        ("CurrentUser Typeof", _each("VARCHAR", None, None)),
        ("Anonymous", _anonymous),
        ("Count ApproxDistinct", _each("BIGINT", "bigint", "INT64")),
        ("CountIf", _each("HUGEINT", None, "INT64")),
        ("RowNumber Rank DenseRank", _each("BIGINT", "bigint", "INT64")),
        ("Ntile", _each("BIGINT", "integer", "INT64")),
        ("PercentRank CumeDist", _each("DOUBLE", "double precision", "FLOAT64")),
        ("Corr CovarPop CovarSamp", _each("DOUBLE", "double precision", "FLOAT64")),
        ("Median", _median),
        ("Length", _each("BIGINT", "integer", "INT64")),
        ("CurrentDate", _word("date")),
        ("CurrentTimestamp", _word("timestamptz")),
        ("CurrentDatetime", _each(None, None, "DATETIME")),
        ("Localtimestamp", _word("timestamp")),
        ("Extract", _extract),
        ("DateTrunc TimestampTrunc DatetimeTrunc", _truncated),
        ("DateAdd DateSub DatetimeAdd DatetimeSub TimestampAdd TimestampSub", _shifted),
        ("DateDiff", _each("BIGINT", None, "INT64")),
        ("TimestampDiff DatetimeDiff", _each(None, None, "INT64")),
        ("LastDay DateFromParts StrToDate", _word("date")),
        ("StrToTime", _parsed),
        ("Bracket", _item),
        ("AtTimeZone", _zone),
        ("JSONExtractScalar JSONBExtractScalar", _json_text),
        ("JSONExtract JSONBExtract", _json),
        ("Boolean", _word("boolean")),
        ("BitwiseAnd BitwiseOr BitwiseXor", _bits),
        ("Rand", _each("DOUBLE", "double precision", "FLOAT64")),
        ("Uuid", _each("UUID", "uuid", "STRING")),
        ("MD5", _each("VARCHAR", "text", None)),
    ):
        named |= dict.fromkeys(names.split(), rule)
    rules: dict[type, Rule] = {getattr(exp, name): rule for name, rule in named.items() if hasattr(exp, name)}
    rules |= dict.fromkeys(SIGNS, _operator)
    rules[exp.ArrayAgg] = lambda engine, e, t: list_of(t.get("this"), engine)
    if hasattr(exp, "List"):
        rules[exp.List] = lambda engine, e, t: list_of(unify_all(t.get("expressions") or [None], engine), engine)
    return rules


_RULES = _rules()
