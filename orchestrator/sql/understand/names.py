"""How each engine compares and makes up names."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlglot import exp


class Engine(NamedTuple):
    """Where engines differ in what a name means.

    ``folds``: names without quotes become lower case, and case counts; elsewhere columns are compared without case.
    ``fields``: ``a.b`` may be the field ``b`` of a column ``a``. ``reuse``: clauses in which an alias of the same SELECT is
    known. ``merged_first``: a star gives the columns of USING first. ``sideways``: a subquery in FROM sees what stands left of it.
    ``hidden``: columns that every table has and no star gives; ``bare``: words that are no columns.
    """

    name: str
    folds: bool
    fields: bool
    reuse: frozenset[str]
    merged_first: bool
    sideways: bool
    hidden: frozenset[str]
    bare: frozenset[str]
    title: str


ENGINES = {
    "duckdb": Engine(
        "duckdb",
        folds=False,
        fields=True,
        reuse=frozenset({"select", "where", "group", "having", "qualify", "order"}),
        merged_first=False,
        sideways=True,
        hidden=frozenset({"rowid", "filename", "file_row_number", "file_index"}),
        bare=frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "user"}),
        title="DuckDB",
    ),
    "postgres": Engine(
        "postgres",
        folds=True,
        fields=False,
        reuse=frozenset({"group", "order"}),
        merged_first=True,
        sideways=False,
        hidden=frozenset({"ctid", "oid", "tableoid", "xmin", "xmax", "cmin", "cmax"}),
        bare=frozenset(
            {"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp", "current_user", "session_user"}
            | {"user", "current_role", "current_catalog", "current_schema", "system_user"}
        ),
        title="Postgres",
    ),
    "bigquery": Engine(
        "bigquery",
        folds=False,
        fields=True,
        reuse=frozenset({"group", "having", "qualify", "order"}),
        merged_first=True,
        sideways=False,
        hidden=frozenset({"_partitiontime", "_partitiondate", "_table_suffix", "_file_name", "_dbt_max_partition", "_change_type"}),
        bare=frozenset({"current_date", "current_time", "current_timestamp", "current_datetime", "session_user"}),
        title="BigQuery",
    ),
}


def engine_of(dialect: str) -> Engine:
    """The rules of sqlglot's dialect of this name.

    Raises:
        KeyError: nobody wrote down its rules.
    """
    return ENGINES[dialect]


def spelled(identifier: Any, engine: Engine) -> str:
    """The name that an identifier means."""
    name = str(identifier.name)
    if engine.folds and not (isinstance(identifier, exp.Identifier) and identifier.args.get("quoted")):
        return name.lower()
    return name


def key_of(name: str, engine: Engine) -> str:
    """What two spellings of one name have in common."""
    return name if engine.folds else name.lower()


def place(identifier: Any) -> tuple[int, int]:
    """Where an identifier (or a star, function, literal) is written."""
    meta = identifier.meta
    return (meta["start"], meta["end"] + 1) if "start" in meta else (-1, -1)
