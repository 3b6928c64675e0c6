"""The default dialect: standard SQL, in small methods that an engine overrides where it differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

from orchestrator.adapters.ansi.constraints import Constraints
from orchestrator.adapters.ansi.delta import NEW, OLD, Delta
from orchestrator.adapters.ansi.differences import Differences
from orchestrator.adapters.ansi.history import Histories
from orchestrator.adapters.ansi.intervals import INTERVALS
from orchestrator.adapters.ansi.lease import LEASE_COLUMNS, LEASES, Leases
from orchestrator.adapters.ansi.ledger import ADDED, LEDGER, LEDGER_COLUMNS, Ledger
from orchestrator.core.names import Relation
from orchestrator.core.snapshot import Existing, RelationKind

__all__ = ["ADDED", "INTERVALS", "LEASES", "LEASE_COLUMNS", "LEDGER", "LEDGER_COLUMNS", "NEW", "OLD", "AnsiDialect"]


class AnsiDialect(Delta, Constraints, Histories, Differences, Ledger, Leases):
    """What to say to an engine that follows the standard. Stateless; satisfies :class:`~orchestrator.core.ports.Dialect`."""

    sqlglot: str = ""
    max_identifier: int = 128
    trusts_commit: bool = False
    materialized_views: bool = False
    estimates: bool = False
    analyzer: str = ""
    transactions: Literal["all", "rows"] = "all"
    keywords: ClassVar[dict[str, str]] = {"table": "table", "view": "view", "materialized_view": "materialized view", "external": "table"}

    def drop_schema(self, relation: Relation) -> str:
        """Drop the relation's schema and everything in it."""
        return f"drop schema if exists {self.relation(replace(relation, name=''))} cascade"

    def drop_empty_schema(self, relation: Relation) -> str:
        """Drop the relation's schema if nothing is in it; fails when something is."""
        return self.drop_schema(relation).removesuffix(" cascade")

    def create_table(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a table from a query; the query's text appears unchanged and last."""
        return f"create or replace table {self.relation(relation)}{self.table_options(config)} as\n{select}"

    def create_view(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a view over a query; the query's text appears unchanged and last."""
        return f"create or replace view {self.relation(relation)}{self.view_options(config)} as\n{select}"

    def create_materialized_view(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a materialized view over a query; the query's text appears unchanged and last."""
        return f"create or replace materialized view {self.relation(relation)}{self.view_options(config)} as\n{select}"

    def refresh(self, relation: Relation, select: str, config: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002  engines that may have to create it override
        """Bring a materialized view's rows up to date."""
        return (f"refresh materialized view {self.relation(relation)}",)

    def reconfigure(self, existing: Existing, config: Mapping[str, Any]) -> tuple[str, ...] | None:  # noqa: ARG002  engines that have options override
        """Make the configuration of a materialized view that is there its node's; nothing when it is already."""
        return ()

    def table_options(self, config: dict[str, Any]) -> str:  # noqa: ARG002  engines that have options override
        """What stands between a new table's name and ``as``; starts with a space when it is not empty."""
        return ""

    def view_options(self, config: dict[str, Any]) -> str:  # noqa: ARG002  engines that have options override
        """What stands between a new view's name and ``as``; starts with a space when it is not empty."""
        return ""

    def drop(self, existing: Existing) -> str:
        """Drop what is there, by its kind, if it still exists. Never cascades."""
        return f"drop {self.keywords[existing.kind]} if exists {self.relation(existing.relation)}"

    def rename(self, relation: Relation, name: str) -> str:
        """Give a table another name in its schema."""
        return f"alter table {self.relation(relation)} rename to {self.quote(name)}"

    def swap(
        self,
        stage: Relation,
        target: Relation,
        existing: Existing | None,
        config: Mapping[str, Any] | None = None,  # noqa: ARG002  engines that have layouts override
    ) -> tuple[str, ...]:
        """Make the staged table the published one, replacing whatever ``existing`` is; for use inside one transaction."""
        drop = () if existing is None else (self.drop(existing),)
        return (*drop, self.rename(stage, target.name))

    def swap_rows(
        self, stage: Relation, target: Relation, existing: Existing | None, config: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        """Publish the stage's rows in the table that is there (``publish: in_place``); here a swap does not disturb readers either."""
        return self.swap(stage, target, existing, config)

    def swap_view(self, stage: Relation, target: Relation, existing: Existing | None) -> tuple[str, ...] | None:  # noqa: ARG002  engines that rename views override
        """Make the staged view, materialized or not, the published one; ``None``: send its text again, in place of the old one."""
        return None

    def replaces(self, existing: Existing, kind: RelationKind, config: Mapping[str, Any]) -> bool:  # noqa: ARG002  engines that have layouts override
        """Whether a view of this kind, when it is created, takes the place of what is there."""
        return existing.kind == kind

    def finish(self, stage: Relation, config: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002  engines that have indexes override
        """What a staged table still needs when its rows are there."""
        return ()

    def grants(self, relation: Relation, wanted: Mapping[str, Any]) -> tuple[str, ...]:  # noqa: ARG002  engines with privileges override
        """Make privileges those of a node's ``grants``."""
        return ()

    def comment(self, relation: Relation, kind: str, description: str | None, columns: dict[str, str]) -> tuple[str, ...]:
        """Statements that persist descriptions; ``description`` ``None`` leaves the relation's own comment alone."""
        name = self.relation(relation)
        own = () if description is None else (f"comment on {kind} {name} is {self.literal(description)}",)
        return (*own, *(f"comment on column {name}.{self.quote(c)} is {self.literal(text)}" for c, text in columns.items()))

    def tag_columns(self, relation: Relation, kind: str, tags: Mapping[str, Sequence[str]]) -> tuple[str, ...]:  # noqa: ARG002  engines with tags override
        """Statements that put policy tags on columns."""
        return ()

    def kind_of(self, relation: Relation) -> str:
        """A query for what a relation is, in the words of the information schema; no row when it is not there."""
        parts = {"table_catalog": relation.database, "table_schema": relation.schema, "table_name": relation.name}
        same = " and ".join(f"lower({column}) = lower({self.literal(part)})" for column, part in parts.items() if part)
        return f"select table_type from information_schema.tables where {same}"
