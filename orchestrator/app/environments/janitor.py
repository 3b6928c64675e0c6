"""Cleaning up after environments: what the ledger says is theirs goes, everything else stays and is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.app.opening import load_project
from orchestrator.core.errors import ExecuteError
from orchestrator.core.names import ASIDE_SUFFIX, CHANGES_SUFFIX, STAGE_SUFFIX, Relation
from orchestrator.core.snapshot import Existing, Published, Snapshot, recorded_in
from orchestrator.graph.environment import environment as checked
from orchestrator.graph.environment import inside

if TYPE_CHECKING:
    from orchestrator.app.invocation import Invocation
    from orchestrator.core.ports import Connection, Warehouse

UNFINISHED = (STAGE_SUFFIX, ASIDE_SUFFIX, CHANGES_SUFFIX)
"""How the names of what a run leaves half done end."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What the ledger knows of one: its rows by name, and the newest moment that something happened in it."""

    name: str
    rows: Mapping[str, Published]
    last: datetime


def clean_environments(invocation: Invocation, name: str | None, older: timedelta | None = None, *, dry_run: bool = False) -> Iterator[str]:
    """Drop what the ledger says is of an environment (or of all where nothing happened for a while); a line for each thing.

    A schema goes when nothing is left in it. With ``dry_run`` nothing goes.

    Raises:
        UsageError: U055, ``name`` is no environment's.
        WarehouseError: the warehouse cannot be reached.
    """
    from orchestrator.adapters import registry

    if name is not None:
        checked(name)
    project = load_project(invocation)
    home = Relation(project.target.database, project.target.schema, "")
    warehouse = registry.warehouse(project.target, str(invocation.root), invocation.id)
    try:
        known = environments(warehouse.snapshot([home]))
        now = invocation.started.astimezone(UTC)
        wanted = [e for e in known if (name is None or e.name == name) and (older is None or e.last < now - older)]
        for one in wanted:
            yield from _cleaned(warehouse, one, project.target.database, dry_run=dry_run)
        if not wanted:
            there = f"; there is {', '.join(e.name for e in known)}" if known else "; there is none"
            yield f"No environment to clean{there}"
    finally:
        warehouse.close()


def environments(snapshot: Snapshot) -> tuple[Environment, ...]:
    """Every environment that the ledger knows, by name."""
    rows: dict[str, dict[str, Published]] = {}
    for name, row in snapshot.ledger.items():
        if there := recorded_in(name)[0]:
            rows.setdefault(there, {})[name] = row
    return tuple(Environment(name, found, max(_moment(r.at) for r in found.values())) for name, found in sorted(rows.items()))


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return datetime(1970, 1, 1, tzinfo=UTC)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def _cleaned(warehouse: Warehouse, one: Environment, database: str | None, *, dry_run: bool) -> Iterator[str]:
    recorded = {name: found for name, row in one.rows.items() if (found := _place(row.relation, one.name, database)) is not None}
    yield from (f"Left {row.relation}: it is not in `__{one.name}`" for name, row in one.rows.items() if name not in recorded)
    held = warehouse.snapshot(dict.fromkeys(recorded.values()))
    keys = {r.key for r in recorded.values()}
    places = {(r.schema or "").casefold() for r in recorded.values()}
    there = {e.relation.key: e for e in held.relations.values() if (e.relation.schema or "").casefold() in places and e.relation.database}
    mine = [e for e in there.values() if e.relation.key in keys or e.relation.name.endswith(UNFINISHED)]
    foreign = [e for e in there.values() if e not in mine]
    verb = "Would drop" if dry_run else "Dropped"
    connection = None if dry_run else warehouse.connect()
    left = _dropped(connection, warehouse, mine) if connection is not None else {}
    yield from (f"{verb} {e.kind.replace('_', ' ')} {e.relation}" for e in mine if e.relation.key not in left)
    yield from (f"Left {there[key].relation}: {why}" for key, why in left.items())
    yield from (f"Left {e.relation}: the ledger does not say that it is of `{one.name}`" for e in foreign)
    if connection is not None:
        for name, relation in recorded.items():
            if relation.key not in left:
                forget = warehouse.dialect.intervals_forget(str(relation)) if str(relation) in held.intervals else ()
                _send(connection, (*forget, *warehouse.dialect.ledger_forget(name)))
    kept = {(e.relation.schema or "").casefold() for e in (*foreign, *(there[key] for key in left))}
    for relation in {(r.schema or "").casefold(): replace(r, name="") for r in recorded.values()}.values():
        gone = (relation.schema or "").casefold() not in kept
        exists = any(schema == (relation.schema or "").casefold() for _, schema in held.schemas)
        if gone and exists:
            if connection is not None:
                connection.execute(warehouse.dialect.drop_empty_schema(relation))
            yield f"{verb} schema {relation.schema}"


def _place(text: str, environment: str, database: str | None) -> Relation | None:
    """Where something is, of what the ledger says about it: names may have dots in them, the environment's end is what tells."""
    head, mark, name = text.partition(f"__{environment}.")
    if not mark:
        return None
    if database and head.startswith(f"{database}."):
        there, schema = database, head.removeprefix(f"{database}.")
    else:
        before, _, schema = head.partition(".") if "." in head else ("", "", head)
        there = before
    relation = Relation(there or database, f"{schema}__{environment}", name)
    return relation if inside(relation, environment) else None


def _dropped(connection: Connection, warehouse: Warehouse, found: Iterable[Existing]) -> dict[tuple[str, str, str], str]:
    """Drop everything, what depends on something before that; what cannot be dropped comes back, and why not."""
    waiting = {e.relation.key: e for e in found}
    while waiting:
        why: dict[tuple[str, str, str], str] = {}
        for key, existing in list(waiting.items()):
            try:
                connection.execute(warehouse.dialect.drop(existing))
            except ExecuteError as error:
                why[key] = error.problems[0].message.splitlines()[0]
        if len(why) == len(waiting):
            return why
        waiting = {key: waiting[key] for key in why}
    return {}


def _send(connection: Connection, statements: Iterable[str]) -> None:
    for sql in statements:
        connection.execute(sql)
