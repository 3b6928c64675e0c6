"""What is stored: datasets and tables. Tables are immutable values, so a transaction is a dictionary of those it has replaced."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.testing.bigquery import partitions
from orchestrator.testing.bigquery.errors import Refusal, missing
from orchestrator.testing.bigquery.rows import Rows
from orchestrator.testing.bigquery.types import Field

Key = tuple[str, str, str]
"""Project, dataset, table."""

KINDS = {"view": "VIEW", "materializedView": "MATERIALIZED_VIEW"}


@dataclass(frozen=True)
class Table:
    """A table or view: the REST resource without what is computed from rows, and the rows.

    Rows of a table partitioned by ingestion time have more cells than there are fields: the pseudo columns. ``body`` names the last
    change that was more than an addition of rows. ``born`` names the table as it was created: one that is dropped and made anew, or
    replaced, is another. ``bases`` are the tables that a materialized view is bound to.
    """

    resource: dict[str, Any]
    rows: Rows = field(default_factory=Rows)
    created: int = 0
    modified: int = 0
    etag: str = ""
    body: str = ""
    born: str = ""
    bases: tuple[tuple[Key, str], ...] = ()

    @property
    def kind(self) -> str:
        """``TABLE``, ``VIEW`` or ``MATERIALIZED_VIEW``."""
        return next((kind for key, kind in KINDS.items() if key in self.resource), "TABLE")

    @property
    def fields(self) -> list[Field]:
        """Its columns."""
        return list(self.resource.get("schema", {}).get("fields", []))

    @property
    def ingestion(self) -> bool:
        """Whether its rows carry the time they came."""
        return self.kind == "TABLE" and partitions.ingestion(self.resource)

    @property
    def cells(self) -> list[Field]:
        """The columns that its rows have, pseudo columns included."""
        return [*self.fields, *self.pseudo]

    @property
    def pseudo(self) -> list[Field]:
        """Its pseudo columns."""
        return partitions.pseudo(self.resource) if self.kind == "TABLE" else []

    def touched(self, *, rows: Rows | None = None, **changes: Any) -> Table:
        """A later version of it; with ``rows``, a change that other changes of rows conflict with."""
        if rows is not None:
            changes |= {"rows": rows, "body": uuid.uuid4().hex}
        return replace(
            self, **changes, modified=now(), etag=uuid.uuid4().hex, created=self.created or now(), born=self.born or uuid.uuid4().hex
        )

    def check_bases(self, key: Key, tables: Mapping[Key, Table], location: str) -> None:
        """Refuse to answer from a materialized view whose tables are not those that it was made over."""
        for base, born in self.bases:
            if base not in tables:
                raise missing("Table", shown(base), location)
            if tables[base].born != born:
                words = f"Materialized view {shown(key)} references table {shown(base)} which was deleted and recreated."
                raise Refusal("invalidQuery", f"{words} The view must be deleted and recreated as well.", "query")

    def plus(self, rows: Rows) -> Table:
        """A later version with more rows: that conflicts with nothing."""
        return replace(self.touched(), rows=self.rows + rows)

    def with_resource(self, **changes: Any) -> Table:
        """A later version with some of its resource replaced; ``None`` takes a key away."""
        merged = {**self.resource, **changes}
        return self.touched(resource={key: value for key, value in merged.items() if value is not None})


class Transaction:
    """Tables as one transaction sees them: those at its begin, and what it has put since."""

    def __init__(self, tables: Mapping[Key, Table]) -> None:
        self.id = str(uuid.uuid4())
        self.base = dict(tables)
        self.own: dict[Key, Table | None] = {}
        self.added: dict[Key, Rows] = {}
        self.mutated: set[Key] = set()

    def tables(self) -> dict[Key, Table]:
        """What the transaction sees."""
        merged: dict[Key, Table | None] = {**self.base, **self.own}
        return {key: table for key, table in merged.items() if table is not None}


class Catalog:
    """Everything that is stored. ``lock`` is held while a statement runs, and tells those who wait for a transaction's end."""

    def __init__(self) -> None:
        self.lock = threading.Condition(threading.RLock())
        self.datasets: dict[tuple[str, str], dict[str, Any]] = {}
        self.tables: dict[Key, Table] = {}
        self.policies: dict[Key, dict[str, Any]] = {}
        self.open: list[Transaction] = []

    def dataset(self, project: str, name: str, location: str | None = None) -> dict[str, Any]:
        """A dataset; one of another location is not found there."""
        found = self.datasets.get((project, name))
        if found is None or (location and found["location"].lower() != location.lower()):
            raise missing("Dataset", f"{project}:{name}", location)
        return found

    def table(self, key: Key) -> Table:
        """A table that is there, as REST names it."""
        self.dataset(key[0], key[1])
        if key not in self.tables:
            raise missing("Table", shown(key))
        return self.tables[key]

    def inside(self, project: str, dataset: str) -> Iterator[tuple[Key, Table]]:
        """The tables of a dataset, by name."""
        return iter(sorted((key, table) for key, table in self.tables.items() if key[:2] == (project, dataset)))

    def put(self, key: Key, table: Table | None) -> None:
        """Store a version of a table, or forget it."""
        tables = dict(self.tables)
        if table is None:
            tables.pop(key, None)
            self.policies.pop(key, None)
        else:
            tables[key] = table
        self.tables = tables

    def drop_dataset(self, project: str, name: str, *, contents: bool) -> None:
        """Forget a dataset; a full one only with its ``contents``."""
        self.dataset(project, name)
        held = [key for key, _ in self.inside(project, name)]
        if held and not contents:
            raise Refusal("resourceInUse", f"Dataset {project}:{name} is still in use")
        for key in held:
            self.put(key, None)
        del self.datasets[(project, name)]

    def begin(self) -> Transaction:
        """A new transaction."""
        made = Transaction(self.tables)
        self.open.append(made)
        return made

    def conflict(self, key: Key, mine: Transaction | None) -> Transaction | None:
        """Another open transaction that changes rows of this table."""
        return next((other for other in self.open if other is not mine and key in other.mutated), None)

    def commit(self, transaction: Transaction) -> None:
        """Make a transaction's tables everybody's. Raises a refusal, and rolls back, when another changed the same rows since."""
        for key in transaction.mutated:
            before, current = transaction.base.get(key), self.tables.get(key)
            if before is None or current is None or before.body != current.body:
                self.rollback(transaction)
                raise aborted(key, transaction)
            own = transaction.own[key]
            if own is None:
                raise AssertionError("a transaction drops no permanent table")
            meanwhile = Rows(current.rows.data[len(before.rows.data) :], current.rows.count - before.rows.count)
            self.put(key, own.touched(rows=own.rows + meanwhile))
        for key, rows in transaction.added.items():
            if key not in transaction.mutated and key in self.tables:
                self.put(key, self.tables[key].plus(rows))
        self._end(transaction)

    def rollback(self, transaction: Transaction) -> None:
        """Forget what a transaction did."""
        self._end(transaction)

    def _end(self, transaction: Transaction) -> None:
        if transaction in self.open:
            self.open.remove(transaction)
        self.lock.notify_all()


def aborted(key: Key, transaction: Transaction) -> Refusal:
    """What BigQuery says to the later of two transactions that change the same table."""
    words = f"Transaction is aborted due to concurrent update against table {shown(key)}. Transaction ID: {transaction.id}"
    return Refusal("invalidQuery", words, "query")


def shown(key: Key) -> str:
    """A table's name in messages.

    >>> shown(("p", "d", "t"))
    'p:d.t'
    """
    return f"{key[0]}:{key[1]}.{key[2]}"


def reference(key: Key) -> dict[str, str]:
    """A table's name in REST."""
    return dict(zip(("projectId", "datasetId", "tableId"), key, strict=True))


def named(given: Mapping[str, str], project: str) -> Key:
    """The table that a REST reference names."""
    return (given.get("projectId") or project, given["datasetId"], given["tableId"])


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
