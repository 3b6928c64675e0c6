"""Identifiers, names and literals as standard SQL writes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from uuid import UUID

from orchestrator.core.names import Relation


class Words:
    """How the smallest parts of a statement are written."""

    quote_char: str = '"'

    def quote(self, identifier: str) -> str:
        """One identifier, quoted.

        >>> Words().quote('two" wide')
        '"two"" wide"'
        """
        return f"{self.quote_char}{identifier.replace(self.quote_char, self.quote_char * 2)}{self.quote_char}"

    def relation(self, relation: Relation) -> str:
        """A relation's full, quoted name.

        >>> Words().relation(Relation(None, "order", "select"))
        '"order"."select"'
        """
        return ".".join(self.quote(part) for part in (relation.database, relation.schema, relation.name) if part)

    def literal(self, value: object) -> str:
        """A Python value as a SQL literal. Raises ``TypeError`` for a type that has none.

        >>> Words().literal("it's"), Words().literal(None), Words().literal(True)
        ("'it''s'", 'null', 'true')
        """
        match value:
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
            case int() | Decimal():
                return str(value)
            case float():
                return repr(value) if math.isfinite(value) else f"cast('{value}' as double precision)"
            case str():
                return self.text(value)
            case UUID():
                return self.text(str(value))
            case bytes():
                return self.binary(value)
            case list() | tuple():
                return self.array(value)
            case _:
                return self.moment(value)

    def comparable(self, expression: str, type_: str) -> str:  # noqa: ARG002  engines with types that have no equality override
        """An expression of a type as one that ``=`` and ``except`` take."""
        return expression

    def surplus(self, left: str, right: str, columns: Sequence[str]) -> str:
        """A query for the rows of ``left`` that ``right`` lacks, as often as it lacks them; ``columns`` are expressions with names.

        >>> Words().surplus("a", "b", ["x", "y"])
        'select x, y from a except all select x, y from b'
        """
        listed = ", ".join(columns)
        return f"select {listed} from {left} except all select {listed} from {right}"

    def cast(self, value: object, type_: str) -> str:
        """A Python value as an expression of a column type.

        >>> Words().cast("1", "integer")
        "cast('1' as integer)"
        """
        return f"cast({self.literal(value)} as {type_})"

    def moment(self, value: object) -> str:
        """A date, time, timestamp or interval literal. Raises ``TypeError`` for anything else.

        >>> Words().moment(date(2013, 1, 31))
        "date '2013-01-31'"
        """
        match value:
            case datetime():
                return f"{'timestamp' if value.tzinfo is None else 'timestamp with time zone'} '{value.isoformat(' ')}'"
            case date():
                return f"date '{value.isoformat()}'"
            case time():
                return f"time '{value.isoformat()}'"
            case timedelta():
                return f"interval '{value // timedelta(microseconds=1)} microseconds'"
            case _:
                raise TypeError(f"{type(value).__name__} has no SQL literal")

    def text(self, value: str) -> str:
        """A string literal."""
        return f"'{value.replace(chr(39), chr(39) * 2)}'"

    def binary(self, value: bytes) -> str:
        """A byte string literal."""
        return f"x'{value.hex()}'"

    def array(self, values: Sequence[object]) -> str:
        """An array literal."""
        return f"array[{', '.join(self.literal(v) for v in values)}]"
