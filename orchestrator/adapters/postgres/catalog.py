"""What a Postgres database holds, in one round of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from orchestrator.adapters.ansi import ADDED, INTERVALS, LEDGER
from orchestrator.adapters.postgres.dialect import PostgresDialect
from orchestrator.core.interval import known
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Described, Existing, Published, RelationKind, Snapshot

if TYPE_CHECKING:
    from orchestrator.adapters.postgres.connection import PostgresConnection

KINDS: dict[str, RelationKind] = {"r": "table", "p": "table", "v": "view", "m": "materialized_view", "f": "external"}


def snapshot(session: PostgresConnection, relations: Sequence[Relation], home: str) -> Snapshot:
    """The relations in the schemas of ``relations`` with their columns, all schemas, and the ledger if there is one.

    ``home`` is the schema of relations that name none. Postgres tells names apart that differ in case only, keys do not: of a
    relation that was asked for, only the one with exactly that name counts.
    """
    say = PostgresDialect()
    asked = sorted({r.schema or home for r in relations} | {str(LEDGER.schema)})
    wanted = {r.key: r.name for r in relations}
    session.begin("isolation level repeatable read, read only")  # all answers are of one moment
    try:
        current, version = session.execute("select current_database()::text, current_setting('server_version_num')::int").rows[0]
        schemas = [str(row[0]) for row in session.execute("select nspname from pg_namespace where nspname !~ '^pg_(toast|temp)'").rows]
        inside = ", ".join(say.literal(s.casefold()) for s in asked)
        found = session.execute(
            "select n.nspname, c.relname, c.relkind::text, array_agg(a.attname::text order by a.attnum),"
            " array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum),"
            " case c.relkind when 'm' then"
            " array(select k.relname::text from pg_index i join pg_class k on k.oid = i.indexrelid where i.indrelid = c.oid) end"
            " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
            " left join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
            f" where c.relkind in ('r', 'p', 'v', 'm', 'f') and lower(n.nspname) in ({inside}) group by 1, 2, 3, c.oid"
        ).rows
        ours = {name: columns for schema, name, _, columns, *_ in found if schema == LEDGER.schema}
        narrow = LEDGER.name in ours and ADDED not in ours[LEDGER.name]
        ledger = session.execute(say.ledger_rows(narrow=narrow)).rows if LEDGER.name in ours else ()
        intervals = session.execute(say.intervals_rows()).rows if INTERVALS.name in ours else ()
    finally:
        session.rollback()
    shapes = {(r.database is None, r.schema is None) for r in relations} | {(False, False)}  # what goes without saying may be left out
    there: dict[tuple[str, str, str], Existing] = {}
    for schema, name, kind, columns, types, indexes in found:
        shape = tuple((c, t) for c, t in zip(columns, types, strict=True) if c is not None)
        for bare_database, bare_schema in shapes:
            relation = Relation(None if bare_database else current, None if bare_schema else schema, name)
            if (schema == home or not bare_schema) and wanted.get(relation.key, name) == name:
                there[relation.key] = Existing(relation, KINDS[kind], shape, indexes=tuple(indexes or ()))
    exact = {s.casefold(): s for s in asked}
    named = {s.casefold() for s in schemas if exact.get(s.casefold(), s) == s}
    return Snapshot(
        relations=there,
        schemas=frozenset({(d, s) for s in named for d in (current.casefold(), "")}),
        ledger={row[0]: Published(*row) for row in ledger},
        server=version // 10_000,
        intervals=known(intervals),
        narrow=narrow,
    )


def changed(_warehouse: object, relations: Iterable[Relation]) -> Mapping[Relation, tuple[datetime, str]]:  # noqa: ARG001 - of none
    """When the rows of tables changed last: Postgres keeps no time of it that survives a crash, or that is there unasked."""
    return {}


def described(session: PostgresConnection, relations: Sequence[Relation], home: str) -> tuple[Described, ...]:
    """What the catalog says of those of ``relations`` that exist."""
    say = PostgresDialect()
    inside = ", ".join(say.literal(s) for s in sorted({r.schema or home for r in relations} | {home}))
    found = session.execute(
        "select n.nspname, c.relname, c.relkind::text, obj_description(c.oid, 'pg_class'), pg_get_userbyid(c.relowner),"
        " array_agg(a.attname::text order by a.attnum), array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum),"
        " array_agg(col_description(c.oid, a.attnum) order by a.attnum)"
        " from pg_class c join pg_namespace n on n.oid = c.relnamespace"
        " join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped"
        f" where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname in ({inside}) group by c.oid, 1, 2, 3"
    ).rows
    there = {(schema, name): row for row in found for schema, name in [row[:2]]}
    asked = {r: there.get((r.schema or home, r.name)) for r in relations}
    return tuple(
        Described(r, KINDS[row[2]], tuple(zip(*row[5:8], strict=True)), comment=row[3], owner=row[4])
        for r, row in asked.items()
        if row is not None
    )
