"""Identifiers and literals as GoogleSQL writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import ClassVar

from orchestrator.adapters.ansi import AnsiDialect
from orchestrator.adapters.bigquery.layout import quoted

_ESCAPES = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\x00": "\\x00"}
_NUMERIC_DIGITS, _NUMERIC_SCALE = 29, 9


class GoogleWords(AnsiDialect):
    """How the smallest parts of a statement are written."""

    quote_char = "`"
    roughly_from: int | None = 0  # few values are counted as they are
    double: ClassVar[str] = "FLOAT64"

    def row_digest(self, values: Sequence[str]) -> str:
        """A whole number of 64 bits for the values of a row, nulls included: of the row as JSON.

        >>> GoogleWords().row_digest(["a", "b"])
        'farm_fingerprint(to_json_string(struct(a as v1, b as v2)))'
        """
        named = ", ".join(f"{value} as v{number}" for number, value in enumerate(values, 1))
        return f"farm_fingerprint(to_json_string(struct({named})))" if values else "0"

    def digest_sum(self, digest: str) -> str:
        """The sum of the digests of all rows, as text; an INT64 has no room for it."""
        return f"cast(sum(cast({digest} as bignumeric)) as string)"

    def distinct(self, expression: str) -> str:
        """How many different values there are, roughly."""
        return f"approx_count_distinct({expression})"

    def meeting_type(self, before: str, after: str) -> str | None:
        """A type that holds every value of both types exactly.

        >>> GoogleWords().meeting_type("INT64", "NUMERIC(10, 2)"), GoogleWords().meeting_type("STRING(5)", "STRING(9)")
        ('BIGNUMERIC', 'STRING')
        """
        kinds = {self.value_kind(before), self.value_kind(after)}
        if "exact" in kinds and kinds <= {"whole", "exact"}:
            return "BIGNUMERIC"
        if kinds == {"moment"} and {before.upper(), after.upper()} == {"DATE", "TIMESTAMP"}:
            return None  # a TIMESTAMP has a zone here
        return "STRING" if kinds == {"text"} else super().meeting_type(before, after)

    def in_steps(self, steps: Sequence[tuple[str, str]], final: str) -> str:
        """A script with temporary tables: what is named in a query would be worked out, and paid for, at every mention."""
        made = "".join(f"create temp table {name} as\n{query};\n" for name, query in steps)
        return f"{made}{final}"

    def quote(self, identifier: str) -> str:
        r"""One identifier, quoted.

        >>> GoogleWords().quote("a`b")
        '`a\\`b`'
        """
        return quoted(identifier)

    def literal(self, value: object) -> str:
        """A Python value as a SQL literal. Raises ``TypeError`` for a type that has none.

        >>> GoogleWords().literal(Decimal("1.10")), GoogleWords().literal(Decimal("0.0123456789"))
        ("numeric '1.10'", "bignumeric '0.0123456789'")
        """
        if isinstance(value, Decimal):
            if not value.is_finite():
                raise TypeError(f"no decimal of BigQuery is {value}")
            return f"{decimal_type(value)} '{value:f}'"
        if isinstance(value, float) and not math.isfinite(value):
            return f"cast('{value}' as float64)"
        if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
            return f"bignumeric '{value}'"
        return super().literal(value)

    def comparable(self, expression: str, type_: str) -> str:
        """An expression of a type as one that rows can be grouped and ordered by: itself, or its text where the type has no such order.

        >>> GoogleWords().comparable("x", "ARRAY<STRING>"), GoogleWords().comparable("x", "NUMERIC(10, 2)")
        ('if(x is null, null, to_json_string(x))', 'x')
        """
        kind = type_.upper()
        if kind.startswith(("ARRAY", "STRUCT", "JSON")):
            return f"if({expression} is null, null, to_json_string({expression}))"
        return f"st_astext({expression})" if kind == "GEOGRAPHY" else expression

    def surplus(self, left: str, right: str, columns: Sequence[str]) -> str:
        """A query for the rows of ``left`` that ``right`` lacks, as often as it lacks them: counted, where the standard has EXCEPT ALL.

        >>> print(GoogleWords().surplus("a", "b", ["x", "y"]))
        select * except (orc_times) from (
        select * except (orc_side), sum(orc_side) as orc_times from (
        select x, y, 1 as orc_side from a union all select x, y, -1 from b
        ) group by all
        ), unnest(generate_array(1, orc_times))
        """
        listed = ", ".join(columns)
        return (
            "select * except (orc_times) from (\nselect * except (orc_side), sum(orc_side) as orc_times from (\n"
            f"select {listed}, 1 as orc_side from {left} union all select {listed}, -1 from {right}\n"
            ") group by all\n), unnest(generate_array(1, orc_times))"
        )

    def cast(self, value: object, type_: str) -> str:
        """A Python value as an expression of a column type; a JSON column's is parsed, for no cast leads there.

        >>> GoogleWords().cast("[1]", "JSON"), GoogleWords().cast(None, "JSON"), GoogleWords().cast(1, "FLOAT64")
        ("parse_json('[1]')", 'cast(null as JSON)', 'cast(1 as FLOAT64)')
        """
        if type_.upper() == "JSON" and value is not None:
            return f"parse_json({self.literal(value if isinstance(value, str) else json.dumps(value))})"
        return super().cast(value, type_)

    def moment(self, value: object) -> str:
        """A date, time, timestamp or interval literal. Raises ``TypeError`` for anything else.

        >>> GoogleWords().moment(timedelta(days=1, microseconds=-1)), GoogleWords().moment(datetime(2013, 1, 31, tzinfo=UTC))
        ("interval '23:59:59.999999' hour to second", "timestamp '2013-01-31 00:00:00+00:00'")
        """
        match value:
            case datetime():
                if value.tzinfo is None:
                    return f"datetime '{value.isoformat(' ')}'"
                return f"timestamp '{value.astimezone(UTC).isoformat(' ')}'"
            case date() | time():
                return super().moment(value)
            case timedelta():
                micros = abs(value // timedelta(microseconds=1))
                sign = "-" if value < timedelta(0) else ""
                seconds, fraction = divmod(micros, 1_000_000)
                return f"interval '{sign}{seconds // 3600}:{seconds // 60 % 60}:{seconds % 60}.{fraction:06}' hour to second"
            case _:
                return super().moment(value)

    def text(self, value: str) -> str:
        r"""A string literal.

        >>> GoogleWords().text("it's\n")
        "'it\\'s\\n'"
        """
        return f"'{''.join(_ESCAPES.get(c, c) for c in value)}'"

    def binary(self, value: bytes) -> str:
        r"""A byte string literal.

        >>> GoogleWords().binary(b"\x00a")
        "b'\\x00\\x61'"
        """
        return f"b'{''.join(f'{chr(92)}x{byte:02x}' for byte in value)}'"

    def array(self, values: Sequence[object]) -> str:
        """An array literal."""
        return f"[{', '.join(self.literal(v) for v in values)}]"


def decimal_type(value: Decimal) -> str:
    """The smaller of BigQuery's two decimal types that holds a number exactly.

    >>> decimal_type(Decimal("1E+30"))
    'bignumeric'
    """
    _, digits, exponent = value.as_tuple()
    scale = -exponent if isinstance(exponent, int) else 0
    return "numeric" if scale <= _NUMERIC_SCALE and len(digits) - scale <= _NUMERIC_DIGITS else "bignumeric"
