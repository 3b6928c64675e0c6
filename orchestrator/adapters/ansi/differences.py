"""What the comparison of two relations needs of an engine: digests of rows, types that hold both sides' values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import ClassVar

from orchestrator.adapters.ansi.words import Words
from orchestrator.core.difference import ValueKind

_TYPE = re.compile(r"\s*([a-z_][a-z0-9_ ]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(-?\d+)\s*)?\))?\s*( with(?:out)? time zone)?\s*", re.IGNORECASE)
_WIDTHS = {"tinyint": 8, "smallint": 16, "integer": 32, "int": 32, "bigint": 64, "hugeint": 128, "int64": 64}
_UNSIGNED = {"utinyint": 8, "usmallint": 16, "uinteger": 32, "ubigint": 64, "uhugeint": 128}
_EXACT = {"decimal", "numeric", "bignumeric", "bigdecimal"}
_FLOATS = {"float": 24, "real": 24, "float4": 24, "double": 53, "double precision": 53, "float8": 53, "float64": 53}
_TEXTS = {"varchar", "text", "character varying", "character", "char", "bpchar", "string", "name"}
_MOMENTS = ("date", "time", "timestamp", "datetime")


class Differences(Words):
    """How values of two columns meet. What an engine has no standard for (digests of rows) is its own."""

    roughly_from: int | None = None
    double: ClassVar[str] = "double precision"
    digits: ClassVar[int] = 38
    """The most a decimal has."""

    def value_kind(self, type_: str) -> ValueKind:
        """What sort of values a column type holds.

        >>> [Differences().value_kind(t) for t in ("BIGINT", "decimal(12, 2)", "DOUBLE", "varchar(9)", "timestamp with time zone")]
        ['whole', 'exact', 'float', 'text', 'moment']
        >>> [Differences().value_kind(t) for t in ("INTEGER[]", "boolean", "STRUCT<a INT64>", "uuid")]
        ['other', 'other', 'other', 'other']
        """
        name, _, _ = _parts(type_)
        if name in _WIDTHS or name in _UNSIGNED:
            return "whole"
        if name in _EXACT:
            return "exact"
        if name in _FLOATS:
            return "float"
        if name in _TEXTS:
            return "text"
        return "moment" if name.startswith(_MOMENTS) else "other"

    def meeting_type(self, before: str, after: str) -> str | None:
        """A type that holds every value of both types exactly; ``None`` when there is none.

        >>> meet = Differences().meeting_type
        >>> meet("integer", "bigint"), meet("integer", "decimal(12, 2)"), meet("decimal(10,4)", "decimal(12,2)"), meet("real", "double")
        ('bigint', 'decimal(38, 2)', 'decimal(38, 4)', 'double precision')
        >>> meet("date", "timestamp"), meet("varchar(5)", "text"), meet("integer", "double"), meet("date", "text")
        ('timestamp', 'text', 'double precision', None)
        """
        kinds = {self.value_kind(before), self.value_kind(after)}
        if kinds == {"text"}:
            return before if "(" not in before else after if "(" not in after else None
        if kinds == {"whole"}:
            return self._wider(before, after)
        if kinds <= {"whole", "exact"}:
            return self._decimal(before, after)
        if kinds <= {"whole", "float"}:
            bits = [_WIDTHS.get(n, 999) for n in (_parts(t)[0] for t in (before, after)) if n not in _FLOATS]
            return self.double if all(b <= 32 for b in bits) else None
        names = {before.strip().casefold(), after.strip().casefold()}
        if kinds == {"moment"} and "date" in names:
            other = next(t for t in (before, after) if t.strip().casefold() != "date")
            return other if _zoneless(other) else None
        return None

    def row_digest(self, values: Sequence[str]) -> str:
        """A whole number of 64 bits for the values of a row, nulls included."""
        return f"hash({', '.join(values)})" if values else "0"

    def digest_sum(self, digest: str) -> str:
        """The sum of the digests of all rows, as text."""
        return f"cast(sum({digest}) as varchar)"

    def distinct(self, expression: str) -> str:
        """How many different values there are."""
        return f"count(distinct {expression})"

    def average(self, expression: str) -> str:
        """The mean of a column of numbers, as a floating one: sums of wide types overflow."""
        return f"avg(cast({expression} as {self.double}))"

    def in_steps(self, steps: Sequence[tuple[str, str]], final: str) -> str:
        """A query over named intermediate results, each worked out once."""
        named = ",\n".join(f"{name} as materialized (\n{query}\n)" for name, query in steps)
        return f"with {named}\n{final}" if steps else final

    def wide_decimal(self, scale: int) -> str:
        """The widest decimal with so many places."""
        return f"decimal({self.digits}, {scale})"

    def _wider(self, before: str, after: str) -> str | None:
        sizes = [(_WIDTHS.get(n), _UNSIGNED.get(n), t) for t in (before, after) for n in (_parts(t)[0],)]
        (signed, unsigned, one), (signed2, unsigned2, other) = sizes
        if signed and signed2:
            return one if signed >= signed2 else other
        if unsigned and unsigned2:
            return one if unsigned >= unsigned2 else other
        return one if (signed or 0) > (unsigned2 or 999) else other if (signed2 or 0) > (unsigned or 999) else None

    def _decimal(self, before: str, after: str) -> str | None:
        places, before_point = 0, 0
        for type_ in (before, after):
            name, size, scale = _parts(type_)
            if name in _EXACT:
                if size is None:
                    return None
                places, before_point = max(places, scale or 0), max(before_point, size - (scale or 0))
            else:
                before_point = max(before_point, {8: 3, 16: 5, 32: 10, 64: 20}.get(_WIDTHS.get(name) or _UNSIGNED.get(name) or 0, 39))
        return self.wide_decimal(places) if places + before_point <= self.digits else None


def _parts(type_: str) -> tuple[str, int | None, int | None]:
    """A type's name, and its size and scale.

    >>> _parts("Numeric(10, 2)"), _parts("timestamp(3) without time zone"), _parts("INTEGER[]")
    (('numeric', 10, 2), ('timestamp', 3, None), ('', None, None))
    """
    found = _TYPE.fullmatch(type_)
    if found is None:
        return "", None, None
    name = " ".join(found[1].casefold().removesuffix("with time zone").removesuffix("without time zone").split())
    return name, int(found[2]) if found[2] else None, int(found[3]) if found[3] else None


def _zoneless(type_: str) -> bool:
    folded = type_.casefold()
    return folded.startswith(("timestamp", "datetime")) and "with time zone" not in folded and "tz" not in folded
