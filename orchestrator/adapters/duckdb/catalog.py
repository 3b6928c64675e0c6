"""What a DuckDB database holds, in one round of queries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from orchestrator.adapters.ansi import ADDED, INTERVALS, LEDGER
from orchestrator.adapters.duckdb.dialect import DuckDBDialect
from orchestrator.core.interval import known
from orchestrator.core.names import Relation
from orchestrator.core.ports import Connection
from orchestrator.core.snapshot import Described, Existing, Published, RelationKind, Snapshot

MAIN = "main"


def snapshot(session: Connection, relations: Sequence[Relation]) -> Snapshot:
    """The relations in the schemas of ``relations`` with their columns, all schemas, and the ledger if there is one.

    A relation asked for without its database (or schema) is found without it too.
    """
    dialect = DuckDBDialect()
    asked = {(r.schema or MAIN).casefold() for r in relations} | {str(LEDGER.schema)}
    inside = f"lower(schema_name) in ({', '.join(dialect.literal(s) for s in sorted(asked))}) and not internal"
    session.begin()  # one transaction: all answers are of one moment
    try:
        current = str(session.execute("select current_database()").rows[0][0])
        schemas = session.execute("select database_name, schema_name from duckdb_schemas()").rows
        views = set(session.execute(f"select database_name, schema_name, view_name from duckdb_views() where {inside}").rows)
        tables = session.execute(
            "select database_name, schema_name, table_name,"
            " list(column_name order by column_index), list(data_type order by column_index)"
            f" from duckdb_columns() where {inside} group by all"
        ).rows
        ours = {n.casefold(): names for d, s, n, names, _ in tables if (d.casefold(), s.casefold()) == (current.casefold(), LEDGER.schema)}
        narrow = LEDGER.name in ours and ADDED not in ours[LEDGER.name]
        ledger = session.execute(dialect.ledger_rows(narrow=narrow)).rows if LEDGER.name in ours else ()
        intervals = session.execute(dialect.intervals_rows()).rows if INTERVALS.name in ours else ()
    finally:
        session.rollback()
    shapes = {(r.database is None, r.schema is None) for r in relations} | {(False, False)}
    found = {}
    for database, schema, name, columns, types in tables:
        kind: RelationKind = "view" if (database, schema, name) in views else "table"
        for relation in _spellings(Relation(database, schema, name), current, shapes):
            found[relation.key] = Existing(relation, kind, tuple(zip(columns, types, strict=True)))
    named = {(d.casefold(), s.casefold()) for d, s in schemas}
    return Snapshot(
        relations=found,
        schemas=frozenset(named | {("", s) for d, s in named if d == current.casefold()}),
        ledger={row[0]: Published(*row) for row in ledger},
        intervals=known(intervals),
        narrow=narrow,
    )


def _spellings(relation: Relation, current: str, shapes: set[tuple[bool, bool]]) -> Iterator[Relation]:
    """The ways in which somebody may have asked for a relation: parts that go without saying may be left out."""
    for bare_database, bare_schema in shapes:
        if (not bare_database or relation.database == current) and (not bare_schema or relation.schema == MAIN):
            yield Relation(None if bare_database else relation.database, None if bare_schema else relation.schema, relation.name)


def changed(session: Connection, relations: Sequence[Relation]) -> dict[Relation, tuple[datetime, str]]:
    """When the files of attached databases changed last: what is in them cannot have changed later."""
    current = str(session.execute("select current_database()").rows[0][0]).casefold()
    paths = {str(name).casefold(): path for name, path in session.execute("select database_name, path from duckdb_databases()").rows}
    found = {}
    for relation in relations:
        database = (relation.database or current).casefold()
        if database == current or not paths.get(database):
            continue
        logs = [Path(str(paths[database]) + end) for end in ("", ".wal", "-wal")]  # what is not in the file yet is in its log
        if there := [p.stat() for p in logs if p.exists()]:
            at = datetime.fromtimestamp(max(s.st_mtime for s in there), UTC)
            found[relation] = at, " ".join(f"{s.st_mtime_ns}/{s.st_size}" for s in there)
    return found


def described(session: Connection, relations: Sequence[Relation]) -> tuple[Described, ...]:
    """What the catalog says of those of ``relations`` that exist."""
    dialect = DuckDBDialect()
    inside = ", ".join(dialect.literal(s) for s in sorted({(r.schema or MAIN).casefold() for r in relations} or {MAIN}))
    current = str(session.execute("select current_database()").rows[0][0])
    found = session.execute(
        "select database_name, schema_name, table_name, kind, any_value(r.comment),"
        " list(column_name order by column_index), list(data_type order by column_index), list(c.comment order by column_index)"
        " from (select database_name, schema_name, table_name, 'table' as kind, comment from duckdb_tables()"
        " union all select database_name, schema_name, view_name, 'view', comment from duckdb_views()) as r"
        f" join duckdb_columns() as c using (database_name, schema_name, table_name) where lower(schema_name) in ({inside}) group by all"
    ).rows
    there = {tuple(part.casefold() for part in row[:3]): row for row in found}
    asked = {r: there.get(((r.database or current).casefold(), (r.schema or MAIN).casefold(), r.name.casefold())) for r in relations}
    return tuple(Described(r, row[3], tuple(zip(*row[5:8], strict=True)), comment=row[4]) for r, row in asked.items() if row is not None)
