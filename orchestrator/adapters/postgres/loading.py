"""Arrow batches into a table by binary COPY."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.adapters.postgres.dialect import PostgresDialect
from orchestrator.core.errors import ExecuteError, Problem, did_you_mean
from orchestrator.core.names import LONGEST, Relation

if TYPE_CHECKING:
    import psycopg
    import pyarrow as pa

_CHECKED = re.compile(r"\s*(?:char|character|varchar|nchar|bpchar)\b", re.IGNORECASE)
"""Types whose length is checked by an assignment, and silently cut to by a cast."""


def load(connection: psycopg.Connection[Any], relation: Relation, frames: pa.RecordBatchReader, types: Mapping[str, str]) -> int:
    """Create the table and fill it, within the transaction that is open; returns the number of rows.

    Columns arrive as the type nearest to Arrow's; those in ``types`` are changed afterwards, all at once. Raises
    ``ExecuteError`` (X112) for columns that a table cannot have, and what the batches' own source raises.
    """
    from orchestrator.adapters.postgres.binary_copy import HEADER, TRAILER, encoded, kinds

    wanted = _checked(frames.schema.names, types)
    say = PostgresDialect()
    name = say.relation(relation)
    found = kinds(frames.schema)
    columns = ", ".join(f"{say.quote(column)} {kind.sql}" for column, kind in zip(frames.schema.names, found, strict=True))
    connection.execute(f"drop table if exists {name};\ncreate table {name} ({columns})".encode())
    rows = 0
    # the table is new, so its rows may be marked as settled at once: nobody has to visit them again to do so
    with connection.cursor() as cursor, cursor.copy(f"copy {name} from stdin (format binary, freeze)".encode()) as copy:
        copy.write(HEADER)
        for batch in frames:
            if batch.num_rows:
                copy.write(encoded(batch, found))
                rows += batch.num_rows
        copy.write(TRAILER)
    if wanted:
        connection.execute(f"alter table {name} {', '.join(_retyped(say.quote(c), type_) for c, type_ in wanted.items())}".encode())
    return rows


def _retyped(column: str, type_: str) -> str:
    using = "" if _CHECKED.match(type_) else f" using cast({column} as {type_})"
    return f"alter column {column} type {type_}{using}"


def _checked(names: list[str], types: Mapping[str, str]) -> dict[str, str]:
    """The types asked for, by the columns' own spelling."""
    folded: dict[str, str] = {}
    for name in names:
        if name.casefold() in folded:
            message = f"two columns are named `{name}` (other engines do not tell `{folded[name.casefold()]}` from `{name}`)"
            raise ExecuteError(Problem("X112", message if folded[name.casefold()] != name else f"two columns are named `{name}`"))
        if not name or "\x00" in name:
            raise ExecuteError(Problem("X112", "a column of the data has no name" if not name else f"`{name!r}` cannot name a column"))
        if len(name.encode()) > LONGEST:
            raise ExecuteError(Problem("X112", f"the name of column `{name}` is longer than {LONGEST} bytes"))
        folded[name.casefold()] = name
    if not folded:
        raise ExecuteError(Problem("X112", "the data has no columns, so it cannot become a table"))
    for name in types:
        if name.casefold() not in folded:
            hint = did_you_mean(name, names)
            raise ExecuteError(Problem("X112", f"a type is given for `{name}`, which is not a column of the data", hint=hint))
    return {folded[name.casefold()]: type_ for name, type_ in types.items()}
