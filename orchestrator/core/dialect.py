"""What to say to an engine: the protocol behind which everything stands that differs between engines in SQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from orchestrator.core.declaring import Declaring
from orchestrator.core.differing import Differing
from orchestrator.core.history import Comparison
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Built, Existing, Lease, Published, RelationKind


class Dialect(Declaring, Differing, Protocol):
    """What to say to an engine: pure text. Everything that differs between engines in SQL stands behind this.

    ``trusts_commit`` says that this engine's connection itself knows whether a commit happened; elsewhere the ledger row is
    read back. ``estimates`` says that asking what a query would process costs nothing,
    ``analyzer`` names who understands its SQL without a warehouse (empty: nobody),
    ``materialized_views`` that there are any.
    ``leases`` says which tasks take a lease: ``every`` one, or the ``split`` ones (several transactions), where the
    engine itself lets no two transactions build one relation.
    ``transactions`` says what a transaction holds: ``all``, or ``rows`` where nothing may be created or dropped in one.
    """

    name: str
    sqlglot: str
    quote_char: str
    max_identifier: int
    strategies: tuple[str, ...]
    trusts_commit: bool
    estimates: bool
    analyzer: str
    materialized_views: bool
    leases: str
    transactions: Literal["all", "rows"]

    def quote(self, identifier: str) -> str:
        """One identifier, quoted."""
        ...

    def relation(self, relation: Relation) -> str:
        """A relation's full, quoted name."""
        ...

    def literal(self, value: object) -> str:
        """A Python value as a SQL literal; strings are escaped."""
        ...

    def create_schema(self, relation: Relation) -> str:
        """Create the relation's schema if it is not there."""
        ...

    def drop_schema(self, relation: Relation) -> str:
        """Drop the relation's schema and everything in it: for templates that ask for just that."""
        ...

    def drop_empty_schema(self, relation: Relation) -> str:
        """Drop the relation's schema if nothing is in it; fails when something is."""
        ...

    def create_table(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a table from a query; the query's text appears unchanged and last."""
        ...

    def create_view(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a view over a query; the query's text appears unchanged and last."""
        ...

    def create_materialized_view(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a materialized view over a query; the query's text appears unchanged and last."""
        ...

    def refresh(self, relation: Relation, select: str, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Bring a materialized view's rows up to date. A statement that has the query's text has it unchanged, and last."""
        ...

    def reconfigure(self, existing: Existing, config: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Make the configuration of a materialized view that is there its node's; nothing when it is already, ``None`` when only
        a new one can have it.
        """
        ...

    def drop(self, existing: Existing) -> str:
        """Drop what is there, by its kind, if it still exists. Never cascades."""
        ...

    def swap(
        self, stage: Relation, target: Relation, existing: Existing | None, config: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        """Make the staged table, built with ``config``, the published one, replacing whatever ``existing`` is."""
        ...

    def swap_rows(
        self, stage: Relation, target: Relation, existing: Existing | None, config: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        """Publish the stage's rows in the table that is there (``publish: in_place``): no reader loses the rows of its snapshot."""
        ...

    def swap_view(self, stage: Relation, target: Relation, existing: Existing | None) -> tuple[str, ...] | None:
        """Make the staged view, materialized or not, the published one; ``None`` where it is published by sending its text again."""
        ...

    def replaces(self, existing: Existing, kind: RelationKind, config: Mapping[str, Any]) -> bool:
        """Whether a view of this kind, when it is created with ``config``, takes the place of what is there; else that is dropped first."""
        ...

    def finish(self, stage: Relation, config: Mapping[str, Any]) -> tuple[str, ...]:
        """What a staged table still needs when its rows are there, before anybody looks at it: indexes, statistics."""
        ...

    def grants(self, relation: Relation, wanted: Mapping[str, Any]) -> tuple[str, ...]:
        """Make privileges those of a node's ``grants``: ``{"select": ["role", …]}``; in the publish's transaction."""
        ...

    def apply_delta(
        self,
        strategy: str,
        stage: Relation,
        target: Relation,
        columns: Sequence[str],
        unique_key: Sequence[str],
        options: dict[str, Any],
    ) -> tuple[str, ...]:
        """Apply a staged delta to an incremental model by one of :attr:`strategies`."""
        ...

    def too_old(self, strategy: str, server: int) -> str | None:
        """What an incremental strategy needs that a server of this major version (0: unknown) is not; ``None`` when it will do."""
        ...

    def add_columns(self, target: Relation, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Add columns ``(name, type)`` to a table."""
        ...

    def fold(self, identifier: str) -> str:
        """How the engine spells an identifier that is written without quotes."""
        ...

    def exists(self, relation: Relation) -> str:
        """A query with one value: whether there is a table or view of this name right now."""
        ...

    def instant(self, at: datetime, type_: str) -> str | None:
        """An instant as a value of a column type, in UTC; ``None`` for a type that holds no moments."""
        ...

    def clock_kind(self, type_: str) -> Literal["zoned", "plain", "date"] | None:
        """What sort of moment a column type holds."""
        ...

    def fits(self, before: str, after: str) -> Literal["same", "wider", "other"]:
        """What a column's type in a query means for a table's that stays: texts may become longer, anything else is another type."""
        ...

    def widen(self, target: Relation, column: str, type_: str) -> str:
        """Let a column hold longer texts."""
        ...

    def history_lock(self, target: Relation) -> tuple[str, ...]:
        """Let nobody else change this snapshot until the transaction ends; also when its table is not there yet."""
        ...

    def history_faults(self, of: Comparison, existing: bool) -> str:
        """A query for ``(what, how many, example)`` of what makes it impossible to go on; no rows are good news."""
        ...

    def history_first(self, of: Comparison) -> str:
        """A query for the rows of a snapshot's new table."""
        ...

    def history_changes(self, of: Comparison) -> str:
        """A query for the versions that end or begin."""
        ...

    def history_counts(self, of: Comparison) -> str:
        """A query for ``(new, changed, gone or marked; how many)`` over the table of changes."""
        ...

    def history_close(self, of: Comparison) -> str:
        """End the versions that are over."""
        ...

    def history_open(self, of: Comparison) -> str:
        """Write the new versions."""
        ...

    def history_mark(self, of: Comparison) -> str:
        """Say of all rows that are there that they are not deleted, when the table just got the column for it."""
        ...

    def ledger_setup(self) -> tuple[str, ...]:
        """Create the ledger's schema and table if they are not there."""
        ...

    def ledger_widen(self) -> tuple[str, ...]:
        """Give a ledger that an older version made the columns it lacks."""
        ...

    def ledger_write(self, published: Published, *, known: bool = True, lease: Lease | None = None) -> tuple[str, ...]:
        """Record a publish, replacing the node's previous row (if one is ``known``); runs in the publish's transaction.

        Fails there (X330) when the ``lease`` the relation was built under has been taken over, where that can be.
        """
        ...

    def ledger_claim(self, rows: Sequence[Published]) -> str:
        """Record what is about to be built, all of it at once; what is recorded already stays as it is."""
        ...

    def ledger_forget(self, node: str) -> tuple[str, ...]:
        """Remove what is recorded of a node: it is not there any more."""
        ...

    def ledger_row(self, node: str) -> str:
        """A query for what is recorded of ``node``, its columns in the order of :class:`~orchestrator.core.snapshot.Published`."""
        ...

    def ledger_read(self, node: str) -> str:
        """A query for the run id last recorded for ``node``; proves a commit."""
        ...

    def within(self, column: str, start: str, end: str) -> str:
        """The condition that an event time is in ``[start, end)``, bounds as :func:`~orchestrator.core.interval.spelled`."""
        ...

    def share(self, column: str, millionths: int) -> str:
        """The condition that a row's key, a quoted column, falls into a share of all keys: the same for equal keys everywhere."""
        ...

    def intervals_setup(self) -> tuple[str, ...]:
        """Create the interval ledger's table if it is not there; the ledger itself is."""
        ...

    def intervals_write(self, built: Built) -> tuple[str, ...]:
        """Record a batch in place of what is recorded inside of it; runs in the transaction that writes its rows."""
        ...

    def intervals_forget(self, relation: str, start: str | None = None, end: str | None = None) -> tuple[str, ...]:
        """Record that a table is not complete any more: not at all, or not from ``start`` to ``end``."""
        ...

    def intervals_move(self, source: str, target: str) -> tuple[str, ...]:
        """Record that the table ``source`` has become ``target``."""
        ...

    def intervals_read(self, relation: str, start: str) -> str:
        """A query for the run id last recorded for the batch that begins at ``start``; proves a commit."""
        ...

    def time_limit(self, seconds: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Statements that make the server end what a session does when it takes longer, and those that take the limit away again.

        Nothing where the server has no such limit for a session: then a cancel from here is all there is.
        """
        ...

    def lease_setup(self) -> tuple[str, ...]:
        """Create what leases are kept in, if it is not there."""
        ...

    def lease_claim(self, relation: Relation, run: str) -> tuple[str, ...]:
        """Take a lease if it can be had, each statement in a transaction of its own; the last answers ``run, fence, since`` of who has it.

        Its fence is one more than before, also for who had it already. Of those who ask at once at most one gets it.
        """
        ...

    def lease_holder(self, relation: Relation) -> str:
        """A query for ``run, fence, since`` of who has a lease; changes nothing."""
        ...

    def lease_check(self, lease: Lease) -> tuple[str, ...]:
        """Fail (X330) in the transaction of a publish that keeps its lease, when that has been taken over, where that can be."""
        ...

    def lease_beat(self, run: str) -> tuple[str, ...]:
        """Say that ``run`` lives, every ``LEASE_SECONDS / 4``; nothing where a lease cannot outlive its holder."""
        ...

    def lease_end(self, lease: Lease, *, published: bool) -> tuple[str, ...]:
        """Return a lease after its task, if the publish's transaction has not done so. May fail (X330) when somebody took it over."""
        ...

    def comparable(self, expression: str, type_: str) -> str:
        """An expression of a type as one that ``=`` and ``except`` take: itself, where the type has an equality."""
        ...

    def surplus(self, left: str, right: str, columns: Sequence[str]) -> str:
        """A query for the rows of ``left`` that ``right`` lacks, as often as it lacks them; ``columns`` are expressions with names."""
        ...

    def cast(self, value: object, type_: str) -> str:
        """A Python value as an expression of a column type."""
        ...

    def comment(self, relation: Relation, kind: str, description: str | None, columns: dict[str, str]) -> tuple[str, ...]:
        """Statements that persist descriptions (``persist_docs``)."""
        ...

    def tag_columns(self, relation: Relation, kind: str, tags: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Statements that put policy tags on columns; none where an engine has no such thing."""
        ...

    def kind_of(self, relation: Relation) -> str:
        """A query for what a relation is, in the words of the information schema; no row when it is not there."""
        ...
