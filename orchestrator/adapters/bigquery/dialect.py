"""What to say to BigQuery."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from orchestrator.adapters.ansi import ADDED, LEDGER, LEDGER_COLUMNS, NEW, OLD
from orchestrator.adapters.ansi.intervals import INTERVAL_COLUMNS, INTERVALS
from orchestrator.adapters.bigquery import jobs, materialized, options
from orchestrator.adapters.bigquery.constraints import GoogleConstraints
from orchestrator.adapters.bigquery.history import Histories
from orchestrator.adapters.bigquery.layout import ARRIVAL, Partition, layout, refusal
from orchestrator.adapters.bigquery.lease import Leases
from orchestrator.core.config import listed
from orchestrator.core.contract import Contract
from orchestrator.core.errors import PlanError, Problem
from orchestrator.core.names import STAGE_SUFFIX, Relation
from orchestrator.core.snapshot import Built, Existing, Lease, Published, RelationKind

DUPLICATE = "the delta brings a key more than once"
"""What the statement in front of a merge says when it would not be clear which row counts."""

TYPES = {"text": "string", "bigint": "int64"}
"""The ledgers' types, in BigQuery's words."""

_DATASET = re.compile(r"[A-Za-z0-9_]+")


class BigQueryDialect(Leases, Histories, GoogleConstraints):
    """GoogleSQL, and the jobs that are not SQL (:mod:`.jobs`). A transaction of BigQuery holds changes of rows only."""

    name = "bigquery"
    sqlglot = "bigquery"
    max_identifier = 1024
    transactions: Literal["all", "rows"] = "rows"
    analyzer = "googlesql"
    estimates: bool = True
    materialized_views: bool = True
    keywords: ClassVar[dict[str, str]] = {**GoogleConstraints.keywords, "external": "external table"}

    def create_schema(self, relation: Relation) -> str:
        """Create the relation's dataset if it is not there, where the job runs. Raises ``PlanError`` for a name no dataset can have."""
        name = relation.schema or ""
        if not _DATASET.fullmatch(name):
            hint = "a dataset's name has letters, digits and underscores only"
            raise PlanError(Problem("N341", f"BigQuery has no dataset `{name}`", hint=hint))
        if name.startswith("_") and name != LEDGER.schema:
            hint = "begin its name with a letter"
            raise PlanError(Problem("N341", f"BigQuery hides the dataset `{name}`: nobody could look at what is in it", hint=hint))
        return f"{super().create_schema(relation)}\noptions (labels=[('created_by', 'orc')])"

    def create_table(self, relation: Relation, select: str, config: dict[str, Any]) -> str:
        """Create (or replace) a table from a query; the query's text appears unchanged and last.

        >>> by = {"field": "ts", "data_type": "timestamp", "time_ingestion_partitioning": True}
        >>> print(BigQueryDialect().create_table(Relation(None, "d", "t"), "select 1 as a, x as ts", {"partition_by": by}))
        ... # doctest: +ELLIPSIS
        -- job: create by arrival of `ts` as ifnull(timestamp_trunc(timestamp(`ts`), day), error('`ts` is null: ...'))
        create or replace table `d`.`t`
        partition by _PARTITIONDATE as
        select 1 as a, x as ts
        """
        by = layout(config).partition
        if by is not None and by.ingestion:
            if (strategy := config.get("incremental_strategy")) in ("merge", "microbatch"):
                hint = "use `insert_overwrite`, `delete+insert` or `append`, or leave `time_ingestion_partitioning` out"
                raise refusal(f"`{strategy}` does not go with `time_ingestion_partitioning`", hint)
            return jobs.text(jobs.Arrive(relation, by.field, by.arrival(), self.table_options(config), select))
        return f"create or replace table {self.relation(relation)}{self.table_options(config)} as\n{select}"

    def create_declared(self, relation: Relation, contract: Contract, config: Mapping[str, Any], *, constrained: bool = True) -> str:
        """Create (or replace) an empty table with the contract's columns. Raises ``PlanError`` (N340) for one split by arrival."""
        by = layout(config).partition
        if by is not None and by.ingestion:
            hint = "partition by the column itself: leave `time_ingestion_partitioning` out"
            raise refusal("a table with a contract cannot be partitioned by arrival: the column that says when is none of its own", hint)
        return super().create_declared(relation, contract, config, constrained=constrained)

    def table_options(self, config: dict[str, Any]) -> str:
        """Partitions, clusters and options."""
        found = options.clause(options.building(config))
        return layout(config).clauses() + (f"\n{found}" if found else "")

    def view_options(self, config: dict[str, Any]) -> str:
        """Labels and expiration."""
        found = options.clause(options.of_view(config))
        return f"\n{found}" if found else ""

    def create_materialized_view(self, relation: Relation, select: str, config: Mapping[str, Any]) -> str:
        """Create (or replace) a materialized view; the query's text appears unchanged and last.

        >>> print(BigQueryDialect().create_materialized_view(Relation(None, "d", "v"), "select 1 as a", {"enable_refresh": False}))
        create or replace materialized view `d`.`v`
        options (enable_refresh=false) as
        select 1 as a
        """
        found = options.clause(materialized.of_materialized_view(config, staged=relation.name.endswith(STAGE_SUFFIX)))
        shape = layout(config).clauses() + (f"\n{found}" if found else "")
        return f"create or replace materialized view {self.relation(relation)}{shape} as\n{select}"

    def replaces(self, existing: Existing, kind: RelationKind, config: Mapping[str, Any]) -> bool:
        """Whether a view of this kind, when it is created, takes the place of what is there: nothing takes that of another layout."""
        return super().replaces(existing, kind, config) and (kind == "view" or existing.layout == layout(config).words)

    def refresh(self, relation: Relation, select: str, config: Mapping[str, Any]) -> tuple[str, ...]:
        """Bring its rows up to date; should a table that it reads have been dropped and made anew, it is made anew as well."""
        lasts = {key: value for key, value in options.of_view(config).items() if key == "expiration_timestamp"}
        refresh = jobs.Refresh(relation, self.create_materialized_view(relation, select, config))
        return (*self._set(relation, lasts), jobs.text(refresh))

    def reconfigure(self, existing: Existing, config: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Set the options that are not the model's; ``None`` when only a new view can have them.

        >>> there = Existing(Relation(None, "d", "v"), "materialized_view", settings=(("enable_refresh", "true"),))
        >>> BigQueryDialect().reconfigure(there, {"enable_refresh": False})
        ('alter materialized view `d`.`v` set options (enable_refresh=false)',)
        """
        changed = materialized.different(dict(existing.settings), config)
        return None if changed is None else self._set(existing.relation, changed)

    def _set(self, relation: Relation, changed: Mapping[str, str]) -> tuple[str, ...]:
        return (f"alter materialized view {self.relation(relation)} set {options.clause(changed)}",) if changed else ()

    def swap(
        self, stage: Relation, target: Relation, existing: Existing | None, config: Mapping[str, Any] | None = None
    ) -> tuple[str, ...]:
        """Make the staged table the published one.

        A table of the same layout is replaced by a copy job, at once and keeping what belongs to it. Anything else makes room in the
        same script that gives the stage its name: the name is missing only between those two statements.
        """
        wanted = config or {}
        shape = layout(wanted)
        settings = options.clause(options.published(wanted))
        settle = (f"alter table {self.relation(target)} set {settings}",) if settings else ()
        rename = self.rename(stage, target.name)
        if existing is None:
            return (rename, *settle)
        if existing.kind == "table" and existing.layout == shape.words:
            copy = jobs.Copy(stage, target, key=wanted.get("kms_key_name"))
            return (jobs.text(copy), self.drop(Existing(stage, "table")), *settle)
        inherit = (jobs.text(jobs.Inherit(existing.relation, stage)),)
        return (*inherit, f"{self.drop(existing)};\n{rename}", *settle)

    def grants(self, relation: Relation, wanted: Mapping[str, Any]) -> tuple[str, ...]:
        """Make the relation's own access policy what is wanted; nothing wanted leaves it as it is."""
        return (jobs.text(jobs.Grant(relation, options.members(wanted))),) if wanted else ()

    def comment(self, relation: Relation, kind: str, description: str | None, columns: dict[str, str]) -> tuple[str, ...]:
        """All descriptions of a relation in one change: BigQuery allows few changes of a table in a short time.

        The columns of a materialized view have none: BigQuery changes nothing about its schema.
        """
        columns = {} if kind == "materialized_view" else columns
        return (jobs.text(jobs.Describe(relation, description, columns)),) if description is not None or columns else ()

    def tag_columns(self, relation: Relation, kind: str, tags: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
        """Set the policy tags of columns. Raises ``PlanError`` (N340) for a materialized view, whose columns have none of their own."""
        if tags and kind == "materialized_view":
            raise refusal(
                "the columns of a materialized view have no policy tags of their own", "tag the columns of the tables that it reads"
            )
        return (jobs.text(jobs.Describe(relation, tags={c: tuple(t) for c, t in tags.items()})),) if tags else ()

    def kind_of(self, relation: Relation) -> str:
        """A query for the type of a relation, in the words of the information schema; no row when there is none."""
        where = ".".join(self.quote(part) for part in (relation.database, relation.schema) if part)
        tables = f"{where}.INFORMATION_SCHEMA.TABLES" if where else "INFORMATION_SCHEMA.TABLES"
        return f"select table_type from {tables} where table_name = {self.text(relation.name)}"

    # incremental models

    def apply_delta(
        self,
        strategy: str,
        stage: Relation,
        target: Relation,
        columns: Sequence[str],
        unique_key: Sequence[str],
        options: dict[str, Any],
    ) -> tuple[str, ...]:
        """Apply a staged delta to an incremental model.

        ``insert_overwrite`` replaces the partitions that ``options["partitions"]`` lists (SQL expressions), or those that the delta has
        rows for. ``merge`` begins with a statement that refuses a delta in which a key is there twice.
        """
        if strategy == "insert_overwrite" and self._partition(options).copies:
            return (jobs.text(jobs.Copy(stage, target, partitions=True, key=options.get("kms_key_name"))),)
        by = layout(options).partition
        if by is not None and by.ingestion:
            columns = (ARRIVAL, *columns)
        statements = super().apply_delta(strategy, stage, target, columns, unique_key, options)
        if strategy == "merge" and unique_key:
            keys = ", ".join(self.quote(k) for k in unique_key)
            twice = f"select 1 from {self.relation(stage)} group by {keys} having count(*) > 1"
            return (f"assert not exists ({twice}) as {self.text(DUPLICATE)}", *statements)
        return statements

    def same_key(self, unique_key: Sequence[str]) -> str:
        """The condition that two rows have one key; two nulls are the same. In the one form that joins by hash."""

        def one(key: str) -> str:
            new, old = f"{NEW}.{self.quote(key)}", f"{OLD}.{self.quote(key)}"
            return f"({new} = {old} or ({new} is null and {old} is null))"

        return " and ".join(one(key) for key in unique_key)

    def add_columns(self, target: Relation, columns: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Add columns ``(name, type)`` to a table, in one change."""
        added = ", ".join(f"add column {self.quote(name)} {type_}" for name, type_ in columns)
        return (f"alter table {self.relation(target)} {added}",) if columns else ()

    def delete_partitions(self, stage: Relation, target: Relation, options: dict[str, Any]) -> str:
        """Delete the partitions that ``options["partitions"]`` lists, else those that the delta has rows of."""
        by = self._partition(options)
        named = [str(p) for p in listed(options.get("partitions"))]
        if named:
            return f"delete from {self.relation(target)}\nwhere {by.start(by.column)} in ({', '.join(named)})"
        return self._delete_partitions_of(stage, target, by)

    def _partition(self, given: Mapping[str, Any]) -> Partition:
        by = layout(given).partition
        if by is None:
            hint = "partition_by: {field: created_at, data_type: timestamp, granularity: day}"
            raise PlanError(Problem("N342", "`insert_overwrite` replaces partitions, and the model has no `partition_by`", hint=hint))
        return by

    def _delete_partitions_of(self, stage: Relation, target: Relation, by: Partition) -> str:
        """Delete the partitions that the delta has rows for. They are found first: only then are the others not read."""
        start, stage_name = by.start(by.column), self.relation(stage)
        return (
            f"declare orc_partitions array<{by.type}> default (select array_agg(distinct {start} ignore nulls) from {stage_name});\n"
            f"declare orc_without bool default exists (select 1 from {stage_name} where {by.column} is null);\n"
            f"delete from {self.relation(target)}\n"
            f"where {start} in unnest(orc_partitions) or (orc_without and {by.column} is null)"
        )

    # the ledgers

    def within(self, column: str, start: str, end: str) -> str:
        """The condition that an event time, a date or a moment of any kind, is in ``[start, end)``."""
        return f"timestamp({column}) >= timestamp {self.text(start)} and timestamp({column}) < timestamp {self.text(end)}"

    def share(self, column: str, millionths: int) -> str:
        """The condition that a row's key falls into a share of all keys."""
        return f"mod(farm_fingerprint(cast({column} as string)) & 9223372036854775807, 1000000) < {millionths}"

    def intervals_setup(self) -> tuple[str, ...]:
        """Create the table of intervals if it is not there."""
        columns = ", ".join(f"{self.quote(name)} {TYPES[type_]}" for name, type_ in INTERVAL_COLUMNS)
        return (f"create table if not exists {self.relation(INTERVALS)} ({columns})\ncluster by {self.quote('relation')}",)

    def intervals_write(self, built: Built) -> tuple[str, ...]:
        """Record a batch. Rows are only added, their union counts: transactions that add rows never conflict."""
        return super().intervals_write(built)[1:]

    def ledger_setup(self) -> tuple[str, ...]:
        """Create the ledger's dataset and table if they are not there."""
        columns = ", ".join(f"{self.quote(name)} {TYPES[type_]}" for name, type_ in LEDGER_COLUMNS)
        return (
            self.create_schema(LEDGER),
            f"create table if not exists {self.relation(LEDGER)} ({columns})\ncluster by {self.quote('node')}",
        )

    def ledger_write(self, published: Published, *, known: bool = True, lease: Lease | None = None) -> tuple[str, ...]:  # noqa: ARG002 - one statement serves all
        """Record a publish. Rows are only ever added, the newest of a node counts: transactions that add rows never conflict."""
        return super().ledger_write(published, known=False)

    def ledger_read(self, node: str) -> str:
        """A query for the run id last recorded for ``node``; proves a commit."""
        return f"{super().ledger_read(node)} order by {self.quote('at')} desc limit 1"

    def ledger_widen(self) -> tuple[str, ...]:
        """Add the column that an older version's ledger lacks; another run may be faster."""
        kind = TYPES[dict(LEDGER_COLUMNS)[ADDED]]
        return (f"alter table {self.relation(LEDGER)} add column if not exists {self.quote(ADDED)} {kind}",)

    def ledger_row(self, node: str) -> str:
        """A query for the newest row of ``node``."""
        return f"{super().ledger_row(node)} order by {self.quote('at')} desc limit 1"

    def ledger_rows(self, *, narrow: bool = False) -> str:
        """A query for the newest row of each node."""
        newest = f"row_number() over (partition by {self.quote('node')} order by {self.quote('at')} desc) = 1"
        return f"{super().ledger_rows(narrow=narrow)} where true qualify {newest}"
