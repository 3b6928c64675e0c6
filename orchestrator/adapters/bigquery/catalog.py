"""What datasets hold, in one round of requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from google.api_core import exceptions
from google.cloud.bigquery import DatasetReference, TableReference

from orchestrator.adapters.ansi import ADDED, LEDGER
from orchestrator.adapters.ansi.intervals import INTERVALS
from orchestrator.adapters.bigquery.dialect import BigQueryDialect
from orchestrator.adapters.bigquery.layout import of_table
from orchestrator.adapters.bigquery.materialized import there as settings
from orchestrator.adapters.bigquery.types import sql_type
from orchestrator.core.errors import ExecuteError
from orchestrator.core.interval import known
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Described, Existing, Published, RelationKind, Snapshot

if TYPE_CHECKING:
    from orchestrator.adapters.bigquery.connection import BigQueryConnection

KINDS: dict[str, RelationKind] = {
    "TABLE": "table",
    "VIEW": "view",
    "MATERIALIZED_VIEW": "materialized_view",
    "EXTERNAL": "external",
    "SNAPSHOT": "table",
}

HIDDEN = "_"
"""How the names of datasets begin that BigQuery lists only to who asks for all, and whose information schemas are empty: the ledger's."""

AT_ONCE = 8
"""Requests on their way at the same time."""

_SAY = BigQueryDialect()


def snapshot(session: BigQueryConnection, relations: Sequence[Relation], project: str, dataset: str) -> Snapshot:
    """The relations in the datasets of ``relations`` with columns and layout, all datasets of their projects, and the ledger, if any.

    ``project`` and ``dataset`` are where relations are that name none. BigQuery tells names apart that differ in case only, keys do
    not: of a relation that was asked for, only the one with exactly that name counts.
    """
    home = (project, str(LEDGER.schema))
    asked = dict.fromkeys([*((r.database or project, r.schema or dataset) for r in relations), home])
    wanted = {r.key: r.name for r in relations}
    listed = {
        p: session.ask(lambda p=p: [d.dataset_id for d in session.client.list_datasets(p, include_all=True, retry=session.retry)])
        for p in dict.fromkeys(p for p, _ in asked)
    }
    there = [(p, d) for p, d in asked if d in listed[p]]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tables = session.ask(lambda: dict(zip(there, pool.map(lambda place: _tables(session, *place), there), strict=True)))
    filled = [(p, d) for p, d in there if tables[p, d] and not d.startswith(HIDDEN)]
    columns = _columns(session, filled)
    options = _settings(
        session, [r["tableReference"] for inside in tables.values() for r in inside if r.get("type") == "MATERIALIZED_VIEW"]
    )
    shapes = {(r.database is None, r.schema is None) for r in relations} | {(False, False)}
    found: dict[tuple[str, str, str], Existing] = {}
    for (p, d), inside in tables.items():
        for resource in inside:
            name = resource["tableReference"]["tableId"]
            kind = KINDS.get(str(resource.get("type", "TABLE")), "table")
            layout = of_table(resource).words if kind in ("table", "materialized_view") else ""
            for relation in _spellings(Relation(p, d, name), project, dataset, shapes):
                if wanted.get(relation.key, name) == name:
                    own = options.get((p, d, name), ())
                    found[relation.key] = Existing(relation, kind, columns.get((p, d, name), ()), layout, settings=own)
    ours = {r["tableReference"]["tableId"] for r in tables.get(home, ())}
    ledger, narrow = _ledger(session) if LEDGER.name in ours else ((), False)
    intervals = session.execute(_SAY.intervals_rows()).rows if INTERVALS.name in ours else ()
    named = {(p.casefold(), d.casefold()) for p, names in listed.items() for d in names}
    exact = {(p.casefold(), d.casefold()): (p, d) for p, d in asked}
    named = {key for key in named if key not in exact or exact[key][1] in listed[exact[key][0]]}
    return Snapshot(
        relations=found,
        schemas=frozenset(named | {("", d) for p, d in named if p == project.casefold()}),
        ledger={row[0]: Published(*row) for row in ledger},
        intervals=known(intervals),
        narrow=narrow,
    )


def _ledger(session: BigQueryConnection) -> tuple[tuple[tuple[Any, ...], ...], bool]:
    """The ledger's rows, and whether it was made by an older version: nobody lists its columns, so it is asked for them."""
    try:
        return session.execute(_SAY.ledger_rows()).rows, False
    except ExecuteError as error:
        if ADDED not in error.first.message:
            raise
        return session.execute(_SAY.ledger_rows(narrow=True)).rows, True


