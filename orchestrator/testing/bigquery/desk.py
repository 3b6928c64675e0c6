"""Where one job works: what it sees, and how its changes become everybody's."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from orchestrator.testing.bigquery import partitions, values
from orchestrator.testing.bigquery.catalog import Catalog, Key, Table, Transaction, aborted
from orchestrator.testing.bigquery.errors import Refusal, invalid_query
from orchestrator.testing.bigquery.evaluate import Constant, Evaluator, World
from orchestrator.testing.bigquery.names import Scope
from orchestrator.testing.bigquery.rows import Rows
from orchestrator.testing.bigquery.types import Field

QUEUE = 30.0
"""Seconds that a statement waits for a transaction of somebody else's."""


@dataclass
class Session:
    """What outlives a statement: temporary tables, variables, an open transaction. A script without a session has one of its own."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    temporary: dict[str, Key] = field(default_factory=dict)
    tables: dict[Key, Table] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)
    transaction: Transaction | None = None
    before: dict[Key, Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What a statement did, as statistics count it."""

    kind: str
    fields: Sequence[Field] | None = None
    rows: Rows | None = None
    inserted: int | None = None
    updated: int | None = None
    deleted: int | None = None
    ddl: tuple[str, str, Key | tuple[str, str]] | None = None
    bytes: int = 0
    billed: bool = False
    reads: tuple[Key, ...] = ()
    text: str = ""

    @property
    def affected(self) -> int | None:
        """Rows that DML touched."""
        counts = [n for n in (self.inserted, self.updated, self.deleted) if n is not None]
        return sum(counts) if counts else None


@dataclass
class Desk:
    """One job at work. Statements run while the catalog's lock is held; ``stopped`` says whether the job was cancelled meanwhile."""

    catalog: Catalog
    evaluator: Evaluator
    session: Session
    project: str
    location: str
    default: tuple[str, str] | None = None
    parameters: Mapping[str, Constant] = field(default_factory=dict)
    stopped: Callable[[], bool] = lambda: False
    dry: bool = False

    @property
    def tables(self) -> dict[Key, Table]:
        """All tables as this job sees them now."""
        transaction = self.session.transaction
        shared = self.catalog.tables if transaction is None else transaction.tables()
        return {**shared, **self.session.tables}

    @property
    def scope(self) -> Scope:
        """What names are looked up in now."""
        return Scope(
            self.catalog,
            self.tables,
            self.project,
            self.default,
            self.location,
            self.session.temporary,
            self.session.constants,
            self.parameters,
        )

    @property
    def scope_world(self) -> World:
        """What an expression without tables can name."""
        return World({}, self.session.constants, self.parameters)

    def claim(self, key: Key) -> None:
        """Make sure that rows of a table may be changed: wait for others' transactions, or be the one who is aborted."""
        mine, until = self.session.transaction, time.monotonic() + QUEUE
        if mine is not None:
            before, current = mine.base.get(key), self.catalog.tables.get(key)
            changed = before is not None and (current is None or before.body != current.body)
            if key not in self.session.tables and (changed or self.catalog.conflict(key, mine)):
                self._abort()
                raise aborted(key, mine)
        while mine is None and self.catalog.conflict(key, None):
            self.catalog.lock.wait(0.05)
            if self.stopped():
                raise Refusal("stopped", "Job execution was cancelled: User requested cancellation")
            if time.monotonic() > until:
                raise Refusal("resourcesExceeded", "Resources exceeded during query execution: too many DML statements outstanding")

    def write(self, key: Key, table: Table | None, how: Literal["ddl", "rows", "append"], added: Rows | None = None) -> None:
        """Store a version of a table, in the job's transaction if there is one."""
        if self.stopped():
            raise Refusal("stopped", "Job execution was cancelled: User requested cancellation")
        transaction = self.session.transaction
        if key in self.session.tables or key in self.session.temporary.values():
            if table is None:
                self.session.tables.pop(key, None)
                self.session.temporary.pop(key[2], None)
            else:
                self.session.tables[key] = table
        elif transaction is None:
            self.catalog.put(key, table)
        elif how == "ddl":
            raise invalid_query("DDL statements on permanent entities are not supported inside a transaction")
        else:
            transaction.own[key] = table
            if how == "rows":
                transaction.mutated.add(key)
            elif added is not None and key not in transaction.mutated:
                transaction.added[key] = transaction.added.get(key, Rows()) + added

    def permanent(self, key: Key | None = None) -> None:
        """Refuse to define permanent things inside a transaction."""
        if self.session.transaction is not None and key not in self.session.temporary.values():
            raise invalid_query("DDL statements on permanent entities are not supported inside a transaction")

    def begin(self) -> None:
        """BEGIN TRANSACTION."""
        if self.session.transaction is not None:
            raise invalid_query("Transaction is already open: nested transactions are not supported")
        self.session.transaction = self.catalog.begin()
        self.session.before = dict(self.session.tables)

    def commit(self) -> None:
        """COMMIT TRANSACTION."""
        mine = self._own()
        self.session.transaction = None
        self.catalog.commit(mine)

    def rollback(self) -> None:
        """ROLLBACK TRANSACTION."""
        self._own()
        self._abort()

    def close(self) -> None:
        """The script is over, or failed: what is still open is rolled back."""
        if self.session.transaction is not None:
            self._abort()

    def _own(self) -> Transaction:
        if self.session.transaction is None:
            raise invalid_query("There is no active transaction")
        return self.session.transaction

    def _abort(self) -> None:
        mine, self.session.transaction = self.session.transaction, None
        if mine is not None:
            self.session.tables = self.session.before
            self.session.temporary = {name: key for name, key in self.session.temporary.items() if key in self.session.tables}
            self.catalog.rollback(mine)