def described(session: BigQueryConnection, relations: Sequence[Relation], project: str, dataset: str) -> tuple[Described, ...]:
    """What the catalog says of those of ``relations`` that exist."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = session.ask(lambda: list(pool.map(lambda relation: _described(session, relation, project, dataset), relations)))
    return tuple(one for one in found if one is not None)


def _described(session: BigQueryConnection, relation: Relation, project: str, dataset: str) -> Described | None:
    name = TableReference(DatasetReference(relation.database or project, relation.schema or dataset), relation.name)
    try:
        table = session.client.get_table(name, retry=session.retry)
    except exceptions.NotFound:
        return None
    kind = KINDS.get(str(table.table_type), "table")
    columns = tuple((f.name, sql_type(f.to_api_repr()), f.description) for f in table.schema)
    return Described(relation, kind, columns, comment=table.description)


def changed(
    session: BigQueryConnection, relations: Sequence[Relation], project: str, dataset: str
) -> Mapping[Relation, tuple[datetime, str]]:
    """When the rows of tables changed last; the word for it says how many rows there are, too."""

    def one(relation: Relation) -> tuple[datetime, str] | None:
        name = TableReference(DatasetReference(relation.database or project, relation.schema or dataset), relation.name)
        try:
            table = session.client.get_table(name, retry=session.retry)
        except exceptions.NotFound:
            return None
        # what else has a time of change has it for its definition; rows in the streaming buffer change a table unseen
        if table.table_type != "TABLE" or table.modified is None or table.streaming_buffer is not None:
            return None
        return table.modified, f"{table.modified.isoformat()}, {table.num_rows} rows"

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = session.ask(lambda: dict(zip(relations, pool.map(one, relations), strict=True)))
    return {relation: told for relation, told in found.items() if told is not None}


def _tables(session: BigQueryConnection, project: str, dataset: str) -> list[dict[str, Any]]:
    """What a dataset holds, as the API lists it; nothing when it was dropped just now."""
    try:
        return [dict(item._properties) for item in session.client.list_tables(f"{project}.{dataset}", retry=session.retry)]  # noqa: SLF001  partitions by range have no public name
    except exceptions.NotFound:
        return []


def _settings(session: BigQueryConnection, views: Sequence[dict[str, str]]) -> dict[tuple[str, str, str], tuple[tuple[str, str], ...]]:
    """The options of materialized views: lists do not tell them."""

    def one(view: dict[str, str]) -> tuple[tuple[str, str], ...]:
        try:
            return settings(session.client.get_table(TableReference.from_api_repr(view), retry=session.retry).to_api_repr())
        except exceptions.NotFound:
            return ()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = session.ask(lambda: list(pool.map(one, views)))
    return {(v["projectId"], v["datasetId"], v["tableId"]): options for v, options in zip(views, told, strict=True)}


def _columns(session: BigQueryConnection, places: Sequence[tuple[str, str]]) -> dict[tuple[str, str, str], tuple[tuple[str, str], ...]]:
    """The columns of all relations in some datasets, in one query."""
    if not places:
        return {}
    each = " union all ".join(
        "select table_catalog, table_schema, table_name, column_name, data_type, ordinal_position"
        f" from {_SAY.quote(p)}.{_SAY.quote(d)}.INFORMATION_SCHEMA.COLUMNS"
        for p, d in places
    )
    rows = session.execute(f"select * from ({each}) order by 1, 2, 3, 6").rows
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}
    for project, dataset, table, name, kind, _ in rows:
        if not str(name).startswith("_PARTITION"):  # ingestion time, which is no column of the author's
            found.setdefault((project, dataset, table), []).append((str(name), str(kind)))
    return {key: tuple(columns) for key, columns in found.items()}


def _spellings(relation: Relation, project: str, dataset: str, shapes: set[tuple[bool, bool]]) -> Iterator[Relation]:
    """The ways in which somebody may have asked for a relation: parts that go without saying may be left out."""
    for bare_database, bare_schema in shapes:
        if (not bare_database or relation.database == project) and (not bare_schema or relation.schema == dataset):
            yield Relation(None if bare_database else relation.database, None if bare_schema else relation.schema, relation.name)