def accepted(table: Table, rows: Rows) -> Rows:
    """New rows of a table as it stores them: nulls where they must not be are refused, decimals rounded to the column's scale."""
    rows = rows.whole(table.fields)
    strict = [(at, f) for at, f in enumerate(table.fields) if f["mode"] == "REQUIRED" or "maxLength" in f or "precision" in f]
    if not strict:
        return rows

    def check(_: int, row: Any) -> None:
        for at, made in strict:
            value = values.get(row.cell[at], made)
            if value is None:
                if made["mode"] == "REQUIRED":
                    raise invalid_query(f"Required field {made['name']} cannot be null")
                continue
            for item in value if made["mode"] == "REPEATED" else [value]:
                _fits(item, made)
            if "precision" in made and made["mode"] != "REPEATED":
                values.put(row.cell[at], _rounded(value, made), made)

    return rows.change(check)


def _fits(value: Any, made: Field) -> None:
    most = int(made.get("maxLength", 0))
    if most and len(value) > most:
        word = f"{made['type']}({most})"
        raise invalid_query(f"{word} has maximum length {most} but got a value with length {len(value)}")


def _rounded(value: Any, made: Field) -> Any:
    from decimal import ROUND_HALF_UP, Decimal

    scale = int(made.get("scale", 0))
    rounded = value.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=values.WIDE)
    if abs(rounded) >= Decimal(10) ** (int(made["precision"]) - scale):
        raise invalid_query(
            f"{made['type']}({made['precision']}, {scale}) has precision {made['precision']} and scale {scale} but got a value"
        )
    return rounded


def appended(table: Table, rows: Rows, partition: str | None = None) -> Rows:
    """Rows of a table's columns with the cells of its pseudo columns: the time they come, or that of a named ``partition``."""
    if not table.ingestion:
        return rows
    from datetime import UTC, datetime

    unit = partitions.FORMATS[table.resource["timePartitioning"]["type"]]
    name = partition or datetime.now(UTC).strftime(unit)
    came = partitions.instant(name, table.resource)

    def mark(_: int, row: Any) -> None:
        for made, value in zip(table.pseudo, (came, came.date()), strict=False):
            values.put(row.cell.add(), value, made)

    return rows.change(mark)
